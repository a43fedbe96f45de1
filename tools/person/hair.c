/* SPDX-License-Identifier: Apache-2.0 */
#include "person/hair.h"

#include <stdlib.h>

#include "base/error.h"
#include "person/outline.h"
#include "person/sculpt.h"

#define STRANDS_MAX 16000
#define POINTS_POOL ((size_t)STRANDS_MAX * 30)
#define SCALP_STRANDS 9000
#define STRAND_STEPS 30
#define STEP 0.62f   /* cm */
#define PART_X 1.75f /* the parting, right of the middle of the picture */
#define TABLE_AROUND 144
#define TABLE_UP 72

static const struct vec3 centre = {0, 3.0f, -1.0f};
static const struct vec3 bun = {0, -2.2f, -10.5f};

/* Distances from the centre to the scalp, by direction. */
struct scalp {
    float reach[TABLE_UP + 1][TABLE_AROUND + 1];
};

/* Random numbers of one strand. */
struct luck {
    uint32_t seed, next;
};

static float draw_luck(struct luck *l, float low, float high)
{
    return mixf(low, high, hash_unit(l->seed, l->next++));
}

/* around: 0 in front, positive to the right; up: from the horizontal. Radians. */
static struct vec3 direction_of(float around, float up)
{
    return vec3(cosf(up) * sinf(around), sinf(up), cosf(up) * cosf(around));
}

static void measure_scalp(struct scalp *scalp)
{
    for (int i = 0; i <= TABLE_UP; i++) {
        for (int k = 0; k <= TABLE_AROUND; k++) {
            float up = PI_F * ((float)i / TABLE_UP - 0.5f);
            float around = 2 * PI_F * ((float)k / TABLE_AROUND - 0.5f);
            struct vec3 d = direction_of(around, up);
            struct vec3 hit = mad3(centre, d, 8);
            sculpt_hit(mad3(centre, d, 16), scale3(d, -1), 16, &hit);
            scalp->reach[i][k] = length3(sub3(hit, centre));
        }
    }
}

static struct vec3 on_scalp(const struct scalp *scalp, struct vec3 d, float height)
{
    float u = (asinf(clampf(d.y, -1, 1)) / PI_F + 0.5f) * TABLE_UP;
    float a = (atan2f(d.x, d.z) / (2 * PI_F) + 0.5f) * TABLE_AROUND;
    int i = (int)clampf(u, 0, TABLE_UP - 1);
    int k = (int)clampf(a, 0, TABLE_AROUND - 1);
    float tu = u - (float)i;
    float ta = a - (float)k;
    float low = mixf(scalp->reach[i][k], scalp->reach[i][k + 1], ta);
    float high = mixf(scalp->reach[i + 1][k], scalp->reach[i + 1][k + 1], ta);
    return mad3(centre, d, mixf(low, high, tu) + height);
}

/* Elevation at which the hair begins. */
static float hairline(float around)
{
    float a = fabsf(around);
    float up = mixf(0.275f, 0.255f, stepf(0.1f, 0.5f, a));
    up = mixf(up, 0.05f, stepf(0.5f, 0.98f, a));
    up = mixf(up, -0.33f, stepf(0.98f, 1.42f, a));
    return mixf(up, -0.75f, stepf(1.5f, 2.1f, a));
}

static void add_scalp(struct mesh *mesh, const struct scalp *scalp)
{
    enum { AROUND = 160, DOWN = 40 };
    uint32_t v[DOWN + 1][AROUND + 1];
    for (int i = 0; i <= DOWN; i++) {
        for (int k = 0; k <= AROUND; k++) {
            float around = 2 * PI_F * ((float)k / AROUND - 0.5f);
            float t = (float)i / DOWN;
            float up = mixf(PI_F / 2,
                            hairline(around) + 0.06f + 0.22f * bell(fabsf(around) - 1.2f, 0.3f), t);
            /* Low at its edge, where the skin shows between the roots. */
            float height = 0.07f - 0.09f * stepf(0.93f, 1, t);
            struct vec3 p = on_scalp(scalp, direction_of(around, up), height);
            v[i][k] = mesh_vertex(mesh, p, (struct vec2){p.x, p.y}, BONE_HEAD);
        }
    }
    for (int i = 0; i < DOWN; i++)
        for (int k = 0; k < AROUND; k++)
            mesh_quad(mesh, PART_SCALP, v[i][k], v[i + 1][k], v[i + 1][k + 1], v[i][k + 1]);
}

void hair_shade(struct vec3 rest, struct baked *baked)
{
    struct vec3 d = unit3(sub3(rest, centre));
    float around = atan2f(d.x, d.z);
    float over = asinf(clampf(d.y, -1, 1)) - hairline(around);
    /* It overhangs a little, and ends more softly at the temples. */
    float soft = mixf(0.055f, 0.14f, stepf(0.5f, 1.1f, fabsf(around)));
    float left = 1 - 0.42f * stepf(-soft, 0.8f * soft, over);
    left = mixf(left, 1, stepf(1.5f, 1.7f, fabsf(around)));
    baked->open *= 0.6f + 0.4f * left;
    baked->key = scale3(baked->key, left);
    for (int i = 0; i < LAMP_COUNT; i++)
        baked->lamp[i] *= left;
}

/* Where hair at `p` on side `side` of the parting is combed to. */
static struct vec3 comb(struct vec3 p, struct vec3 n, float side, float combed, float rise)
{
    struct vec3 back = sub3(bun, p);
    struct vec3 over = vec3(side, -0.25f, -0.42f);
    back = unit3(mad3(back, n, -dot3(back, n)));
    over = unit3(mad3(over, n, -dot3(over, n)));
    /* At the hairline hair grows away from the face. */
    struct vec3 off = vec3(0, 0.75f, -0.65f);
    off = unit3(mad3(off, n, -dot3(off, n)));
    return unit3(mad3(mix3(over, back, combed), off, rise));
}

static struct vec3 hair_colour(struct luck *l)
{
    float light = draw_luck(l, 0.72f, 1.30f);
    struct vec3 c =
        mix3(vec3(0.040f, 0.020f, 0.012f), vec3(0.072f, 0.034f, 0.018f), draw_luck(l, 0, 1));
    return scale3(c, light);
}

static struct strand *begin_strand(struct hair *hair, uint32_t anchor, float width, float opacity)
{
    if (hair->strands == STRANDS_MAX)
        abort();
    struct strand *s = hair->strand + hair->strands++;
    *s = (struct strand){
        .first = (uint32_t)hair->points, .anchor = anchor, .width = width, .opacity = opacity};
    return s;
}

static void add_point(struct hair *hair, struct strand *s, struct vec3 at, struct vec3 normal,
                      float shade)
{
    if ((size_t)hair->points == POINTS_POOL)
        abort();
    hair->point[hair->points++] = (struct strand_point){.at = at, .normal = normal, .shade = shade};
    s->count++;
}

/* `layer` 0 on the scalp .. 1 outermost. */
static void grow(struct hair *hair, const struct scalp *scalp, struct luck *l, float around,
                 float up, float layer, float stray)
{
    float rise =
        1.1f * stepf(0.22f, 0.0f, up - hairline(around)) * stepf(1.2f, 0.8f, fabsf(around));
    struct vec3 d = direction_of(around, up);
    struct vec3 p = on_scalp(scalp, d, 0.05f);
    float part = p.x - PART_X - 0.12f * noise1(l->seed & 0xffU, p.z);
    float side = part < 0 ? -1.0f : 1.0f;
    float top = stepf(0.0f, 0.9f, up) * stepf(-6, 2, p.z);
    float combed = stepf(0, 7.5f, fabsf(part) + 3.0f * stepf(3, -4, p.z));
    /* Locks: neighbours share a bend. */
    uint32_t lock = (uint32_t)(int)floorf(around * 11) * 131U + (uint32_t)(int)floorf(up * 11);
    float lift = 0.22f + 0.85f * layer * mixf(0.5f, 1, top) + 0.10f * hash_unit(77, lock);
    float width = draw_luck(l, 0.75f, 1.1f);
    struct strand *s = begin_strand(hair, HAIR_ROOTED, width, draw_luck(l, 0.5f, 0.85f));
    s->colour = hair_colour(l);
    float phase = draw_luck(l, 0, 100);
    for (int i = 0; i < STRAND_STEPS; i++) {
        float along = (float)i * STEP;
        struct vec3 n = unit3(sub3(p, centre));
        float depth = mixf(0.32f, 1, layer) * mixf(0.55f, 1, stepf(0, 1.8f, along));
        add_point(hair, s, p, n, depth);
        if (p.z < -3.0f)
            break;
        struct vec3 go =
            comb(p, n, side, fminf(combed + along * 0.085f, 1), rise * stepf(4.5f, 0, along));
        struct vec3 across = cross3(n, go);
        float bend = 0.16f * noise2(lock & 0xffffU, along * 0.35f, 0.5f) +
                     (0.05f + 0.4f * stray) * noise1(7, phase + along * 0.8f);
        go = unit3(mad3(go, across, bend));
        float height =
            0.08f + lift * stepf(-0.8f, 1.8f, along) * mixf(1, 0.5f, stepf(5, 14, along));
        height += stray * 0.5f * stepf(0, 6, along) * (0.4f + noise1(9, phase + along * 0.3f));
        p = on_scalp(scalp, unit3(sub3(mad3(p, go, STEP), centre)), height);
    }
}

static void grow_scalp(struct hair *hair, const struct scalp *scalp, uint32_t seed)
{
    for (uint32_t i = 0; i < SCALP_STRANDS; i++) {
        struct luck l = {seed, i * 64};
        float layer = (float)i / SCALP_STRANDS;
        float around = draw_luck(&l, -2.0f, 2.0f);
        float up = asinf(draw_luck(&l, -0.75f, 1));
        float line = hairline(around);
        if (i % 4 == 0)
            up = line + draw_luck(&l, 0, i % 8 ? 0.2f : 0.4f);
        /* Fine short hair blurs the line itself. */
        if (up < line + 0.05f * draw_luck(&l, -0.6f, 1))
            continue;
        float near = stepf(0.16f, 0.02f, up - line);
        grow(hair, scalp, &l, around, up, layer * (1 - 0.7f * near),
             i % 23 == 0 ? draw_luck(&l, 0.2f, 1) : 0);
        struct strand *s = hair->strand + hair->strands - 1;
        s->width *= 1 - 0.4f * near;
        s->opacity *= 1 - 0.45f * near;
    }
}

/* A lock that hangs free before each ear. */
static void grow_locks(struct hair *hair, uint32_t seed)
{
    for (uint32_t i = 0; i < 84; i++) {
        struct luck l = {seed, i * 64};
        float side = i % 2 ? 1.0f : -1.0f;
        struct strand *s = begin_strand(hair, HAIR_ROOTED, draw_luck(&l, 0.6f, 0.9f), 0.7f);
        s->colour = hair_colour(&l);
        float spread = draw_luck(&l, -1, 1);
        float length = draw_luck(&l, 4.0f, side > 0 ? 5.6f : 6.4f);
        float start = draw_luck(&l, 4.3f, 5.4f); /* under the hair that is combed back */
        for (int k = 0; k < 24; k++) {
            float t = (float)k / 23;
            float y = start - (length + start - 3.9f) * t;
            float wave = 0.28f * sinf(t * 4.2f + 0.6f * side + 0.3f * spread);
            float thick = spread * (0.06f + 0.5f * t * (1 - t));
            float x = 6.15f + 0.85f * sinf(t * 2.2f) + wave * t + thick;
            float z = 2.1f - 1.1f * t + 0.3f * spread * (1 - t) + 0.9f * sinf(t * PI_F);
            add_point(hair, s, vec3(side * x, y, z), unit3(vec3(side * 0.8f, 0.15f, 0.55f)), 0.75f);
        }
    }
}

static void grow_brows(struct hair *hair, const struct skin *skin, const struct mesh *mesh,
                       uint32_t seed)
{
    for (uint32_t i = 0; i < 900; i++) {
        struct luck l = {seed, i * 64};
        float side = i % 2 ? 1.0f : -1.0f;
        float t = draw_luck(&l, 0.0f, 1);
        float u = 1.28f + 3.75f * t;
        float half = brow_half(u);
        float off = draw_luck(&l, -1, 1);
        float y = brow_line(u) + off * half;
        float z = sculpt_front(side * u, y, 8);
        struct vec3 root = {side * u, y, z};
        struct strand *s = begin_strand(hair, skin_nearest(skin, mesh, root),
                                        draw_luck(&l, 0.4f, 0.65f), draw_luck(&l, 0.35f, 0.7f));
        s->colour = scale3(vec3(0.060f, 0.032f, 0.020f), draw_luck(&l, 0.6f, 1.3f));
        /* Upright at the inner end, lying outwards at the tail; those below lean up. */
        float lean =
            mixf(1.25f, -0.22f, stepf(-0.1f, 0.55f, t)) - 0.30f * off + draw_luck(&l, -0.2f, 0.2f);
        float length = draw_luck(&l, 0.32f, 0.55f) * mixf(1, 0.75f, t);
        for (int k = 0; k < 5; k++) {
            float along = length * (float)k / 4;
            float turn = lean - 0.5f * (float)k / 4;
            struct vec3 p = {root.x + side * along * cosf(turn), root.y + along * sinf(turn), 0};
            p.z = sculpt_front(p.x, p.y, z) + 0.05f + 0.03f * sinf((float)k);
            add_point(hair, s, p, unit3(vec3(side * 0.2f, 0.2f, 1)), 0.85f);
        }
    }
}

static void grow_lashes(struct hair *hair, const struct skin *skin, const struct mesh *mesh,
                        uint32_t seed)
{
    for (uint32_t i = 0; i < 260; i++) {
        struct luck l = {seed, i * 64};
        float side = i % 2 ? 1.0f : -1.0f;
        int below = i % 19 >= 13;
        float t = draw_luck(&l, 0.10f, 0.99f);
        float u = mixf(EYE_INNER, EYE_OUTER, t);
        uint32_t anchor = skin_at(skin, skin->lid_row + below, side * u);
        struct vec3 root = mesh->rest[anchor];
        root.x = side * u;
        root.z -= 0.03f;
        struct strand *s = begin_strand(hair, anchor, below ? 0.35f : 0.6f, below ? 0.3f : 0.75f);
        s->lash = !below;
        s->colour = vec3(0.010f, 0.007f, 0.006f);
        float length =
            below ? draw_luck(&l, 0.18f, 0.30f) : draw_luck(&l, 0.30f, 0.46f) * (0.65f + 0.5f * t);
        float out = (t - 0.38f) * 1.15f + draw_luck(&l, -0.12f, 0.12f);
        for (int k = 0; k < 6; k++) {
            float a = (float)k / 5;
            struct vec3 p = root;
            p.x += side * length * out * a;
            /* Forward first, then curling up. */
            p.z += length * 0.9f * sinf(a * 1.5f);
            p.y += (below ? -1.0f : 1.0f) * length * (below ? 0.7f * a : 0.25f * a + 0.65f * a * a);
            add_point(hair, s, p, vec3(0, 0.3f, 0.95f), 0.6f);
        }
    }
}

synctalk_status hair_create(struct hair *hair, const struct skin *skin, struct mesh *mesh,
                            uint32_t seed, synctalk_error *err)
{
    struct scalp *scalp = malloc(sizeof *scalp);
    *hair = (struct hair){0};
    hair->strand = calloc(STRANDS_MAX, sizeof *hair->strand);
    hair->point = calloc(POINTS_POOL, sizeof *hair->point);
    if (!scalp || !hair->strand || !hair->point) {
        free(scalp);
        hair_free(hair);
        return st_fail_memory(err, "hair", POINTS_POOL * sizeof *hair->point);
    }
    measure_scalp(scalp);
    add_scalp(mesh, scalp);
    grow_brows(hair, skin, mesh, seed + 1);
    grow_lashes(hair, skin, mesh, seed + 2);
    grow_scalp(hair, scalp, seed + 3);
    grow_locks(hair, seed + 4);
    hair_light(hair);
    free(scalp);
    return SYNCTALK_OK;
}

void hair_free(struct hair *hair)
{
    free(hair->strand);
    free(hair->point);
    *hair = (struct hair){0};
}
