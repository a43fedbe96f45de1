/* SPDX-License-Identifier: Apache-2.0 */
/* A quantity over time, of any length, in a bounded number of buckets: lowest, highest and
 * sum of the items in each. When all buckets are full, neighbours are joined in pairs.
 */
#ifndef ST_GENERATE_LANE_H
#define ST_GENERATE_LANE_H

#include <stddef.h>
#include <stdint.h>

#define ST_LANE_BUCKETS 8192 /* even */

struct st_lane_bucket {
    float low, high;
    double sum;
    int64_t items; /* > 0 */
};

/* Zero it first. */
struct st_lane {
    int64_t items; /* in all */
    int64_t unit;  /* items in a full bucket; 0 stands for 1 */
    size_t count;  /* buckets in use */
    struct st_lane_bucket buckets[ST_LANE_BUCKETS];
};

void st_lane_add(struct st_lane *lane, float low, float high, double sum);

/* Items [from, to) joined, in whole buckets: all that any of them falls into. `items` is 0
 * where there are none. */
struct st_lane_bucket st_lane_part(const struct st_lane *lane, double from, double to);

#endif /* ST_GENERATE_LANE_H */
