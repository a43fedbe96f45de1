/* SPDX-License-Identifier: Apache-2.0 */
#include "hear/windows.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

#define PUSH 16000

void hear_target_at(struct hear_target *target, const struct hear_utterance *utterance,
                    double seconds, double speed)
{
    for (int k = 0; k < HEAR_SOUNDS; k++) {
        double t = seconds + speed * HEAR_STEP_S * (k - HEAR_SOUND_NOW);
        target->visemes[k] = viseme_at(utterance->spans, utterance->span_count, t);
    }
    for (int k = 0; k < HEAR_MOUTHS; k++) {
        struct mouth mouth;
        double t = seconds + speed * HEAR_STEP_S / 2 * (k - HEAR_MOUTH_NOW);
        track_at(utterance->track, t, &mouth);
        target->mouth[k][HEAR_OPENING] = mouth.opening;
        target->mouth[k][HEAR_WIDTH] = mouth.part[MOUTH_WIDTH];
        target->mouth[k][HEAR_ROUND] = mouth.part[MOUTH_ROUND];
    }
    target->speech = target->visemes[HEAR_SOUND_NOW] != VISEME_SIL ? 1 : 0;
}

synctalk_status hear_mel(float **rows, size_t *count, const float *samples, size_t sample_count,
                         synctalk_error *err)
{
    synctalk_status st;
    struct st_mel *mel = NULL;
    size_t padded = sample_count < ST_MEL_MIN_SAMPLES ? ST_MEL_MIN_SAMPLES : sample_count;
    size_t capacity = 1 + padded / ST_MEL_HOP, size, used = 0;
    float *made = NULL;

    *rows = NULL;
    if (!st_mul_size(capacity, ST_MEL_BANDS * sizeof *made, &size) || !(made = malloc(size)))
        return st_fail_memory(err, "a mel spectrogram", capacity * ST_MEL_BANDS * sizeof *made);
    if ((st = st_mel_create(&mel, err)))
        goto done;
    for (size_t at = 0; at < sample_count; at += PUSH) {
        size_t some = sample_count - at < PUSH ? sample_count - at : PUSH;
        if ((st = st_mel_push(mel, samples + at, some, err)))
            goto done;
        used += st_mel_pull(mel, made + used * ST_MEL_BANDS, capacity - used);
    }
    if ((st = st_mel_finish(mel, err)))
        goto done;
    used += st_mel_pull(mel, made + used * ST_MEL_BANDS, capacity - used);
    *rows = made;
    *count = used;
    made = NULL;

done:
    st_mel_destroy(&mel);
    free(made);
    return st;
}

void hear_window(float window[WINDOW_FLOATS], const float *rows, size_t start)
{
    for (size_t band = 0; band < ST_AVE_BANDS; band++)
        for (size_t step = 0; step < ST_AVE_STEPS; step++)
            window[band * ST_AVE_STEPS + step] = rows[(start + step) * ST_MEL_BANDS + band];
}

synctalk_status hear_windows(float **windows, double **middles, size_t *count, const float *samples,
                             size_t sample_count, synctalk_error *err)
{
    float *rows = NULL;
    size_t row_count = 0;
    synctalk_status st = hear_mel(&rows, &row_count, samples, sample_count, err);

    *windows = NULL;
    *middles = NULL;
    *count = 0;
    if (st || !rows)
        return st;
    int64_t n = st_mel_window_count((int64_t)row_count);
    *count = (size_t)n;
    *windows = malloc((*count ? *count : 1) * WINDOW_FLOATS * sizeof **windows);
    *middles = malloc((*count ? *count : 1) * sizeof **middles);
    if (!*windows || !*middles) {
        free(*windows);
        free(*middles);
        *windows = NULL;
        *middles = NULL;
        st = st_fail_memory(err, "windows of sound", *count * WINDOW_FLOATS * sizeof **windows);
        goto done;
    }
    for (int64_t w = 0; w < n; w++) {
        int64_t start = st_mel_window_start(w, (int64_t)row_count);
        hear_window(*windows + (size_t)w * WINDOW_FLOATS, rows, (size_t)start);
        (*middles)[w] = (double)(start * ST_MEL_HOP + WINDOW_MIDDLE) / SPEECH_HZ;
    }

done:
    free(rows);
    return st;
}
