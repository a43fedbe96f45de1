/* SPDX-License-Identifier: Apache-2.0 */
/* From triangles seen by samples to light in pixels: each surface in a pixel is shaded once. */
#ifndef PERSON_RESOLVE_H
#define PERSON_RESOLVE_H

#include "person/shade.h"

struct resolve {
    const struct mesh *mesh;
    const struct raster *raster;
    const struct screen_vertex *screen;
    const struct vec3 *normal;
    const struct lit *lit;
    const struct vec3 *room; /* what is seen where no triangle is */
    const struct shade_frame *shade;
};

void resolve_picture(const struct resolve *resolve, struct vec3 *light);

#endif /* PERSON_RESOLVE_H */
