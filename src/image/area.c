/* SPDX-License-Identifier: Apache-2.0 */
/* OpenCV's INTER_AREA for 8-bit pixels. Shrinking is a mean over a box whose edges fall inside
 * pixels; enlarging blends two neighbours whose places differ from the bilinear ones.
 *
 * In units of 1 / dst of a source pixel all edges are whole numbers, so the sums are exact:
 * destination pixel d covers [d * src, (d + 1) * src), source pixel s [s * dst, (s + 1) * dst).
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "image/picture.h"
#include "image/places.h"

/* A walk along one axis: the source pixel at hand, and how much of it is left. */
struct walk {
    int at, left;
};

/* The part of the pixel at hand that the next `*need` units take; steps on when it is used up. */
static int take(struct walk *walk, int dst, int *need, int *pixel)
{
    const int part = walk->left < *need ? walk->left : *need;
    *pixel = walk->at;
    *need -= part;
    walk->left -= part;
    if (walk->left == 0)
        *walk = (struct walk){walk->at + 1, dst};
    return part;
}

/* sums[i] += part * row[i]; whole numbers below 2^24, which f32 holds exactly. */
static void add_row(float *restrict sums, const uint8_t *restrict row, float part, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] += part * (float)row[i];
}

/* One row of means. `inverse` is 1 / (units in a box); a quarter of a unit added to a
 * numerator keeps a quotient of a whole or a half from falling below itself, and cannot reach
 * the next one, half a unit away. */
static void mean_row(uint8_t *dst, int dst_width, const float *sums, int src_width, double inverse)
{
    struct walk walk = {0, dst_width};
    for (int d = 0; d < dst_width; d++) {
        double total[3] = {0, 0, 0};
        int pixel;
        for (int need = src_width; need > 0;) {
            const double part = take(&walk, dst_width, &need, &pixel);
            for (int c = 0; c < 3; c++)
                total[c] += part * (double)sums[pixel * 3 + c];
        }
        for (int c = 0; c < 3; c++)
            *dst++ = (uint8_t)((total[c] + 0.25) * inverse + 0.5);
    }
}

static void shrink(uint8_t *dst, int dst_width, int dst_height, size_t dst_stride,
                   const uint8_t *src, int src_width, int src_height, size_t src_stride,
                   float *sums)
{
    const size_t count = (size_t)src_width * 3;
    const double inverse = 1.0 / ((double)src_width * (double)src_height);
    struct walk walk = {0, dst_height};
    for (int d = 0; d < dst_height; d++) {
        int row;
        memset(sums, 0, count * sizeof *sums);
        for (int need = src_height; need > 0;) {
            const int part = take(&walk, dst_height, &need, &row);
            add_row(sums, src + (size_t)row * src_stride, (float)part, count);
        }
        mean_row(dst + (size_t)d * dst_stride, dst_width, sums, src_width, inverse);
    }
}

static struct st_place locate(int d, int dst, int src, bool column)
{
    const double up = (double)dst / (double)src;
    const double scale = 1.0 / up;
    int at = (int)floor((double)d * scale);
    float t = (float)((double)(d + 1) - (double)(at + 1) * up);
    t = t <= 0.0f ? 0.0f : t - floorf(t);
    if (at >= src - 1) {
        at = src - 1;
        t = column ? 0.0f : t;
    }
    return (struct st_place){
        .first = at,
        .second = at + 1 < src ? at + 1 : src - 1,
        .weight = {(int)lrintf((1.0f - t) * 2048.0f), (int)lrintf(t * 2048.0f)},
    };
}

void st_resize_area(uint8_t *dst, int dst_width, int dst_height, size_t dst_stride,
                    const uint8_t *src, int src_width, int src_height, size_t src_stride,
                    float *scratch)
{
    assert(dst_width > 0 && dst_height > 0 && src_width > 0 && src_height > 0);
    assert(src_width <= ST_PICTURE_MAX_SIDE && src_height <= ST_PICTURE_MAX_SIDE);
    if (dst_width <= src_width && dst_height <= src_height)
        shrink(dst, dst_width, dst_height, dst_stride, src, src_width, src_height, src_stride,
               scratch);
    else
        st_resize_places(dst, dst_width, dst_height, dst_stride, src, src_width, src_height,
                         src_stride, locate);
}
