/* SPDX-License-Identifier: Apache-2.0 */
/* What is around the face: the room, hair, neck and a jumper. */
#include <math.h>

#include "portrait.h"

static float room(const void *context, float x, float y, struct colour *colour)
{
    (void)context;
    const float s = x / PORTRAIT_SIDE;
    const float t = y / PORTRAIT_SIDE;
    const struct colour light = {0.80f, 0.785f, 0.755f};
    const struct colour dark = {0.40f, 0.435f, 0.465f};
    struct colour c =
        mix_colour(light, dark, smooth_step(0.0f, 1.15f, hypotf(s - 0.16f, t - 0.12f)));
    /* A window and a shelf, far out of focus. */
    const float window = smooth_step(0.70f, 0.80f, s) * (1.0f - smooth_step(0.92f, 1.02f, s)) *
                         smooth_step(0.02f, 0.12f, t) * (1.0f - smooth_step(0.42f, 0.52f, t));
    const float shelf = smooth_step(0.55f, 0.60f, t) * (1.0f - smooth_step(0.60f, 0.66f, t)) *
                        (1.0f - smooth_step(0.20f, 0.30f, s));
    c = mix_colour(c, (struct colour){0.88f, 0.90f, 0.89f}, 0.42f * window);
    *colour = mix_colour(c, (struct colour){0.40f, 0.33f, 0.27f}, 0.35f * shelf);
    return 1.0f;
}

static const struct colour hair_dark = {0.115f, 0.075f, 0.055f};
static const struct colour hair_light = {0.43f, 0.29f, 0.19f};

/* Strands run around the skull from a parting left of its top. */
static struct colour strands(float u, float v)
{
    const float x = u + 0.30f;
    const float y = v + 1.65f;
    const float angle = atan2f(x, y);
    const float radius = hypotf(x, y);
    const float fine = noise_1d(angle * 95.0f + 1.6f * noise_1d(radius * 4.0f) + 300.0f);
    const float coarse = noise_1d(angle * 21.0f + 0.8f * noise_1d(radius * 3.0f) + 700.0f);
    const float ring = gauss((hypotf(u + 0.25f, v + 0.25f) - 0.80f) / 0.20f, 0.0f);
    const float key = smooth_step(0.9f, -0.9f, u + 0.35f * v);
    const float level = 0.10f + 0.20f * fine + 0.18f * coarse + ring * key * (0.22f + 0.35f * fine);
    return scale_colour(mix_colour(hair_dark, hair_light, clamp01(level * 1.1f)),
                        0.75f + 0.45f * key);
}

/* Outline of all hair: the skull, a hand's breadth larger, with loose ends. */
static float hair_distance(float u, float v)
{
    const float t = v + 0.12f;
    const float wave = 0.020f * (noise_1d(atan2f(u, -t) * 9.0f + 80.0f) - 0.5f);
    const float d = hypotf(u / 1.075f, t / (t < 0.0f ? 1.50f : 1.0f)) - 1.0f;
    return d * 1.1f - wave;
}

static float hair_behind(const void *context, float x, float y, struct colour *colour)
{
    const struct pose *pose = context;
    float u;
    float v;
    pose_to_head(pose, x, y, &u, &v);
    *colour = scale_colour(strands(u, v), 0.55f);
    return pose_cover(pose, fmaxf(hair_distance(u, v), v - 0.42f));
}

/* v of the hair line: a soft sweep over the forehead, then down to the sideburns. */
static float hair_line(float u)
{
    const float x = fabsf(u);
    const float sweep =
        0.16f * smooth_step(-0.45f, 0.75f, u) - 0.07f * gauss((u + 0.38f) / 0.16f, 0.0f);
    const float side = 1.12f * powf(fminf(x, 1.1f), 7.0f);
    return -0.82f + sweep + side + 0.035f * (noise_1d(u * 17.0f + 60.0f) - 0.5f);
}

static float hair_front(const void *context, float x, float y, struct colour *colour)
{
    const struct pose *pose = context;
    float u;
    float v;
    pose_to_head(pose, x, y, &u, &v);
    const float turned = u - 0.35f * pose->yaw;
    const float line = hair_line(turned);
    const float fringe = 0.05f * noise_1d(turned * 70.0f + 500.0f);
    const float outside = pose_cover(pose, hair_distance(u, v));
    const float below = 1.0f - smooth_step(line - 0.05f, line + 0.01f + fringe, v);
    const float burn = 1.0f - smooth_step(0.02f, 0.30f, v);
    *colour = strands(turned, v);
    *colour = scale_colour(*colour, 1.0f - 0.25f * smooth_step(line - 0.25f, line, v));
    return outside * below * burn;
}

/* The shade that hair casts on the forehead, painted before it. */
static float hair_shade(const void *context, float x, float y, struct colour *colour)
{
    const struct pose *pose = context;
    float u;
    float v;
    pose_to_head(pose, x, y, &u, &v);
    const float under = v - hair_line(u - 0.35f * pose->yaw);
    *colour = (struct colour){0.30f, 0.17f, 0.12f};
    return 0.45f * (1.0f - smooth_step(-0.02f, 0.16f, under)) *
           pose_cover(pose, portrait_head_distance(u, v)) * (1.0f - smooth_step(0.0f, 0.35f, v));
}

static void to_body(const struct pose *pose, float x, float y, float *u, float *v)
{
    *u = (x - pose->body_x) / pose->scale;
    *v = (y - pose->body_y) / pose->scale;
}

static float neck(const void *context, float x, float y, struct colour *colour)
{
    const struct pose *pose = context;
    float u;
    float v;
    float hu;
    float hv;
    to_body(pose, x, y, &u, &v);
    pose_to_head(pose, x, y, &hu, &hv);
    const float wide = 0.56f + 0.45f * powf(fmaxf(v - 1.35f, 0.0f), 2.2f);
    const float across = u / wide;
    /* Two muscles down to a notch between the collar bones. */
    const float muscle = gauss((fabsf(u) - 0.36f + 0.32f * (v - 1.2f)) / 0.10f, 0.0f);
    const float notch = gauss(u / 0.09f, (v - 1.93f) / 0.10f);
    const float chin = smooth_step(0.36f, 0.0f, portrait_head_distance(hu, hv));
    const float shade = (1.0f - 0.62f * chin) * (1.0f - 0.20f * notch) * (0.96f + 0.06f * muscle);
    *colour = scale_colour(
        portrait_light(scale_colour(portrait_skin, 0.97f), -1.3f * across, 0.10f, 0.03f), shade);
    return v > 0.6f && v < 2.3f ? pose_cover(pose, fabsf(u) - wide) : 0.0f;
}

static float shoulder_line(float u)
{
    const float x = fabsf(u);
    return 1.60f + 0.30f * smooth_step(0.45f, 1.25f, x) + 0.10f * x + 0.75f * powf(x / 2.35f, 5.0f);
}

static float jumper(const void *context, float x, float y, struct colour *colour)
{
    const struct pose *pose = context;
    float u;
    float v;
    to_body(pose, x, y, &u, &v);
    const float line = shoulder_line(u);
    /* The neckline: an ellipse, with a ribbed band around it. */
    const float collar = hypotf(u / 0.66f, (v - 1.60f) / 0.42f);
    const float out = (collar - 1.0f) * 0.50f;
    const float inside = fmaxf(line - v, -out);
    const float cover = pose_cover(pose, inside);
    if (cover <= 0.0f)
        return 0.0f;
    const float band = 1.0f - smooth_step(0.085f, 0.10f, out);
    const float angle = atan2f(v - 1.60f, u);
    const float rib = 0.5f + 0.5f * sinf(angle * 120.0f);
    const float knit = 0.5f + 0.5f * sinf((u + 0.25f * fabsf(v)) * 150.0f) * sinf(v * 130.0f);
    const float fold = noise_2d(u * 2.6f + 20.0f + 1.4f * v, v * 1.1f + 11.0f) - 0.5f;
    const float round = smooth_step(0.0f, 0.30f, v - line);
    struct colour wool = mix_colour((struct colour){0.33f, 0.455f, 0.54f},
                                    (struct colour){0.285f, 0.40f, 0.485f}, band);
    wool = scale_colour(wool, 1.0f + (band > 0.5f ? 0.10f * (rib - 0.5f) : 0.07f * (knit - 0.5f)));
    wool = portrait_light(wool, -0.42f * u + 0.9f * fold, -0.9f * (1.0f - round) - 0.1f, 0.0f);
    const float seam = gauss((out - 0.095f) / 0.012f, 0.0f);
    const float lip = smooth_step(0.0f, 0.02f, out);
    *colour = scale_colour(wool, (1.0f - 0.25f * seam) * (0.75f + 0.25f * lip) *
                                     (1.0f - 0.30f * smooth_step(1.2f, 2.4f, u)));
    return cover;
}

void portrait_draw_behind(struct canvas *canvas, const struct pose *pose)
{
    const struct box all = {0.0f, 0.0f, PORTRAIT_SIDE, PORTRAIT_SIDE};
    const struct box below = {0.0f, pose->body_y + 0.5f * pose->scale, PORTRAIT_SIDE,
                              PORTRAIT_SIDE};
    canvas_paint(canvas, all, room, NULL);
    canvas_paint(canvas, pose_box(pose, -1.3f, -1.8f, 1.3f, 0.5f), hair_behind, pose);
    canvas_paint(canvas, below, neck, pose);
    canvas_paint(canvas, below, jumper, pose);
}

void portrait_draw_hair(struct canvas *canvas, const struct pose *pose)
{
    canvas_paint(canvas, pose_box(pose, -1.1f, -1.5f, 1.1f, 0.4f), hair_shade, pose);
    canvas_paint(canvas, pose_box(pose, -1.3f, -1.8f, 1.3f, 0.4f), hair_front, pose);
}
