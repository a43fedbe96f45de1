/* SPDX-License-Identifier: Apache-2.0 */
/* A video that the user brings, through the public calls: real faces, a tiny network. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generate/faces.h"
#include "generate/film.h"
#include "generate/project.h"
#include "kernels/kernels.h"
#include "onnx/onnx_support.h"
#include "synctalk/synctalk.h"

enum { SOURCES = 20, FRAMES = 26 };

struct scene {
    struct project p;
    char video[ST_PATH_MAX];
    char cache[ST_PATH_MAX];
    synctalk_settings settings;
    char log[4096]; /* all sentences, one a line */
    synctalk_callbacks callbacks;
};

static void keep_log(void *user, synctalk_log_level level, const char *message)
{
    (void)level;
    char *log = user;
    size_t used = strlen(log);
    snprintf(log + used, sizeof(((struct scene *)0)->log) - used, "%s\n", message);
}

/* A project without a dataset, whose person is shown on `from`, the first `blank` frames grey. */
static void scene_create(struct scene *scene, const char *models, const char *from, int blank)
{
    struct project *p = &scene->p;
    char dataset[ST_PATH_MAX];
    char hidden[ST_PATH_MAX];

    memset(scene, 0, sizeof *scene);
    project_create(p, 130, 98, FRAMES);
    ST_OK(st_path_join(dataset, p->root, "dataset", err));
    ST_OK(st_path_join(hidden, p->root, "hidden", err));
    assert_int_equal(rename(dataset, hidden), 0);
    ST_OK(st_path_join(scene->video, p->root, "take.mp4", err));
    ST_OK(st_path_join(scene->cache, p->root, "cache/analysis", err));
    film_cut(scene->video, from, 0, SOURCES, blank);

    synctalk_settings *s = &scene->settings;
    synctalk_settings_init(s);
    s->root = p->root;
    s->models = models;
    s->model = PROJECT_PERSON;
    s->features = p->features;
    s->mode = SYNCTALK_MODE_VIDEO;
    s->video = scene->video;
    s->analysis_cache = scene->cache;
    s->overwrite = 1;
    s->encoder_threads = 2;
    scene->callbacks = (synctalk_callbacks){.user = scene->log, .log = keep_log};
}

static void scene_remove(struct scene *scene)
{
    project_remove(&scene->p);
}

static void make(struct scene *scene, synctalk_report *report)
{
    synctalk_person *person;
    scene->log[0] = '\0';
    ST_OK(synctalk_person_open(&person, &scene->settings, &scene->callbacks, err));
    assert_int_equal(synctalk_person_frames(person), SOURCES);
    ST_OK(synctalk_generate(person, &scene->settings, scene->p.sound, scene->p.output,
                            &scene->callbacks, report, err));
    synctalk_person_close(&person);
}

static void refuse(struct scene *scene, synctalk_status status, const char *words, const char *more)
{
    synctalk_person *person;
    synctalk_error e = {0};
    synctalk_status st = synctalk_person_open(&person, &scene->settings, &scene->callbacks, &e);
    if (st != status || !strstr(e.message, words) || !strstr(e.message, more))
        fail_msg("wanted %d with \"%s\" and \"%s\", got %d: %s", status, words, more, st,
                 e.message);
    assert_null(person);
}

/* The film against its source; squares as they are kept in the cache. */
static void compare(struct scene *scene, bool loop_back, struct film_likeness *likeness)
{
    const struct st_plan plan = {.frames = FRAMES,
                                 .sources = SOURCES,
                                 .loop_back = loop_back,
                                 .at_end = SYNCTALK_AT_END_BOUNCE};
    struct st_face_settings faces;
    struct st_analysis *analysis;
    struct st_kernels kernels;

    st_kernels_init(&kernels, ~0u);
    ST_OK(st_face_settings_find(&faces, &scene->settings, scene->video, 25, &kernels, err));
    ST_OK(st_analysis_open(&analysis, &faces.analysis, NULL, err));
    assert_true(st_analysis_summary(analysis)->reused);
    film_check_clock(scene->p.output, scene->p.sound, &plan, 25);
    film_compare(likeness, scene->p.output, scene->video, &plan, analysis, 25);
    print_message("%d frames: %.1f dB outside the square, %.1f dB the worst, %.1f dB inside\n",
                  FRAMES, likeness->psnr, likeness->worst, likeness->face);
    st_analysis_close(&analysis);
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

    scene_create(&scene, models, take, 0);
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

    scene_create(&scene, models, NULL, 0);
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

static void the_number_of_threads_changes_nothing(void **state)
{
    (void)state;
    ST_NEED_SHARED(models, "models");
    ST_NEED_SHARED(take, "media/video/liveportrait_d11.mp4");
    ST_NEED_ONNX_RUNTIME();
    struct scene scene;
    struct st_mapping film[2];

    scene_create(&scene, models, take, 0);
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

    scene_create(&scene, models, take, 7);
    scene.settings.no_face = SYNCTALK_NO_FACE_FAIL;
    refuse(&scene, SYNCTALK_E_FORMAT, "take.mp4", "no face in frame 0");
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

    scene_create(&scene, models, NULL, 0);
    refuse(&scene, SYNCTALK_E_FORMAT, "take.mp4", "any of 20 frames");
    scene.settings.no_face = SYNCTALK_NO_FACE_PASS;
    refuse(&scene, SYNCTALK_E_FORMAT, "take.mp4", "any of 20 frames");
    scene.settings.video = "/nowhere/take.mp4";
    refuse(&scene, SYNCTALK_E_MISSING, "/nowhere/take.mp4", "");
    ST_OK(st_path_join(path, scene.p.root, "words.mp4", err));
    st_write_file(path, "these are words\n", 16);
    scene.settings.video = path;
    refuse(&scene, SYNCTALK_E_FORMAT, "words.mp4", "");
    scene.settings.video = scene.p.sound;
    refuse(&scene, SYNCTALK_E_FORMAT, "sound.wav", "");
    scene.settings.video = scene.video;
    scene.settings.detector = "/nowhere/detector.onnx";
    refuse(&scene, SYNCTALK_E_MISSING, "/nowhere/detector.onnx", "");
    scene_remove(&scene);
}

static void networks_that_are_absent_are_named(void **state)
{
    (void)state;
    struct scene scene;
    scene_create(&scene, NULL, NULL, 0);
    refuse(&scene, SYNCTALK_E_MISSING, "scrfd_2.5g_kps.onnx", "to find faces");
    scene.settings.detector = scene.video; /* not looked at before all are there */
    refuse(&scene, SYNCTALK_E_MISSING, "checkpoint_epoch_335.pth.tar", "points of a face");
    scene.settings.video = NULL;
    refuse(&scene, SYNCTALK_E_ARG, "--video FILE", "--mode video");
    scene_remove(&scene);
}

/* With an argument, the tests whose name fits it. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_take_speaks_and_stays_itself_around_the_mouth),
        cmocka_unit_test(the_mouth_is_where_the_mouth_is),
        cmocka_unit_test(the_number_of_threads_changes_nothing),
        cmocka_unit_test(frames_without_a_face_are_treated_as_said),
        cmocka_unit_test(what_goes_wrong_is_said),
        cmocka_unit_test(networks_that_are_absent_are_named),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
