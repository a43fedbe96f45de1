/* SPDX-License-Identifier: Apache-2.0 */
/* The eyes: balls behind the lids, with iris, pupil and the lamps in the wet cornea. */
#ifndef PERSON_EYE_H
#define PERSON_EYE_H

#include "person/shade.h"

void eye_create(struct mesh *mesh);
struct vec3 eye_shade(const struct shade_frame *frame, const struct shade_point *point);

#endif /* PERSON_EYE_H */
