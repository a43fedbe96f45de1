/* SPDX-License-Identifier: Apache-2.0 */
/* Mel spectrogram as a stream: pre-emphasised samples wait in one fixed buffer, rows are
 * computed when they are pulled. Easy to get wrong: the zeros around the recording are
 * added after pre-emphasis, those that lengthen a short recording before it.
 */
#include "audio/mel.h"

#include <kiss_fftr.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

#define RATE_HZ 16000
#define BINS (ST_MEL_WINDOW / 2 + 1)
#define CENTRE (ST_MEL_WINDOW / 2)
#define MAX_PUSH 16000
/* A window not yet whole, one push, and what finish() may add. */
#define CAPACITY (ST_MEL_WINDOW + MAX_PUSH + ST_MEL_MIN_SAMPLES + CENTRE)

static const double pi = 3.14159265358979323846;

/* Triangle of one band: weights of the bins [first, first + count). A bin lies under two
 * triangles at most, so all of them fit one row of 2 * BINS. */
struct band {
    int first;
    int count;
    int offset;
};

struct st_mel {
    kiss_fftr_cfg fft; /* owns */
    float window[ST_MEL_WINDOW];
    struct band bands[ST_MEL_BANDS];
    float weights[2 * BINS];

    float samples[CAPACITY]; /* pre-emphasised; [begin, end) are still needed */
    size_t begin, end;
    float previous; /* last sample before pre-emphasis */
    int64_t pushed;
    bool finished;
};

/* Source: M. Slaney, Auditory Toolbox, 1998: linear below 1 kHz, logarithmic above. */
static double mel_of_hz(double hz)
{
    return hz < 1000.0 ? hz * 3.0 / 200.0 : 15.0 + log(hz / 1000.0) / (log(6.4) / 27.0);
}

static double hz_of_mel(double mel)
{
    return mel < 15.0 ? mel * 200.0 / 3.0 : 1000.0 * exp((mel - 15.0) * (log(6.4) / 27.0));
}

/* Triangles between neighbouring centres, each of area 2 / (its width) in Hz. */
static void make_bands(struct st_mel *mel)
{
    double edges[ST_MEL_BANDS + 2];
    const double low = mel_of_hz(55.0);
    const double high = mel_of_hz(7600.0);
    int used = 0;

    for (int i = 0; i < ST_MEL_BANDS + 2; i++)
        edges[i] = hz_of_mel(low + (high - low) * i / (ST_MEL_BANDS + 1));

    for (int b = 0; b < ST_MEL_BANDS; b++) {
        const double *e = edges + b;
        struct band *band = &mel->bands[b];
        *band = (struct band){.first = BINS, .offset = used};
        for (int k = 0; k < BINS; k++) {
            double hz = (double)k * RATE_HZ / ST_MEL_WINDOW;
            double weight = fmin((hz - e[0]) / (e[1] - e[0]), (e[2] - hz) / (e[2] - e[1]));
            if (weight <= 0)
                continue;
            if (band->count == 0)
                band->first = k;
            mel->weights[used++] = (float)(weight * 2.0 / (e[2] - e[0]));
            band->count++;
        }
    }
}

synctalk_status st_mel_create(struct st_mel **out, synctalk_error *err)
{
    struct st_mel *mel = calloc(1, sizeof *mel);

    *out = NULL;
    if (!mel || !(mel->fft = kiss_fftr_alloc(ST_MEL_WINDOW, 0, NULL, NULL))) {
        st_mel_destroy(&mel);
        return st_fail_memory(err, "the mel spectrogram", sizeof *mel);
    }
    for (int n = 0; n < ST_MEL_WINDOW; n++)
        mel->window[n] = (float)(0.5 - 0.5 * cos(2.0 * pi * n / ST_MEL_WINDOW));
    make_bands(mel);
    mel->end = CENTRE; /* zeros before the recording */
    *out = mel;
    return SYNCTALK_OK;
}

void st_mel_destroy(struct st_mel **mel)
{
    if (!mel || !*mel)
        return;
    kiss_fftr_free((*mel)->fft);
    free(*mel);
    *mel = NULL;
}

/* `samples` NULL appends zeros of sound. */
static void append(struct st_mel *mel, const float *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float x = samples ? samples[i] : 0.0f;
        mel->samples[mel->end++] = mel->pushed == 0 ? x : x - 0.97f * mel->previous;
        mel->previous = x;
        mel->pushed++;
    }
}

static void compact(struct st_mel *mel)
{
    memmove(mel->samples, mel->samples + mel->begin,
            (mel->end - mel->begin) * sizeof *mel->samples);
    mel->end -= mel->begin;
    mel->begin = 0;
}

synctalk_status st_mel_push(struct st_mel *mel, const float *samples, size_t count,
                            synctalk_error *err)
{
    if (mel->finished || count > MAX_PUSH)
        return st_fail(err, SYNCTALK_E_ARG,
                       "mel: %zu samples pushed; at most %d at a time, before finish()", count,
                       MAX_PUSH);
    compact(mel);
    if (mel->end + count > ST_MEL_WINDOW + MAX_PUSH)
        return st_fail(err, SYNCTALK_E_ARG, "mel: pull the rows that are ready before pushing");
    append(mel, samples, count);
    return SYNCTALK_OK;
}

synctalk_status st_mel_finish(struct st_mel *mel, synctalk_error *err)
{
    if (mel->finished)
        return st_fail(err, SYNCTALK_E_ARG, "mel: finish() called twice");
    mel->finished = true;
    compact(mel);
    if (mel->pushed < ST_MEL_MIN_SAMPLES)
        append(mel, NULL, (size_t)(ST_MEL_MIN_SAMPLES - mel->pushed));
    memset(mel->samples + mel->end, 0, CENTRE * sizeof *mel->samples);
    mel->end += CENTRE;
    return SYNCTALK_OK;
}

/* One row of 80 from the 800 samples at `x`. */
static void compute_row(const struct st_mel *mel, const float *x, float *row)
{
    float windowed[ST_MEL_WINDOW];
    kiss_fft_cpx spectrum[BINS];
    float magnitude[BINS];

    for (int n = 0; n < ST_MEL_WINDOW; n++)
        windowed[n] = x[n] * mel->window[n];
    kiss_fftr(mel->fft, windowed, spectrum);
    for (int k = 0; k < BINS; k++)
        magnitude[k] = sqrtf(spectrum[k].r * spectrum[k].r + spectrum[k].i * spectrum[k].i);

    for (int b = 0; b < ST_MEL_BANDS; b++) {
        const struct band *band = &mel->bands[b];
        float sum = 0;
        for (int k = 0; k < band->count; k++)
            sum += mel->weights[band->offset + k] * magnitude[band->first + k];
        /* fmaxf takes the number when the other is NaN: a row is always finite. */
        float db = 20.0f * log10f(fmaxf(1e-5f, sum)) - 20.0f;
        row[b] = fminf(4.0f, fmaxf(-4.0f, 8.0f * ((db + 100.0f) / 100.0f) - 4.0f));
    }
}

size_t st_mel_pull(struct st_mel *mel, float *rows, size_t capacity)
{
    size_t count = 0;
    while (count < capacity && mel->end - mel->begin >= ST_MEL_WINDOW) {
        compute_row(mel, mel->samples + mel->begin, rows + count * ST_MEL_BANDS);
        mel->begin += ST_MEL_HOP;
        count++;
    }
    return count;
}

/* In doubles, left to right: 368 / 80 * 25 is just below 115, and files made with the
 * published code have the count that comes of it. */
int64_t st_mel_window_count(int64_t T)
{
    return T < 16 ? 0 : (int64_t)floor((double)(T - 16) / 80.0 * 25.0) + 2;
}

int64_t st_mel_window_start(int64_t i, int64_t T)
{
    int64_t start = 80 * i / 25;
    return start + 16 > T ? T - 16 : start;
}
