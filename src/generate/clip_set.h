/* SPDX-License-Identifier: Apache-2.0 */
/* The clips of a person as a source of frames: core_clips/CLIP/{full_body_img,landmarks}.
 *
 * What begins with a dot, and what is no folder, is no clip. A clip's kind is read off its
 * name and its length is the number of its frames; info.txt only tells one that was begun from
 * one that is whole.
 */
#ifndef ST_GENERATE_CLIP_SET_H
#define ST_GENERATE_CLIP_SET_H

#include "generate/clip.h"
#include "generate/frame_source.h"

struct st_clip_set {
    struct st_clips clips; /* as the plan wants them */
    const int64_t *first;  /* [clips.count]; the source's number of each clip's frame 0 */
};

/* Of a source that st_frame_source_open_clips() made; borrowed until that is closed. */
const struct st_clip_set *st_frame_source_clip_set(const struct st_frame_source *source);

#endif /* ST_GENERATE_CLIP_SET_H */
