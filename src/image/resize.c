/* SPDX-License-Identifier: Apache-2.0 */
/* OpenCV's INTER_CUBIC for 8-bit pixels, bit by bit. The easy thing to get wrong is the
 * vertical pass: it runs in f32, with weights first rounded to 1/2048. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "image/picture.h"
#include "kernels/kernels.h"

struct st_resizer {
    struct st_kernels kernels;
    int max_side;
    int32_t *tap;     /* [max_side, 4] column indices, owned */
    int16_t *weight;  /* [max_side, 4] x 2048, owned */
    int32_t *rows[4]; /* [max_side * 3] horizontal sums of source row r in rows[r % 4], owned */
};

synctalk_status st_resizer_create(struct st_resizer **out, int max_side,
                                  const struct st_kernels *kernels, synctalk_error *err)
{
    *out = NULL;
    if (max_side < 1 || max_side > ST_PICTURE_MAX_SIDE)
        return st_fail(err, SYNCTALK_E_ARG, "a resizer for sides of %d: 1 to %d are possible",
                       max_side, ST_PICTURE_MAX_SIDE);
    size_t side = (size_t)max_side;
    struct st_resizer *resizer = calloc(1, sizeof *resizer);
    if (!resizer)
        return st_fail_memory(err, "a resizer", sizeof *resizer);
    resizer->kernels = *kernels;
    resizer->max_side = max_side;
    resizer->tap = st_alloc_aligned(side * 4 * sizeof *resizer->tap);
    resizer->weight = st_alloc_aligned(side * 4 * sizeof *resizer->weight);
    bool whole = resizer->tap && resizer->weight;
    for (int k = 0; k < 4; k++) {
        resizer->rows[k] = st_alloc_aligned(side * 3 * sizeof **resizer->rows);
        whole = whole && resizer->rows[k];
    }
    if (!whole) {
        st_resizer_destroy(&resizer);
        return st_fail_memory(err, "a resizer's rows", side * 4 * 3 * sizeof(int32_t));
    }
    *out = resizer;
    return SYNCTALK_OK;
}

void st_resizer_destroy(struct st_resizer **resizer)
{
    if (!resizer || !*resizer)
        return;
    free((*resizer)->tap);
    free((*resizer)->weight);
    for (int k = 0; k < 4; k++)
        free((*resizer)->rows[k]);
    free(*resizer);
    *resizer = NULL;
}

static int clamp_index(int i, int count)
{
    return i < 0 ? 0 : i >= count ? count - 1 : i;
}

/* The four source indices of destination index d, border replicated, and their weights
 * x 2048. Keys's kernel with a = -0.75, every step rounded to f32 as OpenCV's is. */
static void cubic_taps(int32_t tap[4], int16_t weight[4], int d, int dst, int src)
{
    const float a = -0.75f;
    const float x = (float)(((double)d + 0.5) * ((double)src / (double)dst) - 0.5);
    const float floor_x = floorf(x);
    const float t = x - floor_x;
    const float u = 1.0f - t;
    float w[4];

    w[0] = ((a * (t + 1.0f) - 5.0f * a) * (t + 1.0f) + 8.0f * a) * (t + 1.0f) - 4.0f * a;
    w[1] = ((a + 2.0f) * t - (a + 3.0f)) * t * t + 1.0f;
    w[2] = ((a + 2.0f) * u - (a + 3.0f)) * u * u + 1.0f;
    w[3] = 1.0f - w[0] - w[1] - w[2];
    for (int k = 0; k < 4; k++) {
        tap[k] = clamp_index((int)floor_x - 1 + k, src);
        weight[k] = (int16_t)lrintf(w[k] * 2048.0f);
    }
}

void st_resize_cubic(struct st_resizer *resizer, uint8_t *dst, int dst_width, int dst_height,
                     size_t dst_stride, const uint8_t *src, int src_width, int src_height,
                     size_t src_stride)
{
    assert(dst_width > 0 && dst_width <= resizer->max_side && dst_height > 0);
    assert(src_width > 0 && src_height > 0);
    const size_t width = (size_t)dst_width;
    int held[4] = {-1, -1, -1, -1}; /* source row whose sums are in rows[k] */

    for (int x = 0; x < dst_width; x++)
        cubic_taps(resizer->tap + (size_t)x * 4, resizer->weight + (size_t)x * 4, x, dst_width,
                   src_width);

    for (int y = 0; y < dst_height; y++) {
        int32_t tap[4];
        int16_t weight[4];
        const int32_t *rows[4];
        float b[4];
        cubic_taps(tap, weight, y, dst_height, src_height);
        for (int k = 0; k < 4; k++) {
            int slot = tap[k] % 4;
            if (held[slot] != tap[k]) {
                resizer->kernels.cubic_row(resizer->rows[slot], src + (size_t)tap[k] * src_stride,
                                           resizer->tap, resizer->weight, width);
                held[slot] = tap[k];
            }
            rows[k] = resizer->rows[slot];
            b[k] = (float)weight[k] * 0x1p-22f;
        }
        resizer->kernels.cubic_column(dst + (size_t)y * dst_stride, rows, b, width * 3);
    }
}
