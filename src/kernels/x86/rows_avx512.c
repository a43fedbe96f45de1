/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in vectors of sixteen. */
#include <immintrin.h>

#include "kernels/rows_impl.h"

#if !defined(__AVX512F__) || !defined(__AVX512DQ__)
#error "compile this file with the flags that src/kernels/meson.build gives it"
#endif

#define V __m512
#define B 16
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define STORE_BF16(p, v) store_bf16(p, v)
#define SET(f) _mm512_set1_ps(f)
#define ADD(a, b) _mm512_add_ps(a, b)
#define SUB(a, b) _mm512_sub_ps(a, b)
#define MUL(a, b) _mm512_mul_ps(a, b)
#define DIV(a, b) _mm512_div_ps(a, b)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define NEGATIVE_FMA(a, b, c) _mm512_fnmadd_ps(a, b, c)
/* The second operand where one is NaN: the data, so that a NaN is not lost. */
#define MAX(a, b) _mm512_max_ps(b, a)
#define ABS(v) _mm512_abs_ps(v)
#define ROUND(v) _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define POWER(n) _mm512_scalef_ps(_mm512_set1_ps(1.0f), n)

static inline void store_bf16(uint16_t *p, __m512 v)
{
    __m512i bits = _mm512_castps_si512(v);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    bits = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    bits = _mm512_mask_mov_epi32(bits, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q),
                                 _mm512_set1_epi32(0x7fc00000));
    _mm256_storeu_si256((void *)p, _mm512_cvtepi32_epi16(_mm512_srli_epi32(bits, 16)));
}

#include "kernels/x86/rows_body.h"

void st_row_kernels_avx512(struct st_row_kernels *k)
{
    fill(k, "avx512");
}
