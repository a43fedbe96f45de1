/* SPDX-License-Identifier: Apache-2.0 */
/* Hair, brows and lashes as strands: how they grow, and how they are drawn. */
#ifndef PERSON_HAIR_H
#define PERSON_HAIR_H

#include "person/bake.h"
#include "person/raster.h"
#include "person/rig.h"

#define HAIR_ROOTED UINT32_MAX /* anchor of strands that only the head moves */

/* A strand's points follow each other in the pool; the last one is its tip. */
struct strand {
    uint32_t first, anchor; /* anchor: the vertex of skin that carries the root */
    uint16_t count;
    uint8_t lash; /* turns down with a shut lid */
    float width;  /* pixels at the root */
    float opacity;
    struct vec3 colour;
};

struct strand_point {
    struct vec3 at, normal; /* head space; the normal of the hair's mass */
    float shade;            /* 0..1 what its neighbours leave of the light */
    struct vec3 light;      /* what it sends to the viewer, for a head held straight */
};

/* Owns both arrays. Strands are drawn in their order: what lies below comes first. */
struct hair {
    struct strand *strand;
    struct strand_point *point;
    int strands, points;
};

/* Grows everything, and the scalp below it into `mesh`. */
synctalk_status hair_create(struct hair *hair, const struct skin *skin, struct mesh *mesh,
                            uint32_t seed, synctalk_error *err);
void hair_free(struct hair *hair);
/* Fill the points' light; after the last strand has grown. */
void hair_light(struct hair *hair);

/* Take from the light of skin what the hair over it keeps. */
void hair_shade(struct vec3 rest, struct baked *baked);

/* Draw over `light` [STAGE_SIDE^2], behind what is nearer in `raster`. `position` as
 * rig_apply() gives it. */
void hair_draw(const struct hair *hair, const struct mesh *mesh, const struct pose *pose,
               const struct vec3 *position, const struct raster *raster, struct vec3 *light);

#endif /* PERSON_HAIR_H */
