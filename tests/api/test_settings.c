/* SPDX-License-Identifier: Apache-2.0 */
/* The option table, presets, and values taken from text. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "support/support.h"
#include "synctalk/settings.h"
#include "synctalk/vad.h"

static void refused(const char *name, const char *value, const char *named, const char *allowed)
{
    synctalk_settings before;
    synctalk_settings settings;
    synctalk_error err = {0};
    synctalk_settings_init(&settings);
    before = settings;
    if (synctalk_settings_set(&settings, name, value, &err) != SYNCTALK_E_ARG)
        fail_msg("%s \"%s\" was taken", name, value ? value : "NULL");
    assert_memory_equal(&settings, &before, sizeof settings);
    if (!strstr(err.message, name) || !strstr(err.message, named) || !strstr(err.message, allowed))
        fail_msg("the sentence names not all of \"%s\", \"%s\", \"%s\": %s", name, named, allowed,
                 err.message);
}

static void set(synctalk_settings *settings, const char *name, const char *value)
{
    ST_OK(synctalk_settings_set(settings, name, value, err));
}

static void test_defaults(void **state)
{
    (void)state;
    synctalk_settings s;
    memset(&s, 0x5a, sizeof s);
    synctalk_settings_init(&s);
    assert_string_equal(s.root, ".");
    assert_null(s.models);
    assert_null(s.model);
    assert_null(s.features);
    assert_int_equal(s.checkpoint, -1);
    assert_int_equal(s.overwrite, 0);
    assert_int_equal(s.mode, SYNCTALK_MODE_TRAINING);
    assert_int_equal(s.encoder, SYNCTALK_ENCODER_AUTO);
    assert_int_equal(s.start_frame, 0);
    assert_int_equal(s.loop_back, 0);
    assert_int_equal(s.at_end, SYNCTALK_AT_END_BOUNCE);
    assert_int_equal(s.parsing, -1);
    assert_null(s.video);
    assert_null(s.detector);
    assert_null(s.landmarks);
    assert_null(s.mean_face);
    assert_null(s.onnxruntime);
    assert_null(s.analysis_cache);
    assert_string_equal(s.face, "largest");
    assert_int_equal(s.no_face, SYNCTALK_NO_FACE_HOLD);
    assert_true(s.face_threshold == 0.5);
    assert_int_equal(s.detect_every, 25);
    assert_int_equal(s.smooth_landmarks, 1);
    assert_int_equal(s.threads, 0);
    assert_int_equal(s.cpu_mask, ~0u);
    assert_int_equal(s.encoder_threads, 0);
    assert_int_equal(s.audio_kbps, 160);
    for (size_t i = 0; i < sizeof s.reserved / sizeof *s.reserved; i++)
        assert_null(s.reserved[i]);
}

/* Guards a preset that drifts from the table in docs/MANUAL.md. */
static void test_presets(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int precision, frames_per_core, cache_mb, max_lines, x264, crf, blend, feather, colour;
    } rows[] = {
        {"default", SYNCTALK_PRECISION_AUTO, 2, 512, 0, SYNCTALK_X264_FASTER, 18,
         SYNCTALK_BLEND_EDGE, 8, 0},
        {"high_quality", SYNCTALK_PRECISION_F32, 2, 512, 0, SYNCTALK_X264_SLOW, 14,
         SYNCTALK_BLEND_EDGE, 8, 1},
        {"fast", SYNCTALK_PRECISION_AUTO, 4, 1024, 720, SYNCTALK_X264_VERYFAST, 23,
         SYNCTALK_BLEND_EDGE, 4, 0},
        {"low_memory", SYNCTALK_PRECISION_AUTO, 0, 0, 720, SYNCTALK_X264_VERYFAST, 20,
         SYNCTALK_BLEND_EDGE, 8, 0},
    };
    for (int i = 0; i < 4; i++) {
        synctalk_settings s;
        synctalk_settings_init(&s);
        set(&s, "start-frame", "7");
        set(&s, "blend", "none");
        set(&s, "preset", rows[i].name);
        assert_int_equal(s.preset, i);
        assert_int_equal(s.precision, rows[i].precision);
        assert_int_equal(s.frames_per_core, rows[i].frames_per_core);
        assert_int_equal(s.cache_mb, rows[i].cache_mb);
        assert_int_equal(s.max_lines, rows[i].max_lines);
        assert_int_equal(s.x264_preset, rows[i].x264);
        assert_int_equal(s.crf, rows[i].crf);
        assert_int_equal(s.blend, rows[i].blend);
        assert_int_equal(s.feather_px, rows[i].feather);
        assert_int_equal(s.colour_match, rows[i].colour);
        assert_int_equal(s.start_frame, 7);
    }
}

static void test_table_is_whole(void **state)
{
    (void)state;
    size_t count = 0;
    const synctalk_option *rows = synctalk_settings_options(&count);
    unsigned char covered[sizeof(synctalk_settings)] = {0};
    assert_int_equal(count, 51);
    for (size_t i = 0; i < count; i++) {
        const synctalk_option *row = &rows[i];
        assert_ptr_equal(synctalk_settings_find(row->name), row);
        assert_true(row->help && *row->help && row->help[strlen(row->help) - 1] != '.');
        assert_true(row->group && *row->group);
        assert_true(row->type == SYNCTALK_OPTION_SWITCH || (row->unit && *row->unit));
        assert_int_equal(covered[row->offset], 0); /* two options on one field */
        covered[row->offset] = 1;
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(rows[j].name, row->name);
            assert_true(row->letter == 0 || rows[j].letter != row->letter);
        }
    }
}

/* Guards a default in the help that is not the default in force. */
static void test_default_text_sets_the_default(void **state)
{
    (void)state;
    size_t count = 0;
    const synctalk_option *rows = synctalk_settings_options(&count);
    synctalk_settings defaults;
    synctalk_settings_init(&defaults);
    for (size_t i = 0; i < count; i++) {
        char text[64];
        synctalk_settings s = defaults;
        synctalk_settings_default_text(&rows[i], text, sizeof text);
        if (!*text)
            continue;
        set(&s, rows[i].name, text);
        if (rows[i].type == SYNCTALK_OPTION_TEXT) { /* equal texts at other addresses */
            s.root = defaults.root;
            s.face = defaults.face;
        }
        assert_memory_equal(&s, &defaults, sizeof s);
    }
    char cut[3];
    synctalk_settings_default_text(synctalk_settings_find("checkpoint"), cut, sizeof cut);
    assert_string_equal(cut, "la");
}

static void test_values(void **state)
{
    (void)state;
    synctalk_settings s;
    synctalk_settings_init(&s);
    set(&s, "model", "anna");
    assert_string_equal(s.model, "anna");
    set(&s, "checkpoint", "99");
    assert_int_equal(s.checkpoint, 99);
    set(&s, "checkpoint", "latest");
    assert_int_equal(s.checkpoint, -1);
    set(&s, "encoder", "wenet");
    assert_int_equal(s.encoder, SYNCTALK_ENCODER_WENET);
    /* A name is a custom encoder's; one that is built in takes it away again. */
    set(&s, "encoder", "my-Enc_2");
    assert_int_equal(s.encoder, SYNCTALK_ENCODER_CUSTOM);
    assert_string_equal(s.encoder_name, "my-Enc_2");
    set(&s, "encoder", "hubert");
    assert_int_equal(s.encoder, SYNCTALK_ENCODER_HUBERT);
    assert_null(s.encoder_name);
    set(&s, "start-frame", "2147483647");
    assert_int_equal(s.start_frame, INT_MAX);
    set(&s, "cpu-mask", "0x1F");
    assert_int_equal(s.cpu_mask, 0x1f);
    set(&s, "cpu-mask", "4294967295");
    assert_int_equal(s.cpu_mask, UINT_MAX);
    set(&s, "loop-back", NULL);
    assert_int_equal(s.loop_back, 1);
    set(&s, "no-loop-back", NULL);
    assert_int_equal(s.loop_back, 0);
    set(&s, "parsing", "off");
    assert_int_equal(s.parsing, 0);
    set(&s, "parsing", "true");
    assert_int_equal(s.parsing, 1);
    set(&s, "no-smooth-landmarks", NULL);
    assert_int_equal(s.smooth_landmarks, 0);
    set(&s, "face-threshold", "0.75");
    assert_true(s.face_threshold == 0.75);
    const char *faces[] = {"largest", "left", "right", "0", "255", "640,360", "12.5,0"};
    for (size_t i = 0; i < sizeof faces / sizeof *faces; i++) {
        set(&s, "face", faces[i]);
        assert_string_equal(s.face, faces[i]);
    }
    /* A choice whose name begins like a switch that is turned off. */
    set(&s, "no-face", "pass");
    assert_int_equal(s.no_face, SYNCTALK_NO_FACE_PASS);
    assert_string_equal(s.face, "12.5,0");
    assert_null(synctalk_settings_find("no-crf"));
    assert_null(synctalk_settings_find(""));
}

static void test_refusals(void **state)
{
    (void)state;
    refused("crf", "52", "\"52\"", "from 0 to 51");
    refused("crf", "-1", "\"-1\"", "from 0 to 51");
    refused("crf", " 5", "\" 5\"", "from 0 to 51");
    refused("crf", "5 ", "\"5 \"", "from 0 to 51");
    refused("crf", "+5", "\"+5\"", "from 0 to 51");
    refused("crf", "5.0", "\"5.0\"", "from 0 to 51");
    refused("crf", "", "\"\"", "from 0 to 51");
    refused("crf", "-", "\"-\"", "from 0 to 51");
    refused("crf", NULL, "needs a value", "N");
    refused("start-frame", "2147483648", "2147483648", "2147483647");
    refused("start-frame", "99999999999999999999999", "9999", "2147483647");
    refused("checkpoint", "newest", "newest", "latest");
    refused("checkpoint", "-2", "-2", "latest");
    refused("preset", "fats", "fats", "default, high_quality, fast, low_memory");
    refused("mode", "Training", "Training", "training, video, clips");
    refused("encoder", "a/b", "a/b", "nor a name");
    refused("encoder", "../x", "../x", "auto, ave, hubert, wenet");
    refused("encoder", "-x", "-x", "nor a name");
    refused("encoder", "", "\"\"", "nor a name");
    refused("cpu-mask", "0x", "0x", "hexadecimal");
    refused("cpu-mask", "0x1ffffffff", "0x1ffffffff", "hexadecimal");
    refused("cpu-mask", "-1", "-1", "hexadecimal");
    refused("loop-back", "maybe", "maybe", "true, yes, on");
    refused("no-loop-back", "1", "\"1\"", "no value");
    refused("no-crf", NULL, "no such option", "");
    refused("model", "", "empty", "NAME");
    refused("nonsense", "1", "no such option", "");
    const char *faces[] = {"biggest", "-1",      "256",     "12,", ",12",
                           "1,2,3",   "1.2.3,4", "99999,1", "0x1"};
    for (size_t i = 0; i < sizeof faces / sizeof *faces; i++)
        refused("face", faces[i], faces[i], "largest, left, right");
    refused("face", "", "\"\"", "largest, left, right");
    refused("no-face", NULL, "needs a value", "HOW");
    refused("no-face", "skip", "skip", "hold, pass, fail");
    refused("face-threshold", "0.05", "0.05", "0.1 to 1");
    refused("detect-every", "0", "\"0\"", "1 to 10000");
}

static void unfit(const synctalk_settings *s, const char *word, const char *other)
{
    synctalk_error e = {0};
    assert_int_equal(synctalk_settings_check(s, &e), SYNCTALK_E_ARG);
    if (!strstr(e.message, word) || !strstr(e.message, other))
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", e.message, word, other);
}

static void test_what_does_not_fit_together(void **state)
{
    (void)state;
    synctalk_settings s;
    synctalk_settings_init(&s);
    s.encoder = SYNCTALK_ENCODER_CUSTOM;
    unfit(&s, "encoder", "name");
    s.encoder_name = "a/b";
    unfit(&s, "encoder", "a/b");
    s.encoder = SYNCTALK_ENCODER_CUSTOM + 1;
    unfit(&s, "encoder is 5", "0 to 3");
    synctalk_settings_init(&s);
    assert_int_equal(synctalk_settings_check(&s, NULL), SYNCTALK_OK);
    s.mode = SYNCTALK_MODE_VIDEO;
    unfit(&s, "--mode video", "--video FILE");
    s.video = "take.mp4";
    assert_int_equal(synctalk_settings_check(&s, NULL), SYNCTALK_OK);
    s.start_frame = 3;
    unfit(&s, "--start-frame 3", "--mode training");
    s.mode = SYNCTALK_MODE_TRAINING;
    unfit(&s, "take.mp4", "the mode is training");
    s.mode = SYNCTALK_MODE_CLIPS;
    unfit(&s, "--video", "the mode is clips");
    s.video = NULL;
    unfit(&s, "--start-frame 3", "a clip is shown");
    s.start_frame = 0;
    assert_int_equal(synctalk_settings_check(&s, NULL), SYNCTALK_OK);
    s.loop_back = 1;
    unfit(&s, "--loop-back", "--mode training");
    s.loop_back = 0;
    s.vad = SYNCTALK_VAD_BUILTIN;
    s.vad_model = "silero.onnx";
    unfit(&s, "--vad-model", "--vad is builtin");
    s.vad_model = NULL;
    s.vad = SYNCTALK_VAD_AUTO;
    s.vad_threshold = 0.95;
    unfit(&s, "vad-threshold", "0.1 to 0.9");
    s.vad_threshold = 0.5;
    s.edl = "same";
    s.vad_plot = "same";
    unfit(&s, "--edl and --vad-plot", "same");
    s.vad_plot = NULL;
    s.mode = SYNCTALK_MODE_TRAINING;
    unfit(&s, "--edl same", "--mode clips");
    s.edl = NULL;
    s.vad_plot = "plot.png";
    unfit(&s, "--vad-plot plot.png", "--mode clips");
    s.vad_plot = NULL;
    s.start_frame = 3;
    s.mode = 7;
    unfit(&s, "mode is 7", "0 to 2");
    s.mode = SYNCTALK_MODE_TRAINING;
    s.face = NULL;
    unfit(&s, "face", "synctalk_settings_init");
    s.face = "tall";
    unfit(&s, "tall", "largest");
    s.face = "left";
    s.face_threshold = 2;
    unfit(&s, "face-threshold is 2", "0.1 to 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_table_is_whole),
        cmocka_unit_test(test_default_text_sets_the_default),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_what_does_not_fit_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
