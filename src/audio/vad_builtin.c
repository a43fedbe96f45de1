/* SPDX-License-Identifier: Apache-2.0 */
/* The window of chunk k is the samples [512 k - 256, 512 k + 768): the chunk lies in its
 * middle, and the window is whole when the chunk after it has come.
 *
 * Powers are per sample: full-scale white noise has 1 in every bin.
 */
#include "audio/vad_builtin.h"

#include <kiss_fftr.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define WINDOW 1024
#define BINS (WINDOW / 2 + 1)
#define LEAD 256 /* samples of the window before its chunk */
#define BANDS 48
#define LOW_HZ 100.0
#define HIGH_HZ 7500.0

/* Power below which there is no sound at all but digital silence: -100 dB. */
#define FLOOR 1e-10f

#define FIRST_CHUNKS 6          /* taken for noise, unless they turn out to be louder */
#define NOISE_MEMORY 0.7f       /* of the noise power, from chunk to chunk */
#define PRESENCE_MEMORY 0.8f    /* of the probability by which a stuck track is noticed */
#define PRESENCE_MOST 0.99f     /* "" */
#define SPEECH_RATIO 31.622776f /* 15 dB, a priori, in the noise tracker */
#define RATIO_MEMORY 0.96f      /* decision-directed weight */
#define RATIO_LEAST 0.0031622776f
#define GAMMA_MOST 1000.0f /* a posteriori */

/* Periodicity: amplitudes of 100 ... 2812 Hz, periods of 67 ... 400 Hz, at 8 kHz. */
#define PERIOD_WINDOW 512
#define PERIOD_BIN_END 180
#define PERIOD_LAG_FIRST 21
#define PERIOD_LAG_END 120

/* log likelihood ratio of a chunk = SCALE * (log(mean ratio) + WEIGHT * periodicity -
 * MIDDLE). SCALE is far below 1 because neighbours in time and frequency are not
 * independent. Fitted to ten labelled recordings. */
#define PERIOD_WEIGHT 16.0
#define MIDDLE 1.1
#define SCALE 0.12
#define MEAN_LEAST 1e-3

/* Chance that speech ends, and that it begins, within a chunk. */
#define LEAVE 0.1
#define ENTER 0.2
#define LAG 8 /* chunks of the future that a probability has seen */

_Static_assert(ST_VAD_BUILTIN_DELAY == LAG + 1, "one more chunk for the window's second half");

struct st_vad_builtin {
    kiss_fftr_cfg forward;  /* owned; WINDOW */
    kiss_fftr_cfg backward; /* owned; PERIOD_WINDOW */
    float hann[WINDOW];
    float scale;           /* 1 / sum of squares of hann */
    int edges[BANDS + 1];  /* band b is bins [edges[b], edges[b + 1]) */
    float samples[WINDOW]; /* [LEAD + CHUNK before, the next LEAD] */

    float noise[BANDS], presence[BANDS], clean[BANDS]; /* clean: a priori of the chunk before */
    int learnt;                                        /* chunks in the first mean of noise */

    int64_t pushed, analysed, given;
    double odds[LAG + 1]; /* likelihood ratio of chunk k in slot k % (LAG + 1) */
    double speech[LAG + 1];
};

static double mel(double hz)
{
    return 2595.0 * log10(1.0 + hz / 700.0);
}

static void place_bands(int *edges)
{
    const double low = mel(LOW_HZ);
    const double step = (mel(HIGH_HZ) - low) / BANDS;
    for (int b = 0; b <= BANDS; b++) {
        const double hz = 700.0 * (pow(10.0, (low + b * step) / 2595.0) - 1.0);
        edges[b] = (int)lrint(hz * WINDOW / ST_VAD_HZ);
    }
}

synctalk_status st_vad_builtin_create(struct st_vad_builtin **out, synctalk_error *err)
{
    double sum = 0;
    *out = NULL;
    struct st_vad_builtin *vad = calloc(1, sizeof *vad);
    if (!vad)
        return st_fail_memory(err, "a voice activity detector", sizeof *vad);
    vad->forward = kiss_fftr_alloc(WINDOW, 0, NULL, NULL);
    vad->backward = kiss_fftr_alloc(PERIOD_WINDOW, 1, NULL, NULL);
    if (!vad->forward || !vad->backward) {
        st_vad_builtin_destroy(&vad);
        return st_fail_memory(err, "the spectrum of a voice activity detector", WINDOW);
    }
    for (int i = 0; i < WINDOW; i++) {
        const double w = 0.5 - 0.5 * cos(2.0 * M_PI * i / WINDOW);
        vad->hann[i] = (float)w;
        sum += w * w;
    }
    vad->scale = (float)(1.0 / sum);
    place_bands(vad->edges);
    for (int b = 0; b < BANDS; b++) {
        vad->noise[b] = FLOOR;
        vad->presence[b] = 0.5f;
    }
    *out = vad;
    return SYNCTALK_OK;
}

void st_vad_builtin_destroy(struct st_vad_builtin **vad)
{
    if (!vad || !*vad)
        return;
    kiss_fftr_free((*vad)->forward);
    kiss_fftr_free((*vad)->backward);
    free(*vad);
    *vad = NULL;
}

/* Powers of the window's bins, and their means over bands. Returns the mean of bands. */
static float analyse(struct st_vad_builtin *vad, float *power, float *band)
{
    kiss_fft_scalar windowed[WINDOW];
    kiss_fft_cpx spectrum[BINS];
    float all = 0;

    for (int i = 0; i < WINDOW; i++)
        windowed[i] = vad->samples[i] * vad->hann[i];
    kiss_fftr(vad->forward, windowed, spectrum);
    for (int i = 0; i < BINS; i++)
        power[i] = (spectrum[i].r * spectrum[i].r + spectrum[i].i * spectrum[i].i) * vad->scale;
    for (int b = 0; b < BANDS; b++) {
        float sum = 0;
        for (int i = vad->edges[b]; i < vad->edges[b + 1]; i++)
            sum += power[i];
        band[b] = sum / (float)(vad->edges[b + 1] - vad->edges[b]);
        all += band[b];
    }
    return all / BANDS;
}

/* Gerkmann and Hendriks: the posterior under a fixed a priori ratio, the mean of the noise
 * given it, and their safety net against a track that is stuck below. */
static void track_noise(struct st_vad_builtin *vad, const float *band)
{
    if (vad->learnt < FIRST_CHUNKS) {
        vad->learnt++;
        for (int b = 0; b < BANDS; b++)
            vad->noise[b] += (band[b] - vad->noise[b]) / (float)vad->learnt;
    } else {
        for (int b = 0; b < BANDS; b++) {
            const float gamma = fminf(band[b] / vad->noise[b], 200.0f);
            float p = 1.0f / (1.0f + (1.0f + SPEECH_RATIO) *
                                         expf(-gamma * SPEECH_RATIO / (1.0f + SPEECH_RATIO)));
            vad->presence[b] = PRESENCE_MEMORY * vad->presence[b] + (1.0f - PRESENCE_MEMORY) * p;
            if (vad->presence[b] > PRESENCE_MOST)
                p = fminf(p, PRESENCE_MOST);
            vad->noise[b] = NOISE_MEMORY * vad->noise[b] +
                            (1.0f - NOISE_MEMORY) * (p * vad->noise[b] + (1.0f - p) * band[b]);
        }
    }
    for (int b = 0; b < BANDS; b++)
        vad->noise[b] = fmaxf(vad->noise[b], FLOOR);
}

/* Mean over bands of the log likelihood ratio (Sohn, Kim, Sung), with the
 * decision-directed a priori ratio (Ephraim, Malah). */
static double ratio_test(struct st_vad_builtin *vad, const float *band)
{
    double sum = 0;
    for (int b = 0; b < BANDS; b++) {
        const float gamma = fminf(band[b] / vad->noise[b], GAMMA_MOST);
        const float now = fmaxf(gamma - 1.0f, 0.0f);
        const float xi =
            fmaxf(RATIO_MEMORY * vad->clean[b] + (1.0f - RATIO_MEMORY) * now, RATIO_LEAST);
        const float gain = xi / (1.0f + xi); /* Wiener's */
        vad->clean[b] = gain * gain * gamma;
        sum += (double)(gamma * gain - log1pf(xi));
    }
    return sum / BANDS;
}

/* 0 ... 1: the highest peak of the autocorrelation of what stands out of the noise, as a
 * part of all amplitudes. Bands are taken down as wholes: a steady hum, which is louder than
 * its band's mean, does not stand out either. */
static double periodicity(struct st_vad_builtin *vad, const float *power, const float *band)
{
    kiss_fft_cpx amplitude[PERIOD_WINDOW / 2 + 1];
    kiss_fft_scalar lags[PERIOD_WINDOW];
    float all = 1e-9f;
    float best = 0;

    memset(amplitude, 0, sizeof amplitude);
    for (int b = 0; b < BANDS; b++) {
        const float kept = fmaxf(band[b] - vad->noise[b], 0.0f) / fmaxf(band[b], FLOOR * FLOOR);
        const int end = vad->edges[b + 1] < PERIOD_BIN_END ? vad->edges[b + 1] : PERIOD_BIN_END;
        for (int i = vad->edges[b]; i < end; i++) {
            all += sqrtf(power[i]);
            amplitude[i].r = sqrtf(power[i] * kept);
        }
    }
    kiss_fftri(vad->backward, amplitude, lags); /* twice the sum over positive bins */
    for (int i = PERIOD_LAG_FIRST; i < PERIOD_LAG_END; i++)
        if (lags[i] > lags[i - 1] && lags[i] >= lags[i + 1])
            best = fmaxf(best, lags[i]);
    return (double)(best / (2.0f * all));
}

/* One step of the forward recursion: P(speech) after chunk `analysed`. */
static void forward(struct st_vad_builtin *vad, double log_ratio)
{
    const size_t slot = (size_t)(vad->analysed % (LAG + 1));
    const double before =
        vad->analysed > 0 ? vad->speech[(size_t)((vad->analysed - 1) % (LAG + 1))] : 0.5;
    const double prior = before * (1.0 - LEAVE) + (1.0 - before) * ENTER;
    vad->odds[slot] = exp(fmin(fmax(log_ratio, -20.0), 20.0));
    const double speech = prior * vad->odds[slot];
    vad->speech[slot] = speech / (speech + 1.0 - prior);
    vad->analysed++;
}

/* P(speech) in chunk `given`, from the chunks before it and all that came after it. */
static float backward(const struct st_vad_builtin *vad)
{
    double b1 = 1; /* likelihood of what follows, given speech */
    double b0 = 1; /* given none */
    for (int64_t k = vad->analysed - 1; k > vad->given; k--) {
        const double seen = vad->odds[(size_t)(k % (LAG + 1))] * b1;
        const double n1 = (1.0 - LEAVE) * seen + LEAVE * b0;
        const double n0 = ENTER * seen + (1.0 - ENTER) * b0;
        b1 = n1 / (n1 + n0);
        b0 = n0 / (n1 + n0);
    }
    const double p = vad->speech[(size_t)(vad->given % (LAG + 1))];
    return (float)(p * b1 / (p * b1 + (1.0 - p) * b0));
}

/* Put a chunk (NULL: zeros) behind what is there, and analyse the one before it. */
static void advance(struct st_vad_builtin *vad, const float *chunk)
{
    float power[BINS];
    float band[BANDS];
    float *second_half = vad->samples + LEAD + ST_VAD_CHUNK;

    /* The window of the chunk before: its second half is the first half of this one. */
    if (chunk)
        memcpy(second_half, chunk, LEAD * sizeof *chunk);
    else
        memset(second_half, 0, LEAD * sizeof *second_half);
    if (vad->pushed > 0) {
        if (analyse(vad, power, band) >= FLOOR)
            track_noise(vad, band);
        const double mean = fmax(ratio_test(vad, band), MEAN_LEAST);
        forward(vad, SCALE * (log(mean) + PERIOD_WEIGHT * periodicity(vad, power, band) - MIDDLE));
    }
    memcpy(vad->samples, vad->samples + ST_VAD_CHUNK, LEAD * sizeof *vad->samples);
    if (chunk)
        memcpy(vad->samples + LEAD, chunk, ST_VAD_CHUNK * sizeof *chunk);
    vad->pushed += chunk != NULL;
}

bool st_vad_builtin_push(struct st_vad_builtin *vad, const float *chunk, float *probability)
{
    advance(vad, chunk);
    if (vad->analysed - vad->given <= LAG)
        return false;
    *probability = backward(vad);
    vad->given++;
    return true;
}

bool st_vad_builtin_flush(struct st_vad_builtin *vad, float *probability)
{
    if (vad->analysed < vad->pushed)
        advance(vad, NULL);
    if (vad->given == vad->analysed)
        return false;
    *probability = backward(vad);
    vad->given++;
    return true;
}
