/* SPDX-License-Identifier: Apache-2.0 */
/* What the writers share: tensors as a stream of packed elements of the wanted type. */
#ifndef ST_WEIGHTS_WRITE_H
#define ST_WEIGHTS_WRITE_H

#include "weights/convert.h"
#include "weights/weights.h"

/* Takes the next bytes of a tensor. */
typedef synctalk_status (*st_sink)(void *context, const void *bytes, size_t size,
                                   synctalk_error *err);

/* The type that `tensor` is written as: `floats` (F32 or F16) or its own. */
enum st_dtype st_written_dtype(const struct st_tensor *tensor, enum st_dtype floats);

/* Convert `tensor` of the set `file` in blocks and hand each to `sink`. E_ARG where a finite number
 * is beyond what `written` holds: it would become infinite. */
synctalk_status st_stream_tensor(const char *file, const struct st_tensor *tensor,
                                 enum st_dtype written, st_sink sink, void *context,
                                 synctalk_error *err);

#endif /* ST_WEIGHTS_WRITE_H */
