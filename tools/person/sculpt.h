/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of head and neck as a distance, lids shut and lips absent: skull, face, nose,
 * sockets and neck melted together from round parts. Lips, lids and ears are laid on it by
 * the files that move them.
 */
#ifndef PERSON_SCULPT_H
#define PERSON_SCULPT_H

#include "person/vec.h"

/* Distance to the skin in cm, negative inside; a lower bound farther away. */
float sculpt_distance(struct vec3 p);
/* Where a ray from outside meets the skin; false where it does not within `reach` cm. */
int sculpt_hit(struct vec3 from, struct vec3 direction, float reach, struct vec3 *hit);
/* z of the skin seen from the front at (x, y), or `missing`. */
float sculpt_front(float x, float y, float missing);

#define EYE_X 3.12f /* centre of an eyeball; the other one mirrors it */
#define EYE_Y 0.0f
#define EYE_Z 6.10f
#define EYE_RADIUS 1.75f
#define LID_RADIUS 1.85f /* outside of the lids, from the eyeball's centre */

#endif /* PERSON_SCULPT_H */
