/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels on rows of pixels, channels innermost: the parts of an inverted residual (1x1
 * convolution, depthwise 3x3, 1x1 back) and of what feeds it, in three element types.
 *
 * The same contract as kernels.h: no allocation, no failure, sizes asserted, one reference
 * that defines the result. Sums of U8 are exact integers, and what is made of them is one
 * rounding after the other in the order written here, so every variant gives the same
 * bits. Variants for floats differ in the order of sums alone.
 *
 * Channel counts are multiples of 16; strides count elements from one pixel to the next.
 * Pixels are aligned to their element alone. `dst` overlaps nothing else. Floats are finite,
 * what becomes U8 is below 2^31; a BF16 below 2^-126 may come out as zero.
 *
 * P pixels, C channels read, K channels written, W pixels of a row.
 */
#ifndef ST_KERNELS_PIXEL_H
#define ST_KERNELS_PIXEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum st_element {
    ST_ELEMENT_F32,
    ST_ELEMENT_BF16, /* round to nearest even */
    ST_ELEMENT_U8,
    ST_ELEMENT_COUNT,
};

static inline size_t st_element_bytes(enum st_element element)
{
    return element == ST_ELEMENT_F32 ? 4 : element == ST_ELEMENT_BF16 ? 2 : 1;
}

/* y[k] = sum over c of x[c] w[k][c], made to an element by
 *     v = y scale[k] + bias[k]        one rounding (FMA); without scale y + bias[k]
 *     v = add[k] add_scale[k] + v     one rounding, where there is an add
 *     v = max(v, 0)                   where relu
 *     U8: v to the nearest integer, ties to even, then to 0...255
 * BF16 multiplies BF16 by BF16, U8 multiplies by signed bytes; F32 by F32. */
struct st_pointwise {
    enum st_element in, out, add;
    bool relu, adds;
    size_t C, K;
    const void *weights; /* by st_pixel_pack() */
    const float *scale;  /* [K]; NULL but for U8 */
    const float *bias;   /* [K] */
    const float *add_scale;
};

/* 3x3, pad 1, ReLU: v = y scale + bias as above, v = max(v, 0). The 9 weights of a channel
 * are row-major. F32 in: out F32 or BF16; U8 in: out U8. */
struct st_depthwise {
    enum st_element in, out;
    size_t C, stride;    /* of columns: 1 or 2 */
    const void *weights; /* F32 [9, C]; U8: signed [3 columns, C, 4]: three rows and a zero */
    const float *scale;  /* [C]; NULL but for U8 */
    const float *bias;   /* [C] */
};

/* Between elements and numbers: number = element scale[c] + offset[c], one rounding, and
 * element = number inverse[c] + zero[c], one rounding, then as above. With NULL for the
 * struct, and for what is not U8, an element is its number. */
struct st_levels {
    const float *scale, *offset, *inverse, *zero; /* [C] each */
};

struct st_pixel_row {
    void *data;
    size_t stride;
    enum st_element element;
    const struct st_levels *levels;
};

struct st_pixel_kernels {
    /* P pixels of each. `add` is read where pointwise->adds. */
    void (*pointwise[ST_ELEMENT_COUNT])(const struct st_pointwise *pointwise, void *dst,
                                        size_t dst_stride, const void *src, size_t src_stride,
                                        const void *add, size_t add_stride, size_t P);

    /* One row of `out_W` pixels from three of W, C elements a pixel; a NULL row, never the
     * middle one, is zeros.
     * By the element read: F32 or U8. */
    void (*depthwise[ST_ELEMENT_COUNT])(const struct st_depthwise *depthwise, void *dst,
                                        const void *const rows[3], size_t W, size_t out_W);

    /* dst[p][c] = a + t (b - a), numbers of two rows of `src` that share what they are;
     * dst [P, C] f32. The product is rounded with the sum. */
    void (*blend)(float *dst, const struct st_pixel_row *a, const void *b, float t, size_t P,
                  size_t C);

    /* dst[p][c] = a + t[p] (b - a) with a = src[first[p]][c], b = src[second[p]][c]; src
     * [., C] f32. */
    void (*stretch)(const struct st_pixel_row *dst, const float *src, const uint32_t *first,
                    const uint32_t *second, const float *t, size_t P, size_t C);

    /* The same numbers as other elements. */
    void (*convert)(const struct st_pixel_row *dst, const struct st_pixel_row *src, size_t P,
                    size_t C);

    /* planes[i][p] = 1 / (1 + exp(-src[p][i])) for the first `count` of the `stride`
     * channels; planes lie `plane` apart. Within 3e-7 of the true value. */
    void (*sigmoid)(float *planes, size_t plane, size_t count, const float *src, size_t stride,
                    size_t P);

    const char *names[ST_ELEMENT_COUNT]; /* of the instruction set of each pointwise */
};

/* The best of `flags` (those of struct st_kernels). Pure. */
void st_pixel_kernels_init(struct st_pixel_kernels *k, unsigned flags);

/* Whether `flags` have code for products of `element` that is worth its name. */
bool st_pixel_kernels_have(unsigned flags, enum st_element element);

/* True: signed weights of two neighbouring channels must not add up to more than 128 in
 * magnitude, in pointwise, nor those of the upper two rows of a column in depthwise, or
 * sums of 16 bit would overflow. */
bool st_pixel_kernels_narrow(unsigned flags);

/* Bytes of packed weights, and packing of [K, C] numbers (F32: kept; BF16: rounded; U8:
 * already integers in -127...127) as all variants want them:
 * [K/16, C/n, 16, n] with n elements in four bytes. */
size_t st_pixel_packed_bytes(enum st_element element, size_t K, size_t C);
void st_pixel_pack(void *dst, enum st_element element, const float *weights, size_t K, size_t C);

#endif /* ST_KERNELS_PIXEL_H */
