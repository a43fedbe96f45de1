/* SPDX-License-Identifier: Apache-2.0 */
#include "person/stage.h"

const struct lamp stage_lamps[LAMP_COUNT] = {
    [LAMP_KEY] = {{-0.5103f, 0.4763f, 0.7160f}, {2.95f, 2.72f, 2.45f}, 0.34f},
    [LAMP_FILL] = {{0.7412f, 0.1060f, 0.6628f}, {0.22f, 0.26f, 0.33f}, 0.55f},
    [LAMP_RIM_LEFT] = {{-0.8247f, 0.3093f, -0.4736f}, {1.3f, 1.15f, 0.95f}, 0.3f},
    [LAMP_RIM_RIGHT] = {{0.8321f, 0.3328f, -0.4438f}, {1.5f, 1.65f, 1.9f}, 0.3f},
};

struct screen_vertex stage_project(struct vec3 p)
{
    float away = CAMERA_Z - p.z;
    float scale = CAMERA_PIXELS * (CAMERA_Z - CAMERA_FOCUS_Z) / away;
    return (struct screen_vertex){STAGE_SIDE * 0.5f + p.x * scale,
                                  CAMERA_CENTRE_Y - (p.y - CAMERA_Y) * scale, away};
}

struct vec3 stage_ambient(struct vec3 n)
{
    static const struct vec3 sky = {0.235f, 0.26f, 0.30f};
    static const struct vec3 ground = {0.13f, 0.105f, 0.095f};
    struct vec3 light = mix3(ground, sky, 0.5f + 0.5f * n.y);
    /* The room is lighter in front than behind. */
    return scale3(light, 0.72f + 0.28f * n.z);
}

/* A window-like lamp of half-sides w and h around its middle. */
static float softbox(struct vec3 towards, const struct lamp *lamp, float w, float h)
{
    struct vec3 right = unit3(vec3(lamp->towards.z, 0, -lamp->towards.x));
    struct vec3 up = cross3(lamp->towards, right);
    float facing = dot3(towards, lamp->towards);
    if (facing <= 0.2f)
        return 0;
    float u = fabsf(dot3(towards, right)) / facing;
    float v = fabsf(dot3(towards, up)) / facing;
    return stepf(w, w * 0.8f, u) * stepf(h, h * 0.8f, v);
}

struct vec3 stage_reflection(struct vec3 r)
{
    struct vec3 light = scale3(stage_ambient(r), 0.55f);
    light =
        mad3(light, vec3(1, 0.98f, 0.94f), 30 * softbox(r, &stage_lamps[LAMP_KEY], 0.40f, 0.52f));
    return mad3(light, vec3(0.9f, 0.95f, 1),
                1.6f * softbox(r, &stage_lamps[LAMP_FILL], 0.5f, 0.6f));
}

struct disc {
    float x, y, radius, power;
    struct vec3 colour;
};

static struct vec3 room_wall(float x, float y)
{
    struct vec3 dark = {0.040f, 0.058f, 0.072f};
    struct vec3 light = {0.150f, 0.185f, 0.200f};
    float glow = expf(-((x - 0.70f) * (x - 0.70f) * 3.2f + (y - 0.36f) * (y - 0.36f) * 2.4f));
    struct vec3 c = mix3(dark, light, glow);
    /* A warm lamp far off to the left, and a window's edge to the right. */
    float warm = expf(-((x - 0.08f) * (x - 0.08f) * 22 + (y - 0.42f) * (y - 0.42f) * 9));
    c = mad3(c, vec3(0.30f, 0.17f, 0.075f), warm);
    float window = stepf(0.80f, 0.90f, x) * stepf(1.02f, 0.94f, x) * stepf(0.74f, 0.60f, y);
    c = mad3(c, vec3(0.16f, 0.22f, 0.25f), window);
    float shelf = stepf(0.60f, 0.66f, y) * stepf(0.9f, 0.8f, y);
    return scale3(c, 1 - 0.35f * shelf);
}

void stage_room(struct vec3 *room, uint32_t seed)
{
    enum { DISCS = 22 };
    struct disc discs[DISCS];
    for (uint32_t i = 0; i < DISCS; i++) {
        struct disc *d = discs + i;
        d->x = hash_unit(seed, i * 8);
        d->y = 0.08f + 0.62f * hash_unit(seed, i * 8 + 1);
        d->radius = 0.022f + 0.034f * hash_unit(seed, i * 8 + 2);
        d->power = 0.03f + 0.16f * hash_unit(seed, i * 8 + 3) * hash_unit(seed, i * 8 + 4);
        d->colour = mix3(vec3(1, 0.62f, 0.3f), vec3(0.62f, 0.85f, 1), stepf(0.3f, 0.7f, d->x));
    }
    for (int y = 0; y < STAGE_SIDE; y++) {
        for (int x = 0; x < STAGE_SIDE; x++) {
            float u = ((float)x + 0.5f) / STAGE_SIDE;
            float v = ((float)y + 0.5f) / STAGE_SIDE;
            struct vec3 c = room_wall(u, v);
            for (int i = 0; i < DISCS; i++) {
                float r = hypotf(u - discs[i].x, v - discs[i].y) / discs[i].radius;
                /* A lens out of focus shows a disc with a slightly brighter rim. */
                float cover = stepf(1.0f, 0.86f, r) * (0.8f + 0.3f * r * r);
                c = mad3(c, discs[i].colour, discs[i].power * cover);
            }
            room[y * STAGE_SIDE + x] = c;
        }
    }
}

/* Filmic curve after Narkowicz's fit of the ACES tone scale, then sRGB. */
static float film(float x)
{
    x *= 0.48f;
    float y = x * (2.51f * x + 0.03f) / (x * (2.43f * x + 0.59f) + 0.14f);
    y = clampf(y, 0, 1);
    return y <= 0.0031308f ? 12.92f * y : 1.055f * powf(y, 1 / 2.4f) - 0.055f;
}

#define FILM_STEPS 4096
#define FILM_END 8.0f /* light; brighter is white */

void stage_develop(const struct vec3 *light, struct st_picture *picture)
{
    uint8_t table[FILM_STEPS + 1];
    for (int i = 0; i <= FILM_STEPS; i++) {
        float t = (float)i / FILM_STEPS;
        table[i] = (uint8_t)(255 * film(FILM_END * t * t) + 0.5f);
    }
    for (int y = 0; y < STAGE_SIDE; y++) {
        uint8_t *row = picture->data + (size_t)y * picture->stride;
        for (int x = 0; x < STAGE_SIDE; x++) {
            float u = ((float)x + 0.5f) / STAGE_SIDE - 0.5f;
            float v = ((float)y + 0.5f) / STAGE_SIDE - 0.46f;
            float far = u * u + v * v;
            float k = (1 - 0.75f * far * far * 2) / FILM_END;
            const struct vec3 *c = light + (size_t)y * STAGE_SIDE + (size_t)x;
            const float channels[3] = {c->z, c->y, c->x};
            for (int i = 0; i < 3; i++)
                row[3 * x + i] = table[(int)(sqrtf(clampf(channels[i] * k, 0, 1)) * FILM_STEPS)];
        }
    }
}
