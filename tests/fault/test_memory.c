/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th allocation of ours fails, for every n until all goes well: each time an error
 * comes back, nothing crashes, and no output is left. Leaks are for the sanitizer build.
 *
 * The linker's --wrap turns every allocation in our own objects into the functions below;
 * those inside libraries are not touched.
 */
#include "support/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "generate/project.h"
#include "models/silero.h"
#include "onnx/onnx.h"
#include "synctalk/synctalk.h"
#include "train/chart.h"
#include "train/data.h"
#include "train/journal.h"
#include "train/sampler.h"
#include "weights/onnx_writer.h"

static atomic_long calls_left = -1; /* negative: never fail */
static atomic_long calls_made;

static bool fails(void)
{
    atomic_fetch_add(&calls_made, 1);
    if (atomic_load(&calls_left) < 0)
        return false;
    return atomic_fetch_sub(&calls_left, 1) == 0;
}

/* Names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails() ? NULL : __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c) */

struct scene {
    struct project project;
    synctalk_settings settings;
    synctalk_person *person;
    char training_features[ST_PATH_MAX]; /* as many as there are frames */
    const char *vad_model;               /* NULL: the built-in detector */
};

/* Run `act` with allocation n failing, n = 0, step, 2 step ..., until it succeeds. */
static long walk(const char *name, struct scene *scene, long step,
                 synctalk_status (*act)(struct scene *scene, synctalk_error *err))
{
    for (long n = 0;; n += step) {
        synctalk_error err = {0};
        atomic_store(&calls_made, 0);
        atomic_store(&calls_left, n);
        synctalk_status st = act(scene, &err);
        atomic_store(&calls_left, -1);
        if (st == SYNCTALK_OK) {
            printf("%s: %ld allocations, every %ld. failed in turn\n", name,
                   atomic_load(&calls_made), step);
            assert_true(n > 0);
            return n;
        }
        if (st != SYNCTALK_E_MEMORY && st != SYNCTALK_E_LIBRARY)
            fail_msg("%s, allocation %ld: %d: %s", name, n, st, err.message);
        assert_true(err.message[0] != '\0');
        assert_int_equal(project_outputs(&scene->project), 0);
    }
}

static synctalk_status open_weights(struct scene *scene, synctalk_error *err)
{
    char path[ST_PATH_MAX];
    synctalk_weights *weights;
    snprintf(path, sizeof path, "%s/checkpoint/tiny/0.safetensors", scene->project.root);
    synctalk_status st = synctalk_weights_open(&weights, path, err);
    synctalk_weights_close(&weights);
    return st;
}

static synctalk_status open_person(struct scene *scene, synctalk_error *err)
{
    synctalk_person *person;
    synctalk_status st = synctalk_person_open(&person, &scene->settings, NULL, err);
    synctalk_person_close(&person);
    return st;
}

static synctalk_status make_video(struct scene *scene, synctalk_error *err)
{
    return synctalk_generate(scene->person, &scene->settings, scene->project.sound,
                             scene->project.output, NULL, NULL, err);
}

/* All of a training but the networks: frames, crops cut anew, features, order, journal,
 * chart. */
static synctalk_status prepare_training(struct scene *scene, synctalk_error *err)
{
    char path[ST_PATH_MAX];
    synctalk_status st;
    synctalk_train_settings settings;
    struct st_pool *pool = NULL;
    struct st_train_data data = {.frames = 0};
    struct st_sampler sampler = {.frames = 0};
    struct st_journal journal = {.fd = -1};
    const struct st_epoch epoch = {.epoch = 1, .loss = 1};

    synctalk_train_settings_init(&settings);
    settings.root = scene->project.root;
    settings.model = PROJECT_PERSON;
    settings.features = scene->training_features;
    snprintf(path, sizeof path, "%s/dataset/tiny/.synctalk-crops", scene->project.root);
    (void)unlink(path);
    snprintf(path, sizeof path, "%s/train.jsonl", scene->project.root);
    if ((st = st_pool_create(&pool, 2, err)) ||
        (st = st_train_data_open(&data, &settings, pool, NULL, err)) ||
        (st = st_sampler_open(&sampler, 1, data.train, 0, 2, false, "tiny", err)) ||
        (st = st_journal_open(&journal, path, err)) ||
        (st = st_journal_add_epoch(&journal, &epoch, err)) ||
        (st = st_journal_rewind(&journal, 0, 0, err)))
        goto done;
    snprintf(path, sizeof path, "%s/loss.png", scene->project.root);
    st = st_chart_write(path, "tiny", journal.epochs, journal.count, "score", "dB", err);
    if (st == SYNCTALK_E_UNSUPPORTED) /* no cairo */
        st = SYNCTALK_OK;

done:
    st_journal_close(&journal);
    st_sampler_close(&sampler);
    st_train_data_close(&data);
    st_pool_destroy(&pool);
    return st;
}

static synctalk_status find_speech(struct scene *scene, synctalk_error *err)
{
    synctalk_vad *vad = NULL;
    synctalk_vad_settings settings;
    char plot[ST_PATH_MAX + 16];
    synctalk_vad_settings_init(&settings);
    settings.vad = scene->vad_model ? SYNCTALK_VAD_SILERO : SYNCTALK_VAD_BUILTIN;
    settings.vad_model = scene->vad_model;
    snprintf(plot, sizeof plot, "%s/vad.png", scene->project.root);
    synctalk_status st = synctalk_vad_run(&vad, &settings, scene->project.sound, plot, NULL, err);
    const bool drawn = st != SYNCTALK_E_UNSUPPORTED; /* else there is no cairo */
    if (!drawn)
        st = synctalk_vad_run(&vad, &settings, scene->project.sound, NULL, NULL, err);
    synctalk_vad_close(&vad);
    assert_int_equal(unlink(plot) == 0, drawn && st == SYNCTALK_OK);
    return st;
}

static void walk_speech(struct scene *scene)
{
    struct st_weights *weights;
    char path[ST_PATH_MAX + 32];
    walk("built-in voice activity", scene, 1, find_speech);
    snprintf(path, sizeof path, "%s/silero.safetensors", scene->project.root);
    ST_OK(st_silero_random(&weights, 1, err));
    ST_OK(st_weights_write_safetensors(weights, path, ST_F32, NULL, NULL, true, err));
    st_weights_close(&weights);
    scene->vad_model = path;
    walk("voice activity network", scene, 1, find_speech);
    scene->vad_model = NULL;
}

static synctalk_status hear(struct scene *scene, synctalk_error *err)
{
    synctalk_settings settings = scene->settings;
    settings.features = NULL;
    settings.encoder = SYNCTALK_ENCODER_CUSTOM;
    settings.encoder_name = "averages";
    return synctalk_features_write(&settings, scene->project.sound, scene->project.output, NULL,
                                   NULL, err);
}

/* An encoder that is described, as far as the memory is ours and not ONNX Runtime's. */
static void walk_encoder(struct scene *scene)
{
    static const char text[] =
        "{\"network\": \"n.onnx\", \"input\": \"waveform\", \"window\": 1280, \"hop\": 640,"
        " \"vector\": 160, \"fps\": 25, \"normalise\": true}";
    const struct st_onnx_attribute attributes[] = {
        {.name = "kernel_shape", .count = 1, .ints = {8}},
        {.name = "strides", .count = 1, .ints = {8}},
        {0},
    };
    struct st_onnx *onnx;
    char path[ST_PATH_MAX];

    ST_OK(st_path_join(path, scene->project.root, "model", err));
    assert_int_equal(mkdir(path, 0700), 0);
    ST_OK(st_path_join(path, scene->project.root, "model/averages.json", err));
    st_write_file(path, text, strlen(text));
    ST_OK(st_path_join(path, scene->project.root, "model/n.onnx", err));
    ST_OK(st_onnx_create(&onnx, "averages", err));
    st_onnx_input(onnx, "x", 2, (const size_t[]){1, 1280});
    st_onnx_node(onnx, "AveragePool", "y", (const char *[]){"x", NULL}, attributes);
    st_onnx_output(onnx, "y", 2, (const size_t[]){1, 160});
    ST_OK(st_onnx_write(onnx, path, true, err));
    st_onnx_destroy(&onnx);
    walk("described encoder", scene, 1, hear);
    assert_int_equal(unlink(scene->project.output), 0);
}

static bool has_onnx_runtime(void)
{
    char version[256];
    synctalk_error absent = {0};
    if (!st_onnx_version(version, sizeof version, NULL, &absent))
        return true;
    fprintf(stderr, "skipped: %s\n", absent.message);
    return false;
}

static void memory_runs_out_anywhere(void **state)
{
    (void)state;
    struct scene scene = {0};
    project_create(&scene.project, 64, 64, 2);
    synctalk_settings_init(&scene.settings);
    scene.settings.precision = SYNCTALK_PRECISION_F32; /* nothing is found out first */
    scene.settings.root = scene.project.root;
    scene.settings.model = PROJECT_PERSON;
    scene.settings.features = scene.project.features;
    scene.settings.threads = 2;

    walk("weights", &scene, 1, open_weights);
    walk("person", &scene, 5, open_person);
    ST_OK(synctalk_person_open(&scene.person, &scene.settings, NULL, err));
    walk("video", &scene, 1, make_video);
    synctalk_person_close(&scene.person);

    snprintf(scene.training_features, sizeof scene.training_features, "%s/dataset/tiny/aud_ave.npy",
             scene.project.root);
    project_write_features(&scene.project, PROJECT_SOURCES);
    assert_int_equal(unlink(scene.project.output), 0);
    assert_int_equal(rename(scene.project.features, scene.training_features), 0);
    walk("training", &scene, 1, prepare_training);
    walk_speech(&scene);
    if (has_onnx_runtime())
        walk_encoder(&scene);
    project_remove(&scene.project);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_runs_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
