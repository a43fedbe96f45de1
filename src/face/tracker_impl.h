/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the tracker, and the way to put other eyes into it. */
#ifndef ST_FACE_TRACKER_IMPL_H
#define ST_FACE_TRACKER_IMPL_H

#include <stdint.h>

#include "face/tracker.h"

/* What looks at pictures: the two networks, or a test. Both calls as in detector.h and
 * landmarker.h, with the pointer that is theirs; both are borrowed. */
struct st_face_finder {
    void *detector;
    void *landmarker;
    synctalk_status (*detect)(void *detector, const struct st_picture *picture,
                              struct st_face *faces, int *count, synctalk_error *err);
    synctalk_status (*landmark)(void *landmarker, const struct st_picture *picture,
                                const struct st_face *face, struct st_landmarks *landmarks,
                                synctalk_error *err);
};

/* The two networks; both are borrowed. */
struct st_face_finder st_face_finder_of(struct st_detector *detector,
                                        struct st_landmarker *landmarker);

/* `finder` is copied. */
synctalk_status st_tracker_create_with(struct st_tracker **out, const struct st_face_finder *finder,
                                       const struct st_tracker_settings *settings,
                                       synctalk_error *err);

/* Shared area of two boxes over the area of both together. */
float st_face_overlap(const struct st_face *a, const struct st_face *b);

/* Which of `faces`, best first, to take; -1: none. `accepted` counts those that reach the
 * threshold. `last` is the face followed so far, or NULL: it is preferred where it overlaps,
 * and may then have a lower score. */
int st_face_choose(const struct st_face *faces, int count,
                   const struct st_tracker_settings *settings, const struct st_face *last,
                   int *accepted);

/* The similarity that takes `from` to `to` with the least squares. */
struct st_shape_fit {
    float scale;
    float residual; /* what it leaves, over the size of `to`: 0 for equal shapes */
};

/* False where a point is not finite, the layouts differ or all points are one. */
bool st_shape_fit(struct st_shape_fit *fit, const struct st_landmarks *from,
                  const struct st_landmarks *to);

/* Could be a face: a known layout, finite points, cheeks in order and apart. */
bool st_landmarks_plausible(const struct st_landmarks *landmarks);

/* A few samples of the green inside a face's box, from which one can tell that the next frame
 * shows something else there. */
#define ST_GLANCE_CELLS 24

struct st_glance {
    uint8_t cells[ST_GLANCE_CELLS * ST_GLANCE_CELLS];
};

void st_glance_take(struct st_glance *glance, const struct st_picture *picture,
                    const struct st_face *face);
/* Correlation, -1..1; 0 where either has no contrast to speak of. */
float st_glance_compare(const struct st_glance *a, const struct st_glance *b);

#endif /* ST_FACE_TRACKER_IMPL_H */
