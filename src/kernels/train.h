/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels of training: batch norm, depthwise convolution and what moves between layers.
 *
 * The rules are those of kernels.h. A kernel works on one block of B channels of one
 * sample, [H, W, B] with the channels innermost, or [count, B] where position does not
 * matter; B is 8 or 16. Elements are f32 or bf16 (`const void *`), arithmetic is f32,
 * sums over pixels end in double. Each has a reference in train_ref.c.
 *
 * Depthwise convolutions are 3x3 with pad 1: what a norm does to their input, and to the
 * gradient of their output, happens on the way, so neither is ever in memory.
 */
#ifndef ST_KERNELS_TRAIN_H
#define ST_KERNELS_TRAIN_H

#include <stdbool.h>
#include <stddef.h>

#define ST_TRAIN_B_MAX 16
#define ST_TRAIN_TAPS 9 /* of a depthwise kernel, row by row */

enum st_train_element { ST_TRAIN_ELEMENT_F32, ST_TRAIN_ELEMENT_BF16 };

/* Sums about the first pixel, so that a mean far from zero costs no digits. */
struct st_train_sums {
    double sum[ST_TRAIN_B_MAX];    /* of z - pivot */
    double square[ST_TRAIN_B_MAX]; /* of (z - pivot)^2 */
    float pivot[ST_TRAIN_B_MAX];
};

/* What a norm does in one block of channels.
 *   forward:  v = scale (z - mean) + beta, y = v > 0 ? v : slope v
 *   backward: g = dy (v > 0 ? 1 : slope), dz = a g + b (z - mean) + c */
struct st_train_norm_block {
    float mean[ST_TRAIN_B_MAX], scale[ST_TRAIN_B_MAX], beta[ST_TRAIN_B_MAX];
    float a[ST_TRAIN_B_MAX], b[ST_TRAIN_B_MAX], c[ST_TRAIN_B_MAX];
    float slope;
};

/* Sums of a norm's backward: of g, and of g (z - mean). */
struct st_train_gradient_sums {
    double sum[ST_TRAIN_B_MAX], dot[ST_TRAIN_B_MAX];
};

/* A depthwise convolution of one block of channels: x [H, W, B], y [P, Q, B]. */
struct st_train_depthwise {
    size_t H, W, P, Q;
    int stride;                               /* 1 or 2; P = (H - 1) / stride + 1, Q likewise */
    const float *w;                           /* [9, B] */
    const struct st_train_norm_block *before; /* x is this norm's z; NULL: x is as it is */
    const struct st_train_norm_block *after;  /* dy is the gradient of this norm's output, y
                                                 its z; NULL: dy is as it is */
    float *scratch;                           /* st_train_scratch_size(W, B) floats */
};

struct st_train_kernels {
    const char *variant; /* "ref", "avx2", "avx512" */
    enum st_train_element element;
    size_t B;
    size_t element_bytes;

    void (*sums)(struct st_train_sums *sums, const void *z, size_t count, size_t B);

    /* y = act(norm(z) + add); `add` may be NULL. */
    void (*norm)(void *y, const void *z, const void *add, const struct st_train_norm_block *norm,
                 size_t count, size_t B);

    /* Overwrites `sums`. `y` decides the sign of v where it is not NULL (it must be where
     * something was added). */
    void (*norm_gradient)(struct st_train_gradient_sums *sums, const void *dy, const void *z,
                          const void *y, const struct st_train_norm_block *norm, size_t count,
                          size_t B);

    /* dz; and, where `dadd` is not NULL, dadd = g, or dadd += g with `accumulate`. dz and
     * dadd may each be dy. */
    void (*norm_backward)(void *dz, void *dadd, bool accumulate, const void *dy, const void *z,
                          const void *y, const struct st_train_norm_block *norm, size_t count,
                          size_t B);

    /* y, and its sums where `sums` is not NULL. */
    void (*depthwise)(void *y, struct st_train_sums *sums, const void *x,
                      const struct st_train_depthwise *conv, size_t B);

    /* dw [9, B] and dx, which is g of the norm before, if there is one: then `sums` are
     * its sums. dx may be NULL, then `sums` is left alone. Overwrites. */
    void (*depthwise_backward)(void *dx, double *dw, struct st_train_gradient_sums *sums,
                               const void *dy, const void *x, const void *y,
                               const struct st_train_depthwise *conv, size_t B);

    void (*add)(void *dst, const void *src, size_t count, size_t B); /* dst += src */

    /* Bilinear x2, aligned corners, [H, W, B] to [2H, 2W, B]; and dx of it, overwritten.
     * `scratch` as for a depthwise one. */
    void (*upsample)(void *y, const void *x, size_t H, size_t W, size_t B);
    void (*upsample_backward)(void *dx, const void *dy, size_t H, size_t W, float *scratch,
                              size_t B);

    /* y = x > 0 ? x : slope x, and dx = dy (y > 0 ? 1 : slope). dx may be dy. */
    void (*activation)(void *y, const void *x, float slope, size_t count, size_t B);
    void (*activation_backward)(void *dx, const void *dy, const void *y, float slope, size_t count,
                                size_t B);
};

/* The best variants among `flags` for blocks of B channels. bf16 is made for machines that
 * have SYNCTALK_CPU_BF16; elsewhere it is the reference, for tests. */
void st_train_kernels_init(struct st_train_kernels *k, unsigned flags,
                           enum st_train_element element, size_t B);

/* Names of the table's entries, for doctor, until index is past the end (NULL). All that a
 * table holds are of its one variant. */
const char *st_train_kernels_entry(size_t index);

static inline size_t st_train_scratch_size(size_t W, size_t B)
{
    return 3 * (W + 2) * B;
}

#endif /* ST_KERNELS_TRAIN_H */
