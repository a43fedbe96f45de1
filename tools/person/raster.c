/* SPDX-License-Identifier: Apache-2.0 */
#include "person/raster.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static const struct vec2 offsets[RASTER_SAMPLES_MAX] = {
    {0.375f, 0.125f}, {0.875f, 0.375f}, {0.125f, 0.625f}, {0.625f, 0.875f}};

struct vec2 raster_offset(const struct raster *raster, int sample)
{
    return raster->samples == 1 ? (struct vec2){0.5f, 0.5f} : offsets[sample];
}

static size_t sample_count(const struct raster *raster)
{
    return (size_t)raster->width * (size_t)raster->height * (size_t)raster->samples;
}

synctalk_status raster_create(struct raster *raster, int width, int height, int samples,
                              synctalk_error *err)
{
    *raster = (struct raster){.width = width, .height = height, .samples = samples};
    size_t count = sample_count(raster);
    raster->depth = malloc(count * sizeof *raster->depth);
    raster->face = malloc(count * sizeof *raster->face);
    if (raster->depth && raster->face) {
        raster_clear(raster);
        return SYNCTALK_OK;
    }
    raster_free(raster);
    return st_fail_memory(err, "a raster", count * sizeof(uint32_t));
}

void raster_free(struct raster *raster)
{
    free(raster->depth);
    free(raster->face);
    *raster = (struct raster){0};
}

void raster_clear(struct raster *raster)
{
    size_t count = sample_count(raster);
    for (size_t i = 0; i < count; i++)
        raster->depth[i] = INFINITY;
    memset(raster->face, 0xff, count * sizeof *raster->face);
}

/* Weights of a triangle's corners and its depth, linear over the picture. */
struct plane {
    float at, dx, dy;
};

/* Edge function of the line a-b at (x, y), and its steps. */
static struct plane edge_of(const struct screen_vertex *a, const struct screen_vertex *b, float x,
                            float y)
{
    struct plane e = {.dx = a->y - b->y, .dy = b->x - a->x};
    e.at = e.dx * (x - a->x) + e.dy * (y - a->y);
    return e;
}

struct triangle {
    struct plane w[3], z;
    int x0, y0, x1, y1; /* pixels that it may touch */
};

/* False for what is turned away, too thin or outside. */
static int set_up(struct triangle *t, const struct raster *raster, const struct screen_vertex *a,
                  const struct screen_vertex *b, const struct screen_vertex *c, int both)
{
    /* y grows downwards, so what is counter-clockwise seen turns round. */
    float area = (c->x - a->x) * (b->y - a->y) - (b->x - a->x) * (c->y - a->y);
    if (area < 0 && both) {
        const struct screen_vertex *swap = b;
        b = c;
        c = swap;
        area = -area;
    }
    if (!(area > 1e-7f))
        return 0;
    float left = fminf(a->x, fminf(b->x, c->x));
    float right = fmaxf(a->x, fmaxf(b->x, c->x));
    float top = fminf(a->y, fminf(b->y, c->y));
    float bottom = fmaxf(a->y, fmaxf(b->y, c->y));
    if (right < 0 || bottom < 0 || left >= (float)raster->width || top >= (float)raster->height)
        return 0;
    t->x0 = left > 0 ? (int)left : 0;
    t->y0 = top > 0 ? (int)top : 0;
    t->x1 = right < (float)raster->width ? (int)right + 1 : raster->width;
    t->y1 = bottom < (float)raster->height ? (int)bottom + 1 : raster->height;
    float x = (float)t->x0;
    float y = (float)t->y0;
    t->w[0] = edge_of(c, b, x, y);
    t->w[1] = edge_of(a, c, x, y);
    t->w[2] = edge_of(b, a, x, y);
    const float depth[3] = {a->depth / area, b->depth / area, c->depth / area};
    t->z = (struct plane){0, 0, 0};
    for (int i = 0; i < 3; i++) {
        t->z.at += t->w[i].at * depth[i];
        t->z.dx += t->w[i].dx * depth[i];
        t->z.dy += t->w[i].dy * depth[i];
    }
    return 1;
}

static float at_offset(const struct plane *p, struct vec2 offset)
{
    return p->dx * offset.x + p->dy * offset.y;
}

/* `samples` is a constant where this is inlined. */
static inline void fill(struct raster *raster, const struct triangle *t, uint32_t face, int samples)
{
    float shift[4][RASTER_SAMPLES_MAX];
    for (int s = 0; s < samples; s++) {
        struct vec2 offset = raster_offset(raster, s);
        for (int i = 0; i < 3; i++)
            shift[i][s] = at_offset(&t->w[i], offset);
        shift[3][s] = at_offset(&t->z, offset);
    }
    for (int y = t->y0; y < t->y1; y++) {
        float down = (float)(y - t->y0);
        size_t at = ((size_t)y * (size_t)raster->width + (size_t)t->x0) * (size_t)samples;
        for (int x = t->x0; x < t->x1; x++, at += (size_t)samples) {
            float right = (float)(x - t->x0);
            float a = t->w[0].at + t->w[0].dx * right + t->w[0].dy * down;
            float b = t->w[1].at + t->w[1].dx * right + t->w[1].dy * down;
            float c = t->w[2].at + t->w[2].dx * right + t->w[2].dy * down;
            float z = t->z.at + t->z.dx * right + t->z.dy * down;
            float *depth = raster->depth + at;
            uint32_t *seen = raster->face + at;
            for (int s = 0; s < samples; s++) {
                float zs = z + shift[3][s];
                int in = (a + shift[0][s] >= 0) & (b + shift[1][s] >= 0) & (c + shift[2][s] >= 0) &
                         (zs < depth[s]);
                depth[s] = in ? zs : depth[s];
                seen[s] = in ? face : seen[s];
            }
        }
    }
}

void raster_draw(struct raster *raster, const struct mesh *mesh, const struct screen_vertex *screen,
                 int first, int count, int both)
{
    for (int f = first; f < first + count; f++) {
        const uint32_t *v = mesh->face[f].v;
        struct triangle t;
        if (!set_up(&t, raster, screen + v[0], screen + v[1], screen + v[2], both))
            continue;
        if (raster->samples == 1)
            fill(raster, &t, (uint32_t)f, 1);
        else
            fill(raster, &t, (uint32_t)f, RASTER_SAMPLES_MAX);
    }
}
