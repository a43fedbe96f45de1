/* SPDX-License-Identifier: Apache-2.0 */
/* Mixing two rows of pixels. 255 is odd, so no quotient ends in exactly one half. */
#include <assert.h>

#include "kernels/kernels_impl.h"

void st_blend_row_ref(uint8_t *dst, const uint8_t *base, const uint8_t *src, const uint8_t *alpha,
                      size_t count)
{
    assert(count > 0);
    for (size_t i = 0; i < count; i++) {
        unsigned a = alpha[i];
        for (size_t c = i * 3; c < i * 3 + 3; c++)
            dst[c] = (uint8_t)((base[c] * (255 - a) + src[c] * a + 127) / 255);
    }
}
