/* SPDX-License-Identifier: Apache-2.0 */
/* In the plane Umeyama's transform needs no singular value decomposition: with points as
 * complex numbers around their means it is the quotient of two sums. */
#include "face/similarity.h"

#include <assert.h>
#include <math.h>

struct st_similarity st_similarity_fit(const struct st_point *from, const struct st_point *to,
                                       size_t count)
{
    assert(count > 0);
    double fx = 0, fy = 0, tx = 0, ty = 0;
    for (size_t i = 0; i < count; i++) {
        fx += (double)from[i].x;
        fy += (double)from[i].y;
        tx += (double)to[i].x;
        ty += (double)to[i].y;
    }
    const double n = (double)count;
    fx /= n;
    fy /= n;
    tx /= n;
    ty /= n;

    double spread = 0, re = 0, im = 0;
    for (size_t i = 0; i < count; i++) {
        const double x = (double)from[i].x - fx, y = (double)from[i].y - fy;
        const double u = (double)to[i].x - tx, v = (double)to[i].y - ty;
        spread += x * x + y * y;
        re += x * u + y * v;
        im += x * v - y * u;
    }
    struct st_similarity s = {.a = 1, .b = 0};
    if (spread > 0) {
        s.a = re / spread;
        s.b = im / spread;
    }
    s.dx = tx - (s.a * fx - s.b * fy);
    s.dy = ty - (s.b * fx + s.a * fy);
    return s;
}

struct st_point st_similarity_apply(const struct st_similarity *similarity, struct st_point point)
{
    const double x = (double)point.x, y = (double)point.y;
    return (struct st_point){(float)(similarity->a * x - similarity->b * y + similarity->dx),
                             (float)(similarity->b * x + similarity->a * y + similarity->dy)};
}

struct st_similarity st_similarity_invert(const struct st_similarity *similarity)
{
    const double a = similarity->a, b = similarity->b;
    const double square = a * a + b * b;
    assert(square > 0);
    struct st_similarity s = {.a = a / square, .b = -b / square};
    s.dx = -(s.a * similarity->dx - s.b * similarity->dy);
    s.dy = -(s.b * similarity->dx + s.a * similarity->dy);
    return s;
}

/* The real and imaginary part of exp(x + iy) - 1, exact near 0. */
static void exp_less_one(double x, double y, double *re, double *im)
{
    const double half = sin(y / 2);
    *re = expm1(x) * cos(y) - 2 * half * half;
    *im = exp(x) * sin(y);
}

struct st_similarity st_similarity_power(const struct st_similarity *similarity, double part)
{
    /* c = a + bi, less one; its logarithm. */
    const double re = similarity->a - 1, im = similarity->b;
    const double square = re * re + im * im;
    const double length = log1p(2 * re + square) / 2, turn = atan2(im, similarity->a);
    assert(similarity->a != 0 || im != 0);

    double power_re, power_im;
    exp_less_one(part * length, part * turn, &power_re, &power_im);
    struct st_similarity s = {.a = 1 + power_re, .b = power_im};

    /* z -> c z + d repeated n times shifts by d (c^n - 1) / (c - 1); so for any part. */
    double share_re = part, share_im = 0;
    if (square > 0) {
        share_re = (power_re * re + power_im * im) / square;
        share_im = (power_im * re - power_re * im) / square;
    }
    s.dx = share_re * similarity->dx - share_im * similarity->dy;
    s.dy = share_im * similarity->dx + share_re * similarity->dy;
    return s;
}

struct st_face_place st_face_place_of(const struct st_landmarks *landmarks)
{
    const struct st_face_place unknown = {.landmarks = NULL};
    if (!landmarks || landmarks->count <= 0 || landmarks->count > ST_LANDMARKS_MAX)
        return unknown;

    struct st_face_place place = {.landmarks = landmarks};
    double left = INFINITY, right = -INFINITY, top = INFINITY, bottom = -INFINITY;
    for (int i = 0; i < landmarks->count; i++) {
        const double x = (double)landmarks->points[i].x, y = (double)landmarks->points[i].y;
        if (!isfinite(x) || !isfinite(y))
            return unknown;
        place.x += x / landmarks->count;
        place.y += y / landmarks->count;
        left = fmin(left, x);
        right = fmax(right, x);
        top = fmin(top, y);
        bottom = fmax(bottom, y);
    }
    place.size = fmax(right - left, bottom - top);
    return place.size > 0 ? place : unknown;
}

double st_face_distance(const struct st_face_place *a, const struct st_face_place *b, double limit)
{
    if (!a->landmarks || !b->landmarks || a->landmarks->count != b->landmarks->count)
        return INFINITY;

    const int count = a->landmarks->count;
    const double unit = (a->size + b->size) / 2;
    /* The mean distance is no smaller than the distance of the means. The last part in 10^9
     * is left to rounding. */
    const double least = hypot(a->x - b->x, a->y - b->y) / unit * (1 - 1e-9);
    if (least >= limit)
        return least;

    double sum = 0;
    const struct st_point *p = a->landmarks->points, *q = b->landmarks->points;
    for (int i = 0; i < count; i++) {
        const double x = (double)p[i].x - (double)q[i].x, y = (double)p[i].y - (double)q[i].y;
        sum += sqrt(x * x + y * y);
        if (i % 16 == 15 && sum / (count * unit) > limit)
            break;
    }
    return sum / (count * unit);
}
