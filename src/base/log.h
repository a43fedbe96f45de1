/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's callbacks, NULL-safe. */
#ifndef ST_BASE_LOG_H
#define ST_BASE_LOG_H

#include <stdbool.h>

#include "synctalk/progress.h"

void st_log(const synctalk_callbacks *callbacks, synctalk_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline bool st_cancelled(const synctalk_callbacks *callbacks)
{
    return callbacks && callbacks->cancelled && callbacks->cancelled(callbacks->user);
}

static inline void st_progress(const synctalk_callbacks *callbacks, const char *stage, int64_t done,
                               int64_t total, double fps)
{
    if (callbacks && callbacks->progress)
        callbacks->progress(
            callbacks->user,
            &(synctalk_progress){.stage = stage, .done = done, .total = total, .fps = fps});
}

#endif /* ST_BASE_LOG_H */
