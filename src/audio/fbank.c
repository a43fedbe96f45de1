/* SPDX-License-Identifier: Apache-2.0 */
/* Easy to get wrong: mean and pre-emphasis belong to each window by itself, so overlapping
 * windows share no filtered samples; and the triangles are linear in mel, not in Hz.
 * Source: Kaldi, feat/feature-window.cc and feat/mel-computations.cc.
 */
#include "audio/fbank.h"

#include <kiss_fftr.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define RATE_HZ 16000
#define FFT 512
#define BINS (FFT / 2) /* Kaldi's banks leave the last, at half the rate, out */
#define LOW_HZ 20.0
#define HIGH_HZ 8000.0
#define FLOOR 1.1920928955078125e-07f /* FLT_EPSILON, of a power */
#define CAPACITY (ST_FBANK_WINDOW + ST_FBANK_PUSH_MAX)

static const double pi = 3.14159265358979323846;

/* Weights of the bins [first, first + count) of one band. A bin lies under two triangles. */
struct band {
    int first;
    int count;
    int offset;
};

struct st_fbank {
    kiss_fftr_cfg fft; /* owns */
    float window[ST_FBANK_WINDOW];
    struct band bands[ST_FBANK_BANDS];
    float weights[2 * BINS];

    float samples[CAPACITY]; /* [begin, end) are still needed */
    size_t begin, end;
};

static double mel_of_hz(double hz)
{
    return 1127.0 * log(1.0 + hz / 700.0);
}

static void make_bands(struct st_fbank *fbank)
{
    const double low = mel_of_hz(LOW_HZ);
    const double step = (mel_of_hz(HIGH_HZ) - low) / (ST_FBANK_BANDS + 1);
    int used = 0;

    for (int b = 0; b < ST_FBANK_BANDS; b++) {
        const double left = low + b * step;
        struct band *band = &fbank->bands[b];
        *band = (struct band){.first = BINS, .offset = used};
        for (int k = 0; k < BINS; k++) {
            const double at = (mel_of_hz((double)k * RATE_HZ / FFT) - left) / step;
            const double weight = fmin(at, 2.0 - at);
            if (weight <= 0)
                continue;
            if (band->count == 0)
                band->first = k;
            fbank->weights[used++] = (float)weight;
            band->count++;
        }
    }
}

synctalk_status st_fbank_create(struct st_fbank **out, synctalk_error *err)
{
    struct st_fbank *fbank = calloc(1, sizeof *fbank);

    *out = NULL;
    if (!fbank || !(fbank->fft = kiss_fftr_alloc(FFT, 0, NULL, NULL))) {
        st_fbank_destroy(&fbank);
        return st_fail_memory(err, "the filter banks", sizeof *fbank);
    }
    for (int n = 0; n < ST_FBANK_WINDOW; n++)
        fbank->window[n] = (float)pow(0.5 - 0.5 * cos(2.0 * pi * n / (ST_FBANK_WINDOW - 1)), 0.85);
    make_bands(fbank);
    *out = fbank;
    return SYNCTALK_OK;
}

void st_fbank_destroy(struct st_fbank **fbank)
{
    if (!fbank || !*fbank)
        return;
    kiss_fftr_free((*fbank)->fft);
    free(*fbank);
    *fbank = NULL;
}

synctalk_status st_fbank_push(struct st_fbank *fbank, const float *samples, size_t count,
                              synctalk_error *err)
{
    memmove(fbank->samples, fbank->samples + fbank->begin,
            (fbank->end - fbank->begin) * sizeof *fbank->samples);
    fbank->end -= fbank->begin;
    fbank->begin = 0;
    if (count > CAPACITY - fbank->end)
        return st_fail(err, SYNCTALK_E_ARG,
                       "filter banks: %zu samples pushed; at most %d at a time, and the rows that "
                       "are ready pulled before",
                       count, ST_FBANK_PUSH_MAX);
    memcpy(fbank->samples + fbank->end, samples, count * sizeof *samples);
    fbank->end += count;
    return SYNCTALK_OK;
}

/* One row of 80 from the 400 samples at `x`. */
static void compute_row(const struct st_fbank *fbank, const float *x, float *row)
{
    float frame[FFT] = {0};
    kiss_fft_cpx spectrum[FFT / 2 + 1];
    float power[BINS];
    double sum = 0;

    for (int n = 0; n < ST_FBANK_WINDOW; n++)
        sum += x[n];
    const float mean = (float)(sum / ST_FBANK_WINDOW);
    for (int n = ST_FBANK_WINDOW - 1; n >= 0; n--)
        frame[n] = (x[n] - mean - 0.97f * (x[n > 0 ? n - 1 : 0] - mean)) * fbank->window[n];
    kiss_fftr(fbank->fft, frame, spectrum);
    for (int k = 0; k < BINS; k++)
        power[k] = spectrum[k].r * spectrum[k].r + spectrum[k].i * spectrum[k].i;

    for (int b = 0; b < ST_FBANK_BANDS; b++) {
        const struct band *band = &fbank->bands[b];
        float energy = 0;
        for (int k = 0; k < band->count; k++)
            energy += fbank->weights[band->offset + k] * power[band->first + k];
        /* fmaxf takes the number when the other is NaN: a row is always finite. */
        row[b] = logf(fmaxf(FLOOR, energy));
    }
}

size_t st_fbank_pull(struct st_fbank *fbank, float *rows, size_t capacity)
{
    size_t count = 0;
    while (count < capacity && fbank->end - fbank->begin >= ST_FBANK_WINDOW) {
        compute_row(fbank, fbank->samples + fbank->begin, rows + count * ST_FBANK_BANDS);
        fbank->begin += ST_FBANK_HOP;
        count++;
    }
    return count;
}

int64_t st_fbank_count(int64_t samples)
{
    return samples < ST_FBANK_WINDOW ? 0 : 1 + (samples - ST_FBANK_WINDOW) / ST_FBANK_HOP;
}

float st_fbank_sample(float x)
{
    const float scaled = truncf(x * 32767.0f);
    return scaled >= -32768.0f ? fminf(scaled, 32767.0f) : isnan(scaled) ? 0.0f : -32768.0f;
}
