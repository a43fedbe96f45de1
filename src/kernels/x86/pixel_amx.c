/* SPDX-License-Identifier: Apache-2.0 */
/* Products of bytes and of BF16 by tiles: 32 pixels by 32 channels at once, 64 bytes of
 * their channels in a step. A row of a tile is a pixel as it lies in memory; the packed
 * weights are tiles as they are. Tiles 0...3 hold sums, 4 and 5 pixels, 6 and 7 weights.
 *
 * The operating system must have been asked for the tiles (base/cpu.c).
 */
#if !defined(__AMX_TILE__) && !defined(__AMXTILE__) /* GCC, and clang before 16 */
#include "kernels/pixel.h"
#error "compile this file with the flags that src/kernels/meson.build gives it"
#endif
#include "kernels/x86/pixel_avx512.h"

#define TILE ((size_t)16) /* pixels, and channels, of one tile */

struct block {
    const struct st_pointwise *pointwise;
    const unsigned char *src;
    size_t src_bytes, step_bytes, steps; /* a pixel's stride; of one step */
    void *dst;
    const void *add;
    size_t dst_stride, add_stride;
};

struct config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static void configure(size_t step_bytes)
{
    struct config config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.rows[i] = 16;
        config.row_bytes[i] = 64;
    }
    config.row_bytes[4] = config.row_bytes[5] = (uint16_t)step_bytes;
    config.rows[6] = config.rows[7] = (uint8_t)(step_bytes / 4);
    _tile_loadconfig(&config);
}

/* `wide` pixels and `tall` channels, in tiles, into `sums`. */
#define MULTIPLY(product)                                                    \
    do {                                                                     \
        _tile_zero(0);                                                       \
        _tile_zero(1);                                                       \
        _tile_zero(2);                                                       \
        _tile_zero(3);                                                       \
        for (size_t s = 0; s < b->steps; s++) {                              \
            const unsigned char *x = src + s * 64;                           \
            const unsigned char *w = weights + s * TILE * 64;                \
            _tile_loadd(4, x, (long)b->src_bytes);                           \
            _tile_loadd(6, w, 64);                                           \
            product(0, 4, 6);                                                \
            if (channels == 2) {                                             \
                _tile_loadd(7, w + panel_bytes, 64);                         \
                product(1, 4, 7);                                            \
            }                                                                \
            if (pixels == 2) {                                               \
                _tile_loadd(5, x + TILE * b->src_bytes, (long)b->src_bytes); \
                product(2, 5, 6);                                            \
                if (channels == 2)                                           \
                    product(3, 5, 7);                                        \
            }                                                                \
        }                                                                    \
    } while (0)

ST_ALWAYS __m512 number(const int32_t *sum, bool exact)
{
    const __m512i bits = _mm512_load_si512(sum);
    return exact ? _mm512_cvtepi32_ps(bits) : _mm512_castsi512_ps(bits);
}

ST_ALWAYS __m512 value(__m512 y, __m512 scale, __m512 bias, bool exact)
{
    return exact ? _mm512_fmadd_ps(y, scale, bias) : _mm512_add_ps(y, bias);
}

/* Two neighbouring pixels of 32 channels to bytes. */
ST_ALWAYS void store_bytes(const struct block *b, size_t p, size_t k, __m512 v[4])
{
    const __m512i bytes = to_u8_64(v[0], v[1], v[2], v[3]);
    uint8_t *dst = (uint8_t *)b->dst + p * b->dst_stride + k;
    _mm256_storeu_si256((__m256i *)(void *)dst, _mm512_castsi512_si256(bytes));
    _mm256_storeu_si256((__m256i *)(void *)(dst + b->dst_stride),
                        _mm512_extracti64x4_epi64(bytes, 1));
}

/* Sums are [pixels x 16][channels x 16]. */
ST_ALWAYS void finish_block(const struct block *b, const int32_t *sums, size_t p, size_t k,
                            const size_t pixels, const size_t channels, const bool exact)
{
    const struct st_pointwise *pointwise = b->pointwise;
    __m512 bias[2], scale[2];
    for (size_t r = 0; r < channels; r++) {
        bias[r] = _mm512_loadu_ps(pointwise->bias + k + TILE * r);
        scale[r] = exact ? _mm512_loadu_ps(pointwise->scale + k + TILE * r) : _mm512_set1_ps(1);
    }
    if (channels == 2 && pointwise->out == ST_ELEMENT_U8 && !pointwise->adds) {
        for (size_t m = 0; m < pixels * TILE; m += 2) {
            __m512 v[4];
#pragma GCC unroll 4
            for (size_t i = 0; i < 4; i++)
                v[i] = value(number(sums + (m * 2 + i) * TILE, exact), scale[i % 2], bias[i % 2],
                             exact);
            store_bytes(b, p + m, k, v);
        }
        return;
    }
    for (size_t m = 0; m < pixels * TILE; m++) {
        const size_t at = p + m;
        __m512 v[4];
        for (size_t r = 0; r < channels; r++)
            v[r] = value(number(sums + (m * channels + r) * TILE, exact), scale[r], bias[r], exact);
        finish(pointwise, k, channels, v, b->dst, at * b->dst_stride, b->add, at * b->add_stride);
    }
}

ST_ALWAYS void run_block(const struct block *b, size_t p, size_t k, const size_t pixels,
                         const size_t channels, const bool exact)
{
    int32_t sums[4 * 16 * 16] __attribute__((aligned(64)));
    const size_t panel_bytes = b->steps * b->step_bytes * TILE;
    const unsigned char *weights =
        (const unsigned char *)b->pointwise->weights + k / TILE * panel_bytes;
    const unsigned char *src = b->src + p * b->src_bytes;
    const long line = 64L * (long)channels;
    int32_t *below = sums + TILE * TILE * channels;
    if (exact)
        MULTIPLY(_tile_dpbusd);
    else
        MULTIPLY(_tile_dpbf16ps);
    _tile_stored(0, sums, line);
    if (channels == 2)
        _tile_stored(1, sums + TILE, line);
    if (pixels == 2) {
        _tile_stored(2, below, line);
        if (channels == 2)
            _tile_stored(3, below + TILE, line);
    }
    finish_block(b, sums, p, k, pixels, channels, exact);
}

#define BLOCK(name, pixels, channels, exact)                                              \
    static __attribute__((noinline)) void name(const struct block *b, size_t p, size_t k) \
    {                                                                                     \
        run_block(b, p, k, pixels, channels, exact);                                      \
    }
BLOCK(bytes_2_2, 2, 2, true)
BLOCK(bytes_2_1, 2, 1, true)
BLOCK(bytes_1_2, 1, 2, true)
BLOCK(bytes_1_1, 1, 1, true)
BLOCK(bf16_2_2, 2, 2, false)
BLOCK(bf16_2_1, 2, 1, false)
BLOCK(bf16_1_2, 1, 2, false)
BLOCK(bf16_1_1, 1, 1, false)

typedef void (*block_function)(const struct block *, size_t, size_t);

static void run_blocks(const struct block *b, size_t P, bool exact)
{
    static const block_function blocks[2][2][2] = {
        {{bf16_1_1, bf16_1_2}, {bf16_2_1, bf16_2_2}},
        {{bytes_1_1, bytes_1_2}, {bytes_2_1, bytes_2_2}},
    };
    configure(b->step_bytes);
    for (size_t k = 0; k < b->pointwise->K; k += 2 * TILE) {
        const bool wide = k + 2 * TILE <= b->pointwise->K;
        size_t p = 0;
        for (; p + 2 * TILE <= P; p += 2 * TILE)
            blocks[exact][1][wide](b, p, k);
        if (p + TILE <= P) {
            blocks[exact][0][wide](b, p, k);
            p += TILE;
        }
        /* what is left once more, together with some of what is done */
        if (p < P)
            blocks[exact][0][wide](b, P - TILE, k);
    }
    _tile_release();
}

static bool fits(const struct st_pointwise *pointwise, size_t P)
{
    const size_t bytes = pointwise->C * st_element_bytes(pointwise->in);
    return P >= TILE && (bytes % 64 == 0 || bytes < 64);
}

static struct block make_block(ST_POINTWISE_ARGS)
{
    const size_t element = st_element_bytes(pointwise->in), bytes = pointwise->C * element;
    (void)P;
    return (struct block){
        .pointwise = pointwise,
        .src = src,
        .src_bytes = src_stride * element,
        .step_bytes = bytes < 64 ? bytes : 64,
        .steps = bytes < 64 ? 1 : bytes / 64,
        .dst = dst,
        .add = add,
        .dst_stride = dst_stride,
        .add_stride = add_stride,
    };
}

static void pointwise_u8_amx(ST_POINTWISE_ARGS)
{
    if (!fits(pointwise, P)) {
        st_pointwise_vnni(pointwise, dst, dst_stride, src, src_stride, add, add_stride, P);
        return;
    }
    const struct block b =
        make_block(pointwise, dst, dst_stride, src, src_stride, add, add_stride, P);
    run_blocks(&b, P, true);
}

static void pointwise_bf16_amx(ST_POINTWISE_ARGS)
{
    if (!fits(pointwise, P)) {
        st_pointwise_bf16(pointwise, dst, dst_stride, src, src_stride, add, add_stride, P);
        return;
    }
    const struct block b =
        make_block(pointwise, dst, dst_stride, src, src_stride, add, add_stride, P);
    run_blocks(&b, P, false);
}

void st_pixel_kernels_amx(struct st_pixel_kernels *k)
{
    k->pointwise[ST_ELEMENT_U8] = pointwise_u8_amx;
    k->pointwise[ST_ELEMENT_BF16] = pointwise_bf16_amx;
    k->names[ST_ELEMENT_U8] = k->names[ST_ELEMENT_BF16] = "amx";
}
