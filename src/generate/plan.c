/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/plan.h"

#include <assert.h>

#include "generate/clip_plan.h"

int64_t st_plan_frame_count(int64_t samples, int rate_hz, int fps)
{
    assert(samples >= 0 && samples < INT64_MAX / 2 / fps && rate_hz > 0 && fps > 0);
    return (2 * samples * fps + rate_hz) / (2 * (int64_t)rate_hz);
}

/* Position after `steps` steps upwards from `start` between walls at 0 and last; the walls
 * are not played twice. */
static int64_t bounce(int64_t start, int64_t steps, int64_t last)
{
    if (last == 0)
        return 0;
    int64_t phase = (start + steps) % (2 * last);
    return phase <= last ? phase : 2 * last - phase;
}

struct st_plan_frame st_plan_at(const struct st_plan *plan, int64_t i)
{
    assert(i >= 0 && i < plan->frames);
    if (plan->clips)
        return st_clip_plan_at(plan->clips, i);
    assert(plan->start >= 0 && plan->start < plan->sources);

    int64_t steps = i;
    if (plan->loop_back && plan->frames - i < i)
        steps = plan->frames - i;

    struct st_plan_frame frame = {.window = i, .sync = true, .other = -1};
    if (!plan->loop_back && plan->at_end == SYNCTALK_AT_END_WRAP)
        frame.source = (plan->start + steps) % plan->sources;
    else
        frame.source = bounce(plan->start, steps, plan->sources - 1);
    return frame;
}

static int64_t next_among_clips(const struct st_plan *plan, int64_t i, int64_t source)
{
    int64_t end = plan->frames - i > ST_PLAN_HORIZON ? i + ST_PLAN_HORIZON : plan->frames;
    for (int64_t j = i + 1; j < end; j++) {
        const struct st_plan_frame frame = st_clip_plan_at(plan->clips, j);
        if ((frame.sync && frame.source == source) ||
            (frame.fades && frame.other_sync && frame.other == source))
            return j;
    }
    return ST_PLAN_NEVER;
}

/* Steps from step `steps` of a bounce until the same place is come to again: *ahead going on,
 * *back going back to where it was come to before, were there steps before the first. */
static void bounce_again(const struct st_plan *plan, int64_t steps, int64_t *ahead, int64_t *back)
{
    const int64_t period = plan->sources > 1 ? 2 * (plan->sources - 1) : 1;
    const int64_t phase = (plan->start + steps) % period;
    const int64_t twin = (period - phase) % period; /* the other phase at this place */
    *ahead = (twin - phase + period) % period;
    *back = (phase - twin + period) % period;
    if (*ahead == 0)
        *ahead = *back = period;
}

int64_t st_plan_next_use(const struct st_plan *plan, int64_t i, int64_t source)
{
    int64_t ahead;
    int64_t back;

    if (plan->clips)
        return next_among_clips(plan, i, source);
    if (!plan->loop_back) {
        if (plan->at_end == SYNCTALK_AT_END_WRAP)
            ahead = plan->sources;
        else
            bounce_again(plan, i, &ahead, &back);
        return ahead < plan->frames - i ? i + ahead : ST_PLAN_NEVER;
    }
    const int64_t turn = plan->frames / 2; /* the last step of the way out */
    const int64_t steps = i <= turn ? i : plan->frames - i;
    bounce_again(plan, steps, &ahead, &back);
    if (i <= turn && steps + ahead <= turn)
        return steps + ahead;
    /* On the way back it is come to at the greatest step below this one, or at this one. */
    const bool mirrored = plan->frames - steps > i;
    const int64_t again = mirrored ? steps : steps - back;
    return again >= 1 ? plan->frames - again : ST_PLAN_NEVER;
}

int64_t st_plan_next_video_use(const struct st_plan *plan, int64_t source)
{
    if (plan->clips)
        return plan->frames + ST_PLAN_HORIZON;
    const int64_t away = source - plan->start;
    return plan->frames + (away >= 0 ? away : plan->sources + away);
}
