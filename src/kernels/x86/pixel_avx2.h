/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from elements and back, eight lanes at a time, for the AVX2 files. */
#ifndef ST_KERNELS_X86_PIXEL_AVX2_H
#define ST_KERNELS_X86_PIXEL_AVX2_H

#include <assert.h>
#include <immintrin.h>

#include "kernels/pixel_impl.h"

#ifndef __FMA__
#error "compile this file with the flags that src/kernels/meson.build gives it"
#endif

#define ST_ALWAYS static inline __attribute__((always_inline))

void st_pointwise_f32_avx2(ST_POINTWISE_ARGS);
void st_pointwise_u8_avx2(ST_POINTWISE_ARGS);
void st_depthwise_u8_avx2(ST_DEPTHWISE_ARGS);

ST_ALWAYS __m128i load_bytes16(const void *data)
{
    return _mm_loadu_si128((const __m128i *)data);
}

ST_ALWAYS __m256i load_bytes32(const void *data)
{
    return _mm256_loadu_si256((const __m256i *)data);
}

ST_ALWAYS __m256 load8(const void *data, enum st_element element, size_t at)
{
    if (element == ST_ELEMENT_F32)
        return _mm256_loadu_ps((const float *)data + at);
    if (element == ST_ELEMENT_BF16) {
        __m128i x = load_bytes16((const uint16_t *)data + at);
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
    }
    __m128i x = _mm_loadl_epi64((const __m128i *)(const void *)((const uint8_t *)data + at));
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(x));
}

/* Sixteen at once: bytes come together that way. */
ST_ALWAYS void store16(void *data, enum st_element element, size_t at, __m256 low, __m256 high)
{
    if (element == ST_ELEMENT_F32) {
        _mm256_storeu_ps((float *)data + at, low);
        _mm256_storeu_ps((float *)data + at + 8, high);
        return;
    }
    if (element == ST_ELEMENT_BF16) {
        float numbers[16];
        _mm256_storeu_ps(numbers, low);
        _mm256_storeu_ps(numbers + 8, high);
        for (size_t i = 0; i < 16; i++)
            ((uint16_t *)data)[at + i] = st_bf16_element(numbers[i]);
        return;
    }
    /* words come out as low 0-3, high 0-3, low 4-7, high 4-7 */
    __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high));
    words = _mm256_permute4x64_epi64(words, 0xD8);
    const __m128i bytes =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128((__m128i *)(void *)((uint8_t *)data + at), bytes);
}

#endif /* ST_KERNELS_X86_PIXEL_AVX2_H */
