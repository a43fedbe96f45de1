/* SPDX-License-Identifier: Apache-2.0 */
/* Training in bf16, blocks of sixteen channels. */
#include <immintrin.h>
#include <stdint.h>

#include "kernels/train_impl.h"

#ifndef __AVX512BF16__
#error "compile this file with the flags that src/kernels/meson.build gives it"
#endif

static inline __m512 widen(__m256i v)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16));
}

static inline __m256i narrow(__m512 v)
{
    return (__m256i)_mm512_cvtneps_pbh(v);
}

#define E uint16_t
#define LOAD(p) widen(_mm256_loadu_si256((const __m256i *)(const void *)(p)))
#define STORE(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), narrow(v))
#define KEPT(v) widen(narrow(v))
#include "kernels/x86/train_lanes_avx512.h"

#include "kernels/x86/train_body.h"

void st_train_kernels_avx512_bf16(struct st_train_kernels *k)
{
    fill(k, "avx512");
}
