/* SPDX-License-Identifier: Apache-2.0 */
/* Faces in a picture: SCRFD with five key points (Guo et al., Sample and Computation
 * Redistribution for Efficient Face Detection, ICLR 2022).
 */
#ifndef ST_FACE_DETECTOR_H
#define ST_FACE_DETECTOR_H

#include "face/landmarks.h"
#include "image/picture.h"

#define ST_FACES_MAX 256

struct st_face {
    float left, top, right, bottom; /* pixels of the picture */
    float score;                    /* 0..1 */
    struct st_point keypoints[5];   /* eyes, nose, corners of the mouth, from image-left */
};

struct st_detector;

/* `library`: ONNX Runtime, or NULL. E_FORMAT where the file is another network. */
synctalk_status st_detector_open(struct st_detector **out, const char *path, const char *library,
                                 int threads, synctalk_error *err);
void st_detector_close(struct st_detector **detector); /* NULL-safe */

/* Faces with a score of at least 0.1, best first, at most ST_FACES_MAX of them. One thread
 * at a time; nothing of ours is allocated after the first call for a size. */
synctalk_status st_detector_run(struct st_detector *detector, const struct st_picture *picture,
                                struct st_face *faces, int *count, synctalk_error *err);

#endif /* ST_FACE_DETECTOR_H */
