/* SPDX-License-Identifier: Apache-2.0 */
/* Clips as the plan sees them: a name, a kind, a length, a face at either end. */
#ifndef ST_GENERATE_CLIP_H
#define ST_GENERATE_CLIP_H

#include <stddef.h>
#include <stdint.h>

#include "face/landmarks.h"

#define ST_CLIPS_MAX ((size_t)1 << 14)
#define ST_CLIP_FRAMES_MAX (INT64_C(1) << 24)
#define ST_CLIP_NAME_MAX 256 /* bytes, terminator included */

enum st_clip_kind { ST_CLIP_SILENCE, ST_CLIP_TALK, ST_CLIP_KINDS };

/* Where a clip's faces between its ends are had from. */
struct st_clip_faces {
    synctalk_status (*read)(const struct st_clip_faces *faces, int64_t frame,
                            struct st_landmarks *landmarks, synctalk_error *err);
};

struct st_clip {
    char name[ST_CLIP_NAME_MAX];
    enum st_clip_kind kind;
    int64_t frames;                    /* 1..ST_CLIP_FRAMES_MAX, at the output's rate */
    struct st_landmarks first, last;   /* of those frames; count 0: not known */
    const struct st_clip_faces *faces; /* borrowed; NULL: the nearer end stands for a frame */
};

/* All borrowed. */
struct st_clips {
    const char *folder; /* for messages */
    const struct st_clip *clips;
    size_t count;
};

/* "talk" in the name: talk; else "silence" or "idle": silence; capitals or not. E_FORMAT,
 * naming the clip and `folder`, where it says neither. */
synctalk_status st_clip_kind_of(enum st_clip_kind *kind, const char *folder, const char *name,
                                synctalk_error *err);

const char *st_clip_kind_name(enum st_clip_kind kind); /* "talk", "silence" */

/* E_FORMAT where a clip has no frames or too many, E_ARG where there are too many clips. */
synctalk_status st_clips_check(const struct st_clips *clips, synctalk_error *err);

#endif /* ST_GENERATE_CLIP_H */
