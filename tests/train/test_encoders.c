/* SPDX-License-Identifier: Apache-2.0 */
/* Trainings on the features of each audio encoder: a few steps, and a checkpoint that a person
 * opens, knows its encoder by, and refuses others with.
 */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "models/unet.h"
#include "onnx/onnx_support.h"
#include "train/scene.h"
#include "weights/npy.h"
#include "weights/onnx_writer.h"

static void write_features(const char *path, const size_t shape[2])
{
    struct st_npy_writer writer;
    const size_t floats = shape[0] * shape[1];
    float *row = malloc(floats * sizeof *row);
    uint64_t seed = 5;
    assert_non_null(row);
    ST_OK(st_npy_writer_open(&writer, path, true, 2, shape, err));
    for (int i = 0; i < PROJECT_SOURCES; i++) {
        for (size_t k = 0; k < floats; k++)
            row[k] = 2 * st_random_unit(&seed) - 1;
        ST_OK(st_npy_writer_rows(&writer, row, 1, err));
    }
    ST_OK(st_npy_writer_commit(&writer, true, err));
    free(row);
}

static void create(struct scene *s, const char *encoder)
{
    scene_create(s);
    s->settings.features = NULL;
    s->settings.epochs = 1;
    ST_OK(synctalk_train_settings_set(&s->settings, "encoder", encoder, err));
}

/* It trains; what it wrote is for `encoder`, and a person opens it. */
static void check(struct scene *s, const char *encoder, size_t vector, const char *features)
{
    const struct outcome outcome = scene_train(s, &(struct conditions){0});
    struct st_weights *weights;
    struct st_unet_form form;
    synctalk_settings settings;
    synctalk_person *person;
    synctalk_error error = {0};
    char path[ST_PATH_MAX];

    if (outcome.status)
        fail_msg("%s: %s", encoder, outcome.message);
    assert_int_equal(outcome.report.steps, 2);
    scene_assert_whole(s);
    ST_OK(st_path_join(path, s->folder, "0.pth", err));
    ST_OK(st_weights_open(&weights, path, err));
    ST_OK(st_unet_recognise_for(&form, weights, NULL, err));
    assert_string_equal(form.hears, encoder);
    assert_int_equal(form.vector, vector);
    st_weights_close(&weights);

    synctalk_settings_init(&settings);
    settings.precision = SYNCTALK_PRECISION_F32; /* nothing is found out first */
    settings.root = s->project.root;
    settings.model = PROJECT_PERSON;
    settings.features = features;
    ST_OK(synctalk_person_open(&person, &settings, NULL, err));
    synctalk_person_close(&person);
    settings.encoder = SYNCTALK_ENCODER_AVE;
    assert_int_equal(synctalk_person_open(&person, &settings, NULL, &error), SYNCTALK_E_ARG);
    assert_non_null(strstr(error.message, encoder));
}

static void test_hubert(void **state)
{
    (void)state;
    struct scene s;
    char path[ST_PATH_MAX];
    create(&s, "hubert");
    ST_OK(st_path_join(path, s.project.root, "dataset/tiny/aud_hu.npy", err));
    write_features(path, (const size_t[]){2, 1024});
    check(&s, "hubert", 2048, path);
    scene_remove(&s);
}

static void test_wenet(void **state)
{
    (void)state;
    struct scene s;
    char path[ST_PATH_MAX];
    create(&s, "wenet");
    ST_OK(st_path_join(path, s.project.root, "dataset/tiny/aud_wenet.npy", err));
    write_features(path, (const size_t[]){16, 512});
    check(&s, "wenet", 8192, path);
    scene_remove(&s);
}

/* Its features are made from the dataset's sound by the training itself. */
static void test_custom(void **state)
{
    (void)state;
    ST_NEED_ONNX_RUNTIME();
    static const char text[] =
        "{\"network\": \"n.onnx\", \"input\": \"waveform\", \"window\": 4096, \"hop\": 640,"
        " \"vector\": 512, \"fps\": 25, \"before\": 2048, \"after\": 1408}";
    const struct st_onnx_attribute attributes[] = {
        {.name = "kernel_shape", .count = 1, .ints = {8}},
        {.name = "strides", .count = 1, .ints = {8}},
        {0},
    };
    struct scene s;
    struct st_onnx *onnx;
    char path[ST_PATH_MAX];

    create(&s, "phonemes");
    ST_OK(st_path_join(path, s.project.root, "model", err));
    assert_int_equal(mkdir(path, 0700), 0);
    ST_OK(st_path_join(path, s.project.root, "model/phonemes.json", err));
    st_write_file(path, text, strlen(text));
    ST_OK(st_path_join(path, s.project.root, "model/n.onnx", err));
    ST_OK(st_onnx_create(&onnx, "averages", err));
    st_onnx_input(onnx, "x", 2, (const size_t[]){1, 4096});
    st_onnx_node(onnx, "AveragePool", "y", (const char *[]){"x", NULL}, attributes);
    st_onnx_output(onnx, "y", 2, (const size_t[]){1, 512});
    ST_OK(st_onnx_write(onnx, path, true, err));
    st_onnx_destroy(&onnx);
    ST_OK(st_path_join(path, s.project.root, "dataset/tiny/aud.wav", err));
    project_write_wav(path, 16000, 640 * PROJECT_SOURCES);

    ST_OK(st_path_join(path, s.project.root, "dataset/tiny/aud_phonemes.npy", err));
    check(&s, "phonemes", 512, path);
    scene_remove(&s);
}

/* Guards: training that takes whatever numbers lie under the name of a custom encoder. */
static void test_vectors_of_no_network(void **state)
{
    (void)state;
    struct scene s;
    char path[ST_PATH_MAX];
    synctalk_error error = {0};

    create(&s, "phonemes");
    assert_int_equal(synctalk_train(&s.settings, NULL, NULL, &error), SYNCTALK_E_MISSING);
    assert_non_null(strstr(error.message, "aud_phonemes.npy"));
    ST_OK(st_path_join(path, s.project.root, "dataset/tiny/aud_phonemes.npy", err));
    write_features(path, (const size_t[]){2, 50});
    assert_int_equal(synctalk_train(&s.settings, NULL, NULL, &error), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(error.message, "vectors of 100 numbers"));
    scene_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_of_no_network),
        cmocka_unit_test(test_hubert),
        cmocka_unit_test(test_wenet),
        cmocka_unit_test(test_custom),
    };
    return cmocka_run_group_tests_name("train encoders", tests, NULL, NULL);
}
