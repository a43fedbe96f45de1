/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels of transformers: what happens between matrix products, row by row.
 *
 * The rules are those of kernels.h. Rows of `width` f32 are read, arithmetic is f32, and
 * results are written as f32 or bf16 (rounded to the nearest, half to even; a NaN stays
 * one). Where the result is f32, dst may be src.
 */
#ifndef ST_KERNELS_ROWS_H
#define ST_KERNELS_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum st_row_element { ST_ROW_F32, ST_ROW_BF16 };

static inline size_t st_row_element_bytes(enum st_row_element element)
{
    return element == ST_ROW_BF16 ? 2 : 4;
}

struct st_row_norm {
    const float *scale, *shift; /* [width] */
    float epsilon;              /* > 0 */
    bool gelu;                  /* applied to the result */
};

struct st_row_kernels {
    const char *variant; /* "ref", "avx2", "avx512" */

    /* Layer norm: dst = (src - mean) / sqrt(variance + epsilon) scale + shift, both of the
     * row and the variance without Bessel's correction. */
    void (*norm)(void *dst, enum st_row_element element, const float *src,
                 const struct st_row_norm *norm, size_t rows, size_t width);

    /* dst = gelu(src scale + shift), gelu(x) = x (1 + erf(x / sqrt 2)) / 2. */
    void (*scale_gelu)(void *dst, enum st_row_element element, const float *src, const float *scale,
                       const float *shift, size_t rows, size_t width);

    /* dst = src */
    void (*copy)(void *dst, enum st_row_element element, const float *src, size_t count);

    /* Each row's first `valid` numbers as probabilities, the rest of the row zeros. src may
     * be left holding anything. */
    void (*softmax)(void *dst, enum st_row_element element, float *src, size_t valid, size_t rows,
                    size_t width);
};

/* The best variants among `flags`, SYNCTALK_CPU_* bits. */
void st_row_kernels_init(struct st_row_kernels *k, unsigned flags);

#endif /* ST_KERNELS_ROWS_H */
