/* SPDX-License-Identifier: Apache-2.0 */
/* Four real videos, each with a real sound, drawn by a trained network of full width. The
 * features are another recording's: whether the mouth fits is not what is held here. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/faces.h"
#include "generate/film.h"
#include "kernels/kernels.h"
#include "onnx/onnx_support.h"
#include "synctalk/synctalk.h"

/* The folder that holds dataset/, checkpoint/ and models/, from the path of one file in it. */
static char *root_of(const char *path, const char *below)
{
    size_t length = strlen(path) - strlen(below);
    assert_string_equal(path + length, below);
    char *root = strndup(path, length > 0 ? length - 1 : 0);
    assert_non_null(root);
    return root;
}

static void look_again(const synctalk_settings *s, struct st_analysis **analysis)
{
    struct st_face_settings faces;
    struct st_kernels kernels;
    st_kernels_init(&kernels, ~0u);
    ST_OK(st_face_settings_find(&faces, s, s->video, 25, &kernels, err));
    ST_OK(st_analysis_open(analysis, &faces.analysis, NULL, err));
    assert_true(st_analysis_summary(*analysis)->reused);
}

static void speak(const char *video, const char *audio, int64_t frames, int width, int height)
{
    ST_NEED_SHARED(models, "models");
    ST_NEED_SHARED(checkpoint, "checkpoint/sanders/0.pth");
    ST_NEED_SHARED(features, "dataset/sanders/aud_ave.npy");
    ST_NEED_SHARED(take, video);
    ST_NEED_SHARED(sound, audio);
    ST_NEED_ONNX_RUNTIME();
    char *root = root_of(checkpoint, "checkpoint/sanders/0.pth");
    char *folder = st_scratch_create();
    char output[ST_PATH_MAX];
    synctalk_settings s;
    synctalk_person *person;
    synctalk_report report;
    struct st_analysis *analysis;
    struct film_likeness likeness;

    ST_OK(st_path_join(output, folder, "film.mp4", err));
    synctalk_settings_init(&s);
    s.precision = SYNCTALK_PRECISION_F32; /* nothing is found out first */
    s.root = root;
    s.models = models;
    s.model = "sanders";
    s.features = features;
    s.mode = SYNCTALK_MODE_VIDEO;
    s.video = take;
    s.analysis_cache = folder;
    ST_OK(synctalk_person_open(&person, &s, NULL, err));
    struct st_plan plan = {.frames = frames, .sources = synctalk_person_frames(person)};
    ST_OK(synctalk_generate(person, &s, sound, output, NULL, &report, err));
    synctalk_person_close(&person);
    assert_int_equal(report.frames, frames);
    assert_int_equal(report.width, width);
    assert_int_equal(report.height, height);

    film_check_clock(output, sound, &plan, 25);
    look_again(&s, &analysis);
    film_compare(&likeness, output, take, &plan, analysis, 25);
    print_message("%s, %s: %d frames, %.1f dB outside the square, %.1f dB the worst, "
                  "%.1f dB inside\n",
                  video, audio, (int)frames, likeness.psnr, likeness.worst, likeness.face);
    st_analysis_close(&analysis);
    assert_true(likeness.psnr >= 38);
    st_scratch_remove(folder);
    free(root);
}

static void latentsync_and_mandarin(void **state)
{
    (void)state;
    speak("media/video/latentsync_demo1.mp4", "media/audio/aishell_zh.wav", 107, 1080, 1920);
}

static void liveportrait_and_opus(void **state)
{
    (void)state;
    speak("media/video/liveportrait_d11.mp4", "media/audio/silero_test.opus", 202, 512, 512);
}

static void sadtalker_and_flac(void **state)
{
    (void)state;
    speak("media/video/sadtalker_WDA_KatieHill_000.mp4", "media/audio/jfk.flac", 275, 512, 512);
}

static void short_demo_and_a_sound_thrice_as_long(void **state)
{
    (void)state;
    speak("media/video/synctalk_short_demo.mp4", "media/audio/talk_hb.wav", 1122, 512, 512);
}

/* With an argument, the tests whose name fits it: "sad*". */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latentsync_and_mandarin),
        cmocka_unit_test(liveportrait_and_opus),
        cmocka_unit_test(sadtalker_and_flac),
        cmocka_unit_test(short_demo_and_a_sound_thrice_as_long),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
