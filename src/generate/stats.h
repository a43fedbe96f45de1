/* SPDX-License-Identifier: Apache-2.0 */
/* Where the time of a run went: the watches of its threads, and what is told of them. */
#ifndef ST_GENERATE_STATS_H
#define ST_GENERATE_STATS_H

#include "base/stopwatch.h"
#include "generate/image_cache.h"
#include "synctalk/progress.h"

/* Zero it first. */
struct st_stats {
    struct st_stopwatch writer; /* the calling thread, from the call's begin to its end */
    struct st_stopwatch reader;
    struct st_stopwatch worker; /* all of them added up */
    int64_t began_ns, first_frame_ns;
    int64_t process_cpu_ns; /* when it began */
};

/* On the calling thread, at the call's begin. */
void st_stats_begin(struct st_stats *stats);

struct st_run_facts {
    int64_t frames;
    double fps, audio_seconds;
    int workers, encoder_threads;
    struct st_image_cache_counts cache;
};

/* Tell callbacks->stats, which is not NULL. */
void st_stats_tell(const struct st_stats *stats, const struct st_run_facts *facts,
                   const synctalk_callbacks *callbacks);

#endif /* ST_GENERATE_STATS_H */
