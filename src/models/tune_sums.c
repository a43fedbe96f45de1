/* SPDX-License-Identifier: Apache-2.0 */
/* Loops of tune_backward.c over pixels and channels. Sums are f32 over a strip of pixels and in
 * double over strips; none depends on how wide a register is.
 */
#include <assert.h>
#include <string.h>

#include "models/tune_impl.h"

#define AT_ONCE ((size_t)16) /* channels */

/* To the nearest integer, ties to even, below 2^22; see nn/quantise.c. */
static inline float nearest(float x)
{
    return (x + 12582912.0F) - 12582912.0F;
}

struct lanes {
    float bias[AT_ONCE], top[AT_ONCE], bottom[AT_ONCE], inside[AT_ONCE];
};

/* Of AT_ONCE channels. */
static void go_back(float *restrict g, size_t g_stride, const float *restrict v, size_t v_stride,
                    size_t P, float lowest, struct lanes *restrict sums)
{
    for (size_t p = 0; p < P; p++, g += g_stride, v += v_stride) {
        for (size_t c = 0; c < AT_ONCE; c++) {
            const float x = v[c], d = g[c];
            const float above = x > 255.5F ? d : 0, below = x < lowest ? d : 0;
            const float kept = d - above - below;
            const float near = x > 255.5F ? 255.5F : x < lowest ? 0 : x;
            float level = nearest(near);
            level = level > 255 ? 255 : level;
            sums->top[c] += above;
            sums->bottom[c] += below;
            sums->inside[c] += kept * (level - near);
            sums->bias[c] += kept;
            g[c] = kept;
        }
    }
}

void st_tune_round_back(float *g, size_t g_stride, const float *v, size_t v_stride, size_t P,
                        size_t C, bool relu, struct st_tune_sums *sums)
{
    const float lowest = relu ? 0 : -0.5F;
    assert(C % AT_ONCE == 0);
    for (size_t first = 0; first < C; first += AT_ONCE) {
        struct lanes lanes;
        memset(&lanes, 0, sizeof lanes);
        go_back(g + first, g_stride, v + first, v_stride, P, lowest, &lanes);
        for (size_t c = 0; c < AT_ONCE; c++) {
            sums->bias[first + c] += (double)lanes.bias[c];
            sums->top[first + c] += (double)lanes.top[c];
            sums->bottom[first + c] += (double)lanes.bottom[c];
            sums->inside[first + c] += (double)lanes.inside[c];
        }
    }
}

void st_tune_add_up(double *to, const float *g, size_t stride, size_t P, size_t C)
{
    for (size_t first = 0; first < C; first += AT_ONCE) {
        float sums[AT_ONCE] = {0};
        for (size_t p = 0; p < P; p++)
            for (size_t c = 0; c < AT_ONCE; c++)
                sums[c] += g[p * stride + first + c];
        for (size_t c = 0; c < AT_ONCE; c++)
            to[first + c] += (double)sums[c];
    }
}
