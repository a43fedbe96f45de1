/* SPDX-License-Identifier: Apache-2.0 */
/* What a person's training reads: frames cut to crops, the windows of sound that belong to
 * them, and which of them are kept out. Immutable once open. */
#ifndef ST_TRAIN_DATA_H
#define ST_TRAIN_DATA_H

#include "face/dataset.h"
#include "models/unet.h"
#include "synctalk/train.h"
#include "train/crops.h"
#include "train/windows.h"

struct st_train_data {
    struct st_dataset dataset;
    struct st_crops crops;
    struct st_windows windows;
    struct st_unet_form form; /* width as asked for, encoder decided */
    int64_t frames;           /* with a picture and sound */
    int64_t train;            /* the first of them; the others are held out */
    uint64_t key;             /* of pixels and features: changes where they do, not their files */
};

synctalk_status st_train_data_open(struct st_train_data *data,
                                   const synctalk_train_settings *settings, struct st_pool *pool,
                                   const synctalk_callbacks *callbacks, synctalk_error *err);
void st_train_data_close(struct st_train_data *data); /* safe on a zeroed struct */

/* A frame to show the person by where `held` is drawn in a test: far away in time, always
 * the same, and one that was trained on. */
int64_t st_train_data_reference(const struct st_train_data *data, int64_t held);

#endif /* ST_TRAIN_DATA_H */
