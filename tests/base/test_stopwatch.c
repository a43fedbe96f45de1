/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's laps add up to its life, and a watch that is off is left alone. */
#include "base/stopwatch.h"

#include <string.h>
#include <time.h>

#include "support/support.h"

static void rest(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

static void burn(void)
{
    volatile unsigned sum = 0;
    for (unsigned i = 0; i < 3000000; i++)
        sum += i;
}

static void test_laps_add_up(void **state)
{
    (void)state;
    struct st_stopwatch watch = {.wall_ns = -1};
    int64_t sum = 0;
    const int64_t before = st_wall_ns();
    st_stopwatch_start(&watch);
    const int64_t begun = watch.wall_ns;
    assert_in_range(begun, before, st_wall_ns());

    rest(20);
    st_lap(&watch, ST_STAGE_WAIT_WORK);
    burn();
    st_lap(&watch, ST_STAGE_CROP);
    rest(5);
    st_lap(&watch, ST_STAGE_WAIT_WORK);
    for (int i = 0; i < ST_STAGES; i++)
        sum += watch.laps[i].wall_ns;
    assert_int_equal(sum, watch.wall_ns - begun);
    assert_int_equal(watch.laps[ST_STAGE_WAIT_WORK].times, 2);
    assert_int_equal(watch.laps[ST_STAGE_CROP].times, 1);
    assert_int_equal(watch.laps[ST_STAGE_PASTE].times, 0);
    assert_true(watch.laps[ST_STAGE_WAIT_WORK].wall_ns >= 25000000);
    /* Sleep is no work of the processor. */
    assert_true(watch.laps[ST_STAGE_WAIT_WORK].cpu_ns < watch.laps[ST_STAGE_WAIT_WORK].wall_ns);
    assert_true(watch.laps[ST_STAGE_CROP].cpu_ns > 0);
}

static void test_sums(void **state)
{
    (void)state;
    struct st_stopwatch sum = {0};
    struct st_stopwatch one = {.wall_ns = 7};
    one.laps[ST_STAGE_FADE] = (struct st_laps){2, 30, 4};
    st_stopwatch_add(&sum, &one);
    st_stopwatch_add(&sum, &one);
    assert_int_equal(sum.laps[ST_STAGE_FADE].times, 4);
    assert_int_equal(sum.laps[ST_STAGE_FADE].wall_ns, 60);
    assert_int_equal(sum.laps[ST_STAGE_FADE].cpu_ns, 8);
    assert_int_equal(sum.laps[ST_STAGE_MUX].times, 0);
}

static void test_off(void **state)
{
    (void)state;
    st_stopwatch_start(NULL);
    st_lap(NULL, ST_STAGE_CROP);
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < ST_STAGES; i++)
        assert_int_equal(st_stage_waits(i), strncmp(st_stage_name(i), "wait ", 5) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_laps_add_up),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
