/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX: a protobuf message of a model, in it the graph, in it its initialisers, which are the
 * tensors. What the graph computes is not looked at, and what is nested in its nodes neither.
 * Source: the format's description, onnx.proto3 (github.com/onnx/onnx), and the encoding of
 * protobuf (protobuf.dev/programming-guides/encoding).
 */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "weights/bytes.h"
#include "weights/set.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/* Field numbers. */
enum {
    MODEL_IR_VERSION = 1,
    MODEL_GRAPH = 7,
    MODEL_METADATA = 14,
    GRAPH_TENSOR = 5,
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_FLOATS = 4,
    TENSOR_INTS = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_DOUBLES = 10,
    TENSOR_LOCATION = 14,
    PAIR_KEY = 1,
    PAIR_VALUE = 2,
};

/* TensorProto.DataType. */
static const struct {
    uint64_t number;
    enum st_dtype dtype;
} dtypes[] = {
    {1, ST_F32}, {2, ST_U8},   {3, ST_I8},   {5, ST_I16},  {6, ST_I32},
    {7, ST_I64}, {9, ST_BOOL}, {10, ST_F16}, {11, ST_F64}, {16, ST_BF16},
};

struct cursor {
    const uint8_t *at, *end;
};

struct field {
    uint64_t number;
    unsigned wire;
    uint64_t value;      /* of WIRE_VARINT */
    struct cursor bytes; /* of WIRE_BYTES */
};

static bool take_varint(struct cursor *cursor, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        const uint8_t byte = *cursor->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static size_t left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

/* The next field of a message that has not ended; false: it is damaged. */
static bool take_field(struct cursor *cursor, struct field *field)
{
    uint64_t key, size;
    *field = (struct field){.wire = 0};
    if (!take_varint(cursor, &key))
        return false;
    field->number = key >> 3;
    field->wire = key & 7;
    switch (field->wire) {
    case WIRE_VARINT:
        return take_varint(cursor, &field->value);
    case WIRE_BYTES:
        if (!take_varint(cursor, &size) || size > left(cursor))
            return false;
        break;
    case WIRE_32:
    case WIRE_64:
        size = field->wire == WIRE_32 ? 4 : 8;
        if (size > left(cursor))
            return false;
        break;
    default:
        return false;
    }
    field->bytes = (struct cursor){cursor->at, cursor->at + size};
    cursor->at += size;
    return true;
}

static synctalk_status fail_damaged(const struct st_weights *weights, const char *what,
                                    synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_FORMAT, "%s: its ONNX %s is damaged", weights->path, what);
}

/* What a TensorProto says. */
struct entry {
    struct cursor name;
    struct st_tensor tensor;
    uint64_t type;
    bool elsewhere;     /* the numbers are in another file */
    struct cursor raw;  /* little-endian numbers */
    struct cursor ints; /* or varints */
    bool has_raw, has_ints;
};

static bool take_dims(struct entry *entry, const struct field *field)
{
    struct cursor dims = field->bytes;
    uint64_t value = field->value;
    while (field->wire == WIRE_VARINT || dims.at < dims.end) {
        if (field->wire != WIRE_VARINT && !take_varint(&dims, &value))
            return false;
        if (entry->tensor.rank == ST_MAX_RANK || value > INT64_MAX)
            return false;
        entry->tensor.dims[entry->tensor.rank++] = (size_t)value;
        if (field->wire == WIRE_VARINT)
            break;
    }
    return true;
}

static bool take_entry(struct entry *entry, struct cursor message)
{
    struct field field;
    *entry = (struct entry){.type = 0};
    while (message.at < message.end) {
        if (!take_field(&message, &field))
            return false;
        const bool bytes = field.wire == WIRE_BYTES;
        if (field.number == TENSOR_DIMS && !take_dims(entry, &field))
            return false;
        if (field.number == TENSOR_TYPE)
            entry->type = field.value;
        if (field.number == TENSOR_NAME && bytes)
            entry->name = field.bytes;
        if (field.number == TENSOR_LOCATION)
            entry->elsewhere = field.value != 0;
        if (bytes && (field.number == TENSOR_RAW || field.number == TENSOR_FLOATS ||
                      field.number == TENSOR_DOUBLES)) {
            entry->raw = field.bytes;
            entry->has_raw = true;
        }
        if (bytes && field.number == TENSOR_INTS) {
            entry->ints = field.bytes;
            entry->has_ints = true;
        }
    }
    return true;
}

/* Numbers that stand as varints, into memory of the set. False: there are not `count`. */
static bool unpack_ints(struct entry *entry, uint8_t *to)
{
    struct cursor from = entry->ints;
    for (size_t i = 0; i < entry->tensor.count; i++) {
        uint64_t value;
        if (!take_varint(&from, &value))
            return false;
        st_put_u64(to + 8 * i, value);
    }
    return from.at == from.end;
}

static synctalk_status take_data(struct st_weights *weights, struct entry *entry, const char *name,
                                 int length, synctalk_error *err)
{
    struct st_tensor *tensor = &entry->tensor;
    size_t bytes;
    if (!st_tensor_layout(tensor) ||
        !st_mul_size(tensor->count, st_dtype_size(tensor->dtype), &bytes))
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: tensor %.*s is larger than memory can be",
                       weights->path, length, name);
    if (!entry->has_raw && entry->has_ints && tensor->dtype == ST_I64 &&
        tensor->count <= left(&entry->ints)) {
        uint8_t *copy = st_arena_alloc(&weights->arena, bytes);
        if (!copy)
            return st_fail_memory(err, "a tensor", bytes);
        if (!unpack_ints(entry, copy))
            return fail_damaged(weights, "tensor", err);
        tensor->data = copy;
        return SYNCTALK_OK;
    }
    tensor->data = entry->raw.at;
    if (bytes == (entry->has_raw ? left(&entry->raw) : 0))
        return SYNCTALK_OK;
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: tensor %.*s has %zu bytes of numbers; its shape and type need %zu",
                   weights->path, length, name, entry->has_raw ? left(&entry->raw) : 0, bytes);
}

static synctalk_status read_tensor(struct st_weights *weights, struct cursor message,
                                   synctalk_error *err)
{
    struct entry entry;
    size_t i = 0;
    synctalk_status st;

    if (!take_entry(&entry, message))
        return fail_damaged(weights, "tensor", err);
    const char *name = entry.name.at ? (const char *)entry.name.at : "";
    const size_t size = left(&entry.name);
    const int length = size > 200 ? 200 : (int)size;
    while (i < sizeof dtypes / sizeof *dtypes && dtypes[i].number != entry.type)
        i++;
    if (i == sizeof dtypes / sizeof *dtypes)
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "%s: tensor %zu has elements of ONNX's type %llu, which are not read",
                       weights->path, weights->count, (unsigned long long)entry.type);
    if (entry.elsewhere)
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "%s: the numbers of its tensors are in another file; save the model as one",
                       weights->path);
    entry.tensor.dtype = dtypes[i].dtype;
    if ((st = take_data(weights, &entry, name, length, err)))
        return st;
    return st_weights_append(weights, name, size, &entry.tensor, err);
}

static synctalk_status read_graph(struct st_weights *weights, struct cursor message,
                                  synctalk_error *err)
{
    struct field field;
    while (message.at < message.end) {
        if (!take_field(&message, &field))
            return fail_damaged(weights, "graph", err);
        if (field.number != GRAPH_TENSOR || field.wire != WIRE_BYTES)
            continue;
        synctalk_status st = read_tensor(weights, field.bytes, err);
        if (st)
            return st;
    }
    return SYNCTALK_OK;
}

static synctalk_status read_pair(struct st_weights *weights, struct cursor message,
                                 synctalk_error *err)
{
    struct cursor pair[2] = {{0}};
    struct field field;
    while (message.at < message.end) {
        if (!take_field(&message, &field))
            return fail_damaged(weights, "metadata", err);
        if (field.wire == WIRE_BYTES && (field.number == PAIR_KEY || field.number == PAIR_VALUE))
            pair[field.number == PAIR_VALUE] = field.bytes;
    }
    return st_weights_note(weights, pair[0].at ? (const char *)pair[0].at : "", left(&pair[0]),
                           pair[1].at ? (const char *)pair[1].at : "", left(&pair[1]), err);
}

bool st_is_onnx(const struct st_weights *weights)
{
    struct field field;
    if (weights->size == 0 || weights->bytes[0] != (MODEL_IR_VERSION << 3 | WIRE_VARINT))
        return false;
    struct cursor message = {weights->bytes, weights->bytes + weights->size};
    while (message.at < message.end && take_field(&message, &field))
        if (field.number == MODEL_GRAPH && field.wire == WIRE_BYTES)
            return true;
    return false;
}

synctalk_status st_read_onnx(struct st_weights *weights, synctalk_error *err)
{
    struct cursor message = {weights->bytes, weights->bytes + weights->size};
    struct field field;
    synctalk_status st = SYNCTALK_OK;

    weights->format = "ONNX";
    while (message.at < message.end && !st) {
        if (!take_field(&message, &field))
            return fail_damaged(weights, "model", err);
        if (field.wire == WIRE_BYTES && field.number == MODEL_GRAPH)
            st = read_graph(weights, field.bytes, err);
        if (field.wire == WIRE_BYTES && field.number == MODEL_METADATA)
            st = read_pair(weights, field.bytes, err);
    }
    return st;
}
