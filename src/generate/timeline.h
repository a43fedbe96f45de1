/* SPDX-License-Identifier: Apache-2.0 */
/* Speech and silence in frames of the output, from spans in samples. Pure. */
#ifndef ST_GENERATE_TIMELINE_H
#define ST_GENERATE_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/vad_rules.h"

#define ST_TIMELINE_FRAMES_MAX (INT64_C(1) << 22) /* 46 hours at 25 fps */

struct st_stretch {
    int64_t from, frames; /* frames > 0 */
    bool speech;
};

/* Stretches that cover [0, frames) without gap or overlap, kinds in turn. */
struct st_timeline {
    int64_t frames;               /* > 0 */
    struct st_stretch *stretches; /* owned */
    size_t count;                 /* > 0 */
};

/* `spans` lie on the `rate_hz` samples that voice activity was sought in; `frames` is what the
 * sound's own length gives, which need not be the same to the sample. Each boundary is rounded
 * once, on the whole timeline, halves up, so that nothing accumulates; a span without a frame
 * of its own vanishes, and its neighbours become one. No spans at all are one silence. E_ARG
 * where `frames` is not in 1..ST_TIMELINE_FRAMES_MAX. */
synctalk_status st_timeline_make(struct st_timeline *out, const struct st_vad_timeline *spans,
                                 int rate_hz, int fps, int64_t frames, synctalk_error *err);
void st_timeline_free(struct st_timeline *timeline); /* safe on a zeroed struct */

#endif /* ST_GENERATE_TIMELINE_H */
