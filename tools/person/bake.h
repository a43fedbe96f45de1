/* SPDX-License-Identifier: Apache-2.0 */
/* How much light reaches each vertex past everything else, found once by looking at the
 * scene from many sides.
 */
#ifndef PERSON_BAKE_H
#define PERSON_BAKE_H

#include "person/stage.h"

/* Shares 0..1 of what an unhindered surface there would get. */
struct baked {
    struct vec3 key; /* by channel: red light creeps further into the shadow of skin */
    float lamp[LAMP_COUNT];
    float open; /* of the whole surroundings */
};

/* `position` and `normal` [mesh->vertices], `baked` likewise, is filled. */
synctalk_status bake_scene(const struct mesh *mesh, const struct vec3 *position,
                           const struct vec3 *normal, struct baked *baked, synctalk_error *err);

#endif /* PERSON_BAKE_H */
