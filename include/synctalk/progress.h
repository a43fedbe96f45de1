/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file progress.h
 * What a long call tells while it runs, and how it is asked to stop.
 */
#ifndef SYNCTALK_PROGRESS_H
#define SYNCTALK_PROGRESS_H

#include <stddef.h>
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

#define SYNCTALK_SIGHT_SIDE 400 /**< pixels of a sight's picture on its longer side, at most */

/** A frame of a video that is looked at, and the face in it; all is borrowed until the callback
 *  returns. */
typedef struct synctalk_sight {
    int64_t frame;              /**< 0 is the first */
    int64_t frames;             /**< of the whole video */
    int width, height;          /**< of the frame, pixels, which the places below are in */
    int found;                  /**< 1: a face was seen in this frame; else what follows is 0 */
    int box_x, box_y, box_side; /**< the square that is redrawn; it may leave the frame */
    const float *points;        /**< of the face: x and y in turn; NULL where none was seen */
    int point_count;            /**< 110, 106 or 98 */
    const unsigned char *jpeg;  /**< the frame as a JPEG file, made small */
    size_t jpeg_size;           /**< bytes */
    int64_t reserved[4];        /**< 0 */
} synctalk_sight;

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
    /** While a video is looked at for a face: the first frame, then up to four a second. */
    void (*sight)(void *user, const synctalk_sight *sight);
    void *reserved[2]; /**< NULL */
} synctalk_callbacks;

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_PROGRESS_H */
