/* SPDX-License-Identifier: Apache-2.0 */
#include "person/resolve.h"

#define SAME_DEPTH 0.3f /* cm between samples of one surface */

/* Samples of a pixel that see the same surface. */
struct group {
    uint32_t face;
    float depth, x, y; /* of the first; sum of places */
    int count;
};

static int gather(const struct resolve *r, int px, int py, struct group *groups)
{
    int n = 0;
    int at = (py * r->raster->width + px) * STAGE_SAMPLES;
    for (int s = 0; s < STAGE_SAMPLES; s++) {
        uint32_t face = r->raster->face[at + s];
        float depth = r->raster->depth[at + s];
        int g = 0;
        for (; g < n; g++) {
            if (face == groups[g].face)
                break;
            if (face != RASTER_NONE && groups[g].face != RASTER_NONE &&
                r->mesh->part[face] == r->mesh->part[groups[g].face] &&
                fabsf(depth - groups[g].depth) < SAME_DEPTH)
                break;
        }
        if (g == n)
            groups[n++] = (struct group){.face = face, .depth = depth};
        struct vec2 offset = raster_offset(r->raster, s);
        groups[g].x += (float)px + offset.x;
        groups[g].y += (float)py + offset.y;
        groups[g].count++;
    }
    return n;
}

static void weights_at(const struct resolve *r, const uint32_t *v, float x, float y, float w[3])
{
    const struct screen_vertex *a = r->screen + v[0];
    const struct screen_vertex *b = r->screen + v[1];
    const struct screen_vertex *c = r->screen + v[2];
    float area = (b->x - a->x) * (c->y - a->y) - (c->x - a->x) * (b->y - a->y);
    w[1] = ((x - a->x) * (c->y - a->y) - (c->x - a->x) * (y - a->y)) / area;
    w[2] = ((b->x - a->x) * (y - a->y) - (x - a->x) * (b->y - a->y)) / area;
    /* The middle of a group may lie outside of its first triangle. */
    w[1] = clampf(w[1], -0.5f, 1.5f);
    w[2] = clampf(w[2], -0.5f, 1.5f);
    w[0] = 1 - w[1] - w[2];
}

static struct vec3 shade_group(const struct resolve *r, const struct group *g)
{
    const uint32_t *v = r->mesh->face[g->face].v;
    float x = g->x / (float)g->count;
    float y = g->y / (float)g->count;
    float w[3];
    weights_at(r, v, x, y, w);
    struct shade_point p = {.part = (enum part)r->mesh->part[g->face]};
    for (int i = 0; i < 3; i++) {
        const struct lit *lit = r->lit + v[i];
        p.normal = mad3(p.normal, r->normal[v[i]], w[i]);
        p.rest = mad3(p.rest, r->mesh->rest[v[i]], w[i]);
        p.uv.x += w[i] * r->mesh->uv[v[i]].x;
        p.uv.y += w[i] * r->mesh->uv[v[i]].y;
        p.lit.diffuse = mad3(p.lit.diffuse, lit->diffuse, w[i]);
        for (int k = 0; k < LAMP_COUNT; k++)
            p.lit.lamp[k] += w[i] * lit->lamp[k];
    }
    p.normal = unit3(p.normal);
    float far = CAMERA_PIXELS * (CAMERA_Z - CAMERA_FOCUS_Z);
    p.view = unit3(vec3((STAGE_SIDE * 0.5f - x) / far, (y - CAMERA_CENTRE_Y) / far, 1));
    return shade_point(r->shade, &p);
}

/* Bright and dark surfaces meet in a pixel as film would show them, not as light adds up:
 * else the bright one eats the edge's steps. */
static float film_weight(struct vec3 c)
{
    return 1 / (1 + c.x + c.y + c.z);
}

void resolve_picture(const struct resolve *r, struct vec3 *light)
{
    for (int y = 0; y < STAGE_SIDE; y++) {
        for (int x = 0; x < STAGE_SIDE; x++) {
            struct group groups[STAGE_SAMPLES];
            int n = gather(r, x, y, groups);
            struct vec3 sum = {0, 0, 0};
            float all = 0;
            for (int g = 0; g < n; g++) {
                struct vec3 c = groups[g].face == RASTER_NONE ? r->room[y * STAGE_SIDE + x]
                                                              : shade_group(r, groups + g);
                float weight = (float)groups[g].count * film_weight(c);
                sum = mad3(sum, c, weight);
                all += weight;
            }
            light[y * STAGE_SIDE + x] = scale3(sum, 1 / all);
        }
    }
}
