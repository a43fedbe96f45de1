/* SPDX-License-Identifier: Apache-2.0 */
/* Training in f32, blocks of eight channels. */
#include <immintrin.h>

#include "kernels/train_impl.h"

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with the flags that src/kernels/meson.build gives it"
#endif

#define V __m256
#define B 8
#define E float
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define KEPT(v) (v)
#define LOADF(p) _mm256_loadu_ps(p)
#define STOREF(p, v) _mm256_storeu_ps(p, v)
#define SET(f) _mm256_set1_ps(f)
#define ZERO _mm256_setzero_ps()
#define ADD(a, b) _mm256_add_ps(a, b)
#define SUB(a, b) _mm256_sub_ps(a, b)
#define MUL(a, b) _mm256_mul_ps(a, b)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define PICK(v, a, b) _mm256_blendv_ps(b, a, _mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_GT_OQ))
#define ADD_DOUBLES(p, v) add_doubles(p, v)

static inline void add_doubles(double *p, __m256 v)
{
    __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(v));
    __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1));
    _mm256_storeu_pd(p, _mm256_add_pd(_mm256_loadu_pd(p), low));
    _mm256_storeu_pd(p + 4, _mm256_add_pd(_mm256_loadu_pd(p + 4), high));
}

#include "kernels/x86/train_body.h"

void st_train_kernels_avx2(struct st_train_kernels *k)
{
    fill(k, "avx2");
}
