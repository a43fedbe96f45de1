/* SPDX-License-Identifier: Apache-2.0 */
/* The loop that every training is: steps, measurements, checkpoints, and the state that
 * lets it go on after any end.
 *
 *     folder/N.pth                       after each epoch; the last three and the best stay
 *     folder/train-state.safetensors     after each epoch, now and then, and when stopped
 *     folder/train.jsonl, loss.png, progress/N.png
 *
 * The checkpoint is written before the state that counts it: between the two, a run that
 * is killed does an epoch again and writes the same file.
 */
#ifndef ST_TRAIN_RUN_H
#define ST_TRAIN_RUN_H

#include <jansson.h>

#include "base/pool.h"
#include "synctalk/train.h"
#include "train/task.h"

#define ST_STATE_FILE "train-state.safetensors"

/* `identity`: all that decides what is computed, for the state; borrowed. `folder` is made
 * where it is absent. */
synctalk_status st_run(struct st_task *task, const synctalk_train_settings *settings,
                       const char *folder, json_t *identity, struct st_pool *pool,
                       const synctalk_callbacks *callbacks, synctalk_train_report *report,
                       synctalk_error *err);

#endif /* ST_TRAIN_RUN_H */
