/* SPDX-License-Identifier: Apache-2.0 */
#include "person/dress.h"

#include <stdlib.h>

#define TORSO_COLUMNS 72 /* on each side */
#define TORSO_ROWS 64
#define COLLAR_AROUND 48 /* each side, from the nape to the front */
#define COLLAR_DOWN 14

static float stick(struct vec3 p, struct vec3 a, struct vec3 b, float ra, float rb)
{
    struct vec3 ab = sub3(b, a);
    struct vec3 ap = sub3(p, a);
    float t = clampf(dot3(ap, ab) / dot3(ab, ab), 0, 1);
    return length3(mad3(ap, ab, -t)) - mixf(ra, rb, t);
}

static float melt(float a, float b, float k)
{
    float h = fmaxf(k - fabsf(a - b), 0) / k;
    return fminf(a, b) - h * h * k * 0.25f;
}

/* Shoulders and chest in a jacket. */
static float torso(struct vec3 p)
{
    p.x = sqrtf(p.x * p.x + 0.5f);
    float d = stick(p, vec3(2, -21.5f, -3.2f), vec3(15.2f, -22.6f, -3.6f), 4.2f, 3.6f);
    d = melt(d, stick(p, vec3(1.5f, -15.6f, -4.6f), vec3(12.5f, -20.2f, -4.2f), 1.7f, 2.2f), 3.0f);
    d = melt(d, stick(p, vec3(3.5f, -25, 0.0f), vec3(7.5f, -27, -1), 5.0f, 5.0f), 4.0f);
    return melt(d, stick(p, vec3(0, -22, -1.5f), vec3(0, -32, -1.5f), 4.6f, 7.0f), 4.0f);
}

static struct vec3 torso_point(float x, float angle)
{
    struct vec3 axis = {x, -24.5f, -3.2f};
    struct vec3 out = {0, cosf(angle), sinf(angle)};
    float t = 16;
    for (int i = 0; i < 300 && t > 0; i++) {
        float d = torso(mad3(axis, out, t));
        if (d < 1e-4f)
            break;
        t -= 0.8f * d;
    }
    return mad3(axis, out, fmaxf(t, 0));
}

static void add_torso(struct mesh *mesh)
{
    uint32_t v[TORSO_ROWS + 1][2 * TORSO_COLUMNS + 1];
    for (int r = 0; r <= TORSO_ROWS; r++) {
        float angle =
            (-0.45f + 1.05f * (float)r / TORSO_ROWS) * PI_F; /* behind .. below in front */
        for (int c = 0; c <= 2 * TORSO_COLUMNS; c++) {
            float x = 18.0f * (float)(c - TORSO_COLUMNS) / TORSO_COLUMNS;
            struct vec3 p = torso_point(x, angle);
            v[r][c] = mesh_vertex(mesh, p, (struct vec2){p.x, p.y}, BONE_BODY);
        }
    }
    for (int r = 0; r < TORSO_ROWS; r++)
        for (int c = 0; c < 2 * TORSO_COLUMNS; c++)
            mesh_quad(mesh, abs(c - TORSO_COLUMNS) < 16 ? PART_COLLAR : PART_SHIRT, v[r][c],
                      v[r + 1][c], v[r + 1][c + 1], v[r][c + 1]);
}

/* `s` 0 nape .. 1 front, `t` 0 inside edge .. 0.35 fold .. 1 outer edge. */
static struct vec3 collar_point(float side, float s, float t)
{
    float angle = PI_F * (1 - 1.012f * s); /* pi behind .. past the middle in front */
    float front = stepf(0.35f, 1, s);
    float stand = t < 0.35f ? t / 0.35f : 1; /* the inside climbs to the fold */
    float fall = t < 0.35f ? 0 : (t - 0.35f) / 0.65f;
    float reach = mixf(4.75f, 5.35f, stand) + fall * mixf(1.6f, 1.9f, front);
    struct vec3 p = {side * reach * sinf(angle), 0, -2.3f + reach * cosf(angle) * 0.98f};
    float top = mixf(-11.9f, -16.3f, stepf(0, 1, s) * 0.55f + 0.45f * s);
    p.y = top - 1.9f * (1 - stand);
    /* The flap hangs, and ends in a point in front. */
    float tip = mixf(2.3f, 4.6f, stepf(0.55f, 0.95f, s));
    p.y -= fall * tip - 0.35f * sinf(fall * PI_F) * (1 - front);
    p.x += side * fall * 1.7f * stepf(0.7f, 1.0f, s);
    p.z += 0.28f * sinf(fall * PI_F * 0.5f) * front;
    p.z += 0.14f * sinf(stand * PI_F * 0.5f) * front;
    return p;
}

/* Cloth has two sides, each with normals of its own. */
static void add_collar(struct mesh *mesh, float side, int inside)
{
    uint32_t v[COLLAR_AROUND + 1][COLLAR_DOWN + 1];
    for (int i = 0; i <= COLLAR_AROUND; i++) {
        for (int k = 0; k <= COLLAR_DOWN; k++) {
            struct vec3 p = collar_point(side, (float)i / COLLAR_AROUND, (float)k / COLLAR_DOWN);
            v[i][k] = mesh_vertex(mesh, p, (struct vec2){p.x, p.y}, BONE_BODY);
        }
    }
    for (int i = 0; i < COLLAR_AROUND; i++) {
        for (int k = 0; k < COLLAR_DOWN; k++) {
            if ((side > 0) != inside)
                mesh_quad(mesh, PART_COLLAR, v[i][k], v[i][k + 1], v[i + 1][k + 1], v[i + 1][k]);
            else
                mesh_quad(mesh, PART_COLLAR, v[i + 1][k], v[i + 1][k + 1], v[i][k + 1], v[i][k]);
        }
    }
}

/* The blouse below the collar's button. */
static void add_placket(struct mesh *mesh)
{
    enum { ACROSS = 8, DOWN = 8 };
    uint32_t v[DOWN + 1][ACROSS + 1];
    for (int i = 0; i <= DOWN; i++) {
        for (int k = 0; k <= ACROSS; k++) {
            float t = (float)i / DOWN;
            float x = 6 * ((float)k / ACROSS - 0.5f);
            struct vec3 p = {x, -16.2f - 5 * t, 2.95f + 0.9f * t - 0.09f * x * x};
            v[i][k] = mesh_vertex(mesh, p, (struct vec2){x, p.y}, BONE_BODY);
        }
    }
    for (int i = 0; i < DOWN; i++)
        for (int k = 0; k < ACROSS; k++)
            mesh_quad(mesh, PART_COLLAR, v[i][k], v[i + 1][k], v[i + 1][k + 1], v[i][k + 1]);
}

void dress_create(struct mesh *mesh)
{
    add_torso(mesh);
    add_placket(mesh);
    for (int inside = 0; inside < 2; inside++) {
        add_collar(mesh, -1, inside);
        add_collar(mesh, 1, inside);
    }
}
