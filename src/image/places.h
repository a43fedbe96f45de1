/* SPDX-License-Identifier: Apache-2.0 */
/* OpenCV's 8-bit blending of two neighbours per axis, which two of its resamplers share. */
#ifndef ST_IMAGE_PLACES_H
#define ST_IMAGE_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The two source indices of a destination index, and their weights x 2048. */
struct st_place {
    int first, second;
    int weight[2];
};

/* Of destination index d, along an axis of `dst` from `src` pixels. */
typedef struct st_place st_locate(int d, int dst, int src, bool column);

/* BGR views of any sizes >= 1. */
void st_resize_places(uint8_t *dst, int dst_width, int dst_height, size_t dst_stride,
                      const uint8_t *src, int src_width, int src_height, size_t src_stride,
                      st_locate *place);

#endif /* ST_IMAGE_PLACES_H */
