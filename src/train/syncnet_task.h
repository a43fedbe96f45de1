/* SPDX-License-Identifier: Apache-2.0 */
/* Training of the SyncNet that judges whether a mouth fits a sound. */
#ifndef ST_TRAIN_SYNCNET_TASK_H
#define ST_TRAIN_SYNCNET_TASK_H

#include "base/pool.h"
#include "kernels/kernels.h"
#include "train/data.h"
#include "train/task.h"

/* `settings`, `data` and `pool` are borrowed until close. Parameters are random, or those
 * of settings->warm_start. */
synctalk_status st_syncnet_task_open(struct st_task **out, const synctalk_train_settings *settings,
                                     enum st_train_precision precision,
                                     const struct st_train_data *data,
                                     const struct st_kernels *kernels, struct st_pool *pool,
                                     synctalk_error *err);
void st_syncnet_task_close(struct st_task **task); /* NULL-safe */

#endif /* ST_TRAIN_SYNCNET_TASK_H */
