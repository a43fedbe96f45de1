/* SPDX-License-Identifier: Apache-2.0 */
#include "person/rig.h"

#include "person/outline.h"
#include "person/sculpt.h"
#include "person/teeth.h"

static const struct vec3 hinge = {0, -1.8f, 0.3f};

struct vec3 rig_jaw(struct vec3 p, float turn)
{
    struct vec3 d = sub3(p, hinge);
    float c = cosf(turn);
    float s = sinf(turn);
    return vec3(p.x, hinge.y + d.y * c - d.z * s, hinge.z + d.z * c + d.y * s);
}

/* Height of the gap at `place` as a share of its height in the middle. */
static float gap_shape(float place, float round)
{
    float t = fmaxf(1 - place * place, 0);
    return powf(t, mixf(0.70f, 0.48f, round));
}

/* What both edges do together at `place`: corners in or out, lips forward. */
static struct vec3 lips_common(const struct mouth_shape *m, float place, float drop)
{
    float spread = fmaxf(m->width, 0);
    float narrow = fmaxf(-m->width, 0);
    float scale = 0.145f * spread - 0.27f * m->round - 0.17f * narrow - 0.05f * m->jaw;
    float inner = 1 - place * place;
    float x = MOUTH_HALF * place * scale;
    /* Corners follow the rows of teeth: out is back. */
    float z = -0.45f * fabsf(x) * (scale > 0 ? 1.0f : -1.0f);
    z += (0.68f * m->round + 0.12f * narrow) * (0.5f + 0.5f * inner) - 0.14f * spread * inner;
    float y = -drop * mixf(0.27f, 0.3f * m->closed, inner) + 0.1f * spread * (1 - inner);
    return vec3(x, y, z);
}

void rig_lips(struct lips *lips, const struct mouth_shape *m)
{
    lips->turn = JAW_TURN * m->jaw;
    struct vec3 line = {0, MOUTH_Y, 9.6f};
    float drop = line.y - rig_jaw(line, lips->turn).y;
    float open = 1 - m->closed;
    float gap = 0.06f + 0.26f * m->teeth * (1 - 0.6f * m->round) + 1.85f * m->jaw + 0.2f * m->round;
    gap = open * (gap + 0.2f * m->upper_raise);
    /* The tucked lip leaves only what the upper lip bares of the teeth. */
    gap = mixf(gap, open * 0.3f, m->lower_tuck);
    float up = 0.13f * gap + open * (0.16f * m->upper_raise + 0.1f * m->teeth);
    up = fminf(mixf(up, open * 0.24f, m->lower_tuck), gap);
    lips->gap = gap;
    lips->curl[0] = 0.8f * m->round + 0.25f * m->upper_raise;
    lips->curl[1] = 0.9f * m->round - 1.0f * m->lower_tuck + 0.15f * m->jaw;
    for (int i = 0; i < LIP_TABLE; i++) {
        float place = 2 * (float)i / (LIP_TABLE - 1) - 1;
        float shape = gap_shape(place, clampf(m->round + 0.6f * m->jaw, 0, 1));
        struct vec3 both = lips_common(m, place, drop);
        /* The jaw takes the lower lip back with it; the upper lip stays. */
        float back = -0.5f * drop * open * (1 - place * place) - 0.5f * m->lower_tuck * shape;
        lips->edge[0][i] = add3(both, vec3(0, up * shape, 0));
        lips->edge[1][i] = add3(both, vec3(0, (up - gap) * shape, back));
    }
}

float rig_opening(const struct lips *lips)
{
    return clampf(lips->gap / MOUTH_GAP_MAX, 0, 1);
}

static struct vec3 edge_at(const struct lips *lips, int below, float place)
{
    float t = (place + 1) * 0.5f * (LIP_TABLE - 1);
    int i = t < LIP_TABLE - 2 ? (int)t : LIP_TABLE - 2;
    return mix3(lips->edge[below][i], lips->edge[below][i + 1], t - (float)i);
}

static struct vec3 jaw_move(struct vec3 p, float turn)
{
    return sub3(rig_jaw(p, turn), p);
}

static struct vec3 move_mouth(const struct skin_vertex *v, struct vec3 p, const struct lips *lips)
{
    struct vec3 out = p;
    if (v->jaw > 0)
        out = mad3(out, jaw_move(p, lips->turn), v->jaw);
    if (v->lip_pull <= 0)
        return out;
    /* What the edge of the lip needs beyond the jaw's share, taken by all around it. */
    struct vec3 line = {v->lip_place * MOUTH_HALF, v->edge_y, v->edge_z};
    struct vec3 need = edge_at(lips, v->below, v->lip_place);
    need = mad3(need, jaw_move(line, lips->turn), -v->jaw_line);
    out = mad3(out, need, v->lip_pull);
    /* The red of a pursed lip turns out, that of a tucked one in; its edge stays. */
    float d = fabsf(p.y - line.y);
    float inner = 1 - v->lip_place * v->lip_place;
    float turn = v->inner > 0 ? 0 : lips->curl[v->below] * inner * bell(d - 0.52f, 0.26f);
    out.z += 0.13f * turn;
    out.y += (v->below ? -0.06f : 0.06f) * turn;
    return out;
}

static struct vec3 move_cheek(struct vec3 p, const struct mouth_shape *m)
{
    float spread = fmaxf(m->width, 0);
    float k = bell2(fabsf(p.x) - 3.7f, p.y + 4.0f, 1.0f, 0.9f) * spread;
    return add3(p, vec3(0, 0.12f * k, 0.1f * k));
}

/* Between open and shut the lids run over the eyeball, not through it. */
static struct vec3 move_lid(const struct skin_vertex *v, struct vec3 open, float blink)
{
    struct vec3 centre = {open.x < 0 ? -EYE_X : EYE_X, EYE_Y, EYE_Z};
    struct vec3 p = mix3(open, v->shut, blink);
    float want = mixf(length3(sub3(open, centre)), length3(sub3(v->shut, centre)), blink);
    return mad3(centre, unit3(sub3(p, centre)), want);
}

static struct vec3 move_skin(const struct skin_vertex *v, struct vec3 rest, const struct pose *pose,
                             const struct lips *lips)
{
    struct vec3 p = rest;
    float lids = clampf(pose->blink, 0, 1);
    if (v->shut.y != rest.y || v->shut.z != rest.z)
        p = move_lid(v, rest, lids);
    if (v->brow > 0)
        p.y += 0.42f * v->brow * pose->brow;
    p = move_mouth(v, p, lips);
    return move_cheek(p, &pose->mouth);
}

float rig_body_share(struct vec3 rest)
{
    return stepf(-9.3f, -17.0f, rest.y + 0.38f * (rest.z - 2));
}

void rig_frame(struct frame_of_head *frame, const struct pose *pose)
{
    frame->turn = rotation_of(pose->yaw, pose->pitch, pose->roll);
    frame->pivot = vec3(0, -7.5f, -1.5f);
    frame->shift = pose->shift;
    frame->body = pose->body;
    frame->breath = pose->breath;
}

struct vec3 rig_body(const struct frame_of_head *frame, struct vec3 p)
{
    float out = clampf(fabsf(p.x) / 18, 0, 1);
    p.y += frame->breath * (0.05f + 0.11f * out);
    p.z += frame->breath * 0.12f * (1 - out);
    return add3(p, frame->body);
}

struct vec3 rig_head(const struct frame_of_head *frame, struct vec3 p)
{
    struct vec3 turned = rotate3(&frame->turn, sub3(p, frame->pivot));
    turned = add3(add3(turned, frame->pivot), frame->shift);
    turned.y += frame->breath * 0.05f;
    return add3(turned, frame->body);
}

void rig_apply(const struct mesh *mesh, const struct skin *skin, const struct pose *pose,
               const struct lips *lips, struct vec3 *out)
{
    struct frame_of_head frame;
    rig_frame(&frame, pose);
    for (int i = 0; i < mesh->vertices; i++) {
        struct vec3 rest = mesh->rest[i];
        struct vec3 p = rest;
        if (i < skin->count)
            p = move_skin(skin->rig + i, rest, pose, lips);
        else if (mesh_is_inside(mesh, i))
            p = teeth_move(p, (enum bone)mesh->bone[i], &pose->mouth, lips);
        float body = 0;
        if (mesh->bone[i] == BONE_BODY)
            body = 1;
        else if (mesh->bone[i] == BONE_NECK)
            body = rig_body_share(rest);
        struct vec3 head = body < 1 ? rig_head(&frame, p) : p;
        out[i] = body > 0 ? mix3(head, rig_body(&frame, p), body) : head;
    }
}
