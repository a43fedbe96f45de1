/* SPDX-License-Identifier: Apache-2.0 */
/* Jacket, blouse and its collar. */
#ifndef PERSON_DRESS_H
#define PERSON_DRESS_H

#include "person/mesh.h"

void dress_create(struct mesh *mesh);

#endif /* PERSON_DRESS_H */
