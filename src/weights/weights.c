/* SPDX-License-Identifier: Apache-2.0 */
/* The set itself: opening by content, finding by name, sets made in memory. */
#include "weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "weights/bytes.h"
#include "weights/set.h"
#include "weights/text.h"
#include "weights/zip.h"

bool st_tensor_layout(struct st_tensor *tensor)
{
    size_t stride = 1;
    size_t bytes;
    bool empty = false;

    for (int axis = tensor->rank - 1; axis >= 0; axis--) {
        tensor->strides[axis] = stride;
        empty |= tensor->dims[axis] == 0;
        if (tensor->dims[axis] && !st_mul_size(stride, tensor->dims[axis], &stride))
            return false;
    }
    tensor->count = empty ? 0 : stride;
    return st_mul_size(stride, st_dtype_size(tensor->dtype), &bytes) && bytes <= INT64_MAX;
}

/* Index into `order` of `name`, or of where it would stand. */
static size_t find_place(const struct st_weights *weights, const char *name, bool *found)
{
    size_t low = 0;
    size_t high = weights->count;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, weights->tensors[weights->order[middle]].name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static synctalk_status reserve(struct st_weights *weights, synctalk_error *err)
{
    if (weights->count < weights->capacity)
        return SYNCTALK_OK;
    if (weights->count >= ST_MAX_TENSORS)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: more than %d tensors", weights->path,
                       ST_MAX_TENSORS);
    size_t capacity = weights->capacity ? 2 * weights->capacity : 64;
    struct st_tensor *tensors = realloc(weights->tensors, capacity * sizeof *tensors);
    if (!tensors)
        return st_fail_memory(err, "a list of tensors", capacity * sizeof *tensors);
    weights->tensors = tensors;
    uint32_t *order = realloc(weights->order, capacity * sizeof *order);
    if (!order)
        return st_fail_memory(err, "a list of tensors", capacity * sizeof *order);
    weights->order = order;
    weights->capacity = capacity;
    return SYNCTALK_OK;
}

synctalk_status st_weights_append(struct st_weights *weights, const char *name, size_t name_length,
                                  const struct st_tensor *tensor, synctalk_error *err)
{
    static const char wrapper[] = "module."; /* of PyTorch's DataParallel */
    const size_t wrapper_length = sizeof wrapper - 1;
    synctalk_status st;
    bool found;

    if (name_length > wrapper_length && memcmp(name, wrapper, wrapper_length) == 0) {
        name += wrapper_length;
        name_length -= wrapper_length;
    }
    if (name_length > ST_MAX_NAME)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: a tensor's name has %zu bytes, at most %d",
                       weights->path, name_length, ST_MAX_NAME);
    if (!st_text_is_name(name, name_length))
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: the name of tensor %zu is not printable UTF-8",
                       weights->path, weights->count);
    if ((st = reserve(weights, err)))
        return st;
    char *copy = st_arena_text(&weights->arena, name, name_length);
    if (!copy)
        return st_fail_memory(err, "a tensor's name", name_length);
    size_t place = find_place(weights, copy, &found);
    if (found)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: two tensors are named %s", weights->path, copy);

    weights->tensors[weights->count] = *tensor;
    weights->tensors[weights->count].name = copy;
    memmove(weights->order + place + 1, weights->order + place,
            (weights->count - place) * sizeof *weights->order);
    weights->order[place] = (uint32_t)weights->count++;
    return SYNCTALK_OK;
}

static struct st_metadata *find_metadata(const struct st_weights *weights, const char *key)
{
    for (size_t i = 0; i < weights->metadata_count; i++) {
        if (strcmp(weights->metadata[i].key, key) == 0)
            return &weights->metadata[i];
    }
    return NULL;
}

synctalk_status st_weights_note(struct st_weights *weights, const char *key, size_t key_length,
                                const char *value, size_t value_length, synctalk_error *err)
{
    if (key_length == 0 || key_length > ST_MAX_NAME || !st_text_is_name(key, key_length))
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: a metadata key is not 1 to %d bytes of printable UTF-8", weights->path,
                       ST_MAX_NAME);
    char *key_copy = st_arena_text(&weights->arena, key, key_length);
    if (!key_copy)
        return st_fail_memory(err, "metadata", key_length);
    if (value_length > ST_MAX_METADATA_BYTES || !st_text_is_utf8(value, value_length))
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: the metadata of %s is not up to %zu bytes of UTF-8", weights->path,
                       key_copy, ST_MAX_METADATA_BYTES);
    char *value_copy = st_arena_text(&weights->arena, value, value_length);
    if (!value_copy)
        return st_fail_memory(err, "metadata", value_length);

    struct st_metadata *pair = find_metadata(weights, key_copy);
    if (pair) {
        pair->value = value_copy;
        return SYNCTALK_OK;
    }
    if (weights->metadata_count == weights->metadata_capacity) {
        size_t capacity = weights->metadata_capacity ? 2 * weights->metadata_capacity : 8;
        if (capacity > ST_MAX_METADATA)
            return st_fail(err, SYNCTALK_E_FORMAT, "%s: more than %d metadata pairs", weights->path,
                           ST_MAX_METADATA);
        struct st_metadata *grown = realloc(weights->metadata, capacity * sizeof *grown);
        if (!grown)
            return st_fail_memory(err, "metadata", capacity * sizeof *grown);
        weights->metadata = grown;
        weights->metadata_capacity = capacity;
    }
    weights->metadata[weights->metadata_count++] =
        (struct st_metadata){.key = key_copy, .value = value_copy};
    return SYNCTALK_OK;
}

synctalk_status st_weights_create(struct st_weights **out, const char *label, synctalk_error *err)
{
    *out = NULL;
    struct st_weights *weights = calloc(1, sizeof *weights);
    if (!weights) {
        (void)st_fail_memory(err, "a set of weights", sizeof *weights);
        return SYNCTALK_E_MEMORY;
    }
    weights->path = st_arena_text(&weights->arena, label, strlen(label));
    if (!weights->path) {
        st_weights_close(&weights);
        (void)st_fail_memory(err, "a set of weights", strlen(label));
        return SYNCTALK_E_MEMORY;
    }
    weights->format = "memory";
    *out = weights;
    return SYNCTALK_OK;
}

void st_weights_close(struct st_weights **weights)
{
    if (!weights || !*weights)
        return;
    st_unmap_file(&(*weights)->map);
    st_arena_free(&(*weights)->arena);
    free((*weights)->tensors);
    free((*weights)->order);
    free((*weights)->metadata);
    free(*weights);
    *weights = NULL;
}

static bool starts_with(const struct st_weights *weights, size_t at, const void *bytes, size_t size)
{
    return weights->size >= at && weights->size - at >= size &&
           memcmp(weights->bytes + at, bytes, size) == 0;
}

static synctalk_status read_zip(struct st_weights *weights, synctalk_error *err)
{
    struct st_zip zip;
    synctalk_status st = st_zip_open(&zip, weights->path, weights->bytes, weights->size, err);
    if (st)
        return st;

    bool arrays = zip.count > 0;
    for (size_t i = 0; i < zip.count; i++) {
        size_t length = strlen(zip.members[i].name);
        arrays &= length >= 4 && strcmp(zip.members[i].name + length - 4, ".npy") == 0;
    }
    st = arrays ? st_read_npz(weights, &zip, err) : st_read_pth(weights, &zip, err);
    st_zip_close(&zip);
    return st;
}

/* Forms that torch.save() wrote before 1.6, and other pickles. */
static synctalk_status refuse_old(const struct st_weights *weights, synctalk_error *err)
{
    /* protocol 2, then the number 0x1950a86a20f9469cfc6c */
    static const uint8_t legacy[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c,
                                     0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

    if (starts_with(weights, 0, legacy, sizeof legacy))
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: is in PyTorch's format from before version 1.6; load it in PyTorch 1.6 "
                       "or later and save it again with torch.save()",
                       weights->path);
    if (starts_with(weights, 257, "ustar", 5))
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: is a tar archive, PyTorch's format from before version 0.2; load it in "
                       "PyTorch 1.6 or later and save it again with torch.save()",
                       weights->path);
    if (weights->size >= 2 && weights->bytes[0] == 0x80 && weights->bytes[1] <= 5)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: is a bare Python pickle, not a checkpoint; save it with torch.save() "
                       "in PyTorch 1.6 or later",
                       weights->path);
    if (weights->size == 0)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: is empty", weights->path);
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: is neither a PyTorch checkpoint, nor safetensors, ONNX, .npy or .npz",
                   weights->path);
}

static synctalk_status read_any(struct st_weights *weights, synctalk_error *err)
{
    if (starts_with(weights, 0, "PK\3\4", 4) || starts_with(weights, 0, "PK\5\6", 4))
        return read_zip(weights, err);
    if (starts_with(weights, 0, "\x93NUMPY", 6))
        return st_read_npy(weights, err);
    if (starts_with(weights, 8, "{", 1))
        return st_read_safetensors(weights, err);
    if (st_is_onnx(weights))
        return st_read_onnx(weights, err);
    return refuse_old(weights, err);
}

synctalk_status st_weights_open_memory(struct st_weights **out, const char *label,
                                       const uint8_t *bytes, size_t size, synctalk_error *err)
{
    synctalk_status st = st_weights_create(out, label, err);
    if (st)
        return st;
    (*out)->bytes = bytes;
    (*out)->size = bytes ? size : 0;
    if ((st = read_any(*out, err)))
        st_weights_close(out);
    return st;
}

synctalk_status st_weights_open(struct st_weights **out, const char *path, synctalk_error *err)
{
    struct st_mapping map;
    synctalk_status st;

    *out = NULL;
    if ((st = st_map_file(&map, path, err)))
        return st;
    if ((st = st_weights_open_memory(out, path, map.data, map.size, err))) {
        st_unmap_file(&map);
        return st;
    }
    (*out)->map = map;
    return SYNCTALK_OK;
}

/* Append a copy of row-major `data`. */
static synctalk_status add_copy(struct st_weights *weights, const char *name, enum st_dtype dtype,
                                int rank, const size_t *dims, const void *data, synctalk_error *err)
{
    struct st_tensor tensor = {.dtype = dtype, .rank = rank};

    if (rank < 0 || rank > ST_MAX_RANK)
        return st_fail(err, SYNCTALK_E_ARG, "%s: tensor %s has %d dimensions, at most %d",
                       weights->path, name, rank, ST_MAX_RANK);
    for (int axis = 0; axis < rank; axis++)
        tensor.dims[axis] = dims[axis];
    if (!st_tensor_layout(&tensor))
        return st_fail(err, SYNCTALK_E_ARG, "%s: tensor %s is larger than memory can be",
                       weights->path, name);
    uint8_t *copy = st_arena_alloc(&weights->arena, tensor.count * st_dtype_size(dtype));
    if (!copy)
        return st_fail_memory(err, "a tensor", tensor.count * st_dtype_size(dtype));
    if (tensor.count)
        memcpy(copy, data, tensor.count * st_dtype_size(dtype));
    tensor.data = copy;
    return st_weights_append(weights, name, strlen(name), &tensor, err);
}

synctalk_status st_weights_add_f32(struct st_weights *weights, const char *name, int rank,
                                   const size_t *dims, const float *data, synctalk_error *err)
{
    return add_copy(weights, name, ST_F32, rank, dims, data, err);
}

synctalk_status st_weights_add_i64(struct st_weights *weights, const char *name, int rank,
                                   const size_t *dims, const int64_t *data, synctalk_error *err)
{
    return add_copy(weights, name, ST_I64, rank, dims, data, err);
}

synctalk_status st_weights_add_metadata(struct st_weights *weights, const char *key,
                                        const char *value, synctalk_error *err)
{
    return st_weights_note(weights, key, strlen(key), value, strlen(value), err);
}

const char *st_weights_path(const struct st_weights *weights)
{
    return weights->path;
}

const char *st_weights_format(const struct st_weights *weights)
{
    return weights->format;
}

size_t st_weights_count(const struct st_weights *weights)
{
    return weights->count;
}

const struct st_tensor *st_weights_at(const struct st_weights *weights, size_t index)
{
    return index < weights->count ? &weights->tensors[index] : NULL;
}

const struct st_tensor *st_weights_find(const struct st_weights *weights, const char *name)
{
    bool found;
    size_t place = find_place(weights, name, &found);
    return found ? &weights->tensors[weights->order[place]] : NULL;
}

const char *st_weights_metadata(const struct st_weights *weights, const char *key)
{
    const struct st_metadata *pair = find_metadata(weights, key);
    return pair ? pair->value : NULL;
}

bool st_weights_metadata_at(const struct st_weights *weights, size_t index, const char **key,
                            const char **value)
{
    if (index >= weights->metadata_count)
        return false;
    *key = weights->metadata[index].key;
    *value = weights->metadata[index].value;
    return true;
}

/* "[64, 32, 1, 1]"; cut, not overrun, where it does not fit. */
static void print_shape(char *to, size_t room, int rank, const size_t *dims)
{
    size_t at = 0;
    to[0] = '\0';
    for (int axis = 0; axis < rank && at < room; axis++)
        at += (size_t)snprintf(to + at, room - at, "%s%zu", axis ? ", " : "", dims[axis]);
}

synctalk_status st_weights_take_f32(const struct st_weights *weights, const char *name, int rank,
                                    const size_t *dims, float *dst, synctalk_error *err)
{
    const struct st_tensor *tensor = st_weights_find(weights, name);
    bool fits = tensor && tensor->rank == rank;

    if (!tensor)
        return st_fail(err, SYNCTALK_E_MODEL, "%s: has no tensor %s", weights->path, name);
    for (int axis = 0; fits && axis < rank; axis++)
        fits = tensor->dims[axis] == dims[axis];
    if (!fits) {
        char found[ST_MAX_RANK * 24];
        char needed[ST_MAX_RANK * 24];
        print_shape(found, sizeof found, tensor->rank, tensor->dims);
        print_shape(needed, sizeof needed, rank, dims);
        return st_fail(err, SYNCTALK_E_MODEL, "%s: tensor %s has shape [%s], needed is [%s]",
                       weights->path, name, found, needed);
    }
    st_tensor_to_f32(tensor, dst);
    return SYNCTALK_OK;
}
