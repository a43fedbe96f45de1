/* SPDX-License-Identifier: Apache-2.0 */
#include "person/hair.h"
#include "person/stage.h"

#define BIAS 0.12f /* cm that a strand may lie inside of what it grows on */

/* A point of a strand in the picture. */
struct inked {
    float x, y, depth;
    struct vec3 colour;
};

static float power8(float x)
{
    x *= x;
    x *= x;
    return x * x;
}

/* Light that a fibre along `tangent` sends to the viewer: its body scatters, its surface
 * mirrors into a cone, tilted towards root and tip by its scales. */
static struct vec3 fibre_light(struct vec3 tangent, struct vec3 normal, struct vec3 view,
                               struct vec3 colour, float shade)
{
    struct vec3 sum = mul3(colour, scale3(stage_ambient(normal), 0.9f * shade));
    float tv = dot3(tangent, view);
    float sv = sqrtf(fmaxf(1 - tv * tv, 0));
    for (int i = 0; i < LAMP_COUNT; i++) {
        const struct lamp *lamp = &stage_lamps[i];
        float facing = stepf(-0.35f, 0.75f, dot3(normal, lamp->towards)) * shade;
        if (facing <= 0)
            continue;
        float tl = dot3(tangent, lamp->towards);
        float sl = sqrtf(fmaxf(1 - tl * tl, 0));
        float body = 0.75f * sl;
        float first = sv * sl - (tv + 0.10f) * (tl + 0.10f);
        float second = sv * sl - (tv - 0.16f) * (tl - 0.16f);
        first = power8(clampf(first, 0, 1));
        first = first * first * first * first;
        second = power8(clampf(second, 0, 1));
        struct vec3 c = scale3(colour, body + 1.9f * second);
        c = mad3(c, vec3(1, 0.93f, 0.84f), 0.075f * first);
        sum = add3(sum, scale3(mul3(c, lamp->colour), facing));
    }
    return sum;
}

/* Share of the pixel's samples that do not hide a point. */
static float seen(const struct raster *raster, int x, int y, float depth)
{
    const float *d =
        raster->depth + ((size_t)y * (size_t)raster->width + (size_t)x) * STAGE_SAMPLES;
    int n = 0;
    for (int s = 0; s < STAGE_SAMPLES; s++)
        n += d[s] > depth - BIAS;
    return (float)n / STAGE_SAMPLES;
}

static void blend(const struct raster *raster, struct vec3 *light, int x, int y, float cover,
                  const struct inked *ink)
{
    if (x < 0 || y < 0 || x >= STAGE_SIDE || y >= STAGE_SIDE || cover <= 0)
        return;
    cover *= seen(raster, x, y, ink->depth);
    struct vec3 *at = light + (size_t)y * STAGE_SIDE + (size_t)x;
    *at = mix3(*at, ink->colour, cover);
}

/* From a up to but without b, one step for each row or column that it crosses. */
static void ink_segment(const struct raster *raster, struct vec3 *light, const struct inked *a,
                        const struct inked *b, float width, float opacity)
{
    float dx = b->x - a->x;
    float dy = b->y - a->y;
    int steep = fabsf(dy) > fabsf(dx);
    float u0 = steep ? a->y : a->x;
    float u1 = steep ? b->y : b->x;
    float v0 = steep ? a->x : a->y;
    float v1 = steep ? b->x : b->y;
    if (u0 == u1)
        return;
    float slope = (v1 - v0) / (u1 - u0);
    float half = 0.5f * width * sqrtf(1 + slope * slope);
    int from = (int)floorf(fminf(u0, u1) + 0.5f);
    int to = (int)floorf(fmaxf(u0, u1) + 0.5f);
    for (int u = from; u < to; u++) {
        float t = ((float)u + 0.5f - u0) / (u1 - u0);
        float v = v0 + slope * ((float)u + 0.5f - u0);
        struct inked ink = {0, 0, mixf(a->depth, b->depth, t), mix3(a->colour, b->colour, t)};
        int first = (int)floorf(v - half - 0.5f);
        int last = (int)floorf(v + half + 0.5f);
        for (int w = first; w <= last; w++) {
            float off = fabsf((float)w + 0.5f - v);
            float cover = clampf(half + 0.5f - off, 0, fminf(1, 2 * half)) * opacity;
            blend(raster, light, steep ? w : u, steep ? u : w, cover, &ink);
        }
    }
}

static struct vec3 pose_point(const struct hair *hair, const struct strand *s, int i,
                              const struct frame_of_head *frame, struct vec3 carried, float droop)
{
    struct vec3 p = hair->point[s->first + (uint32_t)i].at;
    if (s->lash && droop > 0) {
        /* A shut lid points its lashes down. */
        struct vec3 root = hair->point[s->first].at;
        float t = (float)i / (float)(s->count - 1);
        float rise = p.y - root.y;
        p.y = root.y + rise * (1 - 1.7f * droop) - 0.08f * droop * t;
        p.z += 0.12f * t * droop;
    }
    return add3(rig_head(frame, p), carried);
}

void hair_light(struct hair *hair)
{
    for (int i = 0; i < hair->strands; i++) {
        const struct strand *s = hair->strand + i;
        struct strand_point *p = hair->point + s->first;
        for (int k = 0; k < s->count; k++) {
            struct vec3 tangent = sub3(p[k + 1 < s->count ? k + 1 : k].at, p[k > 0 ? k - 1 : 0].at);
            p[k].light =
                fibre_light(unit3(tangent), p[k].normal, vec3(0, 0, 1), s->colour, p[k].shade);
        }
    }
}

static void draw_strand(const struct hair *hair, const struct strand *s,
                        const struct frame_of_head *frame, struct vec3 carried, float droop,
                        const struct raster *raster, struct vec3 *light)
{
    struct inked last = {0};
    for (int i = 0; i < s->count; i++) {
        struct screen_vertex v = stage_project(pose_point(hair, s, i, frame, carried, droop));
        struct inked ink = {v.x, v.y, v.depth, hair->point[s->first + (uint32_t)i].light};
        float t = (float)i / (float)(s->count - 1);
        if (i > 0)
            ink_segment(raster, light, &last, &ink, s->width * (1 - 0.7f * t * t * t), s->opacity);
        last = ink;
    }
}

void hair_draw(const struct hair *hair, const struct mesh *mesh, const struct pose *pose,
               const struct vec3 *position, const struct raster *raster, struct vec3 *light)
{
    struct frame_of_head frame;
    rig_frame(&frame, pose);
    for (int i = 0; i < hair->strands; i++) {
        const struct strand *s = hair->strand + i;
        struct vec3 carried = {0, 0, 0};
        if (s->anchor != HAIR_ROOTED)
            carried = sub3(position[s->anchor], rig_head(&frame, mesh->rest[s->anchor]));
        draw_strand(hair, s, &frame, carried, pose->blink, raster, light);
    }
}
