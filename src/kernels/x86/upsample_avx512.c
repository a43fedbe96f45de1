/* SPDX-License-Identifier: Apache-2.0 */
/* Bilinear x2, aligned corners, sixteen channels at a time. No FMA: the rounding is the
 * reference's.
 */
#include <assert.h>
#include <immintrin.h>

#include "kernels/kernels_impl.h"

#ifndef __AVX512F__
#error "compile this file with the flags that src/kernels/meson.build gives it"
#endif

/* Weights of one output row: rows of the source, and where it lies between them. */
struct row_pair {
    const float *row0, *row1; /* [W, B] */
    float fy;
};

/* Columns x0 and x1 are offsets in floats. */
static void blend_pixel(float *out, const struct row_pair *pair, size_t x0, size_t x1, float fx,
                        size_t B)
{
    const float *a = pair->row0 + x0, *b = pair->row0 + x1;
    const float *c = pair->row1 + x0, *d = pair->row1 + x1;
    const __m512 vfx = _mm512_set1_ps(fx), vgx = _mm512_set1_ps(1 - fx);
    const __m512 vfy = _mm512_set1_ps(pair->fy), vgy = _mm512_set1_ps(1 - pair->fy);
    for (size_t i = 0; i < B; i += 16) {
        const unsigned lanes = B - i < 16 ? (1u << (B - i)) - 1 : 0xFFFFu;
        const __mmask16 m = (__mmask16)lanes;
        __m512 top = _mm512_add_ps(_mm512_mul_ps(vgx, _mm512_maskz_loadu_ps(m, a + i)),
                                   _mm512_mul_ps(vfx, _mm512_maskz_loadu_ps(m, b + i)));
        __m512 low = _mm512_add_ps(_mm512_mul_ps(vgx, _mm512_maskz_loadu_ps(m, c + i)),
                                   _mm512_mul_ps(vfx, _mm512_maskz_loadu_ps(m, d + i)));
        __m512 sum = _mm512_add_ps(_mm512_mul_ps(vgy, top), _mm512_mul_ps(vfy, low));
        _mm512_mask_storeu_ps(out + i, m, sum);
    }
}

/* [planes, H, W, B] -> [planes, 2H, 2W, B] */
void st_upsample2x_avx512(ST_UPSAMPLE2X_ARGS)
{
    assert(planes && H && W && B);
    const float scale_y = (float)(H - 1) / (float)(2 * H - 1);
    const float scale_x = (float)(W - 1) / (float)(2 * W - 1);

    for (size_t row = 0; row < planes * 2 * H; row++) {
        size_t plane = row / (2 * H), y = row % (2 * H);
        float at_y = scale_y * (float)y;
        size_t y0 = (size_t)at_y, y1 = y0 + (y0 + 1 < H);
        const struct row_pair pair = {
            .row0 = src + (plane * H + y0) * W * B,
            .row1 = src + (plane * H + y1) * W * B,
            .fy = at_y - (float)y0,
        };
        float *out = dst + row * 2 * W * B;
        for (size_t x = 0; x < 2 * W; x++) {
            float at_x = scale_x * (float)x;
            size_t x0 = (size_t)at_x, x1 = x0 + (x0 + 1 < W);
            blend_pixel(out + x * B, &pair, x0 * B, x1 * B, at_x - (float)x0, B);
        }
    }
}
