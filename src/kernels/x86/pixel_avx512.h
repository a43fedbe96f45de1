/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen numbers from elements and back, for the AVX-512 files; and the end of a sum of a
 * pointwise convolution.
 */
#ifndef ST_KERNELS_X86_PIXEL_AVX512_H
#define ST_KERNELS_X86_PIXEL_AVX512_H

#include <assert.h>
#include <immintrin.h>

#include "kernels/pixel_impl.h"

#define ST_ALWAYS static inline __attribute__((always_inline))

ST_ALWAYS __m512 load16(const void *data, enum st_element element, size_t at)
{
    if (element == ST_ELEMENT_F32)
        return _mm512_loadu_ps((const float *)data + at);
    if (element == ST_ELEMENT_BF16) {
        __m256i x =
            _mm256_loadu_si256((const __m256i *)(const void *)((const uint16_t *)data + at));
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
    }
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)((const uint8_t *)data + at));
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(x));
}

ST_ALWAYS __m256i to_bf16(__m512 v)
{
#ifdef __AVX512BF16__
    return (__m256i)_mm512_cvtneps_pbh(v);
#else
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(bits, odd), _mm512_set1_epi32(0x7FFF));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(sum, 16));
#endif
}

ST_ALWAYS __m128i to_u8(__m512 v)
{
    return _mm512_cvtusepi32_epi8(_mm512_max_epi32(_mm512_cvtps_epi32(v), _mm512_setzero_si512()));
}

ST_ALWAYS void store16(void *data, enum st_element element, size_t at, __m512 v)
{
    if (element == ST_ELEMENT_F32)
        _mm512_storeu_ps((float *)data + at, v);
    else if (element == ST_ELEMENT_BF16)
        _mm256_storeu_si256((__m256i *)(void *)((uint16_t *)data + at), to_bf16(v));
    else
        _mm_storeu_si128((__m128i *)(void *)((uint8_t *)data + at), to_u8(v));
}

/* 64 numbers to bytes, in order. */
ST_ALWAYS __m512i to_u8_64(__m512 a, __m512 b, __m512 c, __m512 d)
{
    const __m512i low = _mm512_packs_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b));
    const __m512i high = _mm512_packs_epi32(_mm512_cvtps_epi32(c), _mm512_cvtps_epi32(d));
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high));
}

/* What one pixel's `NR` x 16 sums, from channel k on, become; v has scale and bias. */
ST_ALWAYS void finish(const struct st_pointwise *pointwise, size_t k, const size_t NR, __m512 *v,
                      void *dst, size_t dst_at, const void *add, size_t add_at)
{
    if (pointwise->adds)
        for (size_t r = 0; r < NR; r++)
            v[r] = _mm512_fmadd_ps(load16(add, pointwise->add, add_at + k + 16 * r),
                                   _mm512_loadu_ps(pointwise->add_scale + k + 16 * r), v[r]);
    if (pointwise->out == ST_ELEMENT_U8) {
        if (NR == 4) {
            _mm512_storeu_si512((uint8_t *)dst + dst_at + k, to_u8_64(v[0], v[1], v[2], v[3]));
            return;
        }
        for (size_t r = 0; r < NR; r++)
            store16(dst, ST_ELEMENT_U8, dst_at + k + 16 * r, v[r]);
        return;
    }
    for (size_t r = 0; r < NR; r++) {
        if (pointwise->relu)
            v[r] = _mm512_max_ps(v[r], _mm512_setzero_ps());
        store16(dst, pointwise->out, dst_at + k + 16 * r, v[r]);
    }
}

#endif /* ST_KERNELS_X86_PIXEL_AVX512_H */
