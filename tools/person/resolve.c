/* SPDX-License-Identifier: Apache-2.0 */
#include "person/resolve.h"

#define SAME_DEPTH 0.3f /* cm between samples of one surface */

/* Samples of a pixel that see the same triangle, and which surface it belongs to. */
struct view {
    uint32_t face;
    float depth, x, y; /* of the first sample; sum of places */
    int count, surface;
};

static int same_surface(const struct resolve *r, const struct view *a, const struct view *b)
{
    return r->mesh->part[a->face] == r->mesh->part[b->face] &&
           fabsf(a->depth - b->depth) < SAME_DEPTH;
}

/* Number of triangles seen, at most STAGE_SAMPLES. `surfaces` counts what is to be shaded. */
static int gather(const struct resolve *r, int px, int py, struct view *views, int *surfaces)
{
    int n = 0;
    int at = (py * r->raster->width + px) * STAGE_SAMPLES;
    *surfaces = 0;
    for (int s = 0; s < STAGE_SAMPLES; s++) {
        uint32_t face = r->raster->face[at + s];
        int v = 0;
        while (v < n && views[v].face != face)
            v++;
        if (v == n) {
            views[n++] = (struct view){.face = face, .depth = r->raster->depth[at + s]};
            int like = 0;
            while (like < v && (face == RASTER_NONE || views[like].face == RASTER_NONE ||
                                !same_surface(r, views + like, views + v)))
                like++;
            views[v].surface = like < v ? views[like].surface : (*surfaces)++;
        }
        struct vec2 offset = raster_offset(r->raster, s);
        views[v].x += (float)px + offset.x;
        views[v].y += (float)py + offset.y;
        views[v].count++;
    }
    return n;
}

/* Weights of a triangle's corners at a point, kept inside of the triangle. */
static void weights_at(const struct resolve *r, const uint32_t *v, float x, float y, float w[3])
{
    const struct screen_vertex *a = r->screen + v[0];
    const struct screen_vertex *b = r->screen + v[1];
    const struct screen_vertex *c = r->screen + v[2];
    float area = (b->x - a->x) * (c->y - a->y) - (c->x - a->x) * (b->y - a->y);
    w[1] = ((x - a->x) * (c->y - a->y) - (c->x - a->x) * (y - a->y)) / area;
    w[2] = ((b->x - a->x) * (y - a->y) - (x - a->x) * (b->y - a->y)) / area;
    w[1] = clampf(w[1], 0, 1);
    w[2] = clampf(w[2], 0, 1 - w[1]);
    w[0] = 1 - w[1] - w[2];
}

/* Add what the corners of a view's triangle carry, by the view's share of the surface. */
static void add_view(const struct resolve *r, const struct view *view, float share,
                     struct shade_point *p)
{
    const uint32_t *v = r->mesh->face[view->face].v;
    float w[3];
    weights_at(r, v, view->x / (float)view->count, view->y / (float)view->count, w);
    for (int i = 0; i < 3; i++) {
        const struct lit *lit = r->lit + v[i];
        float k = share * w[i];
        p->normal = mad3(p->normal, r->normal[v[i]], k);
        p->rest = mad3(p->rest, r->mesh->rest[v[i]], k);
        p->uv.x += k * r->mesh->uv[v[i]].x;
        p->uv.y += k * r->mesh->uv[v[i]].y;
        p->lit.diffuse = mad3(p->lit.diffuse, lit->diffuse, k);
        for (int lamp = 0; lamp < LAMP_COUNT; lamp++)
            p->lit.lamp[lamp] += k * lit->lamp[lamp];
    }
}

/* `first` is the first view of its surface; *count becomes the surface's samples. */
static struct vec3 shade_surface(const struct resolve *r, const struct view *views, int n,
                                 int first, int *count)
{
    float x = 0;
    float y = 0;
    int all = 0;
    for (int i = first; i < n; i++) {
        if (views[i].surface != views[first].surface)
            continue;
        all += views[i].count;
        x += views[i].x;
        y += views[i].y;
    }
    *count = all;
    struct shade_point p = {.part = (enum part)r->mesh->part[views[first].face]};
    for (int i = first; i < n; i++)
        if (views[i].surface == views[first].surface)
            add_view(r, views + i, (float)views[i].count / (float)all, &p);
    p.normal = unit3(p.normal);
    float far = CAMERA_PIXELS * (CAMERA_Z - CAMERA_FOCUS_Z);
    p.view = unit3(vec3((STAGE_SIDE * 0.5f - x / (float)all) / far,
                        (y / (float)all - CAMERA_CENTRE_Y) / far, 1));
    return shade_point(r->shade, &p);
}

/* Bright and dark surfaces meet in a pixel as film would show them, not as light adds up:
 * else the bright one eats the edge's steps. */
static float film_weight(struct vec3 c)
{
    return 1 / (1 + c.x + c.y + c.z);
}

static struct vec3 resolve_pixel(const struct resolve *r, int x, int y)
{
    struct view views[STAGE_SAMPLES];
    int surfaces;
    int n = gather(r, x, y, views, &surfaces);
    struct vec3 room = r->room[y * STAGE_SIDE + x];
    struct vec3 sum = {0, 0, 0};
    float all = 0;
    for (int i = 0, next = 0; i < n; i++) {
        if (views[i].surface != next)
            continue;
        next++;
        int count = views[i].count;
        struct vec3 c = views[i].face == RASTER_NONE ? room : shade_surface(r, views, n, i, &count);
        float weight = (float)count * film_weight(c);
        sum = mad3(sum, c, weight);
        all += weight;
    }
    return scale3(sum, 1 / all);
}

void resolve_picture(const struct resolve *r, struct vec3 *light)
{
    for (int y = 0; y < STAGE_SIDE; y++)
        for (int x = 0; x < STAGE_SIDE; x++)
            light[y * STAGE_SIDE + x] = resolve_pixel(r, x, y);
}
