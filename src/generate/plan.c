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
