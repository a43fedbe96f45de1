/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise over bytes. Three rows are interleaved as pixel_avx512_vnni.c says: of 32 channels,
 * half l of part q has channels 16 l + 4 q + 0...3, and so do weights, scales and biases. Packing
 * puts them back in order. Where 16 channels are left, the upper halves are zeros.
 */
#include "kernels/x86/pixel_avx2.h"

/* Outputs of all channels before the next: what they read stays in the first cache. */
#define BLOCK ((size_t)48)

/* One column of three rows. */
struct taps {
    __m256i part[4];
};

struct channels {
    struct taps weights[3];
    __m256 scale[4], bias[4];
};

/* Sixteen bytes of each half. */
ST_ALWAYS __m256i spread(const void *data, size_t q, bool wide)
{
    const unsigned char *at = (const unsigned char *)data + 16 * q;
    return _mm256_set_m128i(wide ? load_bytes16(at + 64) : _mm_setzero_si128(), load_bytes16(at));
}

ST_ALWAYS void load_channels(struct channels *out, const struct st_depthwise *d, size_t c,
                             bool wide)
{
    for (size_t q = 0; q < 4; q++) {
        for (size_t tap = 0; tap < 3; tap++)
            out->weights[tap].part[q] =
                spread((const int8_t *)d->weights + (tap * d->C + c) * 4, q, wide);
        out->scale[q] = _mm256_castsi256_ps(spread(d->scale + c, q, wide));
        out->bias[q] = _mm256_castsi256_ps(spread(d->bias + c, q, wide));
    }
}

ST_ALWAYS __m256i load_row(const void *row, size_t at, const bool wide)
{
    if (!row)
        return _mm256_setzero_si256();
    const uint8_t *from = (const uint8_t *)row + at;
    return wide ? load_bytes32(from) : _mm256_zextsi128_si256(load_bytes16(from));
}

ST_ALWAYS struct taps load_taps(const void *const rows[3], size_t at, const bool wide)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i a = load_row(rows[0], at, wide), b = load_row(rows[1], at, wide);
    const __m256i c = load_row(rows[2], at, wide);
    const __m256i ab_low = _mm256_unpacklo_epi8(a, b), ab_high = _mm256_unpackhi_epi8(a, b);
    const __m256i c_low = _mm256_unpacklo_epi8(c, zero), c_high = _mm256_unpackhi_epi8(c, zero);
    return (struct taps){
        {_mm256_unpacklo_epi16(ab_low, c_low), _mm256_unpackhi_epi16(ab_low, c_low),
         _mm256_unpacklo_epi16(ab_high, c_high), _mm256_unpackhi_epi16(ab_high, c_high)}};
}

ST_ALWAYS __m256i product(__m256i x, __m256i w)
{
    return _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), _mm256_set1_epi16(1));
}

ST_ALWAYS void store_pixel(uint8_t *dst, const struct channels *k, const struct taps *a,
                           const struct taps *b, const struct taps *c, const bool wide)
{
    __m256i v[4];
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
        const __m256i sum =
            _mm256_add_epi32(_mm256_add_epi32(product(a->part[q], k->weights[0].part[q]),
                                              product(b->part[q], k->weights[1].part[q])),
                             product(c->part[q], k->weights[2].part[q]));
        v[q] =
            _mm256_cvtps_epi32(_mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), k->scale[q], k->bias[q]));
    }
    const __m256i bytes =
        _mm256_packus_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
    if (wide)
        _mm256_storeu_si256((__m256i *)(void *)dst, bytes);
    else
        _mm_storeu_si128((__m128i *)(void *)dst, _mm256_castsi256_si128(bytes));
}

/* Outputs [x, end) of the channels from c on. */
ST_ALWAYS void filter(const struct st_depthwise *d, uint8_t *dst, const void *const rows[3],
                      size_t W, size_t x, size_t end, size_t c, const size_t stride,
                      const bool wide)
{
    const size_t C = d->C;
    const struct taps none = {{_mm256_setzero_si256(), _mm256_setzero_si256(),
                               _mm256_setzero_si256(), _mm256_setzero_si256()}};
    struct channels k;
    load_channels(&k, d, c, wide);
    struct taps before = x ? load_taps(rows, (x * stride - 1) * C + c, wide) : none;
    struct taps here = load_taps(rows, x * stride * C + c, wide);
    for (; x < end; x++) {
        const size_t next = x * stride + 1;
        const struct taps after = next < W ? load_taps(rows, next * C + c, wide) : none;
        store_pixel(dst + x * C + c, &k, &before, &here, &after, wide);
        before = stride == 1 ? here : after;
        if (stride == 1)
            here = after;
        else if (x + 1 < end)
            here = load_taps(rows, (next + 1) * C + c, wide);
    }
}

#define FILTER(name, stride, wide)                                                            \
    static __attribute__((noinline)) void name(const struct st_depthwise *d, uint8_t *dst,    \
                                               const void *const rows[3], size_t W, size_t x, \
                                               size_t end, size_t c)                          \
    {                                                                                         \
        filter(d, dst, rows, W, x, end, c, stride, wide);                                     \
    }
FILTER(filter_1_wide, 1, true)
FILTER(filter_1, 1, false)
FILTER(filter_2_wide, 2, true)
FILTER(filter_2, 2, false)

void st_depthwise_u8_avx2(ST_DEPTHWISE_ARGS)
{
    const size_t C = depthwise->C;
    const bool all = depthwise->stride == 1;
    assert(C % 16 == 0 && depthwise->out == ST_ELEMENT_U8);
    for (size_t x = 0; x < out_W; x += BLOCK) {
        const size_t end = x + BLOCK < out_W ? x + BLOCK : out_W;
        size_t c = 0;
        for (; c + 32 <= C; c += 32)
            (all ? filter_1_wide : filter_2_wide)(depthwise, dst, rows, W, x, end, c);
        if (c < C)
            (all ? filter_1 : filter_2)(depthwise, dst, rows, W, x, end, c);
    }
}
