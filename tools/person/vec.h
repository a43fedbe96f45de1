/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors, soft steps and noise.
 *
 * Head space, in centimetres: x to the right of the picture, y up, z towards the viewer;
 * y = 0 at the pupils, x = 0 between them, z = 0 near the ears.
 */
#ifndef PERSON_VEC_H
#define PERSON_VEC_H

#include <math.h>
#include <stdint.h>

#define PI_F 3.14159265f

struct vec3 {
    float x, y, z;
};

struct vec2 {
    float x, y;
};

static inline struct vec3 vec3(float x, float y, float z)
{
    return (struct vec3){x, y, z};
}

static inline struct vec3 add3(struct vec3 a, struct vec3 b)
{
    return vec3(a.x + b.x, a.y + b.y, a.z + b.z);
}

static inline struct vec3 sub3(struct vec3 a, struct vec3 b)
{
    return vec3(a.x - b.x, a.y - b.y, a.z - b.z);
}

static inline struct vec3 scale3(struct vec3 a, float k)
{
    return vec3(a.x * k, a.y * k, a.z * k);
}

static inline struct vec3 mul3(struct vec3 a, struct vec3 b)
{
    return vec3(a.x * b.x, a.y * b.y, a.z * b.z);
}

/* a + b * k */
static inline struct vec3 mad3(struct vec3 a, struct vec3 b, float k)
{
    return vec3(a.x + b.x * k, a.y + b.y * k, a.z + b.z * k);
}

static inline float dot3(struct vec3 a, struct vec3 b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static inline struct vec3 cross3(struct vec3 a, struct vec3 b)
{
    return vec3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}

static inline float length3(struct vec3 a)
{
    return sqrtf(dot3(a, a));
}

/* Zero stays zero. */
static inline struct vec3 unit3(struct vec3 a)
{
    float n = dot3(a, a);
    return n > 0 ? scale3(a, 1 / sqrtf(n)) : a;
}

static inline float clampf(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

static inline float mixf(float a, float b, float t)
{
    return a + (b - a) * t;
}

static inline struct vec3 mix3(struct vec3 a, struct vec3 b, float t)
{
    return vec3(mixf(a.x, b.x, t), mixf(a.y, b.y, t), mixf(a.z, b.z, t));
}

/* 0 up to `from`, 1 beyond `to`; `from` may be the larger. */
static inline float stepf(float from, float to, float x)
{
    float t = clampf((x - from) / (to - from), 0, 1);
    return t * t * (3 - 2 * t);
}

/* A bell of height 1 and width `w` around 0. Compact: zero beyond 2 w. */
static inline float bell(float x, float w)
{
    float t = x / (2 * w);
    t = 1 - t * t;
    return t > 0 ? t * t * t : 0;
}

static inline float bell2(float x, float y, float w, float h)
{
    float u = x / (2 * w);
    float v = y / (2 * h);
    float t = 1 - u * u - v * v;
    return t > 0 ? t * t * t : 0;
}

static inline uint32_t hash_u32(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352dU;
    x ^= x >> 15;
    x *= 0x846ca68bU;
    return x ^ (x >> 16);
}

/* 0 <= r < 1, the same for the same pair. */
static inline float hash_unit(uint32_t seed, uint32_t index)
{
    return (float)(hash_u32(seed ^ hash_u32(index + 0x9e3779b9U)) >> 8) * (1.0f / 16777216.0f);
}

/* Smooth noise in -1..1, one feature per unit of length. */
float noise1(uint32_t seed, float x);
float noise2(uint32_t seed, float x, float y);
/* `octaves` of noise2, each half as strong and twice as fine. */
float fractal2(uint32_t seed, float x, float y, int octaves);

/* Rotation about an axis through the origin, angles in radians. */
struct rotation {
    struct vec3 row[3];
};

/* Turn by `yaw` about y (to the right of the picture), then `pitch` about x (down), then
 * `roll` about z (head's top to the right of the picture). */
struct rotation rotation_of(float yaw, float pitch, float roll);

static inline struct vec3 rotate3(const struct rotation *r, struct vec3 p)
{
    return vec3(dot3(r->row[0], p), dot3(r->row[1], p), dot3(r->row[2], p));
}

#endif /* PERSON_VEC_H */
