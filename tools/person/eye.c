/* SPDX-License-Identifier: Apache-2.0 */
#include "person/eye.h"

#include <stddef.h>

#include "person/outline.h"
#include "person/sculpt.h"

#define STEPS 24
#define IRIS 0.635f /* cm */
#define PUPIL 0.235f
#define CORNEA 0.82f       /* radius of its curve */
#define CORNEA_REACH 0.66f /* where it meets the white */

/* The front cap of a ball. */
static void add_ball(struct mesh *mesh, float side)
{
    uint32_t v[STEPS + 1][STEPS + 1];
    for (int i = 0; i <= STEPS; i++) {
        for (int k = 0; k <= STEPS; k++) {
            float a = 1.25f * (2 * (float)k / STEPS - 1);
            float b = 0.8f * (1 - 2 * (float)i / STEPS);
            struct vec3 n = {sinf(a) * cosf(b), sinf(b), cosf(a) * cosf(b)};
            struct vec3 p = mad3(vec3(side * EYE_X, EYE_Y, EYE_Z), n, EYE_RADIUS);
            v[i][k] = mesh_vertex(mesh, p, (struct vec2){p.x, p.y}, BONE_HEAD);
        }
    }
    for (int i = 0; i < STEPS; i++)
        for (int k = 0; k < STEPS; k++)
            mesh_quad(mesh, PART_EYE, v[i][k], v[i + 1][k], v[i + 1][k + 1], v[i][k + 1]);
}

void eye_create(struct mesh *mesh)
{
    add_ball(mesh, -1);
    add_ball(mesh, 1);
}

static struct vec3 iris_colour(float x, float y, float r)
{
    float angle = atan2f(y, x);
    float t = r / IRIS;
    float fibre = noise2(51, angle * 9, t * 2.2f) + 0.6f * noise2(52, angle * 19, t * 3);
    struct vec3 outer = {0.070f, 0.098f, 0.088f};
    struct vec3 inner = {0.19f, 0.115f, 0.045f};
    struct vec3 c = mix3(inner, outer, stepf(0.38f, 0.68f, t + 0.06f * fibre));
    c = scale3(c, 1 + 0.42f * fibre);
    /* Light that came in through the cornea gathers on the far side. */
    float far = 0.5f + 0.5f * (0.65f * x - 0.75f * y) / IRIS;
    c = scale3(c, 0.45f + 1.7f * far * far);
    c = scale3(c, 1 - 0.82f * stepf(0.80f, 1.02f, t));
    return mix3(vec3(0.004f, 0.003f, 0.003f), c, stepf(PUPIL - 0.025f, PUPIL + 0.025f, r));
}

static struct vec3 white_colour(const struct shade_point *p, float side)
{
    float u = (p->rest.x - side * EYE_X) * side; /* outwards */
    struct vec3 c = {0.56f, 0.52f, 0.50f};
    float vein = fractal2(61, p->rest.x * 6, p->rest.y * 9, 3);
    float corner = fmaxf(stepf(0.75f, 1.5f, u), stepf(-0.75f, -1.35f, u));
    c = mul3(c, mix3(vec3(1, 1, 1), vec3(1, 0.68f, 0.62f), corner * (0.5f + 0.5f * vein)));
    /* The little flesh in the inner corner. */
    float flesh = stepf(-1.22f, -1.38f, u);
    return mix3(c, vec3(0.52f, 0.20f, 0.17f), flesh);
}

/* Shade of the lids and lashes on the ball. */
static float lid_shade(const struct shade_frame *f, const struct shade_point *p)
{
    float open = 1 - f->blink;
    float up = lid_upper(p->rest.x, open) - p->rest.y;
    float low = p->rest.y - lid_lower(p->rest.x, open);
    float shade = 0.26f + 0.74f * stepf(-0.05f, 0.48f, up);
    return shade * (0.72f + 0.28f * stepf(-0.02f, 0.16f, low));
}

struct vec3 eye_shade(const struct shade_frame *f, const struct shade_point *p)
{
    float side = p->rest.x < 0 ? -1.0f : 1.0f;
    struct vec3 local = scale3(sub3(p->rest, vec3(side * EYE_X, EYE_Y, EYE_Z)), 1 / EYE_RADIUS);
    /* Eyes meet at what they look at. */
    struct rotation gaze = rotation_of(f->gaze_x - side * 0.022f, -f->gaze_y, 0);
    struct vec3 axis = {gaze.row[0].z, gaze.row[1].z, gaze.row[2].z};
    struct vec3 right = {gaze.row[0].x, gaze.row[1].x, gaze.row[2].x};
    struct vec3 up = {gaze.row[0].y, gaze.row[1].y, gaze.row[2].y};
    float x = dot3(local, right) * EYE_RADIUS;
    float y = dot3(local, up) * EYE_RADIUS;
    float r = sqrtf(x * x + y * y);

    struct vec3 n = p->normal;
    struct vec3 c = white_colour(p, side);
    if (dot3(local, axis) > 0 && r < CORNEA_REACH + 0.1f) {
        c = mix3(iris_colour(x, y, r), c, stepf(IRIS - 0.04f, IRIS + 0.045f, r));
        float dome = stepf(CORNEA_REACH + 0.1f, CORNEA_REACH - 0.1f, r);
        struct vec3 cornea =
            unit3(mad3(mad3(scale3(axis, sqrtf(fmaxf(1 - r * r / (CORNEA * CORNEA), 0.05f))), right,
                            x / CORNEA),
                       up, y / CORNEA));
        n = unit3(mix3(n, rotate3(&f->turn, cornea), dome));
    }
    float shade = lid_shade(f, p);
    c = scale3(mul3(c, p->lit.diffuse), shade);
    float facing = clampf(dot3(n, p->view), 0, 1);
    struct vec3 mirrored = sub3(scale3(n, 2 * dot3(n, p->view)), p->view);
    float t = 1 - facing;
    float fresnel = 0.026f + 0.974f * t * t * t * t * t;
    return mad3(c, stage_reflection(mirrored), fresnel * shade * 1.25f);
}
