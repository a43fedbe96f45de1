/* SPDX-License-Identifier: Apache-2.0 */
/* Which clips fill n frames, and in which order.
 *
 * A clip is played whole, any number of times; what no combination fills is left to pad. In
 * order of weight: least to pad, fewest clips that follow themselves, fewest clips. Among
 * what is equal in all three each turn takes, of the clips that keep the rest as good, one
 * that did not just play, then the join with the smallest landmark distance, then the clip
 * that has not played for longest. A single clip of n frames so comes first of all. Where the
 * shortest clip is longer than n, one clip is cut. A clip fills as much backwards: where that
 * is allowed, the end that fits better comes first.
 *
 * The first three are exact, from a table over the number of frames still to fill: time is
 * at most (frames of the longest stretch) x (different lengths of clips), memory 24 bytes
 * for each frame of the longest stretch. The table counts lengths, not clips: a length that
 * two clips have follows itself without a clip doing so.
 */
#ifndef ST_GENERATE_CLIP_CHOICE_H
#define ST_GENERATE_CLIP_CHOICE_H

#include <stdbool.h>

#include "face/similarity.h"
#include "generate/clip.h"

/* The faces at the ends of a clip. */
struct st_clip_places {
    struct st_face_place first, last;
};

struct st_clip_choice; /* for the clips of one kind */

/* For stretches of up to `longest` frames, 1..ST_TIMELINE_FRAMES_MAX. At least one clip is of
 * `kind`. `clips`, checked, and `places`, one for each clip, are borrowed until destroy. */
synctalk_status st_clip_choice_create(struct st_clip_choice **out, const struct st_clips *clips,
                                      const struct st_clip_places *places, enum st_clip_kind kind,
                                      int64_t longest, synctalk_error *err);
void st_clip_choice_destroy(struct st_clip_choice **choice); /* NULL-safe */

/* Begin a stretch of `frames`. Returns how many of them whole clips fill; 0: one clip, cut. */
int64_t st_clip_choice_begin(struct st_clip_choice *choice, int64_t frames);

/* How a clip is joined. */
struct st_clip_join {
    bool backward;   /* its last frame comes first; only where both ways are allowed */
    double distance; /* of landmarks, to the face that it follows; INFINITY: not known */
};

/* The next clip of the stretch; there is one right after begin() and as long as more() says so.
 * `before` is the face that it follows, NULL for none. A clip that follows itself within the
 * stretch is measured as it goes on: where both ways are allowed it turns round, by 0. */
int st_clip_choice_next(struct st_clip_choice *choice, const struct st_face_place *before,
                        bool both_ways, struct st_clip_join *join);
bool st_clip_choice_more(const struct st_clip_choice *choice);

#endif /* ST_GENERATE_CLIP_CHOICE_H */
