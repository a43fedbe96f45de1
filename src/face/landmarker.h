/* SPDX-License-Identifier: Apache-2.0 */
/* Landmarks of a face whose box is known: 110 points by PFLD-GhostOne on oneDNN, 106 or 98 by
 * networks in ONNX. The file says which.
 */
#ifndef ST_FACE_LANDMARKER_H
#define ST_FACE_LANDMARKER_H

#include "face/detector.h"
#include "face/landmarks.h"
#include "image/picture.h"

struct st_kernels;
struct st_landmarker;

struct st_landmarker_settings {
    const char *path;      /* .onnx, .pth.tar, .pth or .safetensors */
    const char *mean_face; /* text file of 220 numbers, for 110 points; NULL: beside `path` */
    const char *library;   /* ONNX Runtime, or NULL */
    const struct st_kernels *kernels;
    int threads;
};

synctalk_status st_landmarker_open(struct st_landmarker **out,
                                   const struct st_landmarker_settings *settings,
                                   synctalk_error *err);
void st_landmarker_close(struct st_landmarker **landmarker);      /* NULL-safe */
int st_landmarker_points(const struct st_landmarker *landmarker); /* 110, 106 or 98 */

/* Points in pixels of the picture, not truncated. One thread at a time. */
synctalk_status st_landmarker_run(struct st_landmarker *landmarker,
                                  const struct st_picture *picture, const struct st_face *face,
                                  struct st_landmarks *landmarks, synctalk_error *err);

#endif /* ST_FACE_LANDMARKER_H */
