/* SPDX-License-Identifier: Apache-2.0 */
/* Bilinear x2, aligned corners. Positions and weights are float32 with each product and
 * sum rounded, as PyTorch computes them; every variant does the same and is bit-equal.
 */
#include <assert.h>

#include "kernels/kernels_impl.h"

/* [planes, H, W, B] -> [planes, 2H, 2W, B] */
void st_upsample2x_ref(ST_UPSAMPLE2X_ARGS)
{
    assert(planes && H && W && B);
    const float scale_y = (float)(H - 1) / (float)(2 * H - 1);
    const float scale_x = (float)(W - 1) / (float)(2 * W - 1);

    for (size_t plane = 0; plane < planes; plane++) {
        for (size_t y = 0; y < 2 * H; y++) {
            float at_y = scale_y * (float)y;
            size_t y0 = (size_t)at_y, y1 = y0 + (y0 + 1 < H);
            float fy = at_y - (float)y0;
            const float *row0 = src + (plane * H + y0) * W * B;
            const float *row1 = src + (plane * H + y1) * W * B;
            float *out = dst + (plane * 2 * H + y) * 2 * W * B;

            for (size_t x = 0; x < 2 * W; x++) {
                float at_x = scale_x * (float)x;
                size_t x0 = (size_t)at_x, x1 = x0 + (x0 + 1 < W);
                float fx = at_x - (float)x0;
                for (size_t b = 0; b < B; b++) {
                    float top = (1 - fx) * row0[x0 * B + b] + fx * row0[x1 * B + b];
                    float low = (1 - fx) * row1[x0 * B + b] + fx * row1[x1 * B + b];
                    out[x * B + b] = (1 - fy) * top + fy * low;
                }
            }
        }
    }
}
