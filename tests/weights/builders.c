/* SPDX-License-Identifier: Apache-2.0 */
#include "weights/builders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

void put(struct bytes *to, const void *data, size_t size)
{
    if (to->size + size > to->capacity) {
        to->capacity = 2 * (to->size + size) + 64;
        to->data = realloc(to->data, to->capacity);
        assert_non_null(to->data);
    }
    if (size)
        memcpy(to->data + to->size, data, size);
    to->size += size;
}

void put_string(struct bytes *to, const char *text)
{
    put(to, text, strlen(text));
}

void put_le(struct bytes *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        put(to, &byte, 1);
    }
}

static struct bytes deflate_all(const void *data, size_t size)
{
    struct bytes out = {0};
    z_stream stream = {0};
    out.capacity = size + size / 100 + 64;
    out.data = malloc(out.capacity);
    assert_non_null(out.data);
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (z_const Bytef *)(uintptr_t)data;
    stream.avail_in = (uInt)size;
    stream.next_out = out.data;
    stream.avail_out = (uInt)out.capacity;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.size = stream.total_out;
    deflateEnd(&stream);
    return out;
}

static uint64_t told(struct zip_lie lie, int field, uint64_t truth)
{
    return lie.field == field ? lie.value : truth;
}

void zip_add_lying(struct zip_builder *zip, const char *name, const void *data, size_t size,
                   bool deflated, struct zip_lie lie)
{
    struct bytes packed = {0};
    uint32_t crc = (uint32_t)crc32(0, data, (uInt)size);
    uint64_t header = zip->file.size;
    bool wide = lie.field == LIE_SIZE_64;

    if (deflated)
        packed = deflate_all(data, size);
    else
        put(&packed, data, size);

    put_le(&zip->file, 0x04034b50, 4);
    put_le(&zip->file, 20, 2);
    put_le(&zip->file, 0, 2);
    put_le(&zip->file, deflated ? 8 : 0, 2);
    put_le(&zip->file, 0, 4);
    put_le(&zip->file, crc, 4);
    put_le(&zip->file, packed.size, 4);
    put_le(&zip->file, size, 4);
    put_le(&zip->file, strlen(name), 2);
    put_le(&zip->file, 0, 2);
    put_string(&zip->file, name);
    put(&zip->file, packed.data, packed.size);

    put_le(&zip->directory, 0x02014b50, 4);
    put_le(&zip->directory, 20, 2);
    put_le(&zip->directory, 20, 2);
    put_le(&zip->directory, told(lie, LIE_FLAGS, 0), 2);
    put_le(&zip->directory, told(lie, LIE_METHOD, deflated ? 8 : 0), 2);
    put_le(&zip->directory, 0, 4);
    put_le(&zip->directory, told(lie, LIE_CRC, crc), 4);
    put_le(&zip->directory, told(lie, LIE_PACKED, packed.size), 4);
    put_le(&zip->directory, wide ? UINT32_MAX : told(lie, LIE_SIZE, size), 4);
    put_le(&zip->directory, strlen(name), 2);
    put_le(&zip->directory, wide ? 12 : 0, 2);
    put_le(&zip->directory, 0, 2); /* comment */
    put_le(&zip->directory, 0, 2); /* disk */
    put_le(&zip->directory, 0, 2);
    put_le(&zip->directory, 0, 4);
    put_le(&zip->directory, told(lie, LIE_HEADER, header), 4);
    put_string(&zip->directory, name);
    if (wide) {
        put_le(&zip->directory, 1, 2);
        put_le(&zip->directory, 8, 2);
        put_le(&zip->directory, lie.value, 8);
    }
    zip->count++;
    free(packed.data);
}

void zip_add(struct zip_builder *zip, const char *name, const void *data, size_t size,
             bool deflated)
{
    zip_add_lying(zip, name, data, size, deflated, (struct zip_lie){0});
}

struct bytes zip_finish(struct zip_builder *zip)
{
    struct bytes file = zip->file;
    size_t at = file.size;
    put(&file, zip->directory.data, zip->directory.size);
    put_le(&file, 0x06054b50, 4);
    put_le(&file, 0, 4);
    put_le(&file, zip->count, 2);
    put_le(&file, zip->count, 2);
    put_le(&file, zip->directory.size, 4);
    put_le(&file, at, 4);
    put_le(&file, 0, 2);
    free(zip->directory.data);
    *zip = (struct zip_builder){0};
    return file;
}

void pickle_text(struct bytes *to, const char *text)
{
    put_string(to, "X");
    put_le(to, strlen(text), 4);
    put_string(to, text);
}

void pickle_int(struct bytes *to, int64_t value)
{
    put(to, "\x8a\x08", 2);
    put_le(to, (uint64_t)value, 8);
}

void pickle_tensor(struct bytes *to, const char *storage, const char *key, int64_t elements,
                   int64_t offset, int rank, const int64_t *dims, const int64_t *strides)
{
    put_string(to, "ctorch._utils\n_rebuild_tensor_v2\n((");
    pickle_text(to, "storage");
    put_string(to, "ctorch\n");
    put_string(to, storage);
    put_string(to, "\n");
    pickle_text(to, key);
    pickle_text(to, "cpu");
    pickle_int(to, elements);
    put_string(to, "tQ");
    pickle_int(to, offset);
    put_string(to, "(");
    for (int i = 0; i < rank; i++)
        pickle_int(to, dims[i]);
    put_string(to, "t(");
    for (int i = 0; i < rank; i++)
        pickle_int(to, strides[i]);
    put_string(to, "t\x89"
                   "ccollections\nOrderedDict\n)RtR");
}

static struct bytes checkpoint_of(const struct bytes *pickle, const void *data, size_t size,
                                  bool deflated)
{
    struct zip_builder zip = {0};
    zip_add(&zip, "a/data.pkl", pickle->data, pickle->size, deflated);
    zip_add(&zip, "a/data/0", data, size, deflated);
    zip_add(&zip, "a/version", "3\n", 2, false);
    return zip_finish(&zip);
}

struct bytes checkpoint(const struct bytes *pickle, const void *data, size_t size)
{
    return checkpoint_of(pickle, data, size, false);
}

struct bytes small_checkpoint(bool deflated)
{
    static const float values[] = {0, 1, 2, 3, 4, 5};
    struct bytes pickle = {0};
    put_string(&pickle, "\x80\x02}");
    pickle_text(&pickle, "w");
    pickle_tensor(&pickle, "FloatStorage", "0", 6, 0, 2, (int64_t[]){2, 3}, (int64_t[]){3, 1});
    put_string(&pickle, "s.");
    struct bytes file = checkpoint_of(&pickle, values, sizeof values, deflated);
    free(pickle.data);
    return file;
}

struct bytes npy_file(int version, const char *dict, const void *data, size_t size)
{
    struct bytes file = {0};
    size_t fixed = version == 1 ? 10 : 12;
    size_t length = (fixed + strlen(dict) + 1 + 63) / 64 * 64 - fixed;
    put(&file, "\x93NUMPY", 6);
    put_le(&file, (uint64_t)version, 2);
    put_le(&file, length, version == 1 ? 2 : 4);
    put_string(&file, dict);
    for (size_t i = strlen(dict); i + 1 < length; i++)
        put_string(&file, " ");
    put_string(&file, "\n");
    put(&file, data, size);
    return file;
}

struct bytes safetensors_file(const char *header, const void *data, size_t size)
{
    struct bytes file = {0};
    put_le(&file, strlen(header), 8);
    put_string(&file, header);
    put(&file, data, size);
    return file;
}

void expect_refused(struct bytes file, synctalk_status status, const char *words)
{
    struct st_weights *weights = NULL;
    synctalk_error err = {0};
    synctalk_status st = st_weights_open_memory(&weights, "the-file", file.data, file.size, &err);
    if (st != status || !strstr(err.message, words) || strncmp(err.message, "the-file: ", 10) != 0)
        fail_msg("status %d \"%s\", expected %d with \"%s\"", st, err.message, status, words);
    assert_null(weights);
    assert_int_equal(err.status, status);
    free(file.data);
}

struct st_weights *expect_opened(const struct bytes *file)
{
    struct st_weights *weights = NULL;
    ST_OK(st_weights_open_memory(&weights, "the-file", file->data, file->size, err));
    return weights;
}
