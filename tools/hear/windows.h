/* SPDX-License-Identifier: Apache-2.0 */
/* What the encoder hears at once, and what it should make of it.
 *
 * When    Row r of a mel spectrogram is centred on 12.5 r ms. A window is 16 rows, so one
 *         that starts at row s has its middle at 12.5 s + 93.75 ms: labels are taken there.
 *         Window w of a recording starts at row floor(80 w / 25), so its middle is heard at
 *         40 w + 93.75 ms, up to 10 ms earlier where 80 w / 25 is no whole number. In the
 *         array of features it is number w + 1. A video frame i, shown at 40 i ms, uses
 *         features i - 8 ... i + 7, with middles from 40 i - 266 to 40 i + 334 ms: its own
 *         instant lies between those of features i - 2 and i - 1.
 */
#ifndef HEAR_WINDOWS_H
#define HEAR_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

#include "audio/mel.h"
#include "hear/corpus.h"
#include "models/ave.h"

#define WINDOW_FLOATS ((size_t)ST_AVE_BANDS * ST_AVE_STEPS)
#define WINDOW_MIDDLE 1500 /* samples from the centre of its first row: 7.5 rows */

#define HEAR_SOUNDS 3 /* instants at which the viseme is asked for, HEAR_STEP_S apart */
#define HEAR_SOUND_NOW 1
#define HEAR_MOUTHS 5 /* at which the mouth is, HEAR_STEP_S / 2 apart */
#define HEAR_MOUTH_NOW 2
#define HEAR_STEP_S 0.08

enum hear_measure { HEAR_OPENING, HEAR_WIDTH, HEAR_ROUND, HEAR_MEASURES };

struct hear_target {
    enum viseme visemes[HEAR_SOUNDS];
    float mouth[HEAR_MOUTHS][HEAR_MEASURES]; /* opening 0..1, width -1..1, round 0..1 */
    float speech;                            /* 1, or 0 in a pause */
};

/* At `seconds` of the utterance, when it is played `speed` times as fast. */
void hear_target_at(struct hear_target *target, const struct hear_utterance *utterance,
                    double seconds, double speed);

/* All rows of a recording. *rows [*count, 80] is malloc'ed. */
synctalk_status hear_mel(float **rows, size_t *count, const float *samples, size_t sample_count,
                         synctalk_error *err);

/* Rows start...start + 15, as [80, 16]. */
void hear_window(float window[WINDOW_FLOATS], const float *rows, size_t start);

/* Every window of a recording, as inference cuts them: *windows [*count, 80, 16], malloc'ed,
 * and the middle of each in seconds, *middles [*count], malloc'ed. */
synctalk_status hear_windows(float **windows, double **middles, size_t *count, const float *samples,
                             size_t sample_count, synctalk_error *err);

#endif /* HEAR_WINDOWS_H */
