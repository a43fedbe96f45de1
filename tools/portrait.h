/* SPDX-License-Identifier: Apache-2.0 */
/* A person who does not exist: head and shoulders that sway, breathe and blink, mouth at
 * rest.
 *
 * Head coordinates (u, v): origin at the bridge of the nose, u to the right, v down, one
 * unit is half the width of the face. Body coordinates are the same without the tilt.
 */
#ifndef DEMO_PORTRAIT_H
#define DEMO_PORTRAIT_H

#include <stdbool.h>

#include "canvas.h"
#include "face/landmarks.h"

#define PORTRAIT_SIDE 512
#define PORTRAIT_FPS 25

struct pose {
    float x, y;           /* bridge of the nose, pixels */
    float scale;          /* pixels per unit */
    float cosine, sine;   /* of the head's tilt */
    float yaw, pitch;     /* how far features move over the head, units at depth 1 */
    float blink;          /* 0 open .. 1 closed */
    float gaze_u, gaze_v; /* of the irises, units */
    float brow;           /* raised by, units */
    float body_x, body_y; /* origin of the body, pixels */
};

/* The pose at a time; it repeats after `loop_seconds`. */
void portrait_pose(struct pose *pose, double seconds, double loop_seconds);
void portrait_draw(struct canvas *canvas, const struct pose *pose);
void portrait_landmarks(struct st_landmarks *landmarks, const struct pose *pose);

/* Pixels to head coordinates and back. */
void pose_to_head(const struct pose *pose, float x, float y, float *u, float *v);
void pose_to_pixel(const struct pose *pose, float u, float v, float *x, float *y);
/* The pixels around a rectangle of the head, with room for its tilt. */
struct box pose_box(const struct pose *pose, float left, float top, float right, float bottom);
/* Coverage from a distance in units, positive outside. */
float pose_cover(const struct pose *pose, float distance);

/* Approximate distance from the head's outline in units, negative inside. */
float portrait_head_distance(float u, float v);
/* Openings of the eye at `du` from its middle towards the outer corner: upper and lower
 * lid, v relative to the middle. False beyond the corners. */
bool portrait_lids(const struct pose *pose, float du, float *upper, float *lower);

/* A surface that slopes by `by_u` and `by_v` (depth towards the viewer), lit by a key above
 * the left shoulder and by the sky; `sheen` is how much it shines. */
struct colour portrait_light(struct colour albedo, float by_u, float by_v, float sheen);

/* Layers, in the order of painting. */
void portrait_draw_behind(struct canvas *canvas, const struct pose *pose);
void portrait_draw_skin(struct canvas *canvas, const struct pose *pose);
void portrait_draw_features(struct canvas *canvas, const struct pose *pose);
void portrait_draw_hair(struct canvas *canvas, const struct pose *pose);

#define EYE_U 0.42f /* middle of an eye */
#define EYE_V 0.03f
#define EYE_HALF 0.205f
#define LIP_V 0.985f /* line between the lips */
#define LIP_HALF 0.37f

#define HEAD_WIDEST_V 0.1f
static const struct colour portrait_skin = {0.87f, 0.67f, 0.56f};

#endif /* DEMO_PORTRAIT_H */
