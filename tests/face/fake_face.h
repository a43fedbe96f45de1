/* SPDX-License-Identifier: Apache-2.0 */
/* A scene with drawn faces, and a detector and a landmarker that know where they are. */
#ifndef ST_TESTS_FAKE_FACE_H
#define ST_TESTS_FAKE_FACE_H

#include <stdbool.h>

#include "face/tracker_impl.h"

#define FAKE_FACES 4

struct fake_face {
    bool present;
    float x, y;    /* centre, pixels */
    float width;   /* pixels; 1.25 times as high */
    float score;   /* that the detector gives */
    float distort; /* of its shape: 0 none; 0.3 is another face */
};

/* What the two fakes see; the picture alone decides nothing but likeness. */
struct fake_scene {
    struct fake_face faces[FAKE_FACES];
    int width, height;  /* of the picture; 0: 640 x 360 */
    int points;         /* of the layout */
    int background;     /* another number, another take */
    float jaw_gain;     /* how far the contour goes with the box that the landmarker is given */
    float inner_gain;   /* likewise the other points */
    float size_gain;    /* likewise the size of the shape */
    float noise;        /* pixels, of every point */
    uint64_t random;    /* state of the noise */
    int detections;     /* calls so far */
    int landmarkings;   /* likewise */
    int fail_detection; /* the call that fails, counted from 1; 0: none */
};

/* Borrows `scene`. */
struct st_face_finder fake_finder(struct fake_scene *scene);

/* The box that the detector gives for a face. */
struct st_face fake_box(const struct fake_face *face);

/* The shape of a face without noise. */
struct st_landmarks fake_shape(const struct fake_scene *scene, const struct fake_face *face);

/* Every face has a pattern that moves with it. */
void fake_draw(struct st_picture *picture, const struct fake_scene *scene);

#endif /* ST_TESTS_FAKE_FACE_H */
