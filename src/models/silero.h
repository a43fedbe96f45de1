/* SPDX-License-Identifier: Apache-2.0 */
/* Silero VAD v5 and v6 at 16 kHz: a chunk of sound to a probability of speech.
 *
 * From a file of named tensors it runs here, on one thread; the published ONNX file of 16 kHz is
 * such a file too. ONNX Runtime runs other ONNX files. Its probabilities differ from the reference
 * by up to 2.2e-5 in two recordings, where these differ by 6e-7: the terms of the convolutions
 * cancel, so that the order of their sums shows, and here it is that of the reference
 * (docs/MODEL.md). Both keep a state from chunk to chunk: one recording from open to close.
 */
#ifndef ST_MODELS_SILERO_H
#define ST_MODELS_SILERO_H

#include <stdbool.h>
#include <stddef.h>

#include "weights/weights.h"

#define ST_SILERO_CHUNK 512
#define ST_SILERO_CONTEXT 64 /* samples of the chunk before, zeros at first, that go in again */
#define ST_SILERO_INPUT (ST_SILERO_CONTEXT + ST_SILERO_CHUNK)
#define ST_SILERO_STATE 128

struct st_silero;
struct st_silero_onnx;

/* Whether all tensors are there, by either of their names. */
bool st_silero_fits(const struct st_weights *weights);

/* Tensors named as in silero_vad_16k_v6.safetensors or in silero_vad_16k_op15.onnx. `weights` is
 * borrowed for the call. */
synctalk_status st_silero_open(struct st_silero **out, const struct st_weights *weights,
                               synctalk_error *err);
void st_silero_close(struct st_silero **silero); /* NULL-safe */

/* `x` [ST_SILERO_INPUT]: context, then the next chunk. Allocates nothing, cannot fail. */
float st_silero_run(struct st_silero *silero, const float *x);

/* The same network in an ONNX file. `library` as in struct st_onnx_settings. E_MODEL where
 * the file's inputs and outputs are not those of Silero VAD. */
synctalk_status st_silero_onnx_open(struct st_silero_onnx **out, const char *path,
                                    const char *library, synctalk_error *err);
void st_silero_onnx_close(struct st_silero_onnx **silero); /* NULL-safe */
synctalk_status st_silero_onnx_run(struct st_silero_onnx *silero, const float *x,
                                   float *probability, synctalk_error *err);

/* Weights of the right shapes, for tests and benchmarks. */
synctalk_status st_silero_random(struct st_weights **out, uint64_t seed, synctalk_error *err);

#endif /* ST_MODELS_SILERO_H */
