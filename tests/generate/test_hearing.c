/* SPDX-License-Identifier: Apache-2.0 */
/* Which audio encoder a person hears with, and that it is the one that runs. In the Python
 * original AVE ran whatever one chose, so each encoder's video is held against the one that
 * its features, written by themselves, give: not a byte may differ.
 */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include "generate/clip_info.h"
#include "generate/dataset_features.h"
#include "generate/feature_source.h"
#include "generate/project.h"
#include "models/ave.h"
#include "models/encoder.h"
#include "models/hubert_maker.h"
#include "models/unet.h"
#include "onnx/onnx_support.h"
#include "synctalk/synctalk.h"
#include "weights/npy.h"
#include "weights/onnx_writer.h"

#define SAMPLES 14003 /* 0.875 s: 22 frames at 25 a second, 18 (17.5 and a bit) at 20 */

static char told[4096]; /* what was logged, line by line */

static void on_log(void *user, synctalk_log_level level, const char *message)
{
    (void)user;
    (void)level;
    const size_t used = strlen(told);
    snprintf(told + used, sizeof told - used, "%s\n", message);
}

static const synctalk_callbacks callbacks = {.log = on_log};

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" says nothing of \"%s\"", text, part);
}

static const char *below(const struct project *p, const char *name)
{
    static char paths[4][ST_PATH_MAX];
    static int next;
    char *path = paths[next++ % 4];
    ST_OK(st_path_join(path, p->root, name, err));
    return path;
}

/* The person's checkpoint: random, for `encoder`, with `note` as metadata or none. */
static void put_checkpoint(const struct project *p, synctalk_encoder encoder, const char *note)
{
    struct st_weights *made, *mute;
    const char *path = below(p, "checkpoint/tiny/0.safetensors");
    ST_OK(st_unet_random(&made, true, encoder, 11, err));
    ST_OK(st_weights_create(&mute, "mute", err));
    for (size_t i = 0; i < st_weights_count(made); i++) {
        const struct st_tensor *t = st_weights_at(made, i);
        float *values = malloc(t->count * sizeof *values);
        assert_non_null(values);
        st_tensor_to_f32(t, values);
        ST_OK(st_weights_add_f32(mute, t->name, t->rank, t->dims, values, err));
        free(values);
    }
    ST_OK(st_weights_write_safetensors(mute, path, ST_F32, note ? "synctalk.encoder" : NULL, note,
                                       true, err));
    st_weights_close(&mute);
    st_weights_close(&made);
}

static void settings_for(synctalk_settings *s, const struct project *p)
{
    synctalk_settings_init(s);
    s->precision = SYNCTALK_PRECISION_F32; /* nothing is found out first */
    s->root = p->root;
    s->model = PROJECT_PERSON;
    s->x264_preset = SYNCTALK_X264_ULTRAFAST;
    s->encoder_threads = 1;
    s->threads = 2;
    s->overwrite = 1;
    told[0] = '\0';
}

static void begin(struct project *p)
{
    project_create(p, 64, 64, 1);
    project_write_wav(p->sound, 16000, SAMPLES);
    assert_int_equal(mkdir(below(p, "model"), 0700), 0);
}

static void copy(const char *from, const char *to)
{
    struct st_mapping map;
    ST_OK(st_map_file(&map, from, err));
    st_write_file(to, map.data, map.size);
    st_unmap_file(&map);
}

/* The video of the person as `s` has it; malloc'ed. */
static uint8_t *video(const struct project *p, const synctalk_settings *s, const char *sound,
                      synctalk_report *report, size_t *size)
{
    struct st_mapping map;
    synctalk_person *person;
    ST_OK(synctalk_person_open(&person, s, &callbacks, err));
    ST_OK(synctalk_generate(person, s, sound, p->output, &callbacks, report, err));
    synctalk_person_close(&person);
    ST_OK(st_map_file(&map, p->output, err));
    uint8_t *bytes = malloc(map.size);
    assert_non_null(bytes);
    memcpy(bytes, map.data, map.size);
    *size = map.size;
    st_unmap_file(&map);
    return bytes;
}

/* The video through the encoder is that of the features which the encoder writes, and not
 * that of other features; so many frames at such a rate. */
static void check_video(const struct project *p, synctalk_settings *s, int fps, int64_t frames,
                        size_t floats)
{
    synctalk_report report;
    size_t heard_size, read_size, other_size;
    int64_t vectors = 0;
    const char *path = below(p, "written.npy");

    uint8_t *heard = video(p, s, p->sound, &report, &heard_size);
    assert_int_equal(report.fps, fps);
    assert_int_equal(report.frames, frames);
    assert_true(report.audio_seconds * fps - 0.5 <= (double)frames &&
                report.audio_seconds * fps + 0.5 >= (double)frames);

    synctalk_settings writes = *s;
    if (writes.encoder == SYNCTALK_ENCODER_AUTO)
        writes.encoder = fps == 20 ? SYNCTALK_ENCODER_WENET : SYNCTALK_ENCODER_HUBERT;
    ST_OK(synctalk_features_write(&writes, p->sound, path, &callbacks, &vectors, err));
    assert_true(vectors >= frames - 2 && vectors <= frames + 2);
    s->features = path;
    uint8_t *read = video(p, s, p->sound, &report, &read_size);
    assert_int_equal(read_size, heard_size);
    assert_memory_equal(read, heard, heard_size);
    assert_int_equal(report.fps, fps);

    struct st_npy_writer writer;
    float *row = calloc(floats, sizeof *row);
    assert_non_null(row);
    ST_OK(st_npy_writer_open(&writer, path, true, 1, &floats, err));
    for (int64_t i = 0; i < frames; i++) {
        for (size_t k = 0; k < floats; k++)
            row[k] = (float)((k + (size_t)i) % 17) - 8;
        ST_OK(st_npy_writer_rows(&writer, row, 1, err));
    }
    ST_OK(st_npy_writer_commit(&writer, true, err));
    uint8_t *other = video(p, s, p->sound, &report, &other_size);
    assert_true(other_size != heard_size || memcmp(other, heard, heard_size) != 0);
    free(row);
    free(other);
    free(read);
    free(heard);
}

static void test_wenet_speaks(void **state)
{
    (void)state;
    ST_NEED_SHARED(network, "reference/encoders/wenet_standin.onnx");
    ST_NEED_ONNX_RUNTIME();
    struct project p;
    synctalk_settings s;

    begin(&p);
    put_checkpoint(&p, SYNCTALK_ENCODER_WENET, NULL);
    copy(network, below(&p, "model/encoder.onnx"));
    settings_for(&s, &p);
    check_video(&p, &s, 20, 18, 8192);
    project_remove(&p);
}

/* Guards: clips planned at 25 frames a second under an encoder that hears 20. */
static void test_wenet_in_clips(void **state)
{
    (void)state;
    ST_NEED_SHARED(network, "reference/encoders/wenet_standin.onnx");
    ST_NEED_ONNX_RUNTIME();
    struct project p;
    synctalk_settings s;

    begin(&p);
    put_checkpoint(&p, SYNCTALK_ENCODER_WENET, NULL);
    copy(network, below(&p, "model/encoder.onnx"));
    assert_int_equal(mkdir(below(&p, "dataset/tiny/core_clips"), 0700), 0);
    assert_int_equal(symlink("../../tiny", below(&p, "dataset/tiny/core_clips/a_talk")), 0);
    assert_int_equal(symlink("../../tiny", below(&p, "dataset/tiny/core_clips/b_silence")), 0);
    settings_for(&s, &p);
    s.mode = SYNCTALK_MODE_CLIPS;
    s.vad = SYNCTALK_VAD_BUILTIN;
    s.vad_threshold = 0.1;
    check_video(&p, &s, 20, 18, 8192);
    project_remove(&p);
}

/* Guards: a person who moves in slow motion, and nobody is told why. */
static void test_frames_of_another_rate(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    synctalk_person *person;
    struct st_clip_info clip = {.complete = true, .kind = ST_CLIP_TALK, .fps = 25, .frames = 7};
    static const char info[] = "{\"made_by\": \"synctalk preprocess\", \"fps\": 25}";

    begin(&p);
    put_checkpoint(&p, SYNCTALK_ENCODER_WENET, NULL);
    settings_for(&s, &p);
    s.features = p.features;
    ST_OK(synctalk_person_open(&person, &s, &callbacks, err));
    synctalk_person_close(&person);
    assert_null(strstr(told, "taken at"));
    st_write_file(below(&p, "dataset/tiny/info.json"), info, strlen(info));
    ST_OK(synctalk_person_open(&person, &s, &callbacks, err));
    synctalk_person_close(&person);
    assert_says(told, "taken at 25 frames a second and shown at 20");
    assert_says(told, "too slow; preprocess --encoder wenet");

    told[0] = '\0';
    assert_int_equal(mkdir(below(&p, "dataset/tiny/core_clips"), 0700), 0);
    assert_int_equal(symlink("../../tiny", below(&p, "dataset/tiny/core_clips/a_talk")), 0);
    s.mode = SYNCTALK_MODE_CLIPS;
    ST_OK(st_clip_info_write(&clip, below(&p, "dataset/tiny/core_clips/a_talk"), err));
    ST_OK(synctalk_person_open(&person, &s, &callbacks, err));
    synctalk_person_close(&person);
    assert_says(told, "too slow; preprocess-clips --encoder wenet");
    project_remove(&p);
}

static void test_hubert_speaks(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    struct st_hubert_config config = hubert_small_large();

    begin(&p);
    config.hidden = 1024;
    config.layers = 1;
    config.heads = config.position_groups = 16;
    const struct hubert_naming naming = {.prefix = "hubert."};
    struct st_weights *weights = hubert_weights(&config, 3, &naming);
    assert_int_equal(mkdir(below(&p, "model/hubert"), 0700), 0);
    hubert_write(below(&p, "model/hubert"), &config, weights);
    st_weights_close(&weights);
    put_checkpoint(&p, SYNCTALK_ENCODER_HUBERT, "hubert");
    settings_for(&s, &p);
    check_video(&p, &s, 25, 22, 2048);
    project_remove(&p);
}

/* A HuBERT of another size runs for `features`, but no checkpoint can hear with it. */
static void test_hubert_of_another_size(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    synctalk_person *person;
    synctalk_error error = {0};
    const struct st_hubert_config config = hubert_small_large();
    const struct hubert_naming naming = {.prefix = ""};

    begin(&p);
    struct st_weights *weights = hubert_weights(&config, 3, &naming);
    assert_int_equal(mkdir(below(&p, "model/hubert"), 0700), 0);
    hubert_write(below(&p, "model/hubert"), &config, weights);
    st_weights_close(&weights);
    put_checkpoint(&p, SYNCTALK_ENCODER_HUBERT, "hubert");
    settings_for(&s, &p);
    assert_int_equal(synctalk_person_open(&person, &s, NULL, &error), SYNCTALK_E_MODEL);
    assert_null(person);
    assert_says(error.message, "needs those of hubert, of 2048");
    project_remove(&p);
}

/* model/encoders/phonemes.json: averages over 8 samples of a window of 4096. */
static void put_custom(const struct project *p)
{
    static const char text[] =
        "{\"network\": \"n.onnx\", \"input\": \"waveform\", \"window\": 4096, \"hop\": 640,"
        " \"vector\": 512, \"fps\": 25, \"before\": 2048, \"after\": 1408, \"normalise\": true}";
    struct st_onnx *onnx;
    const struct st_onnx_attribute attributes[] = {
        {.name = "kernel_shape", .count = 1, .ints = {8}},
        {.name = "strides", .count = 1, .ints = {8}},
        {0},
    };

    assert_int_equal(mkdir(below(p, "model/encoders"), 0700), 0);
    st_write_file(below(p, "model/encoders/phonemes.json"), text, strlen(text));
    ST_OK(st_onnx_create(&onnx, "averages", err));
    st_onnx_input(onnx, "x", 2, (const size_t[]){1, 4096});
    st_onnx_node(onnx, "AveragePool", "y", (const char *[]){"x", NULL}, attributes);
    st_onnx_output(onnx, "y", 2, (const size_t[]){1, 512});
    ST_OK(st_onnx_write(onnx, below(p, "model/encoders/n.onnx"), true, err));
    st_onnx_destroy(&onnx);
}

static void test_custom_speaks(void **state)
{
    (void)state;
    ST_NEED_ONNX_RUNTIME();
    struct project p;
    synctalk_settings s;
    synctalk_person *person;
    synctalk_error error = {0};

    begin(&p);
    put_custom(&p);
    put_checkpoint(&p, SYNCTALK_ENCODER_AVE, NULL); /* its shape; nothing else is said */
    settings_for(&s, &p);
    ST_OK(synctalk_settings_set(&s, "encoder", "phonemes", err));
    assert_int_equal(s.encoder, SYNCTALK_ENCODER_CUSTOM);
    check_video(&p, &s, 25, 22, 512);

    /* A checkpoint that carries the name needs no option, and refuses another encoder. */
    put_checkpoint(&p, SYNCTALK_ENCODER_AVE, "phonemes/512");
    settings_for(&s, &p);
    ST_OK(synctalk_person_open(&person, &s, &callbacks, err));
    assert_says(told, "audio encoder phonemes: ");
    synctalk_person_close(&person);
    s.encoder = SYNCTALK_ENCODER_AVE;
    assert_int_equal(synctalk_person_open(&person, &s, NULL, &error), SYNCTALK_E_ARG);
    assert_says(error.message, "was made for phonemes features, not ave: use --encoder phonemes");
    project_remove(&p);
}

struct mismatch {
    synctalk_encoder shape;
    const char *note;
    const char *asked;
    synctalk_status status;
    const char *says;
};

/* Guards: a mouth that babbles because it hears in another tongue than it learnt. */
static void test_mismatches(void **state)
{
    (void)state;
    static const struct mismatch list[] = {
        {SYNCTALK_ENCODER_AVE, "ave", "hubert", SYNCTALK_E_ARG,
         "was made for ave features, not hubert: use --encoder ave"},
        {SYNCTALK_ENCODER_HUBERT, "hubert", "ave", SYNCTALK_E_ARG, "use --encoder hubert"},
        {SYNCTALK_ENCODER_WENET, NULL, "ave", SYNCTALK_E_ARG, "use --encoder wenet"},
        {SYNCTALK_ENCODER_WENET, "wenet", "hubert", SYNCTALK_E_ARG, "use --encoder wenet"},
        {SYNCTALK_ENCODER_AVE, NULL, "wenet", SYNCTALK_E_ARG, "use --encoder ave or"},
        {SYNCTALK_ENCODER_AVE, "voices/512", "ave", SYNCTALK_E_ARG, "use --encoder voices"},
        {SYNCTALK_ENCODER_AVE, "voices/512", "auto", SYNCTALK_E_MISSING, "encoders/voices.json"},
        {SYNCTALK_ENCODER_WENET, "voices/8192", "auto", SYNCTALK_E_MISSING, "encoders/voices.json"},
        {SYNCTALK_ENCODER_AVE, NULL, "hubrt", SYNCTALK_E_MISSING, "built in are ave, hubert"},
        {SYNCTALK_ENCODER_AVE, "ave", "odd", SYNCTALK_E_ARG, "vectors of 100 numbers"},
        {SYNCTALK_ENCODER_AVE, NULL, "wide", SYNCTALK_E_ARG, "not wide, of 8192 numbers"},
        {SYNCTALK_ENCODER_WENET, NULL, "plain", SYNCTALK_E_ARG, "not plain, of 512"},
        {SYNCTALK_ENCODER_HUBERT, "plain/2048", "auto", SYNCTALK_E_ARG, "its description changed"},
        {SYNCTALK_ENCODER_AVE, "ave", "bad", SYNCTALK_E_FORMAT, "\"input\" is not there"},
    };
    static const char *const files[][2] = {
        {"odd", "{\"network\": \"n.onnx\", \"input\": \"waveform\", \"window\": 640, \"hop\": 640,"
                " \"vector\": 100, \"fps\": 25}"},
        {"wide", "{\"network\": \"n.onnx\", \"input\": \"waveform\", \"window\": 640, \"hop\": 640,"
                 " \"vector\": 8192, \"fps\": 25}"},
        {"plain", "{\"network\": \"n.onnx\", \"input\": \"waveform\", \"window\": 640,"
                  " \"hop\": 640, \"vector\": 512, \"fps\": 25}"},
        {"bad", "{\"network\": \"n.onnx\"}"},
    };
    struct project p;

    begin(&p);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char name[64];
        snprintf(name, sizeof name, "model/%s.json", files[i][0]);
        st_write_file(below(&p, name), files[i][1], strlen(files[i][1]));
    }
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        synctalk_settings s;
        synctalk_person *person;
        synctalk_error error = {0};
        put_checkpoint(&p, list[i].shape, list[i].note);
        settings_for(&s, &p);
        s.features = p.features;
        ST_OK(synctalk_settings_set(&s, "encoder", list[i].asked, err));
        if (synctalk_person_open(&person, &s, NULL, &error) != list[i].status)
            fail_msg("case %zu: %s", i, error.message);
        assert_says(error.message, list[i].says);
    }
    project_remove(&p);
}

/* Guards: ave taken for a checkpoint whose dataset has the features of another encoder. */
static void test_by_the_features_there(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    synctalk_person *person;

    begin(&p);
    put_checkpoint(&p, SYNCTALK_ENCODER_AVE, NULL);
    st_write_file(below(&p, "dataset/tiny/aud_hubert.npy"), "x", 1);
    settings_for(&s, &p);
    s.features = p.features;
    ST_OK(synctalk_person_open(&person, &s, &callbacks, err));
    synctalk_person_close(&person);
    assert_says(told, "audio encoder hubert, since the dataset holds aud_hubert.npy");
    project_remove(&p);
}

static void set_time(const char *path, time_t seconds)
{
    const struct utimbuf times = {seconds, seconds};
    assert_int_equal(utime(path, &times), 0);
}

static void put_ave(const struct project *p)
{
    struct st_weights *weights;
    ST_OK(st_ave_random(&weights, 7, err));
    ST_OK(st_weights_write_safetensors(weights, below(p, "model/ave.safetensors"), ST_F32, NULL,
                                       NULL, true, err));
    st_weights_close(&weights);
}

/* Guards: the sound of the dataset encoded again although its features are there; features
 * that a newer sound has left behind. */
static void test_own_sound(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    char features[ST_PATH_MAX], sound[ST_PATH_MAX];
    synctalk_report report;
    size_t fresh_size, named_size, stale_size, sound_size;

    begin(&p);
    put_ave(&p);
    project_write_features(&p, 22);
    ST_OK(st_path_join(features, p.root, "dataset/tiny/aud_ave.npy", err));
    ST_OK(st_path_join(sound, p.root, "dataset/tiny/aud.wav", err));
    copy(p.features, features);
    copy(p.sound, sound);

    settings_for(&s, &p);
    set_time(sound, 1000000);
    set_time(features, 1000000);
    uint8_t *fresh = video(&p, &s, sound, &report, &fresh_size);
    assert_says(told, "aud_ave.npy, which belong to this sound");
    told[0] = '\0';
    free(video(&p, &s, p.sound, &report, &sound_size)); /* the same, but not the dataset's */
    assert_null(strstr(told, "aud_ave.npy"));
    set_time(sound, 1000001);
    uint8_t *stale = video(&p, &s, sound, &report, &stale_size);
    assert_null(strstr(told, "aud_ave.npy"));
    uint8_t *outside = video(&p, &s, p.sound, &report, &sound_size);
    s.features = p.features;
    uint8_t *named = video(&p, &s, sound, &report, &named_size);

    assert_int_equal(fresh_size, named_size);
    assert_memory_equal(fresh, named, fresh_size);
    assert_int_equal(stale_size, sound_size);
    assert_memory_equal(stale, outside, stale_size);
    assert_true(stale_size != fresh_size || memcmp(stale, fresh, fresh_size) != 0);
    free(fresh);
    free(stale);
    free(outside);
    free(named);
    project_remove(&p);
}

static void make_features(const struct project *p, const synctalk_settings *s)
{
    struct st_hearing hearing;
    told[0] = '\0';
    ST_OK(st_hearing_choose(&hearing, s, SYNCTALK_ENCODER_AVE, NULL, err));
    ST_OK(st_dataset_features_make(&hearing, below(p, "dataset/tiny"), s, &callbacks, err));
    st_hearing_close(&hearing);
}

/* Guards: a training on features of a sound that is gone, and features that somebody made
 * elsewhere written over. */
static void test_features_of_a_dataset(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    char features[ST_PATH_MAX], sound[ST_PATH_MAX];

    begin(&p);
    settings_for(&s, &p);
    ST_OK(st_path_join(features, p.root, "dataset/tiny/aud_ave.npy", err));
    ST_OK(st_path_join(sound, p.root, "dataset/tiny/aud.wav", err));
    make_features(&p, &s); /* no sound: nothing to do */
    assert_false(st_path_is_file(features));
    copy(p.sound, sound);
    make_features(&p, &s); /* no network: whoever needs them says so */
    assert_false(st_path_is_file(features));
    assert_string_equal(told, "");

    st_write_file(features, "old", 3);
    set_time(features, 1000000);
    make_features(&p, &s);
    assert_says(told, "aud_ave.npy: older than aud.wav, and used all the same");
    put_ave(&p);
    set_time(sound, 1000000);
    make_features(&p, &s); /* no older than the sound: kept, whatever it is */
    assert_string_equal(told, "");
    set_time(sound, 1000001);
    make_features(&p, &s);
    assert_says(told, "vectors made from aud.wav");
    struct st_weights *made;
    ST_OK(st_weights_open(&made, features, err));
    assert_int_equal(st_weights_at(made, 0)->dims[1], 512);
    st_weights_close(&made);
    project_remove(&p);
}

static void put_info(const struct project *p, const char *encoder, const char *sha256)
{
    char path[ST_PATH_MAX], text[512];
    ST_OK(st_path_join(path, p->root, "dataset/tiny/info.json", err));
    const int length =
        snprintf(text, sizeof text,
                 "{\"made_by\": \"synctalk preprocess\", \"complete\": true, \"features\": "
                 "{\"file\": \"x.npy\", \"encoder\": \"%s\", \"vectors\": 1}, \"networks\": "
                 "{\"encoder\": {\"file\": \"x\", \"sha256\": \"%s\"}}}",
                 encoder, sha256);
    st_write_file(path, text, (size_t)length);
}

/* Guards: a training on what another network heard, since its features are newer than the sound;
 * and features that are made anew before each training, since info.json still names that one. */
static void test_features_of_another_network(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    char features[ST_PATH_MAX], sound[ST_PATH_MAX];

    begin(&p);
    settings_for(&s, &p);
    put_ave(&p);
    ST_OK(st_path_join(features, p.root, "dataset/tiny/aud_ave.npy", err));
    ST_OK(st_path_join(sound, p.root, "dataset/tiny/aud.wav", err));
    copy(p.sound, sound);
    set_time(sound, 1000000);
    st_write_file(features, "other", 5);
    put_info(&p, "hubert", "00ff");
    make_features(&p, &s); /* it does not speak of these */
    assert_string_equal(told, "");
    put_info(&p, "ave", "00ff");
    make_features(&p, &s);
    assert_says(told, "aud_ave.npy is made again: it was made by another network than");
    assert_says(told, "vectors made from aud.wav");
    make_features(&p, &s);
    assert_string_equal(told, "");
    project_remove(&p);
}

/* Guards: a video that was stopped, and waits for a piece of sound to be heard to its end. */
static void test_stopped(void **state)
{
    (void)state;
    ST_NEED_SHARED(network, "reference/encoders/wenet_standin.onnx");
    ST_NEED_ONNX_RUNTIME();
    static float window[8 * 8192];
    const struct st_encoder_options options = {.threads = 1};
    struct project p;
    struct st_encoder *encoder;
    struct st_feature_source *source;

    begin(&p);
    ST_OK(st_encoder_open(&encoder, SYNCTALK_ENCODER_WENET, network, &options, err));
    ST_OK(st_feature_source_from_sound(&source, p.sound, encoder, 8, NULL, err));
    ST_OK(st_feature_source_window(source, 0, window, err));
    st_feature_source_stop(source);
    assert_int_equal(st_feature_source_window(source, 5, window, NULL), SYNCTALK_E_CANCELLED);
    st_feature_source_close(&source);
    st_encoder_close(&encoder);
    project_remove(&p);
}

/* Guards: a crash, or a file without vectors, from a sound that is too short to be heard. */
static void test_too_short(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    synctalk_error error = {0};
    const struct st_hubert_config config = hubert_small_large();
    const struct hubert_naming naming = {.prefix = ""};

    begin(&p);
    struct st_weights *weights = hubert_weights(&config, 3, &naming);
    assert_int_equal(mkdir(below(&p, "model/hubert"), 0700), 0);
    hubert_write(below(&p, "model/hubert"), &config, weights);
    st_weights_close(&weights);
    project_write_wav(p.sound, 16000, 100);
    settings_for(&s, &p);
    s.encoder = SYNCTALK_ENCODER_HUBERT;
    assert_int_equal(
        synctalk_features_write(&s, p.sound, below(&p, "out/hu.npy"), NULL, NULL, &error),
        SYNCTALK_E_FORMAT);
    assert_says(error.message, "100 samples");
    assert_int_equal(project_outputs(&p), 0);
    project_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wenet_speaks),
        cmocka_unit_test(test_wenet_in_clips),
        cmocka_unit_test(test_frames_of_another_rate),
        cmocka_unit_test(test_hubert_speaks),
        cmocka_unit_test(test_hubert_of_another_size),
        cmocka_unit_test(test_custom_speaks),
        cmocka_unit_test(test_mismatches),
        cmocka_unit_test(test_by_the_features_there),
        cmocka_unit_test(test_own_sound),
        cmocka_unit_test(test_features_of_a_dataset),
        cmocka_unit_test(test_features_of_another_network),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_too_short),
    };
    return cmocka_run_group_tests_name("hearing", tests, NULL, NULL);
}
