/* SPDX-License-Identifier: Apache-2.0 */
/* Bicubic rows for AVX2, equal to the reference bit by bit: the horizontal pass is integer,
 * the vertical one multiplies and adds in the reference's order, without FMA. */
#if !defined(__AVX2__)
#error "compile this file with -mavx2; it is reached only behind SYNCTALK_CPU_AVX2"
#endif

#include <assert.h>
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "kernels/kernels_impl.h"

static void row_pixel(int32_t *dst, const uint8_t *src, const int32_t *tap, const int16_t *weight)
{
    for (size_t c = 0; c < 3; c++) {
        int32_t sum = 0;
        for (size_t k = 0; k < 4; k++)
            sum += src[(size_t)tap[k] * 3 + c] * weight[k];
        dst[c] = sum;
    }
}

/* Exactly the 12 bytes of four neighbouring pixels. */
static __m128i load_pixels(const uint8_t *p)
{
    int32_t last;
    memcpy(&last, p + 8, sizeof last);
    return _mm_insert_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p), last, 2);
}

void st_cubic_row_avx2(int32_t *dst, const uint8_t *src, const int32_t *tap, const int16_t *weight,
                       size_t width)
{
    assert(width > 0);
    /* Pairs of taps beside each other for pmaddwd, widened by zero bytes: the low lane
     * holds taps 0 and 1 of B, G, R, the high lane taps 2 and 3. */
    const __m256i pairs =
        _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, /* */
                         6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    const __m256i halves = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    const __m128i steps = _mm_setr_epi32(0, 1, 2, 3);
    size_t x = 0;

    /* Each store also writes the first sum of the next pixel, which the next step
     * replaces; the last pixel is done apart. */
    for (; x + 1 < width; x++) {
        __m128i t = _mm_loadu_si128((const __m128i *)(const void *)(tap + x * 4));
        __m128i row = _mm_add_epi32(_mm_broadcastd_epi32(t), steps);
        if (_mm_movemask_epi8(_mm_cmpeq_epi32(t, row)) != 0xFFFF) {
            row_pixel(dst + x * 3, src, tap + x * 4, weight + x * 4);
            continue;
        }
        __m256i p = _mm256_broadcastsi128_si256(load_pixels(src + (size_t)tap[x * 4] * 3));
        __m128i w4 = _mm_loadl_epi64((const __m128i *)(const void *)(weight + x * 4));
        __m256i w = _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(w4), halves);
        __m256i sum = _mm256_madd_epi16(_mm256_shuffle_epi8(p, pairs), w);
        _mm_storeu_si128(
            (__m128i *)(void *)(dst + x * 3),
            _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1)));
    }
    for (; x < width; x++)
        row_pixel(dst + x * 3, src, tap + x * 4, weight + x * 4);
}

static __m256 load_sums(const int32_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

/* Eight levels, not yet clamped. */
static __m256i column_eight(const int32_t *const rows[4], const __m256 b[4], size_t i)
{
    __m256 sum = _mm256_mul_ps(load_sums(rows[3] + i), b[3]);
    sum = _mm256_add_ps(sum, _mm256_mul_ps(load_sums(rows[2] + i), b[2]));
    sum = _mm256_add_ps(sum, _mm256_mul_ps(load_sums(rows[1] + i), b[1]));
    sum = _mm256_add_ps(sum, _mm256_mul_ps(load_sums(rows[0] + i), b[0]));
    return _mm256_cvtps_epi32(sum); /* half to even: the default rounding mode */
}

void st_cubic_column_avx2(uint8_t *dst, const int32_t *const rows[4], const float b[4],
                          size_t count)
{
    assert(count > 0);
    const __m256 w[4] = {_mm256_set1_ps(b[0]), _mm256_set1_ps(b[1]), _mm256_set1_ps(b[2]),
                         _mm256_set1_ps(b[3])};
    /* The packs work in each lane; this puts the dwords back into order. */
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    size_t i = 0;

    for (; i + 32 <= count; i += 32) {
        __m256i low = _mm256_packs_epi32(column_eight(rows, w, i), column_eight(rows, w, i + 8));
        __m256i high =
            _mm256_packs_epi32(column_eight(rows, w, i + 16), column_eight(rows, w, i + 24));
        __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
        _mm256_storeu_si256((__m256i *)(void *)(dst + i), bytes);
    }
    for (; i < count; i++) {
        float sum = (float)rows[3][i] * b[3];
        sum = sum + (float)rows[2][i] * b[2];
        sum = sum + (float)rows[1][i] * b[1];
        sum = sum + (float)rows[0][i] * b[0];
        long level = lrintf(sum);
        dst[i] = (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
    }
}
