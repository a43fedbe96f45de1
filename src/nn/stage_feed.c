/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a stage's input: two values side by side, the first raised on the way, all
 * converted to the element that is multiplied. Positions are float32, as in
 * kernels/upsample_ref.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/stage_impl.h"

void st_stage_raise_places(size_t n, uint32_t *first, uint32_t *second, float *part)
{
    const float scale = (float)(n - 1) / (float)(2 * n - 1);
    for (size_t i = 0; i < 2 * n; i++) {
        const float at = scale * (float)i;
        first[i] = (uint32_t)at;
        if (second)
            second[i] = first[i] + (first[i] + 1 < n);
        part[i] = at - (float)first[i];
    }
}

synctalk_status st_feed_create(struct st_feed *feed, const struct st_stage_form *form,
                               synctalk_error *err)
{
    const struct st_value *a = &form->parts[0];
    *feed = (struct st_feed){
        .parts = {form->parts[0], form->parts[1]},
        .part_count = form->part_count,
        .raised = form->raised,
        .H = form->raised ? 2 * a->H : a->H,
        .W = form->raised ? 2 * a->W : a->W,
        .element = form->element,
    };
    for (int i = 0; i < form->part_count; i++)
        feed->C += st_stage_padded(form->parts[i].C);
    feed->direct =
        form->part_count == 1 && !form->raised && !a->planes && a->element == form->element;
    if (!form->raised)
        return SYNCTALK_OK;
    feed->first = malloc(feed->W * sizeof *feed->first);
    feed->second = malloc(feed->W * sizeof *feed->second);
    feed->t = malloc(feed->W * sizeof *feed->t);
    feed->between = malloc(feed->H * sizeof *feed->between);
    feed->above = malloc(feed->H * sizeof *feed->above);
    if (!feed->first || !feed->second || !feed->t || !feed->between || !feed->above)
        return st_fail_memory(err, "a network's upsampling", feed->W * sizeof *feed->t);
    st_stage_raise_places(a->W, feed->first, feed->second, feed->t);
    st_stage_raise_places(a->H, feed->above, NULL, feed->between);
    return SYNCTALK_OK;
}

void st_feed_end(struct st_feed *feed)
{
    free(feed->first);
    free(feed->second);
    free(feed->t);
    free(feed->between);
    free(feed->above);
}

static const void *row_of(const struct st_value *value, const void *data, size_t y)
{
    const size_t bytes = value->W * st_stage_padded(value->C) * st_element_bytes(value->element);
    return (const unsigned char *)data + y * bytes;
}

/* What is read of `part` as row `y`; bytes that stay bytes are their own numbers. */
static struct st_pixel_row source(const struct st_feed *feed, int part, const void *data, size_t y)
{
    const struct st_value *v = &feed->parts[part];
    const bool kept = !v->planes && v->element == ST_ELEMENT_U8 && feed->element == ST_ELEMENT_U8;
    return (struct st_pixel_row){
        .data = (void *)row_of(v, data, y),
        .stride = st_stage_padded(v->C),
        .element = v->element,
        .levels = kept ? NULL : v->levels,
    };
}

static void raise_row(const struct st_feed *feed, const struct st_pixel_kernels *kernels,
                      const struct st_pixel_row *dst, const void *data, size_t y, float *raised)
{
    const struct st_value *v = &feed->parts[0];
    const size_t C = st_stage_padded(v->C), above = feed->above[y];
    const struct st_pixel_row a = source(feed, 0, data, above);
    const void *b = row_of(v, data, above + (above + 1 < v->H));
    kernels->blend(raised, &a, b, feed->between[y], v->W, C);
    kernels->stretch(dst, raised, feed->first, feed->second, feed->t, feed->W, C);
}

void st_feed_raise(const struct st_feed *feed, const struct st_pixel_kernels *kernels,
                   const float *a, const float *b, size_t y, size_t C, void *row, float *between)
{
    const struct st_pixel_row from = {.data = (void *)a, .stride = C, .element = ST_ELEMENT_F32};
    const struct st_pixel_row to = {.data = row, .stride = C, .element = ST_ELEMENT_F32};
    kernels->blend(between, &from, b, feed->between[y], feed->W / 2, C);
    kernels->stretch(&to, between, feed->first, feed->second, feed->t, feed->W, C);
}

static void copy_row(const struct st_pixel_row *dst, const struct st_pixel_row *src, size_t P,
                     size_t C)
{
    enum { STEP = 16 }; /* known, or each pixel is a call; C is a multiple of it */
    const size_t bytes = st_element_bytes(src->element);
    unsigned char *to = dst->data;
    const unsigned char *from = src->data;
    for (size_t p = 0; p < P; p++, to += dst->stride * bytes, from += src->stride * bytes)
        for (size_t i = 0; i < C * bytes; i += STEP)
            memcpy(to + i, from + i, STEP);
}

/* [C, W] f32, planes apart, to the one part of a row. */
static void gather_planes(const struct st_feed *feed, const struct st_pixel_kernels *kernels,
                          const struct st_pixel_row *dst, const float *planes, size_t y,
                          float *raised)
{
    const struct st_value *v = &feed->parts[0];
    float *row = dst->element == ST_ELEMENT_F32 ? dst->data : raised;
    memset(row, 0, v->W * feed->C * sizeof *row);
    for (size_t c = 0; c < v->C; c++) {
        const float *plane = planes + (c * v->H + y) * v->W;
        for (size_t x = 0; x < v->W; x++)
            row[x * feed->C + c] = plane[x];
    }
    if (row == raised) {
        const struct st_pixel_row src = {.data = row, .stride = feed->C, .element = ST_ELEMENT_F32};
        kernels->convert(dst, &src, v->W, feed->C);
    }
}

static void make_row(const struct st_feed *feed, const struct st_pixel_kernels *kernels,
                     const void *const parts[2], size_t y, void *row, float *raised)
{
    size_t at = 0;
    for (int i = 0; i < feed->part_count; i++) {
        const struct st_value *v = &feed->parts[i];
        const size_t C = st_stage_padded(v->C);
        const bool kept =
            !v->planes && v->element == ST_ELEMENT_U8 && feed->element == ST_ELEMENT_U8;
        const struct st_pixel_row dst = {
            .data = (unsigned char *)row + at * st_element_bytes(feed->element),
            .stride = feed->C,
            .element = feed->element,
            .levels = kept ? NULL : v->levels,
        };
        if (v->planes) {
            gather_planes(feed, kernels, &dst, parts[i], y, raised);
        } else if (i == 0 && feed->raised) {
            raise_row(feed, kernels, &dst, parts[i], y, raised);
        } else {
            const struct st_pixel_row src = source(feed, i, parts[i], y);
            if (src.element == dst.element)
                copy_row(&dst, &src, feed->W, C);
            else
                kernels->convert(&dst, &src, feed->W, C);
        }
        at += C;
    }
}

const void *st_feed_read(const struct st_feed *feed, const struct st_pixel_kernels *kernels,
                         const void *const parts[2], size_t first, size_t count, void *rows,
                         float *raised)
{
    const size_t row_bytes = feed->W * feed->C * st_element_bytes(feed->element);
    if (feed->direct)
        return (const unsigned char *)parts[0] + first * row_bytes;
    for (size_t i = 0; i < count; i++)
        make_row(feed, kernels, parts, first + i, (unsigned char *)rows + i * row_bytes, raised);
    return rows;
}
