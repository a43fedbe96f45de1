/* SPDX-License-Identifier: Apache-2.0 */
/* What is behind the lips: two rows of teeth in their gums, the tongue, the dark. */
#ifndef PERSON_TEETH_H
#define PERSON_TEETH_H

#include "person/rig.h"

void teeth_create(struct mesh *mesh);

/* A resting point of one of the mouth's bones (BONE_TEETH and above) at a pose. */
struct vec3 teeth_move(struct vec3 rest, enum bone bone, const struct mouth_shape *mouth,
                       const struct lips *lips);

#endif /* PERSON_TEETH_H */
