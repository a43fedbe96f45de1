/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file progress.h
 * What a long call tells while it runs, and how it is asked to stop.
 */
#ifndef SYNCTALK_PROGRESS_H
#define SYNCTALK_PROGRESS_H

#include <stdint.h>

#include "synctalk/export.h"
#include "synctalk/stats.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum synctalk_log_level {
    SYNCTALK_LOG_WARNING = 0, /**< the result may not be what the user wants */
    SYNCTALK_LOG_INFO = 1,    /**< what was chosen and why */
    SYNCTALK_LOG_DEBUG = 2,
} synctalk_log_level;

typedef struct synctalk_progress {
    const char *stage; /**< "dataset", "faces", "sound", "features", "frames", "finish", "crops",
                            "train", "held out", "hash", "sheet", "download", "check"; static */
    int64_t done;      /**< units finished in this stage; bytes where it is "hash",
                            "download" or "check" */
    int64_t total;     /**< units of this stage; 0 = not known yet */
    double fps;        /**< output frame rate where units are frames, else 0 */
    int64_t epoch;     /**< stage "train": the epoch in work, counted from 1; else 0 */
    int64_t epochs;    /**< stage "train": of all epochs; else 0 */
    double loss;       /**< stage "train": mean of the epoch so far; else 0 */
} synctalk_progress;

/**
 * Any member may be NULL. All are called on the thread that made the long call, never
 * two at once; none may call back into the object that is working.
 */
typedef struct synctalk_callbacks {
    void *user; /**< handed to each callback */
    /** About ten times a second, and at the end of every stage. */
    void (*progress)(void *user, const synctalk_progress *progress);
    /** Nonzero stops the call within a second: SYNCTALK_E_CANCELLED. Polled often. */
    int (*cancelled)(void *user);
    /** One sentence without a newline; borrowed until the callback returns. */
    void (*log)(void *user, synctalk_log_level level, const char *message);
    /** Once for each video that is finished, before the call returns; `stats` is borrowed until
     *  the callback returns. Nothing is measured where this is NULL. */
    void (*stats)(void *user, const synctalk_stats *stats);
    void *reserved[3]; /**< NULL */
} synctalk_callbacks;

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_PROGRESS_H */
