/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/timeline.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "generate/plan.h"

static void add_stretch(struct st_timeline *line, int64_t from, int64_t end, bool speech)
{
    if (end <= from)
        return;
    if (line->count > 0 && line->stretches[line->count - 1].speech == speech)
        line->stretches[line->count - 1].frames += end - from;
    else
        line->stretches[line->count++] = (struct st_stretch){from, end - from, speech};
}

synctalk_status st_timeline_make(struct st_timeline *out, const struct st_vad_timeline *spans,
                                 int rate_hz, int fps, int64_t frames, synctalk_error *err)
{
    int64_t at = 0;

    *out = (struct st_timeline){.frames = 0};
    if (frames < 1 || frames > ST_TIMELINE_FRAMES_MAX)
        return st_fail(err, SYNCTALK_E_ARG,
                       "a video of %" PRId64 " frames cannot be planned from clips; 1 to %" PRId64
                       " (%.1f hours) can",
                       frames, ST_TIMELINE_FRAMES_MAX,
                       (double)ST_TIMELINE_FRAMES_MAX / (3600.0 * fps));
    if (!(out->stretches = calloc(spans->count + 1, sizeof *out->stretches)))
        return st_fail_memory(err, "a timeline", (unsigned long long)spans->count);
    out->frames = frames;
    for (size_t i = 0; i < spans->count && at < frames; i++) {
        const bool last = i + 1 == spans->count;
        int64_t end = last ? frames : st_plan_frame_count(spans->spans[i].end, rate_hz, fps);
        end = end < frames ? end : frames;
        add_stretch(out, at, end, spans->spans[i].speech);
        at = end > at ? end : at;
    }
    if (spans->count == 0)
        add_stretch(out, 0, frames, false);
    return SYNCTALK_OK;
}

void st_timeline_free(struct st_timeline *timeline)
{
    if (!timeline)
        return;
    free(timeline->stretches);
    *timeline = (struct st_timeline){.frames = 0};
}
