/* SPDX-License-Identifier: Apache-2.0 */
/* Forward: what nn/stage.c does in rings of rows, here on whole pictures, which are kept. */
#include <string.h>

#include "models/tune_impl.h"

static struct st_pixel_row row(const void *data, size_t stride, enum st_element element,
                               const struct st_levels *levels)
{
    return (struct st_pixel_row){
        .data = (void *)data, .stride = stride, .element = element, .levels = levels};
}

/* The image, planes of f32, as bytes. */
static void read_image(const struct st_tune *t, struct st_tune_worker *w,
                       const struct st_tune_unit *u, unsigned char *to)
{
    const struct st_tune_result *r = &t->results[t->image];
    float *numbers = w->strip[0];
    const size_t step = ST_TUNE_STRIP * t->widest / u->C;
    for (size_t first = 0; first < u->P; first += step) {
        const size_t P = first + step < u->P ? step : u->P - first;
        memset(numbers, 0, P * u->C * sizeof *numbers);
        for (size_t c = 0; c < r->real; c++)
            for (size_t p = 0; p < P; p++)
                numbers[p * u->C + c] = w->image[c * u->P + first + p];
        const struct st_pixel_row src = row(numbers, u->C, ST_ELEMENT_F32, NULL);
        const struct st_pixel_row dst =
            row(to + first * u->C, u->C, ST_ELEMENT_U8, &r->range.levels);
        t->pixels.convert(&dst, &src, P, u->C);
    }
}

static void raise_part(const struct st_tune *t, struct st_tune_worker *w,
                       const struct st_tune_unit *u, const unsigned char *from, unsigned char *to)
{
    const struct st_tune_result *r = &t->results[u->reads[0]];
    const size_t bytes = r->W * r->C;
    float *raised = w->strip[0];
    for (size_t y = 0; y < u->H; y++) {
        const size_t above = u->above[y], below = above + (above + 1 < r->H);
        const struct st_pixel_row a = row(from + above * bytes, r->C, ST_ELEMENT_U8, NULL);
        const struct st_pixel_row dst = row(to + y * u->W * u->C, u->C, ST_ELEMENT_U8, NULL);
        t->pixels.blend(raised, &a, from + below * bytes, u->between[y], r->W, r->C);
        t->pixels.stretch(&dst, raised, u->first, u->second, u->t, u->W, r->C);
    }
}

static void copy_part(unsigned char *to, size_t to_stride, const unsigned char *from, size_t C,
                      size_t P)
{
    for (size_t p = 0; p < P; p++)
        memcpy(to + p * to_stride, from + p * C, C);
}

/* The nine pixels under a 3x3 kernel, side by side; around the picture lie zeros. */
static void gather(const struct st_tune *t, const struct st_tune_unit *u, const unsigned char *from,
                   unsigned char *to)
{
    const struct st_tune_range *r = &t->results[u->reads[0]].range;
    const size_t pad = (size_t)u->unit.pad;
    for (size_t p = 0; p < u->out_P; p++) {
        for (size_t i = 0; i < 9; i++, to += u->C) {
            const size_t y = p / u->out_W * (size_t)u->unit.stride_h + i / 3;
            const size_t x = p % u->out_W * (size_t)u->unit.stride_w + i % 3;
            const bool inside = y >= pad && y < u->H + pad && x >= pad && x < u->W + pad;
            if (inside)
                memcpy(to, from + ((y - pad) * u->W + x - pad) * u->C, u->C);
            for (size_t c = 0; !inside && c < u->C; c++)
                to[c] = (unsigned char)r->levels.zero[c];
        }
    }
}

const unsigned char *st_tune_rows(const struct st_tune *t, const struct st_tune_worker *w,
                                  size_t index)
{
    return w->rows[index] ? w->rows[index] : w->results[t->units[index].reads[0]];
}

static void make_rows(const struct st_tune *t, struct st_tune_worker *w, size_t index)
{
    const struct st_tune_unit *u = &t->units[index];
    unsigned char *to = w->rows[index];
    if (!to)
        return;
    if (u->reads[0] == t->image) {
        read_image(t, w, u, to);
    } else if (u->reads[0] == t->sound) {
        const struct st_pixel_row src = row(w->sound, u->C, ST_ELEMENT_F32, NULL);
        const struct st_pixel_row dst =
            row(to, u->C, ST_ELEMENT_U8, &t->results[t->sound].range.levels);
        t->pixels.convert(&dst, &src, u->P, u->C);
    } else if (u->unit.kind == ST_UNIT_DENSE) {
        gather(t, u, w->results[u->reads[0]], to);
    } else {
        const size_t C = t->results[u->reads[0]].C;
        if (u->unit.source == ST_READ_RAISE)
            raise_part(t, w, u, w->results[u->reads[0]], to);
        else
            copy_part(to, u->C, w->results[u->reads[0]], C, u->P);
        copy_part(to + C, u->C, w->results[u->reads[1]], u->C - C, u->P);
    }
}

static void run_inverted(const struct st_tune *t, struct st_tune_worker *w, size_t index)
{
    const struct st_tune_unit *u = &t->units[index];
    unsigned char *expanded = w->expanded[index], *filtered = w->filtered[index];
    const unsigned char *read = st_tune_rows(t, w, index);
    const size_t row_bytes = u->W * u->E;
    t->pixels.pointwise[ST_ELEMENT_U8](&u->expand, expanded, u->E, read, u->C, NULL, 0, u->P);
    for (size_t y = 0; y < u->out_H; y++) {
        const size_t middle = y * (size_t)u->unit.stride_h;
        const void *rows[3] = {
            middle > 0 ? expanded + (middle - 1) * row_bytes : NULL,
            expanded + middle * row_bytes,
            middle + 1 < u->H ? expanded + (middle + 1) * row_bytes : NULL,
        };
        t->pixels.depthwise[ST_ELEMENT_U8](&u->filter, filtered + y * u->out_W * u->E, rows, u->W,
                                           u->out_W);
    }
    t->pixels.pointwise[ST_ELEMENT_U8](&u->project, w->results[index], u->K, filtered, u->E, read,
                                       u->C, u->out_P);
}

static void run_unit(const struct st_tune *t, struct st_tune_worker *w, size_t index)
{
    const struct st_tune_unit *u = &t->units[index];
    make_rows(t, w, index);
    switch (u->unit.kind) {
    case ST_UNIT_INVERTED:
        run_inverted(t, w, index);
        break;
    case ST_UNIT_DENSE:
        t->pixels.pointwise[ST_ELEMENT_U8](&u->project, w->results[index], u->K, w->rows[index],
                                           9 * u->C, NULL, 0, u->out_P);
        break;
    case ST_UNIT_HEAD: {
        float *sums = (float *)(void *)w->results[index];
        t->pixels.pointwise[t->head](&u->project, sums, u->K, st_tune_rows(t, w, index), u->C, NULL,
                                     0, u->P);
        t->pixels.sigmoid(w->out, u->P, t->results[index].real, sums, u->K, u->P);
        break;
    }
    }
}

void st_tune_forward(struct st_tune *t, int worker, const float *image, const float *audio,
                     float *out)
{
    struct st_tune_worker *w = &t->worker[worker];
    const struct st_tune_result *sound = &t->results[t->sound];
    const size_t area = sound->H * sound->W;
    w->image = image;
    w->out = out;
    for (size_t i = 0; i < area; i++)
        for (size_t c = 0; c < sound->C; c++)
            w->sound[i * sound->C + c] = c < sound->real ? audio[c * area + i] : 0;
    for (size_t i = 0; i < t->count; i++)
        run_unit(t, w, i);
}
