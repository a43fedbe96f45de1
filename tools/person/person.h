/* SPDX-License-Identifier: Apache-2.0 */
/* A person who does not exist, rendered: head and shoulders, lit and shaded. Immutable once
 * made, so that any number of threads may render from it, each with a studio of its own.
 */
#ifndef PERSON_PERSON_H
#define PERSON_PERSON_H

#include "face/landmarks.h"
#include "image/picture.h"
#include "person/rig.h"

#define PERSON_SIDE 512 /* pixels */
#define PERSON_FPS 25
/* Of the demo's person, whom the network that is shipped with it was trained on. */
#define PERSON_SEED 5

struct person;
struct person_studio;

/* The same seed gives the same person. */
synctalk_status person_create(struct person **out, uint32_t seed, synctalk_error *err);
void person_free(struct person **person);

/* Scratch of one thread. */
synctalk_status person_studio_create(struct person_studio **out, const struct person *person,
                                     synctalk_error *err);
void person_studio_free(struct person_studio **studio);

/* `picture` becomes PERSON_SIDE square. `landmarks` (110 points, pixels) and `opening` (true
 * opening of the mouth, 0 shut .. 1) may be NULL. */
synctalk_status person_render(struct person_studio *studio, const struct pose *pose,
                              struct st_picture *picture, struct st_landmarks *landmarks,
                              float *opening, synctalk_error *err);

#endif /* PERSON_PERSON_H */
