/* SPDX-License-Identifier: Apache-2.0 */
/* Landmarks of one frame, and the table that alone knows what the points mean. */
#ifndef ST_FACE_LANDMARKS_H
#define ST_FACE_LANDMARKS_H

#include <stddef.h>

#include "synctalk/status.h"

#define ST_LANDMARKS_MAX 110

struct st_point {
    float x, y; /* pixels of the frame */
};

struct st_landmarks {
    int count; /* 110, 106 or 98 */
    struct st_point points[ST_LANDMARKS_MAX];
};

/* A layout of points. Static. */
struct st_landmark_layout {
    int count;
    int left, right;    /* upper cheek contour: the crop's xmin and xmax */
    int top[2];         /* bridge of the nose: the crop's ymin is their mean */
    int contour[33];    /* jaw line from image-left upper cheek over chin to right */
    int lips_outer[12]; /* from the image-left corner along the upper lip */
    int lips_inner[8];
    int eyes[2][8]; /* left, right in the image; from the left corner along the upper lid */
};

const struct st_landmark_layout *st_landmark_layout(int count); /* NULL: no such layout */

/* Read a .lms file: one "x y" per line, decimals and CRLF allowed. E_FORMAT when a line
 * is not two numbers or the number of lines is no known layout. */
synctalk_status st_landmarks_read(struct st_landmarks *landmarks, const char *path,
                                  synctalk_error *err);

/* The square crop [y, y+side) x [x, x+side); it may leave the frame. */
struct st_crop_box {
    int x, y, side;
};

/* E_FORMAT, naming `path`, when the square is empty or larger than any picture. */
synctalk_status st_crop_box_from_landmarks(struct st_crop_box *box,
                                           const struct st_landmarks *landmarks, const char *path,
                                           synctalk_error *err);

#endif /* ST_FACE_LANDMARKS_H */
