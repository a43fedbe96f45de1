/* SPDX-License-Identifier: Apache-2.0 */
/* Writing PyTorch's zip form: an OrderedDict of contiguous tensors, pickled by protocol 2
 * as torch.save() does, one storage for each tensor.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/error.h"
#include "base/file.h"
#include "weights/bytes.h"
#include "weights/set.h"
#include "weights/write.h"
#include "weights/zip.h"

/* A growing block of bytes; `failed` once memory has run out. */
struct buffer {
    uint8_t *bytes; /* owned */
    size_t size, capacity;
    bool failed;
};

static void put(struct buffer *to, const void *bytes, size_t size)
{
    if (to->failed)
        return;
    if (size > to->capacity - to->size) {
        size_t capacity = 2 * to->capacity + size + 4096;
        uint8_t *grown = realloc(to->bytes, capacity);
        if (!grown) {
            to->failed = true;
            return;
        }
        to->bytes = grown;
        to->capacity = capacity;
    }
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static void put_op(struct buffer *to, const char *ops)
{
    put(to, ops, strlen(ops));
}

/* BINUNICODE */
static void put_text(struct buffer *to, const char *text)
{
    uint8_t head[5] = {'X'};
    st_put_u32(head + 1, (uint32_t)strlen(text));
    put(to, head, sizeof head);
    put_op(to, text);
}

/* BININT1, BININT2, BININT or LONG1, whichever is the shortest that holds it. */
static void put_number(struct buffer *to, uint64_t number)
{
    uint8_t op[10];
    size_t size;
    if (number <= UINT8_MAX) {
        op[0] = 'K';
        op[1] = (uint8_t)number;
        size = 2;
    } else if (number <= UINT16_MAX) {
        op[0] = 'M';
        st_put_u16(op + 1, (uint32_t)number);
        size = 3;
    } else if (number <= INT32_MAX) {
        op[0] = 'J';
        st_put_u32(op + 1, (uint32_t)number);
        size = 5;
    } else {
        op[0] = 0x8a;
        op[1] = 8;
        st_put_u64(op + 2, number);
        size = 10;
    }
    put(to, op, size);
}

static const char *storage_global(enum st_dtype dtype)
{
    switch (dtype) {
    case ST_F16:
        return "ctorch\nHalfStorage\n";
    case ST_BF16:
        return "ctorch\nBFloat16Storage\n";
    case ST_F64:
        return "ctorch\nDoubleStorage\n";
    case ST_I64:
        return "ctorch\nLongStorage\n";
    case ST_I32:
        return "ctorch\nIntStorage\n";
    case ST_I16:
        return "ctorch\nShortStorage\n";
    case ST_I8:
        return "ctorch\nCharStorage\n";
    case ST_U8:
        return "ctorch\nByteStorage\n";
    case ST_BOOL:
        return "ctorch\nBoolStorage\n";
    case ST_F32:
        break;
    }
    return "ctorch\nFloatStorage\n";
}

/* _rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict()) */
static void put_tensor(struct buffer *to, const struct st_tensor *tensor, size_t key)
{
    struct st_tensor layout = *tensor;
    char key_text[24];

    (void)st_tensor_layout(&layout); /* row-major; the reader has checked that it fits */
    snprintf(key_text, sizeof key_text, "%zu", key);
    put_text(to, tensor->name);
    put_op(to, "ctorch._utils\n_rebuild_tensor_v2\n((");
    put_text(to, "storage");
    put_op(to, storage_global(st_written_dtype(tensor, ST_F32)));
    put_text(to, key_text);
    put_text(to, "cpu");
    put_number(to, tensor->count);
    put_op(to, "tQ");
    put_number(to, 0);
    put_op(to, "(");
    for (int axis = 0; axis < tensor->rank; axis++)
        put_number(to, layout.dims[axis]);
    put_op(to, "t(");
    for (int axis = 0; axis < tensor->rank; axis++)
        put_number(to, layout.strides[axis]);
    put_op(to, "t\x89"
               "ccollections\nOrderedDict\n)RtR");
}

static void make_pickle(struct buffer *to, const struct st_weights *weights)
{
    put_op(to, "\x80\x02"
               "ccollections\nOrderedDict\n)R(");
    for (size_t i = 0; i < weights->count; i++)
        put_tensor(to, &weights->tensors[i], i);
    put_op(to, "u.");
}

static synctalk_status to_crc(void *context, const void *bytes, size_t size, synctalk_error *err)
{
    uLong *crc = context;
    (void)err;
    *crc = crc32_z(*crc, bytes, size);
    return SYNCTALK_OK;
}

static synctalk_status to_zip(void *context, const void *bytes, size_t size, synctalk_error *err)
{
    return st_zip_writer_put(context, bytes, size, err);
}

/* The checksum stands before the data, so the tensor is converted twice. */
static synctalk_status write_tensor(struct st_zip_writer *zip, const char *file,
                                    const struct st_tensor *tensor, const char *name,
                                    synctalk_error *err)
{
    enum st_dtype written = st_written_dtype(tensor, ST_F32);
    uLong crc = 0;
    synctalk_status st;

    if ((st = st_stream_tensor(file, tensor, written, to_crc, &crc, err)) ||
        (st = st_zip_writer_begin(zip, name, tensor->count * st_dtype_size(written), (uint32_t)crc,
                                  err)))
        return st;
    return st_stream_tensor(file, tensor, written, to_zip, zip, err);
}

/* A member name that lives until the archive's directory is written; NULL without memory. */
static char *member_name(struct st_arena *names, const char *folder, const char *key)
{
    size_t size = strlen(folder) + strlen(key) + 1;
    char *name = st_arena_alloc(names, size);
    if (name)
        snprintf(name, size, "%s%s", folder, key);
    return name;
}

static synctalk_status write_note(struct st_zip_writer *zip, struct st_arena *names,
                                  const char *key, const char *value, synctalk_error *err)
{
    char *name = member_name(names, "archive/extra/", key);
    if (!name)
        return st_fail_memory(err, "a zip member's name", strlen(key));
    return st_zip_writer_member(zip, name, value, strlen(value), err);
}

static synctalk_status write_members(struct st_zip_writer *zip, struct st_arena *names,
                                     const struct st_weights *weights, const struct buffer *pickle,
                                     const char *extra_key, const char *extra_value,
                                     synctalk_error *err)
{
    synctalk_status st;

    if ((st = st_zip_writer_member(zip, "archive/data.pkl", pickle->bytes, pickle->size, err)) ||
        (st = st_zip_writer_member(zip, "archive/byteorder", "little", 6, err)))
        return st;
    for (size_t i = 0; i < weights->count; i++) {
        char key[24];
        snprintf(key, sizeof key, "%zu", i);
        char *name = member_name(names, "archive/data/", key);
        if (!name)
            return st_fail_memory(err, "a zip member's name", sizeof key);
        if ((st = write_tensor(zip, weights->path, &weights->tensors[i], name, err)))
            return st;
    }
    for (size_t i = 0; i < weights->metadata_count; i++) {
        const struct st_metadata *pair = &weights->metadata[i];
        if (extra_key && extra_value && strcmp(pair->key, extra_key) == 0)
            continue;
        if ((st = write_note(zip, names, pair->key, pair->value, err)))
            return st;
    }
    if (extra_key && extra_value && (st = write_note(zip, names, extra_key, extra_value, err)))
        return st;
    if ((st = st_zip_writer_member(zip, "archive/version", "3\n", 2, err)))
        return st;
    return st_zip_writer_finish(zip, err);
}

synctalk_status st_weights_write_pth(const struct st_weights *weights, const char *path,
                                     const char *extra_key, const char *extra_value, bool overwrite,
                                     synctalk_error *err)
{
    struct st_output output = {.fd = -1};
    struct st_zip_writer zip = {.output = &output};
    struct st_arena names = {0};
    struct buffer pickle = {0};
    synctalk_status st;

    make_pickle(&pickle, weights);
    if (pickle.failed) {
        st = st_fail_memory(err, "a checkpoint's list of tensors", pickle.size);
        goto done;
    }
    if ((st = st_output_open(&output, path, overwrite, err)) ||
        (st = write_members(&zip, &names, weights, &pickle, extra_key, extra_value, err)))
        goto done;
    st = st_output_commit(&output, overwrite, err);

done:
    st_output_close(&output);
    st_zip_writer_free(&zip);
    st_arena_free(&names);
    free(pickle.bytes);
    return st;
}
