/* SPDX-License-Identifier: Apache-2.0 */
/* BF16 products. Inline assembly, because GCC 12 spills the sums of a chain of intrinsics. */
#ifndef __AVX512BF16__
#include "kernels/pixel.h"
#error "compile this file with the flags that src/kernels/meson.build gives it"
#endif

#define ST_SUMS __m512
#define ST_ZERO() _mm512_setzero_ps()
#define ST_STEP(sum, x, w) __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w))
#define ST_NUMBERS(sum) (sum)
#define ST_TILE_NAME st_pointwise_bf16
#include "kernels/x86/pixel_tile_avx512.h"

void st_pixel_kernels_avx512_bf16(struct st_pixel_kernels *k)
{
    k->pointwise[ST_ELEMENT_BF16] = st_pointwise_bf16;
    k->names[ST_ELEMENT_BF16] = "avx512_bf16";
}
