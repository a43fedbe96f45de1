/* SPDX-License-Identifier: Apache-2.0 */
/* The audio windows of a dataset's frames, from its features, all held as f32. Training
 * pads with zeros at both ends; generation repeats the nearest vector. */
#ifndef ST_TRAIN_WINDOWS_H
#define ST_TRAIN_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synctalk/status.h"

struct st_windows {
    float *vectors; /* owns; [count, vector] */
    int64_t count;
    size_t vector; /* floats */
    int window;    /* vectors a frame uses */
    uint64_t key;  /* of the numbers */
};

/* From `path`, an .npy of [N, ...] with `vector` floats a row. */
synctalk_status st_windows_open(struct st_windows *windows, const char *path, size_t vector,
                                int window, synctalk_error *err);
void st_windows_close(struct st_windows *windows); /* safe on a zeroed struct */

/* Vectors frame - window/2 ... frame + window/2 - 1 into dst[window, vector]. `repeat`: as
 * in generation. */
void st_windows_copy(const struct st_windows *windows, int64_t frame, bool repeat, float *dst);

#endif /* ST_TRAIN_WINDOWS_H */
