/* SPDX-License-Identifier: Apache-2.0 */
/* Training of the UNet that redraws the mouth. */
#ifndef ST_TRAIN_UNET_TASK_H
#define ST_TRAIN_UNET_TASK_H

#include "base/pool.h"
#include "kernels/kernels.h"
#include "train/data.h"
#include "train/task.h"

/* `settings`, `data` and `pool` are borrowed until close. `syncnet` and settings->vgg: NULL
 * for no such term. Parameters are random, or those of settings->warm_start. */
synctalk_status st_unet_task_open(struct st_task **out, const synctalk_train_settings *settings,
                                  enum st_train_precision precision, const char *syncnet,
                                  const struct st_train_data *data,
                                  const struct st_kernels *kernels, struct st_pool *pool,
                                  synctalk_error *err);
void st_unet_task_close(struct st_task **task); /* NULL-safe */

#endif /* ST_TRAIN_UNET_TASK_H */
