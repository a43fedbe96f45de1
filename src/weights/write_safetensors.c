/* SPDX-License-Identifier: Apache-2.0 */
/* Writing safetensors. The header lists tensors in the set's order; the data is ordered by
 * size of element, largest first, so that every tensor is aligned to its elements.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/file.h"
#include "weights/bytes.h"
#include "weights/set.h"
#include "weights/write.h"

#define LENGTH_BYTES 8u

static const char *dtype_name(enum st_dtype dtype)
{
    static const char *const names[] = {
        [ST_F32] = "F32", [ST_F16] = "F16",   [ST_BF16] = "BF16", [ST_F64] = "F64",
        [ST_I64] = "I64", [ST_I32] = "I32",   [ST_I16] = "I16",   [ST_I8] = "I8",
        [ST_U8] = "U8",   [ST_BOOL] = "BOOL",
    };
    return names[dtype];
}

static json_t *metadata_object(const struct st_weights *weights, const char *extra_key,
                               const char *extra_value)
{
    json_t *pairs = json_object();
    int failed = pairs ? 0 : -1;
    for (size_t i = 0; !failed && i < weights->metadata_count; i++)
        failed = json_object_set_new(pairs, weights->metadata[i].key,
                                     json_string(weights->metadata[i].value));
    if (!failed && extra_key && extra_value)
        failed = json_object_set_new(pairs, extra_key, json_string(extra_value));
    if (failed) {
        json_decref(pairs);
        return NULL;
    }
    return pairs;
}

/* {"dtype": ..., "shape": [...], "data_offsets": [begin, end]} */
static json_t *tensor_entry(const struct st_tensor *tensor, enum st_dtype written, uint64_t begin)
{
    uint64_t end = begin + tensor->count * st_dtype_size(written);
    json_t *shape = json_array();
    int failed = shape ? 0 : -1;
    for (int axis = 0; !failed && axis < tensor->rank; axis++)
        failed = json_array_append_new(shape, json_integer((json_int_t)tensor->dims[axis]));
    if (failed) {
        json_decref(shape);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype_name(written), "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)end);
}

/* Where each tensor's data begins, for elements of 8, 4, 2 and 1 bytes in turn. */
static void place_tensors(const struct st_weights *weights, enum st_dtype floats, uint64_t *begins)
{
    uint64_t at = 0;
    for (size_t size = 8; size > 0; size /= 2) {
        for (size_t i = 0; i < weights->count; i++) {
            const struct st_tensor *tensor = &weights->tensors[i];
            if (st_dtype_size(st_written_dtype(tensor, floats)) != size)
                continue;
            begins[i] = at;
            at += tensor->count * size;
        }
    }
}

/* The header as malloc'ed text; NULL without memory. */
static char *make_header(const struct st_weights *weights, enum st_dtype floats,
                         const uint64_t *begins, const char *extra_key, const char *extra_value)
{
    char *text = NULL;
    json_t *header = json_object();
    int failed = header ? 0 : -1;

    if (!failed && (weights->metadata_count || (extra_key && extra_value)))
        failed = json_object_set_new(header, "__metadata__",
                                     metadata_object(weights, extra_key, extra_value));
    for (size_t i = 0; !failed && i < weights->count; i++) {
        const struct st_tensor *tensor = &weights->tensors[i];
        enum st_dtype written = st_written_dtype(tensor, floats);
        failed =
            json_object_set_new(header, tensor->name, tensor_entry(tensor, written, begins[i]));
    }
    if (!failed)
        text = json_dumps(header, JSON_COMPACT);
    json_decref(header);
    return text;
}

static synctalk_status write_header(struct st_output *output, const char *text, synctalk_error *err)
{
    static const char blanks[8] = "        ";
    size_t length = strlen(text);
    size_t padding = (8 - length % 8) % 8;
    uint8_t head[LENGTH_BYTES];
    synctalk_status st;

    st_put_u64(head, length + padding);
    if ((st = st_output_write(output, head, sizeof head, err)) ||
        (st = st_output_write(output, text, length, err)))
        return st;
    return st_output_write(output, blanks, padding, err);
}

static synctalk_status to_output(void *context, const void *bytes, size_t size, synctalk_error *err)
{
    return st_output_write(context, bytes, size, err);
}

static synctalk_status write_data(const struct st_weights *weights, enum st_dtype floats,
                                  struct st_output *output, synctalk_error *err)
{
    synctalk_status st;
    for (size_t size = 8; size > 0; size /= 2) {
        for (size_t i = 0; i < weights->count; i++) {
            const struct st_tensor *tensor = &weights->tensors[i];
            enum st_dtype written = st_written_dtype(tensor, floats);
            if (st_dtype_size(written) != size)
                continue;
            if ((st = st_stream_tensor(weights->path, tensor, written, to_output, output, err)))
                return st;
        }
    }
    return SYNCTALK_OK;
}

synctalk_status st_weights_write_safetensors(const struct st_weights *weights, const char *path,
                                             enum st_dtype dtype, const char *extra_key,
                                             const char *extra_value, bool overwrite,
                                             synctalk_error *err)
{
    struct st_output output = {.fd = -1};
    char *header = NULL;
    synctalk_status st;

    if (dtype != ST_F32 && dtype != ST_F16)
        return st_fail(err, SYNCTALK_E_ARG, "%s: safetensors are written as f32 or f16, not %s",
                       path, st_dtype_name(dtype));
    uint64_t *begins = calloc(weights->count + 1, sizeof *begins);
    if (begins) {
        place_tensors(weights, dtype, begins);
        header = make_header(weights, dtype, begins, extra_key, extra_value);
    }
    if (!header) {
        st = st_fail_memory(err, "a safetensors header", weights->count * sizeof *begins);
        goto done;
    }
    if ((st = st_output_open(&output, path, overwrite, err)) ||
        (st = write_header(&output, header, err)) ||
        (st = write_data(weights, dtype, &output, err)))
        goto done;
    st = st_output_commit(&output, overwrite, err);

done:
    st_output_close(&output);
    free(header);
    free(begins);
    return st;
}
