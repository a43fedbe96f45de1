/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a stage, for stage.c, stage_feed.c and stage_build.c.
 *
 * C channels read, all parts, padded; E of the expanded; K written, padded.
 */
#ifndef ST_NN_STAGE_IMPL_H
#define ST_NN_STAGE_IMPL_H

#include "nn/stage.h"

/* One packed convolution; owns its arrays. */
struct st_stage_conv {
    void *weights;
    float *scale, *bias, *add_scale;
};

/* Where rows come from. */
struct st_feed {
    struct st_value parts[2];
    int part_count;
    bool raised, direct; /* direct: parts[0] is what is read */
    size_t C, H, W;
    enum st_element element;
    /* raising: columns [W], and which rows */
    uint32_t *first, *second;
    float *t;
    float *between; /* [H]: where a row lies between two of parts[0] */
    uint32_t *above;
};

struct st_stage {
    struct st_pixel_kernels kernels;
    enum st_stage_kind kind;
    struct st_feed feed;
    struct st_value out;
    size_t E, K, stride_h, stride_w, pad;
    size_t group; /* rows that are read at once */
    size_t ring;  /* expanded rows that are kept, a multiple of `group` or all */
    enum st_element expanded, filtered;
    struct st_pointwise expand, project; /* DENSE and HEAD: project alone */
    struct st_depthwise filter;
    /* A raised part is expanded, to F32, before it is raised, which is a quarter of the work and
     * the same sum. `expand` is then of the other part, and adds what was raised. */
    bool late;
    struct st_pointwise expand_low;
    size_t low_group, low_ring;    /* as group and ring, of expanded rows that are not raised yet */
    struct st_stage_conv convs[4]; /* the last: expand_low */
    size_t weight_bytes;
    unsigned char *border; /* DENSE: a padding pixel [C] of feed.element */

    /* places in scratch memory */
    size_t at_rows, at_raised, at_low, at_ring, at_filtered, scratch_bytes;
};

synctalk_status st_feed_create(struct st_feed *feed, const struct st_stage_form *form,
                               synctalk_error *err);
void st_feed_end(struct st_feed *feed);

/* Rows [first, first + count): in place, or made in `rows` with the help of `raised`, one
 * f32 row of the picture. */
const void *st_feed_read(const struct st_feed *feed, const struct st_pixel_kernels *kernels,
                         const void *const parts[2], size_t first, size_t count, void *rows,
                         float *raised);

/* Row `y` [W, C] f32 of what is raised, from rows `a` and `b` of what is not; `between` has room
 * for half a row. */
void st_feed_raise(const struct st_feed *feed, const struct st_pixel_kernels *kernels,
                   const float *a, const float *b, size_t y, size_t C, void *row, float *between);

synctalk_status st_stage_pack(struct st_stage *stage, const struct st_stage_form *form, bool narrow,
                              synctalk_error *err);

#endif /* ST_NN_STAGE_IMPL_H */
