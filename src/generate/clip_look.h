/* SPDX-License-Identifier: Apache-2.0 */
/* How rough the joints of a plan are, as it stands at the time: looked at by clip_views.h, and
 * remembered by the frames that are seen, since most joints of a long plan come again. */
#ifndef ST_GENERATE_CLIP_LOOK_H
#define ST_GENERATE_CLIP_LOOK_H

#include "generate/clip_plan.h"

struct st_clip_look;

/* Plan and reader are borrowed until close; the plan may change in between. */
synctalk_status st_clip_look_open(struct st_clip_look **out, const struct st_clip_plan *plan,
                                  struct st_frame_reader *frames, synctalk_error *err);
void st_clip_look_close(struct st_clip_look **look); /* NULL-safe */

/* The joint before entry k > 0, in levels. */
synctalk_status st_clip_look_at(struct st_clip_look *look, size_t k,
                                struct st_clip_roughness *roughness, synctalk_error *err);

/* The median step within clips, as they are shown, in levels; > 0: what stands still counts as a
 * camera's noise. */
synctalk_status st_clip_look_within(struct st_clip_look *look, double *within,
                                    const synctalk_callbacks *callbacks, synctalk_error *err);

/* How the face before joint k comes to lie on the one after it, by the landmarks in the middle of
 * the fade; not aligned: not to be known, or too much. */
synctalk_status st_clip_plan_fit(struct st_clip_plan *plan, size_t k, synctalk_error *err);

#endif /* ST_GENERATE_CLIP_LOOK_H */
