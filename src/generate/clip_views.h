/* SPDX-License-Identifier: Apache-2.0 */
/* Output frames of a clip plan as joints are judged by them: at some of their pixels, which lie
 * evenly over the picture, with mouths as they were filmed.
 *
 * A view has the finished pixels there, rounded as fade.h rounds them, so that the mean absolute
 * difference of two views is that of the pictures but for the choice of pixels. Source frames are
 * kept as views, the last used ones, in no more than ST_CLIP_VIEWS_BYTES. */
#ifndef ST_GENERATE_CLIP_VIEWS_H
#define ST_GENERATE_CLIP_VIEWS_H

#include <stddef.h>

#include "generate/frame_source.h"
#include "generate/plan.h"

#define ST_CLIP_VIEWS_BYTES ((size_t)64 << 20)

struct st_clip_views;

/* `reader` is borrowed until destroy. */
synctalk_status st_clip_views_create(struct st_clip_views **out, struct st_frame_reader *reader,
                                     synctalk_error *err);
void st_clip_views_destroy(struct st_clip_views **views); /* NULL-safe */

/* Look at an output frame. Step is the mean absolute difference to the frame that was looked at
 * before, in levels; 0 for the first. */
synctalk_status st_clip_views_look(struct st_clip_views *views, const struct st_plan_frame *frame,
                                   double *step, synctalk_error *err);

#endif /* ST_GENERATE_CLIP_VIEWS_H */
