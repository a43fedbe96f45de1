/* SPDX-License-Identifier: Apache-2.0 */
/* Triangles of all that is solid, in one pool: at rest in head space. */
#ifndef PERSON_MESH_H
#define PERSON_MESH_H

#include <stdint.h>

#include "person/vec.h"
#include "synctalk/status.h"

#define MESH_VERTICES 65536
#define MESH_FACES 131072

/* What a triangle is made of; the shader knows each. */
enum part {
    PART_SKIN,
    PART_LIP_INSIDE,
    PART_LID_EDGE,
    PART_EYE,
    PART_TOOTH,
    PART_GUM,
    PART_TONGUE,
    PART_CAVITY,
    PART_SCALP,
    PART_SHIRT,
    PART_COLLAR,
    PART_JEWEL,
    PART_COUNT
};

/* How a vertex moves. */
enum bone {
    BONE_HEAD,
    BONE_BODY,
    BONE_NECK,  /* between the two, by height */
    BONE_TEETH, /* and those of the mouth's inside, see teeth.h */
    BONE_JAW,
    BONE_TONGUE,
    BONE_CAVITY,
};

struct face {
    uint32_t v[3]; /* counter-clockwise from outside */
};

/* Owns its arrays, which hold MESH_VERTICES and MESH_FACES. */
struct mesh {
    int vertices, faces;
    struct vec3 *rest;
    struct vec2 *uv;   /* cm on the front view, see paint.h */
    uint8_t *bone;     /* [vertices] */
    struct face *face; /* [faces] */
    uint8_t *part;     /* [faces] */
};

synctalk_status mesh_create(struct mesh *mesh, synctalk_error *err);
void mesh_free(struct mesh *mesh);

/* Index of the new vertex. Both abort the program when the pool is full: sizes are fixed
 * when the program is written. */
uint32_t mesh_vertex(struct mesh *mesh, struct vec3 position, struct vec2 uv, enum bone bone);
void mesh_face(struct mesh *mesh, enum part part, uint32_t a, uint32_t b, uint32_t c);
/* a b c d around, counter-clockwise from outside. */
void mesh_quad(struct mesh *mesh, enum part part, uint32_t a, uint32_t b, uint32_t c, uint32_t d);

/* Teeth, gums, tongue and the dark behind them. */
static inline int mesh_is_inside(const struct mesh *mesh, int vertex)
{
    return mesh->bone[vertex] >= BONE_TEETH;
}

/* Smooth normals of `position` [vertices] from the faces around each vertex. */
void mesh_normals(const struct mesh *mesh, const struct vec3 *position, struct vec3 *normal);

#endif /* PERSON_MESH_H */
