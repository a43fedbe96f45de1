/* SPDX-License-Identifier: Apache-2.0 */
/* The frame plan: for output frame i, which source frame, which audio window, and
 * whether the mouth is redrawn.
 *
 * Pure: a function of numbers alone, so that it can be printed, saved and compared
 * without running a network. Rendering consumes it and decides nothing itself.
 */
#ifndef ST_GENERATE_PLAN_H
#define ST_GENERATE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "face/similarity.h"
#include "synctalk/settings.h"

struct st_clip_plan;

/* Frames of a video with `samples` of sound at `rate_hz`: round(samples / rate x fps),
 * halves up, in integers. */
int64_t st_plan_frame_count(int64_t samples, int rate_hz, int fps);

struct st_plan {
    int64_t frames;  /* of the output, > 0 */
    int64_t sources; /* source frames, > 0 */
    int64_t start;   /* first source frame, 0 <= start < sources */
    bool loop_back;
    synctalk_at_end at_end;           /* when loop_back is off */
    const struct st_clip_plan *clips; /* borrowed; not NULL: it alone says what is seen */
};

struct st_plan_frame {
    int64_t source; /* 0 <= source < sources */
    int64_t window; /* the audio window's index: output frame i hears window i */
    bool sync;      /* false: the source frame as it is */

    /* A fade: `other` is laid over the frame when both are finished. */
    bool fades;
    bool other_sync;
    bool moves;                            /* both are moved before */
    int64_t other;                         /* likewise a source frame; -1 where nothing fades */
    double weight;                         /* of `other`, > 0 and < 1; else 0 */
    struct st_similarity move, other_move; /* from the source's pixels to the output's */
};

/* Output frame i, 0 <= i < frames.
 *
 * Loop back on: the walk turns at the output's midpoint, p = min(i, frames - i), so that
 * the video ends one step from where it began and can be looped. Before that it bounces
 * between the first and the last source frame where the source is short.
 * Off: bounce, or wrap to source frame 0 after the last. */
struct st_plan_frame st_plan_at(const struct st_plan *plan, int64_t i);

#define ST_PLAN_NEVER INT64_MAX
#define ST_PLAN_HORIZON 2048 /* frames that are looked ahead among clips */

/* The next output frame after i in which the source frame `source`, seen in frame i, is
 * lip-synced again. ST_PLAN_NEVER: in none; among clips, in none within the horizon. */
int64_t st_plan_next_use(const struct st_plan *plan, int64_t i, int64_t source);

/* Where another video follows, of the same kind: the frame in which it is likely to see `source`
 * first, counted on from this one's. A guess, by which to choose what is kept. */
int64_t st_plan_next_video_use(const struct st_plan *plan, int64_t source);

#endif /* ST_GENERATE_PLAN_H */
