/* SPDX-License-Identifier: Apache-2.0 */
/* OpenCV's 8-bit bicubic, one row at a time. The sums are exact in int32 and in f32; only
 * the products of the vertical pass round, so their order is part of the definition. */
#include <assert.h>
#include <math.h>

#include "kernels/kernels_impl.h"

void st_cubic_row_ref(int32_t *dst, const uint8_t *src, const int32_t *tap, const int16_t *weight,
                      size_t width)
{
    assert(width > 0);
    for (size_t x = 0; x < width; x++) {
        for (size_t c = 0; c < 3; c++) {
            int32_t sum = 0;
            for (size_t k = 0; k < 4; k++)
                sum += src[(size_t)tap[x * 4 + k] * 3 + c] * weight[x * 4 + k];
            dst[x * 3 + c] = sum;
        }
    }
}

void st_cubic_column_ref(uint8_t *dst, const int32_t *const rows[4], const float b[4], size_t count)
{
    assert(count > 0);
    for (size_t i = 0; i < count; i++) {
        float sum = (float)rows[3][i] * b[3];
        sum = sum + (float)rows[2][i] * b[2];
        sum = sum + (float)rows[1][i] * b[1];
        sum = sum + (float)rows[0][i] * b[0];
        long level = lrintf(sum); /* half to even: the default rounding mode */
        dst[i] = (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
    }
}
