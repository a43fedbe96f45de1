/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stats.h
 * Where the time of a video went, stage by stage.
 */
#ifndef SYNCTALK_STATS_H
#define SYNCTALK_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "synctalk/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One stage of a frame's way through the threads, or their waiting between two. */
typedef struct synctalk_stage {
    const char *name;   /**< "decode", "crop" ...; static */
    const char *thread; /**< "reader", "worker", "writer", or "encoder": threads of x264; static */
    int waits;          /**< 1: nothing is done, but waited for a frame or for room */
    int threads;        /**< that share it */
    int64_t times;      /**< it was gone through */
    double seconds;     /**< of all these threads; 0 where only processor time is known */
    double cpu_seconds; /**< of the processor; less than `seconds` where a core was not free */
} synctalk_stage;

typedef struct synctalk_stats {
    const synctalk_stage *stages; /**< in the order of a frame's way; none that was never met */
    size_t stage_count;
    int64_t frames;
    double fps;            /**< of the video */
    double audio_seconds;  /**< length of the sound */
    double seconds;        /**< wall time of the call */
    double first_frame;    /**< seconds until the first finished frame was there to be encoded */
    double cpu_seconds;    /**< of the whole process meanwhile */
    int cores;             /**< that the process may use */
    const char *busiest;   /**< thread that waited least, the bottleneck: as in synctalk_stage */
    double busy;           /**< part of its time in which it did not wait, 0 ... 1 */
    const char *longest;   /**< stage that took most of that thread's time; static */
    int64_t images;        /**< image sides of the network asked of the cache; 0 without one */
    int64_t images_loaded; /**< of these, not computed again */
    int64_t cache_bytes;   /**< held at the end, which is the most */
    int64_t reserved[16];  /**< 0 */
} synctalk_stats;

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_STATS_H */
