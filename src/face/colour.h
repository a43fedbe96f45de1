/* SPDX-License-Identifier: Apache-2.0 */
/* How far the redrawn colours are off, judged where the network saw the true ones. */
#ifndef ST_FACE_COLOUR_H
#define ST_FACE_COLOUR_H

#include <stdint.h>

/* Levels to add at column x, row y of the inner crop, by channel (B, G, R): an inclined
 * plane, so that it follows the light over the face and not its features. */
struct st_colour_shift {
    float base[3];
    float per_x[3], per_y[3];
};

#define ST_COLOUR_SHIFT_MAX 24.0f /* levels; what is farther off is no tint */

/* `crop` [328, 328, 3] u8 as cut from the frame, `prediction` [3, 320, 320] f32. All zero
 * where nothing reaches half a level. */
void st_colour_shift_fit(struct st_colour_shift *shift, const uint8_t *crop,
                         const float *prediction);

/* The shift at one place, bounded. */
static inline float st_colour_shift_at(const struct st_colour_shift *shift, int channel, float x,
                                       float y)
{
    float levels = shift->base[channel] + shift->per_x[channel] * x + shift->per_y[channel] * y;
    return levels > ST_COLOUR_SHIFT_MAX    ? ST_COLOUR_SHIFT_MAX
           : levels < -ST_COLOUR_SHIFT_MAX ? -ST_COLOUR_SHIFT_MAX
                                           : levels;
}

#endif /* ST_FACE_COLOUR_H */
