/* SPDX-License-Identifier: Apache-2.0 */
/* The skin's colours, fine relief and shine, painted on the front view at rest. */
#ifndef PERSON_PAINT_H
#define PERSON_PAINT_H

#include "person/vec.h"
#include "synctalk/status.h"

#define PAINT_PER_CM 24
#define PAINT_LEFT (-9) /* cm */
#define PAINT_TOP 10
#define PAINT_WIDTH (18 * PAINT_PER_CM)
#define PAINT_HEIGHT (30 * PAINT_PER_CM)

struct paint_sample {
    struct vec3 albedo;     /* linear */
    float slope_x, slope_y; /* of the fine relief */
    float gloss;            /* 0..1 */
};

struct paint; /* owned by its creator, immutable once made */

synctalk_status paint_create(struct paint **out, uint32_t seed, synctalk_error *err);
void paint_free(struct paint **paint);
void paint_sample(const struct paint *paint, struct vec2 uv, struct paint_sample *out);

#endif /* PERSON_PAINT_H */
