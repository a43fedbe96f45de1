/* SPDX-License-Identifier: Apache-2.0 */
#include "person/marks.h"

#include "person/outline.h"
#include "person/sculpt.h"
#include "person/stage.h"

/* First points of the layout's parts; lips and contour are those of face/landmarks.c. */
enum {
    CONTOUR = 0,
    CONTOUR_COUNT = 33,
    BROW_LEFT = 33, /* 5 above from the outer end, 4 below back */
    BROW_RIGHT = 42,
    NOSE_BRIDGE = 51, /* from the tip up */
    NOSE_SIDES = 55,
    EYE_LEFT = 66, /* 8 around from the outer corner, then the pupil */
    EYE_RIGHT = 78,
    LIPS_OUTER = 90,
    LIPS_INNER = 102
};

static void set(struct marks *m, int index, uint32_t vertex)
{
    m->mark[index] = (struct mark){vertex, vertex, 0};
}

static void set_near(struct marks *m, int index, const struct skin *skin, const struct mesh *mesh,
                     float x, float y)
{
    float z = sculpt_front(x, y, 0);
    set(m, index, skin_nearest(skin, mesh, vec3(x, y, z)));
}

/* Outermost skin of the face in a direction of the front view: the outline of cheek, jaw
 * and chin, without the neck behind it. */
static void set_contour(struct marks *m, int index, const struct skin *skin,
                        const struct mesh *mesh, struct vec2 centre, float angle)
{
    float dx = sinf(angle);
    float dy = -cosf(angle);
    float best = -1;
    for (int i = 0; i < skin->count; i++) {
        struct vec3 p = mesh->rest[i];
        float x = p.x - centre.x;
        float y = p.y - centre.y;
        float along = x * dx + y * dy;
        /* Jaw and chin end where the skin turns back under them. */
        float floor_z = p.y < -8 ? 4.5f : 1.4f - 0.25f * (p.y + 4);
        if (fabsf(x * dy - y * dx) > 0.14f || p.z < floor_z || along <= best)
            continue;
        best = along;
        set(m, index, (uint32_t)i);
    }
}

static void mark_brow(struct marks *m, int first, float side, const struct skin *skin,
                      const struct mesh *mesh)
{
    /* The left one starts at its outer end, the right one at its outer end too. */
    static const float above[5] = {5.0f, 4.3f, 3.3f, 2.3f, 1.35f};
    for (int i = 0; i < 5; i++)
        set_near(m, first + i, skin, mesh, side * above[i],
                 brow_line(above[i]) + brow_half(above[i]));
    for (int i = 0; i < 4; i++) {
        float x = above[4 - i];
        set_near(m, first + 5 + i, skin, mesh, side * x, brow_line(x) - brow_half(x) - 0.08f);
    }
}

static void mark_eye(struct marks *m, int first, float side, const struct skin *skin)
{
    float middle = (EYE_INNER + EYE_OUTER) / 2;
    float step = (EYE_OUTER - EYE_INNER) / 4;
    for (int i = 0; i < 5; i++)
        set(m, first + i, skin_at(skin, skin->lid_row, side * (EYE_OUTER - step * (float)i)));
    for (int i = 0; i < 3; i++)
        set(m, first + 5 + i,
            skin_at(skin, skin->lid_row + 1, side * (EYE_INNER + step * (float)(i + 1))));
    uint32_t top = skin_at(skin, skin->lid_row, side * middle);
    uint32_t low = skin_at(skin, skin->lid_row + 1, side * middle);
    /* Pupil, its surroundings. */
    for (int i = 0; i < 4; i++)
        m->mark[first + 8 + i] = (struct mark){top, low, 0.45f};
}

static void mark_nose(struct marks *m, const struct skin *skin, const struct mesh *mesh)
{
    static const float bridge[4] = {-3.3f, -2.0f, -0.9f, 0.25f};
    static const struct vec2 sides[11] = {
        {-0.85f, -0.1f},  {-1.35f, -3.1f}, {-1.62f, -3.9f}, {-1.05f, -4.4f},
        {-0.55f, -4.45f}, {0.0f, -4.5f},   {0.55f, -4.45f}, {1.05f, -4.4f},
        {1.62f, -3.9f},   {1.35f, -3.1f},  {0.85f, -0.1f},
    };
    for (int i = 0; i < 4; i++)
        set_near(m, NOSE_BRIDGE + i, skin, mesh, 0, bridge[i]);
    for (int i = 0; i < 11; i++)
        set_near(m, NOSE_SIDES + i, skin, mesh, sides[i].x, sides[i].y);
}

static void mark_lips(struct marks *m, const struct skin *skin)
{
    static const float outer[7] = {-1, -0.66f, -0.21f, 0, 0.21f, 0.66f, 1};
    static const float inner[5] = {-0.82f, -0.45f, 0, 0.45f, 0.82f};
    for (int i = 0; i < 7; i++) {
        int corner = i == 0 || i == 6;
        int row = corner ? skin->lip_row : skin->upper_red;
        set(m, LIPS_OUTER + i, skin_at(skin, row, outer[i] * MOUTH_HALF));
    }
    for (int i = 1; i < 6; i++)
        set(m, LIPS_OUTER + 6 + i, skin_at(skin, skin->lower_red, outer[6 - i] * MOUTH_HALF));
    for (int i = 0; i < 5; i++)
        set(m, LIPS_INNER + i, skin_at(skin, skin->lip_row, inner[i] * MOUTH_HALF));
    for (int i = 1; i < 4; i++)
        set(m, LIPS_INNER + 4 + i, skin_at(skin, skin->lip_row + 1, inner[4 - i] * MOUTH_HALF));
}

void marks_create(struct marks *m, const struct skin *skin, const struct mesh *mesh)
{
    struct vec2 centre = {0, -3.2f};
    for (int i = 0; i < CONTOUR_COUNT; i++) {
        float t = (float)(i - 16) / 16; /* -1 left .. 0 chin .. 1 right */
        float angle = 1.98f * (0.55f * t + 0.45f * t * fabsf(t) * (2 - fabsf(t)));
        set_contour(m, CONTOUR + i, skin, mesh, centre, angle);
    }
    mark_brow(m, BROW_LEFT, -1, skin, mesh);
    mark_brow(m, BROW_RIGHT, 1, skin, mesh);
    mark_nose(m, skin, mesh);
    mark_eye(m, EYE_LEFT, -1, skin);
    mark_eye(m, EYE_RIGHT, 1, skin);
    mark_lips(m, skin);
}

void marks_project(const struct marks *m, const struct vec3 *position, struct st_landmarks *out)
{
    out->count = MARKS;
    for (int i = 0; i < MARKS; i++) {
        const struct mark *k = m->mark + i;
        struct screen_vertex s = stage_project(mix3(position[k->a], position[k->b], k->t));
        out->points[i] = (struct st_point){s.x, s.y};
    }
}
