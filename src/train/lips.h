/* SPDX-License-Identifier: Apache-2.0 */
/* Where the lips are in each crop, by the landmarks. */
#ifndef ST_TRAIN_LIPS_H
#define ST_TRAIN_LIPS_H

#include "face/dataset.h"
#include "train/losses.h"

/* Around the outer lips of `landmarks`, with a quarter of their width as margin; all in the
 * inner crop of `box`, at least one pixel. */
struct st_region st_lips_region(const struct st_landmarks *landmarks,
                                const struct st_crop_box *box);

/* Of the first `frames` frames; `*out` is the caller's, to be freed. */
synctalk_status st_lips_open(struct st_region **out, const struct st_dataset *dataset,
                             int64_t frames, synctalk_error *err);

#endif /* ST_TRAIN_LIPS_H */
