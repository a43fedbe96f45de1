/* SPDX-License-Identifier: Apache-2.0 */
/* The head's skin: an egg, with bumps that make it a face, and two ears. */
#include <math.h>
#include <stddef.h>

#include "portrait.h"

struct bump {
    float u, v, wide, high, depth, yaw; /* yaw: how far it moves with the head's turn */
};

/* What makes an egg a face; units of depth. */
static const struct bump bumps[] = {
    {0.00f, 0.28f, 0.11f, 0.32f, 0.150f, 0.9f},    /* ridge of the nose */
    {0.00f, 0.60f, 0.135f, 0.12f, 0.170f, 1.3f},   /* its tip */
    {-0.155f, 0.655f, 0.08f, 0.07f, 0.060f, 1.1f}, /* and wings */
    {0.155f, 0.655f, 0.08f, 0.07f, 0.060f, 1.1f},
    {-0.40f, -0.21f, 0.30f, 0.10f, 0.050f, 0.5f}, /* brows */
    {0.40f, -0.21f, 0.30f, 0.10f, 0.050f, 0.5f},
    {-0.40f, 0.04f, 0.20f, 0.12f, -0.075f, 0.5f}, /* sockets */
    {0.40f, 0.04f, 0.20f, 0.12f, -0.075f, 0.5f},
    {-0.56f, 0.42f, 0.25f, 0.20f, 0.065f, 0.5f}, /* cheek bones */
    {0.56f, 0.42f, 0.25f, 0.20f, 0.065f, 0.5f},
    {0.00f, 0.96f, 0.36f, 0.20f, 0.055f, 0.8f},   /* around the mouth */
    {0.00f, 0.80f, 0.035f, 0.07f, -0.018f, 1.0f}, /* groove above the lips */
    {0.00f, 1.20f, 0.20f, 0.05f, -0.035f, 0.8f},  /* below them */
    {0.00f, 1.37f, 0.22f, 0.13f, 0.080f, 0.7f},   /* chin */
};

/* Slope of the head's surface: depth by u and by v. */
static void surface_slope(const struct pose *pose, float u, float v, float *by_u, float *by_v)
{
    const float reach = v < HEAD_WIDEST_V ? 1.66f : 1.95f;
    const float dv = v - HEAD_WIDEST_V;
    const float rest = fmaxf(1.0f - u * u / 1.13f - dv * dv / (reach * reach), 0.05f);
    const float k = -0.85f / sqrtf(rest);
    *by_u = k * u / 1.13f;
    *by_v = k * dv / (reach * reach);
    for (size_t i = 0; i < sizeof bumps / sizeof *bumps; i++) {
        const struct bump *b = &bumps[i];
        float x = (u - b->u - b->yaw * pose->yaw) / b->wide;
        float y = (v - b->v - b->yaw * pose->pitch) / b->high;
        if (x * x + y * y > 9.0f)
            continue;
        float slope = -2.0f * b->depth * gauss(x, y);
        *by_u += slope * x / b->wide;
        *by_v += slope * y / b->high;
    }
}

/* Blood under the skin: cheeks, nose, ears, chin; a shadow where beards are shaved. */
static struct colour complexion(const struct pose *pose, float u, float v)
{
    const float turn = 0.6f * pose->yaw;
    const float cheeks = gauss((u - turn + 0.53f) / 0.24f, (v - 0.56f) / 0.20f) +
                         gauss((u - turn - 0.53f) / 0.24f, (v - 0.56f) / 0.20f);
    const float nose = gauss((u - 1.2f * pose->yaw) / 0.16f, (v - 0.62f) / 0.13f);
    const float flush =
        0.5f * cheeks + 0.45f * nose + 0.25f * gauss(u / 0.25f, (v - 1.42f) / 0.12f);
    const float mottle = 0.025f * (noise_2d(u * 9.0f + 40.0f, v * 9.0f) - 0.5f) +
                         0.020f * (noise_2d(u * 34.0f, v * 34.0f + 90.0f) - 0.5f);
    const struct colour red = {0.86f, 0.50f, 0.42f};
    return scale_colour(mix_colour(portrait_skin, red, clamp01(0.55f * flush)), 1.0f + mottle);
}

/* Light that does not reach: sockets, beside the nose and below it, under the lip and
 * hair, and at the edge of the head. */
static float occlusion(const struct pose *pose, float u, float v, float distance)
{
    const float yaw = pose->yaw;
    float dark = 0.0f;
    for (int half = 0; half < 2; half++) {
        const float side = half ? 1.0f : -1.0f;
        dark += 0.24f * gauss((u - 0.5f * yaw - side * 0.24f) / 0.09f, (v - 0.02f) / 0.13f);
        dark += 0.16f * gauss((u - 0.5f * yaw - side * EYE_U) / 0.24f, (v + 0.10f) / 0.06f);
        dark += 0.10f * gauss((u - 0.5f * yaw - side * EYE_U) / 0.22f, (v - 0.15f) / 0.05f);
        /* The fold from the nose to the corner of the mouth. */
        const float fold = (u - yaw) * side - 0.24f - 0.42f * (v - 0.68f);
        dark += 0.13f * gauss(fold / 0.045f, (v - 0.74f) / 0.13f);
    }
    dark += 0.26f * gauss((u - 1.1f * yaw) / 0.17f, (v - 0.765f) / 0.035f);
    dark += 0.24f * gauss((u - 0.8f * yaw) / 0.20f, (v - 1.165f) / 0.045f);
    dark += 0.30f * smooth_step(-0.55f, -0.95f, v);
    dark += 0.26f * smooth_step(-0.14f, 0.0f, distance);
    return 1.0f - fminf(dark, 0.7f);
}

static float head(const void *context, float x, float y, struct colour *colour)
{
    const struct pose *pose = context;
    float u;
    float v;
    float by_u;
    float by_v;
    pose_to_head(pose, x, y, &u, &v);
    const float distance = portrait_head_distance(u, v);
    const float cover = pose_cover(pose, distance);
    if (cover <= 0.0f)
        return 0.0f;
    surface_slope(pose, u, v, &by_u, &by_v);
    /* A forehead shines most, a cheek least. */
    const float sheen = 0.10f + 0.07f * smooth_step(0.2f, -0.4f, v);
    *colour = scale_colour(portrait_light(complexion(pose, u, v), by_u, by_v, sheen),
                           occlusion(pose, u, v, distance));
    return cover;
}

static float ear(const void *context, float x, float y, struct colour *colour)
{
    const struct pose *pose = context;
    float u;
    float v;
    pose_to_head(pose, x, y, &u, &v);
    const float side = u < 0.0f ? -1.0f : 1.0f;
    /* The far ear goes behind the head as it turns. */
    const float du = (fabsf(u) - 0.985f + 0.12f * side * pose->yaw) / 0.125f;
    const float dv = (v - 0.22f - 0.35f * (fabsf(u) - 1.0f)) / 0.30f;
    const float radius = hypotf(du, dv);
    const float cover = pose_cover(pose, (radius - 1.0f) * 0.12f);
    if (cover <= 0.0f)
        return 0.0f;
    const struct colour red = {0.84f, 0.53f, 0.44f};
    const float rim = smooth_step(0.55f, 0.8f, radius) - smooth_step(0.85f, 1.05f, radius);
    struct colour albedo = mix_colour(portrait_skin, red, 0.55f);
    *colour =
        scale_colour(portrait_light(albedo, -0.9f * side * (radius - 0.4f), -0.3f * dv, 0.03f),
                     0.72f + 0.28f * rim);
    return cover;
}

void portrait_draw_skin(struct canvas *canvas, const struct pose *pose)
{
    canvas_paint(canvas, pose_box(pose, -1.25f, -0.2f, 1.25f, 0.65f), ear, pose);
    canvas_paint(canvas, pose_box(pose, -1.05f, -1.45f, 1.05f, 1.6f), head, pose);
}
