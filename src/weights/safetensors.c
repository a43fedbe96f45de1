/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors: 8 bytes of header length, a JSON header, the data. Every byte of the data
 * belongs to exactly one tensor.
 * Source: the format's description in its README (github.com/huggingface/safetensors).
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/memory.h"
#include "weights/bytes.h"
#include "weights/set.h"

#define LENGTH_BYTES 8u
#define MAX_HEADER_BYTES ((uint64_t)100000000)
/* Each JSON value follows one of these signs, so that their count bounds what parsing
 * costs: about 30 per tensor are needed. */
#define MAX_JSON_SIGNS (32 * (size_t)ST_MAX_TENSORS)

struct range {
    uint64_t begin, end; /* bytes of the data */
    size_t tensor;
};

static const struct {
    const char *name;
    enum st_dtype dtype;
} dtypes[] = {
    {"F32", ST_F32}, {"F16", ST_F16}, {"BF16", ST_BF16}, {"F64", ST_F64}, {"I64", ST_I64},
    {"I32", ST_I32}, {"I16", ST_I16}, {"I8", ST_I8},     {"U8", ST_U8},   {"BOOL", ST_BOOL},
};

static bool parse_dtype(const char *name, enum st_dtype *dtype)
{
    for (size_t i = 0; name && i < sizeof dtypes / sizeof *dtypes; i++) {
        if (strcmp(name, dtypes[i].name) == 0) {
            *dtype = dtypes[i].dtype;
            return true;
        }
    }
    return false;
}

static synctalk_status parse_header(const struct st_weights *weights, json_t **header,
                                    size_t *data_start, synctalk_error *err)
{
    uint64_t length = st_get_u64(weights->bytes);
    const char *text = (const char *)weights->bytes + LENGTH_BYTES;
    json_error_t error;
    size_t signs = 0;

    if (length > weights->size - LENGTH_BYTES)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: claims a safetensors header of %llu bytes in a file of %zu",
                       weights->path, (unsigned long long)length, weights->size);
    if (length > MAX_HEADER_BYTES)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: its header has %llu bytes, at most %llu",
                       weights->path, (unsigned long long)length,
                       (unsigned long long)MAX_HEADER_BYTES);
    for (size_t i = 0; i < length; i++)
        signs += text[i] == ',' || text[i] == '[' || text[i] == '{' || text[i] == ':';
    if (signs > MAX_JSON_SIGNS)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: its header holds more than %d tensors can need",
                       weights->path, ST_MAX_TENSORS);

    *header = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    /* Out of memory jansson says so, or nothing. */
    if (!*header && (!error.text[0] || json_error_code(&error) == json_error_out_of_memory))
        return st_fail_memory(err, "a safetensors header", length);
    if (!*header)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: its safetensors header is damaged: %s",
                       weights->path, error.text);
    if (!json_is_object(*header))
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: its safetensors header is not an object",
                       weights->path);
    *data_start = LENGTH_BYTES + (size_t)length;
    return SYNCTALK_OK;
}

static synctalk_status read_metadata(struct st_weights *weights, json_t *pairs, synctalk_error *err)
{
    const char *key;
    json_t *value;
    synctalk_status st;

    if (!json_is_object(pairs))
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: its __metadata__ is not an object",
                       weights->path);
    json_object_foreach(pairs, key, value)
    {
        if (!json_is_string(value))
            return st_fail(err, SYNCTALK_E_FORMAT, "%s: its __metadata__ holds more than strings",
                           weights->path);
        if ((st = st_weights_note(weights, key, strlen(key), json_string_value(value),
                                  json_string_length(value), err)))
            return st;
    }
    return SYNCTALK_OK;
}

static bool get_number(const json_t *array, size_t index, uint64_t *number)
{
    const json_t *item = json_array_get(array, index);
    if (!json_is_integer(item) || json_integer_value(item) < 0)
        return false;
    *number = (uint64_t)json_integer_value(item);
    return true;
}

static synctalk_status read_tensor(struct st_weights *weights, const char *name,
                                   const json_t *entry, size_t data_start, struct range *range,
                                   synctalk_error *err)
{
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    size_t data_bytes = weights->size - data_start;
    struct st_tensor tensor = {0};

    if (!parse_dtype(dtype, &tensor.dtype))
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: tensor %.200s has type %.20s; F64, F32, F16, BF16, I64, I32, I16, I8, "
                       "U8 and BOOL are read",
                       weights->path, name, dtype ? dtype : "none");
    if (!json_is_array(shape) || json_array_size(shape) > ST_MAX_RANK)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: tensor %.200s has no shape of up to %d dimensions", weights->path, name,
                       ST_MAX_RANK);
    tensor.rank = (int)json_array_size(shape);
    for (int axis = 0; axis < tensor.rank; axis++) {
        uint64_t dim;
        if (!get_number(shape, (size_t)axis, &dim))
            return st_fail(err, SYNCTALK_E_FORMAT,
                           "%s: the shape of tensor %.200s is not of numbers >= 0", weights->path,
                           name);
        tensor.dims[axis] = (size_t)dim;
    }
    if (json_array_size(offsets) != 2 || !get_number(offsets, 0, &range->begin) ||
        !get_number(offsets, 1, &range->end) || range->begin > range->end ||
        range->end > data_bytes)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: tensor %.200s does not lie inside the %zu bytes of data: the file is "
                       "truncated or damaged",
                       weights->path, name, data_bytes);
    if (!st_tensor_layout(&tensor) ||
        tensor.count * st_dtype_size(tensor.dtype) != range->end - range->begin)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: tensor %.200s has %llu bytes, not what its shape and type need",
                       weights->path, name, (unsigned long long)(range->end - range->begin));
    tensor.data = weights->bytes + data_start + range->begin;
    range->tensor = weights->count;
    return st_weights_append(weights, name, strlen(name), &tensor, err);
}

static int compare_ranges(const void *a, const void *b)
{
    const struct range *x = a;
    const struct range *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* No hole, no overlap, nothing before or after. */
static synctalk_status check_ranges(const struct st_weights *weights, struct range *ranges,
                                    size_t data_start, synctalk_error *err)
{
    uint64_t at = 0;
    if (weights->count)
        qsort(ranges, weights->count, sizeof *ranges, compare_ranges);
    for (size_t i = 0; i < weights->count; i++) {
        if (ranges[i].begin != at)
            return st_fail(err, SYNCTALK_E_FORMAT,
                           "%s: tensor %.200s begins at byte %llu of the data, where %llu is next: "
                           "tensors overlap or leave a hole",
                           weights->path, weights->tensors[ranges[i].tensor].name,
                           (unsigned long long)ranges[i].begin, (unsigned long long)at);
        at = ranges[i].end;
    }
    if (at != weights->size - data_start)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: its tensors end at byte %llu of the data, which has %zu", weights->path,
                       (unsigned long long)at, weights->size - data_start);
    return SYNCTALK_OK;
}

synctalk_status st_read_safetensors(struct st_weights *weights, synctalk_error *err)
{
    json_t *header = NULL;
    struct range *ranges = NULL;
    size_t data_start = 0;
    synctalk_status st;
    const char *name;
    json_t *entry;

    weights->format = "safetensors";
    if ((st = parse_header(weights, &header, &data_start, err)))
        goto done;
    ranges = calloc(json_object_size(header) + 1, sizeof *ranges);
    if (!ranges) {
        st = st_fail_memory(err, "a list of tensors", json_object_size(header) * sizeof *ranges);
        goto done;
    }
    json_object_foreach(header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            st = read_metadata(weights, entry, err);
        else
            st = read_tensor(weights, name, entry, data_start, &ranges[weights->count], err);
        if (st)
            goto done;
    }
    st = check_ranges(weights, ranges, data_start, err);

done:
    free(ranges);
    json_decref(header);
    return st;
}
