/* SPDX-License-Identifier: Apache-2.0 */
/* A short fine-tune that lets a checkpoint be computed in bytes: what the network in bytes
 * draws (models/tune.h) is pulled towards what the checkpoint drew in floats. */
#ifndef ST_TRAIN_QUANTISE_TASK_H
#define ST_TRAIN_QUANTISE_TASK_H

#include "kernels/kernels.h"
#include "train/task.h"

/* From the checkpoint settings->warm_start, whose form is that of `data`; all arguments are
 * borrowed until the task is closed. */
synctalk_status st_quantise_task_open(struct st_task **out, const synctalk_train_settings *settings,
                                      const struct st_train_data *data,
                                      const struct st_kernels *kernels, struct st_pool *pool,
                                      synctalk_error *err);
void st_quantise_task_close(struct st_task **task); /* NULL-safe */

#endif /* ST_TRAIN_QUANTISE_TASK_H */
