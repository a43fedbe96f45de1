/* SPDX-License-Identifier: Apache-2.0 */
/* Following a face, with drawn scenes and without any network. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "face/fake_face.h"

static const struct st_tracker_settings plain = {.threshold = 0.5f, .interval = 25};

static struct fake_scene one_face(void)
{
    return (struct fake_scene){
        .faces = {{.present = true, .x = 300, .y = 200, .width = 150, .score = 0.8f}},
        .points = 98,
        .random = 5,
    };
}

static struct st_tracker *create(struct fake_scene *scene,
                                 const struct st_tracker_settings *settings)
{
    struct st_tracker *tracker = NULL;
    struct st_face_finder finder = fake_finder(scene);
    ST_OK(st_tracker_create_with(&tracker, &finder, settings, err));
    return tracker;
}

static struct st_tracked look(struct st_tracker *tracker, const struct fake_scene *scene)
{
    struct st_picture picture = {0};
    struct st_tracked tracked = {0};
    fake_draw(&picture, scene);
    ST_OK(st_tracker_next(tracker, &picture, &tracked, err));
    st_picture_free(&picture);
    return tracked;
}

static void assert_face_at(const struct st_tracked *tracked, const struct fake_face *face)
{
    struct st_face box = fake_box(face);
    assert_true(tracked->found);
    assert_true(fabsf(tracked->face.left - box.left) < 1);
    assert_true(fabsf(tracked->face.top - box.top) < 1);
    assert_true(fabsf(tracked->face.right - box.right) < 1);
    assert_true(fabsf(tracked->face.bottom - box.bottom) < 1);
}

/* A detection in every frame made analysis five times as slow as it has to be. */
static void detects_as_often_as_told(void **state)
{
    static const int layouts[] = {110, 106, 98};
    (void)state;
    for (int l = 0; l < 3; l++) {
        struct fake_scene scene = one_face();
        scene.points = layouts[l];
        struct st_tracker *tracker = create(&scene, &plain);
        for (int i = 0; i < 60; i++) {
            struct st_tracked tracked = look(tracker, &scene);
            assert_int_equal(tracked.detected, i % 25 == 0);
            assert_int_equal(tracked.begins, i == 0);
            assert_false(tracked.jumped);
            assert_int_equal(tracked.faces, 1);
            assert_true(tracked.score == 0.8f);
            assert_int_equal(tracked.landmarks.count, layouts[l]);
            assert_face_at(&tracked, &scene.faces[0]);
        }
        assert_int_equal(scene.detections, 3);
        assert_int_equal(scene.landmarkings, 60);
        st_tracker_destroy(&tracker);
        assert_null(tracker);
    }
}

static void detects_in_every_frame_when_told(void **state)
{
    struct fake_scene scene = one_face();
    struct st_tracker_settings settings = plain;
    (void)state;
    settings.interval = 1;
    struct st_tracker *tracker = create(&scene, &settings);
    for (int i = 0; i < 5; i++)
        assert_true(look(tracker, &scene).detected);
    assert_int_equal(scene.landmarkings, 5);
    st_tracker_destroy(&tracker);
}

static void follows_a_moving_head(void **state)
{
    struct fake_scene scene = one_face();
    (void)state;
    struct st_tracker *tracker = create(&scene, &plain);
    for (int i = 0; i < 100; i++) {
        scene.faces[0].x = 300 + 60 * sinf(0.15f * (float)i);
        scene.faces[0].y = 200 + 20 * sinf(0.2f * (float)i);
        struct st_tracked tracked = look(tracker, &scene);
        assert_face_at(&tracked, &scene.faces[0]);
        assert_true(fabsf(tracked.face.keypoints[4].x - scene.faces[0].x - 4) < 1);
    }
    assert_int_equal(scene.detections, 4);
    st_tracker_destroy(&tracker);
}

/* Real landmark networks repeat a part of the box that they are given; with a box made of the
 * extents of the last landmarks it left the picture within three seconds. */
static void box_and_landmarks_do_not_drift_together(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        struct fake_scene scene = one_face();
        struct st_tracker_settings settings = plain;
        scene.jaw_gain = 2;
        scene.inner_gain = 0.6f;
        scene.size_gain = 0.9f;
        scene.noise = 2;
        settings.interval = 1000;
        struct st_tracker *tracker = create(&scene, &settings);
        (void)look(tracker, &scene);
        scene.faces[0].y += 8 * (float)sign;
        for (int i = 0; i < 500; i++) {
            struct st_tracked tracked = look(tracker, &scene);
            struct st_face box = fake_box(&scene.faces[0]);
            assert_true(tracked.found);
            assert_true(i < 15 || fabsf(tracked.face.top - box.top) < 4);
            assert_true(fabsf(tracked.face.bottom - tracked.face.top - box.bottom + box.top) < 4);
        }
        assert_int_equal(scene.detections, 1);
        st_tracker_destroy(&tracker);
    }
}

/* A landmark network sees a face in anything: the frames after a cut were said to have one. */
static void knows_the_frame_where_the_face_is_gone(void **state)
{
    struct fake_scene scene = one_face();
    (void)state;
    struct st_tracker *tracker = create(&scene, &plain);
    struct st_tracked before = {0};
    for (int i = 0; i < 10; i++)
        before = look(tracker, &scene);

    scene.faces[0].present = false;
    for (int i = 0; i < 7; i++) {
        struct st_tracked gone = look(tracker, &scene);
        assert_false(gone.found);
        assert_true(gone.detected);
        assert_false(gone.begins);
        assert_int_equal(gone.faces, 0);
        assert_true(gone.score == 0);
        assert_memory_equal(&gone.landmarks, &before.landmarks, sizeof before.landmarks);
    }
    assert_int_equal(scene.detections, 8);

    scene.faces[0].present = true;
    struct st_tracked again = look(tracker, &scene);
    assert_true(again.found && again.detected && again.begins && !again.jumped);
    assert_false(look(tracker, &scene).detected);
    st_tracker_destroy(&tracker);
}

static void says_that_there_was_no_face_yet(void **state)
{
    struct fake_scene scene = one_face();
    (void)state;
    scene.faces[0].score = 0.3f;
    struct st_tracker *tracker = create(&scene, &plain);
    for (int i = 0; i < 3; i++) {
        struct st_tracked tracked = look(tracker, &scene);
        assert_false(tracked.found);
        assert_int_equal(tracked.landmarks.count, 0);
        assert_int_equal(tracked.faces, 0);
        assert_true(tracked.score == 0.3f);
    }
    scene.faces[0].score = 0.6f;
    assert_true(look(tracker, &scene).begins);
    st_tracker_destroy(&tracker);
}

/* A score around the threshold made a face come and go from frame to frame. */
static void keeps_a_face_whose_score_sinks_a_little(void **state)
{
    struct fake_scene scene = one_face();
    struct st_tracker_settings settings = plain;
    (void)state;
    settings.interval = 1;
    struct st_tracker *tracker = create(&scene, &settings);
    (void)look(tracker, &scene);
    scene.faces[0].score = 0.4f;
    assert_true(look(tracker, &scene).found);
    scene.faces[0].score = 0.2f;
    assert_false(look(tracker, &scene).found);
    st_tracker_destroy(&tracker);
}

/* The picture stays as it is, so that the landmarks alone give it away. */
static void detects_in_the_same_frame_where_the_shape_is_off(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct fake_scene scene = one_face();
        struct st_tracker *tracker = create(&scene, &plain);
        struct st_picture picture = {0};
        struct st_tracked tracked = {0};
        fake_draw(&picture, &scene);
        for (int i = 0; i < 5; i++)
            ST_OK(st_tracker_next(tracker, &picture, &tracked, err));
        assert_int_equal(scene.detections, 1);
        if (kind == 0)
            scene.faces[0].distort = 0.3f;
        else if (kind == 1)
            scene.faces[0].width *= 1.2f;
        else if (kind == 2)
            scene.faces[0].width /= 1.2f;
        else
            scene.faces[0].x += 35;
        ST_OK(st_tracker_next(tracker, &picture, &tracked, err));
        assert_true(tracked.detected && !tracked.begins && !tracked.jumped);
        assert_face_at(&tracked, &scene.faces[0]);
        assert_int_equal(scene.detections, 2);
        st_picture_free(&picture);
        st_tracker_destroy(&tracker);
    }
}

static void detects_when_the_face_leaves_the_picture(void **state)
{
    struct fake_scene scene = one_face();
    struct st_tracker_settings settings = plain;
    (void)state;
    settings.interval = 1000;
    struct st_tracker *tracker = create(&scene, &settings);
    for (int i = 0; i < 80 && scene.detections < 2; i++) {
        scene.faces[0].x -= 5;
        (void)look(tracker, &scene);
    }
    assert_int_equal(scene.detections, 2);
    assert_true(scene.faces[0].x > -40 && scene.faces[0].x < 10);
    st_tracker_destroy(&tracker);
}

static void tells_a_jump_from_a_move(void **state)
{
    struct fake_scene scene = one_face();
    (void)state;
    struct st_tracker *tracker = create(&scene, &plain);
    (void)look(tracker, &scene);
    scene.faces[0].x += 200;
    struct st_tracked tracked = look(tracker, &scene);
    assert_true(tracked.found && tracked.jumped && tracked.begins && tracked.detected);
    tracked = look(tracker, &scene);
    assert_true(tracked.found && !tracked.jumped && !tracked.begins && !tracked.detected);
    st_tracker_destroy(&tracker);
}

static int chosen(const struct st_tracker_settings *settings)
{
    struct fake_scene scene = {
        .faces =
            {
                {.present = true, .x = 320, .y = 180, .width = 90, .score = 0.9f},
                {.present = true, .x = 100, .y = 180, .width = 100, .score = 0.7f},
                {.present = true, .x = 500, .y = 180, .width = 130, .score = 0.6f},
                {.present = true, .x = 210, .y = 180, .width = 150, .score = 0.4f},
            },
        .points = 98,
    };
    struct st_tracker *tracker = create(&scene, settings);
    struct st_tracked tracked = look(tracker, &scene);
    assert_int_equal(tracked.faces, 3);
    st_tracker_destroy(&tracker);
    for (int i = 0; i < FAKE_FACES && tracked.found; i++)
        if (fabsf(tracked.face.left + tracked.face.right - 2 * scene.faces[i].x) < 1)
            return i;
    return -1;
}

static void takes_the_face_that_is_chosen(void **state)
{
    static const int by_index[] = {1, 0, 2, -1};
    struct st_tracker_settings settings = plain;
    (void)state;
    assert_int_equal(chosen(&settings), 2);
    settings.choice = ST_FACE_LEFT;
    assert_int_equal(chosen(&settings), 1);
    settings.choice = ST_FACE_RIGHT;
    assert_int_equal(chosen(&settings), 2);
    settings.choice = ST_FACE_INDEX;
    for (int i = 0; i < 4; i++) {
        settings.index = i;
        assert_int_equal(chosen(&settings), by_index[i]);
    }
    settings.choice = ST_FACE_AT;
    settings.at = (struct st_point){330, 190};
    assert_int_equal(chosen(&settings), 0);
    settings.at = (struct st_point){10, 10};
    assert_int_equal(chosen(&settings), 1);
}

static void counts_faces_one_above_the_other_too(void **state)
{
    const struct st_face faces[] = {{.right = 50, .bottom = 50, .score = 0.9f},
                                    {.top = 90, .right = 50, .bottom = 140, .score = 0.8f}};
    struct st_tracker_settings settings = plain;
    int accepted;
    (void)state;
    settings.choice = ST_FACE_INDEX;
    for (settings.index = 0; settings.index < 3; settings.index++)
        assert_int_equal(st_face_choose(faces, 2, &settings, NULL, &accepted),
                         settings.index < 2 ? settings.index : -1);
    assert_int_equal(accepted, 2);
}

/* The mouth was drawn on another person as soon as that one came closer. */
static void stays_with_the_face_it_follows(void **state)
{
    struct fake_scene scene = one_face();
    struct st_tracker_settings settings = plain;
    (void)state;
    settings.interval = 1;
    struct st_tracker *tracker = create(&scene, &settings);
    (void)look(tracker, &scene);
    scene.faces[1] =
        (struct fake_face){.present = true, .x = 530, .y = 170, .width = 200, .score = 0.95f};
    for (int i = 0; i < 5; i++) {
        struct st_tracked tracked = look(tracker, &scene);
        assert_int_equal(tracked.faces, 2);
        assert_face_at(&tracked, &scene.faces[0]);
    }
    scene.faces[0].present = false;
    struct st_tracked tracked = look(tracker, &scene);
    assert_face_at(&tracked, &scene.faces[1]);
    assert_true(tracked.begins && tracked.jumped);
    st_tracker_destroy(&tracker);
}

static void change(struct fake_scene *scene, int frame)
{
    scene->faces[0].x = 250 + 50 * sinf(0.1f * (float)frame);
    scene->faces[0].present = frame % 17 != 16;
    scene->faces[1].present = frame % 40 > 30;
    scene->faces[1] = (struct fake_face){
        .present = frame % 40 > 30, .x = 530, .y = 170, .width = 140, .score = 0.7f};
    scene->background = frame / 45;
}

/* What comes after a saved state is what would have come without the break, to the bit. */
static void goes_on_from_a_saved_state(void **state)
{
    const int frames = 100;
    struct fake_scene scene = one_face();
    (void)state;
    scene.noise = 1;
    struct st_tracker *whole = create(&scene, &plain);
    const size_t size = st_tracker_state_size(whole);
    char *saved = malloc((size_t)frames * size);
    struct st_tracked *tracked = calloc((size_t)frames, sizeof *tracked);
    uint64_t *random = calloc((size_t)frames, sizeof *random);
    assert_true(saved && tracked && random);
    for (int i = 0; i < frames; i++) {
        random[i] = scene.random;
        st_tracker_save(whole, saved + (size_t)i * size);
        change(&scene, i);
        tracked[i] = look(whole, &scene);
    }
    for (int from = 0; from < frames; from += 7) {
        struct st_tracker *rest = create(&scene, &plain);
        ST_OK(st_tracker_restore(rest, saved + (size_t)from * size, size, err));
        scene.random = random[from];
        for (int i = from; i < frames && i < from + 30; i++) {
            change(&scene, i);
            struct st_tracked now = look(rest, &scene);
            assert_int_equal(now.found, tracked[i].found);
            assert_int_equal(now.detected, tracked[i].detected);
            assert_int_equal(now.begins, tracked[i].begins);
            assert_int_equal(now.jumped, tracked[i].jumped);
            assert_memory_equal(&now.face, &tracked[i].face, sizeof now.face);
            assert_memory_equal(&now.landmarks, &tracked[i].landmarks, sizeof now.landmarks);
        }
        st_tracker_destroy(&rest);
    }
    st_tracker_destroy(&whole);
    free(saved);
    free(tracked);
    free(random);
}

/* Any bytes: refused, or a state that the next frames survive. */
static void survives_a_damaged_state(void **state)
{
    struct fake_scene scene = one_face();
    synctalk_error why = {0};
    (void)state;
    struct st_tracker *tracker = create(&scene, &plain);
    (void)look(tracker, &scene);
    const size_t size = st_tracker_state_size(tracker);
    unsigned char *good = malloc(size);
    unsigned char *bad = malloc(size);
    assert_true(good && bad);
    st_tracker_save(tracker, good);
    assert_int_equal(st_tracker_restore(tracker, good, size - 1, &why), SYNCTALK_E_FORMAT);
    assert_int_equal(st_tracker_restore(tracker, good, 0, &why), SYNCTALK_E_FORMAT);
    int refused = 0;
    uint64_t random = 9;
    for (int i = 0; i < 400; i++) {
        memcpy(bad, good, size);
        for (int k = 0; k < 4; k++)
            bad[st_random_next(&random) % (i < 200 ? 80 : size)] =
                i % 4 ? (unsigned char)st_random_next(&random) : 0xff;
        if (st_tracker_restore(tracker, bad, size, &why)) {
            refused++;
            continue;
        }
        (void)look(tracker, &scene);
        (void)look(tracker, &scene);
    }
    assert_true(refused > 100);
    ST_OK(st_tracker_restore(tracker, good, size, err));
    st_tracker_destroy(&tracker);
    free(good);
    free(bad);
}

static void passes_errors_on(void **state)
{
    struct fake_scene scene = one_face();
    struct st_tracker_settings settings = plain;
    struct st_tracker *tracker = NULL;
    struct st_face_finder finder = fake_finder(&scene);
    struct st_picture picture = {0};
    struct st_tracked tracked;
    synctalk_error why = {0};
    (void)state;

    settings.threshold = 0;
    assert_int_equal(st_tracker_create_with(&tracker, &finder, &settings, &why), SYNCTALK_E_ARG);
    settings.threshold = NAN;
    assert_int_equal(st_tracker_create_with(&tracker, &finder, &settings, &why), SYNCTALK_E_ARG);
    settings = plain;
    settings.interval = 0;
    assert_int_equal(st_tracker_create_with(&tracker, &finder, &settings, &why), SYNCTALK_E_ARG);
    assert_non_null(strstr(why.message, "every 0 frames"));
    settings = plain;
    settings.choice = 5;
    assert_int_equal(st_tracker_create_with(&tracker, &finder, &settings, &why), SYNCTALK_E_ARG);
    assert_null(tracker);

    scene.fail_detection = 1;
    tracker = create(&scene, &plain);
    fake_draw(&picture, &scene);
    assert_int_equal(st_tracker_next(tracker, &picture, &tracked, &why), SYNCTALK_E_LIBRARY);
    assert_string_equal(why.message, "the detector fails here");
    st_picture_free(&picture);
    st_tracker_destroy(&tracker);
    st_tracker_destroy(&tracker);
    st_tracker_destroy(NULL);
}

static void fits_shapes(void **state)
{
    struct fake_scene scene = one_face();
    struct st_landmarks a = fake_shape(&scene, &scene.faces[0]);
    struct st_landmarks b = a;
    struct st_shape_fit fit;
    (void)state;
    for (int i = 0; i < a.count; i++) {
        b.points[i].x = 40 + 1.25f * (0.8f * a.points[i].x - 0.6f * a.points[i].y);
        b.points[i].y = -9 + 1.25f * (0.6f * a.points[i].x + 0.8f * a.points[i].y);
    }
    assert_true(st_shape_fit(&fit, &a, &b));
    assert_true(fabsf(fit.scale - 1.25f) < 1e-4f && fit.residual < 1e-3f);
    for (int i = 0; i < a.count; i++)
        b.points[i].x = -b.points[i].x;
    assert_true(st_shape_fit(&fit, &a, &b) && fit.residual > 0.5f);
    b.points[3].x = NAN;
    assert_false(st_shape_fit(&fit, &a, &b));
    assert_false(st_landmarks_plausible(&b));
    assert_true(st_landmarks_plausible(&a));
    b = (struct st_landmarks){.count = 98};
    assert_false(st_shape_fit(&fit, &a, &b));
    assert_false(st_landmarks_plausible(&b));
    b = a;
    b.count = 97;
    assert_false(st_shape_fit(&fit, &a, &b));
    assert_false(st_landmarks_plausible(&b));
}

static void glances_stay_in_the_picture(void **state)
{
    struct fake_scene scene = one_face();
    struct st_picture picture = {0};
    struct st_glance a;
    struct st_glance b;
    (void)state;
    fake_draw(&picture, &scene);
    struct st_face box = fake_box(&scene.faces[0]);
    st_glance_take(&a, &picture, &box);
    assert_true(st_glance_compare(&a, &a) > 0.999f);
    for (int i = 0; i < 4; i++) {
        const float far = i % 2 ? 1e30f : 3000.0f;
        struct st_face away = {.left = -far, .top = -far, .right = far, .bottom = far};
        if (i >= 2)
            away = (struct st_face){.left = far, .top = far, .right = far, .bottom = far};
        st_glance_take(&b, &picture, &away);
        float likeness = st_glance_compare(&a, &b);
        assert_true(likeness >= -1 && likeness <= 1);
    }
    memset(&b, 90, sizeof b);
    assert_true(st_glance_compare(&a, &b) == 0 && st_glance_compare(&b, &b) == 0);
    st_picture_free(&picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detects_as_often_as_told),
        cmocka_unit_test(detects_in_every_frame_when_told),
        cmocka_unit_test(follows_a_moving_head),
        cmocka_unit_test(box_and_landmarks_do_not_drift_together),
        cmocka_unit_test(knows_the_frame_where_the_face_is_gone),
        cmocka_unit_test(says_that_there_was_no_face_yet),
        cmocka_unit_test(keeps_a_face_whose_score_sinks_a_little),
        cmocka_unit_test(detects_in_the_same_frame_where_the_shape_is_off),
        cmocka_unit_test(detects_when_the_face_leaves_the_picture),
        cmocka_unit_test(tells_a_jump_from_a_move),
        cmocka_unit_test(takes_the_face_that_is_chosen),
        cmocka_unit_test(counts_faces_one_above_the_other_too),
        cmocka_unit_test(stays_with_the_face_it_follows),
        cmocka_unit_test(goes_on_from_a_saved_state),
        cmocka_unit_test(survives_a_damaged_state),
        cmocka_unit_test(passes_errors_on),
        cmocka_unit_test(fits_shapes),
        cmocka_unit_test(glances_stay_in_the_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
