/* SPDX-License-Identifier: Apache-2.0 */
/* One finished picture laid over another, each moved before where their faces are to meet.
 * Pure. */
#ifndef ST_GENERATE_FADE_H
#define ST_GENERATE_FADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "face/similarity.h"
#include "image/picture.h"

struct st_fade {
    double weight;                         /* of the other picture, 0 to 1 */
    bool moves;                            /* false: the two below count for nothing */
    struct st_similarity move, other_move; /* of pixels; their scale is not 0 */
};

/* Pictures of one size; `out` has it too and is neither, but may be `picture` where nothing
 * moves. Where both have the same pixel, and nothing moves, that comes out. Moved pictures are
 * read between pixels, bilinearly, and go on beyond their edges as they end there. */
void st_fade_pictures(struct st_picture *out, const struct st_picture *picture,
                      const struct st_picture *other, const struct st_fade *fade);

/* `count` bytes of two pictures laid over each other as above; `out` may be `a`. */
void st_fade_bytes(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count, double weight);

/* The pixel of `picture` at `at`, as moved pictures are read. */
void st_picture_between(const struct st_picture *picture, struct st_point at, uint8_t bgr[3]);

/* Mean absolute difference of two pictures of one size, in levels. */
double st_picture_difference(const struct st_picture *a, const struct st_picture *b);

#endif /* ST_GENERATE_FADE_H */
