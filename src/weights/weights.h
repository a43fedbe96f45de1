/* SPDX-License-Identifier: Apache-2.0 */
/* Named tensors in files: PyTorch's zip form, safetensors, ONNX, NumPy's .npy and .npz.
 *
 * A struct st_weights maps its file and hands out views; nothing is copied until a
 * network asks for f32. This folder knows formats, and no network: which tensors are
 * needed, and what they mean, is the business of models/.
 *
 * Every number read from a file is bounded before it sizes, offsets or counts anything.
 * A pickle is parsed by a machine that knows tensors, dicts, lists, numbers and strings;
 * it imports and calls nothing.
 *
 * Threads: immutable once open, shareable.
 */
#ifndef ST_WEIGHTS_WEIGHTS_H
#define ST_WEIGHTS_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synctalk/status.h"

#define ST_MAX_RANK 8
#define ST_MAX_TENSORS 65536

enum st_dtype {
    ST_F32,
    ST_F16,
    ST_BF16,
    ST_F64,
    ST_I64,
    ST_I32,
    ST_I16,
    ST_I8,
    ST_U8,
    ST_BOOL,
};

size_t st_dtype_size(enum st_dtype dtype);      /* bytes of one element */
const char *st_dtype_name(enum st_dtype dtype); /* "f32" ... as in synctalk_tensor_info */

/* A view of one tensor. `data` is inside its file's map (or inside memory that the
 * st_weights owns, for compressed members) and need not be aligned. */
struct st_tensor {
    const char *name;
    enum st_dtype dtype;
    int rank;
    size_t dims[ST_MAX_RANK];
    size_t strides[ST_MAX_RANK]; /* in elements; row-major unless the file says otherwise */
    size_t count;                /* product of dims; 1 for rank 0 */
    const uint8_t *data;         /* element [0, ..., 0], little-endian */
};

struct st_weights;

/* Open by content. The pre-1.6 PyTorch form is refused by name, with the remedy. State
 * dicts are found bare or under `state_dict`, `model`, `net` or `pfld_backbone`; a
 * `module.` prefix is dropped from every name. */
synctalk_status st_weights_open(struct st_weights **out, const char *path, synctalk_error *err);
/* The same for bytes in memory, borrowed until close; `label` stands in messages. */
synctalk_status st_weights_open_memory(struct st_weights **out, const char *label,
                                       const uint8_t *bytes, size_t size, synctalk_error *err);
void st_weights_close(struct st_weights **weights);

/* A set made in memory, for tools, tests and benchmarks. add() copies name and data
 * (row-major, `dims` of `rank`). */
synctalk_status st_weights_create(struct st_weights **out, const char *label, synctalk_error *err);
synctalk_status st_weights_add_f32(struct st_weights *weights, const char *name, int rank,
                                   const size_t *dims, const float *data, synctalk_error *err);
synctalk_status st_weights_add_i64(struct st_weights *weights, const char *name, int rank,
                                   const size_t *dims, const int64_t *data, synctalk_error *err);
synctalk_status st_weights_add_metadata(struct st_weights *weights, const char *key,
                                        const char *value, synctalk_error *err);

const char *st_weights_path(const struct st_weights *weights);   /* file, or the label */
const char *st_weights_format(const struct st_weights *weights); /* "PyTorch", "safetensors", ... */
size_t st_weights_count(const struct st_weights *weights);
const struct st_tensor *st_weights_at(const struct st_weights *weights, size_t index);
const struct st_tensor *st_weights_find(const struct st_weights *weights, const char *name);

/* Metadata (safetensors' __metadata__; the strings beside a state dict), or NULL. */
const char *st_weights_metadata(const struct st_weights *weights, const char *key);
bool st_weights_metadata_at(const struct st_weights *weights, size_t index, const char **key,
                            const char **value);

/* Convert all elements to f32, row-major, whatever dtype and strides. */
void st_tensor_to_f32(const struct st_tensor *tensor, float *dst);

/* Find `name`, check its shape, convert to f32 into `dst` (product of dims floats).
 * E_MODEL with file, name, shape found and shape needed. */
synctalk_status st_weights_take_f32(const struct st_weights *weights, const char *name, int rank,
                                    const size_t *dims, float *dst, synctalk_error *err);

/* Write every tensor of `weights`, floats as `dtype` (F32 or F16), integers as they are,
 * plus its metadata and `extra_key`/`extra_value` where not NULL. Whole or not at all: E_ARG,
 * naming the tensor, where a finite number is beyond what `dtype` holds. */
synctalk_status st_weights_write_safetensors(const struct st_weights *weights, const char *path,
                                             enum st_dtype dtype, const char *extra_key,
                                             const char *extra_value, bool overwrite,
                                             synctalk_error *err);
/* A zip that torch.load() reads: an OrderedDict of contiguous f32 (integers as they are).
 * Metadata goes into extra keys of the archive, where torch.load() does not look. */
synctalk_status st_weights_write_pth(const struct st_weights *weights, const char *path,
                                     const char *extra_key, const char *extra_value, bool overwrite,
                                     synctalk_error *err);

#endif /* ST_WEIGHTS_WEIGHTS_H */
