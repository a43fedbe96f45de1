/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of the frame plan over thousands of shapes, and a few shapes by hand. */
#include "support/support.h"

#include <stdlib.h>

#include "generate/plan.h"

static struct st_plan random_plan(uint64_t *seed)
{
    struct st_plan plan = {
        .frames = 1 + (int64_t)(st_random_next(seed) % 400),
        .sources = 1 + (int64_t)(st_random_next(seed) % 90),
        .loop_back = st_random_next(seed) % 2 != 0,
        .at_end = st_random_next(seed) % 2 ? SYNCTALK_AT_END_WRAP : SYNCTALK_AT_END_BOUNCE,
    };
    plan.start = (int64_t)(st_random_next(seed) % (uint64_t)plan.sources);
    return plan;
}

static void sources_are_in_range_and_steps_are_small(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int k = 0; k < 5000; k++) {
        struct st_plan plan = random_plan(&seed);
        int64_t before = -1;
        for (int64_t i = 0; i < plan.frames; i++) {
            struct st_plan_frame f = st_plan_at(&plan, i);
            assert_in_range(f.source, 0, plan.sources - 1);
            assert_int_equal(f.window, i);
            assert_true(f.sync);
            if (i == 0)
                assert_int_equal(f.source, plan.start);
            bool wraps = !plan.loop_back && plan.at_end == SYNCTALK_AT_END_WRAP;
            if (i > 0 && wraps)
                assert_int_equal(f.source, (before + 1) % plan.sources);
            else if (i > 0)
                assert_true(llabs(f.source - before) <= 1);
            before = f.source;
        }
    }
}

/* What the encoder cache asks: found the slow way, frame by frame. */
static void the_next_use_is_the_next(void **state)
{
    (void)state;
    uint64_t seed = 11;
    int64_t found = 0;
    for (int k = 0; k < 3000; k++) {
        struct st_plan plan = random_plan(&seed);
        for (int64_t i = 0; i < plan.frames; i++) {
            const int64_t source = st_plan_at(&plan, i).source;
            int64_t next = ST_PLAN_NEVER;
            for (int64_t j = i + 1; j < plan.frames && next == ST_PLAN_NEVER; j++)
                if (st_plan_at(&plan, j).source == source)
                    next = j;
            assert_int_equal(st_plan_next_use(&plan, i, source), next);
            found += next != ST_PLAN_NEVER;
        }
    }
    assert_true(found > 100000);
}

/* A walk never stands still, but for the one turn of a loop with an odd count. */
static void bouncing_plays_no_frame_twice_in_a_row(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int k = 0; k < 2000; k++) {
        struct st_plan plan = random_plan(&seed);
        if (plan.sources == 1)
            continue;
        int stood = 0;
        for (int64_t i = 1; i < plan.frames; i++)
            stood += st_plan_at(&plan, i).source == st_plan_at(&plan, i - 1).source;
        assert_int_equal(stood, plan.loop_back && plan.frames > 1 ? plan.frames % 2 : 0);
    }
}

static void loop_back_mirrors_about_the_midpoint(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int k = 0; k < 2000; k++) {
        struct st_plan plan = random_plan(&seed);
        plan.loop_back = true;
        for (int64_t i = 1; i < plan.frames; i++)
            assert_int_equal(st_plan_at(&plan, i).source,
                             st_plan_at(&plan, plan.frames - i).source);
        int64_t end = st_plan_at(&plan, plan.frames - 1).source;
        assert_true(llabs(end - plan.start) <= 1);
    }
}

static void expect(struct st_plan plan, const int64_t *sources)
{
    for (int64_t i = 0; i < plan.frames; i++)
        assert_int_equal(st_plan_at(&plan, i).source, sources[i]);
}

static void shapes_by_hand(void **state)
{
    (void)state;
    expect((struct st_plan){.frames = 8, .sources = 4, .start = 1},
           (int64_t[]){1, 2, 3, 2, 1, 0, 1, 2});
    expect((struct st_plan){.frames = 6, .sources = 4, .start = 2, .at_end = SYNCTALK_AT_END_WRAP},
           (int64_t[]){2, 3, 0, 1, 2, 3});
    expect((struct st_plan){.frames = 6, .sources = 100, .start = 10, .loop_back = true},
           (int64_t[]){10, 11, 12, 13, 12, 11});
    expect((struct st_plan){.frames = 10, .sources = 4, .start = 2, .loop_back = true},
           (int64_t[]){2, 3, 2, 1, 0, 1, 0, 1, 2, 3});
    expect((struct st_plan){.frames = 3, .sources = 1, .start = 0}, (int64_t[]){0, 0, 0});
}

static void frame_counts_round_halves_up(void **state)
{
    (void)state;
    assert_int_equal(st_plan_frame_count(16000, 16000, 25), 25);
    assert_int_equal(st_plan_frame_count(0, 16000, 25), 0);
    assert_int_equal(st_plan_frame_count(319, 16000, 25), 0); /* 0.498 frames */
    assert_int_equal(st_plan_frame_count(320, 16000, 25), 1); /* exactly half a frame */
    assert_int_equal(st_plan_frame_count(334739, 16000, 25), 523);
    assert_int_equal(st_plan_frame_count(44100 * INT64_C(36000), 44100, 25), 900000);
    assert_int_equal(st_plan_frame_count(48000, 48000, 20), 20);
    uint64_t seed = 4;
    for (int k = 0; k < 10000; k++) {
        int64_t samples = (int64_t)(st_random_next(&seed) % 100000000);
        long double exact = (long double)samples * 25 / 44100;
        int64_t n = st_plan_frame_count(samples, 44100, 25);
        assert_true((long double)n - exact <= 0.5L && exact - (long double)n < 0.5L);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_use_is_the_next),
        cmocka_unit_test(sources_are_in_range_and_steps_are_small),
        cmocka_unit_test(bouncing_plays_no_frame_twice_in_a_row),
        cmocka_unit_test(loop_back_mirrors_about_the_midpoint),
        cmocka_unit_test(shapes_by_hand),
        cmocka_unit_test(frame_counts_round_halves_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
