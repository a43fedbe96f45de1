/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/clip.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"

synctalk_status st_clip_kind_of(enum st_clip_kind *kind, const char *folder, const char *name,
                                synctalk_error *err)
{
    if (strcasestr(name, "talk"))
        *kind = ST_CLIP_TALK;
    else if (strcasestr(name, "silence") || strcasestr(name, "idle"))
        *kind = ST_CLIP_SILENCE;
    else
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s/%s: the name does not tell what the clip is for; it must contain "
                       "\"talk\", or \"silence\" or \"idle\"",
                       folder, name);
    return SYNCTALK_OK;
}

const char *st_clip_kind_name(enum st_clip_kind kind)
{
    return kind == ST_CLIP_TALK ? "talk" : "silence";
}

synctalk_status st_clips_check(const struct st_clips *clips, synctalk_error *err)
{
    if (clips->count > ST_CLIPS_MAX)
        return st_fail(err, SYNCTALK_E_ARG, "%s: %zu clips; at most %zu can be planned with",
                       clips->folder, clips->count, ST_CLIPS_MAX);
    for (size_t i = 0; i < clips->count; i++) {
        const struct st_clip *clip = &clips->clips[i];
        if (clip->frames < 1)
            return st_fail(err, SYNCTALK_E_FORMAT,
                           "%s/%s: the clip has no frames; at least one is needed", clips->folder,
                           clip->name);
        if (clip->frames > ST_CLIP_FRAMES_MAX)
            return st_fail(err, SYNCTALK_E_FORMAT,
                           "%s/%s: the clip has %" PRId64 " frames; at most %" PRId64
                           " can be planned with",
                           clips->folder, clip->name, clip->frames, ST_CLIP_FRAMES_MAX);
    }
    return SYNCTALK_OK;
}
