/* SPDX-License-Identifier: Apache-2.0 */
/* Views against whole pictures: the pixels that joints are judged by are those of the frames, also
 * of frames that were let go and come again, and of moved ones. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/clip_views.h"
#include "generate/fade.h"

#define WIDEST 1280

/* A source of made-up frames. */
static void paint(struct st_picture *picture, int64_t n)
{
    double columns[3 * WIDEST];
    assert_true(picture->width <= WIDEST);
    for (int x = 0; x < 3 * picture->width; x++)
        columns[x] = 128 + 60 * sin(0.02 * x + (double)(int)n);
    for (int y = 0; y < picture->height; y++) {
        const double row = 60 * cos(0.05 * y * (double)(n % 3 + 1));
        for (int x = 0; x < 3 * picture->width; x++)
            picture->data[(size_t)y * picture->stride + (size_t)x] = (uint8_t)(columns[x] + row);
    }
}

static synctalk_status read_made_up(struct st_frame_reader *reader, int64_t n, unsigned wanted,
                                    struct st_frame *frame, synctalk_error *err)
{
    const struct st_frame_info *info = &reader->source->info;
    (void)wanted;
    synctalk_status st = st_picture_resize(&frame->picture, info->width, info->height, err);
    if (!st)
        paint(&frame->picture, n);
    return st;
}

static const struct st_frame_source_desc made_up = {.read = read_made_up};

/* The step between two output frames of whole pictures. */
static double step_of_pictures(struct st_frame_reader *reader, const struct st_plan_frame f[2])
{
    struct st_picture seen[2] = {{0}};
    struct st_frame side;
    struct st_frame other;
    memset(&side, 0, sizeof side);
    memset(&other, 0, sizeof other);
    for (int i = 0; i < 2; i++) {
        const struct st_fade fade = {f[i].weight, f[i].moves, f[i].move, f[i].other_move};
        ST_OK(st_frame_reader_read(reader, f[i].source, 0, &side, err));
        ST_OK(st_frame_reader_read(reader, f[i].fades ? f[i].other : f[i].source, 0, &other, err));
        ST_OK(st_picture_resize(&seen[i], side.picture.width, side.picture.height, err));
        st_fade_pictures(&seen[i], &side.picture, &other.picture, &fade);
    }
    const double step = st_picture_difference(&seen[0], &seen[1]);
    st_frame_free(&side);
    st_frame_free(&other);
    st_picture_free(&seen[0]);
    st_picture_free(&seen[1]);
    return step;
}

static struct st_plan_frame random_frame(uint64_t *seed, int64_t frames, bool moves)
{
    struct st_plan_frame f = {.source = (int64_t)(st_random_next(seed) % (uint64_t)frames)};
    f.fades = moves || st_random_next(seed) % 2;
    f.other = f.fades ? (int64_t)(st_random_next(seed) % (uint64_t)frames) : -1;
    f.weight = f.fades ? 0.1 + 0.8 * (double)st_random_unit(seed) : 0;
    f.moves = moves;
    f.move = (struct st_similarity){1.02, 0.01, 3.5, -2};
    f.other_move = (struct st_similarity){0.97, -0.02, -1, 4.25};
    return f;
}

/* Looks at random pairs; steps of views are those of pictures, to `part` of them. */
static void compare(int width, int height, int64_t frames, int pairs, bool moves, double part)
{
    struct st_frame_source source = {.desc = &made_up,
                                     .info = {.frames = frames, .width = width, .height = height}};
    struct st_frame_reader reader = {.source = &source};
    struct st_clip_views *views;
    uint64_t seed = 5;
    ST_OK(st_clip_views_create(&views, &reader, err));
    for (int n = 0; n < pairs; n++) {
        const struct st_plan_frame pair[2] = {random_frame(&seed, frames, moves),
                                              random_frame(&seed, frames, moves)};
        double step;
        ST_OK(st_clip_views_look(views, &pair[0], &step, err));
        ST_OK(st_clip_views_look(views, &pair[1], &step, err));
        const double want = step_of_pictures(&reader, pair);
        if (fabs(step - want) > part * want + 1e-9)
            fail_msg("%dx%d: a step of %g levels; that of the pictures is %g", width, height, step,
                     want);
    }
    st_clip_views_destroy(&views);
}

/* Guards a view that is let go while it is in use, or that is taken for another frame's: there is
 * room for 341 of 500. */
static void views_that_were_let_go_come_back(void **state)
{
    (void)state;
    compare(256, 256, 500, 500, false, 0);
}

static void small_pictures_are_seen_whole(void **state)
{
    (void)state;
    compare(1, 1, 1, 3, false, 0);
    compare(3, 200, 2, 20, false, 0);
    compare(131, 97, 9, 20, true, 0);
}

static void large_pictures_are_seen_evenly(void **state)
{
    (void)state;
    compare(1280, 720, 4, 6, false, 0.02);
    compare(1080, 1920, 4, 3, true, 0.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_that_were_let_go_come_back),
        cmocka_unit_test(small_pictures_are_seen_whole),
        cmocka_unit_test(large_pictures_are_seen_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
