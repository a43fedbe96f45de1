/* SPDX-License-Identifier: Apache-2.0 */
#include "person/outline.h"

#include "person/vec.h"

float lips_line(float x)
{
    float u = fabsf(x);
    return MOUTH_Y - 0.05f * bell(u, 0.35f) + 0.05f * bell(u - 0.95f, 0.5f) +
           0.15f * stepf(1.2f, MOUTH_HALF, u);
}

/* 1 in the middle, falling to 0 at the corners. */
static float lips_taper(float x, float power)
{
    float u = x / MOUTH_HALF;
    float t = 1 - u * u;
    return t > 0 ? powf(t, power) : 0;
}

float lips_upper(float x)
{
    float u = fabsf(x);
    float bow = 0.09f * bell(u - 0.5f, 0.28f) - 0.05f * bell(u, 0.16f);
    return (0.66f + bow) * lips_taper(x, 0.85f);
}

float lips_lower(float x)
{
    return 0.93f * lips_taper(x, 0.75f);
}

/* 0 at the inner, 1 at the outer corner. */
static float lid_place(float x)
{
    return (fabsf(x) - EYE_INNER) / (EYE_OUTER - EYE_INNER);
}

float lid_span(float x)
{
    float t = lid_place(x);
    return t > 0 && t < 1 ? 4 * t * (1 - t) : 0;
}

/* The line from corner to corner, which fades out beyond them. */
static float lid_corners(float x)
{
    float t = lid_place(x);
    float fade = stepf(-0.35f, 0, t) * stepf(1.4f, 1, t);
    return mixf(-0.17f, 0.12f, clampf(t, 0, 1)) * fade;
}

static float lid_shut(float x)
{
    return lid_corners(x) - 0.34f * powf(lid_span(x), 0.8f);
}

float lid_upper(float x, float open)
{
    float t = clampf(lid_place(x), 0, 1);
    /* Highest a little inside of the middle. */
    float arch = 0.57f * powf(lid_span(x), 0.72f) * (1.06f - 0.12f * t);
    return mixf(lid_shut(x), lid_corners(x) + arch, open);
}

float lid_lower(float x, float open)
{
    float t = clampf(lid_place(x), 0, 1);
    float arch = 0.48f * powf(lid_span(x), 0.85f) * (0.93f + 0.14f * t);
    return mixf(lid_shut(x), lid_corners(x) - arch, open);
}

float lid_fold(float x)
{
    float t = lid_place(x);
    float rise = 0.17f + 0.15f * stepf(-0.1f, 0.5f, t) - 0.03f * stepf(0.6f, 1.2f, t);
    return lid_upper(x, 1) + rise;
}

#define BROW_INNER 1.25f
#define BROW_OUTER 5.1f

float brow_line(float x)
{
    float t = (fabsf(x) - BROW_INNER) / (BROW_OUTER - BROW_INNER);
    return 1.92f + 0.52f * stepf(-0.2f, 0.72f, t) - 0.62f * stepf(0.60f, 1.1f, t);
}

float brow_half(float x)
{
    float t = (fabsf(x) - BROW_INNER) / (BROW_OUTER - BROW_INNER);
    if (t <= 0 || t >= 1)
        return 0;
    return 0.25f * stepf(0, 0.14f, t) * (1 - 0.72f * stepf(0.45f, 1, t));
}
