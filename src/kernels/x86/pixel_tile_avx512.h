/* SPDX-License-Identifier: Apache-2.0 */
/* A pointwise convolution by tiles of pixels and channels that stay in registers. Four bytes
 * of a pixel's channels (1 F32, 2 BF16, 4 U8) are multiplied at once with those of sixteen
 * weights. The including file gives
 *     ST_SUMS            the type of sixteen sums
 *     ST_ZERO()          sixteen zeros
 *     ST_STEP(sum, x, w) sum += x w; x broadcast bytes, w weights, both __m512i
 *     ST_NUMBERS(sum)    as __m512
 *     ST_TILE_NAME       the function defined here
 */
#include "kernels/x86/pixel_avx512.h"

/* Weights up to here stay in the first cache while pixels pass by. */
#define SMALL_WEIGHTS_BYTES ((size_t)24 << 10)

struct tile {
    const struct st_pointwise *pointwise;
    const int32_t *src; /* of the tile's first pixel */
    size_t src_words;   /* from pixel to pixel */
    void *dst;
    const void *add;
    size_t dst_stride, add_stride;
};

ST_ALWAYS void tile(const struct tile *t, size_t p, size_t k, const size_t MR, const size_t NR)
{
    const struct st_pointwise *pointwise = t->pointwise;
    const size_t words = pointwise->C * st_element_bytes(pointwise->in) / 4;
    const int32_t *w = (const int32_t *)pointwise->weights + k * words;
    const int32_t *x = t->src + p * t->src_words;
    ST_SUMS sums[24];
#pragma GCC unroll 24
    for (size_t i = 0; i < MR * NR; i++)
        sums[i] = ST_ZERO();
    for (size_t c = 0; c < words; c++) {
        __m512i weights[4];
#pragma GCC unroll 4
        for (size_t r = 0; r < NR; r++)
            weights[r] = _mm512_loadu_si512(w + (r * words + c) * 16);
#pragma GCC unroll 12
        for (size_t m = 0; m < MR; m++) {
            __m512i bytes = _mm512_set1_epi32(x[m * t->src_words + c]);
#pragma GCC unroll 4
            for (size_t r = 0; r < NR; r++)
                ST_STEP(sums[m * NR + r], bytes, weights[r]);
        }
    }
#pragma GCC unroll 12
    for (size_t m = 0; m < MR; m++) {
        __m512 v[4];
#pragma GCC unroll 4
        for (size_t r = 0; r < NR; r++) {
            const __m512 bias = _mm512_loadu_ps(pointwise->bias + k + 16 * r);
            v[r] = ST_NUMBERS(sums[m * NR + r]);
            v[r] = pointwise->scale
                       ? _mm512_fmadd_ps(v[r], _mm512_loadu_ps(pointwise->scale + k + 16 * r), bias)
                       : _mm512_add_ps(v[r], bias);
        }
        finish(pointwise, k, NR, v, t->dst, (p + m) * t->dst_stride, t->add,
               (p + m) * t->add_stride);
    }
}

#define TILE(MR, NR)                                                                              \
    static                                                                                        \
        __attribute__((noinline)) void tile_##MR##_##NR(const struct tile *t, size_t p, size_t k) \
    {                                                                                             \
        tile(t, p, k, MR, NR);                                                                    \
    }
#define TILES(NR) TILE(4, NR) TILE(2, NR) TILE(1, NR)
TILE(6, 4)
TILES(4)
TILE(12, 2)
TILES(2)
TILE(12, 1)
TILES(1)

typedef void (*tile_function)(const struct tile *, size_t, size_t);

/* Pixels [p, end) of channels from k on, 16 * 4, 2 or 1 of them by `kind`. */
static void column(const struct tile *t, size_t p, size_t end, size_t k, int kind)
{
    static const tile_function tiles[3][4] = {{tile_6_4, tile_4_4, tile_2_4, tile_1_4},
                                              {tile_12_2, tile_4_2, tile_2_2, tile_1_2},
                                              {tile_12_1, tile_4_1, tile_2_1, tile_1_1}};
    static const size_t most[] = {6, 12, 12};
    for (; p + most[kind] <= end; p += most[kind])
        tiles[kind][0](t, p, k);
    for (size_t i = 1, MR = 4; i < 4; i++, MR /= 2)
        for (; p + MR <= end; p += MR)
            tiles[kind][i](t, p, k);
}

static void columns(const struct tile *t, size_t p, size_t end)
{
    size_t k = 0;
    const size_t K = t->pointwise->K;
    for (; k + 64 <= K; k += 64)
        column(t, p, end, k, 0);
    if (k + 32 <= K) {
        column(t, p, end, k, 1);
        k += 32;
    }
    if (k < K)
        column(t, p, end, k, 2);
}

void ST_TILE_NAME(ST_POINTWISE_ARGS)
{
    const size_t bytes = st_element_bytes(pointwise->in);
    assert(pointwise->C % 16 == 0 && pointwise->K % 16 == 0);
    const struct tile t = {
        .pointwise = pointwise,
        .src = src,
        .src_words = src_stride * bytes / 4,
        .dst = dst,
        .add = add,
        .dst_stride = dst_stride,
        .add_stride = add_stride,
    };
    if (pointwise->K * pointwise->C * bytes > SMALL_WEIGHTS_BYTES) {
        columns(&t, 0, P);
        return;
    }
    for (size_t p = 0; p < P; p += 24)
        columns(&t, p, p + 24 < P ? p + 24 : P);
}
