/* SPDX-License-Identifier: Apache-2.0 */
/* Which triangle is seen at each sample of each pixel. */
#ifndef PERSON_RASTER_H
#define PERSON_RASTER_H

#include <stdint.h>

#include "person/mesh.h"

#define RASTER_NONE UINT32_MAX

#define RASTER_SAMPLES_MAX 4

/* A vertex in pixels; `depth` grows away from the viewer. */
struct screen_vertex {
    float x, y, depth;
};

/* Owns its arrays [height][width][samples]. */
struct raster {
    int width, height, samples; /* samples is 1 or 4 */
    float *depth;
    uint32_t *face;
};

/* Where in its pixel a sample lies: no two of four share a row or a column, so that slanted
 * edges show four steps. */
struct vec2 raster_offset(const struct raster *raster, int sample);

synctalk_status raster_create(struct raster *raster, int width, int height, int samples,
                              synctalk_error *err);
void raster_free(struct raster *raster);
void raster_clear(struct raster *raster);
/* Faces that turn their back are skipped unless `both`. */
void raster_draw(struct raster *raster, const struct mesh *mesh, const struct screen_vertex *screen,
                 int first, int count, int both);

#endif /* PERSON_RASTER_H */
