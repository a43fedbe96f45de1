/* SPDX-License-Identifier: Apache-2.0 */
/* Similarity transforms against known ones and against their own definition, and distances
 * between faces against the plain formula. */
#include "support/support.h"

#include <math.h>

#include "face/similarity.h"

#define POINTS 98

static void random_points(struct st_point *points, size_t count, uint64_t *seed)
{
    for (size_t i = 0; i < count; i++)
        points[i] =
            (struct st_point){400 + 200 * st_random_unit(seed), 300 + 250 * st_random_unit(seed)};
}

static struct st_similarity random_similarity(uint64_t *seed)
{
    const double scale = 0.5 + (double)st_random_unit(seed);
    const double turn = 6 * (double)st_random_unit(seed) - 3;
    return (struct st_similarity){scale * cos(turn), scale * sin(turn),
                                  100 * (double)st_random_unit(seed) - 50,
                                  100 * (double)st_random_unit(seed) - 50};
}

static double error_of(const struct st_similarity *s, const struct st_point *from,
                       const struct st_point *to, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const double x = (double)from[i].x, y = (double)from[i].y;
        const double u = s->a * x - s->b * y + s->dx - (double)to[i].x;
        const double v = s->b * x + s->a * y + s->dy - (double)to[i].y;
        sum += u * u + v * v;
    }
    return sum;
}

static void known_transforms_are_found(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int k = 0; k < 500; k++) {
        struct st_point from[POINTS], to[POINTS];
        const struct st_similarity want = random_similarity(&seed);
        random_points(from, POINTS, &seed);
        for (size_t i = 0; i < POINTS; i++)
            to[i] = st_similarity_apply(&want, from[i]);
        const struct st_similarity got = st_similarity_fit(from, to, POINTS);
        assert_true(fabs(got.a - want.a) < 1e-5 && fabs(got.b - want.b) < 1e-5);
        assert_true(fabs(got.dx - want.dx) < 1e-2 && fabs(got.dy - want.dy) < 1e-2);
    }
}

/* Noise, and mirrored points, for which a fit that allows reflection would find error 0. */
static void no_other_transform_is_nearer(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int k = 0; k < 500; k++) {
        struct st_point from[POINTS], to[POINTS];
        random_points(from, POINTS, &seed);
        random_points(to, POINTS, &seed);
        for (size_t i = 0; i < POINTS && k % 2; i++)
            to[i] = (struct st_point){-from[i].x, from[i].y};
        const struct st_similarity best = st_similarity_fit(from, to, POINTS);
        const double least = error_of(&best, from, to, POINTS);
        assert_true(least > 0);
        for (int m = 0; m < 8; m++) {
            const double step = m % 2 ? 1e-3 : -1e-3;
            struct st_similarity other = best;
            *(m / 2 == 0   ? &other.a
              : m / 2 == 1 ? &other.b
              : m / 2 == 2 ? &other.dx
                           : &other.dy) += m / 2 < 2 ? step : 100 * step;
            assert_true(error_of(&other, from, to, POINTS) > least);
        }
    }
}

static void points_in_one_place_are_shifted(void **state)
{
    (void)state;
    const struct st_point from[3] = {{5, 6}, {5, 6}, {5, 6}};
    const struct st_point to[3] = {{1, 2}, {3, 4}, {5, 9}};
    const struct st_similarity s = st_similarity_fit(from, to, 3);
    assert_true(s.a == 1 && s.b == 0);
    assert_true(fabs(s.dx + 2) < 1e-12 && fabs(s.dy + 1) < 1e-12);
}

static void expect_same(const struct st_similarity *a, const struct st_similarity *b)
{
    assert_true(fabs(a->a - b->a) < 1e-9 && fabs(a->b - b->b) < 1e-9);
    assert_true(fabs(a->dx - b->dx) < 1e-6 && fabs(a->dy - b->dy) < 1e-6);
}

/* First p, then q. */
static struct st_similarity chain(const struct st_similarity *p, const struct st_similarity *q)
{
    return (struct st_similarity){q->a * p->a - q->b * p->b, q->b * p->a + q->a * p->b,
                                  q->a * p->dx - q->b * p->dy + q->dx,
                                  q->b * p->dx + q->a * p->dy + q->dy};
}

static void powers_add_up(void **state)
{
    (void)state;
    uint64_t seed = 3;
    const struct st_similarity identity = {.a = 1};
    for (int k = 0; k < 2000; k++) {
        struct st_similarity s = random_similarity(&seed);
        if (k % 4 == 0) /* near identity, and a shift alone */
            s = (struct st_similarity){1 + (k % 8 ? 1e-9 : 0), k % 8 ? 1e-9 : 0, s.dx, s.dy};
        const double part = (double)st_random_unit(&seed);
        const struct st_similarity p = st_similarity_power(&s, part);
        const struct st_similarity q = st_similarity_power(&s, 1 - part);
        const struct st_similarity back = st_similarity_power(&s, -part);
        const struct st_similarity whole = chain(&p, &q), none = chain(&p, &back);
        const struct st_similarity inverse = st_similarity_invert(&s);
        const struct st_similarity minus = st_similarity_power(&s, -1);
        expect_same(&whole, &s);
        expect_same(&none, &identity);
        expect_same(&minus, &inverse);
    }
}

static void distances_are_the_plain_formula(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (int k = 0; k < 2000; k++) {
        struct st_landmarks a = {.count = POINTS}, b = {.count = POINTS};
        random_points(a.points, POINTS, &seed);
        random_points(b.points, POINTS, &seed);
        for (size_t i = 0; i < POINTS && k % 2; i++)
            b.points[i].x = a.points[i].x + 3;
        const struct st_face_place p = st_face_place_of(&a), q = st_face_place_of(&b);
        double sum = 0;
        for (size_t i = 0; i < POINTS; i++)
            sum += hypot((double)a.points[i].x - (double)b.points[i].x,
                         (double)a.points[i].y - (double)b.points[i].y);
        const double want = sum / POINTS / ((p.size + q.size) / 2);
        assert_true(fabs(st_face_distance(&p, &q, INFINITY) - want) < 1e-9);
        /* A limit stops the work and never changes who wins. */
        assert_true(fabs(st_face_distance(&p, &q, want * 1.01) - want) < 1e-9);
        assert_true(st_face_distance(&p, &q, want * 0.5) >= want * 0.5);
        assert_true(st_face_distance(&p, &q, want * 0.99) >= want * 0.99);
        assert_true(st_face_distance(&p, &p, INFINITY) == 0);
    }
}

static void what_is_not_known_is_far(void **state)
{
    (void)state;
    uint64_t seed = 5;
    struct st_landmarks good = {.count = POINTS}, other = {.count = 106}, none = {.count = 0};
    struct st_landmarks point = {.count = POINTS}, nan_one;
    random_points(good.points, POINTS, &seed);
    random_points(other.points, 106, &seed);
    nan_one = good;
    nan_one.points[7].y = NAN;
    const struct st_face_place p = st_face_place_of(&good);
    const struct st_landmarks *bad[] = {NULL, &none, &point, &nan_one, &other};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct st_face_place q = st_face_place_of(bad[i]);
        assert_true(isinf(st_face_distance(&p, &q, INFINITY)));
        assert_true(isinf(st_face_distance(&q, &p, 1)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_transforms_are_found),
        cmocka_unit_test(no_other_transform_is_nearer),
        cmocka_unit_test(points_in_one_place_are_shifted),
        cmocka_unit_test(powers_add_up),
        cmocka_unit_test(distances_are_the_plain_formula),
        cmocka_unit_test(what_is_not_known_is_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
