/* SPDX-License-Identifier: Apache-2.0 */
/* Writing zip archives of stored members. Same input, same bytes: the date is fixed. */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/error.h"
#include "weights/bytes.h"
#include "weights/zip.h"

#define ALIGNMENT 64u
#define LOCAL_BYTES 30u
#define CENTRAL_BYTES 46u
#define END_BYTES 22u
#define EXTRA_HEAD 4u
#define EXTRA_PADDING_ID 0x4246u /* "FB", which torch.save() too fills up with */
#define VERSION_NEEDED 20u
#define FLAG_UTF8 0x0800u
#define DATE_1980_01_01 0x0021u

/* The 22 bytes from "version needed" to the name's length: the same in both headers. */
static uint8_t *put_common(uint8_t *p, const struct st_zip_entry *entry)
{
    p = st_put_u16(p, VERSION_NEEDED);
    p = st_put_u16(p, FLAG_UTF8);
    p = st_put_u16(p, 0); /* stored */
    p = st_put_u16(p, 0); /* time */
    p = st_put_u16(p, DATE_1980_01_01);
    p = st_put_u32(p, entry->crc);
    p = st_put_u32(p, entry->size);
    p = st_put_u32(p, entry->size);
    return st_put_u16(p, (uint32_t)strlen(entry->name));
}

static synctalk_status too_large(const struct st_zip_writer *zip, synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                   "%s: more than 4 GiB or 65535 tensors do not fit this .pth; write safetensors",
                   zip->output->target);
}

static synctalk_status add_entry(struct st_zip_writer *zip, struct st_zip_entry entry,
                                 synctalk_error *err)
{
    if (zip->count == zip->capacity) {
        size_t capacity = zip->capacity ? 2 * zip->capacity : 64;
        struct st_zip_entry *grown = realloc(zip->entries, capacity * sizeof *grown);
        if (!grown)
            return st_fail_memory(err, "a zip directory", capacity * sizeof *grown);
        zip->entries = grown;
        zip->capacity = capacity;
    }
    zip->entries[zip->count++] = entry;
    return SYNCTALK_OK;
}

synctalk_status st_zip_writer_put(struct st_zip_writer *zip, const void *data, size_t size,
                                  synctalk_error *err)
{
    zip->at += size;
    return st_output_write(zip->output, data, size, err);
}

synctalk_status st_zip_writer_begin(struct st_zip_writer *zip, const char *name, uint64_t size,
                                    uint32_t crc, synctalk_error *err)
{
    synctalk_status st;
    uint8_t head[LOCAL_BYTES] = {0};
    uint8_t extra[EXTRA_HEAD + ALIGNMENT] = {0};
    size_t name_length = strlen(name);

    if (name_length > UINT16_MAX || size > UINT32_MAX || zip->at > UINT32_MAX ||
        zip->count >= UINT16_MAX)
        return too_large(zip, err);
    struct st_zip_entry entry = {name, crc, (uint32_t)size, (uint32_t)zip->at};
    if ((st = add_entry(zip, entry, err)))
        return st;

    uint64_t unpadded = zip->at + LOCAL_BYTES + name_length + EXTRA_HEAD;
    uint32_t padding = (uint32_t)((ALIGNMENT - unpadded % ALIGNMENT) % ALIGNMENT);
    uint8_t *p = put_common(st_put_u32(head, 0x04034b50u), &entry);
    st_put_u16(p, EXTRA_HEAD + padding);
    st_put_u16(st_put_u16(extra, EXTRA_PADDING_ID), padding);
    if ((st = st_zip_writer_put(zip, head, sizeof head, err)) ||
        (st = st_zip_writer_put(zip, name, name_length, err)))
        return st;
    return st_zip_writer_put(zip, extra, EXTRA_HEAD + padding, err);
}

synctalk_status st_zip_writer_member(struct st_zip_writer *zip, const char *name, const void *data,
                                     size_t size, synctalk_error *err)
{
    uint32_t crc = (uint32_t)crc32_z(0, data, size);
    synctalk_status st = st_zip_writer_begin(zip, name, size, crc, err);
    return st ? st : st_zip_writer_put(zip, data, size, err);
}

synctalk_status st_zip_writer_finish(struct st_zip_writer *zip, synctalk_error *err)
{
    synctalk_status st;
    uint64_t directory = zip->at;

    for (size_t i = 0; i < zip->count; i++) {
        const struct st_zip_entry *entry = &zip->entries[i];
        uint8_t head[CENTRAL_BYTES] = {0};
        uint8_t *p = st_put_u16(st_put_u32(head, 0x02014b50u), VERSION_NEEDED);
        put_common(p, entry);
        st_put_u32(head + 42, entry->header);
        if ((st = st_zip_writer_put(zip, head, sizeof head, err)) ||
            (st = st_zip_writer_put(zip, entry->name, strlen(entry->name), err)))
            return st;
    }
    if (zip->at > UINT32_MAX)
        return too_large(zip, err);

    uint8_t end[END_BYTES] = {0};
    uint8_t *p = st_put_u32(end, 0x06054b50u) + 4; /* disk numbers: 0 */
    p = st_put_u16(p, (uint32_t)zip->count);
    p = st_put_u16(p, (uint32_t)zip->count);
    p = st_put_u32(p, (uint32_t)(zip->at - directory));
    st_put_u32(p, (uint32_t)directory);
    return st_zip_writer_put(zip, end, sizeof end, err);
}

void st_zip_writer_free(struct st_zip_writer *zip)
{
    free(zip->entries);
    *zip = (struct st_zip_writer){0};
}
