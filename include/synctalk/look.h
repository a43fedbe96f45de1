/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file look.h
 * Look at a video before it is used: whether there is a face in it, and where.
 *
 *     synctalk_settings s;
 *     synctalk_settings_init(&s);
 *     s.model = "anna";
 *     s.mode = SYNCTALK_MODE_VIDEO;
 *     s.video = "take.mp4";
 *     synctalk_callbacks told = {.sight = draw};
 *     synctalk_look_report report;
 *     if (synctalk_look(&s, &told, &report, &err) == SYNCTALK_OK)
 *         printf("a face in %lld of %lld frames\n", (long long)report.found, ...);
 */
#ifndef SYNCTALK_LOOK_H
#define SYNCTALK_LOOK_H

#include <stdint.h>

#include "synctalk/export.h"
#include "synctalk/progress.h"
#include "synctalk/settings.h"
#include "synctalk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct synctalk_look_report {
    int64_t frames;        /**< of the video, at the rate by which the person hears */
    int64_t found;         /**< of these, frames with a face */
    int64_t first_missing; /**< the first without, or -1 */
    int fps;
    int width, height; /**< of a frame, pixels */
    int smallest_side; /**< of the faces' shorter sides, pixels; under 256 is a warning */
    int reused;        /**< 1: an earlier look was kept; then a few frames are shown */
    int64_t reserved[4];
} synctalk_look_report;

/**
 * Look for the face in every frame of settings->video, as synctalk_person_open() does of
 * SYNCTALK_MODE_VIDEO: what was seen is kept in settings->analysis_cache, so that the video of
 * the person settings->model need not be looked at again. Frames are shown by callbacks->sight.
 *
 * @param[out] report  filled on success; or NULL
 * @retval SYNCTALK_E_FORMAT     no video; no face in any frame
 * @retval SYNCTALK_E_MISSING    no such person; no detector or landmark network
 * @retval SYNCTALK_E_CANCELLED  callbacks->cancelled said so; the same call goes on
 */
SYNCTALK_API synctalk_status synctalk_look(const synctalk_settings *settings,
                                           const synctalk_callbacks *callbacks,
                                           synctalk_look_report *report, synctalk_error *err);

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_LOOK_H */
