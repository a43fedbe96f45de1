/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels: the arithmetic and nothing else.
 *
 * A kernel does not allocate, do I/O, start threads, or fail: the layer above validates
 * sizes, and here they are asserted. Each entry has one reference in *_ref.c, whose plain
 * loops are its definition; every other variant must stay within the rounding bound that
 * tests/kernels states for it (for integers: be equal).
 *
 * Sizes may be any >= 1, so variants own their tails. Pointers need only the alignment of
 * their element type. No two arguments overlap unless said.
 */
#ifndef ST_KERNELS_KERNELS_H
#define ST_KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

struct st_kernels {
    unsigned flags; /* SYNCTALK_CPU_* bits that were both present and allowed */

    /* Bilinear x2, aligned corners, of `planes` slices of [H, W, B] f32 (B channels
     * innermost: 1 for plain NCHW, 8 or 16 for oneDNN's blocked layouts) to [2H, 2W, B].
     * Source: torch.nn.functional.interpolate(align_corners=True). */
    void (*upsample2x)(float *dst, const float *src, size_t planes, size_t H, size_t W, size_t B);

    /* One row of OpenCV's 8-bit bicubic, horizontal pass: dst[x*3+c] = sum over k of
     * src[tap[x*4+k]*3+c] * weight[x*4+k], int32. Taps are clamped pixel indices. */
    void (*cubic_row)(int32_t *dst, const uint8_t *src, const int32_t *tap, const int16_t *weight,
                      size_t width);

    /* The vertical pass: four rows of int32 sums, weights b0..b3 already x 2^-22, in the
     * order S3*b3 + S2*b2 + S1*b1 + S0*b0 without FMA, rounded half to even, clamped. */
    void (*cubic_column)(uint8_t *dst, const int32_t *const rows[4], const float b[4],
                         size_t count);

    /* dst[i] = base[i] + (src[i] - base[i]) * alpha[i / 3] / 255, rounded half up; `count`
     * pixels of 3 bytes; alpha 255 gives src, 0 base. dst may be base. */
    void (*blend_row)(uint8_t *dst, const uint8_t *base, const uint8_t *src, const uint8_t *alpha,
                      size_t count);
};

/* Fill `k` with the best variants among `allowed` (~0u for no limit; 0 leaves the
 * references). Pure: call it per context, keep no global table. */
void st_kernels_init(struct st_kernels *k, unsigned allowed);

/* Which variant of `entry` a table holds, for doctor: pairs of entry and variant name
 * until index is past the end (NULL). */
const char *st_kernels_entry(size_t index);
const char *st_kernels_variant(const struct st_kernels *k, size_t index);

#endif /* ST_KERNELS_KERNELS_H */
