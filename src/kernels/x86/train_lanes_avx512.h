/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of train_body.h in AVX-512, whatever the element. */
#ifndef ST_KERNELS_X86_TRAIN_LANES_AVX512_H
#define ST_KERNELS_X86_TRAIN_LANES_AVX512_H

#define V __m512
#define B 16
#define LOADF(p) _mm512_loadu_ps(p)
#define STOREF(p, v) _mm512_storeu_ps(p, v)
#define SET(f) _mm512_set1_ps(f)
#define ZERO _mm512_setzero_ps()
#define ADD(a, b) _mm512_add_ps(a, b)
#define SUB(a, b) _mm512_sub_ps(a, b)
#define MUL(a, b) _mm512_mul_ps(a, b)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define PICK(v, a, b) \
    _mm512_mask_blend_ps(_mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_GT_OQ), b, a)
#define ADD_DOUBLES(p, v) add_doubles(p, v)

static inline void add_doubles(double *p, __m512 v)
{
    __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(v));
    __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
    _mm512_storeu_pd(p, _mm512_add_pd(_mm512_loadu_pd(p), low));
    _mm512_storeu_pd(p + 8, _mm512_add_pd(_mm512_loadu_pd(p + 8), high));
}

#endif /* ST_KERNELS_X86_TRAIN_LANES_AVX512_H */
