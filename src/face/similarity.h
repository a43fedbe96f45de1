/* SPDX-License-Identifier: Apache-2.0 */
/* Two sets of landmarks against each other: how far apart, and by which turn, scale and
 * shift one comes to lie on the other. Pure.
 */
#ifndef ST_FACE_SIMILARITY_H
#define ST_FACE_SIMILARITY_H

#include <stddef.h>

#include "face/landmarks.h"

/* (x, y) goes to (a x - b y + dx, b x + a y + dy): turned by atan2(b, a), scaled by
 * hypot(a, b), never mirrored. */
struct st_similarity {
    double a, b;
    double dx, dy; /* pixels */
};

/* The one with the least sum of squared distances from the moved `from` to `to`, of `count`
 * >= 1 points. Where all of `from` are one point, the shift alone.
 * Source: Umeyama, "Least-squares estimation of transformation parameters between two point
 * patterns", PAMI 13(4), 1991, equations 40 to 42. */
struct st_similarity st_similarity_fit(const struct st_point *from, const struct st_point *to,
                                       size_t count);

struct st_point st_similarity_apply(const struct st_similarity *similarity, struct st_point point);

/* The other way round; the scale is not 0. */
struct st_similarity st_similarity_invert(const struct st_similarity *similarity);

/* The similarity `part` of the way from identity (0) to `similarity` (1), turning by less than
 * half a circle: power(s, p) then power(s, q) is power(s, p + q). So in a fade the two sides
 * meet at every `part` when one goes by power(s, part), the other by power(s, part - 1). The
 * scale is not 0. */
struct st_similarity st_similarity_power(const struct st_similarity *similarity, double part);

/* Landmarks with what comparing them needs. */
struct st_face_place {
    const struct st_landmarks *landmarks; /* borrowed; NULL: none are known */
    double x, y;                          /* centre of the points, pixels */
    double size;                          /* larger side of the box around them, pixels */
};

/* Landmarks of no points, with a coordinate that is not finite or all in one point count as
 * not known. */
struct st_face_place st_face_place_of(const struct st_landmarks *landmarks);

/* Mean distance from each point of one to the same point of the other, as they lie in their
 * frames, in units of the mean of both faces' sizes. INFINITY where one is not known or the
 * layouts differ. A distance that is not below `limit` may come back as any number that is
 * not either: what cannot win need not be measured to the end. */
double st_face_distance(const struct st_face_place *a, const struct st_face_place *b, double limit);

#endif /* ST_FACE_SIMILARITY_H */
