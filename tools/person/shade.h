/* SPDX-License-Identifier: Apache-2.0 */
/* What light does to skin, lips, eyes, teeth and cloth. */
#ifndef PERSON_SHADE_H
#define PERSON_SHADE_H

#include "person/bake.h"
#include "person/paint.h"
#include "person/rig.h"

/* How light reaches a vertex in one frame. */
struct lit {
    struct vec3 diffuse;    /* what a white surface would send */
    float lamp[LAMP_COUNT]; /* how much of each lamp can make it shine */
};

/* A visible point, everything in the room's space but `uv` and `rest`. */
struct shade_point {
    struct vec3 normal, view; /* unit */
    struct lit lit;
    struct vec2 uv;
    struct vec3 rest;
    enum part part;
};

/* What is the same for a whole frame. */
struct shade_frame {
    const struct paint *paint;
    struct rotation turn; /* of the head */
    float gaze_x, gaze_y, blink;
    float gap;   /* between the lips, cm */
    float purse; /* 0..1: rounded lips keep light from the teeth */
};

/* `soft` is for skin and flesh, where light spreads below the surface. */
void shade_light(struct lit *lit, struct vec3 n, const struct baked *b, int soft);
struct vec3 shade_point(const struct shade_frame *f, const struct shade_point *p);

/* Height of the lobe of a rough mirror with normal n, seen from v, for light from l; `rough`
 * 0..1, `f0` is what it mirrors head on. */
float shade_lobe(struct vec3 n, struct vec3 v, struct vec3 l, float rough, float f0);

#endif /* PERSON_SHADE_H */
