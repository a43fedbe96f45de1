/* SPDX-License-Identifier: Apache-2.0 */
/* Filters: Bristow-Johnson, R., "Cookbook formulae for audio equalizer biquad filter
 * coefficients". Echoes: noise that decays exponentially (Moorer, J. A. (1979), "About This
 * Reverberation Business"), by FFT.
 */
#include "hear/augment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <kiss_fftr.h>

#include "base/error.h"
#include "hear/random.h"

#define COUNT AUGMENT_COUNT
#define HISTORY AUGMENT_HISTORY
#define LENGTH (HISTORY + COUNT)
#define BINS (LENGTH / 2 + 1)
#define PI 3.14159265358979323846
#define Q_FLAT 0.7071 /* second order Butterworth */

struct augmenter {
    kiss_fftr_cfg forward, inverse; /* own */
    kiss_fft_cpx sound_bins[BINS], echo_bins[BINS];
    float sound[LENGTH], echo[LENGTH], noise[COUNT];
};

const struct augment_recipe augment_nothing = {.speed = 1, .clip = 1};

synctalk_status augmenter_create(struct augmenter **out, synctalk_error *err)
{
    *out = NULL;
    struct augmenter *augmenter = calloc(1, sizeof *augmenter);
    if (!augmenter)
        return st_fail_memory(err, "an augmenter", sizeof *augmenter);
    augmenter->forward = kiss_fftr_alloc(LENGTH, 0, NULL, NULL);
    augmenter->inverse = kiss_fftr_alloc(LENGTH, 1, NULL, NULL);
    if (!augmenter->forward || !augmenter->inverse) {
        augmenter_destroy(&augmenter);
        return st_fail_memory(err, "a Fourier transform", LENGTH * sizeof(kiss_fft_cpx));
    }
    *out = augmenter;
    return SYNCTALK_OK;
}

void augmenter_destroy(struct augmenter **augmenter)
{
    if (!augmenter || !*augmenter)
        return;
    kiss_fftr_free((*augmenter)->forward);
    kiss_fftr_free((*augmenter)->inverse);
    free(*augmenter);
    *augmenter = NULL;
}

static double decibels(double db)
{
    return pow(10, db / 20);
}

static void draw_noise(struct augment_recipe *recipe, struct st_random *random)
{
    static const enum augment_noise kinds[] = {NOISE_NONE, NOISE_NONE, NOISE_WHITE,  NOISE_PINK,
                                               NOISE_PINK, NOISE_HUM,  NOISE_BABBLE, NOISE_BABBLE};
    recipe->noise = kinds[st_random_below(random, sizeof kinds / sizeof kinds[0])];
    /* Two voices of one loudness would leave open whose mouth is asked for. */
    recipe->snr_db = hear_between(random, recipe->noise == NOISE_BABBLE ? 8 : 0, 40);
}

static void draw_band(struct augment_recipe *recipe, struct st_random *random)
{
    size_t which = st_random_below(random, 12);
    recipe->band = BAND_FULL;
    if (which == 0) {
        recipe->band = BAND_TELEPHONE;
    } else if (which <= 2) {
        recipe->band = BAND_LOW_PASS;
        recipe->cutoff_hz = hear_between(random, 2500, 7000);
    } else if (which == 3) {
        recipe->band = BAND_HIGH_PASS;
        recipe->cutoff_hz = hear_between(random, 80, 300);
    }
}

void augment_draw(struct augment_recipe *recipe, struct st_random *random)
{
    *recipe = augment_nothing;
    recipe->seed = st_random_bits(random);
    if (st_random_below(random, 8) == 0)
        return;
    recipe->speed = exp2(hear_between(random, -0.23, 0.23));
    recipe->tilt_db = hear_between(random, -8, 8);
    if (st_random_below(random, 5) < 2) {
        recipe->reverb_s = hear_between(random, 0.1, 0.8);
        recipe->direct_db = hear_between(random, 0, 18);
    }
    draw_noise(recipe, random);
    draw_band(recipe, random);
    recipe->gain_db = hear_between(random, -30, 6);
    if (st_random_below(random, 12) == 0)
        recipe->clip = hear_between(random, 0.3, 0.9);
}

enum biquad_kind { BIQUAD_LOW_PASS, BIQUAD_HIGH_PASS, BIQUAD_HIGH_SHELF };

static void biquad(float *x, size_t count, enum biquad_kind kind, double hz, double gain_db)
{
    double w = 2 * PI * hz / AUGMENT_HZ, c = cos(w), alpha = sin(w) / (2 * Q_FLAT);
    double b0 = (1 - c) / 2, b1 = 1 - c, b2 = b0, a0 = 1 + alpha, a1 = -2 * c, a2 = 1 - alpha;
    if (kind == BIQUAD_HIGH_PASS) {
        b0 = b2 = (1 + c) / 2;
        b1 = -(1 + c);
    } else if (kind == BIQUAD_HIGH_SHELF) {
        double A = pow(10, gain_db / 40), root = 2 * sqrt(A) * alpha;
        b0 = A * (A + 1 + (A - 1) * c + root);
        b1 = -2 * A * (A - 1 + (A + 1) * c);
        b2 = A * (A + 1 + (A - 1) * c - root);
        a0 = A + 1 - (A - 1) * c + root;
        a1 = 2 * (A - 1 - (A + 1) * c);
        a2 = A + 1 - (A - 1) * c - root;
    }
    double s1 = 0, s2 = 0;
    for (size_t i = 0; i < count; i++) {
        double in = (double)x[i], y = (b0 * in + s1) / a0;
        s1 = b1 * in - a1 * y + s2;
        s2 = b2 * in - a2 * y;
        x[i] = (float)y;
    }
}

/* sound += its echoes, correct from HISTORY on: what wraps around ends before it. */
static void add_echoes(struct augmenter *a, const struct augment_recipe *recipe,
                       struct st_random *random)
{
    size_t first = (size_t)(AUGMENT_HZ * hear_between(random, 0.002, 0.02));
    size_t last = (size_t)(AUGMENT_HZ * recipe->reverb_s);
    double decay = exp(-log(1000) / (AUGMENT_HZ * recipe->reverb_s)), level = 1, energy = 0;
    if (last > HISTORY)
        last = HISTORY;
    memset(a->echo, 0, sizeof a->echo);
    for (size_t i = first; i < last; i++) {
        double value = level * hear_between(random, -1, 1);
        a->echo[i] = (float)value;
        energy += value * value;
        level *= decay;
    }
    double scale = energy > 0 ? decibels(-recipe->direct_db) / sqrt(energy) : 0;
    kiss_fftr(a->forward, a->echo, a->echo_bins);
    kiss_fftr(a->forward, a->sound, a->sound_bins);
    for (size_t k = 0; k < BINS; k++) {
        kiss_fft_cpx x = a->sound_bins[k], h = a->echo_bins[k];
        a->sound_bins[k].r = x.r * h.r - x.i * h.i;
        a->sound_bins[k].i = x.r * h.i + x.i * h.r;
    }
    kiss_fftri(a->inverse, a->sound_bins, a->echo);
    float share = (float)(scale / LENGTH);
    for (size_t i = 0; i < LENGTH; i++)
        a->sound[i] += share * a->echo[i];
}

static void make_pink(float *noise, struct st_random *random)
{
    /* One-pole filters an octave or two apart, equal steps in level: -3 dB an octave within
     * 1 dB from 40 Hz up. */
    static const double poles[] = {0.996, 0.98, 0.91, 0.6};
    double held[4] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        double sum = 0;
        for (size_t k = 0; k < 4; k++) {
            held[k] = poles[k] * held[k] + sqrt(1 - poles[k]) * hear_between(random, -1, 1);
            sum += held[k];
        }
        noise[i] = (float)sum;
    }
}

static void make_hum(float *noise, struct st_random *random)
{
    double hz = st_random_below(random, 2) ? 50 : 60;
    memset(noise, 0, COUNT * sizeof *noise);
    for (int k = 1; k <= 12; k++) {
        double level = hear_between(random, 0, 1) / k, phase = hear_between(random, 0, 2 * PI);
        for (size_t i = 0; i < COUNT; i++)
            noise[i] += (float)(level * sin(2 * PI * hz * k / AUGMENT_HZ * (double)i + phase));
    }
}

static void add_noise(struct augmenter *a, const struct augment_recipe *recipe, const float *babble,
                      double rms, struct st_random *random)
{
    double energy = 0;
    switch (recipe->noise) {
    case NOISE_NONE:
        return;
    case NOISE_WHITE:
        for (size_t i = 0; i < COUNT; i++)
            a->noise[i] = (float)hear_between(random, -1, 1);
        break;
    case NOISE_PINK:
        make_pink(a->noise, random);
        break;
    case NOISE_HUM:
        make_hum(a->noise, random);
        break;
    case NOISE_BABBLE:
        memcpy(a->noise, babble, sizeof a->noise);
        break;
    }
    for (size_t i = 0; i < COUNT; i++)
        energy += (double)a->noise[i] * (double)a->noise[i];
    double own = sqrt(energy / COUNT);
    double scale = own > 1e-9 ? rms * decibels(-recipe->snr_db) / own : 0;
    for (size_t i = 0; i < COUNT; i++)
        a->sound[HISTORY + i] += (float)scale * a->noise[i];
}

static void limit_band(float *sound, const struct augment_recipe *recipe)
{
    for (int twice = 0; twice < 2; twice++) {
        if (recipe->band == BAND_TELEPHONE) {
            biquad(sound, LENGTH, BIQUAD_HIGH_PASS, 300, 0);
            biquad(sound, LENGTH, BIQUAD_LOW_PASS, 3400, 0);
        } else if (recipe->band == BAND_LOW_PASS) {
            biquad(sound, LENGTH, BIQUAD_LOW_PASS, recipe->cutoff_hz, 0);
        } else if (recipe->band == BAND_HIGH_PASS) {
            biquad(sound, LENGTH, BIQUAD_HIGH_PASS, recipe->cutoff_hz, 0);
        }
    }
}

void augment_sound(struct augmenter *augmenter, const struct augment_recipe *recipe,
                   const float *sound, const float *babble, double rms, float *out)
{
    struct st_random random = st_random_stream(recipe->seed, 0, 0);
    float *x = augmenter->sound + HISTORY, peak = 0;
    memcpy(augmenter->sound, sound, sizeof augmenter->sound);
    if (recipe->tilt_db != 0)
        biquad(augmenter->sound, LENGTH, BIQUAD_HIGH_SHELF, 1000, recipe->tilt_db);
    if (recipe->reverb_s > 0)
        add_echoes(augmenter, recipe, &random);
    add_noise(augmenter, recipe, babble, rms, &random);
    limit_band(augmenter->sound, recipe);
    for (size_t i = 0; i < COUNT; i++)
        peak = fmaxf(peak, fabsf(x[i]));
    float gain = (float)decibels(recipe->gain_db),
          limit = fminf(1, (float)recipe->clip * peak * gain);
    for (size_t i = 0; i < COUNT; i++)
        out[i] = fminf(fmaxf(x[i] * gain, -limit), limit);
}
