/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/lane.h"

#include <math.h>

static void join(struct st_lane_bucket *a, const struct st_lane_bucket *b)
{
    if (b->items == 0)
        return;
    if (a->items == 0) {
        *a = *b;
        return;
    }
    a->low = fminf(a->low, b->low);
    a->high = fmaxf(a->high, b->high);
    a->sum += b->sum;
    a->items += b->items;
}

static void halve(struct st_lane *lane)
{
    for (size_t i = 0; i < ST_LANE_BUCKETS / 2; i++) {
        struct st_lane_bucket both = lane->buckets[2 * i];
        join(&both, &lane->buckets[2 * i + 1]);
        lane->buckets[i] = both;
    }
    lane->count = ST_LANE_BUCKETS / 2;
    lane->unit *= 2;
}

void st_lane_add(struct st_lane *lane, float low, float high, double sum)
{
    const struct st_lane_bucket item = {low, high, sum, 1};
    if (lane->unit == 0)
        lane->unit = 1;
    if (lane->items == lane->unit * ST_LANE_BUCKETS)
        halve(lane);
    const size_t at = (size_t)(lane->items / lane->unit);
    if (at == lane->count) {
        lane->buckets[at] = item;
        lane->count++;
    } else {
        join(&lane->buckets[at], &item);
    }
    lane->items++;
}

struct st_lane_bucket st_lane_part(const struct st_lane *lane, double from, double to)
{
    struct st_lane_bucket all = {0, 0, 0, 0};
    const double unit = (double)(lane->unit ? lane->unit : 1);
    const double last = (double)lane->count;
    const size_t first = (size_t)fmin(floor(fmax(from, 0) / unit), last);
    const size_t end = (size_t)fmin(fmax(ceil(to / unit), (double)first + 1), last);
    for (size_t i = first; i < end; i++)
        join(&all, &lane->buckets[i]);
    return all;
}
