/* SPDX-License-Identifier: Apache-2.0 */
/* Which frames a step sees, and how large a step is. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "train/adam.h"
#include "train/sampler.h"

#define FRAMES 53

static void a_step_is_a_function_of_its_number(void **state)
{
    (void)state;
    struct st_sampler forward;
    struct st_sampler backward;
    struct st_sample first[8];
    struct st_sample second[8];
    ST_OK(st_sampler_open(&forward, 7, FRAMES, 40, 8, false, "x", err));
    ST_OK(st_sampler_open(&backward, 7, FRAMES, 40, 8, false, "x", err));
    assert_int_equal(forward.steps, 5);
    for (int64_t i = 0; i < 50; i++) {
        const int64_t j = 49 - i;
        st_sampler_batch(&backward, j / 5, j % 5, second);
        memcpy(first, second, sizeof first);
        st_sampler_batch(&forward, j / 5, j % 5, second);
        assert_memory_equal(first, second, sizeof first);
    }
    st_sampler_close(&forward);
    st_sampler_close(&backward);
}

/* Every frame is used up before any comes again, over the borders of epochs too. */
static void every_frame_has_its_turn(void **state)
{
    (void)state;
    struct st_sampler sampler;
    struct st_sample samples[4];
    int seen[FRAMES] = {0};
    ST_OK(st_sampler_open(&sampler, 1, FRAMES, 20, 4, false, "x", err));
    for (int64_t i = 0; i < 2 * FRAMES; i += 4) {
        assert_int_equal(st_sampler_batch(&sampler, i / 20, i % 20 / 4, samples), 4);
        for (int k = 0; k < 4 && i + k < 2 * FRAMES; k++) {
            assert_in_range(samples[k].target, 0, FRAMES - 1);
            assert_in_range(samples[k].other, 0, FRAMES - 1);
            assert_int_not_equal(samples[k].target, samples[k].other);
            assert_int_equal(seen[samples[k].target]++, (i + k) / FRAMES);
        }
    }
    st_sampler_close(&sampler);
}

/* Guards frames that are never trained on: an epoch of 15 has one batch of 8, and each epoch began
 * 15 places after the one before. */
static void what_no_batch_is_left_for_comes_next(void **state)
{
    (void)state;
    struct st_sampler sampler;
    struct st_sample samples[8];
    for (int pairs = 0; pairs < 2; pairs++) {
        int seen[15] = {0};
        ST_OK(st_sampler_open(&sampler, 2, 15 + pairs, 0, 8, pairs, "x", err));
        const int units = pairs ? 4 : 8; /* of a step */
        assert_int_equal(sampler.units, 15);
        for (int64_t step = 0; step * units < 2 * 15; step++) {
            st_sampler_batch(&sampler, step / sampler.steps, step % sampler.steps, samples);
            for (int k = 0; k < units && step * units + k < 2 * 15; k++)
                assert_int_equal(seen[samples[pairs ? 2 * k : k].target]++,
                                 (step * units + k) / 15);
        }
        st_sampler_close(&sampler);
    }
}

static void others_are_drawn_from_all(void **state)
{
    (void)state;
    struct st_sampler sampler;
    struct st_sample samples[5];
    int seen[5][5] = {{0}};
    ST_OK(st_sampler_open(&sampler, 3, 5, 0, 5, false, "x", err));
    for (int64_t epoch = 0; epoch < 400; epoch++) {
        st_sampler_batch(&sampler, epoch, 0, samples);
        for (int k = 0; k < 5; k++)
            seen[samples[k].target][samples[k].other]++;
    }
    for (int a = 0; a < 5; a++)
        for (int b = 0; b < 5; b++)
            assert_in_range(seen[a][b], a == b ? 0 : 60, a == b ? 0 : 140);
    st_sampler_close(&sampler);
}

static void pairs_follow_each_other(void **state)
{
    (void)state;
    struct st_sampler sampler;
    struct st_sample samples[6];
    ST_OK(st_sampler_open(&sampler, 9, 4, 0, 6, true, "x", err));
    assert_int_equal(sampler.batch, 4);
    for (int64_t epoch = 0; epoch < 50; epoch++) {
        const int n = st_sampler_batch(&sampler, epoch, 0, samples);
        assert_int_equal(n, 4);
        for (int k = 0; k < n; k += 2) {
            assert_int_equal(samples[k + 1].target, samples[k].target + 1);
            assert_int_equal(samples[k + 1].other, samples[k].other);
            assert_in_range(samples[k].other, 0, 3);
            assert_int_not_equal(samples[k].other, samples[k].target);
            assert_int_not_equal(samples[k].other, samples[k].target + 1);
        }
    }
    st_sampler_close(&sampler);
}

static void too_little_is_refused(void **state)
{
    (void)state;
    struct st_sampler sampler;
    synctalk_error error;
    assert_int_equal(st_sampler_open(&sampler, 1, 1, 0, 8, false, "dataset/x", &error),
                     SYNCTALK_E_FORMAT);
    assert_non_null(strstr(error.message, "dataset/x: 1 frame to train on"));
    st_sampler_close(&sampler);
    assert_int_equal(st_sampler_open(&sampler, 1, 2, 0, 8, true, "x", &error), SYNCTALK_E_FORMAT);
    st_sampler_close(&sampler);
    assert_int_equal(st_sampler_open(&sampler, 1, 9, 0, 3, true, "x", &error), SYNCTALK_E_ARG);
    assert_non_null(strstr(error.message, "--batch 3"));
    st_sampler_close(&sampler);
    ST_OK(st_sampler_open(&sampler, 1, 3, 2, 8, false, "x", err));
    assert_int_equal(sampler.steps, 1);
    assert_int_equal(sampler.batch, 2);
    st_sampler_close(&sampler);
}

/* Against the algorithm in double, over many steps and a block that no slice divides. */
static void adam_is_adam(void **state)
{
    (void)state;
    enum { COUNT = 70001, STEPS = 12 };
    struct st_adam adam;
    struct st_pool *pool;
    float *p = malloc(COUNT * sizeof *p);
    float *g = malloc(COUNT * sizeof *g);
    double *want = malloc(COUNT * sizeof *want);
    double *m = calloc(COUNT, sizeof *m);
    double *v = calloc(COUNT, sizeof *v);
    uint64_t seed = 4;
    assert_true(p && g && want && m && v);
    for (size_t i = 0; i < COUNT; i++)
        want[i] = p[i] = st_random_unit(&seed) - 0.5f;
    ST_OK(st_pool_create(&pool, 3, err));
    ST_OK(st_adam_open(&adam, COUNT, err));
    for (int t = 1; t <= STEPS; t++) {
        const double lr = 1e-3 * t;
        for (size_t i = 0; i < COUNT; i++) {
            g[i] = (st_random_unit(&seed) - 0.5f) * (i % 7 == 0 ? 1e-6f : 1.0f);
            m[i] = 0.9 * m[i] + 0.1 * (double)g[i];
            v[i] = 0.999 * v[i] + 0.001 * (double)g[i] * (double)g[i];
            want[i] -= lr * (m[i] / (1 - pow(0.9, t))) / (sqrt(v[i] / (1 - pow(0.999, t))) + 1e-8);
        }
        st_adam_step(&adam, pool, p, g, t, lr);
    }
    for (size_t i = 0; i < COUNT; i++)
        if (!(fabs((double)p[i] - want[i]) <= 2e-6))
            fail_msg("parameter %zu: %.9g, want %.9g", i, (double)p[i], want[i]);
    st_adam_close(&adam);
    st_pool_destroy(&pool);
    free(p);
    free(g);
    free(want);
    free(m);
    free(v);
}

static void what_is_not_finite_is_found(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    struct st_pool *pool;
    float *numbers = calloc(COUNT, sizeof *numbers);
    assert_non_null(numbers);
    ST_OK(st_pool_create(&pool, 2, err));
    assert_true(st_all_finite(pool, numbers, COUNT));
    numbers[COUNT - 1] = NAN;
    assert_false(st_all_finite(pool, numbers, COUNT));
    assert_true(st_all_finite(pool, numbers, COUNT - 1));
    numbers[0] = -INFINITY;
    assert_false(st_all_finite(pool, numbers, COUNT - 1));
    st_pool_destroy(&pool);
    free(numbers);
}

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-12 * fabs(want) + 1e-15))
        fail_msg("%.17g, want %.17g", got, want);
}

static void rates_follow_their_schedule(void **state)
{
    (void)state;
    synctalk_train_settings s;
    synctalk_train_settings_init(&s);
    s.lr = 0.5;
    near(st_schedule_lr(&s, 0, 100), 0.5);
    near(st_schedule_lr(&s, 99, 100), 0.5);
    s.schedule = SYNCTALK_SCHEDULE_STEP;
    near(st_schedule_lr(&s, 49, 100), 0.5);
    near(st_schedule_lr(&s, 50, 100), 0.05);
    near(st_schedule_lr(&s, 75, 100), 0.005);
    s.schedule = SYNCTALK_SCHEDULE_COSINE;
    near(st_schedule_lr(&s, 0, 100), 0.5);
    near(st_schedule_lr(&s, 50, 100), 0.5 * 0.505);
    near(st_schedule_lr(&s, 100, 100), 0.005);
    s.schedule = SYNCTALK_SCHEDULE_CONSTANT;
    s.warm_up = 9;
    near(st_schedule_lr(&s, 0, 100), 0.05);
    near(st_schedule_lr(&s, 8, 100), 0.45);
    near(st_schedule_lr(&s, 9, 100), 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_a_function_of_its_number),
        cmocka_unit_test(every_frame_has_its_turn),
        cmocka_unit_test(what_no_batch_is_left_for_comes_next),
        cmocka_unit_test(others_are_drawn_from_all),
        cmocka_unit_test(pairs_follow_each_other),
        cmocka_unit_test(too_little_is_refused),
        cmocka_unit_test(adam_is_adam),
        cmocka_unit_test(what_is_not_finite_is_found),
        cmocka_unit_test(rates_follow_their_schedule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
