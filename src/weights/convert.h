/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of one type into another, and strided tensors into runs of bytes. */
#ifndef ST_WEIGHTS_CONVERT_H
#define ST_WEIGHTS_CONVERT_H

#include "weights/weights.h"

/* Walks the elements of a tensor in row-major order, whatever its strides. */
struct st_tensor_cursor {
    const uint8_t *data; /* element [0, ..., 0] */
    size_t size;         /* bytes of an element */
    int rank;
    size_t dims[ST_MAX_RANK], strides[ST_MAX_RANK], index[ST_MAX_RANK];
    size_t left; /* elements not gathered yet */
};

void st_tensor_cursor_init(struct st_tensor_cursor *cursor, const struct st_tensor *tensor);
/* Copy the next elements, at most `most`, to `raw`, packed; returns how many, 0 at the end. */
size_t st_tensor_gather(struct st_tensor_cursor *cursor, uint8_t *raw, size_t most);

/* `raw` holds `count` packed little-endian elements and need not be aligned. */
void st_elements_to_f32(enum st_dtype dtype, const uint8_t *raw, size_t count, float *dst);
/* Exact for every type but i64, whose values above 2^53 are rounded. */
void st_elements_to_f64(enum st_dtype dtype, const uint8_t *raw, size_t count, double *dst);

/* Round to nearest, ties to even; beyond the range infinity; NaN stays NaN. */
void st_f32_to_f16(const float *src, size_t count, uint16_t *dst);

bool st_dtype_is_float(enum st_dtype dtype);

#endif /* ST_WEIGHTS_CONVERT_H */
