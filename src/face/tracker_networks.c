/* SPDX-License-Identifier: Apache-2.0 */
/* The tracker's eyes: the detector and the landmarker. */
#include "face/tracker_impl.h"

static synctalk_status detect(void *detector, const struct st_picture *picture,
                              struct st_face *faces, int *count, synctalk_error *err)
{
    return st_detector_run(detector, picture, faces, count, err);
}

static synctalk_status landmark(void *landmarker, const struct st_picture *picture,
                                const struct st_face *face, struct st_landmarks *landmarks,
                                synctalk_error *err)
{
    return st_landmarker_run(landmarker, picture, face, landmarks, err);
}

struct st_face_finder st_face_finder_of(struct st_detector *detector,
                                        struct st_landmarker *landmarker)
{
    return (struct st_face_finder){
        .detector = detector,
        .landmarker = landmarker,
        .detect = detect,
        .landmark = landmark,
    };
}

synctalk_status st_tracker_create(struct st_tracker **out, struct st_detector *detector,
                                  struct st_landmarker *landmarker,
                                  const struct st_tracker_settings *settings, synctalk_error *err)
{
    const struct st_face_finder finder = st_face_finder_of(detector, landmarker);
    return st_tracker_create_with(out, &finder, settings, err);
}
