/* SPDX-License-Identifier: Apache-2.0 */
/* Voice activity without a network: a likelihood ratio test over a tracked noise floor.
 *
 *     1024-point spectrum a chunk - 48 mel bands - noise power - ratio test + periodicity
 *     - two-state hidden Markov model, smoothed with a fixed lag
 *
 * It tells sound that stands out of steady noise, and sounds voiced, from the rest; music
 * and other voices count as speech.
 *
 * Sources. Ratio test and Markov model: Sohn, Kim, Sung, "A statistical model-based voice
 * activity detection", IEEE Signal Processing Letters 6(1), 1999. A priori ratio: Ephraim,
 * Malah, "Speech enhancement using a minimum mean-square error short-time spectral
 * amplitude estimator", 1984, equation 51. Noise: Gerkmann, Hendriks, "Unbiased MMSE-based
 * noise power estimation with low complexity and low tracking delay", IEEE Transactions on
 * Audio, Speech and Language Processing 20(4), 2012. Periodicity: the generalised
 * autocorrelation of Tolonen, Karjalainen, "A computationally efficient multipitch analysis
 * model", 2000. Smoothing: Rabiner, "A tutorial on hidden Markov models", 1989.
 */
#ifndef ST_AUDIO_VAD_BUILTIN_H
#define ST_AUDIO_VAD_BUILTIN_H

#include <stdbool.h>

#include "audio/vad_rules.h"

/* Chunks that a probability comes after its own. */
#define ST_VAD_BUILTIN_DELAY 9

struct st_vad_builtin;

synctalk_status st_vad_builtin_create(struct st_vad_builtin **out, synctalk_error *err);
void st_vad_builtin_destroy(struct st_vad_builtin **vad); /* NULL-safe */

/* The next chunk of ST_VAD_CHUNK finite samples at 16 kHz, at most some thirty times full
 * scale. True: *probability is that of the chunk ST_VAD_BUILTIN_DELAY before it. */
bool st_vad_builtin_push(struct st_vad_builtin *vad, const float *chunk, float *probability);

/* There are no more chunks: one of the probabilities that are left, in order. False: none. */
bool st_vad_builtin_flush(struct st_vad_builtin *vad, float *probability);

#endif /* ST_AUDIO_VAD_BUILTIN_H */
