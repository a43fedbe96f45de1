/* SPDX-License-Identifier: Apache-2.0 */
/* HuBERT, an audio encoder of Hugging Face's making: a piece of sound to 50 rows a second.
 *
 * Convolutions over the samples, a convolution that tells positions, layers of attention;
 * docs/MODEL.md has all of it. Weights are packed once, in f32 or, where the CPU multiplies
 * bf16, in bf16. A struct st_hubert is immutable and shareable; a struct st_hubert_run is
 * one caller's, holds a piece and nothing that grows, and has threads of its own.
 */
#ifndef ST_MODELS_HUBERT_H
#define ST_MODELS_HUBERT_H

#include <stddef.h>

#include "models/encoder.h"
#include "models/hubert_config.h"

#define ST_HUBERT_PIECE_ROWS 1000 /* that a piece has at most: 20 seconds */

struct st_hubert;
struct st_hubert_run;

/* `path`: a folder with model.safetensors or pytorch_model.bin and config.json, or one of
 * the two, with config.json beside it. */
synctalk_status st_hubert_open(struct st_hubert **out, const char *path,
                               const struct st_encoder_options *options, synctalk_error *err);
void st_hubert_close(struct st_hubert **hubert); /* NULL-safe; all its runs are gone */

const struct st_hubert_config *st_hubert_config(const struct st_hubert *hubert);
size_t st_hubert_weight_bytes(const struct st_hubert *hubert); /* packed */
const char *st_hubert_element(const struct st_hubert *hubert); /* "f32", "bf16" */

/* `hubert` is borrowed until close. */
synctalk_status st_hubert_run_open(struct st_hubert_run **out, const struct st_hubert *hubert,
                                   synctalk_error *err);
void st_hubert_run_close(struct st_hubert_run **run); /* NULL-safe */

/* From now on a piece ends with E_CANCELLED soon after `stop`, borrowed until close. */
void st_hubert_run_stop_by(struct st_hubert_run *run, const struct st_stop *stop);

/* The last hidden state of `samples`, which are normalised already: [rows, hidden], the rows
 * of st_hubert_config_rows(), 1 to ST_HUBERT_PIECE_ROWS of them. */
synctalk_status st_hubert_run(struct st_hubert_run *run, const float *samples, size_t count,
                              float *out, synctalk_error *err);

#endif /* ST_MODELS_HUBERT_H */
