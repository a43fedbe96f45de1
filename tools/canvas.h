/* SPDX-License-Identifier: Apache-2.0 */
/* A canvas of float colours, and the mathematics of painting on it: soft steps, noise,
 * shapes given by a function that says how much of a pixel they cover.
 */
#ifndef DEMO_CANVAS_H
#define DEMO_CANVAS_H

#include "image/picture.h"

struct colour {
    float r, g, b; /* 0..1, as displayed */
};

struct canvas {
    int width, height;
    struct colour *pixels; /* owned */
};

struct box {
    float left, top, right, bottom; /* pixels */
};

/* Coverage 0..1 of the pixel with centre (x, y), and its colour. */
typedef float (*shape_function)(const void *context, float x, float y, struct colour *colour);

int canvas_create(struct canvas *canvas, int width, int height); /* 0, or -1: no memory */
void canvas_free(struct canvas *canvas);
void canvas_paint(struct canvas *canvas, struct box box, shape_function shape, const void *context);
/* To 8 bit, with grain of about one level, so that gradients show no bands. */
void canvas_to_picture(const struct canvas *canvas, struct st_picture *picture, unsigned seed);

float clamp01(float x);
float smooth_step(float from, float to, float x); /* 0 below from, 1 above to */
float mix(float a, float b, float t);
struct colour mix_colour(struct colour a, struct colour b, float t);
struct colour scale_colour(struct colour c, float k);
float gauss(float x, float y); /* exp(-(x*x + y*y)) */
float noise_1d(float x);       /* smooth, 0..1, one feature per unit */
float noise_2d(float x, float y);
/* Distance from a segment a-b. */
float segment_distance(float x, float y, float ax, float ay, float bx, float by);

#endif /* DEMO_CANVAS_H */
