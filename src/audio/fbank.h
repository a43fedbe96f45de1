/* SPDX-License-Identifier: Apache-2.0 */
/* Kaldi's log filter banks as a stream: 25 ms every 10 ms of a signal at 16 kHz, 80 bands
 * from 20 Hz to 8 kHz, no dither, edges snipped. docs/MODEL.md has the formula.
 *
 *     st_fbank_create(&fbank, err);
 *     while (samples)  st_fbank_push(fbank, x, n, err), st_fbank_pull() until it gives 0
 */
#ifndef ST_AUDIO_FBANK_H
#define ST_AUDIO_FBANK_H

#include <stddef.h>
#include <stdint.h>

#include "synctalk/status.h"

#define ST_FBANK_BANDS 80
#define ST_FBANK_WINDOW 400 /* samples, 25 ms */
#define ST_FBANK_HOP 160    /* samples, 10 ms */
#define ST_FBANK_PUSH_MAX 16000

struct st_fbank;

synctalk_status st_fbank_create(struct st_fbank **out, synctalk_error *err);
void st_fbank_destroy(struct st_fbank **fbank); /* NULL-safe */

/* Samples in the range of 16 bits: st_fbank_sample(). At most ST_FBANK_PUSH_MAX; pull until
 * empty after each push. */
synctalk_status st_fbank_push(struct st_fbank *fbank, const float *samples, size_t count,
                              synctalk_error *err);

/* Rows [count, 80] that are ready, at most `capacity`; returns how many. */
size_t st_fbank_pull(struct st_fbank *fbank, float *rows, size_t capacity);

/* Rows that `samples` samples give: windows that fit wholly. */
int64_t st_fbank_count(int64_t samples);

/* A sample in [-1, 1] as a whole number of 16 bits, truncated; what is beyond is clipped. */
float st_fbank_sample(float x);

#endif /* ST_AUDIO_FBANK_H */
