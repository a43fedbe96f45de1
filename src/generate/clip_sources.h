/* SPDX-License-Identifier: Apache-2.0 */
/* The videos in core_clips/NAME and the clips in dataset/NAME/core_clips, side by side. */
#ifndef ST_GENERATE_CLIP_SOURCES_H
#define ST_GENERATE_CLIP_SOURCES_H

#include <stdbool.h>

#include "base/file.h"
#include "generate/clip.h"

struct st_clip_source {
    char name[ST_CLIP_NAME_MAX]; /* of the clip: the file's name without its ending */
    char file[ST_CLIP_NAME_MAX]; /* in core_clips/NAME; "": there is none */
    enum st_clip_kind kind;
};

/* Sorted by name. */
struct st_clip_sources {
    char videos[ST_PATH_MAX];     /* ROOT/core_clips/NAME */
    char clips[ST_PATH_MAX];      /* ROOT/dataset/NAME/core_clips */
    struct st_clip_source *items; /* owned */
    size_t count;                 /* > 0 */
};

/* E_MISSING: no such root; neither video nor clip. E_FORMAT: a name of neither type. E_ARG: two
 * videos would become one clip; a name that cannot be a line of text. Clips without a video
 * count where `orphans` says so; of those, names of neither type are passed over. */
synctalk_status st_clip_sources_list(struct st_clip_sources *out, const char *root,
                                     const char *name, bool orphans, synctalk_error *err);
void st_clip_sources_free(struct st_clip_sources *sources); /* safe on a zeroed struct */

#endif /* ST_GENERATE_CLIP_SOURCES_H */
