/* SPDX-License-Identifier: Apache-2.0 */
#include "person/vec.h"

static float smooth_fraction(float t)
{
    return t * t * t * (t * (t * 6 - 15) + 10);
}

static float lattice(uint32_t seed, int x, int y)
{
    return hash_unit(seed, (uint32_t)x * 0x27d4eb2fU ^ hash_u32((uint32_t)y)) * 2 - 1;
}

float noise1(uint32_t seed, float x)
{
    float cell = floorf(x);
    float a = lattice(seed, (int)cell, 0);
    float b = lattice(seed, (int)cell + 1, 0);
    return mixf(a, b, smooth_fraction(x - cell));
}

float noise2(uint32_t seed, float x, float y)
{
    float cx = floorf(x);
    float cy = floorf(y);
    int ix = (int)cx;
    int iy = (int)cy;
    float tx = smooth_fraction(x - cx);
    float ty = smooth_fraction(y - cy);
    float top = mixf(lattice(seed, ix, iy), lattice(seed, ix + 1, iy), tx);
    float low = mixf(lattice(seed, ix, iy + 1), lattice(seed, ix + 1, iy + 1), tx);
    return mixf(top, low, ty);
}

float fractal2(uint32_t seed, float x, float y, int octaves)
{
    float sum = 0;
    float weight = 0.5f;
    for (int i = 0; i < octaves; i++) {
        sum += weight * noise2(seed + (uint32_t)i * 101U, x, y);
        x *= 2.03f;
        y *= 2.03f;
        weight *= 0.5f;
    }
    return sum;
}

struct rotation rotation_of(float yaw, float pitch, float roll)
{
    float cy = cosf(yaw);
    float sy = sinf(yaw);
    float cp = cosf(pitch);
    float sp = sinf(pitch);
    float cr = cosf(roll);
    float sr = sinf(roll);
    struct vec3 x = {cy, 0, sy};
    struct vec3 y = {sp * sy, cp, -sp * cy};
    struct vec3 z = {-cp * sy, sp, cp * cy};
    return (struct rotation){{
        add3(scale3(x, cr), scale3(y, sr)),
        sub3(scale3(y, cr), scale3(x, sr)),
        z,
    }};
}
