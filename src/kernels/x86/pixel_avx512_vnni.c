/* SPDX-License-Identifier: Apache-2.0 */
/* Products of bytes: four at once into a sum of 32 bits. Inline assembly, because GCC 12
 * spills the sums of a chain of intrinsics.
 *
 * Depthwise: the bytes of three rows are interleaved, so that four bytes of a lane are one
 * column of one channel and a zero. Unpacking works inside 128 bits, and so does packing at
 * the end, which puts the channels back in order; between the two, scales and weights are
 * read in the order of the unpacked: lane l of part q has channels 16 l + 4 q + 0...3.
 */
#ifndef __AVX512VNNI__
#include "kernels/pixel.h"
#error "compile this file with the flags that src/kernels/meson.build gives it"
#endif

#define ST_SUMS __m512i
#define ST_ZERO() _mm512_setzero_si512()
#define ST_STEP(sum, x, w) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w))
#define ST_NUMBERS(sum) _mm512_cvtepi32_ps(sum)
#define ST_TILE_NAME st_pointwise_vnni
#include "kernels/x86/pixel_tile_avx512.h"

/* One column of three rows of up to 64 channels. */
struct taps {
    __m512i part[4];
};

/* Constants of up to 64 channels, in the order of the unpacked. */
struct channels {
    struct taps weights[3];
    __m512 scale[4], bias[4];
    __mmask64 mask;
};

/* Sixteen bytes of each of four lanes, `lanes` of which exist. */
ST_ALWAYS __m512i spread(const void *data, size_t lanes, size_t q)
{
    unsigned char bytes[64] __attribute__((aligned(64))) = {0};
    for (size_t l = 0; l < lanes; l++)
        memcpy(bytes + 16 * l, (const unsigned char *)data + 64 * l + 16 * q, 16);
    return _mm512_load_si512(bytes);
}

static void load_channels(struct channels *out, const struct st_depthwise *d, size_t c)
{
    const size_t count = d->C - c < 64 ? d->C - c : 64, lanes = count / 16;
    out->mask = count == 64 ? ~(__mmask64)0 : ((__mmask64)1 << count) - 1;
    for (size_t q = 0; q < 4; q++) {
        for (size_t tap = 0; tap < 3; tap++)
            out->weights[tap].part[q] =
                spread((const int8_t *)d->weights + (tap * d->C + c) * 4, lanes, q);
        out->scale[q] = _mm512_castsi512_ps(spread(d->scale + c, lanes, q));
        out->bias[q] = _mm512_castsi512_ps(spread(d->bias + c, lanes, q));
    }
}

ST_ALWAYS struct taps load_taps(const void *const rows[3], size_t at, __mmask64 mask)
{
    const __m512i zero = _mm512_setzero_si512();
    const uint8_t *const *r = (const uint8_t *const *)rows;
    const __m512i a = r[0] ? _mm512_maskz_loadu_epi8(mask, r[0] + at) : zero;
    const __m512i b = r[1] ? _mm512_maskz_loadu_epi8(mask, r[1] + at) : zero;
    const __m512i c = r[2] ? _mm512_maskz_loadu_epi8(mask, r[2] + at) : zero;
    const __m512i ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
    const __m512i c_low = _mm512_unpacklo_epi8(c, zero), c_high = _mm512_unpackhi_epi8(c, zero);
    return (struct taps){
        {_mm512_unpacklo_epi16(ab_low, c_low), _mm512_unpackhi_epi16(ab_low, c_low),
         _mm512_unpacklo_epi16(ab_high, c_high), _mm512_unpackhi_epi16(ab_high, c_high)}};
}

ST_ALWAYS void store_pixel(uint8_t *dst, const struct channels *k, const struct taps *a,
                           const struct taps *b, const struct taps *c)
{
    __m512i v[4];
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
        __m512i sum = _mm512_setzero_si512();
        ST_STEP(sum, a->part[q], k->weights[0].part[q]);
        ST_STEP(sum, b->part[q], k->weights[1].part[q]);
        ST_STEP(sum, c->part[q], k->weights[2].part[q]);
        v[q] =
            _mm512_cvtps_epi32(_mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), k->scale[q], k->bias[q]));
    }
    const __m512i bytes =
        _mm512_packus_epi16(_mm512_packs_epi32(v[0], v[1]), _mm512_packs_epi32(v[2], v[3]));
    _mm512_mask_storeu_epi8(dst, k->mask, bytes);
}

static void depthwise_vnni(ST_DEPTHWISE_ARGS)
{
    const size_t C = depthwise->C;
    const bool skips = depthwise->stride == 2;
    const struct taps zeros = {{_mm512_setzero_si512(), _mm512_setzero_si512(),
                                _mm512_setzero_si512(), _mm512_setzero_si512()}};
    assert(C % 16 == 0 && depthwise->out == ST_ELEMENT_U8);
    for (size_t c = 0; c < C; c += 64) {
        struct channels k;
        load_channels(&k, depthwise, c);
        uint8_t *to = (uint8_t *)dst + c;
        struct taps before = zeros, here = load_taps(rows, c, k.mask);
        for (size_t x = 0; x < out_W; x++, to += C) {
            const size_t at = skips ? 2 * x : x;
            if (skips && x) {
                here = load_taps(rows, at * C + c, k.mask);
            }
            const struct taps after =
                at + 1 < W ? load_taps(rows, (at + 1) * C + c, k.mask) : zeros;
            store_pixel(to, &k, &before, &here, &after);
            before = skips ? after : here;
            here = after;
        }
    }
}

void st_pixel_kernels_avx512_vnni(struct st_pixel_kernels *k)
{
    k->pointwise[ST_ELEMENT_U8] = st_pointwise_vnni;
    k->names[ST_ELEMENT_U8] = "avx512_vnni";
    k->depthwise[ST_ELEMENT_U8] = depthwise_vnni;
}
