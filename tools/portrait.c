/* SPDX-License-Identifier: Apache-2.0 */
/* How the head moves, what its outline is, and where its landmarks are. */
#include "portrait.h"

#include <math.h>
#include <string.h>

#define TAU 6.2831853f

/* A blink of a fifth of a second around `at`. */
static float blink_at(double seconds, double at)
{
    float t = (float)fabs(seconds - at) / 0.11f;
    return t < 1.0f ? 1.0f - smooth_step(0.25f, 1.0f, t) : 0.0f;
}

void portrait_pose(struct pose *pose, double seconds, double loop_seconds)
{
    /* Whole periods in the loop, so that its end meets its beginning. */
    const float p = TAU * (float)(seconds / loop_seconds);
    const float tilt = 0.030f * sinf(p) + 0.014f * sinf(3.0f * p + 0.7f);
    const float sway = 6.0f * sinf(p + 0.4f) + 2.2f * sinf(2.0f * p + 1.9f);
    const float nod = 2.6f * sinf(2.0f * p + 0.3f) + 1.2f * sinf(5.0f * p);

    *pose = (struct pose){.x = 256.0f + sway,
                          .y = 227.0f + nod,
                          .scale = 131.5f + 0.8f * sinf(2.0f * p),
                          .cosine = cosf(tilt),
                          .sine = sinf(tilt),
                          .yaw = 0.10f * sinf(p + 0.9f) + 0.03f * sinf(3.0f * p),
                          .pitch = 0.03f * sinf(2.0f * p + 1.0f),
                          .gaze_u = -0.035f * sinf(p + 0.9f),
                          .gaze_v = 0.01f * sinf(2.0f * p),
                          .brow = 0.02f * sinf(3.0f * p + 0.4f),
                          .body_x = 256.0f + 0.3f * sway,
                          .body_y = 225.0f + 1.6f * sinf(2.0f * p + 1.2f)};
    pose->blink = fmaxf(
        blink_at(seconds, loop_seconds * 0.22),
        fmaxf(blink_at(seconds, loop_seconds * 0.61), blink_at(seconds, loop_seconds * 0.68)));
}

void pose_to_head(const struct pose *pose, float x, float y, float *u, float *v)
{
    float dx = (x - pose->x) / pose->scale;
    float dy = (y - pose->y) / pose->scale;
    *u = dx * pose->cosine + dy * pose->sine;
    *v = dy * pose->cosine - dx * pose->sine;
}

void pose_to_pixel(const struct pose *pose, float u, float v, float *x, float *y)
{
    *x = pose->x + pose->scale * (u * pose->cosine - v * pose->sine);
    *y = pose->y + pose->scale * (v * pose->cosine + u * pose->sine);
}

struct box pose_box(const struct pose *pose, float left, float top, float right, float bottom)
{
    struct box box = {1e9f, 1e9f, -1e9f, -1e9f};
    for (int corner = 0; corner < 4; corner++) {
        float x;
        float y;
        pose_to_pixel(pose, corner & 1 ? right : left, corner & 2 ? bottom : top, &x, &y);
        box.left = fminf(box.left, x - 2.0f);
        box.top = fminf(box.top, y - 2.0f);
        box.right = fmaxf(box.right, x + 2.0f);
        box.bottom = fmaxf(box.bottom, y + 2.0f);
    }
    return box;
}

float pose_cover(const struct pose *pose, float distance)
{
    return clamp01(0.5f - distance * pose->scale);
}

/* Two half ellipses of unit width: a round skull of height 1.5 above v = 0.1, and below
 * it a superellipse of height 1.44 for jaw and chin. */
#define SKULL 1.5f
#define JAW 1.44f
#define JAW_POWER 2.15f

float portrait_head_distance(float u, float v)
{
    const float t = v - HEAD_WIDEST_V;
    const float s = fmaxf(fabsf(t) / (t < 0.0f ? SKULL : JAW), 1e-4f);
    const float power = t < 0.0f ? 2.0f : JAW_POWER;
    const float value = u * u + powf(s, power) - 1.0f;
    const float du = 2.0f * u;
    const float dv = power * powf(s, power - 1.0f) / (t < 0.0f ? SKULL : JAW);
    return value / fmaxf(hypotf(du, dv), 0.3f);
}

bool portrait_lids(const struct pose *pose, float du, float *upper, float *lower)
{
    const float t = du / EYE_HALF;
    if (t <= -1.0f || t >= 1.0f)
        return false;
    /* The upper lid is highest towards the nose, the lower one lowest away from it. */
    const float arch = (1.0f - t * t) * (1.0f - 0.22f * t);
    const float sag = (1.0f - t * t) * (1.0f + 0.25f * t);
    const float slant = -0.012f * t;
    *lower = slant + 0.048f * sag;
    *upper = mix(slant - 0.088f * arch, *lower - 0.004f, pose->blink);
    return true;
}

struct colour portrait_light(struct colour albedo, float by_u, float by_v, float sheen)
{
    const float length = sqrtf(by_u * by_u + by_v * by_v + 1.0f);
    const float nx = -by_u / length;
    const float ny = -by_v / length;
    const float nz = 1.0f / length;
    const float key = nx * -0.46f + ny * -0.48f + nz * 0.75f;
    const float wrapped = clamp01((key + 0.28f) / 1.28f);
    const float sky = 0.5f - 0.5f * ny;
    const float half = nx * -0.246f + ny * -0.257f + nz * 0.935f;
    const float gloss = sheen * powf(clamp01(half), 26.0f);
    /* Light that has passed through skin is red: where the key fades. */
    const float bleed = 0.10f * wrapped * (1.0f - wrapped);
    return (struct colour){
        albedo.r * (0.27f + 0.16f * sky + 0.76f * wrapped + bleed) + gloss,
        albedo.g * (0.25f + 0.18f * sky + 0.74f * wrapped) + gloss,
        albedo.b * (0.25f + 0.21f * sky + 0.70f * wrapped) + gloss,
    };
}

static void put(struct st_landmarks *landmarks, const struct pose *pose, int index, float u,
                float v)
{
    struct st_point *point = &landmarks->points[index];
    pose_to_pixel(pose, u, v, &point->x, &point->y);
}

/* Jaw from the left temple over the chin (16) to the right: even angles of the outline. */
static void put_contour(struct st_landmarks *landmarks, const struct pose *pose)
{
    for (int i = 0; i <= 16; i++) {
        float angle = -0.16f + (TAU / 4.0f + 0.16f) * (float)i / 16.0f;
        float u = cosf(angle);
        float rise = sinf(angle);
        float v = HEAD_WIDEST_V + (rise < 0.0f ? rise * SKULL : powf(rise, 2.0f / JAW_POWER) * JAW);
        put(landmarks, pose, i, -u, v);
        put(landmarks, pose, 32 - i, u, v);
    }
}

/* `count` points of an eye from its left corner along the upper lid. */
static void put_eye(struct st_landmarks *landmarks, const struct pose *pose, int first, float side)
{
    const float shift_u = 0.5f * pose->yaw;
    const float shift_v = 0.5f * pose->pitch;
    for (int i = 0; i < 8; i++) {
        /* 0 and 4 are the corners, 1-3 the upper lid, 5-7 the lower one backwards. */
        float t = i <= 4 ? (float)i / 2.0f - 1.0f : 1.0f - (float)(i - 4) / 2.0f;
        float upper = 0.0f;
        float lower = 0.0f;
        (void)portrait_lids(pose, 0.999f * EYE_HALF * t * side, &upper, &lower);
        put(landmarks, pose, first + i, side * EYE_U + t * EYE_HALF + shift_u,
            EYE_V + shift_v + (i <= 4 ? upper : lower));
    }
}

static void put_lips(struct st_landmarks *landmarks, const struct pose *pose)
{
    static const float outer[12][2] = {{-1.0f, 0.00f},  {-0.62f, -0.06f}, {-0.25f, -0.105f},
                                       {0.00f, -0.09f}, {0.25f, -0.105f}, {0.62f, -0.06f},
                                       {1.0f, 0.00f},   {0.62f, 0.085f},  {0.28f, 0.125f},
                                       {0.00f, 0.135f}, {-0.28f, 0.125f}, {-0.62f, 0.085f}};
    static const float inner[8][2] = {{-0.85f, 0.00f}, {-0.4f, -0.005f}, {0.0f, 0.005f},
                                      {0.4f, -0.005f}, {0.85f, 0.00f},   {0.4f, 0.010f},
                                      {0.0f, 0.015f},  {-0.4f, 0.010f}};
    const float shift_u = 0.8f * pose->yaw;
    const float shift_v = 0.8f * pose->pitch + LIP_V;
    for (int i = 0; i < 12; i++)
        put(landmarks, pose, 90 + i, outer[i][0] * LIP_HALF + shift_u, outer[i][1] + shift_v);
    for (int i = 0; i < 8; i++)
        put(landmarks, pose, 102 + i, inner[i][0] * LIP_HALF + shift_u, inner[i][1] + shift_v);
}

void portrait_landmarks(struct st_landmarks *landmarks, const struct pose *pose)
{
    memset(landmarks, 0, sizeof *landmarks);
    landmarks->count = 110;
    put_contour(landmarks, pose);
    for (int i = 0; i < 9; i++) {
        float t = (float)i / 8.0f;
        float arch = -0.22f - pose->brow - 0.09f * sinf(t * TAU / 2.4f);
        put(landmarks, pose, 33 + i, -0.72f + 0.52f * t + 0.5f * pose->yaw, arch);
        put(landmarks, pose, 50 - i, 0.72f - 0.52f * t + 0.5f * pose->yaw, arch);
    }
    /* 52 is the bridge, where the crop begins; it belongs to the head, not to the turn. */
    put(landmarks, pose, 51, 0.0f, -0.14f);
    put(landmarks, pose, 52, 0.0f, 0.0f);
    put(landmarks, pose, 53, 0.8f * pose->yaw, 0.27f);
    put(landmarks, pose, 54, 1.2f * pose->yaw, 0.58f);
    for (int i = 0; i < 5; i++)
        put(landmarks, pose, 55 + i, 0.09f * (float)(i - 2) + 1.1f * pose->yaw,
            0.74f - 0.02f * (float)((i - 2) * (i - 2)));
    put_eye(landmarks, pose, 60, -1.0f);
    put_eye(landmarks, pose, 68, 1.0f);
    for (int i = 0; i < 7; i++) { /* cheeks */
        float t = (float)i / 6.0f;
        put(landmarks, pose, 76 + i, -0.80f + 0.30f * t, 0.25f + 0.7f * t);
        put(landmarks, pose, 83 + i, 0.80f - 0.30f * t, 0.25f + 0.7f * t);
    }
    put_lips(landmarks, pose);
}

void portrait_draw(struct canvas *canvas, const struct pose *pose)
{
    portrait_draw_behind(canvas, pose);
    portrait_draw_skin(canvas, pose);
    portrait_draw_features(canvas, pose);
    portrait_draw_hair(canvas, pose);
}
