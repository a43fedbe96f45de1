/* SPDX-License-Identifier: Apache-2.0 */
#include "person/motion.h"

#define BLINK_SLOT 3.4 /* seconds: one blink, sometimes two, somewhere in each */
#define SHUT_S 0.09
#define OPEN_S 0.17
#define LOOK_SLOT 1.7 /* one new aim in each */
#define LOOK_S 0.07
#define NOD_SLOT 2.3

/* Slow wandering in -1..1, about one turn in `period` seconds. */
static float wander(uint32_t seed, double seconds, double period)
{
    float t = (float)(seconds / period);
    return clampf(1.25f * noise1(seed, t) + 0.35f * noise1(seed + 1, 2.3f * t + 0.37f), -1, 1);
}

static float one_blink(double since)
{
    float t = (float)since;
    return stepf(0, (float)SHUT_S, t) * stepf((float)(SHUT_S + OPEN_S), (float)SHUT_S + 0.02f, t);
}

static float blink_at(uint32_t seed, double seconds)
{
    float shut = 0;
    int64_t slot = (int64_t)floor(seconds / BLINK_SLOT);
    for (int64_t k = slot - 1; k <= slot; k++) {
        uint32_t id = (uint32_t)k;
        double at = BLINK_SLOT * ((double)k + 0.05 + 0.85 * (double)hash_unit(seed, id));
        shut = fmaxf(shut, one_blink(seconds - at));
        if (hash_unit(seed + 1, id) < 0.14f)
            shut = fmaxf(shut, one_blink(seconds - at - 0.34));
    }
    return shut;
}

/* Where the eyes aim in a slot; mostly at the viewer. */
static struct vec2 aim_of(uint32_t seed, int64_t slot)
{
    uint32_t id = (uint32_t)slot;
    if (hash_unit(seed, id) < 0.62f) /* small shifts within the viewer's face */
        return (struct vec2){0.018f * (hash_unit(seed + 1, id) - 0.5f) * 2,
                             0.010f * (hash_unit(seed + 2, id) - 0.5f) * 2};
    return (struct vec2){0.12f * (hash_unit(seed + 1, id) - 0.5f) * 2,
                         0.055f * (hash_unit(seed + 2, id) - 0.6f) * 2};
}

static struct vec2 gaze_at(uint32_t seed, double seconds)
{
    int64_t slot = (int64_t)floor(seconds / LOOK_SLOT);
    double start = LOOK_SLOT * ((double)slot + 0.8 * (double)hash_unit(seed + 3, (uint32_t)slot));
    struct vec2 from = aim_of(seed, slot - 1);
    struct vec2 to = aim_of(seed, slot);
    float t = stepf(0, (float)LOOK_S, (float)(seconds - start));
    return (struct vec2){mixf(from.x, to.x, t), mixf(from.y, to.y, t)};
}

/* Down and up again, now and then. */
static float nod_at(uint32_t seed, double seconds)
{
    float sum = 0;
    int64_t slot = (int64_t)floor(seconds / NOD_SLOT);
    for (int64_t k = slot - 1; k <= slot; k++) {
        uint32_t id = (uint32_t)k;
        double at = NOD_SLOT * ((double)k + 0.3 + 0.6 * (double)hash_unit(seed, id));
        float size = hash_unit(seed + 1, id);
        sum += size * size * bell((float)(seconds - at), 0.28f);
    }
    return sum;
}

void motion_pose(struct pose *pose, const struct motion *motion, double seconds, float speaking)
{
    const uint32_t s = motion->seed;
    const float life = motion->life;
    const float lively = life * (0.7f + 0.3f * speaking);
    const double gentle = seconds + 0.15 * (double)wander(s + 90, seconds, 3);
    struct vec2 gaze = gaze_at(s + 10, seconds);

    pose->yaw = lively * 0.085f * wander(s + 20, gentle, 3.6);
    pose->pitch = lively * (0.045f * wander(s + 30, gentle, 3.1) +
                            0.05f * speaking * nod_at(s + 35, seconds));
    pose->roll = lively * 0.040f * wander(s + 40, gentle, 4.4);
    pose->shift = vec3(lively * 0.35f * wander(s + 50, seconds, 5.2),
                       lively * 0.12f * wander(s + 55, seconds, 4.1),
                       lively * 0.6f * wander(s + 60, seconds, 6));
    pose->body = vec3(life * 0.45f * wander(s + 65, seconds, 7.5), 0, 0);
    pose->breath = life * sinf((float)(seconds * 2 * 3.14159265358979 / 4.1)) * 0.8f;
    pose->blink = life * blink_at(s + 70, seconds);
    /* Eyes hold their aim while the head turns. */
    pose->gaze_x = life * gaze.x - 0.8f * pose->yaw;
    pose->gaze_y = life * gaze.y + 0.8f * pose->pitch;
    pose->brow = lively * (0.16f + 0.34f * wander(s + 80, seconds, 2.4) * (0.4f + 0.6f * speaking));
}
