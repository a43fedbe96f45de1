/* SPDX-License-Identifier: Apache-2.0 */
/* Camera, lamps, room and film. Colours are linear light, 1 = white paper in the key. */
#ifndef PERSON_STAGE_H
#define PERSON_STAGE_H

#include "image/picture.h"
#include "person/raster.h"

#define STAGE_SIDE 512  /* pixels */
#define STAGE_SAMPLES 4 /* per pixel */

#define CAMERA_Y (-1.6f) /* the lens is a little below the eyes */
#define CAMERA_Z 96.0f
#define CAMERA_PIXELS 17.6f /* per cm at CAMERA_FOCUS_Z */
#define CAMERA_FOCUS_Z 6.0f
#define CAMERA_CENTRE_Y 240.0f /* pixel row of CAMERA_Y */

struct screen_vertex stage_project(struct vec3 p);

enum lamp_name { LAMP_KEY, LAMP_FILL, LAMP_RIM_LEFT, LAMP_RIM_RIGHT, LAMP_COUNT };

struct lamp {
    struct vec3 towards; /* unit, from the scene */
    struct vec3 colour;
    float size; /* radians: half the angle that it fills */
};

extern const struct lamp stage_lamps[LAMP_COUNT];

/* Light from everywhere else, for a surface that faces `n`. */
struct vec3 stage_ambient(struct vec3 n);
/* What a mirror shows in direction `r`. */
struct vec3 stage_reflection(struct vec3 r);

/* `room` [STAGE_SIDE * STAGE_SIDE], blurred as behind a portrait lens. */
void stage_room(struct vec3 *room, uint32_t seed);

/* Linear light to 8 bit, with a soft shoulder and darker corners. */
void stage_develop(const struct vec3 *light, struct st_picture *picture);

#endif /* PERSON_STAGE_H */
