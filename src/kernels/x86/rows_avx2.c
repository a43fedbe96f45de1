/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in vectors of eight. */
#include <immintrin.h>

#include "kernels/rows_impl.h"

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with the flags that src/kernels/meson.build gives it"
#endif

#define V __m256
#define B 8
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define STORE_BF16(p, v) store_bf16(p, v)
#define SET(f) _mm256_set1_ps(f)
#define ADD(a, b) _mm256_add_ps(a, b)
#define SUB(a, b) _mm256_sub_ps(a, b)
#define MUL(a, b) _mm256_mul_ps(a, b)
#define DIV(a, b) _mm256_div_ps(a, b)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define NEGATIVE_FMA(a, b, c) _mm256_fnmadd_ps(a, b, c)
/* The second operand where one is NaN: the data, so that a NaN is not lost. */
#define MAX(a, b) _mm256_max_ps(b, a)
#define ABS(v) _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v)
#define ROUND(v) _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define POWER(n) power(n)

static inline __m256 power(__m256 n)
{
    __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}

static inline void store_bf16(uint16_t *p, __m256 v)
{
    __m256i bits = _mm256_castps_si256(v);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    bits = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __m256 nan = _mm256_cmp_ps(v, v, _CMP_UNORD_Q);
    bits = _mm256_castps_si256(_mm256_blendv_ps(
        _mm256_castsi256_ps(bits), _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000)), nan));
    bits = _mm256_srli_epi32(bits, 16);
    __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(bits, bits), 0x08);
    _mm_storeu_si128((void *)p, _mm256_castsi256_si128(packed));
}

#include "kernels/x86/rows_body.h"

void st_row_kernels_avx2(struct st_row_kernels *k)
{
    fill(k, "avx2");
}
