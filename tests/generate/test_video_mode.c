/* SPDX-License-Identifier: Apache-2.0 */
/* A video that the user brings, through the public calls: real faces, a tiny network. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generate/video_scene.h"
#include "models/unet.h"
#include "onnx/onnx_support.h"
#include "weights/npy.h"

enum { SOURCES = 20, FRAMES = 26 };

/* A project whose person is shown on frames of `from`, the first `blank` of them grey. */
static void create(struct scene *scene, const char *models, const char *from, int blank)
{
    scene_create(scene, models, FRAMES);
    film_cut(scene->video, from, 0, SOURCES, blank);
}

static void make(struct scene *scene, synctalk_report *report)
{
    scene_make(scene, SOURCES, report);
}

static void compare(const struct scene *scene, bool loop_back, struct film_likeness *likeness)
{
    const struct st_plan plan = {.frames = FRAMES, .sources = SOURCES, .loop_back = loop_back};
    scene_compare(scene, &plan, 25, likeness);
}

static void a_take_speaks_and_stays_itself_around_the_mouth(void **state)
{
    (void)state;
    ST_NEED_SHARED(models, "models");
    ST_NEED_SHARED(take, "media/video/synctalk_short_demo.mp4");
    ST_NEED_ONNX_RUNTIME();
    struct scene scene;
    synctalk_report report;
    struct film_likeness likeness;

    create(&scene, models, take, 0);
    make(&scene, &report);
    assert_int_equal(report.frames, FRAMES);
    assert_int_equal(report.width, 512);
    assert_int_equal(report.height, 512);
    assert_null(strstr(scene.log, "reused"));
    compare(&scene, false, &likeness);
    assert_true(likeness.psnr >= 38);
    assert_true(likeness.face < 25); /* a random network's mouth */

    scene.settings.loop_back = 1;
    make(&scene, &report);
    assert_non_null(strstr(scene.log, "take.mp4 is reused"));
    compare(&scene, true, &likeness);
    assert_true(likeness.psnr >= 38);
    scene_remove(&scene);
}

/* A trained network, on its own person: guards squares that lie elsewhere than those it was
 * trained on, which a random network would not show. */
static void the_mouth_is_where_the_mouth_is(void **state)
{
    (void)state;
    ST_NEED_SHARED(models, "models");
    ST_NEED_SHARED(checkpoint, "checkpoint/sanders/0.pth");
    ST_NEED_SHARED(features, "dataset/sanders/aud_ave.npy");
    ST_NEED_SHARED(pictures, "dataset/sanders/full_body_img");
    ST_NEED_ONNX_RUNTIME();
    struct scene scene;
    struct film_likeness likeness;
    char path[ST_PATH_MAX];

    create(&scene, models, NULL, 0);
    film_of_pictures(scene.video, pictures, SOURCES);
    ST_OK(st_path_join(path, scene.p.root, "checkpoint/tiny/1.pth", err));
    assert_int_equal(symlink(checkpoint, path), 0);
    scene.settings.features = features;
    make(&scene, NULL);
    compare(&scene, false, &likeness);
    assert_true(likeness.psnr >= 38);
    assert_true(likeness.face >= 20);
    scene_remove(&scene);
}

/* 20 frames a second: the video is looked at and shown at the checkpoint's rate. */
static void wenet_sets_the_rate(void **state)
{
    (void)state;
    ST_NEED_SHARED(models, "models");
    ST_NEED_SHARED(take, "media/video/synctalk_short_demo.mp4");
    ST_NEED_ONNX_RUNTIME();
    enum { SOURCES_20 = SOURCES * 20 / 25, FRAMES_20 = (FRAMES * 20 + 12) / 25, VECTOR = 16 * 512 };
    const struct st_plan plan = {.frames = FRAMES_20, .sources = SOURCES_20};
    struct scene scene;
    synctalk_report report;
    struct film_likeness likeness;
    struct st_weights *weights;
    struct st_npy_writer writer;
    char path[ST_PATH_MAX];
    float *row = calloc(VECTOR, sizeof *row);

    assert_non_null(row);
    create(&scene, models, take, 0);
    ST_OK(st_unet_random(&weights, true, SYNCTALK_ENCODER_WENET, 7, err));
    ST_OK(st_path_join(path, scene.p.root, "checkpoint/tiny/1.safetensors", err));
    ST_OK(st_weights_write_safetensors(weights, path, ST_F32, NULL, NULL, false, err));
    st_weights_close(&weights);
    ST_OK(st_npy_writer_open(&writer, scene.p.features, true, 2, (size_t[]){16, 512}, err));
    for (int i = 0; i < FRAMES_20; i++)
        ST_OK(st_npy_writer_rows(&writer, row, 1, err));
    ST_OK(st_npy_writer_commit(&writer, true, err));
    free(row);

    scene_make(&scene, SOURCES_20, &report);
    assert_true(report.fps == 20);
    assert_int_equal(report.frames, FRAMES_20);
    scene_compare(&scene, &plan, 20, &likeness);
    assert_true(likeness.psnr >= 38);
    scene_remove(&scene);
}

static void the_number_of_threads_changes_nothing(void **state)
{
    (void)state;
    ST_NEED_SHARED(models, "models");
    ST_NEED_SHARED(take, "media/video/liveportrait_d11.mp4");
    ST_NEED_ONNX_RUNTIME();
    struct scene scene;
    struct st_mapping film[2];

    create(&scene, models, take, 0);
    scene.settings.x264_preset = SYNCTALK_X264_ULTRAFAST;
    scene.settings.analysis_cache = NULL; /* looked at anew each time */
    for (int i = 0; i < 2; i++) {
        scene.settings.threads = 1 + 2 * i;
        scene.settings.frames_per_core = i;
        make(&scene, NULL);
        assert_null(strstr(scene.log, "reused"));
        ST_OK(st_map_file(&film[i], scene.p.output, err));
        assert_int_equal(unlink(scene.p.output), 0);
    }
    assert_int_equal(film[0].size, film[1].size);
    assert_memory_equal(film[0].data, film[1].data, film[0].size);
    st_unmap_file(&film[0]);
    st_unmap_file(&film[1]);
    scene_remove(&scene);
}

static void frames_without_a_face_are_treated_as_said(void **state)
{
    (void)state;
    ST_NEED_SHARED(models, "models");
    ST_NEED_SHARED(take, "media/video/synctalk_short_demo.mp4");
    ST_NEED_ONNX_RUNTIME();
    struct scene scene;
    struct film_likeness held;
    struct film_likeness passed;

    create(&scene, models, take, 7);
    scene.settings.no_face = SYNCTALK_NO_FACE_FAIL;
    scene_refuse(&scene, SYNCTALK_E_FORMAT, "take.mp4", "no face in frame 0");
    scene.settings.no_face = SYNCTALK_NO_FACE_HOLD;
    make(&scene, NULL);
    compare(&scene, false, &held);
    scene.settings.no_face = SYNCTALK_NO_FACE_PASS;
    make(&scene, NULL);
    compare(&scene, false, &passed);
    /* Passed frames have no square: all of them is compared, and is the source's. */
    assert_true(passed.psnr >= 38);
    assert_true(passed.worst >= 35);
    assert_true(held.psnr >= 38);
    scene_remove(&scene);
}

static void what_goes_wrong_is_said(void **state)
{
    (void)state;
    ST_NEED_SHARED(models, "models");
    ST_NEED_ONNX_RUNTIME();
    struct scene scene;
    char path[ST_PATH_MAX];

    create(&scene, models, NULL, 0);
    scene_refuse(&scene, SYNCTALK_E_FORMAT, "take.mp4", "any of 20 frames");
    scene.settings.no_face = SYNCTALK_NO_FACE_PASS;
    scene_refuse(&scene, SYNCTALK_E_FORMAT, "take.mp4", "any of 20 frames");
    scene.settings.video = "/nowhere/take.mp4";
    scene_refuse(&scene, SYNCTALK_E_MISSING, "/nowhere/take.mp4", "");
    ST_OK(st_path_join(path, scene.p.root, "words.mp4", err));
    st_write_file(path, "these are words\n", 16);
    scene.settings.video = path;
    scene_refuse(&scene, SYNCTALK_E_FORMAT, "words.mp4", "");
    scene.settings.video = scene.p.sound;
    scene_refuse(&scene, SYNCTALK_E_FORMAT, "sound.wav", "");
    scene.settings.video = scene.video;
    scene.settings.detector = "/nowhere/detector.onnx";
    scene_refuse(&scene, SYNCTALK_E_MISSING, "/nowhere/detector.onnx", "");
    scene_remove(&scene);
}

static void networks_that_are_absent_are_named(void **state)
{
    (void)state;
    struct scene scene;
    create(&scene, NULL, NULL, 0);
    scene_refuse(&scene, SYNCTALK_E_MISSING, "scrfd_2.5g_kps.onnx", "to find faces");
    scene.settings.detector = scene.video; /* not looked at before all are there */
    scene_refuse(&scene, SYNCTALK_E_MISSING, "checkpoint_epoch_335.pth.tar", "points of a face");
    scene.settings.video = NULL;
    scene_refuse(&scene, SYNCTALK_E_ARG, "--video FILE", "--mode video");
    scene_remove(&scene);
}

/* With an argument, the tests whose name fits it. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_take_speaks_and_stays_itself_around_the_mouth),
        cmocka_unit_test(the_mouth_is_where_the_mouth_is),
        cmocka_unit_test(wenet_sets_the_rate),
        cmocka_unit_test(the_number_of_threads_changes_nothing),
        cmocka_unit_test(frames_without_a_face_are_treated_as_said),
        cmocka_unit_test(what_goes_wrong_is_said),
        cmocka_unit_test(networks_that_are_absent_are_named),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
