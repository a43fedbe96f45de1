/* SPDX-License-Identifier: Apache-2.0 */
/* One face followed through a video: found by the detector, then from frame to frame by its
 * own landmarks.
 */
#ifndef ST_FACE_TRACKER_H
#define ST_FACE_TRACKER_H

#include <stdbool.h>

#include "face/detector.h"
#include "face/landmarker.h"

enum st_face_choice { ST_FACE_LARGEST, ST_FACE_LEFT, ST_FACE_RIGHT, ST_FACE_INDEX, ST_FACE_AT };

struct st_tracker_settings {
    int choice;         /* st_face_choice, where there are several */
    int index;          /* of ST_FACE_INDEX, from image-left, 0 first */
    struct st_point at; /* of ST_FACE_AT: the face that holds it, or the nearest */
    float threshold;    /* a face is accepted from this score on; 0.5 */
    int interval;       /* detect at least every so many frames; 25 */
    bool smooth;        /* for the analysis, which knows both sides of a frame; not used here */
};

/* What was seen in a frame. */
struct st_tracked {
    bool found;
    bool detected; /* by the detector in this very frame */
    bool begins;   /* not what the frame before goes on to: the first face, or after a cut */
    bool jumped;   /* farther from the last one than a head can move */
    float score;   /* the best of the last detection, accepted or not */
    int faces;     /* accepted by the last detection */
    struct st_face face;
    struct st_landmarks landmarks; /* of this frame, or the last known ones; count 0: none yet */
};

struct st_tracker;

/* Detector and landmarker are borrowed until close. */
synctalk_status st_tracker_create(struct st_tracker **out, struct st_detector *detector,
                                  struct st_landmarker *landmarker,
                                  const struct st_tracker_settings *settings, synctalk_error *err);
void st_tracker_destroy(struct st_tracker **tracker); /* NULL-safe */

/* Frames in order. What it gives for a frame depends on the frames before alone, so that work
 * which was stopped can go on from a saved state: see below. */
synctalk_status st_tracker_next(struct st_tracker *tracker, const struct st_picture *frame,
                                struct st_tracked *tracked, synctalk_error *err);

/* Everything that the next frame depends on, as plain bytes. */
size_t st_tracker_state_size(const struct st_tracker *tracker);
void st_tracker_save(const struct st_tracker *tracker, void *state);
synctalk_status st_tracker_restore(struct st_tracker *tracker, const void *state, size_t size,
                                   synctalk_error *err);

#endif /* ST_FACE_TRACKER_H */
