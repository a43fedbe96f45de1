/* SPDX-License-Identifier: Apache-2.0 */
/* Reports on what the encoder hears, for people. */
#ifndef HEAR_REPORT_H
#define HEAR_REPORT_H

#include <stdio.h>

#include "hear/hearing.h"
#include "hear/lessons.h"

/* One row for each voice of the corpus, clean, all windows as inference cuts them; then one
 * for all and, where `confusion`, its table; then one of lessons, changed as in training.
 * *share: of all clean windows, those whose viseme was heard right. */
synctalk_status report_voices(FILE *file, struct hearing *hearing, const struct hear_corpus *corpus,
                              struct st_pool *pool, bool confusion, double *share,
                              synctalk_error *err);

/* Size of features over the corpus: what hearing_scale() needs and a reader wants to know. */
struct feature_size {
    double mean, deviation, rms, largest, zeros; /* zeros: their share */
    int dead;                                    /* features that are never above 0 */
};

synctalk_status report_features(struct feature_size *size, struct hearing *hearing,
                                const struct hear_corpus *corpus, synctalk_error *err);

/* How well pauses are told from speech in a recording. `probabilities` is a .npy of one
 * probability of speech for each 512 samples. Printed: area under the curve of the head's
 * answer, of a linear probe of the features that learns on the first half (judged on the
 * second), and of the level of the sound; then of each once pauses were made as loud as
 * speech, so that what is left is the kind of sound. */
synctalk_status report_recording(FILE *file, struct hearing *hearing, const char *audio,
                                 const char *probabilities, synctalk_error *err);

#endif /* HEAR_REPORT_H */
