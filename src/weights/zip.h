/* SPDX-License-Identifier: Apache-2.0 */
/* Zip archives in memory. The central directory is believed, once it has been held
 * against the file: every member inside it, none over another, none twice.
 * Source: PKWARE APPNOTE.TXT 6.3.9, sections 4.3 and 4.5.3 (zip64).
 */
#ifndef ST_WEIGHTS_ZIP_H
#define ST_WEIGHTS_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "weights/arena.h"

struct st_zip_member {
    const char *name; /* in the zip's arena */
    uint16_t method;  /* 0 stored, 8 deflated */
    uint16_t flags;
    uint32_t crc;
    size_t header; /* offset of the local header in the file */
    size_t offset; /* of the data */
    size_t packed; /* bytes in the file */
    size_t size;   /* bytes of the content, as declared */
};

struct st_zip {
    const char *path;    /* borrowed, for messages */
    const uint8_t *data; /* borrowed */
    size_t size;
    struct st_arena arena;
    struct st_zip_member *members; /* [count] in the order of the central directory */
    size_t count;
    uint32_t *order; /* [count] sorted by name */
};

/* Read the directory. `data` is borrowed until close. Nothing is inflated. */
synctalk_status st_zip_open(struct st_zip *zip, const char *path, const uint8_t *data, size_t size,
                            synctalk_error *err);
void st_zip_close(struct st_zip *zip); /* safe on a zeroed struct */

const struct st_zip_member *st_zip_find(const struct st_zip *zip, const char *name);

/* The content: a view into the file for a stored member, memory of `arena` for a deflated
 * one. The checksum is verified. */
synctalk_status st_zip_content(const struct st_zip *zip, const struct st_zip_member *member,
                               struct st_arena *arena, const uint8_t **content,
                               synctalk_error *err);

/* Writing: stored members, each one's content at a multiple of 64 bytes. */
struct st_zip_entry {
    const char *name; /* borrowed until finish */
    uint32_t crc;
    uint32_t size;
    uint32_t header;
};

struct st_zip_writer {
    struct st_output *output; /* borrowed */
    struct st_zip_entry *entries;
    size_t count, capacity;
    uint64_t at; /* bytes written */
};

/* Begin a member whose content, `size` bytes with checksum `crc`, is then written by
 * st_zip_writer_put(). Zip without its 64-bit extension: at most 4 GiB in all. */
synctalk_status st_zip_writer_begin(struct st_zip_writer *zip, const char *name, uint64_t size,
                                    uint32_t crc, synctalk_error *err);
synctalk_status st_zip_writer_put(struct st_zip_writer *zip, const void *data, size_t size,
                                  synctalk_error *err);
synctalk_status st_zip_writer_member(struct st_zip_writer *zip, const char *name, const void *data,
                                     size_t size, synctalk_error *err);
synctalk_status st_zip_writer_finish(struct st_zip_writer *zip, synctalk_error *err);
void st_zip_writer_free(struct st_zip_writer *zip); /* the list of entries, not the output */

#endif /* ST_WEIGHTS_ZIP_H */
