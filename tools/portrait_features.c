/* SPDX-License-Identifier: Apache-2.0 */
/* Eyes, brows, nostrils and lips, painted over the skin. */
#include <math.h>

#include "portrait.h"

/* One of a pair: -1 left in the picture, 1 right. */
struct sided {
    const struct pose *pose;
    float side;
};

static const struct colour lash = {0.13f, 0.085f, 0.07f};

/* Position relative to an eye: `t` towards the outer corner, `v` down. */
static void to_eye(const struct sided *eye, float x, float y, float *t, float *v)
{
    float u;
    pose_to_head(eye->pose, x, y, &u, v);
    *t = (u - 0.5f * eye->pose->yaw) * eye->side - EYE_U;
    *v -= EYE_V + 0.5f * eye->pose->pitch;
}

static struct colour iris_colour(float radius, float angle)
{
    static const struct colour inner = {0.47f, 0.33f, 0.17f};
    static const struct colour outer = {0.21f, 0.22f, 0.17f};
    const float fibre = 0.8f + 0.4f * noise_1d(angle * 14.0f + 50.0f);
    return scale_colour(mix_colour(inner, outer, smooth_step(0.35f, 0.9f, radius)), fibre);
}

/* White, iris, pupil, the shadow of the lid and a reflection of the key light. */
static struct colour eyeball(const struct sided *eye, float t, float v, float upper)
{
    const struct pose *pose = eye->pose;
    const float du = t * eye->side - pose->gaze_u;
    const float dv = v + 0.022f - pose->gaze_v;
    const float radius = hypotf(du, dv) / 0.102f;
    const float edge = 0.01f * pose->scale;
    struct colour c = {0.90f, 0.87f, 0.85f};

    c = mix_colour(c, (struct colour){0.80f, 0.62f, 0.58f},
                   0.55f * smooth_step(0.55f, 1.0f, fabsf(t) / EYE_HALF));
    if (radius < 1.2f) {
        struct colour iris = iris_colour(radius, atan2f(dv, du));
        iris = mix_colour(iris, lash, 0.75f * smooth_step(0.78f, 1.0f, radius));
        iris = mix_colour(iris, (struct colour){0.02f, 0.02f, 0.02f},
                          1.0f - smooth_step(0.40f, 0.48f, radius));
        c = mix_colour(c, iris, clamp01((1.0f - radius) * 4.0f * edge + 0.5f));
    }
    c = scale_colour(c, 1.0f - 0.55f * (1.0f - smooth_step(0.0f, 0.075f, v - upper)));
    const float spark = gauss((du + 0.034f) / 0.019f, (dv + 0.036f) / 0.019f);
    return mix_colour(c, (struct colour){1.0f, 1.0f, 0.98f}, 0.95f * clamp01(1.6f * spark));
}

static float eye_opening(const void *context, float x, float y, struct colour *colour)
{
    const struct sided *eye = context;
    float t;
    float v;
    float upper;
    float lower;
    to_eye(eye, x, y, &t, &v);
    if (!portrait_lids(eye->pose, t, &upper, &lower))
        return 0.0f;
    const float inside = fminf(v - upper, lower - v);
    *colour = eyeball(eye, t, v, upper);
    return pose_cover(eye->pose, -inside);
}

/* The fold above the lid, the moist rim below and the dark line of the lashes. */
static float eye_lines(const void *context, float x, float y, struct colour *colour)
{
    const struct sided *eye = context;
    float t;
    float v;
    float upper = 0.0f;
    float lower = 0.0f;
    to_eye(eye, x, y, &t, &v);
    const float along = fminf(fabsf(t) / EYE_HALF, 0.999f);
    const float at = (t < 0.0f ? -along : along) * EYE_HALF;
    (void)portrait_lids(eye->pose, at, &upper, &lower);
    const float past = fmaxf(fabsf(t) - EYE_HALF, 0.0f);
    const float fade = 1.0f - smooth_step(0.0f, 0.05f, past);
    const float outer = smooth_step(-1.0f, 0.8f, t / EYE_HALF);

    /* Thicker towards the outer corner, where it flicks out. */
    const float width = mix(0.010f, 0.026f, outer);
    const float flick = t > EYE_HALF ? 0.35f * past : 0.0f;
    const float lashes =
        fade * (1.0f - smooth_step(0.3f * width, width, fabsf(v - upper + flick + 0.25f * width)));
    const float fold = 0.42f * fade * (1.0f - 0.7f * eye->pose->blink) *
                       gauss(0.0f, (v + 0.150f - 0.4f * along * along * 0.12f) / 0.018f) *
                       (1.0f - smooth_step(0.75f, 1.0f, along));
    const float rim = 0.34f * fade * gauss(0.0f, (v - lower - 0.006f) / 0.014f);
    const struct colour brown = {0.36f, 0.20f, 0.15f};
    if (lashes >= fold && lashes >= rim) {
        *colour = lash;
        return 0.92f * lashes;
    }
    *colour = brown;
    return fmaxf(fold, rim);
}

/* Skin over the eye while it blinks: the lid itself, a little darker than around it. */
static float lid(const void *context, float x, float y, struct colour *colour)
{
    const struct sided *eye = context;
    float t;
    float v;
    to_eye(eye, x, y, &t, &v);
    const float d = hypotf(t / 0.22f, (v + 0.03f) / 0.10f);
    *colour = (struct colour){0.66f, 0.45f, 0.37f};
    return 0.30f * eye->pose->blink * (1.0f - smooth_step(0.5f, 1.0f, d));
}

static float brow(const void *context, float x, float y, struct colour *colour)
{
    const struct sided *eye = context;
    float t;
    float v;
    to_eye(eye, x, y, &t, &v);
    /* s runs from the inner end to the outer one. */
    const float s = (t + 0.245f) / 0.53f;
    if (s < -0.1f || s > 1.1f)
        return 0.0f;
    const float middle = -0.275f - eye->pose->brow - 0.075f * sinf(clamp01(s) * 2.5f) + 0.02f * s;
    const float thick = 0.050f * smooth_step(-0.06f, 0.12f, s) * (1.0f - 0.80f * s * s);
    const float hair = noise_1d((s * 34.0f + (v - middle) * 75.0f) + 7.0f * eye->side);
    const float d = fabsf(v - middle) / fmaxf(thick, 1e-3f);
    *colour = scale_colour((struct colour){0.25f, 0.165f, 0.12f}, 0.85f + 0.4f * hair);
    return (1.0f - smooth_step(0.45f, 1.15f + 0.35f * (hair - 0.5f), d)) * (0.66f + 0.26f * hair) *
           smooth_step(-0.08f, 0.08f, s) * (1.0f - smooth_step(0.94f, 1.06f, s));
}

static float nostril(const void *context, float x, float y, struct colour *colour)
{
    const struct sided *nose = context;
    float u;
    float v;
    pose_to_head(nose->pose, x, y, &u, &v);
    u = (u - 1.15f * nose->pose->yaw) * nose->side - 0.088f;
    v -= 0.705f + 1.1f * nose->pose->pitch - 0.12f * u;
    *colour = (struct colour){0.22f, 0.10f, 0.08f};
    return 0.80f * (1.0f - smooth_step(0.35f, 1.15f, hypotf(u / 0.062f, v / 0.030f)));
}

/* Edges of the closed lips at t = -1..1 across: top of the upper, line, bottom of lower. */
static void lip_edges(float t, float *top, float *line, float *bottom)
{
    const float rest = 1.0f - t * t;
    const float bow = gauss((fabsf(t) - 0.26f) / 0.20f, 0.0f);
    *line = 0.014f * rest + 0.010f * gauss(t / 0.25f, 0.0f) - 0.026f * t * t;
    *top = *line - rest * 0.072f - bow * 0.028f;
    *bottom = *line + 0.138f * powf(fmaxf(rest, 0.0f), 0.75f);
}

static float lips(const void *context, float x, float y, struct colour *colour)
{
    const struct pose *pose = context;
    float u;
    float v;
    float top;
    float line;
    float bottom;
    pose_to_head(pose, x, y, &u, &v);
    const float t = (u - 0.8f * pose->yaw) / LIP_HALF;
    v -= LIP_V + 0.8f * pose->pitch;
    if (fabsf(t) > 1.12f)
        return 0.0f;
    lip_edges(fmaxf(-1.0f, fminf(t, 1.0f)), &top, &line, &bottom);

    const bool upper = v < line;
    const float height = upper ? line - top : bottom - line;
    const float h = upper ? (line - v) / fmaxf(height, 1e-3f) : (v - line) / fmaxf(height, 1e-3f);
    /* Each lip is a roll: it faces down (up) at the line and turns away at its edge. */
    const float slope_v = upper ? 0.9f - 0.9f * h : 1.1f * (0.5f - h) * -1.0f;
    const float crease = 0.94f + 0.12f * noise_1d(t * 26.0f + 400.0f);
    struct colour c = portrait_light(
        scale_colour((struct colour){0.74f, 0.40f, 0.37f}, (upper ? 0.90f : 1.0f) * crease),
        -0.5f * t * (upper ? 1.0f : 1.2f), slope_v, upper ? 0.02f : 0.10f);
    const float seam =
        gauss(0.0f, (v - line) / 0.013f) * (1.0f - smooth_step(0.85f, 1.1f, fabsf(t)));
    *colour = mix_colour(c, (struct colour){0.27f, 0.10f, 0.09f}, 0.85f * seam);
    const float body =
        (1.0f - smooth_step(0.80f, 1.12f, h)) * (1.0f - smooth_step(0.90f, 1.03f, fabsf(t)));
    return fmaxf(0.86f * body, 0.75f * seam);
}

void portrait_draw_features(struct canvas *canvas, const struct pose *pose)
{
    for (int half = 0; half < 2; half++) {
        const float side = half ? 1.0f : -1.0f;
        const struct sided one = {pose, side};
        const float u = side * EYE_U + 0.5f * pose->yaw;
        const struct box eye = pose_box(pose, u - 0.3f, -0.2f, u + 0.3f, 0.25f);
        const struct box above = pose_box(pose, u - 0.4f, -0.55f, u + 0.4f, -0.05f);
        canvas_paint(canvas, eye, lid, &one);
        canvas_paint(canvas, eye, eye_opening, &one);
        canvas_paint(canvas, eye, eye_lines, &one);
        canvas_paint(canvas, above, brow, &one);
        canvas_paint(canvas, pose_box(pose, -0.4f, 0.55f, 0.4f, 0.9f), nostril, &one);
    }
    canvas_paint(canvas, pose_box(pose, -0.65f, 0.75f, 0.65f, 1.3f), lips, pose);
}
