/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings say about faces, for those who look for them in a video. */
#ifndef ST_GENERATE_FACES_H
#define ST_GENERATE_FACES_H

#include "base/file.h"
#include "face/analysis.h"
#include "face/tracker.h"
#include "synctalk/settings.h"

/* "largest", "left", "right", "INDEX" or "X,Y" into choice, index and at of `tracker`; the
 * other fields stay. E_ARG says what is allowed. */
synctalk_status st_face_choice_parse(struct st_tracker_settings *tracker, const char *text,
                                     synctalk_error *err);

/* The settings of an analysis, with room for the paths that are looked up. */
struct st_face_settings {
    struct st_analysis_settings analysis; /* borrows from the two below and from the settings */
    char detector[ST_PATH_MAX];
    char landmarks[ST_PATH_MAX];
};

/* For `video` at `fps`; do not copy the result. E_MISSING where a network is not there: what
 * it is for and where it was looked for. */
synctalk_status st_face_settings_find(struct st_face_settings *faces,
                                      const synctalk_settings *settings, const char *video, int fps,
                                      const struct st_kernels *kernels, synctalk_error *err);

#endif /* ST_GENERATE_FACES_H */
