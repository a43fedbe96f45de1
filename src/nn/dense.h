/* SPDX-License-Identifier: Apache-2.0 */
/* Layers over sequences of rows, on oneDNN: convolutions in one dimension, of which linear
 * layers are those with a kernel of one row, and matrix products.
 *
 * Rows are row-major with the channels innermost. Every layer has a fixed number of rows,
 * so a caller splits a sequence into blocks, gives each block to a thread, and pads the
 * last. One primitive runs on one thread: results do not depend on their number. A struct
 * st_dense_layer is immutable and shared; a struct st_dense_worker is one thread's.
 *
 * Elements are f32 or bf16; sums are f32 either way, and so are biases.
 */
#ifndef ST_NN_DENSE_H
#define ST_NN_DENSE_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/rows.h"
#include "synctalk/status.h"

struct st_dense;
struct st_dense_layer;
struct st_dense_worker;

/* `flags`: SYNCTALK_CPU_* bits that may be used. */
synctalk_status st_dense_create(struct st_dense **out, unsigned flags, synctalk_error *err);
/* NULL-safe; all its workers are gone. Ends its layers. */
void st_dense_destroy(struct st_dense **dense);

/* dst [rows, K] = act(conv(src [(rows - 1) stride + kernel, C]) + bias + add) */
struct st_dense_conv {
    size_t C, K; /* channels read and written */
    size_t kernel, stride;
    size_t rows; /* written */
    enum st_row_element src, dst;
    bool gelu; /* exact; not together with add */
    bool add;  /* to what dst holds */
};

/* `weights` [K, C, kernel] and `bias` [K] or NULL (zeros) are borrowed for the call. The
 * layer lives as long as `dense`. */
synctalk_status st_dense_add_conv(struct st_dense_layer **out, struct st_dense *dense,
                                  const struct st_dense_conv *conv, const float *weights,
                                  const float *bias, synctalk_error *err);

/* dst [M, N] = a [M, K] b. */
struct st_dense_product {
    size_t M, K, N;
    bool transposed; /* b is [N, K], else [K, N]; N is then a multiple of 16 in bf16 */
    enum st_row_element src, dst;
};

synctalk_status st_dense_add_product(struct st_dense_layer **out, struct st_dense *dense,
                                     const struct st_dense_product *product, synctalk_error *err);

size_t st_dense_weight_bytes(const struct st_dense *dense); /* packed */
/* oneDNN's name of the code that runs a layer. */
const char *st_dense_layer_name(const struct st_dense_layer *layer);

/* After the last layer has been added. */
synctalk_status st_dense_worker_create(struct st_dense_worker **out, const struct st_dense *dense,
                                       synctalk_error *err);
void st_dense_worker_destroy(struct st_dense_worker **worker); /* NULL-safe */
size_t st_dense_worker_bytes(const struct st_dense *dense);

/* `b` is NULL for a convolution. */
synctalk_status st_dense_run(const struct st_dense_layer *layer, struct st_dense_worker *worker,
                             const void *a, const void *b, void *dst, synctalk_error *err);

#endif /* ST_NN_DENSE_H */
