/* SPDX-License-Identifier: Apache-2.0 */
/* The analysis of drawn films: what it gives, says and keeps. */
#include "support/support.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "face/fake_film.h"

static struct st_analysis *analyse(struct fake_film *film, const struct fake_place *place,
                                   struct fake_talk *talk)
{
    struct st_analysis *analysis = NULL;
    const struct st_analysis_parts parts = fake_parts(film);
    const synctalk_callbacks callbacks = fake_callbacks(talk);
    ST_OK(st_analysis_open_with(&analysis, &place->settings, &parts, &callbacks, err));
    assert_int_equal(film->closed, 1);
    return analysis;
}

static synctalk_status refuse(struct fake_film *film, const struct fake_place *place,
                              struct fake_talk *talk, synctalk_error *err)
{
    struct st_analysis *analysis = NULL;
    const struct st_analysis_parts parts = fake_parts(film);
    const synctalk_callbacks callbacks = fake_callbacks(talk);
    synctalk_status st =
        st_analysis_open_with(&analysis, &place->settings, &parts, &callbacks, err);
    assert_null(analysis);
    assert_int_equal(film->closed, 1);
    return st;
}

static struct st_analysed frame_of(const struct st_analysis *analysis, int64_t n)
{
    struct st_analysed analysed = {0};
    ST_OK(st_analysis_frame(analysis, n, &analysed, err));
    return analysed;
}

static void assert_equal_analyses(const struct st_analysis *a, const struct st_analysis *b)
{
    const struct st_analysis_summary *s = st_analysis_summary(a);
    const struct st_analysis_summary *t = st_analysis_summary(b);
    assert_int_equal(s->frames, t->frames);
    assert_int_equal(s->found, t->found);
    assert_int_equal(s->first_missing, t->first_missing);
    assert_int_equal(s->jumps, t->jumps);
    assert_int_equal(s->largest_side, t->largest_side);
    assert_int_equal(s->smallest_side, t->smallest_side);
    assert_true(s->worst_score == t->worst_score && s->best_score == t->best_score);
    for (int64_t i = 0; i < s->frames; i++) {
        struct st_analysed x = frame_of(a, i);
        struct st_analysed y = frame_of(b, i);
        assert_memory_equal(&x.landmarks, &y.landmarks, sizeof x.landmarks);
        assert_memory_equal(&x.box, &y.box, sizeof x.box);
        assert_true(x.found == y.found && x.draw == y.draw);
    }
}

static void move(struct fake_scene *scene, int n)
{
    scene->faces[0].x = 80 + 15 * sinf(0.11f * (float)n);
    scene->faces[0].y = 45 + 4 * sinf(0.07f * (float)n);
}

static void move_and_vanish(struct fake_scene *scene, int n)
{
    move(scene, n);
    scene->faces[0].present = n >= 5 && n % 40 < 33;
    scene->background = n / 77;
}

static void gives_the_landmarks_of_every_frame(void **state)
{
    struct fake_place place;
    struct fake_talk talk = {0};
    struct fake_film film = fake_film(150);
    (void)state;
    fake_place_create(&place);
    place.settings.cache = NULL;
    film.stage = move;
    struct st_analysis *analysis = analyse(&film, &place, &talk);
    const struct st_analysis_summary *summary = st_analysis_summary(analysis);
    assert_int_equal(summary->frames, 150);
    assert_int_equal(summary->found, 150);
    assert_int_equal(summary->first_missing, -1);
    assert_int_equal(summary->jumps, 0);
    assert_int_equal(summary->first_jump, -1);
    assert_int_equal(summary->points, 98);
    assert_int_equal(summary->smallest_side, 40);
    assert_true(summary->largest_side >= 39 && summary->largest_side <= 41);
    assert_true(summary->worst_score == 0.8f && summary->best_score == 0.8f);
    assert_false(summary->reused);
    assert_int_equal(film.reads, 150);
    assert_int_equal(talk.done, 150);
    assert_int_equal(talk.total, 150);
    for (int i = 0; i < 150; i++) {
        const int n = i * 77 % 150;
        struct fake_scene scene = film.drawn;
        move(&scene, n);
        struct st_landmarks want = fake_shape(&scene, &scene.faces[0]);
        struct st_crop_box box;
        struct st_analysed got = frame_of(analysis, n);
        assert_true(got.found && got.draw);
        assert_memory_equal(&got.landmarks, &want, sizeof want);
        ST_OK(st_crop_box_from_landmarks(&box, &want, "", err));
        assert_memory_equal(&got.box, &box, sizeof box);
    }
    struct st_analysed never;
    assert_int_equal(st_analysis_frame(analysis, 150, &never, NULL), SYNCTALK_E_ARG);
    assert_int_equal(st_analysis_frame(analysis, -1, &never, NULL), SYNCTALK_E_ARG);
    st_analysis_close(&analysis);
    st_analysis_close(&analysis);
    fake_place_remove(&place);
}

/* One block more or less, and one frame: an analysis of 64 frames had a second, empty block. */
static void takes_any_number_of_frames(void **state)
{
    static const int counts[] = {1, 2, 63, 64, 65, 128, 129};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct fake_place place;
        struct fake_talk talk = {0};
        struct fake_film film = fake_film(counts[i]);
        struct fake_film again = film;
        film.points = 110;
        fake_place_create(&place);
        struct st_analysis *a = analyse(&film, &place, &talk);
        struct st_analysis *b = analyse(&again, &place, &talk);
        assert_true(st_analysis_summary(b)->reused);
        assert_int_equal(st_analysis_summary(a)->frames, counts[i]);
        assert_equal_analyses(a, b);
        st_analysis_close(&a);
        st_analysis_close(&b);
        fake_place_remove(&place);
    }
}

static void reuses_what_it_kept(void **state)
{
    struct fake_place place;
    struct fake_talk talk = {0};
    struct fake_talk told = {0};
    struct fake_film film = fake_film(100);
    struct fake_film again = film;
    (void)state;
    fake_place_create(&place);
    film.stage = move_and_vanish;
    film.noise = 0.5f;
    struct st_analysis *first = analyse(&film, &place, &talk);
    assert_null(strstr(talk.infos, "reused"));
    struct st_analysis *second = analyse(&again, &place, &told);
    assert_int_equal(again.opened, 0);
    assert_int_equal(again.reads, 0);
    assert_true(st_analysis_summary(second)->reused);
    assert_non_null(strstr(told.infos, "the analysis of "));
    assert_non_null(strstr(told.infos, "video.mp4 is reused\n"));
    assert_string_equal(told.warnings, talk.warnings);
    assert_equal_analyses(first, second);
    st_analysis_close(&first);
    st_analysis_close(&second);
    fake_place_remove(&place);
}

static bool reused_after(const struct fake_place *place)
{
    struct fake_talk talk = {0};
    struct fake_film film = fake_film(20);
    struct st_analysis *analysis = analyse(&film, place, &talk);
    bool reused = st_analysis_summary(analysis)->reused;
    assert_int_equal(film.opened, !reused);
    st_analysis_close(&analysis);
    return reused;
}

/* Another network's or another person's landmarks were taken for the video's own. */
static void looks_again_when_anything_that_matters_changes(void **state)
{
    struct fake_place place;
    struct st_analysis_settings *settings = &place.settings;
    char numbers[220 * 4];
    (void)state;
    fake_place_create(&place);
    assert_false(reused_after(&place));
    assert_true(reused_after(&place));
    settings->tracker.smooth = true;
    settings->tracker.index = 3;
    settings->tracker.at.x = 3;
    settings->no_face = ST_NO_FACE_PASS;
    settings->threads = 1;
    assert_true(reused_after(&place));

    settings->tracker.threshold = 0.4f;
    assert_false(reused_after(&place));
    settings->tracker.interval = 5;
    assert_false(reused_after(&place));
    settings->tracker.choice = ST_FACE_LEFT;
    assert_false(reused_after(&place));
    settings->tracker.choice = ST_FACE_AT;
    assert_false(reused_after(&place));
    settings->tracker.at.x = 4;
    assert_false(reused_after(&place));
    settings->fps = 20;
    assert_false(reused_after(&place));
    st_write_file(place.video, "a VIDEO", 7);
    assert_false(reused_after(&place));
    st_write_file(place.detector, "a DETECTOR", 10);
    assert_false(reused_after(&place));
    st_write_file(place.landmarks, "LANDMARKS", 9);
    assert_false(reused_after(&place));
    for (int i = 0; i < 220; i++)
        memcpy(numbers + 4 * (size_t)i, "0.5 ", 4);
    st_write_file(place.mean, numbers, sizeof numbers);
    assert_false(reused_after(&place));
    numbers[2] = '4';
    st_write_file(place.mean, numbers, sizeof numbers);
    assert_false(reused_after(&place));
    assert_true(reused_after(&place));
    fake_place_remove(&place);
}

static void no_face_yet(struct fake_scene *scene, int n)
{
    move(scene, n);
    scene->faces[0].present = n >= 7 && n < 20;
}

static void holds_or_passes_frames_without_a_face(void **state)
{
    (void)state;
    for (int pass = 0; pass < 2; pass++) {
        struct fake_place place;
        struct fake_talk talk = {0};
        struct fake_film film = fake_film(30);
        fake_place_create(&place);
        place.settings.cache = NULL;
        place.settings.tracker.smooth = true;
        place.settings.no_face = pass ? ST_NO_FACE_PASS : ST_NO_FACE_HOLD;
        film.stage = no_face_yet;
        struct st_analysis *analysis = analyse(&film, &place, &talk);
        const struct st_analysis_summary *summary = st_analysis_summary(analysis);
        assert_int_equal(summary->found, 13);
        assert_int_equal(summary->first_missing, 0);
        assert_true(summary->worst_score == 0);
        assert_non_null(strstr(talk.warnings, "video.mp4: no face in 17 of 30 frames, the first is "
                                              "frame 0 at 0.00 s; "));
        assert_non_null(strstr(talk.warnings, pass ? "stay as they are" : "where it was seen"));
        for (int i = 0; i < 30; i++) {
            const bool found = i >= 7 && i < 20;
            struct st_analysed got = frame_of(analysis, i);
            struct st_analysed held = frame_of(analysis, i < 7 ? 7 : i < 20 ? i : 19);
            assert_int_equal(got.found, found);
            assert_int_equal(got.draw, found || !pass);
            assert_memory_equal(&got.landmarks, &held.landmarks, sizeof held.landmarks);
            assert_memory_equal(&got.box, &held.box, sizeof held.box);
        }
        st_analysis_close(&analysis);
        fake_place_remove(&place);
    }
}

static void vanish_at_80(struct fake_scene *scene, int n)
{
    scene->faces[0].present = n < 80;
}

static void fails_at_the_first_frame_without_a_face_when_told(void **state)
{
    struct fake_place place;
    struct fake_talk talk = {0};
    struct fake_film film = fake_film(1000);
    synctalk_error why = {0};
    (void)state;
    fake_place_create(&place);
    place.settings.no_face = ST_NO_FACE_FAIL;
    film.stage = vanish_at_80;
    assert_int_equal(refuse(&film, &place, &talk, &why), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "video.mp4: no face in frame 80, at 3.20 s; "));
    assert_true(film.reads < 90);

    /* With the other choice, what was seen so far is of use; and told from the cache again. */
    place.settings.no_face = ST_NO_FACE_HOLD;
    film = fake_film(1000);
    film.stage = vanish_at_80;
    struct st_analysis *analysis = analyse(&film, &place, &talk);
    assert_int_equal(film.first_read, 64);
    st_analysis_close(&analysis);
    place.settings.no_face = ST_NO_FACE_FAIL;
    film = fake_film(1000);
    assert_int_equal(refuse(&film, &place, &talk, &why), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "no face in frame 80"));
    assert_int_equal(film.reads, 0);
    fake_place_remove(&place);
}

static void nobody(struct fake_scene *scene, int n)
{
    scene->faces[0].score = 0.12f + 0.01f * (float)(n % 10);
}

static void says_that_there_is_no_face(void **state)
{
    struct fake_place place;
    struct fake_talk talk = {0};
    struct fake_film film = fake_film(70);
    synctalk_error why = {0};
    (void)state;
    fake_place_create(&place);
    film.stage = nobody;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(refuse(&film, &place, &talk, &why), SYNCTALK_E_FORMAT);
        assert_non_null(strstr(why.message, "video.mp4: no face in any of 70 frames (scores from "
                                            "0.12 to 0.21; 0.50 is needed)"));
        assert_non_null(strstr(why.message, "frontal, well-lit"));
        assert_non_null(strstr(why.message, "256x256"));
        assert_int_equal(film.reads, i ? 0 : 70); /* the second time it is known */
        film = fake_film(70);
    }
    place.settings.tracker.choice = ST_FACE_INDEX;
    place.settings.tracker.index = 2;
    assert_int_equal(refuse(&film, &place, &talk, &why), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "no frame has a face number 2"));
    assert_non_null(strstr(why.message, "at most 1 faces in any of 70 frames"));
    fake_place_remove(&place);
}

static void shrink_and_jump(struct fake_scene *scene, int n)
{
    if (n == 30)
        scene->faces[0].width = 33;
    if (n >= 40)
        scene->faces[0].x += 30;
}

static void warns_of_small_faces_jumps_and_damage(void **state)
{
    struct fake_place place;
    struct fake_talk talk = {0};
    struct fake_film film = fake_film(60);
    (void)state;
    fake_place_create(&place);
    film.stage = shrink_and_jump;
    film.damaged = 3;
    struct st_analysis *analysis = analyse(&film, &place, &talk);
    const struct st_analysis_summary *summary = st_analysis_summary(analysis);
    assert_int_equal(summary->smallest_side, 33);
    assert_int_equal(summary->smallest_at, 30);
    assert_int_equal(summary->jumps, 1);
    assert_int_equal(summary->first_jump, 40);
    assert_non_null(strstr(talk.warnings, "the face is small, 33 pixels across in frame 30; at "
                                          "least 256x256 are recommended\n"));
    assert_non_null(strstr(talk.warnings, "jumps in 1 frames, the first is frame 40 at 1.60 s"));
    assert_non_null(strstr(talk.warnings, "video.mp4: 3 pictures are damaged"));
    assert_null(strstr(talk.warnings, "no face"));
    st_analysis_close(&analysis);
    fake_place_remove(&place);
}

static void passes_errors_on(void **state)
{
    struct fake_place place;
    struct fake_talk talk = {0};
    synctalk_error why = {0};
    (void)state;
    fake_place_create(&place);
    for (int i = 0; i < 4; i++) {
        struct fake_film film = fake_film(100);
        film.fail_read = i == 0 ? 70 : -1;
        film.fail_detect = i == 1 ? 75 : -1;
        place.settings.tracker.interval = i == 2 ? 0 : 25;
        place.settings.detector = i == 3 ? "/nowhere/detector.onnx" : place.detector;
        synctalk_status want = (const synctalk_status[]){SYNCTALK_E_FORMAT, SYNCTALK_E_LIBRARY,
                                                         SYNCTALK_E_ARG, SYNCTALK_E_MISSING}[i];
        static const char *const words[] = {"frame 70 cannot be read", "the detector fails at 75",
                                            "every 0 frames", "/nowhere/detector.onnx"};
        assert_int_equal(refuse(&film, &place, &talk, &why), want);
        assert_non_null(strstr(why.message, words[i]));
    }
    fake_place_remove(&place);
}

static void steady(struct fake_scene *scene, int n)
{
    (void)n;
    scene->faces[0].width = 60;
}

/* The mouth trembled with the noise of the landmarks. */
static void a_still_head_is_still(void **state)
{
    struct fake_place place;
    struct fake_talk talk = {0};
    struct fake_film film = fake_film(300);
    double error[2] = {0};
    double step[2] = {0};
    (void)state;
    fake_place_create(&place);
    film.stage = steady;
    film.noise = 1;
    for (int smooth = 0; smooth < 2; smooth++) {
        struct st_landmarks last;
        place.settings.tracker.smooth = smooth;
        struct st_analysis *analysis = analyse(&film, &place, &talk);
        struct fake_scene scene = {.points = 98};
        struct fake_face face = {.x = 80, .y = 45, .width = 60};
        struct st_landmarks truth = fake_shape(&scene, &face);
        for (int i = 0; i < 300; i++) {
            struct st_analysed got = frame_of(analysis, i);
            for (int p = 0; p < 98; p++) {
                double off = (double)(got.landmarks.points[p].x - truth.points[p].x);
                double by = (double)(got.landmarks.points[p].x - last.points[p].x);
                error[smooth] += off * off;
                step[smooth] += i > 0 ? by * by : 0;
            }
            last = got.landmarks;
        }
        st_analysis_close(&analysis);
        film.closed = 0;
    }
    assert_true(error[1] < 0.4 * error[0]);
    assert_true(step[1] < 0.1 * step[0]);
    fake_place_remove(&place);
}

static void accelerate(struct fake_scene *scene, int n)
{
    scene->faces[0].x = 60 + 0.5f * (float)n + 0.015f * (float)(n * n);
    scene->faces[0].y = 45 - 0.2f * (float)n;
}

/* Filters that know the past alone are behind by two frames. */
static void a_moving_head_is_not_behind(void **state)
{
    struct fake_place place;
    struct fake_talk talk = {0};
    struct fake_film film = fake_film(40);
    (void)state;
    fake_place_create(&place);
    film.stage = accelerate;
    place.settings.tracker.smooth = true;
    struct st_analysis *analysis = analyse(&film, &place, &talk);
    for (int i = 0; i < 40; i++) {
        struct fake_scene scene = film.drawn;
        accelerate(&scene, i);
        struct st_landmarks want = fake_shape(&scene, &scene.faces[0]);
        struct st_analysed got = frame_of(analysis, i);
        for (int p = 0; p < 98; p++) {
            assert_true(fabsf(got.landmarks.points[p].x - want.points[p].x) < 0.01f);
            assert_true(fabsf(got.landmarks.points[p].y - want.points[p].y) < 0.01f);
        }
    }
    st_analysis_close(&analysis);
    fake_place_remove(&place);
}

static void cut_at_20(struct fake_scene *scene, int n)
{
    scene->faces[0].x += 2 * (float)(n % 10);
    scene->faces[0].present = n != 9 && n < 20;
    scene->faces[2] =
        (struct fake_face){.present = n >= 20, .x = 86, .y = 48, .width = 42, .score = 0.8f};
    scene->background = n / 20;
}

/* At a cut, the crop slid from one take to the next. */
static void does_not_smooth_across_a_cut(void **state)
{
    struct fake_place place;
    struct fake_talk talk = {0};
    struct fake_film film = fake_film(40);
    struct st_landmarks raw[40];
    (void)state;
    fake_place_create(&place);
    film.stage = cut_at_20;
    for (int smooth = 0; smooth < 2; smooth++) {
        place.settings.tracker.smooth = smooth;
        film.closed = 0;
        struct st_analysis *analysis = analyse(&film, &place, &talk);
        for (int i = 0; i < 40; i++) {
            struct st_analysed got = frame_of(analysis, i);
            for (int p = 0; smooth && p < 98; p++) {
                assert_true(fabsf(got.landmarks.points[p].x - raw[i].points[p].x) < 0.01f);
                assert_true(fabsf(got.landmarks.points[p].y - raw[i].points[p].y) < 0.01f);
            }
            raw[i] = got.landmarks;
        }
        st_analysis_close(&analysis);
    }
    fake_place_remove(&place);
}

static void grow(struct fake_scene *scene, int n)
{
    static const float widths[] = {58, 64, 71, 78};
    scene->faces[0].width = widths[n < 100 ? 0 : n < 103 ? n - 99 : 3];
}

/* The renderer makes room for the largest crop once. */
static void no_crop_is_larger_than_told(void **state)
{
    (void)state;
    for (int growing = 0; growing < 2; growing++) {
        struct fake_place place;
        struct fake_talk talk = {0};
        struct fake_film film = fake_film(200);
        fake_place_create(&place);
        film.stage = growing ? grow : move_and_vanish;
        film.noise = growing ? 0 : 3;
        place.settings.tracker.smooth = true;
        struct st_analysis *analysis = analyse(&film, &place, &talk);
        for (int i = 0; i < 200; i++)
            assert_in_range(frame_of(analysis, i).box.side, 1,
                            st_analysis_summary(analysis)->largest_side);
        st_analysis_close(&analysis);
        fake_place_remove(&place);
    }
}

struct reader {
    const struct st_analysis *analysis;
    const struct st_analysed *want;
    int start;
    int wrong;
};

static void *read_frames(void *argument)
{
    struct reader *reader = argument;
    for (int i = 0; i < 600; i++) {
        const int n = (i * 37 + reader->start) % 120;
        struct st_analysed got = {0};
        if (st_analysis_frame(reader->analysis, n, &got, NULL) ||
            memcmp(&got.landmarks, &reader->want[n].landmarks, sizeof got.landmarks) != 0)
            reader->wrong++;
    }
    return NULL;
}

static void any_thread_may_ask(void **state)
{
    struct fake_place place;
    struct fake_talk talk = {0};
    struct fake_film film = fake_film(120);
    struct st_analysed want[120];
    struct reader readers[3];
    pthread_t threads[3];
    (void)state;
    fake_place_create(&place);
    film.stage = move_and_vanish;
    film.noise = 1;
    place.settings.tracker.smooth = true;
    struct st_analysis *analysis = analyse(&film, &place, &talk);
    for (int i = 0; i < 120; i++)
        want[i] = frame_of(analysis, i);
    for (int i = 0; i < 3; i++) {
        readers[i] = (struct reader){.analysis = analysis, .want = want, .start = i * 5};
        assert_int_equal(pthread_create(&threads[i], NULL, read_frames, &readers[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(readers[i].wrong, 0);
    }
    st_analysis_close(&analysis);
    fake_place_remove(&place);
}

struct seen {
    const struct fake_film *film;
    const char *path; /* the picture's place */
    int64_t last;     /* frame; -1: none yet */
    int found, nothing;
};

static void move_after_the_first(struct fake_scene *scene, int n)
{
    move(scene, n);
    scene->faces[0].present = n > 0;
}

static void on_sight(void *user, const synctalk_sight *sight)
{
    struct seen *seen = user;
    struct fake_scene scene = seen->film->drawn;
    struct st_jpeg_decoder *decoder = NULL;
    int width = 0;
    int height = 0;
    assert_true(sight->frame > seen->last);
    seen->last = sight->frame;
    assert_int_equal(sight->frames, 400);
    assert_int_equal(sight->width, 160);
    assert_int_equal(sight->height, 90);
    st_write_file(seen->path, sight->jpeg, sight->jpeg_size);
    ST_OK(st_jpeg_decoder_create(&decoder, err));
    ST_OK(st_jpeg_size(decoder, seen->path, &width, &height, err));
    st_jpeg_decoder_destroy(&decoder);
    assert_true(width == 160 && height == 90);
    seen->found += sight->found;
    seen->nothing += !sight->found;
    move_after_the_first(&scene, (int)sight->frame);
    assert_int_equal(sight->found, scene.faces[0].present);
    assert_int_equal(sight->point_count, sight->found ? 98 : 0);
    if (!sight->found) {
        assert_null(sight->points);
        return;
    }
    const struct st_landmarks want = fake_shape(&scene, &scene.faces[0]);
    struct st_crop_box box;
    assert_memory_equal(sight->points, want.points, sizeof(float) * 2 * 98);
    ST_OK(st_crop_box_from_landmarks(&box, &want, "", err));
    assert_true(sight->box_x == box.x && sight->box_y == box.y && sight->box_side == box.side);
}

/* Guards: a frame shown with the face of another one, or not the first one first. */
static void shows_what_it_sees(void **state)
{
    struct fake_place place;
    struct fake_film film = fake_film(400);
    struct st_analysis *analysis = NULL;
    const struct st_analysis_parts parts = fake_parts(&film);
    char path[ST_PATH_MAX];
    struct seen seen = {.film = &film, .path = path, .last = -1};
    const synctalk_callbacks callbacks = {.user = &seen, .sight = on_sight};
    (void)state;
    fake_place_create(&place);
    ST_OK(st_path_join(path, place.folder, "sight.jpg", err));
    place.settings.cache = NULL;
    film.stage = move_after_the_first;
    ST_OK(st_analysis_open_with(&analysis, &place.settings, &parts, &callbacks, err));
    assert_int_equal(seen.nothing, 1); /* the first frame; whatever was shown between, the last */
    assert_true(seen.found >= 1);
    assert_int_equal(seen.last, 399);
    st_analysis_close(&analysis);
    fake_place_remove(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_landmarks_of_every_frame),
        cmocka_unit_test(takes_any_number_of_frames),
        cmocka_unit_test(reuses_what_it_kept),
        cmocka_unit_test(looks_again_when_anything_that_matters_changes),
        cmocka_unit_test(holds_or_passes_frames_without_a_face),
        cmocka_unit_test(fails_at_the_first_frame_without_a_face_when_told),
        cmocka_unit_test(says_that_there_is_no_face),
        cmocka_unit_test(warns_of_small_faces_jumps_and_damage),
        cmocka_unit_test(passes_errors_on),
        cmocka_unit_test(a_still_head_is_still),
        cmocka_unit_test(a_moving_head_is_not_behind),
        cmocka_unit_test(does_not_smooth_across_a_cut),
        cmocka_unit_test(no_crop_is_larger_than_told),
        cmocka_unit_test(any_thread_may_ask),
        cmocka_unit_test(shows_what_it_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
