/* SPDX-License-Identifier: Apache-2.0 */
/* A network as a row of stages on pixels, channels innermost: inverted residuals as one
 * kernel each, the few 3x3 convolutions, and the head.
 *
 * An inverted residual runs over its picture once: a few rows are made wide, kept in a
 * ring, filtered as soon as their neighbours are there, and made narrow again, so that
 * nothing wide ever leaves the second cache. What it reads may lie in two values, the
 * first of which may be raised to twice its size on the way; no concatenation is written
 * to memory.
 *
 * Each stage multiplies in one element: F32, BF16, or U8 by signed bytes. Whatever element
 * its input lies in is converted on the way, a few rows at a time.
 *
 * A stage is immutable; threads share it and bring their own scratch memory. Channels are
 * padded to multiples of 16; padding holds zeros (U8: the level of zero).
 */
#ifndef ST_NN_STAGE_H
#define ST_NN_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/pixel.h"
#include "synctalk/status.h"

struct st_stage;

/* Where the 2 n pixels of a side that is raised to twice its size lie: between pixels first[i] and
 * second[i] (NULL: it is the next) of the n, by part[i] of the way. Corners stay corners. */
void st_stage_raise_places(size_t n, uint32_t *first, uint32_t *second, float *part);

enum st_stage_kind {
    ST_STAGE_INVERTED, /* 1x1, ReLU, depthwise 3x3, ReLU, 1x1; plus its input where residual */
    ST_STAGE_DENSE,    /* 3x3, ReLU */
    ST_STAGE_HEAD,     /* 1x1, sigmoid, to f32 planes */
};

/* What lies in memory: [H, W, padded C], or, `planes`, f32 [C, H, W]. */
struct st_value {
    size_t C, H, W;
    enum st_element element;
    bool planes; /* only read, as the one part of a stage */
    /* [padded C] each, owned by whoever made the value; needed where it is, or is made, U8 */
    const struct st_levels *levels;
};

/* A convolution's weights [K, C, k, k], depthwise [K, 1, 3, 3], and biases [K]. */
struct st_stage_weights {
    const float *weights, *bias;
};

struct st_stage_form {
    enum st_stage_kind kind;
    enum st_element element; /* HEAD: never U8 */
    struct st_value parts[2];
    int part_count;
    bool raised; /* parts[0] is bilinearly upsampled by 2, aligned corners */
    bool residual;
    size_t stride_h, stride_w, pad;
    struct st_value out;
    struct st_stage_weights convs[3]; /* INVERTED: three; else one. Borrowed for the call */
    /* U8, INVERTED: what a level is worth, [hidden channels]. Borrowed for the call */
    const float *expanded_scale, *filtered_scale;
};

/* Told of every row of an F32 stage, but of the input where a part is raised: numbers [P, C], C
 * unpadded, `stride` apart. */
enum st_seen { ST_SEEN_INPUT, ST_SEEN_EXPANDED, ST_SEEN_FILTERED, ST_SEEN_OUTPUT };
struct st_stage_watch {
    void (*see)(void *context, enum st_seen what, const float *rows, size_t P, size_t C,
                size_t stride);
    void *context;
};

size_t st_stage_padded(size_t channels);
size_t st_value_bytes(const struct st_value *value);

/* `kernels` is copied; `narrow`: st_pixel_kernels_narrow(). Levels of `form` are borrowed
 * until the stage is destroyed, the rest for the call. */
synctalk_status st_stage_create(struct st_stage **out, const struct st_stage_form *form,
                                const struct st_pixel_kernels *kernels, bool narrow,
                                synctalk_error *err);
void st_stage_destroy(struct st_stage **stage); /* NULL-safe */

size_t st_stage_weight_bytes(const struct st_stage *stage);
size_t st_stage_scratch_bytes(const struct st_stage *stage);

/* `parts` and `out` as the form has them, `out` of a head f32 [C, H, W] planes; `scratch`
 * aligned to 64. Nothing overlaps. `watch` may be NULL. */
void st_stage_run(const struct st_stage *stage, const void *const parts[2], void *out,
                  void *scratch, const struct st_stage_watch *watch);

/* Both, where a head reads what an inverted residual writes, rows by rows while they are in the
 * cache: what lies between is never written to memory. `watches`: of either, or NULL. */
size_t st_stage_pair_scratch_bytes(const struct st_stage *stage, const struct st_stage *head);
void st_stage_run_pair(const struct st_stage *stage, const struct st_stage *head,
                       const void *const parts[2], void *planes, void *scratch,
                       const struct st_stage_watch *const watches[2]);

#endif /* ST_NN_STAGE_H */
