/* SPDX-License-Identifier: Apache-2.0 */
/* Reading zip archives. Easy to get wrong: the local header repeats the name and has an
 * extra field of its own length, so the data's place is known only after looking there.
 */
#include "weights/zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "weights/bytes.h"
#include "weights/set.h"
#include "weights/text.h"

#define LOCAL_SIGNATURE 0x04034b50u
#define CENTRAL_SIGNATURE 0x02014b50u
#define END_SIGNATURE 0x06054b50u
#define END64_SIGNATURE 0x06064b50u
#define LOCATOR64_SIGNATURE 0x07064b50u

#define LOCAL_BYTES 30u
#define CENTRAL_BYTES 46u
#define END_BYTES 22u
#define END64_BYTES 56u
#define LOCATOR64_BYTES 20u

#define FLAG_ENCRYPTED 0x0001u
#define MAX_MEMBERS (2 * (size_t)ST_MAX_TENSORS)

/* What inflating may cost: this many times the file, or this much where that is less.
 * Weights deflate to half at best; arrays of zeros may do a thousandfold, but are small. */
#define MAX_EXPANSION 64u
#define FREE_EXPANSION ((size_t)256 << 20)
#define DEFLATE_BEST_RATIO 1032u /* zlib's technical notes: 258 bytes in 2 bits */

struct directory {
    uint64_t offset, size, count;
    size_t end; /* where the end records begin: the directory may not pass it */
};

static synctalk_status damaged(const struct st_zip *zip, const char *what, synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_FORMAT, "%s: %s: the archive is truncated or damaged", zip->path,
                   what);
}

/* The end record is the last thing in the file, before a comment of up to 65535 bytes. */
static bool find_end(const struct st_zip *zip, size_t *at)
{
    size_t least = zip->size > END_BYTES + 0xffffu ? zip->size - END_BYTES - 0xffffu : 0;
    if (zip->size < END_BYTES)
        return false;
    for (size_t i = zip->size - END_BYTES + 1; i-- > least;) {
        const uint8_t *p = zip->data + i;
        if (st_get_u32(p) == END_SIGNATURE && i + END_BYTES + st_get_u16(p + 20) == zip->size) {
            *at = i;
            return true;
        }
    }
    return false;
}

static synctalk_status find_directory(const struct st_zip *zip, struct directory *dir,
                                      synctalk_error *err)
{
    size_t at;
    if (!find_end(zip, &at))
        return damaged(zip, "the zip archive has no end record", err);
    const uint8_t *end = zip->data + at;
    *dir = (struct directory){
        .count = st_get_u16(end + 10),
        .size = st_get_u32(end + 12),
        .offset = st_get_u32(end + 16),
        .end = at,
    };
    if (at >= LOCATOR64_BYTES && st_get_u32(end - LOCATOR64_BYTES) == LOCATOR64_SIGNATURE) {
        uint64_t at64 = st_get_u64(end - LOCATOR64_BYTES + 8);
        size_t limit = at - LOCATOR64_BYTES;
        if (limit < END64_BYTES || at64 > limit - END64_BYTES ||
            st_get_u32(zip->data + at64) != END64_SIGNATURE)
            return damaged(zip, "the zip64 end record is not where it should be", err);
        const uint8_t *end64 = zip->data + at64;
        dir->count = st_get_u64(end64 + 32);
        dir->size = st_get_u64(end64 + 40);
        dir->offset = st_get_u64(end64 + 48);
        dir->end = (size_t)at64;
    }
    if (dir->offset > dir->end || dir->size > dir->end - dir->offset)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: the zip directory claims %llu bytes at %llu in a file of %zu",
                       zip->path, (unsigned long long)dir->size, (unsigned long long)dir->offset,
                       zip->size);
    if (dir->count > dir->size / CENTRAL_BYTES)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: the zip directory claims %llu members in %llu bytes", zip->path,
                       (unsigned long long)dir->count, (unsigned long long)dir->size);
    if (dir->count > MAX_MEMBERS)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: %llu members in the archive, at most %zu",
                       zip->path, (unsigned long long)dir->count, MAX_MEMBERS);
    return SYNCTALK_OK;
}

/* Sizes that do not fit 32 bits stand in the extra field of id 1, in this order, and only
 * those whose 32-bit field is all ones. False where one is missing. */
static bool apply_zip64(const uint8_t *extra, size_t length, uint64_t *size, uint64_t *packed,
                        uint64_t *header)
{
    uint64_t *const fields[] = {size, packed, header};
    size_t field = 0;

    while (length >= 4) {
        uint32_t id = st_get_u16(extra);
        size_t bytes = st_get_u16(extra + 2);
        if (bytes > length - 4)
            break;
        const uint8_t *p = extra + 4;
        size_t left = id == 1 ? bytes : 0;
        for (; field < 3 && left >= 8; field++) {
            if (*fields[field] != UINT32_MAX)
                continue;
            *fields[field] = st_get_u64(p);
            p += 8;
            left -= 8;
        }
        if (id == 1)
            break;
        extra += 4 + bytes;
        length -= 4 + bytes;
    }
    for (; field < 3; field++) {
        if (*fields[field] == UINT32_MAX)
            return false;
    }
    return true;
}

/* Hold a member against the file and find its data through the local header. */
static synctalk_status place_member(const struct st_zip *zip, struct st_zip_member *member,
                                    size_t limit, uint64_t size, uint64_t packed, uint64_t header,
                                    synctalk_error *err)
{
    size_t name_length = strlen(member->name);

    if (limit < LOCAL_BYTES || header > limit - LOCAL_BYTES ||
        st_get_u32(zip->data + header) != LOCAL_SIGNATURE)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: member %s should begin at byte %llu and does not", zip->path,
                       member->name, (unsigned long long)header);
    const uint8_t *local = zip->data + header;
    size_t local_name = st_get_u16(local + 26);
    size_t skip = LOCAL_BYTES + local_name + st_get_u16(local + 28);
    if (skip > limit - header || local_name != name_length ||
        memcmp(local + LOCAL_BYTES, member->name, name_length) != 0)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: member %s has another name in its own header: the archive is damaged",
                       zip->path, member->name);
    if (packed > limit - header - skip)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: member %s claims %llu bytes at %" PRIu64
                       ", past the end of the members at %zu",
                       zip->path, member->name, (unsigned long long)packed, header + skip, limit);
    if (member->method == 0 && size != packed)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: member %s is stored with %llu bytes but claims %llu", zip->path,
                       member->name, (unsigned long long)packed, (unsigned long long)size);
    if (member->method != 0 && size / DEFLATE_BEST_RATIO > packed)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: member %s claims to inflate from %llu to %llu bytes, which no deflated "
                       "data can",
                       zip->path, member->name, (unsigned long long)packed,
                       (unsigned long long)size);
    member->header = (size_t)header;
    member->offset = (size_t)header + skip;
    member->packed = (size_t)packed;
    member->size = (size_t)size;
    return SYNCTALK_OK;
}

static synctalk_status read_member(struct st_zip *zip, struct st_zip_member *member,
                                   const struct directory *dir, size_t *at, synctalk_error *err)
{
    size_t left = (size_t)(dir->offset + dir->size) - *at;
    const uint8_t *p = zip->data + *at;
    if (left < CENTRAL_BYTES || st_get_u32(p) != CENTRAL_SIGNATURE)
        return damaged(zip, "the zip directory breaks off", err);

    size_t name_length = st_get_u16(p + 28);
    size_t extra_length = st_get_u16(p + 30);
    size_t whole = CENTRAL_BYTES + name_length + extra_length + st_get_u16(p + 32);
    if (whole > left)
        return damaged(zip, "the zip directory breaks off", err);
    if (!st_text_is_name((const char *)p + CENTRAL_BYTES, name_length))
        return damaged(zip, "a member's name is not printable UTF-8", err);
    member->name = st_arena_text(&zip->arena, p + CENTRAL_BYTES, name_length);
    if (!member->name)
        return st_fail_memory(err, "a zip member's name", name_length);
    member->flags = st_get_u16(p + 8);
    member->method = st_get_u16(p + 10);
    member->crc = st_get_u32(p + 16);

    uint64_t packed = st_get_u32(p + 20);
    uint64_t size = st_get_u32(p + 24);
    uint64_t header = st_get_u32(p + 42);
    if (!apply_zip64(p + CENTRAL_BYTES + name_length, extra_length, &size, &packed, &header))
        return damaged(zip, "a member's 64-bit sizes are missing", err);
    *at += whole;
    return place_member(zip, member, (size_t)dir->offset, size, packed, header, err);
}

static int compare_names(const void *a, const void *b, void *members)
{
    const struct st_zip_member *all = members;
    return strcmp(all[*(const uint32_t *)a].name, all[*(const uint32_t *)b].name);
}

static int compare_places(const void *a, const void *b, void *members)
{
    const struct st_zip_member *all = members;
    size_t x = all[*(const uint32_t *)a].header;
    size_t y = all[*(const uint32_t *)b].header;
    return (x > y) - (x < y);
}

static void sort_members(struct st_zip *zip, int (*compare)(const void *, const void *, void *))
{
    for (size_t i = 0; i < zip->count; i++)
        zip->order[i] = (uint32_t)i;
    qsort_r(zip->order, zip->count, sizeof *zip->order, compare, zip->members);
}

static synctalk_status check_members(struct st_zip *zip, synctalk_error *err)
{
    const struct st_zip_member *members = zip->members;
    const uint32_t *order = zip->order;
    const struct st_zip_member *last = members;
    size_t total = 0;

    sort_members(zip, compare_places);
    for (size_t i = 0; i < zip->count; i++) {
        const struct st_zip_member *member = &members[order[i]];
        if (i > 0 && last->offset + last->packed > member->header)
            return st_fail(err, SYNCTALK_E_FORMAT, "%s: members %s and %s overlap in the archive",
                           zip->path, last->name, member->name);
        last = member;
        if (member->method != 0 && !st_add_size(total, member->size, &total))
            total = SIZE_MAX;
    }
    if (total > FREE_EXPANSION && total / MAX_EXPANSION > zip->size)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: %zu bytes that claim to inflate to %zu, more than %u times as many: a "
                       "zip bomb, not weights",
                       zip->path, zip->size, total, MAX_EXPANSION);

    sort_members(zip, compare_names);
    for (size_t i = 1; i < zip->count; i++) {
        const char *name = members[order[i]].name;
        if (strcmp(name, members[order[i - 1]].name) == 0)
            return st_fail(err, SYNCTALK_E_FORMAT, "%s: two members are named %s", zip->path, name);
    }
    return SYNCTALK_OK;
}

synctalk_status st_zip_open(struct st_zip *zip, const char *path, const uint8_t *data, size_t size,
                            synctalk_error *err)
{
    synctalk_status st;
    struct directory dir = {0};

    *zip = (struct st_zip){.path = path, .data = data, .size = size};
    if ((st = find_directory(zip, &dir, err)))
        return st;
    size_t count = (size_t)dir.count;
    zip->members = st_arena_alloc(&zip->arena, count * sizeof *zip->members);
    zip->order = st_arena_alloc(&zip->arena, count * sizeof *zip->order);
    if (!zip->members || !zip->order) {
        st = st_fail_memory(err, "a zip directory", count * sizeof *zip->members);
        goto done;
    }
    size_t at = (size_t)dir.offset;
    for (; zip->count < count; zip->count++) {
        if ((st = read_member(zip, &zip->members[zip->count], &dir, &at, err)))
            goto done;
    }
    st = check_members(zip, err);

done:
    if (st)
        st_zip_close(zip);
    return st;
}

void st_zip_close(struct st_zip *zip)
{
    st_arena_free(&zip->arena);
    *zip = (struct st_zip){0};
}

const struct st_zip_member *st_zip_find(const struct st_zip *zip, const char *name)
{
    size_t low = 0;
    size_t high = zip->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct st_zip_member *member = &zip->members[zip->order[middle]];
        int order = strcmp(name, member->name);
        if (order == 0)
            return member;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Inflate exactly `member->size` bytes; more or fewer is damage. */
static synctalk_status inflate_member(const struct st_zip *zip, const struct st_zip_member *member,
                                      uint8_t *to, synctalk_error *err)
{
    z_stream stream = {0};
    const uint8_t *from = zip->data + member->offset;
    size_t packed = member->packed;
    size_t size = member->size;
    int result;

    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return st_fail_memory(err, "inflating a zip member", 0);
    do { /* zlib counts in 32 bits */
        uInt in = packed > UINT32_MAX ? UINT32_MAX : (uInt)packed;
        uInt out = size > UINT32_MAX ? UINT32_MAX : (uInt)size;
        stream.next_in = from;
        stream.avail_in = in;
        stream.next_out = to;
        stream.avail_out = out;
        result = inflate(&stream, Z_NO_FLUSH);
        from += in - stream.avail_in;
        packed -= in - stream.avail_in;
        to += out - stream.avail_out;
        size -= out - stream.avail_out;
    } while (result == Z_OK);
    inflateEnd(&stream);
    if (result == Z_MEM_ERROR)
        return st_fail_memory(err, "inflating a zip member", member->size);
    if (result != Z_STREAM_END || size != 0)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: member %s does not inflate to the %zu bytes it claims", zip->path,
                       member->name, member->size);
    return SYNCTALK_OK;
}

synctalk_status st_zip_content(const struct st_zip *zip, const struct st_zip_member *member,
                               struct st_arena *arena, const uint8_t **content, synctalk_error *err)
{
    synctalk_status st;

    if (member->flags & FLAG_ENCRYPTED)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: member %s is encrypted", zip->path,
                       member->name);
    if (member->method != 0 && member->method != 8)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: member %s is compressed by method %u; only stored and deflated (0 and "
                       "8) are read",
                       zip->path, member->name, member->method);
    if (member->method == 0) {
        *content = zip->data + member->offset;
    } else {
        uint8_t *bytes = st_arena_alloc(arena, member->size);
        if (!bytes)
            return st_fail_memory(err, "a deflated zip member", member->size);
        if ((st = inflate_member(zip, member, bytes, err)))
            return st;
        *content = bytes;
    }
    uint32_t crc = (uint32_t)crc32_z(0, *content, member->size);
    if (crc != member->crc)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: member %s has checksum %08x and should have %08x: the file is damaged",
                       zip->path, member->name, crc, member->crc);
    return SYNCTALK_OK;
}
