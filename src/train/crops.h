/* SPDX-License-Identifier: Apache-2.0 */
/* The inner crops of all frames of a dataset, cut once and mapped from then on.
 *
 * They lie in dataset/NAME/.synctalk-crops, written whole or not at all, behind a key made
 * of every picture's size and time and every crop's square: what changed is cut again. What a
 * training depends on is their pixels alone, so that it can go on in a copy of its folder.
 */
#ifndef ST_TRAIN_CROPS_H
#define ST_TRAIN_CROPS_H

#include <stdint.h>

#include "base/file.h"
#include "base/pool.h"
#include "face/dataset.h"
#include "face/redraw.h"
#include "kernels/kernels.h"

#define ST_INNER_PIXELS ((size_t)ST_INNER_SIDE * ST_INNER_SIDE)
#define ST_INNER_BYTES (ST_INNER_PIXELS * 3)

struct st_crops {
    struct st_mapping map; /* owns */
    const uint8_t *pixels; /* in the map: [frames, 320, 320, 3] BGR */
    int64_t frames;
    uint64_t key; /* of their pixels */
};

/* Map the crops, cutting them first where there are none that fit. */
synctalk_status st_crops_open(struct st_crops *crops, const struct st_dataset *dataset,
                              struct st_pool *pool, const synctalk_callbacks *callbacks,
                              synctalk_error *err);
void st_crops_close(struct st_crops *crops); /* safe on a zeroed struct */

static inline const uint8_t *st_crops_at(const struct st_crops *crops, int64_t frame)
{
    return crops->pixels + (size_t)frame * ST_INNER_BYTES;
}

/* Cut the crops of some frames as generation does, bicubic, into pixels[count, 320, 320, 3];
 * nothing is kept. For measuring: what a crop is resized with makes 0.4 dB. */
synctalk_status st_crops_cut_cubic(uint8_t *pixels, const int64_t *frames, size_t count,
                                   const struct st_dataset *dataset,
                                   const struct st_kernels *kernels, struct st_pool *pool,
                                   synctalk_error *err);

/* `planes` [3, 320, 320] f32 in [0, 1] of one crop. `masked`: without what the network
 * must draw. */
void st_crop_planes(const uint8_t *crop, bool masked, float *planes);

#endif /* ST_TRAIN_CROPS_H */
