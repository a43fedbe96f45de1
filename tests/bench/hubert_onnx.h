/* SPDX-License-Identifier: Apache-2.0 */
/* A HuBERT with layer norms as an ONNX graph, in the operators that an export from PyTorch
 * leaves: ONNX Runtime finds its own fused layer norms and GELUs in them. */
#ifndef ST_BENCH_HUBERT_ONNX_H
#define ST_BENCH_HUBERT_ONNX_H

#include "models/hubert_config.h"
#include "weights/weights.h"

/* [N, 1, samples] -> [N, rows, hidden], to be run with N = 1. */
synctalk_status hubert_onnx_write(const struct st_hubert_config *config,
                                  const struct st_weights *weights, size_t samples,
                                  const char *path, synctalk_error *err);

#endif /* ST_BENCH_HUBERT_ONNX_H */
