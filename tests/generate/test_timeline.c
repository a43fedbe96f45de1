/* SPDX-License-Identifier: Apache-2.0 */
/* Rounding of speech and silence to frames. */
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

#include "edit_world.h"
#include "generate/plan.h"

/* Guards against rounding each length by itself: after hours the picture would lag behind. */
static void boundaries_stay_within_half_a_frame_for_ten_hours(void **state)
{
    (void)state;
    const size_t count = 20000;
    const int64_t samples = INT64_C(36000) * EDIT_HZ;
    struct st_vad_span *spans = calloc(count, sizeof *spans);
    uint64_t seed = 1;
    int64_t at = 0;

    assert_non_null(spans);
    for (size_t i = 0; i < count; i++) {
        const int64_t end =
            i + 1 == count ? samples : at + 20000 + (int64_t)(st_random_next(&seed) % 17001);
        spans[i] = (struct st_vad_span){at, end, i % 2 == 0};
        at = end;
    }
    const struct st_vad_timeline line = {spans, count};
    const int64_t frames = st_plan_frame_count(samples, EDIT_HZ, 25);
    struct st_timeline timeline;
    ST_OK(st_timeline_make(&timeline, &line, EDIT_HZ, 25, frames, err));
    assert_int_equal(frames, 900000);
    assert_int_equal(timeline.count, count);
    int64_t next = 0;
    for (size_t i = 0; i < count; i++) {
        const struct st_stretch *stretch = &timeline.stretches[i];
        assert_int_equal(stretch->from, next);
        assert_int_equal(stretch->speech, i % 2 == 0);
        assert_true(llabs(stretch->from * (EDIT_HZ / 25) - spans[i].start) <= EDIT_HZ / 50);
        next += stretch->frames;
    }
    assert_int_equal(next, frames);
    st_timeline_free(&timeline);
    free(spans);
}

static void stretches_cover_all_frames_in_turn(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int k = 0; k < 5000; k++) {
        struct edit_world world;
        edit_world_make(&world, 50, 30, &seed);
        const struct st_timeline *line = &world.timeline;
        int64_t next = 0;
        for (size_t i = 0; i < line->count; i++) {
            assert_int_equal(line->stretches[i].from, next);
            assert_true(line->stretches[i].frames > 0);
            if (i > 0)
                assert_int_not_equal(line->stretches[i].speech, line->stretches[i - 1].speech);
            next += line->stretches[i].frames;
        }
        assert_int_equal(next, line->frames);
        /* The middle of every frame is of the kind that the sound has there, but for the
         * frames in which the kind changes. */
        for (size_t i = 0; i < world.spans.count; i++) {
            const struct st_vad_span *span = &world.spans.spans[i];
            const int64_t step = EDIT_HZ / world.settings.fps;
            for (int64_t f = (span->start + step - 1) / step;
                 (f + 1) * step <= span->end && f < line->frames; f++)
                assert_int_equal(edit_world_speaks(&world, f), span->speech);
        }
        edit_world_free(&world);
    }
}

static void expect(const struct st_vad_span *spans, size_t count, int64_t frames,
                   const struct st_stretch *want, size_t n_want)
{
    struct st_timeline line;
    struct st_vad_span copy[4];
    for (size_t i = 0; i < count; i++)
        copy[i] = spans[i];
    ST_OK(
        st_timeline_make(&line, &(struct st_vad_timeline){copy, count}, EDIT_HZ, 25, frames, err));
    assert_int_equal(line.count, n_want);
    for (size_t i = 0; i < n_want; i++) {
        assert_int_equal(line.stretches[i].from, want[i].from);
        assert_int_equal(line.stretches[i].frames, want[i].frames);
        assert_int_equal(line.stretches[i].speech, want[i].speech);
    }
    st_timeline_free(&line);
}

static void timelines_by_hand(void **state)
{
    (void)state;
    /* Half a frame is 320 samples: 319 of speech vanish, and the silences around become one. */
    expect((struct st_vad_span[]){{0, 64000, false}, {64000, 64319, true}, {64319, 96000, false}},
           3, 150, (struct st_stretch[]){{0, 150, false}}, 1);
    expect((struct st_vad_span[]){{0, 64000, false}, {64000, 64320, true}, {64320, 96000, false}},
           3, 150, (struct st_stretch[]){{0, 100, false}, {100, 1, true}, {101, 49, false}}, 3);
    /* The video's length is the sound's own: a little more or less than was resampled. */
    expect((struct st_vad_span[]){{0, 6400, true}, {6400, 12800, false}}, 2, 21,
           (struct st_stretch[]){{0, 10, true}, {10, 11, false}}, 2);
    expect((struct st_vad_span[]){{0, 6400, true}, {6400, 12800, false}}, 2, 9,
           (struct st_stretch[]){{0, 9, true}}, 1);
    expect(NULL, 0, 7, (struct st_stretch[]){{0, 7, false}}, 1);
}

static void lengths_out_of_range_are_refused(void **state)
{
    (void)state;
    const int64_t bad[] = {0, -1, ST_TIMELINE_FRAMES_MAX + 1, INT64_MAX};
    struct st_vad_span span = {0, 100, true};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct st_timeline line;
        synctalk_error err = {0};
        assert_int_equal(
            st_timeline_make(&line, &(struct st_vad_timeline){&span, 1}, EDIT_HZ, 25, bad[i], &err),
            SYNCTALK_E_ARG);
        assert_non_null(strstr(err.message, "46.6 hours"));
        assert_null(line.stretches);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boundaries_stay_within_half_a_frame_for_ten_hours),
        cmocka_unit_test(stretches_cover_all_frames_in_turn),
        cmocka_unit_test(timelines_by_hand),
        cmocka_unit_test(lengths_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
