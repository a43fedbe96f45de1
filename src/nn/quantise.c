/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/quantise.h"

#include <math.h>

/* To the nearest integer, ties to even, below 2^22: what the sum cannot hold is rounded. Unlike
 * rintf() it needs no call on a CPU without roundps. */
static float nearest(float x)
{
    return (x + 12582912.0F) - 12582912.0F;
}

static float level(float weight, float inverse)
{
    const float q = nearest(weight * inverse);
    return q > 127 ? 127 : q < -127 ? -127 : q;
}

/* Two that add up to more than 128: the larger gives most, so that both are clipped alike. */
static void narrow_pair(float *q)
{
    const float sum = fabsf(q[0]) + fabsf(q[1]), over = sum - 128;
    if (over <= 0)
        return;
    const float first = nearest(over * fabsf(q[0]) / sum);
    q[0] -= copysignf(first, q[0]);
    q[1] -= copysignf(over - first, q[1]);
}

/* Integers of `weights` at `scale`, into `out`; returns the squared error, in levels. */
static float quantise(const float *weights, size_t count, float scale, bool narrow, float *out)
{
    const float inverse = 1 / scale;
    float errors[8] = {0}; /* as many sums as a register has lanes, in a fixed order */
    for (size_t i = 0; i < count; i++)
        out[i] = level(weights[i], inverse);
    for (size_t i = 0; narrow && i + 1 < count; i += 2)
        narrow_pair(out + i);
    for (size_t i = 0; i + 8 <= count; i += 8) {
        for (size_t j = 0; j < 8; j++) {
            const float off = weights[i + j] * inverse - out[i + j];
            errors[j] += off * off;
        }
    }
    float sum = 0;
    for (size_t i = count / 8 * 8; i < count; i++)
        sum += (weights[i] * inverse - out[i]) * (weights[i] * inverse - out[i]);
    for (size_t j = 0; j < 8; j++)
        sum += errors[j];
    return sum;
}

float st_quantise_weights(float *weights, float *levels, size_t count, bool narrow)
{
    enum { STEPS = 8 };
    float largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(weights[i]));
    const float whole = narrow ? largest / 64 : largest / 127;
    /* a scale whose inverse is no number would be no scale */
    if (!(whole > 1e-30F)) {
        for (size_t i = 0; i < count; i++)
            weights[i] = 0;
        return 1;
    }
    float best = whole;
    float least = INFINITY;
    for (int step = 0; step < (narrow ? STEPS : 1); step++) {
        const float scale = whole * (1 - 0.0625F * (float)step);
        const float error = quantise(weights, count, scale, narrow, levels) * scale * scale;
        if (error < least) {
            least = error;
            best = scale;
        }
    }
    quantise(weights, count, best, narrow, levels);
    for (size_t i = 0; i < count; i++)
        weights[i] = levels[i];
    return best;
}
