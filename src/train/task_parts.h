/* SPDX-License-Identifier: Apache-2.0 */
/* What the tasks have in common: how their net is made, how held-out frames are gone
 * through, how they end. */
#ifndef ST_TRAIN_TASK_PARTS_H
#define ST_TRAIN_TASK_PARTS_H

#include "kernels/kernels.h"
#include "train/task.h"

#define ST_TASK_PICTURE (3 * ST_INNER_PIXELS) /* numbers of a crop: [3, 320, 320] f32 */

/* All three are borrowed until the task is closed. */
void st_task_begin(struct st_task *task, const struct st_task_desc *desc,
                   const synctalk_train_settings *settings, const struct st_train_data *data,
                   struct st_pool *pool);

/* The task's net for task->batch samples; parameters are random, or those of
 * settings->warm_start. */
synctalk_status st_task_open_net(struct st_task *task, enum st_train_precision precision,
                                 const struct st_kernels *kernels, synctalk_error *err);

/* What the tasks that train a UNet say of a checkpoint, and ask of one to begin from: its width
 * and encoder must be those of the data. */
synctalk_status st_task_describe_unet(struct st_task *task, struct st_weights *weights,
                                      synctalk_error *err);
synctalk_status st_task_fits_unet(const struct st_weights *weights, const struct st_unet_form *want,
                                  synctalk_error *err);

/* How many of the held-out frames are measured: at most `most`. */
int st_task_held(const struct st_task *task, int most);

/* Before each batch of them: says how far it is, E_CANCELLED where the caller stops. */
synctalk_status st_task_held_turn(const synctalk_callbacks *callbacks, int done, int held,
                                  synctalk_error *err);

void st_task_end(struct st_task *task); /* its net and its sampler */

#endif /* ST_TRAIN_TASK_PARTS_H */
