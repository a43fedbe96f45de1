/* SPDX-License-Identifier: Apache-2.0 */
/* The ears, and what hangs from them. */
#ifndef PERSON_EAR_H
#define PERSON_EAR_H

#include "person/mesh.h"

void ear_create(struct mesh *mesh);

#endif /* PERSON_EAR_H */
