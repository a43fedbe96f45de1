/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a struct st_weights, for the readers and writers of this folder. */
#ifndef ST_WEIGHTS_SET_H
#define ST_WEIGHTS_SET_H

#include "base/file.h"
#include "weights/arena.h"
#include "weights/weights.h"

#define ST_MAX_NAME 1024                        /* bytes of a tensor's name */
#define ST_MAX_METADATA 1024                    /* pairs */
#define ST_MAX_METADATA_BYTES ((size_t)1 << 20) /* of one value */

struct st_zip;

struct st_metadata {
    const char *key, *value; /* in the arena */
};

struct st_weights {
    const char *path;      /* in the arena */
    const char *format;    /* static */
    struct st_mapping map; /* owned; empty for bytes in memory */
    const uint8_t *bytes;  /* what the readers parse: the map, or borrowed memory */
    size_t size;           /* of `bytes` */
    struct st_arena arena; /* owns names, metadata, inflated members */
    struct st_tensor *tensors;
    size_t count, capacity;
    uint32_t *order; /* [count] indices of `tensors`, sorted by name */
    struct st_metadata *metadata;
    size_t metadata_count, metadata_capacity;
};

/* Append a tensor; `name` is copied, without a `module.` before it. Refuses an unprintable,
 * overlong or second name, and more than ST_MAX_TENSORS. The caller has bounded dims, strides and
 * data. */
synctalk_status st_weights_append(struct st_weights *weights, const char *name, size_t name_length,
                                  const struct st_tensor *tensor, synctalk_error *err);

/* Add or replace a pair, both copied. */
synctalk_status st_weights_note(struct st_weights *weights, const char *key, size_t key_length,
                                const char *value, size_t value_length, synctalk_error *err);

/* Fill strides for row-major and count from rank and dims. False where a product, dims of
 * 0 taken as 1, times the element's size does not fit: no such tensor can exist. */
bool st_tensor_layout(struct st_tensor *tensor);

/* The readers, each for one format; `weights` has path, bytes and size. */
synctalk_status st_read_pth(struct st_weights *weights, const struct st_zip *zip,
                            synctalk_error *err);
synctalk_status st_read_safetensors(struct st_weights *weights, synctalk_error *err);
bool st_is_onnx(const struct st_weights *weights);
synctalk_status st_read_onnx(struct st_weights *weights, synctalk_error *err);
synctalk_status st_read_npy(struct st_weights *weights, synctalk_error *err);
synctalk_status st_read_npz(struct st_weights *weights, const struct st_zip *zip,
                            synctalk_error *err);

#endif /* ST_WEIGHTS_SET_H */
