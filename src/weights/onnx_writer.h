/* SPDX-License-Identifier: Apache-2.0 */
/* Writing ONNX files: a graph of named values, one node after the other.
 *
 * Protocol buffers by hand. Source: onnx/onnx.proto3 of ONNX 1.8 (IR version 7) and
 * protobuf's encoding guide. What is written needs no more than operator set 13.
 *
 *     st_onnx_create(&onnx, "unet", err);
 *     st_onnx_input(onnx, "x", 3, (size_t[]){8, 20, 20});
 *     st_onnx_tensor(onnx, "w", 4, dims, values);
 *     st_onnx_node(onnx, "Conv", "y", (const char *[]){"x", "w", NULL}, attributes);
 *     st_onnx_output(onnx, "y", 3, ...);
 *     st_onnx_write(onnx, path, overwrite, err);       the first error of all of the above
 */
#ifndef ST_WEIGHTS_ONNX_WRITER_H
#define ST_WEIGHTS_ONNX_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synctalk/status.h"

#define ST_ONNX_INTS_MAX 4

/* A node's attribute; tables end with one without a name. A text, or whole numbers. */
struct st_onnx_attribute {
    const char *name;
    const char *text;
    int count; /* of numbers; 0: a single one that is no list */
    int64_t ints[ST_ONNX_INTS_MAX];
};

struct st_onnx;

synctalk_status st_onnx_create(struct st_onnx **out, const char *name, synctalk_error *err);
void st_onnx_destroy(struct st_onnx **onnx); /* NULL-safe */

/* [N, dims...] f32, N free. */
void st_onnx_input(struct st_onnx *onnx, const char *name, int rank, const size_t *dims);
void st_onnx_output(struct st_onnx *onnx, const char *name, int rank, const size_t *dims);

/* A constant, copied. */
void st_onnx_tensor(struct st_onnx *onnx, const char *name, int rank, const size_t *dims,
                    const float *data);

/* output = op(inputs). Inputs end with NULL; "" is one that is left out. */
void st_onnx_node(struct st_onnx *onnx, const char *op, const char *output,
                  const char *const *inputs, const struct st_onnx_attribute *attributes);

void st_onnx_metadata(struct st_onnx *onnx, const char *key, const char *value);

/* Whole or not at all. E_MEMORY where anything did not fit before. */
synctalk_status st_onnx_write(const struct st_onnx *onnx, const char *path, bool overwrite,
                              synctalk_error *err);

#endif /* ST_WEIGHTS_ONNX_WRITER_H */
