/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/quantise.h"

#include <math.h>

/* Integers of `weights` at `scale`, into `out` unless NULL; returns the squared error. */
static double quantise(const float *weights, size_t count, float scale, bool narrow, float *out)
{
    double error = 0;
    for (size_t i = 0; i < count; i += 2) {
        const size_t n = count - i < 2 ? 1 : 2;
        float q[2] = {0, 0};
        for (size_t j = 0; j < n; j++)
            q[j] = fminf(fmaxf(rintf(weights[i + j] / scale), -127), 127);
        const float over = fabsf(q[0]) + fabsf(q[1]) - 128;
        if (narrow && over > 0) {
            /* the larger gives most, so that what is clipped is clipped alike */
            const float first = rintf(over * fabsf(q[0]) / (fabsf(q[0]) + fabsf(q[1])));
            q[0] -= copysignf(first, q[0]);
            q[1] -= copysignf(over - first, q[1]);
        }
        for (size_t j = 0; j < n; j++) {
            const double off = (double)weights[i + j] - (double)q[j] * (double)scale;
            error += off * off;
            if (out)
                out[i + j] = q[j];
        }
    }
    return error;
}

float st_quantise_weights(float *weights, size_t count, bool narrow)
{
    enum { STEPS = 12 };
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
    double least = INFINITY;
    for (int step = 0; step < STEPS; step++) {
        const float scale = whole * (1 - 0.05F * (float)step);
        const double error = quantise(weights, count, scale, narrow, NULL);
        if (error < least) {
            least = error;
            best = scale;
        }
    }
    quantise(weights, count, best, narrow, weights);
    return best;
}
