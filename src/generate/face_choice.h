/* SPDX-License-Identifier: Apache-2.0 */
/* --face as text. */
#ifndef ST_GENERATE_FACE_CHOICE_H
#define ST_GENERATE_FACE_CHOICE_H

#include "face/tracker.h"

/* "largest", "left", "right", "INDEX" or "X,Y" into choice, index and at of `tracker`; the
 * other fields stay. E_ARG says what is allowed. */
synctalk_status st_face_choice_parse(struct st_tracker_settings *tracker, const char *text,
                                     synctalk_error *err);

#endif /* ST_GENERATE_FACE_CHOICE_H */
