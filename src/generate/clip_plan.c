/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/clip_plan.h"

#include <stdlib.h>

#include "base/error.h"

synctalk_status st_clip_plan_make(struct st_clip_plan *out, const struct st_clip_set *set,
                                  const struct st_timeline *timeline,
                                  const struct st_edit_settings *settings, synctalk_error *err)
{
    *out = (struct st_clip_plan){.first = set->first};
    synctalk_status st = st_edit_list_make(&out->list, &set->clips, timeline, settings, err);
    if (!st && !(out->joints = calloc(out->list.count, sizeof *out->joints)))
        st = st_fail_memory(err, "a plan of clips", (unsigned long long)out->list.count);
    if (st)
        st_clip_plan_free(out);
    return st;
}

void st_clip_plan_free(struct st_clip_plan *plan)
{
    if (!plan)
        return;
    st_edit_list_free(&plan->list);
    free(plan->joints);
    *plan = (struct st_clip_plan){.joints = NULL};
}

struct st_plan_frame st_clip_plan_at(const struct st_clip_plan *plan, int64_t i)
{
    const struct st_edit_frame f = st_edit_list_at(&plan->list, i);
    struct st_plan_frame frame = {
        .source = plan->first[f.picture.clip] + f.picture.frame,
        .window = f.window,
        .sync = f.picture.sync,
        .other = -1,
    };
    if (!f.fades)
        return frame;
    frame.fades = true;
    frame.other = plan->first[f.other.clip] + f.other.frame;
    frame.other_sync = f.other.sync;
    frame.weight = f.weight;

    const size_t next = f.entry + 1;
    const bool leaves = next < plan->list.count && i >= plan->list.entries[next].fade_from;
    const struct st_clip_joint *joint = &plan->joints[leaves ? next : f.entry];
    if (!joint->aligned)
        return frame;
    const double share = leaves ? f.weight : 1 - f.weight; /* of what comes in */
    const struct st_similarity old = st_similarity_power(&joint->move, share);
    const struct st_similarity new = st_similarity_power(&joint->move, share - 1);
    frame.moves = true;
    frame.move = leaves ? old : new;
    frame.other_move = leaves ? new : old;
    return frame;
}
