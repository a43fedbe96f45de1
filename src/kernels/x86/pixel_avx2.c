/* SPDX-License-Identifier: Apache-2.0 */
/* Eight lanes, sixteen registers: tiles of 4 pixels by 16 channels. Products of bytes are
 * added two by two in 16 bits, which holds them only while weights are narrow: see
 * st_pixel_kernels_narrow().
 *
 * Depthwise over bytes interleaves three rows as pixel_avx512_vnni.c says.
 */
#include <assert.h>
#include <immintrin.h>

#include "kernels/pixel_impl.h"

#ifndef __FMA__
#error "compile this file with the flags that src/kernels/meson.build gives it"
#endif

#define SMALL_WEIGHTS_BYTES ((size_t)16 << 10)
#define ALWAYS static inline __attribute__((always_inline))

ALWAYS __m256 load8(const void *data, enum st_element element, size_t at)
{
    if (element == ST_ELEMENT_F32)
        return _mm256_loadu_ps((const float *)data + at);
    if (element == ST_ELEMENT_BF16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)((const uint16_t *)data + at));
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
    }
    __m128i x = _mm_loadl_epi64((const __m128i *)(const void *)((const uint8_t *)data + at));
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(x));
}

/* Sixteen at once: bytes come together that way. */
ALWAYS void store16(void *data, enum st_element element, size_t at, __m256 low, __m256 high)
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

struct tile {
    const struct st_pointwise *pointwise;
    const int32_t *src;
    size_t src_words;
    void *dst;
    const void *add;
    size_t dst_stride, add_stride;
};

ALWAYS void finish(const struct tile *t, size_t p, size_t k, __m256 v[2])
{
    const struct st_pointwise *pointwise = t->pointwise;
    for (size_t i = 0; i < 2; i++) {
        const size_t at = k + 8 * i;
        const __m256 bias = _mm256_loadu_ps(pointwise->bias + at);
        v[i] = pointwise->scale
                   ? _mm256_fmadd_ps(v[i], _mm256_loadu_ps(pointwise->scale + at), bias)
                   : _mm256_add_ps(v[i], bias);
        if (pointwise->adds)
            v[i] = _mm256_fmadd_ps(load8(t->add, pointwise->add, p * t->add_stride + at),
                                   _mm256_loadu_ps(pointwise->add_scale + at), v[i]);
        if (pointwise->relu)
            v[i] = _mm256_max_ps(v[i], _mm256_setzero_ps());
    }
    store16(t->dst, pointwise->out, p * t->dst_stride + k, v[0], v[1]);
}

ALWAYS void tile_f32(const struct tile *t, size_t p, size_t k, const size_t count)
{
    const size_t words = t->pointwise->C;
    const float *w = (const float *)t->pointwise->weights + k * words;
    const float *x = (const float *)(const void *)t->src + p * t->src_words;
    __m256 sums[6][2];
#pragma GCC unroll 6
    for (size_t m = 0; m < count; m++)
        sums[m][0] = sums[m][1] = _mm256_setzero_ps();
    for (size_t c = 0; c < words; c++) {
        const __m256 low = _mm256_loadu_ps(w + c * 16), high = _mm256_loadu_ps(w + c * 16 + 8);
#pragma GCC unroll 6
        for (size_t m = 0; m < count; m++) {
            const __m256 bytes = _mm256_broadcast_ss(x + m * t->src_words + c);
            sums[m][0] = _mm256_fmadd_ps(bytes, low, sums[m][0]);
            sums[m][1] = _mm256_fmadd_ps(bytes, high, sums[m][1]);
        }
    }
#pragma GCC unroll 6
    for (size_t m = 0; m < count; m++)
        finish(t, p + m, k, sums[m]);
}

ALWAYS __m256i dot(__m256i sum, __m256i x, __m256i w)
{
    const __m256i pairs = _mm256_maddubs_epi16(x, w);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

ALWAYS void tile_u8(const struct tile *t, size_t p, size_t k, const size_t count)
{
    const size_t words = t->pointwise->C / 4;
    const int32_t *w = (const int32_t *)t->pointwise->weights + k * words;
    const int32_t *x = t->src + p * t->src_words;
    __m256i sums[4][2];
#pragma GCC unroll 6
    for (size_t m = 0; m < count; m++)
        sums[m][0] = sums[m][1] = _mm256_setzero_si256();
    for (size_t c = 0; c < words; c++) {
        const __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)(w + c * 16));
        const __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(w + c * 16 + 8));
#pragma GCC unroll 4
        for (size_t m = 0; m < count; m++) {
            const __m256i bytes = _mm256_set1_epi32(x[m * t->src_words + c]);
            sums[m][0] = dot(sums[m][0], bytes, low);
            sums[m][1] = dot(sums[m][1], bytes, high);
        }
    }
#pragma GCC unroll 4
    for (size_t m = 0; m < count; m++) {
        __m256 v[2] = {_mm256_cvtepi32_ps(sums[m][0]), _mm256_cvtepi32_ps(sums[m][1])};
        finish(t, p + m, k, v);
    }
}

#define TILE(kind, count)                                                                       \
    static __attribute__((noinline)) void tile_##kind##_##count(const struct tile *t, size_t p, \
                                                                size_t k)                       \
    {                                                                                           \
        tile_##kind(t, p, k, count);                                                            \
    }
TILE(f32, 6)
TILE(f32, 4)
TILE(f32, 2)
TILE(f32, 1)
TILE(u8, 4)
TILE(u8, 2)
TILE(u8, 1)

typedef void (*tile_function)(const struct tile *, size_t, size_t);

/* Tiles of `most` pixels, then of 4, 2 and 1. */
static void run_tiles(const struct tile *t, size_t P, size_t most, const tile_function tiles[4])
{
    const struct st_pointwise *pointwise = t->pointwise;
    /* small weights stay in the first cache while pixels pass by; else a column of them does */
    const bool small =
        pointwise->K * pointwise->C * st_element_bytes(pointwise->in) <= SMALL_WEIGHTS_BYTES;
    const size_t some = small ? 24 : P;
    for (size_t first = 0; first < P; first += some) {
        const size_t end = first + some < P ? first + some : P;
        for (size_t k = 0; k < t->pointwise->K; k += 16) {
            size_t p = first;
            for (; p + most <= end; p += most)
                tiles[0](t, p, k);
            for (size_t i = 1, count = 4; i < 4; i++, count /= 2) {
                for (; p + count <= end; p += count)
                    tiles[i](t, p, k);
            }
        }
    }
}

static struct tile make_tile(ST_POINTWISE_ARGS)
{
    (void)P;
    assert(pointwise->C % 16 == 0 && pointwise->K % 16 == 0);
    return (struct tile){
        .pointwise = pointwise,
        .src = src,
        .src_words = src_stride * st_element_bytes(pointwise->in) / 4,
        .dst = dst,
        .add = add,
        .dst_stride = dst_stride,
        .add_stride = add_stride,
    };
}

static void pointwise_f32_avx2(ST_POINTWISE_ARGS)
{
    static const tile_function tiles[] = {tile_f32_6, tile_f32_4, tile_f32_2, tile_f32_1};
    const struct tile t =
        make_tile(pointwise, dst, dst_stride, src, src_stride, add, add_stride, P);
    run_tiles(&t, P, 6, tiles);
}

static void pointwise_u8_avx2(ST_POINTWISE_ARGS)
{
    static const tile_function tiles[] = {tile_u8_4, tile_u8_4, tile_u8_2, tile_u8_1};
    const struct tile t =
        make_tile(pointwise, dst, dst_stride, src, src_stride, add, add_stride, P);
    run_tiles(&t, P, 4, tiles);
}

/* `count` neighbouring outputs of eight channels; all columns that they read exist. */
ALWAYS void depthwise_pixels(const struct st_depthwise *d, float *dst, size_t dst_stride,
                             const void *const rows[3], size_t x, size_t c, size_t first_tap,
                             size_t taps, const size_t count, const size_t stride)
{
    const size_t C = d->C;
    const float *weights = (const float *)d->weights + c;
    __m256 sums[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < count; i++)
        sums[i] = _mm256_setzero_ps();
    for (size_t row = 0; row < 3; row++) {
        if (!rows[row])
            continue;
        const float *src = (const float *)rows[row] + (x * stride + first_tap - 1) * C + c;
        for (size_t tap = 0; tap < taps; tap++) {
            const __m256 w = _mm256_loadu_ps(weights + (row * 3 + first_tap + tap) * C);
#pragma GCC unroll 4
            for (size_t i = 0; i < count; i++)
                sums[i] =
                    _mm256_fmadd_ps(_mm256_loadu_ps(src + (i * stride + tap) * C), w, sums[i]);
        }
    }
    const __m256 bias = _mm256_loadu_ps(d->bias + c);
#pragma GCC unroll 4
    for (size_t i = 0; i < count; i++)
        _mm256_storeu_ps(dst + i * dst_stride,
                         _mm256_max_ps(_mm256_add_ps(sums[i], bias), _mm256_setzero_ps()));
}

/* Sixteen channels of `count` outputs, 4 or 1. */
ALWAYS void depthwise_block(const struct st_depthwise *d, void *dst, const void *const rows[3],
                            size_t x, size_t c, size_t first_tap, size_t taps, const size_t count,
                            const size_t stride)
{
    if (d->out == ST_ELEMENT_F32) {
        float *to = (float *)dst + x * d->C + c;
        depthwise_pixels(d, to, d->C, rows, x, c, first_tap, taps, count, stride);
        depthwise_pixels(d, to + 8, d->C, rows, x, c + 8, first_tap, taps, count, stride);
        return;
    }
    float sums[4][16];
    depthwise_pixels(d, sums[0], 16, rows, x, c, first_tap, taps, count, stride);
    depthwise_pixels(d, sums[0] + 8, 16, rows, x, c + 8, first_tap, taps, count, stride);
    for (size_t i = 0; i < count; i++)
        store16(dst, d->out, (x + i) * d->C + c, _mm256_loadu_ps(sums[i]),
                _mm256_loadu_ps(sums[i] + 8));
}

static void depthwise_f32_avx2(ST_DEPTHWISE_ARGS)
{
    const size_t C = depthwise->C, stride = depthwise->stride;
    assert(C % 16 == 0 && (stride == 1 || stride == 2));
    for (size_t x = 0; x < out_W;) {
        const size_t first = x * stride < 1 ? 1 : 0;
        const size_t last = x * stride + 1 < W ? 3 : 2; /* taps before it exist */
        const bool inside = !first && x + 4 <= out_W && (x + 3) * stride + 1 < W;
        for (size_t c = 0; c < C; c += 16) {
            if (!inside)
                depthwise_block(depthwise, dst, rows, x, c, first, last - first, 1, stride);
            else if (stride == 1)
                depthwise_block(depthwise, dst, rows, x, c, 0, 3, 4, 1);
            else
                depthwise_block(depthwise, dst, rows, x, c, 0, 3, 4, 2);
        }
        x += inside ? 4 : 1;
    }
}

/* One column of three rows of sixteen channels: lane halves hold four channels each. */
struct taps {
    __m256i part[2]; /* channels 0-7, 8-15 */
};

ALWAYS struct taps load_taps(const void *const rows[3], size_t at)
{
    const __m128i zero = _mm_setzero_si128();
    const uint8_t *const *r = (const uint8_t *const *)rows;
    const __m128i a = r[0] ? _mm_loadu_si128((const __m128i *)(const void *)(r[0] + at)) : zero;
    const __m128i b = r[1] ? _mm_loadu_si128((const __m128i *)(const void *)(r[1] + at)) : zero;
    const __m128i c = r[2] ? _mm_loadu_si128((const __m128i *)(const void *)(r[2] + at)) : zero;
    const __m128i ab_low = _mm_unpacklo_epi8(a, b), ab_high = _mm_unpackhi_epi8(a, b);
    const __m128i c_low = _mm_unpacklo_epi8(c, zero), c_high = _mm_unpackhi_epi8(c, zero);
    return (struct taps){{
        _mm256_set_m128i(_mm_unpackhi_epi16(ab_low, c_low), _mm_unpacklo_epi16(ab_low, c_low)),
        _mm256_set_m128i(_mm_unpackhi_epi16(ab_high, c_high), _mm_unpacklo_epi16(ab_high, c_high)),
    }};
}

ALWAYS void store_pixel(const struct st_depthwise *d, uint8_t *dst, size_t c, const struct taps *a,
                        const struct taps *b, const struct taps *e)
{
    __m256 v[2];
    const int8_t *w = (const int8_t *)d->weights + c * 4;
    for (size_t q = 0; q < 2; q++) {
        const struct taps *columns[3] = {a, b, e};
        __m256i sum = _mm256_setzero_si256();
        for (size_t tap = 0; tap < 3; tap++)
            sum = dot(
                sum, columns[tap]->part[q],
                _mm256_loadu_si256((const __m256i *)(const void *)(w + tap * d->C * 4 + q * 32)));
        v[q] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_loadu_ps(d->scale + c + 8 * q),
                               _mm256_loadu_ps(d->bias + c + 8 * q));
    }
    store16(dst, ST_ELEMENT_U8, 0, v[0], v[1]);
}

static void depthwise_u8_avx2(ST_DEPTHWISE_ARGS)
{
    const size_t C = depthwise->C;
    const bool skips = depthwise->stride == 2;
    const struct taps zeros = {{_mm256_setzero_si256(), _mm256_setzero_si256()}};
    assert(C % 16 == 0 && depthwise->out == ST_ELEMENT_U8);
    for (size_t c = 0; c < C; c += 16) {
        uint8_t *to = (uint8_t *)dst + c;
        struct taps before = zeros, here = load_taps(rows, c);
        for (size_t x = 0; x < out_W; x++, to += C) {
            const size_t at = skips ? 2 * x : x;
            if (skips && x)
                here = load_taps(rows, at * C + c);
            const struct taps after = at + 1 < W ? load_taps(rows, (at + 1) * C + c) : zeros;
            store_pixel(depthwise, to, c, &before, &here, &after);
            before = skips ? after : here;
            here = after;
        }
    }
}

ALWAYS __m256 load_number(const struct st_pixel_row *row, const void *data, size_t at, size_t c)
{
    const __m256 x = load8(data, row->element, at);
    if (row->element != ST_ELEMENT_U8 || !row->levels)
        return x;
    return _mm256_fmadd_ps(x, _mm256_loadu_ps(row->levels->scale + c),
                           _mm256_loadu_ps(row->levels->offset + c));
}

ALWAYS void store_numbers(const struct st_pixel_row *row, size_t p, size_t c, __m256 low,
                          __m256 high)
{
    if (row->element == ST_ELEMENT_U8 && row->levels) {
        low = _mm256_fmadd_ps(low, _mm256_loadu_ps(row->levels->inverse + c),
                              _mm256_loadu_ps(row->levels->zero + c));
        high = _mm256_fmadd_ps(high, _mm256_loadu_ps(row->levels->inverse + c + 8),
                               _mm256_loadu_ps(row->levels->zero + c + 8));
    }
    store16(row->data, row->element, p * row->stride + c, low, high);
}

static void blend_avx2(float *dst, const struct st_pixel_row *a, const void *b, float t, size_t P,
                       size_t C)
{
    assert(C % 16 == 0);
    const __m256 at = _mm256_set1_ps(t);
    for (size_t p = 0; p < P; p++) {
        for (size_t c = 0; c < C; c += 8) {
            const __m256 from = load_number(a, a->data, p * a->stride + c, c);
            const __m256 to = load_number(a, b, p * a->stride + c, c);
            _mm256_storeu_ps(dst + p * C + c, _mm256_fmadd_ps(at, _mm256_sub_ps(to, from), from));
        }
    }
}

ALWAYS __m256 between(const float *a, const float *b, __m256 t)
{
    const __m256 from = _mm256_loadu_ps(a);
    return _mm256_fmadd_ps(t, _mm256_sub_ps(_mm256_loadu_ps(b), from), from);
}

static void stretch_avx2(const struct st_pixel_row *dst, const float *src, const uint32_t *first,
                         const uint32_t *second, const float *t, size_t P, size_t C)
{
    assert(C % 16 == 0);
    for (size_t p = 0; p < P; p++) {
        const float *a = src + first[p] * C, *b = src + second[p] * C;
        const __m256 at = _mm256_set1_ps(t[p]);
        for (size_t c = 0; c < C; c += 16)
            store_numbers(dst, p, c, between(a + c, b + c, at), between(a + c + 8, b + c + 8, at));
    }
}

static void convert_avx2(const struct st_pixel_row *dst, const struct st_pixel_row *src, size_t P,
                         size_t C)
{
    assert(C % 16 == 0);
    for (size_t p = 0; p < P; p++)
        for (size_t c = 0; c < C; c += 16)
            store_numbers(dst, p, c, load_number(src, src->data, p * src->stride + c, c),
                          load_number(src, src->data, p * src->stride + c + 8, c + 8));
}

void st_pixel_kernels_avx2(struct st_pixel_kernels *k)
{
    k->pointwise[ST_ELEMENT_F32] = pointwise_f32_avx2;
    k->pointwise[ST_ELEMENT_U8] = pointwise_u8_avx2;
    k->names[ST_ELEMENT_F32] = k->names[ST_ELEMENT_U8] = "avx2";
    k->depthwise[ST_ELEMENT_F32] = depthwise_f32_avx2;
    k->depthwise[ST_ELEMENT_U8] = depthwise_u8_avx2;
    k->blend = blend_avx2;
    k->stretch = stretch_avx2;
    k->convert = convert_avx2;
}
