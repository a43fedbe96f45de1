/* SPDX-License-Identifier: Apache-2.0 */
/* The 110 landmarks as vertices of the skin. */
#ifndef PERSON_MARKS_H
#define PERSON_MARKS_H

#include "face/landmarks.h"
#include "person/skin.h"

#define MARKS 110

/* Between two vertices; the same one twice where one will do. */
struct mark {
    uint32_t a, b;
    float t;
};

struct marks {
    struct mark mark[MARKS];
};

void marks_create(struct marks *m, const struct skin *skin, const struct mesh *mesh);
/* `position` as rig_apply() gives it; exact projections, in pixels. */
void marks_project(const struct marks *m, const struct vec3 *position, struct st_landmarks *out);

#endif /* PERSON_MARKS_H */
