/* SPDX-License-Identifier: Apache-2.0 */
/* info.txt of a clip: what it was made from, and whether it is whole. Lines of "key: value",
 * of which readers skip those that they do not know.
 *
 * It is written before the first frame, and again, with "complete: yes", when all frames are
 * there. A clip without it, or with one that other tools wrote, belongs to others.
 */
#ifndef ST_GENERATE_CLIP_INFO_H
#define ST_GENERATE_CLIP_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"
#include "base/hash.h"
#include "generate/clip.h"

#define ST_CLIP_INFO "info.txt"

struct st_clip_info {
    bool any;                      /* there is an info.txt of ours */
    bool complete;                 /* and it says that all is there */
    char source[ST_CLIP_NAME_MAX]; /* file name, one line */
    char sha256[ST_HASH_TEXT];     /* of the source's bytes */
    char identity[ST_HASH_TEXT];   /* of all that the frames depend on */
    enum st_clip_kind kind;
    int fps;
    int64_t frames; /* this and what follows: 0 until it is complete */
    int64_t faces;  /* frames in which one was seen */
    int width, height;
};

/* Absent, another's or damaged is `any` false, no error. */
synctalk_status st_clip_info_read(struct st_clip_info *info, const char *folder,
                                  synctalk_error *err);
/* Over what is there. */
synctalk_status st_clip_info_write(const struct st_clip_info *info, const char *folder,
                                   synctalk_error *err);

#endif /* ST_GENERATE_CLIP_INFO_H */
