/* SPDX-License-Identifier: Apache-2.0 */
/* Files that clients send: written as they come, kept once for each content, whatever they
 * are. What is in them is judged by the worker that opens them. */
#ifndef SERVER_UPLOADS_H
#define SERVER_UPLOADS_H

#include "folders.h"
#include "store.h"

struct uploads;

synctalk_status uploads_open(struct uploads **out, const struct folders *folders,
                             struct store *store, int64_t most_bytes, synctalk_error *err);
void uploads_close(struct uploads **uploads); /* NULL-safe; no upload is open */

/* An upload that is being written. One thread at a time. */
struct upload;

/* A new one. `length` bytes are announced, or -1; `name` is the client's, shown cleaned.
 * `row` is filled. E_ARG: longer than may be. */
synctalk_status upload_begin(struct upload **out, struct uploads *uploads, const char *name,
                             int64_t length, struct upload_row *row, synctalk_error *err);
/* One that was begun, whose first `offset` bytes are there. E_ARG: another number is;
 * E_EXISTS: it is whole, or another request writes it; E_MISSING. */
synctalk_status upload_resume(struct upload **out, struct uploads *uploads, const char *id,
                              int64_t offset, synctalk_error *err);
/* E_ARG: more than announced or than may be. */
synctalk_status upload_write(struct upload *upload, const void *data, size_t size,
                             synctalk_error *err);
/* Put what there is on disk. Where that is all (or no length was announced), the content takes
 * its place. `row` is filled. */
synctalk_status upload_end(struct upload *upload, struct upload_row *row, synctalk_error *err);
/* NULL-safe. `keep` leaves an upload that is not whole to upload_resume(), else it is gone. */
void upload_close(struct upload **upload, bool keep);

/* Bytes of upload `row` that are there. */
int64_t uploads_offset(const struct uploads *uploads, const struct upload_row *row);
/* E_EXISTS: a request is writing it. */
synctalk_status uploads_remove(struct uploads *uploads, const char *id, synctalk_error *err);
/* Forget uploads made before `before` that no job needs, and contents of no upload. */
synctalk_status uploads_sweep(struct uploads *uploads, int64_t before, synctalk_error *err);
/* Forget the oldest upload that no waiting or working job needs and no request writes. *freed: the
 * bytes that are free for it, of which there may be none where others have the same content; -1
 * where there is no such upload. */
synctalk_status uploads_drop_oldest(struct uploads *uploads, int64_t *freed, synctalk_error *err);
/* Bytes of all contents. */
int64_t uploads_bytes(const struct uploads *uploads);

#endif /* SERVER_UPLOADS_H */
