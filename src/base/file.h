/* SPDX-License-Identifier: Apache-2.0 */
/* Files: reading by map, writing whole or not at all, paths.
 *
 * Output goes to a name of its own beside the target and takes the target's name only
 * when it is complete and on disk; a crash leaves at most the temporary file.
 */
#ifndef ST_BASE_FILE_H
#define ST_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synctalk/status.h"

#define ST_PATH_MAX 4096 /* bytes, terminator included */

/* A file mapped read-only. An empty file has data NULL and size 0. */
struct st_mapping {
    const uint8_t *data;
    size_t size;
    void *base; /* what munmap() takes */
};

synctalk_status st_map_file(struct st_mapping *map, const char *path, synctalk_error *err);
void st_unmap_file(struct st_mapping *map); /* NULL-safe, zeroes *map */

/* Join `dir` and `name` with one '/'; a `dir` of "" gives name alone. E_ARG when the
 * result does not fit ST_PATH_MAX. `out` holds ST_PATH_MAX bytes. */
synctalk_status st_path_join(char *out, const char *dir, const char *name, synctalk_error *err);

/* printf into ST_PATH_MAX bytes; E_ARG when it does not fit. */
synctalk_status st_path_format(char *out, synctalk_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const char *st_path_base(const char *path); /* after the last '/' */
bool st_path_is_file(const char *path);     /* a regular file, through links */
bool st_path_is_dir(const char *path);
/* Both are there, and `path` was not changed before `than` was. */
bool st_path_is_newer(const char *path, const char *than);
bool st_path_is_same(const char *path, const char *other); /* one file, by whatever names */
/* Also where it is not there yet: one name in one folder. */
bool st_path_would_be_same(const char *path, const char *other);

/* A file that is being made. Zero it first; close() ends it in every state. */
struct st_output {
    char target[ST_PATH_MAX];
    char temporary[ST_PATH_MAX]; /* exists while open; "" otherwise */
    int fd;                      /* owned while open, read-write; -1 otherwise */
};

/* Create the temporary file. With overwrite 0 an existing target is E_EXISTS. A target
 * that is a folder, or whose folder is absent or not writable, is refused here, before
 * any long work. */
synctalk_status st_output_open(struct st_output *out, const char *target, bool overwrite,
                               synctalk_error *err);

/* Append all of `data`, across short writes and EINTR. */
synctalk_status st_output_write(struct st_output *out, const void *data, size_t size,
                                synctalk_error *err);

/* fsync, rename onto the target (refused when it has appeared meanwhile and overwrite
 * was 0), fsync the folder. On failure the temporary file is gone. */
synctalk_status st_output_commit(struct st_output *out, bool overwrite, synctalk_error *err);

/* Remove the temporary file if it was not committed. Safe on a zeroed struct. */
void st_output_close(struct st_output *out);

/* Remove what processes that were killed left of `target`: its temporary files that nobody
 * holds any more. */
synctalk_status st_output_sweep(const char *target, synctalk_error *err);

/* Names in a folder (no "." and ".."), sorted by strcmp. Owns the strings. */
struct st_names {
    char **names;
    size_t count;
};

synctalk_status st_list_dir(struct st_names *names, const char *path, synctalk_error *err);
void st_names_free(struct st_names *names);

#endif /* ST_BASE_FILE_H */
