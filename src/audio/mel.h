/* SPDX-License-Identifier: Apache-2.0 */
/* Mel spectrogram as AVE wants it, as a stream. Exact definition: docs/MODEL.md, "Mel".
 *
 *     pre-emphasis 0.97 - STFT 800/200, periodic Hann, centred, zero padded - 80 bands
 *     55...7600 Hz, Slaney - dB - scaled into [-4, 4]
 *
 * T = 1 + floor(samples / 200) rows; fewer than 3 200 samples are padded with zeros to
 * that length first.
 */
#ifndef ST_AUDIO_MEL_H
#define ST_AUDIO_MEL_H

#include <stddef.h>
#include <stdint.h>

#include "synctalk/status.h"

#define ST_MEL_BANDS 80
#define ST_MEL_HOP 200
#define ST_MEL_WINDOW 800
#define ST_MEL_MIN_SAMPLES 3200

struct st_mel;

synctalk_status st_mel_create(struct st_mel **out, synctalk_error *err);
void st_mel_destroy(struct st_mel **mel);

/* Append samples (mono f32 at 16 kHz, at most 16 000 a call); pull rows after each. */
synctalk_status st_mel_push(struct st_mel *mel, const float *samples, size_t count,
                            synctalk_error *err);
/* No more samples: the last rows become available. */
synctalk_status st_mel_finish(struct st_mel *mel, synctalk_error *err);
/* Up to `capacity` rows of 80 into `rows` [capacity, 80]; returns how many. */
size_t st_mel_pull(struct st_mel *mel, float *rows, size_t capacity);

/* How many AVE windows T rows make, and where window i begins: the published formulas,
 * in IEEE double from left to right. n counts windows, not the two repeated vectors. */
int64_t st_mel_window_count(int64_t T);
int64_t st_mel_window_start(int64_t i, int64_t T);

#endif /* ST_AUDIO_MEL_H */
