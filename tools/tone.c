/* SPDX-License-Identifier: Apache-2.0 */
/* Source and filter: pulses of falling pitch and a little noise, through three resonators
 * that glide from vowel to vowel. Formants in Hz after Peterson and Barney, "Control
 * methods used in a study of the vowels", 1952 (means of men). */
#include "tone.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

#define RATE 16000
#define TAU 6.283185307179586
#define FORMANTS 3

static const double vowels[][FORMANTS] = {
    {730, 1090, 2440}, /* a */
    {530, 1840, 2480}, /* e */
    {270, 2290, 3010}, /* i */
    {570, 840, 2410},  /* o */
    {300, 870, 2240},  /* u */
};

/* One syllable: vowel, length, and how noisily it starts. Vowel -1 is a pause. */
struct syllable {
    int vowel;
    double seconds, onset;
};

static const struct syllable sentence[] = {
    {-1, 0.35, 0},  {0, 0.22, 0.5}, {1, 0.16, 0.2}, {3, 0.24, 0.0}, {2, 0.15, 0.6}, {0, 0.28, 0.1},
    {4, 0.20, 0.3}, {1, 0.17, 0.7}, {0, 0.36, 0.2}, {-1, 0.45, 0},  {2, 0.18, 0.4}, {0, 0.20, 0.1},
    {3, 0.26, 0.6}, {1, 0.15, 0.0}, {2, 0.21, 0.5}, {4, 0.19, 0.2}, {0, 0.24, 0.3}, {1, 0.18, 0.6},
    {3, 0.20, 0.1}, {0, 0.42, 0.4}, {-1, 0.70, 0},
};
#define SYLLABLES (sizeof sentence / sizeof *sentence)

/* Two poles, unit gain at their frequency. */
struct resonator {
    double y1, y2;
};

static double resonate(struct resonator *r, double x, double hz, double bandwidth_hz)
{
    const double radius = exp(-TAU / 2 * bandwidth_hz / RATE);
    const double angle = TAU * hz / RATE;
    const double gain = (1 - radius) * sqrt(1 - 2 * radius * cos(2 * angle) + radius * radius);
    const double y = gain * x + 2 * radius * cos(angle) * r->y1 - radius * radius * r->y2;
    r->y2 = r->y1;
    r->y1 = y;
    return y;
}

struct voice {
    struct resonator resonators[FORMANTS];
    double formants[FORMANTS];
    double phase, level;
    uint32_t noise;
};

static double noise(struct voice *voice)
{
    voice->noise = voice->noise * 1664525u + 1013904223u;
    return (double)(voice->noise >> 8) * 0x1p-23 - 1;
}

/* Loudness at a fraction of a syllable: a quick rise, a long fall, a dip at its end. */
static double envelope(double at)
{
    const double rise = at < 0.15 ? at / 0.15 : 1;
    const double fall = at > 0.6 ? 1 - 0.75 * (at - 0.6) / 0.4 : 1;
    return rise * fall;
}

static int16_t next_sample(struct voice *voice, const struct syllable *syllable, double at,
                           double time)
{
    const double target = syllable->vowel < 0 ? 0 : envelope(at);
    const double pitch_hz = 128 - 5 * fmod(time, 3.0) + 9 * sin(TAU * 0.9 * time);
    voice->level += (target - voice->level) * 0.004;
    voice->phase += pitch_hz / RATE;
    voice->phase -= floor(voice->phase);

    const double pulse = 1 - 2 * voice->phase; /* harmonics fall with 1/n */
    const double hiss = noise(voice) * (0.02 + syllable->onset * (at < 0.18 ? 0.6 : 0));
    double y = 0;
    for (int k = 0; k < FORMANTS; k++) {
        if (syllable->vowel >= 0)
            voice->formants[k] += (vowels[syllable->vowel][k] - voice->formants[k]) * 0.0015;
        y += resonate(&voice->resonators[k], pulse + hiss, voice->formants[k], 70.0 + 40 * k) /
             (1 + 0.5 * k);
    }
    return (int16_t)lrint(9000 * tanh(4.0 * voice->level * y));
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* RIFF header of PCM: 16 bit, one channel. */
static void put_header(uint8_t header[44], uint32_t bytes)
{
    static const uint8_t form[44] =
        "RIFF....WAVEfmt \x10\0\0\0\x01\0\x01\0....****\x02\0\x10\0data";
    memcpy(header, form, 44);
    put_u32(header + 4, 36 + bytes);
    put_u32(header + 24, RATE);
    put_u32(header + 28, RATE * 2);
    put_u32(header + 40, bytes);
}

synctalk_status tone_write(const char *path, synctalk_error *err)
{
    synctalk_status st;
    struct st_output output = {.fd = -1};
    struct voice voice = {.formants = {500, 1500, 2500}, .noise = 1};
    double seconds = 0;
    for (size_t i = 0; i < SYLLABLES; i++)
        seconds += sentence[i].seconds;
    const size_t samples = (size_t)(seconds * RATE);
    const size_t bytes = 44 + samples * 2;
    uint8_t *file = malloc(bytes);

    if (!file)
        return st_fail_memory(err, "a sound", bytes);
    put_header(file, (uint32_t)(samples * 2));
    size_t now = 0;
    double start = 0;
    for (size_t i = 0; i < samples; i++) {
        const double time = (double)i / RATE;
        while (now + 1 < SYLLABLES && time >= start + sentence[now].seconds)
            start += sentence[now++].seconds;
        const double at = (time - start) / sentence[now].seconds;
        const uint16_t level = (uint16_t)next_sample(&voice, &sentence[now], at, time);
        file[44 + i * 2] = (uint8_t)level;
        file[45 + i * 2] = (uint8_t)(level >> 8);
    }
    if ((st = st_output_open(&output, path, true, err)))
        goto done;
    if ((st = st_output_write(&output, file, bytes, err)))
        goto done;
    st = st_output_commit(&output, true, err);

done:
    st_output_close(&output);
    free(file);
    return st;
}
