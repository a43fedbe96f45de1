/* SPDX-License-Identifier: Apache-2.0 */
#include "person/teeth.h"

#include <stddef.h>

#define TOOTH_ACROSS 8
#define TOOTH_DOWN 9
#define TEETH_SIDE 6  /* on each side, from the middle */
#define ARCH_STEPS 64 /* of measuring along a row */
#define GUM_STEPS 40
#define GUM_ROWS 5
#define TONGUE_ACROSS 16
#define TONGUE_ALONG 20
#define TONGUE_BACK_Z 3.6f
#define TONGUE_TIP_Z 7.75f

/* One row of teeth. Widths and heights in cm, from the middle outwards. */
struct arch {
    float front;  /* z of the middle */
    float bend;   /* z falls by bend * x^2 */
    float edge_y; /* of the cutting edges */
    float down;   /* -1: edges are below the gums */
    float width[TEETH_SIDE], height[TEETH_SIDE];
    enum bone bone;
};

static const struct arch arches[2] = {
    {8.42f,
     0.27f,
     -6.74f,
     -1,
     {0.84f, 0.66f, 0.76f, 0.7f, 0.7f, 1.0f},
     {1.0f, 0.9f, 0.98f, 0.82f, 0.78f, 0.72f},
     BONE_TEETH},
    {8.22f,
     0.29f,
     -6.66f,
     1,
     {0.54f, 0.58f, 0.68f, 0.7f, 0.72f, 1.05f},
     {0.86f, 0.86f, 0.94f, 0.82f, 0.78f, 0.72f},
     BONE_JAW},
};

/* A point of the arch's curve `s` cm from its middle, and the direction away from it. */
static struct vec3 arch_point(const struct arch *arch, float s, struct vec3 *out)
{
    float side = s < 0 ? -1.0f : 1.0f;
    const float step = fabsf(s) / ARCH_STEPS;
    float x = 0;
    for (int i = 0; i < ARCH_STEPS; i++) {
        float slope = 2 * arch->bend * x;
        x += step / sqrtf(1 + slope * slope);
    }
    *out = unit3(vec3(side * 2 * arch->bend * x, 0, 1));
    return vec3(side * x, 0, arch->front - arch->bend * x * x);
}

/* `a` -1..1 across, `b` 0 gum .. 1 edge, beyond it the back. */
static struct vec3 tooth_point(const struct arch *arch, float centre, int index, float a, float b)
{
    float half = arch->width[index] * 0.5f * 0.985f;
    float height = arch->height[index];
    float front = fminf(b, 1);
    float round = a * a * a * a;
    /* Narrower at the gum; corners of the edge rounded, the canine's edge a point. */
    float across = a * half * mixf(0.84f, 1, stepf(0, 0.75f, front));
    float corner = index == 2 ? 0.16f * fabsf(a) : 0.05f * round * fabsf(a);
    float depth = 0.13f * sqrtf(fmaxf(1 - round, 0)) + 0.1f * sinf(fminf(front, 1) * 2.4f) - 0.2f;
    float y = arch->edge_y - arch->down * (1 - front) * height - arch->down * corner * front;
    y -= arch->down * (index == 1 ? 0.06f : 0);
    struct vec3 out;
    struct vec3 p = arch_point(arch, centre + across, &out);
    if (b > 1) {
        depth -= 0.22f * (b - 1) * 3;
        y -= arch->down * 0.6f * (b - 1);
    }
    p = mad3(p, out, depth);
    p.y = y;
    return p;
}

static void add_tooth(struct mesh *mesh, const struct arch *arch, float centre, int index)
{
    uint32_t v[TOOTH_DOWN + 1][TOOTH_ACROSS + 1];
    for (int i = 0; i <= TOOTH_DOWN; i++) {
        float b = i == TOOTH_DOWN ? 1.35f : (float)i / (TOOTH_DOWN - 1);
        for (int k = 0; k <= TOOTH_ACROSS; k++) {
            float a = 2 * (float)k / TOOTH_ACROSS - 1;
            a = mixf(a, sinf(a * PI_F / 2), 0.7f);
            struct vec3 p = tooth_point(arch, centre, index, a, b);
            v[i][k] = mesh_vertex(mesh, p, (struct vec2){a, b}, arch->bone);
        }
    }
    for (int i = 0; i < TOOTH_DOWN; i++) {
        for (int k = 0; k < TOOTH_ACROSS; k++) {
            if (arch->down < 0)
                mesh_quad(mesh, PART_TOOTH, v[i][k], v[i + 1][k], v[i + 1][k + 1], v[i][k + 1]);
            else
                mesh_quad(mesh, PART_TOOTH, v[i][k], v[i][k + 1], v[i + 1][k + 1], v[i + 1][k]);
        }
    }
}

static void add_gum(struct mesh *mesh, const struct arch *arch)
{
    uint32_t v[GUM_STEPS + 1][GUM_ROWS];
    for (int i = 0; i <= GUM_STEPS; i++) {
        float s = 8.4f * (float)i / GUM_STEPS - 4.2f;
        struct vec3 out;
        struct vec3 base = arch_point(arch, s, &out);
        for (int k = 0; k < GUM_ROWS; k++) {
            float t = (float)k / (GUM_ROWS - 1);
            struct vec3 p = mad3(base, out, -0.1f + 0.16f * sinf(t * PI_F * 0.6f));
            p.y = arch->edge_y - arch->down * (0.74f + 0.9f * t);
            v[i][k] = mesh_vertex(mesh, p, (struct vec2){s, t}, arch->bone);
        }
    }
    for (int i = 0; i < GUM_STEPS; i++) {
        for (int k = 0; k + 1 < GUM_ROWS; k++) {
            if (arch->down < 0)
                mesh_quad(mesh, PART_GUM, v[i][k], v[i + 1][k], v[i + 1][k + 1], v[i][k + 1]);
            else
                mesh_quad(mesh, PART_GUM, v[i][k], v[i][k + 1], v[i + 1][k + 1], v[i + 1][k]);
        }
    }
}

/* The upper side, folded down at the rim; lying on the floor of the mouth. */
static void add_tongue(struct mesh *mesh)
{
    uint32_t v[TONGUE_ALONG + 1][TONGUE_ACROSS + 1];
    for (int i = 0; i <= TONGUE_ALONG; i++) {
        float b = (float)i / TONGUE_ALONG;
        float tip = stepf(0.6f, 1, b);
        float half = 2.05f * sqrtf(fmaxf(1 - powf(b, 5), 0)) * mixf(1, 0.9f, b) + 0.02f;
        for (int k = 0; k <= TONGUE_ACROSS; k++) {
            float angle = (1.25f * (float)k / TONGUE_ACROSS - 0.125f) * PI_F;
            float a = -cosf(angle);
            float thick = mixf(1.0f, 0.42f, tip);
            struct vec3 p;
            p.x = a * half;
            p.y = -7.55f + thick * sinf(angle) * 0.62f + 0.25f * sinf(b * PI_F);
            p.y -= 0.16f * bell(a, 0.2f) * (1 - tip); /* furrow */
            p.z = mixf(TONGUE_BACK_Z, TONGUE_TIP_Z, b);
            v[i][k] = mesh_vertex(mesh, p, (struct vec2){a, b}, BONE_TONGUE);
        }
    }
    for (int i = 0; i < TONGUE_ALONG; i++)
        for (int k = 0; k < TONGUE_ACROSS; k++)
            mesh_quad(mesh, PART_TONGUE, v[i][k], v[i + 1][k], v[i + 1][k + 1], v[i][k + 1]);
}

/* Half a shell, seen from inside. */
static void add_cavity(struct mesh *mesh)
{
    uint32_t v[17][13];
    for (int i = 0; i <= 16; i++) {
        float around = ((float)i / 16 * 1.2f + 0.4f) * PI_F;
        for (int k = 0; k <= 12; k++) {
            float up = ((float)k / 12 - 0.5f) * PI_F;
            struct vec3 p = {3.0f * cosf(up) * sinf(around), 2.3f * sinf(up),
                             3.0f * cosf(up) * cosf(around)};
            p = add3(p, vec3(0, -6.9f, 6.0f));
            v[i][k] = mesh_vertex(mesh, p, (struct vec2){p.x, p.y}, BONE_CAVITY);
        }
    }
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 12; k++)
            mesh_quad(mesh, PART_CAVITY, v[i][k], v[i][k + 1], v[i + 1][k + 1], v[i + 1][k]);
}

void teeth_create(struct mesh *mesh)
{
    for (int row = 0; row < 2; row++) {
        const struct arch *arch = arches + row;
        float at = 0;
        for (int i = 0; i < TEETH_SIDE; i++) {
            float centre = at + arch->width[i] / 2;
            add_tooth(mesh, arch, -centre, i);
            add_tooth(mesh, arch, centre, i);
            at += arch->width[i];
        }
        add_gum(mesh, arch);
    }
    add_tongue(mesh);
    add_cavity(mesh);
}

/* The tip climbs behind the upper teeth, then comes out between the rows; the back arches
 * to the palate. */
static struct vec3 move_tongue(struct vec3 p, const struct mouth_shape *m, float turn)
{
    float b = (p.z - TONGUE_BACK_Z) / (TONGUE_TIP_Z - TONGUE_BACK_Z);
    float tip = b * b * b;
    float back = bell(b - 0.3f, 0.3f);
    float up = clampf(m->tongue_tip / 0.8f, 0, 1);
    float out = clampf((m->tongue_tip - 0.8f) / 0.2f, 0, 1);
    struct vec3 low = rig_jaw(p, 0.72f * turn);
    float rise = -6.75f - (low.y - (p.y + 7.3f)); /* brings the tip to the edge of the teeth */
    rise = fmaxf(rise, 0);
    low.y += tip * up * rise * (1 - 0.25f * out) + back * 0.9f * m->tongue_back;
    low.z += tip * out * 1.15f + 0.25f * tip * up - 0.5f * m->tongue_back * b;
    return low;
}

struct vec3 teeth_move(struct vec3 rest, enum bone bone, const struct mouth_shape *mouth,
                       const struct lips *lips)
{
    switch (bone) {
    case BONE_JAW:
        return rig_jaw(rest, lips->turn);
    case BONE_TONGUE:
        return move_tongue(rest, mouth, lips->turn);
    case BONE_CAVITY: {
        float share = stepf(-6.0f, -8.5f, rest.y);
        return mix3(rest, rig_jaw(rest, lips->turn), share);
    }
    default:
        return rest;
    }
}
