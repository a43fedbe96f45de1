/* SPDX-License-Identifier: Apache-2.0 */
/* Polyphase: with from / to = down / up in lowest terms, output i lies i * down / up inputs
 * in, so only `up` different fractions occur and each has its row of taps.
 *
 * Window: Kaiser, J. F. (1974), with his formulas for length and beta.
 */
#include "speech/resample.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define STOP_DB 84.0 /* designed for; what is left of 80 goes to rounding */
#define LANES 8
#define PASS_SHARE 0.9 /* of the lower Nyquist rate */

struct filter {
    int up, down;
    int half;     /* taps reach this far to either side */
    size_t width; /* 2 * half, rounded up to LANES */
    float *taps;  /* [up, width] owned; zeros beyond 2 * half */
};

static int common_divisor(int a, int b)
{
    while (b) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Modified Bessel function of order 0, by its power series. */
static double bessel_i0(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; k < 60 && term > 1e-12 * sum; k++) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

static double sinc(double x)
{
    return fabs(x) < 1e-9 ? 1.0 : sin(M_PI * x) / (M_PI * x);
}

/* Tap k of a phase, which lies k - (half - 1) - phase / up input samples from the middle. */
static double tap(const struct filter *filter, double beta, double cut, int k, int phase)
{
    double x = k - (filter->half - 1) - (double)phase / filter->up, edge = x / filter->half;
    double window = fabs(edge) < 1 ? bessel_i0(beta * sqrt(1 - edge * edge)) : 0;
    return 2 * cut * sinc(2 * cut * x) * window;
}

/* 0, or -1 without memory. */
static int design(struct filter *filter, int from_hz, int to_hz)
{
    int divisor = common_divisor(from_hz, to_hz);
    filter->up = to_hz / divisor;
    filter->down = from_hz / divisor;
    /* Frequencies in cycles per input sample; the cut is amid pass and stop. */
    double stop = 0.5 * fmin(1.0, (double)to_hz / from_hz);
    double cut = stop * (1 + PASS_SHARE) / 2;
    double transition = 2 * M_PI * stop * (1 - PASS_SHARE);
    double beta = 0.1102 * (STOP_DB - 8.7);
    filter->half = (int)ceil((STOP_DB - 8) / (2.285 * transition) / 2) + 1;

    filter->width = (2 * (size_t)filter->half + LANES - 1) / LANES * LANES;
    filter->taps = calloc((size_t)filter->up * filter->width, sizeof *filter->taps);
    if (!filter->taps)
        return -1;
    for (int phase = 0; phase < filter->up; phase++) {
        float *row = filter->taps + (size_t)phase * filter->width;
        double sum = 0;
        for (int k = 0; k < 2 * filter->half; k++) {
            double value = tap(filter, beta, cut, k, phase);
            row[k] = (float)value;
            sum += value;
        }
        for (int k = 0; k < 2 * filter->half; k++)
            row[k] = (float)((double)row[k] / sum);
    }
    return 0;
}

/* `padded` is the input with half - 1 zeros before it and `width` after. */
static void apply(float *out, size_t out_count, const float *padded, const struct filter *filter)
{
    for (size_t i = 0; i < out_count; i++) {
        size_t place = i * (size_t)filter->down, up = (size_t)filter->up;
        const float *x = padded + place / up, *row = filter->taps + place % up * filter->width;
        float lanes[LANES] = {0}; /* in a fixed order, and yet many at a time */
        for (size_t k = 0; k < filter->width; k += LANES)
            for (size_t lane = 0; lane < LANES; lane++)
                lanes[lane] += row[k + lane] * x[k + lane];
        float sum = 0;
        for (size_t lane = 0; lane < LANES; lane++)
            sum += lanes[lane];
        out[i] = sum;
    }
}

synctalk_status speech_resample(float **out, size_t *out_count, const float *samples, size_t count,
                                int from_hz, int to_hz, synctalk_error *err)
{
    struct filter filter = {0};
    synctalk_status status = SYNCTALK_OK;
    *out = NULL;
    *out_count = 0;
    if (from_hz < 4000 || from_hz > 192000 || to_hz < 4000 || to_hz > 192000)
        return st_fail(err, SYNCTALK_E_ARG,
                       "cannot resample from %d to %d Hz: both must be 4000 to 192000", from_hz,
                       to_hz);
    if (count > (size_t)INT64_MAX / 192000)
        return st_fail(err, SYNCTALK_E_ARG, "%zu samples are too many to resample", count);
    size_t target = (count * (size_t)to_hz + (size_t)from_hz - 1) / (size_t)from_hz;
    float *made = calloc(target + 1, sizeof *made), *padded = NULL;
    if (!made || design(&filter, from_hz, to_hz)) {
        status = st_fail_memory(err, "resampled sound", target * sizeof *made);
        goto done;
    }
    padded = calloc(count + 2 * filter.width, sizeof *padded);
    if (!padded) {
        status = st_fail_memory(err, "resampled sound", count * sizeof *padded);
        goto done;
    }
    if (count)
        memcpy(padded + filter.half - 1, samples, count * sizeof *samples);
    apply(made, target, padded, &filter);
    *out = made;
    *out_count = target;
    made = NULL;
done:
    free(filter.taps);
    free(padded);
    free(made);
    return status;
}
