/* SPDX-License-Identifier: Apache-2.0 */
#include "weights/onnx_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

#define IR_VERSION 7
#define OPERATOR_SET 13

/* Field numbers of onnx.proto3. */
enum {
    MODEL_IR_VERSION = 1,
    MODEL_PRODUCER = 2,
    MODEL_GRAPH = 7,
    MODEL_OPERATORS = 8,
    MODEL_METADATA = 14,
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_TENSOR = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_OPERATOR = 4,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_INT = 3,
    ATTRIBUTE_TEXT = 4,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_TYPE = 20,
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    SHAPED_TYPE = 1,
    SHAPED_SHAPE = 2,
    SHAPE_DIM = 1,
    DIM_VALUE = 1,
    DIM_NAME = 2,
    OPERATORS_VERSION = 2,
    PAIR_KEY = 1,
    PAIR_VALUE = 2,
};

enum { TYPE_FLOAT = 1 };                         /* TensorProto.DataType */
enum { IS_INT = 2, IS_STRING = 3, IS_INTS = 7 }; /* AttributeProto.AttributeType */
enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

/* A growing message; `failed` once memory has run out. */
struct message {
    uint8_t *bytes; /* owned */
    size_t size, capacity;
    bool failed;
};

struct st_onnx {
    struct message graph;
    struct message metadata; /* fields of the model */
};

static void put(struct message *to, const void *bytes, size_t size)
{
    if (to->failed)
        return;
    if (size > to->capacity - to->size) {
        const size_t capacity = 2 * to->capacity + size + 256;
        uint8_t *grown = realloc(to->bytes, capacity);
        if (!grown) {
            to->failed = true;
            return;
        }
        to->bytes = grown;
        to->capacity = capacity;
    }
    if (size)
        memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static void put_varint(struct message *to, uint64_t number)
{
    uint8_t bytes[10];
    size_t size = 0;
    do {
        bytes[size] = (uint8_t)(number & 0x7f);
        number >>= 7;
        bytes[size] |= number ? 0x80 : 0;
        size++;
    } while (number);
    put(to, bytes, size);
}

static void put_int(struct message *to, int field, int64_t number)
{
    put_varint(to, (uint64_t)field << 3 | WIRE_VARINT);
    put_varint(to, (uint64_t)number);
}

static void put_bytes(struct message *to, int field, const void *bytes, size_t size)
{
    put_varint(to, (uint64_t)field << 3 | WIRE_BYTES);
    put_varint(to, size);
    put(to, bytes, size);
}

static void put_text(struct message *to, int field, const char *text)
{
    put_bytes(to, field, text, strlen(text));
}

/* A finished message as a field of another; its memory is given back. */
static void put_message(struct message *to, int field, struct message *part)
{
    put_bytes(to, field, part->bytes, part->size);
    to->failed |= part->failed;
    free(part->bytes);
    *part = (struct message){0};
}

synctalk_status st_onnx_create(struct st_onnx **out, const char *name, synctalk_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return st_fail_memory(err, "an ONNX graph", sizeof **out);
    put_text(&(*out)->graph, GRAPH_NAME, name);
    return SYNCTALK_OK;
}

void st_onnx_destroy(struct st_onnx **onnx)
{
    if (!onnx || !*onnx)
        return;
    free((*onnx)->graph.bytes);
    free((*onnx)->metadata.bytes);
    free(*onnx);
    *onnx = NULL;
}

static void put_value(struct st_onnx *onnx, int field, const char *name, int rank,
                      const size_t *dims)
{
    struct message shape = {0};
    struct message shaped = {0};
    struct message type = {0};
    struct message value = {0};
    for (int i = -1; i < rank; i++) {
        struct message dim = {0};
        if (i < 0)
            put_text(&dim, DIM_NAME, "N");
        else
            put_int(&dim, DIM_VALUE, (int64_t)dims[i]);
        put_message(&shape, SHAPE_DIM, &dim);
    }
    put_int(&shaped, SHAPED_TYPE, TYPE_FLOAT);
    put_message(&shaped, SHAPED_SHAPE, &shape);
    put_message(&type, TYPE_TENSOR, &shaped);
    put_text(&value, VALUE_NAME, name);
    put_message(&value, VALUE_TYPE, &type);
    put_message(&onnx->graph, field, &value);
}

void st_onnx_input(struct st_onnx *onnx, const char *name, int rank, const size_t *dims)
{
    put_value(onnx, GRAPH_INPUT, name, rank, dims);
}

void st_onnx_output(struct st_onnx *onnx, const char *name, int rank, const size_t *dims)
{
    put_value(onnx, GRAPH_OUTPUT, name, rank, dims);
}

void st_onnx_tensor(struct st_onnx *onnx, const char *name, int rank, const size_t *dims,
                    const float *data)
{
    struct message tensor = {0};
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        put_int(&tensor, TENSOR_DIMS, (int64_t)dims[i]);
        count *= dims[i];
    }
    put_int(&tensor, TENSOR_TYPE, TYPE_FLOAT);
    put_text(&tensor, TENSOR_NAME, name);
    put_bytes(&tensor, TENSOR_RAW, data, count * sizeof *data);
    put_message(&onnx->graph, GRAPH_TENSOR, &tensor);
}

static void put_attribute(struct message *node, const struct st_onnx_attribute *attribute)
{
    struct message part = {0};
    put_text(&part, ATTRIBUTE_NAME, attribute->name);
    if (attribute->text) {
        put_text(&part, ATTRIBUTE_TEXT, attribute->text);
        put_int(&part, ATTRIBUTE_TYPE, IS_STRING);
    } else if (attribute->count == 0) {
        put_int(&part, ATTRIBUTE_INT, attribute->ints[0]);
        put_int(&part, ATTRIBUTE_TYPE, IS_INT);
    } else {
        for (int i = 0; i < attribute->count; i++)
            put_int(&part, ATTRIBUTE_INTS, attribute->ints[i]);
        put_int(&part, ATTRIBUTE_TYPE, IS_INTS);
    }
    put_message(node, NODE_ATTRIBUTE, &part);
}

void st_onnx_node(struct st_onnx *onnx, const char *op, const char *output,
                  const char *const *inputs, const struct st_onnx_attribute *attributes)
{
    struct message node = {0};
    for (; *inputs; inputs++)
        put_text(&node, NODE_INPUT, *inputs);
    put_text(&node, NODE_OUTPUT, output);
    put_text(&node, NODE_NAME, output);
    put_text(&node, NODE_OPERATOR, op);
    for (; attributes && attributes->name; attributes++)
        put_attribute(&node, attributes);
    put_message(&onnx->graph, GRAPH_NODE, &node);
}

void st_onnx_metadata(struct st_onnx *onnx, const char *key, const char *value)
{
    struct message pair = {0};
    put_text(&pair, PAIR_KEY, key);
    put_text(&pair, PAIR_VALUE, value);
    put_message(&onnx->metadata, MODEL_METADATA, &pair);
}

synctalk_status st_onnx_write(const struct st_onnx *onnx, const char *path, bool overwrite,
                              synctalk_error *err)
{
    synctalk_status st;
    struct st_output output = {.fd = -1};
    struct message head = {0};
    struct message operators = {0};

    put_int(&head, MODEL_IR_VERSION, IR_VERSION);
    put_text(&head, MODEL_PRODUCER, "synctalk");
    put_int(&operators, OPERATORS_VERSION, OPERATOR_SET);
    put_message(&head, MODEL_OPERATORS, &operators);
    put(&head, onnx->metadata.bytes, onnx->metadata.size);
    put_varint(&head, MODEL_GRAPH << 3 | WIRE_BYTES);
    put_varint(&head, onnx->graph.size);
    if (head.failed || onnx->graph.failed || onnx->metadata.failed) {
        st = st_fail_memory(err, "an ONNX graph", onnx->graph.size);
        goto done;
    }
    if ((st = st_output_open(&output, path, overwrite, err)) ||
        (st = st_output_write(&output, head.bytes, head.size, err)) ||
        (st = st_output_write(&output, onnx->graph.bytes, onnx->graph.size, err)))
        goto done;
    st = st_output_commit(&output, overwrite, err);

done:
    st_output_close(&output);
    free(head.bytes);
    return st;
}
