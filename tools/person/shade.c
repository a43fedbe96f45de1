/* SPDX-License-Identifier: Apache-2.0 */
#include "person/shade.h"

#include "person/eye.h"

/* A lamp's light on a surface that also takes some from beyond its horizon. */
static float wrapped(float facing, float wrap)
{
    float t = (facing + wrap) / (1 + wrap);
    return t > 0 ? t : 0;
}

void shade_light(struct lit *lit, struct vec3 n, const struct baked *b, int soft)
{
    struct vec3 sum = stage_ambient(n);
    float open = b->open;
    /* What is closed in by skin is lit by skin. */
    float warm = soft ? mixf(open, sqrtf(fmaxf(open, 0)), 0.45f) : open;
    sum = mul3(sum, vec3(warm, open, open * (soft ? 0.96f : 1.0f)));
    /* No crease of flesh is black: it glows. */
    if (soft)
        sum = mad3(sum, vec3(0.42f, 0.17f, 0.14f), 1 - open);
    for (int i = 0; i < LAMP_COUNT; i++) {
        const struct lamp *lamp = &stage_lamps[i];
        float facing = dot3(n, lamp->towards);
        float wrap = soft ? 1.0f : 0.3f;
        /* Where the surface turns away its own shadow is the wrap's business. */
        float away = stepf(0.05f, -0.25f, facing);
        struct vec3 seen = i == LAMP_KEY ? b->key : vec3(b->lamp[i], b->lamp[i], b->lamp[i]);
        if (!soft)
            seen = vec3(b->lamp[i], b->lamp[i], b->lamp[i]);
        seen = mix3(seen, vec3(open, open, open), away);
        struct vec3 reach = {wrapped(facing, 0.36f * wrap), wrapped(facing, 0.17f * wrap),
                             wrapped(facing, 0.11f * wrap)};
        sum = add3(sum, mul3(mul3(lamp->colour, reach), seen));
        lit->lamp[i] = b->lamp[i] * stepf(0.08f, 0.5f, b->open); /* nothing gleams in a crease */
    }
    lit->diffuse = sum;
}

float shade_lobe(struct vec3 n, struct vec3 v, struct vec3 l, float rough, float f0)
{
    float facing = dot3(n, l);
    if (facing <= 0)
        return 0;
    struct vec3 h = unit3(add3(v, l));
    float nh = clampf(dot3(n, h), 0, 1);
    float lh = clampf(dot3(l, h), 0, 1);
    float a2 = rough * rough * rough * rough;
    float d = nh * nh * (a2 - 1) + 1;
    float t = 1 - lh;
    float fresnel = f0 + (1 - f0) * t * t * t * t * t;
    return facing * fresnel * a2 / (PI_F * d * d * 4 * fmaxf(lh * lh, 0.1f) * (rough + 0.5f));
}

/* All lamps in a surface of the given roughness. */
static struct vec3 shine(const struct shade_point *p, struct vec3 n, float rough, float f0)
{
    struct vec3 sum = {0, 0, 0};
    for (int i = 0; i < LAMP_COUNT; i++) {
        /* A large lamp makes a wide gleam. */
        float wide = fminf(rough + 0.3f * stage_lamps[i].size, 1);
        float k = shade_lobe(n, p->view, stage_lamps[i].towards, wide, f0) * p->lit.lamp[i];
        sum = mad3(sum, stage_lamps[i].colour, k * PI_F);
    }
    return sum;
}

static struct vec3 bump(const struct shade_frame *f, struct vec3 n, float sx, float sy)
{
    struct vec3 right = {f->turn.row[0].x, f->turn.row[1].x, f->turn.row[2].x};
    struct vec3 up = {f->turn.row[0].y, f->turn.row[1].y, f->turn.row[2].y};
    return unit3(mad3(mad3(n, right, -sx), up, -sy));
}

static struct vec3 shade_skin(const struct shade_frame *f, const struct shade_point *p)
{
    struct paint_sample s;
    paint_sample(f->paint, p->uv, &s);
    struct vec3 n = bump(f, p->normal, s.slope_x, s.slope_y);
    const struct lamp *key = &stage_lamps[LAMP_KEY];
    float more = (dot3(n, key->towards) - dot3(p->normal, key->towards)) * p->lit.lamp[LAMP_KEY];
    struct vec3 light = mad3(p->lit.diffuse, key->colour, 0.6f * more);
    struct vec3 c = mul3(s.albedo, light);
    float rough = mixf(0.60f, 0.30f, s.gloss);
    struct vec3 gleam = shine(p, n, rough, 0.028f);
    gleam = mad3(gleam, shine(p, n, rough * 0.62f, 0.028f), 0.35f);
    /* Down on the cheek's edge. */
    float rim = 1 - clampf(dot3(n, p->view), 0, 1);
    c = mad3(c, p->lit.diffuse, 0.05f * rim * rim * rim);
    /* Where the paint is dull nothing shines: nostrils. */
    return mad3(c, gleam, (0.35f + 1.1f * s.gloss) * stepf(0, 0.16f, s.gloss));
}

static struct vec3 shade_lip_inside(const struct shade_point *p)
{
    struct vec3 c = mul3(vec3(0.40f, 0.125f, 0.115f), p->lit.diffuse);
    return mad3(c, shine(p, p->normal, 0.40f, 0.03f), 0.5f);
}

/* Less light gets in through a narrow gap. */
static float gap_light(const struct shade_frame *f)
{
    return (0.55f + 0.45f * stepf(0, 1.0f, f->gap)) *
           (1 - 0.6f * f->purse * stepf(1.2f, 0.3f, f->gap));
}

static struct vec3 shade_tooth(const struct shade_frame *f, const struct shade_point *p)
{
    float a = fabsf(p->uv.x);
    float b = p->uv.y;
    struct vec3 c = mix3(vec3(0.74f, 0.62f, 0.48f), vec3(0.90f, 0.85f, 0.76f), stepf(0, 0.5f, b));
    c = scale3(c, 1 - 0.45f * stepf(0.8f, 1.0f, a));
    /* Side teeth lie in the shade of the cheeks. */
    float side = stepf(0.6f, 2.4f, fabsf(p->rest.x));
    c = scale3(mul3(c, p->lit.diffuse), gap_light(f) * (1 - 0.7f * side));
    return mad3(c, shine(p, p->normal, 0.28f, 0.04f), 0.8f * gap_light(f) * (1 - side));
}

static struct vec3 shade_flesh(const struct shade_frame *f, const struct shade_point *p,
                               struct vec3 colour, float wet)
{
    /* Deeper is darker. */
    float deep = stepf(2.6f, 7.6f, p->rest.z);
    struct vec3 c = scale3(mul3(colour, p->lit.diffuse), gap_light(f) * (0.12f + 0.88f * deep));
    return mad3(c, shine(p, p->normal, 0.36f, 0.03f), wet * gap_light(f) * deep);
}

static struct vec3 shade_tongue(const struct shade_frame *f, const struct shade_point *p)
{
    float grain = noise2(11, p->rest.x * 9, p->rest.z * 9);
    struct vec3 colour = scale3(vec3(0.58f, 0.215f, 0.20f), 1 + 0.12f * grain);
    return shade_flesh(f, p, colour, 0.55f);
}

static struct vec3 shade_cloth(const struct shade_point *p, struct vec3 colour)
{
    struct vec3 c = mul3(colour, p->lit.diffuse);
    /* Fibres stand out against the edge. */
    float edge = 1 - clampf(dot3(p->normal, p->view), 0, 1);
    c = mad3(c, c, 0.7f * edge * edge);
    return mad3(c, shine(p, p->normal, 0.7f, 0.03f), 0.35f);
}

static struct vec3 shade_jacket(const struct shade_point *p)
{
    float rib = 0.10f * noise2(31, p->uv.x * 6 + p->uv.y * 4, p->uv.y * 5 - p->uv.x * 2);
    return shade_cloth(p, scale3(vec3(0.030f, 0.044f, 0.082f), 1 + rib));
}

static struct vec3 shade_collar(const struct shade_point *p)
{
    float weave = 0.03f * noise2(32, p->uv.x * 11, p->uv.y * 11);
    return shade_cloth(p, scale3(vec3(0.66f, 0.64f, 0.60f), 1 + weave));
}

struct vec3 shade_point(const struct shade_frame *f, const struct shade_point *p)
{
    switch (p->part) {
    case PART_SKIN:
        return shade_skin(f, p);
    case PART_LIP_INSIDE:
        return shade_lip_inside(p);
    case PART_LID_EDGE: {
        struct vec3 c = mul3(vec3(0.52f, 0.26f, 0.22f), p->lit.diffuse);
        return mad3(c, shine(p, p->normal, 0.3f, 0.03f), 0.8f);
    }
    case PART_EYE:
        return eye_shade(f, p);
    case PART_TOOTH:
        return shade_tooth(f, p);
    case PART_GUM:
        return shade_flesh(f, p, vec3(0.45f, 0.15f, 0.14f), 0.6f);
    case PART_TONGUE:
        return shade_tongue(f, p);
    case PART_CAVITY:
        return shade_flesh(f, p, vec3(0.30f, 0.060f, 0.052f), 0);
    case PART_SCALP:
        return mul3(vec3(0.028f, 0.016f, 0.011f), p->lit.diffuse);
    case PART_JEWEL: {
        struct vec3 c = mul3(vec3(0.45f, 0.33f, 0.14f), p->lit.diffuse);
        return mad3(c, shine(p, p->normal, 0.22f, 0.75f), 1);
    }
    case PART_COLLAR:
        return shade_collar(p);
    default:
        return shade_jacket(p);
    }
}
