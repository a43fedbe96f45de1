/* SPDX-License-Identifier: Apache-2.0 */
/* How much of the redrawn square counts at each of its pixels, 0..255. */
#ifndef ST_FACE_OUTLINE_H
#define ST_FACE_OUTLINE_H

#include <stddef.h>
#include <stdint.h>

#include "face/landmarks.h"

#define ST_OUTLINE_CELLS 80

/* A smooth step of width `feather` pixels, from 0 at distance <= 0 to 255; with feather 0
 * one antialiased pixel around 0. */
uint8_t st_feather(float distance, float feather);

/* Distances from the outline of the lower face, in pixels of the frame, positive inside,
 * on a grid over the square: it is smooth, so between the points a straight line will do. */
struct st_outline {
    float distance[(ST_OUTLINE_CELLS + 1) * (ST_OUTLINE_CELLS + 1)];
};

/* The jaw from cheek to cheek, closed over the bridge of the nose, moved outwards a
 * little, because a chin that speaks goes lower than the one in the frame. */
void st_outline_build(struct st_outline *outline, const struct st_landmarks *landmarks,
                      const struct st_crop_box *box);

/* alpha[x] = min(alpha[x], feathered outline) for row y of the square, x in [0, side). */
void st_outline_row(uint8_t *alpha, const struct st_outline *outline, int side, int y,
                    float feather);

#endif /* ST_FACE_OUTLINE_H */
