/* SPDX-License-Identifier: Apache-2.0 */
/* Training, from a dataset to checkpoints.
 *
 *     data.h      frames, crops, windows of sound, what is held out
 *     sampler.h   which of them a step sees
 *     task.h      forward, losses.h, backward: UNet or SyncNet
 *     run.h       the loop: adam.h, measurements, state.h, journal.h, chart.h
 *
 * This folder knows losses and files; how a layer is differentiated is the business of nn/,
 * how a network is wired of models/. What it computes is a function of settings and data:
 * neither the number of workers nor an interruption changes a bit of it.
 */
#ifndef ST_TRAIN_TRAIN_H
#define ST_TRAIN_TRAIN_H

#include "synctalk/train.h"

/* See synctalk_train() and synctalk_train_syncnet(); the arguments have been checked. */
synctalk_status st_train(const synctalk_train_settings *settings,
                         const synctalk_callbacks *callbacks, synctalk_train_report *report,
                         synctalk_error *err);
synctalk_status st_train_syncnet(const synctalk_train_settings *settings,
                                 const synctalk_callbacks *callbacks, synctalk_train_report *report,
                                 synctalk_error *err);

#endif /* ST_TRAIN_TRAIN_H */
