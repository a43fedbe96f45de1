/* SPDX-License-Identifier: Apache-2.0 */
/* Mini-batches: clips out of the corpus at random places, changed at random, cut into
 * windows. A lesson depends on seed and number alone, not on workers or what came before.
 */
#ifndef HEAR_LESSONS_H
#define HEAR_LESSONS_H

#include "hear/augment.h"
#include "hear/windows.h"

#define LESSON_WINDOWS 4 /* that come out of one clip */

struct st_pool;
struct lessons;

struct lesson_settings {
    const struct hear_corpus *corpus; /* borrowed until the lessons are destroyed */
    struct st_pool *pool;             /* likewise */
    uint64_t seed;
    bool plain; /* change nothing: for looking at the clips themselves */
};

synctalk_status lessons_create(struct lessons **out, const struct lesson_settings *settings,
                               synctalk_error *err);
void lessons_destroy(struct lessons **lessons); /* NULL-safe both ways */

/* Mini-batch `number`: `count` windows, a multiple of LESSON_WINDOWS. mel [count, 80, 16],
 * targets [count]. */
synctalk_status lessons_fill(struct lessons *lessons, uint64_t number, size_t count, float *mel,
                             struct hear_target *targets, synctalk_error *err);

#endif /* HEAR_LESSONS_H */
