/* SPDX-License-Identifier: Apache-2.0 */
/* Mixing two rows of pixels for AVX2, sixteen at a time, equal to the reference. */
#if !defined(__AVX2__)
#error "compile this file with -mavx2; it is reached only behind SYNCTALK_CPU_AVX2"
#endif

#include <assert.h>
#include <immintrin.h>

#include "kernels/kernels_impl.h"

static __m256i widen(const uint8_t *p)
{
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
}

/* Sixteen bytes of base * (255 - a) + src * a, over 255, rounded. With t = v + 128 the
 * quotient (t + t / 256) / 256 is exact for v up to 255 * 255, and fits 16 bits. */
static void mix(uint8_t *dst, const uint8_t *base, const uint8_t *src, __m128i alpha)
{
    __m256i a = _mm256_cvtepu8_epi16(alpha);
    __m256i rest = _mm256_sub_epi16(_mm256_set1_epi16(255), a);
    __m256i v =
        _mm256_add_epi16(_mm256_mullo_epi16(widen(base), rest), _mm256_mullo_epi16(widen(src), a));
    __m256i t = _mm256_add_epi16(v, _mm256_set1_epi16(128));
    t = _mm256_srli_epi16(_mm256_add_epi16(t, _mm256_srli_epi16(t, 8)), 8);
    __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(t), _mm256_extracti128_si256(t, 1));
    _mm_storeu_si128((__m128i *)(void *)dst, bytes);
}

void st_blend_row_avx2(uint8_t *dst, const uint8_t *base, const uint8_t *src, const uint8_t *alpha,
                       size_t count)
{
    assert(count > 0);
    /* Each pixel's alpha three times, over three registers of sixteen bytes. */
    const __m128i first = _mm_setr_epi8(0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5);
    const __m128i second = _mm_setr_epi8(5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10);
    const __m128i third =
        _mm_setr_epi8(10, 11, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 15, 15);
    size_t i = 0;

    for (; i + 16 <= count; i += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(alpha + i));
        size_t at = i * 3;
        mix(dst + at, base + at, src + at, _mm_shuffle_epi8(a, first));
        mix(dst + at + 16, base + at + 16, src + at + 16, _mm_shuffle_epi8(a, second));
        mix(dst + at + 32, base + at + 32, src + at + 32, _mm_shuffle_epi8(a, third));
    }
    for (; i < count; i++) {
        unsigned a = alpha[i];
        for (size_t c = i * 3; c < i * 3 + 3; c++)
            dst[c] = (uint8_t)((base[c] * (255 - a) + src[c] * a + 127) / 255);
    }
}
