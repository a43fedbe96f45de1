/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder: what lies where, and that one server alone is at work in it.
 *
 *   synctalk.db          jobs and uploads (store.h)
 *   reserve              room for removals on a full disk (store.h)
 *   incoming/ID          an upload that is not whole yet
 *   uploads/SHA256       a whole one: content that several uploads may share
 *   videos/ID.mp4, ID.edl.json, ID.vad.png
 *   analysis/            what was seen in videos, by content
 *
 * Names are made here from ids and hashes of the database, never from a request's text.
 */
#ifndef SERVER_FOLDERS_H
#define SERVER_FOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids.h"
#include "synctalk/status.h"

#define FOLDER_PATH 4096

struct folders {
    char state[FOLDER_PATH]; /* absolute */
    int lock;                /* descriptor that holds the lock; -1 = none */
};

/* Make what is absent and take the lock. E_EXISTS: another server holds it. */
synctalk_status folders_open(struct folders *folders, const char *state, synctalk_error *err);
void folders_close(struct folders *folders);

/* Which file of a finished video. */
enum video_file { VIDEO_MP4, VIDEO_EDL, VIDEO_VAD, VIDEO_FILES };

struct path {
    char text[FOLDER_PATH + 128];
};

struct path folders_incoming(const struct folders *folders, const char *upload);
struct path folders_content(const struct folders *folders, const char *sha256);
struct path folders_video(const struct folders *folders, const char *job, enum video_file file);
struct path folders_below(const struct folders *folders, const char *name); /* STATE/name */

/* Bytes of a file; 0 where it is not there. */
int64_t file_bytes(const char *path);
void folders_remove_video(const struct folders *folders, const char *job);

/* Call `visit` with the name of every file below STATE/name. */
typedef void name_visitor(void *user, const char *name, int64_t bytes);
synctalk_status folders_list(const struct folders *folders, const char *name, name_visitor *visit,
                             void *user, synctalk_error *err);

#endif /* SERVER_FOLDERS_H */
