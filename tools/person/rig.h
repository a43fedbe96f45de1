/* SPDX-License-Identifier: Apache-2.0 */
/* A moment of the person, and where it puts every vertex. */
#ifndef PERSON_RIG_H
#define PERSON_RIG_H

#include "person/skin.h"

/* What the mouth does; the same quantities as the visemes of tools/speech, 0..1 but for
 * `width`, -1..1. */
struct mouth_shape {
    float jaw, width, round, closed, teeth;
    float tongue_tip, tongue_back, upper_raise, lower_tuck;
};

struct pose {
    struct mouth_shape mouth;
    float blink;            /* 0 open .. 1 shut */
    float gaze_x, gaze_y;   /* radians: to the right of the picture, up */
    float brow;             /* raised by, -0.5..1 */
    float yaw, pitch, roll; /* of the head, radians */
    struct vec3 shift;      /* of the head against the body, cm */
    struct vec3 body;       /* of the whole person, cm */
    float breath;           /* -1..1 */
};

#define LIP_TABLE 33       /* steps from corner to corner */
#define MOUTH_GAP_MAX 2.2f /* cm between the lips for a mouth wide open */
#define JAW_TURN 0.245f    /* radians at jaw 1 */

/* Where the edges of the lips go, in head space, against their rest. */
struct lips {
    struct vec3 edge[2][LIP_TABLE]; /* [upper, lower]: displacement */
    float gap;                      /* between them in the middle, cm */
    float turn;                     /* of the jaw, radians */
    float curl[2];                  /* how far the red turns outwards, -1..1 */
};

void rig_lips(struct lips *lips, const struct mouth_shape *mouth);
/* True opening of the mouth, 0 shut .. 1. */
float rig_opening(const struct lips *lips);
/* A point of the jaw, turned. */
struct vec3 rig_jaw(struct vec3 p, float turn);

/* How much of a point moves with the body instead of the head. */
float rig_body_share(struct vec3 rest);

/* Head and body of a pose. */
struct frame_of_head {
    struct rotation turn;
    struct vec3 pivot, shift, body;
    float breath;
};

void rig_frame(struct frame_of_head *frame, const struct pose *pose);
struct vec3 rig_head(const struct frame_of_head *frame, struct vec3 p);
struct vec3 rig_body(const struct frame_of_head *frame, struct vec3 p);

/* `out` [mesh->vertices]: the scene at `pose`; units and axes as in head space, standing
 * still with the room. */
void rig_apply(const struct mesh *mesh, const struct skin *skin, const struct pose *pose,
               const struct lips *lips, struct vec3 *out);

#endif /* PERSON_RIG_H */
