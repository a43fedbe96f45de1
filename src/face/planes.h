/* SPDX-License-Identifier: Apache-2.0 */
/* Pixels as networks take them: planes of f32. */
#ifndef ST_FACE_PLANES_H
#define ST_FACE_PLANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* (level - mean) / scale of each channel, in this order. */
struct st_planes_form {
    bool rgb; /* planes red first; else blue first, as pixels are */
    float mean, scale;
};

/* `src`: a BGR view; `planes` [3, height, width]. */
void st_planes_from_pixels(float *planes, const uint8_t *src, int width, int height, size_t stride,
                           const struct st_planes_form *form);

#endif /* ST_FACE_PLANES_H */
