/* SPDX-License-Identifier: Apache-2.0 */
/* OpenCV's INTER_LINEAR for 8-bit pixels, bit by bit. The easy things to get wrong: at a
 * border columns lose their fraction and rows keep theirs, and the vertical pass drops
 * low bits before it multiplies. */
#include <assert.h>
#include <math.h>
#include <stdbool.h>

#include "image/picture.h"
#include "image/places.h"

#define BLOCK 64 /* columns whose places are worked out once for all rows */

static int clamp_index(int i, int count)
{
    return i < 0 ? 0 : i >= count ? count - 1 : i;
}

static struct st_place locate(int d, int dst, int src, bool column)
{
    const float x = (float)(((double)d + 0.5) * ((double)src / (double)dst) - 0.5);
    const float floor_x = floorf(x);
    const int at = (int)floor_x;
    float t = x - floor_x;
    if (column && (at < 0 || at >= src - 1))
        t = 0.0f;
    return (struct st_place){
        .first = clamp_index(at, src),
        .second = clamp_index(at + 1, src),
        .weight = {(int)lrintf((1.0f - t) * 2048.0f), (int)lrintf(t * 2048.0f)},
    };
}

static int across(const uint8_t *row, const struct st_place *x, int channel)
{
    return row[x->first * 3 + channel] * x->weight[0] + row[x->second * 3 + channel] * x->weight[1];
}

/* Columns [from, from + count) of every row. */
static void resize_block(uint8_t *dst, int dst_width, int dst_height, size_t dst_stride,
                         const uint8_t *src, int src_width, int src_height, size_t src_stride,
                         int from, int count, st_locate *place)
{
    struct st_place columns[BLOCK];
    for (int i = 0; i < count; i++)
        columns[i] = place(from + i, dst_width, src_width, true);
    for (int y = 0; y < dst_height; y++) {
        const struct st_place row = place(y, dst_height, src_height, false);
        const uint8_t *upper = src + (size_t)row.first * src_stride;
        const uint8_t *lower = src + (size_t)row.second * src_stride;
        uint8_t *to = dst + (size_t)y * dst_stride + (size_t)from * 3;
        for (int i = 0; i < count; i++) {
            for (int c = 0; c < 3; c++) {
                int first = (row.weight[0] * (across(upper, &columns[i], c) >> 4)) >> 16;
                int second = (row.weight[1] * (across(lower, &columns[i], c) >> 4)) >> 16;
                *to++ = (uint8_t)((first + second + 2) >> 2);
            }
        }
    }
}

void st_resize_places(uint8_t *dst, int dst_width, int dst_height, size_t dst_stride,
                      const uint8_t *src, int src_width, int src_height, size_t src_stride,
                      st_locate *place)
{
    assert(dst_width > 0 && dst_height > 0 && src_width > 0 && src_height > 0);
    for (int from = 0; from < dst_width; from += BLOCK)
        resize_block(dst, dst_width, dst_height, dst_stride, src, src_width, src_height, src_stride,
                     from, dst_width - from < BLOCK ? dst_width - from : BLOCK, place);
}

void st_resize_linear(uint8_t *dst, int dst_width, int dst_height, size_t dst_stride,
                      const uint8_t *src, int src_width, int src_height, size_t src_stride)
{
    st_resize_places(dst, dst_width, dst_height, dst_stride, src, src_width, src_height, src_stride,
                     locate);
}
