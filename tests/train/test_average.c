/* SPDX-License-Identifier: Apache-2.0 */
/* The running mean that a training saves: its numbers, and that measuring takes nothing from
 * the steps. */
#include "train/average.h"

#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "support/support.h"

#define STEPS 40
#define DECAY 0.7

struct scene {
    struct st_pool *pool;
    struct st_train_net *net;
    size_t parameters, statistics;
};

static void scene_open(struct scene *s, int workers)
{
    struct st_kernels kernels;
    st_kernels_init(&kernels, ~0u);
    ST_OK(st_pool_create(&s->pool, workers, err));
    ST_OK(st_train_net_create(
        &s->net, &(struct st_train_settings){.kernels = &kernels, .pool = s->pool, .batch = 1},
        err));
    /* More parameters than one turn of a worker takes. */
    int x = st_train_input(s->net, 256, 4, 4, false);
    x = st_train_conv(s->net, x,
                      &(struct st_train_conv){
                          .name = "a", .channels = 320, .kernel = 1, .stride_h = 1, .stride_w = 1});
    x = st_train_norm(s->net, x, &(struct st_train_norm){.name = "b", .add = ST_TRAIN_NONE});
    st_train_output(s->net, x, ST_TRAIN_PLAIN);
    ST_OK(st_train_net_finish(s->net, err));
    st_train_net_init(s->net, 3);
    s->parameters = st_train_net_parameter_count(s->net);
    s->statistics = st_train_net_statistic_count(s->net);
    assert_true(s->parameters > 65536 && s->statistics > 0);
}

static void scene_close(struct scene *s)
{
    st_train_net_destroy(&s->net);
    st_pool_destroy(&s->pool);
}

/* What the "optimiser" leaves after step t. */
static float value_at(size_t i, int t)
{
    return sinf((float)(i % 1000) + 0.37F * (float)t);
}

static void walk(struct scene *s, int t)
{
    for (size_t i = 0; i < s->parameters; i++)
        st_train_net_parameters(s->net)[i] = value_at(i, t);
    for (size_t i = 0; i < s->statistics; i++)
        st_train_net_statistics(s->net)[i] = value_at(i + 7, t);
}

/* The definition, in double: m <- d m + (1 - d) x, d the smaller of DECAY and t / (t + 9). */
static double mean_by_hand(size_t i, double begin)
{
    double mean = begin;
    for (int t = 1; t <= STEPS; t++) {
        const double decay = fmin(DECAY, (double)t / ((double)t + 9));
        mean = decay * mean + (1 - decay) * (double)value_at(i, t);
    }
    return mean;
}

static void mean_is_the_mean(void **state)
{
    (void)state;
    struct scene s;
    struct st_average average;
    scene_open(&s, 2);
    const float begin_p = st_train_net_parameters(s.net)[70000];
    const float begin_s = st_train_net_statistics(s.net)[5];
    ST_OK(st_average_open(&average, s.net, DECAY, err));
    for (int t = 1; t <= STEPS; t++) {
        walk(&s, t);
        st_average_step(&average, s.pool, s.net, t);
    }
    assert_true(fabs(mean_by_hand(70000, begin_p) - (double)average.parameters[70000]) < 1e-6);
    assert_true(fabs(mean_by_hand(5 + 7, begin_s) - (double)average.statistics[5]) < 1e-6);
    assert_int_equal(st_average_bytes(&average), 4 * (s.parameters + s.statistics));
    st_average_close(&average);
    scene_close(&s);
}

static void swapping_twice_changes_nothing(void **state)
{
    (void)state;
    struct scene s;
    struct st_average average;
    scene_open(&s, 1);
    ST_OK(st_average_open(&average, s.net, DECAY, err));
    walk(&s, 1);
    st_average_step(&average, s.pool, s.net, 1);
    const float mean = average.parameters[11];
    const float statistic = average.statistics[2];
    st_average_swap(&average, s.net);
    assert_float_equal(st_train_net_parameters(s.net)[11], mean, 0);
    assert_float_equal(st_train_net_statistics(s.net)[2], statistic, 0);
    st_average_swap(&average, s.net);
    for (size_t i = 0; i < s.parameters; i++)
        if (st_train_net_parameters(s.net)[i] != value_at(i, 1))
            fail_msg("parameter %zu is %g after two swaps", i,
                     (double)st_train_net_parameters(s.net)[i]);
    assert_float_equal(average.parameters[11], mean, 0);
    st_average_close(&average);
    scene_close(&s);
}

static void without_decay_there_is_none(void **state)
{
    (void)state;
    struct scene s;
    struct st_average average;
    scene_open(&s, 1);
    ST_OK(st_average_open(&average, s.net, 0, err));
    walk(&s, 1);
    st_average_step(&average, s.pool, s.net, 1);
    st_average_swap(&average, s.net);
    assert_float_equal(st_train_net_parameters(s.net)[11], value_at(11, 1), 0);
    assert_null(average.parameters);
    assert_int_equal(st_average_bytes(&average), 0);
    st_average_close(&average);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_is_the_mean),
        cmocka_unit_test(swapping_twice_changes_nothing),
        cmocka_unit_test(without_decay_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
