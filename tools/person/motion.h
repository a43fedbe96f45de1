/* SPDX-License-Identifier: Apache-2.0 */
/* What a person does besides speaking: sways, nods, breathes, blinks, looks about. */
#ifndef PERSON_MOTION_H
#define PERSON_MOTION_H

#include "person/rig.h"

struct motion {
    uint32_t seed;
    float life; /* 1 = as people do; 0 stands still with open eyes */
};

/* Fill all of `pose` but the mouth. A function of its arguments alone, without steps.
 * `speaking` 0..1 makes the head livelier. */
void motion_pose(struct pose *pose, const struct motion *motion, double seconds, float speaking);

#endif /* PERSON_MOTION_H */
