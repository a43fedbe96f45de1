/* SPDX-License-Identifier: Apache-2.0 */
#include "person/ear.h"

#include <stddef.h>

#define AROUND 56
#define ACROSS 26
#define HEIGHT 3.0f /* half of it, cm */
#define WIDTH 1.72f

/* Outline: 0 = upwards, growing towards the back. */
static float outline(float angle)
{
    float back = sinf(angle);
    float up = cosf(angle);
    float r = 1 + 0.10f * up + 0.06f * back;
    /* The lobe is narrower, and drawn forward. */
    r -= 0.16f * bell(angle - 2.2f, 0.5f) - 0.02f * bell(angle - 3.1f, 0.4f);
    r -= 0.22f * bell(angle - 4.7f, 0.7f); /* where it meets the cheek */
    return r;
}

/* Height over the plane of the ear. `r` 0 middle .. 1 rim. */
static float shape(float angle, float r)
{
    float back = sinf(angle);
    float up = cosf(angle);
    float lobe = stepf(-0.55f, -0.95f, up * r);
    float front = stepf(0.1f, 0.8f, -back);
    /* The rolled rim, strongest above and behind. */
    float h = 0.40f * bell(r - 0.90f, 0.085f) * (1 - lobe) * (1 - 0.6f * front);
    /* The inner fold, which forks above. */
    float fold = 0.60f + 0.06f * up;
    h += 0.34f * bell(r - fold, 0.12f) * (1 - lobe) * stepf(-0.6f, 0.1f, back) *
         stepf(-0.9f, -0.3f, up);
    /* The bowl, and the flap before it. */
    float bx = back * r + 0.22f;
    float by = up * r + 0.16f;
    h -= 0.75f * bell2(bx, by, 0.25f, 0.27f);
    h += 0.38f * bell2(back * r + 0.62f, up * r + 0.2f, 0.15f, 0.15f);
    h += 0.16f * lobe * (1 - r * r);
    return h;
}

struct ear_axes {
    struct vec3 origin, back, up, out;
};

static struct ear_axes axes_of(float side)
{
    struct ear_axes e = {.origin = {side * 7.02f, -1.35f, -0.55f}};
    e.back = unit3(vec3(side * 0.52f, 0.08f, -0.85f));
    e.up = unit3(vec3(side * 0.16f, 1, -0.16f));
    e.out = unit3(cross3(e.back, e.up));
    if (e.out.x * side < 0)
        e.out = scale3(e.out, -1);
    return e;
}

static struct vec3 place(const struct ear_axes *e, float angle, float r, float height)
{
    float reach = outline(angle) * r;
    struct vec3 p = mad3(e->origin, e->back, WIDTH * reach * sinf(angle));
    p = mad3(p, e->up, HEIGHT * reach * cosf(angle));
    return mad3(p, e->out, height);
}

static void add_quad(struct mesh *mesh, float side, enum part part, const uint32_t v[4])
{
    if (side > 0)
        mesh_quad(mesh, part, v[0], v[1], v[2], v[3]);
    else
        mesh_quad(mesh, part, v[3], v[2], v[1], v[0]);
}

static void add_ear(struct mesh *mesh, float side)
{
    struct ear_axes e = axes_of(side);
    uint32_t ring[2][AROUND];
    for (int k = 0; k <= ACROSS + 3; k++) {
        uint32_t *now = ring[k % 2];
        const uint32_t *last = ring[(k + 1) % 2];
        float r = k <= ACROSS ? (float)k / ACROSS : 1 - 0.05f * (float)(k - ACROSS);
        for (int i = 0; i < AROUND; i++) {
            float angle = 2 * PI_F * (float)i / AROUND;
            float h = shape(angle, r);
            if (k > ACROSS) /* around the rim and back to the head */
                h = -0.22f * (float)(k - ACROSS) - 0.05f;
            struct vec3 p = place(&e, angle, r, h);
            now[i] = mesh_vertex(mesh, p, (struct vec2){side * 6.3f, -3.4f + 0.15f * (p.y + 1)},
                                 BONE_HEAD);
        }
        for (int i = 0; k > 0 && i < AROUND; i++) {
            int n = (i + 1) % AROUND;
            add_quad(mesh, side, PART_SKIN, (uint32_t[4]){last[i], last[n], now[n], now[i]});
        }
    }
}

static void add_pearl(struct mesh *mesh, float side)
{
    struct ear_axes e = axes_of(side);
    struct vec3 c = place(&e, 3.25f, 0.80f, 0.32f);
    uint32_t v[9][13];
    for (int i = 0; i <= 8; i++) {
        for (int k = 0; k <= 12; k++) {
            float up = ((float)i / 8 - 0.5f) * PI_F;
            float around = (float)k / 12 * 2 * PI_F;
            struct vec3 n = {cosf(up) * sinf(around), sinf(up), cosf(up) * cosf(around)};
            v[i][k] = mesh_vertex(mesh, mad3(c, n, 0.25f), (struct vec2){0, 0}, BONE_HEAD);
        }
    }
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 12; k++)
            mesh_quad(mesh, PART_JEWEL, v[i][k], v[i][k + 1], v[i + 1][k + 1], v[i + 1][k]);
}

void ear_create(struct mesh *mesh)
{
    add_ear(mesh, -1);
    add_ear(mesh, 1);
    add_pearl(mesh, -1);
    add_pearl(mesh, 1);
}
