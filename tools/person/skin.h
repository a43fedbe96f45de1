/* SPDX-License-Identifier: Apache-2.0 */
/* The skin of face, neck and the inside of the lips as one sheet of triangles: a grid over
 * the front and the sides, slit between the lips and between the lids.
 */
#ifndef PERSON_SKIN_H
#define PERSON_SKIN_H

#include "person/mesh.h"

#define SKIN_HALF 74 /* columns on each side of the middle one */
#define SKIN_COLUMNS (2 * SKIN_HALF + 1)
#define SKIN_ROWS_MAX 192
#define SKIN_STEP 0.11f /* cm between columns in front */
#define LIP_COLUMNS 45  /* from corner to corner */
#define LID_COLUMNS 30  /* likewise, each eye */
#define ROLL_ROWS 6     /* from the edge of a lip or lid inwards */

/* How a vertex of the skin follows the face's motions. */
struct skin_vertex {
    struct vec3 shut;     /* where it is with shut eyes */
    float lip_place;      /* -1 image-left corner of the mouth .. 1; the end beyond */
    float lip_pull;       /* 0..1 how much of the lips' own motion it takes */
    float jaw;            /* 0..1 how much of the jaw's turn it takes */
    float jaw_line;       /* the same for the edge of the lip at its place */
    float edge_y, edge_z; /* the edge of the lip at its place, at rest */
    float brow;           /* 0..1 how far it rises with the brows */
    float inner;          /* cm behind the edge of its lip; 0 for what is seen when shut */
    uint8_t below;        /* belongs to the lower lip */
};

struct skin {
    int count;               /* vertices 0 .. count-1 of the mesh */
    struct skin_vertex *rig; /* owned [count] */
    int rows;
    int lip_row, lid_row;               /* the upper edge of each slit; the lower is the next row */
    int upper_red, lower_red, brow_row; /* rows at the borders of the lips' red, and brows */
    uint32_t *grid;                     /* owned [rows][SKIN_COLUMNS] */
};

synctalk_status skin_create(struct skin *skin, struct mesh *mesh, synctalk_error *err);
void skin_free(struct skin *skin);

/* Vertex of a row at the column nearest to x in front. */
uint32_t skin_at(const struct skin *skin, int row, float x);
/* Vertex nearest to a point. */
uint32_t skin_nearest(const struct skin *skin, const struct mesh *mesh, struct vec3 point);

/* How much of the jaw's turn the edge of a lip takes at `place` (1 = corner). */
float skin_jaw_line(float place, int below);

#endif /* PERSON_SKIN_H */
