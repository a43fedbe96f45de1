/* SPDX-License-Identifier: Apache-2.0 */
/* The frame plan of core clips mode: the edit list in numbers of the source's frames, and for
 * each fade whether its two sides are moved onto each other. */
#ifndef ST_GENERATE_CLIP_PLAN_H
#define ST_GENERATE_CLIP_PLAN_H

#include "face/similarity.h"
#include "generate/clip_set.h"
#include "generate/edit_list.h"
#include "generate/plan.h"

/* Of the fade into an entry. */
struct st_clip_joint {
    bool aligned;
    struct st_similarity move; /* the face before it onto the face after it, where aligned */
};

struct st_clip_plan {
    struct st_edit_list list;     /* owned */
    const int64_t *first;         /* borrowed from the set */
    struct st_clip_joint *joints; /* owned; [list.count] */
};

/* `set` is borrowed until free. No joint is aligned yet. See st_edit_list_make(). */
synctalk_status st_clip_plan_make(struct st_clip_plan *out, const struct st_clip_set *set,
                                  const struct st_timeline *timeline,
                                  const struct st_edit_settings *settings, synctalk_error *err);
void st_clip_plan_free(struct st_clip_plan *plan); /* safe on a zeroed struct */

/* Output frame i, 0 <= i < list.frames. */
struct st_plan_frame st_clip_plan_at(const struct st_clip_plan *plan, int64_t i);

struct st_clip_joining {
    synctalk_align align;
    int longest; /* frames that a fade may come to have; those that have more keep them */
    bool rests;  /* the sides of a fade may slow down and rest; else they run on */
};

/* Decide for each fade how it is made, by making it from the source's frames. Steps from frame to
 * frame are mean absolute differences.
 *
 * A fade is smooth when the mean step over it is no greater than 1.25 median steps within the
 * clips and, where its sides may rest, no single one greater than 2. One that is not is moved in
 * the automatic choice, by the landmarks in its middle, where that makes its mean and its greatest
 * step smaller; then its sides slow down, or rest; then it gets the least length from its own to
 * `longest` that makes it smooth one way or the other, as far as both entries have room, or what
 * comes nearest to that. Where room is short, fades beside it between clips of one kind move over.
 * Faces that are not known or differ much in size are never moved.
 *
 * Entries come to say how rough their joints are; a warning names the roughest that may be seen,
 * but for hard cuts that were asked for. */
synctalk_status st_clip_plan_join(struct st_clip_plan *plan, struct st_frame_reader *frames,
                                  const struct st_clip_joining *joining,
                                  const synctalk_callbacks *callbacks, synctalk_error *err);

/* Steps from frame to frame (mean absolute differences, in levels) through a joint, both frames
 * that it lies between included. Of the source's pictures: mouths are not redrawn. */
struct st_clip_roughness {
    double mean, greatest;
};

/* Of the joint before entry k; all 0 for the first. */
synctalk_status st_clip_plan_roughness(struct st_clip_roughness *roughness,
                                       const struct st_clip_plan *plan,
                                       struct st_frame_reader *frames, size_t k,
                                       synctalk_error *err);

#endif /* ST_GENERATE_CLIP_PLAN_H */
