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

#include "base/error.h"
#include "base/memory.h"

#define STOP_DB 84.0   /* designed for; what is left of 80 goes to rounding */
#define PASS_SHARE 0.9 /* of the lower Nyquist rate */

struct filter {
    int up, down;
    int half;     /* taps reach this far to either side */
    double *taps; /* [up, 2 * half] owned */
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
    for (int k = 1; k < 60; k++) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

static double sinc(double x)
{
    return fabs(x) < 1e-9 ? 1.0 : sin(M_PI * x) / (M_PI * x);
}

static synctalk_status design(struct filter *filter, int from_hz, int to_hz, synctalk_error *err)
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

    size_t width = 2 * (size_t)filter->half, count;
    if (!st_mul_size((size_t)filter->up, width, &count) || count > SIZE_MAX / sizeof(double))
        return st_fail_memory(err, "a resampler", SIZE_MAX);
    filter->taps = malloc(count * sizeof(double));
    if (!filter->taps)
        return st_fail_memory(err, "a resampler", count * sizeof(double));
    for (int phase = 0; phase < filter->up; phase++) {
        double *row = filter->taps + (size_t)phase * width, sum = 0;
        for (int k = 0; k < 2 * filter->half; k++) {
            double x = k - (filter->half - 1) - (double)phase / filter->up;
            double edge = x / filter->half;
            double window = fabs(edge) < 1 ? bessel_i0(beta * sqrt(1 - edge * edge)) : 0;
            row[k] = 2 * cut * sinc(2 * cut * x) * window;
            sum += row[k];
        }
        for (int k = 0; k < 2 * filter->half; k++)
            row[k] /= sum;
    }
    return SYNCTALK_OK;
}

static void apply(float *out, size_t out_count, const float *samples, size_t count,
                  const struct filter *filter)
{
    int64_t width = 2 * (int64_t)filter->half;
    for (size_t i = 0; i < out_count; i++) {
        int64_t place = (int64_t)i * filter->down;
        int64_t first = place / filter->up - (filter->half - 1);
        const double *row = filter->taps + place % filter->up * width;
        int64_t from = first < 0 ? -first : 0;
        int64_t to = first + width > (int64_t)count ? (int64_t)count - first : width;
        double sum = 0;
        for (int64_t k = from; k < to; k++)
            sum += row[k] * (double)samples[first + k];
        out[i] = (float)sum;
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
    float *made = calloc(target ? target : 1, sizeof *made);
    if (!made) {
        status = st_fail_memory(err, "resampled sound", target * sizeof *made);
        goto done;
    }
    if ((status = design(&filter, from_hz, to_hz, err)))
        goto done;
    apply(made, target, samples, count, &filter);
    *out = made;
    *out_count = target;
    made = NULL;
done:
    free(filter.taps);
    free(made);
    return status;
}
