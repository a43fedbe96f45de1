/* SPDX-License-Identifier: Apache-2.0 */
/* Voice activity detection, whichever detector: samples in, one probability of speech for
 * each chunk of ST_VAD_CHUNK samples out, as a stream of constant memory.
 *
 *     struct st_vad *vad;                        one recording, one thread
 *     st_vad_open(&vad, NULL, NULL, err);        NULL: the built-in detector
 *     while (samples)  st_vad_push(vad, pcm, n, err), pull until 0
 *     st_vad_finish(vad, err), pull until 0
 *     st_vad_close(&vad);
 *
 * n samples give ceil(n / ST_VAD_CHUNK) probabilities; the last chunk is filled with zeros.
 * How the sound is cut into pushes changes nothing.
 */
#ifndef ST_MODELS_VAD_H
#define ST_MODELS_VAD_H

#include <stddef.h>

#include "audio/vad_rules.h"

#define ST_VAD_PUSH_MOST 16000

struct st_vad;

/* `path`: Silero VAD as safetensors, PyTorch or ONNX (by the name's .onnx), or NULL: the
 * built-in detector. `library` as in struct st_onnx_settings; used for ONNX files whose
 * tensors are not named as in the published one of 16 kHz. */
synctalk_status st_vad_open(struct st_vad **out, const char *path, const char *library,
                            synctalk_error *err);
void st_vad_close(struct st_vad **vad);            /* NULL-safe */
const char *st_vad_name(const struct st_vad *vad); /* "built-in", "silero"; static */

/* Mono f32 at 16 kHz, at most ST_VAD_PUSH_MOST a call. What is not finite counts as 0. */
synctalk_status st_vad_push(struct st_vad *vad, const float *samples, size_t count,
                            synctalk_error *err);
synctalk_status st_vad_finish(struct st_vad *vad, synctalk_error *err);

/* Up to `capacity` probabilities, in order; returns how many. */
size_t st_vad_pull(struct st_vad *vad, float *probabilities, size_t capacity);

#endif /* ST_MODELS_VAD_H */
