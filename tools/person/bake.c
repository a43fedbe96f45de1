/* SPDX-License-Identifier: Apache-2.0 */
#include "person/bake.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define MAP_SIDE 384
#define MAP_MIDDLE (MAP_SIDE * 0.5f)
#define MAP_PER_CM 10.0f
#define OFFSET 0.09f /* cm along the normal, so that a surface does not hide itself */
#define BIAS 0.05f
#define SKY_LOOKS 144
#define LAMP_LOOKS 20
#define BLUR_RED 40 /* steps of about half a vertex's distance */
#define BLUR_GREEN 12
#define BLUR_BLUE 6

struct looker {
    const struct mesh *mesh;
    const struct vec3 *position, *normal;
    struct raster map;
    struct screen_vertex *screen; /* owned */
    float *seen;                  /* owned: of the last look */
};

/* Share of a 2x2 neighbourhood of the map that does not hide the point. */
static float seen_at(const struct raster *map, struct screen_vertex s)
{
    float x = s.x - 0.5f;
    float y = s.y - 0.5f;
    if (x < 0 || y < 0 || x >= MAP_SIDE - 1 || y >= MAP_SIDE - 1)
        return 1;
    int ix = (int)x;
    int iy = (int)y;
    float tx = x - (float)ix;
    float ty = y - (float)iy;
    const float *d = map->depth + (size_t)iy * MAP_SIDE + (size_t)ix;
    float limit = s.depth - BIAS;
    float top = (d[0] >= limit ? 1 - tx : 0) + (d[1] >= limit ? tx : 0);
    float low = (d[MAP_SIDE] >= limit ? 1 - tx : 0) + (d[MAP_SIDE + 1] >= limit ? tx : 0);
    return mixf(top, low, ty);
}

static void look_from(struct looker *l, struct vec3 towards)
{
    struct vec3 side = fabsf(towards.y) < 0.9f ? vec3(0, 1, 0) : vec3(0, 0, 1);
    struct vec3 right = unit3(cross3(side, towards));
    struct vec3 up = cross3(towards, right);
    struct vec3 middle = {0, -2, 1};
    for (int i = 0; i < l->mesh->vertices; i++) {
        struct vec3 p = sub3(l->position[i], middle);
        l->screen[i].x = MAP_MIDDLE + MAP_PER_CM * dot3(p, right);
        l->screen[i].y = MAP_MIDDLE - MAP_PER_CM * dot3(p, up);
        l->screen[i].depth = -dot3(p, towards);
    }
    raster_clear(&l->map);
    raster_draw(&l->map, l->mesh, l->screen, 0, l->mesh->faces, 1);
    for (int i = 0; i < l->mesh->vertices; i++) {
        struct vec3 p = mad3(sub3(l->position[i], middle), l->normal[i], OFFSET);
        struct screen_vertex s = {MAP_MIDDLE + MAP_PER_CM * dot3(p, right),
                                  MAP_MIDDLE - MAP_PER_CM * dot3(p, up), -dot3(p, towards)};
        l->seen[i] = seen_at(&l->map, s);
    }
}

/* Direction `i` of `count` spread evenly over the sphere. */
static struct vec3 sphere_direction(int i, int count)
{
    float y = 1 - 2 * ((float)i + 0.5f) / (float)count;
    float r = sqrtf(1 - y * y);
    float a = 2.39996323f * (float)i;
    return vec3(r * cosf(a), y, r * sinf(a));
}

static struct vec3 lamp_direction(const struct lamp *lamp, int i)
{
    struct vec3 right = unit3(cross3(vec3(0, 1, 0), lamp->towards));
    struct vec3 up = cross3(lamp->towards, right);
    float r = lamp->size * sqrtf(((float)i + 0.5f) / LAMP_LOOKS);
    float a = 2.39996323f * (float)i;
    return unit3(mad3(mad3(lamp->towards, right, r * cosf(a)), up, r * sinf(a)));
}

static void look_around(struct looker *l, struct baked *baked)
{
    float *sum = l->seen + l->mesh->vertices;
    memset(sum, 0, (size_t)l->mesh->vertices * sizeof *sum);
    for (int k = 0; k < SKY_LOOKS; k++) {
        struct vec3 d = sphere_direction(k, SKY_LOOKS);
        look_from(l, d);
        for (int i = 0; i < l->mesh->vertices; i++) {
            float facing = fmaxf(dot3(l->normal[i], d), 0);
            baked[i].open += facing * l->seen[i];
            sum[i] += facing;
        }
    }
    for (int i = 0; i < l->mesh->vertices; i++)
        baked[i].open = sum[i] > 0 ? baked[i].open / sum[i] : 1;
}

/* One step of spreading a value along the triangles. */
static void blur(const struct mesh *mesh, float *value, float *sum, float *weight)
{
    size_t bytes = (size_t)mesh->vertices * sizeof *sum;
    memset(sum, 0, bytes);
    memset(weight, 0, bytes);
    for (int f = 0; f < mesh->faces; f++) {
        const uint32_t *v = mesh->face[f].v;
        float all = value[v[0]] + value[v[1]] + value[v[2]];
        for (int k = 0; k < 3; k++) {
            sum[v[k]] += all;
            weight[v[k]] += 3;
        }
    }
    for (int i = 0; i < mesh->vertices; i++)
        if (weight[i] > 0)
            value[i] = sum[i] / weight[i];
}

static void spread_key(struct looker *l, struct baked *baked)
{
    const int n = l->mesh->vertices;
    float *value = l->seen;
    for (int i = 0; i < n; i++)
        value[i] = baked[i].lamp[LAMP_KEY];
    for (int step = 1; step <= BLUR_RED; step++) {
        blur(l->mesh, value, l->seen + n, l->seen + 2 * (size_t)n);
        for (int i = 0; i < n; i++) {
            if (step == BLUR_BLUE)
                baked[i].key.z = value[i];
            if (step == BLUR_GREEN)
                baked[i].key.y = value[i];
            if (step == BLUR_RED)
                baked[i].key.x = value[i];
        }
    }
}

synctalk_status bake_scene(const struct mesh *mesh, const struct vec3 *position,
                           const struct vec3 *normal, struct baked *baked, synctalk_error *err)
{
    size_t count = (size_t)mesh->vertices;
    struct looker l = {.mesh = mesh, .position = position, .normal = normal};
    synctalk_status st = raster_create(&l.map, MAP_SIDE, MAP_SIDE, 1, err);
    if (st)
        return st;
    l.screen = malloc(count * sizeof *l.screen);
    l.seen = malloc(3 * count * sizeof *l.seen);
    if (!l.screen || !l.seen) {
        st = st_fail_memory(err, "light and shadow", 3 * count * sizeof *l.seen);
        goto done;
    }
    memset(baked, 0, count * sizeof *baked);
    look_around(&l, baked);
    for (int lamp = 0; lamp < LAMP_COUNT; lamp++) {
        for (int k = 0; k < LAMP_LOOKS; k++) {
            look_from(&l, lamp_direction(&stage_lamps[lamp], k));
            for (size_t i = 0; i < count; i++)
                baked[i].lamp[lamp] += l.seen[i] * (1.0f / LAMP_LOOKS);
        }
    }
    spread_key(&l, baked);

done:
    free(l.screen);
    free(l.seen);
    raster_free(&l.map);
    return st;
}
