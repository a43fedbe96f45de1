/* SPDX-License-Identifier: Apache-2.0 */
/* How work that may take longer than a moment learns that nobody waits for it any more. */
#ifndef ST_BASE_STOP_H
#define ST_BASE_STOP_H

#include <stdbool.h>
#include <stddef.h>

/* Asked on the thread that works, a few times a second. */
struct st_stop {
    bool (*asked)(void *user);
    void *user;
};

static inline bool st_stop_asked(const struct st_stop *stop)
{
    return stop && stop->asked && stop->asked(stop->user);
}

#endif /* ST_BASE_STOP_H */
