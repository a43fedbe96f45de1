/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets, features, states and settings that cannot be trained with: a sentence each,
 * no crash, and nothing that was there is lost. */
#include "support/support.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "train/crops.h"
#include "train/journal.h"
#include "train/scene.h"
#include "train/windows.h"
#include "weights/npy.h"

/* Fails the test unless training ends so, with a sentence that holds both words. */
static void refused(const struct scene *scene, synctalk_status status, const char *first,
                    const char *second)
{
    const struct outcome o = scene_train(scene, NULL);
    if (o.status != status || !strstr(o.message, first) || !strstr(o.message, second))
        fail_msg("%d, \"%s\"; wanted %d with \"%s\" and \"%s\"", o.status, o.message, status, first,
                 second);
    assert_int_equal(scene_assert_whole(scene), -1);
}

static void remove_frame(const struct scene *scene, const char *folder, const char *name)
{
    char path[ST_PATH_MAX];
    ST_OK(st_path_format(path, err, "%s/dataset/tiny/%s/%s", scene->project.root, folder, name));
    assert_int_equal(unlink(path), 0);
}

static void write_vectors(const struct scene *scene, int frames, size_t vector, float value)
{
    struct st_npy_writer writer;
    float *row = malloc(vector * sizeof *row);
    assert_non_null(row);
    for (size_t i = 0; i < vector; i++)
        row[i] = value;
    ST_OK(st_npy_writer_open(&writer, scene->project.features, true, 1, &vector, err));
    for (int i = 0; i < frames; i++)
        ST_OK(st_npy_writer_rows(&writer, row, 1, err));
    ST_OK(st_npy_writer_commit(&writer, true, err));
    free(row);
}

static void holes(void **state)
{
    (void)state;
    struct scene scene;
    scene_create(&scene);
    remove_frame(&scene, "full_body_img", "3.jpg");
    refused(&scene, SYNCTALK_E_FORMAT, "3.jpg is missing", "full_body_img");
    scene_remove(&scene);
    scene_create(&scene);
    remove_frame(&scene, "landmarks", "5.lms");
    refused(&scene, SYNCTALK_E_FORMAT, "5.lms is missing", "landmarks");
    scene_remove(&scene);
}

static void pictures(void **state)
{
    (void)state;
    struct scene scene;
    char path[ST_PATH_MAX];
    scene_create(&scene);
    project_add_frames(&scene.project, 80, 64, 4, 5);
    refused(&scene, SYNCTALK_E_FORMAT, "4.jpg", "80x64");
    project_add_frames(&scene.project, 64, 64, 4, 5);

    /* Damaged behind its head: met only when its crop is cut. */
    ST_OK(st_path_format(path, err, "%s/dataset/tiny/full_body_img/2.jpg", scene.project.root));
    assert_int_equal(truncate(path, 700), 0);
    refused(&scene, SYNCTALK_E_FORMAT, "2.jpg", "");
    scene_remove(&scene);
}

static void one_frame(void **state)
{
    (void)state;
    struct scene scene;
    char name[32];
    scene_create(&scene);
    for (int i = 1; i < PROJECT_SOURCES; i++) {
        snprintf(name, sizeof name, "%d.jpg", i);
        remove_frame(&scene, "full_body_img", name);
        snprintf(name, sizeof name, "%d.lms", i);
        remove_frame(&scene, "landmarks", name);
    }
    write_vectors(&scene, 1, 512, 0);
    refused(&scene, SYNCTALK_E_FORMAT, "1 frame to train on", "at least 2");
    scene_remove(&scene);
}

static void features(void **state)
{
    (void)state;
    struct scene scene;
    scene_create(&scene);
    write_vectors(&scene, 100, 512, 0);
    refused(&scene, SYNCTALK_E_FORMAT, "100 vectors for 7 frames", "93 apart");
    write_vectors(&scene, 2, 512, 0);
    refused(&scene, SYNCTALK_E_FORMAT, "2 vectors for 7 frames", "");
    write_vectors(&scene, 7, 100, 0);
    refused(&scene, SYNCTALK_E_FORMAT, "vectors of 100 numbers, 512 are needed", "encoder");
    write_vectors(&scene, 7, 512, NAN);
    refused(&scene, SYNCTALK_E_FORMAT, "number 0 of vector 0 is not finite", "features.npy");
    st_write_file(scene.project.features, "nonsense", 8);
    refused(&scene, SYNCTALK_E_FORMAT, "features.npy", "");
    assert_int_equal(unlink(scene.project.features), 0);
    refused(&scene, SYNCTALK_E_MISSING, "features.npy", "");
    scene.settings.features = NULL;
    refused(&scene, SYNCTALK_E_MISSING, "no audio features", "aud_ave.npy");
    scene_remove(&scene);
}

/* Guards parameters that are poisoned before anyone looks: sound so loud that sums
 * overflow. */
static void numbers_that_overflow(void **state)
{
    (void)state;
    struct scene scene;
    scene_create(&scene);
    write_vectors(&scene, 7, 512, 3e38f);
    const struct outcome o = scene_train(&scene, NULL);
    assert_int_equal(o.status, SYNCTALK_E_DIVERGED);
    if (!strstr(o.message, "epoch 1, step 1: not a finite number in the "))
        fail_msg("%s", o.message);
    assert_int_equal(scene_assert_whole(&scene), 0);
    scene_remove(&scene);
}

static void settings(void **state)
{
    (void)state;
    struct scene scene;
    scene_create(&scene);
    const synctalk_train_settings good = scene.settings;
#define TRY(field, value, status, first, second) \
    do {                                         \
        scene.settings = good;                   \
        scene.settings.field = (value);          \
        refused(&scene, status, first, second);  \
    } while (0)
    TRY(model, NULL, SYNCTALK_E_ARG, "--model", "");
    TRY(model, "../x", SYNCTALK_E_ARG, "--model ../x", "");
    TRY(model, "nobody", SYNCTALK_E_MISSING, "dataset/nobody", "--root");
    TRY(root, NULL, SYNCTALK_E_ARG, "root", "");
    TRY(batch, 0, SYNCTALK_E_ARG, "batch is 0", "1 to 256");
    TRY(batch, 257, SYNCTALK_E_ARG, "batch is 257", "");
    TRY(lr, NAN, SYNCTALK_E_ARG, "lr is nan", "");
    TRY(lr, -1.0, SYNCTALK_E_ARG, "lr is -1", "");
    TRY(holdout, 0.51, SYNCTALK_E_ARG, "holdout is 0.51", "0 to 0.5");
    TRY(width, 2, SYNCTALK_E_ARG, "width is 2", "");
    TRY(epochs, 0, SYNCTALK_E_ARG, "epochs is 0", "");
    TRY(resume, 1, SYNCTALK_E_MISSING, "train-state.safetensors", "nothing to go on with");
    TRY(warm_start, "/nowhere.pth", SYNCTALK_E_MISSING, "/nowhere.pth", "");
    TRY(vgg, "/nowhere.pth", SYNCTALK_E_MISSING, "/nowhere.pth", "");
    TRY(syncnet, "/nowhere.pth", SYNCTALK_E_MISSING, "/nowhere.pth", "");
    TRY(encoder, SYNCTALK_ENCODER_WENET, SYNCTALK_E_FORMAT, "8192 are needed", "");
#undef TRY
    scene.settings = good;
    scene.settings.batch = 3;
    scene.settings.mouth_temporal = 1;
    refused(&scene, SYNCTALK_E_ARG, "--batch 3", "even");
    scene.settings = good;
    scene.settings.resume = scene.settings.restart = 1;
    refused(&scene, SYNCTALK_E_ARG, "--resume", "--restart");
    scene_remove(&scene);
}

static void other(const struct scene *scene, const char *first, const char *second)
{
    const struct outcome o = scene_train(scene, NULL);
    if (o.status != SYNCTALK_E_ARG || !strstr(o.message, first) || !strstr(o.message, second))
        fail_msg("%d, \"%s\"; wanted \"%s\" and \"%s\"", o.status, o.message, first, second);
}

/* Make the state one of another version. */
static void set_version(const struct scene *scene, char from, char to)
{
    static const char key[] = "\\\"version\\\":"; /* JSON in JSON */
    struct st_mapping map;
    char *copy;
    size_t at = 0;
    ST_OK(st_map_file(&map, scene->state, err));
    copy = malloc(map.size);
    assert_non_null(copy);
    memcpy(copy, map.data, map.size);
    while (at + sizeof key < map.size && memcmp(copy + at, key, sizeof key - 1) != 0)
        at++;
    assert_int_equal(copy[at + sizeof key - 1], from);
    copy[at + sizeof key - 1] = to;
    st_write_file(scene->state, copy, map.size);
    free(copy);
    st_unmap_file(&map);
}

static void states(void **state)
{
    (void)state;
    struct scene scene;
    struct outcome o;
    scene_create(&scene);
    scene.settings.samples_per_epoch = 2;
    o = scene_train(&scene, &(struct conditions){.stop_after = 2});
    assert_int_equal(o.status, SYNCTALK_E_CANCELLED);
    const synctalk_train_settings good = scene.settings;
    scene.settings.batch = 4;
    other(&scene, "has batch 2, and now it is 4", "--restart");
    scene.settings = good;
    scene.settings.lr = 0.5;
    other(&scene, "has lr 0.001, and now it is 0.5", "");
    scene.settings = good;
    scene.settings.width = SYNCTALK_WIDTH_FULL;
    other(&scene, "has width narrow, and now it is full", "");
    scene.settings = good;
    write_vectors(&scene, 7, 512, 0.5f);
    other(&scene, "have changed since", "--restart");
    project_write_features(&scene.project, 7);

    /* Guards a term that goes without a word: what is 0 is not among the settings. */
    scene.settings.average = 0;
    other(&scene, "has average 0.999, and now it is none", "--restart");
    scene.settings = good;
    scene.settings.lips_weight = 3;
    other(&scene, "has lips-weight none, and now it is 3", "--restart");
    scene.settings = good;

    /* Guards a run that goes on with other samples than it would have drawn. */
    set_version(&scene, '2', '1');
    o = scene_train(&scene, NULL);
    assert_int_equal(o.status, SYNCTALK_E_FORMAT);
    assert_non_null(strstr(o.message, "drew samples in another order"));
    set_version(&scene, '1', '2');

    /* Another process trains here. */
    char path[ST_PATH_MAX];
    ST_OK(st_path_join(path, scene.folder, "train.jsonl", err));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_SH), 0);
    o = scene_train(&scene, NULL);
    assert_int_equal(o.status, SYNCTALK_E_EXISTS);
    assert_non_null(strstr(o.message, "another process is training"));
    close(fd);

    /* Cut short, it is refused by name, and --restart gets past it. */
    assert_int_equal(truncate(scene.state, 5000000), 0);
    o = scene_train(&scene, NULL);
    assert_int_equal(o.status, SYNCTALK_E_FORMAT);
    assert_non_null(strstr(o.message, "train-state.safetensors"));
    scene.settings.restart = 1;
    scene.settings.epochs = 1;
    o = scene_train(&scene, NULL);
    assert_int_equal(o.status, SYNCTALK_OK);
    scene_remove(&scene);
}

/* A batch of the full width takes more than four gigabytes. */
static void no_memory(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__)
    skip(); /* the sanitizer ends the process instead */
#endif
    struct scene scene;
    const long long most[] = {1500000000, 3000000000};
    scene_create(&scene);
    scene.settings.width = SYNCTALK_WIDTH_FULL;
    scene.settings.batch = 8;
    scene.settings.samples_per_epoch = 8;
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        const struct outcome o = scene_train(&scene, &(struct conditions){.memory_bytes = most[i]});
        if (o.status != SYNCTALK_E_MEMORY || !strstr(o.message, "no memory for"))
            fail_msg("%lld bytes: %d: %s", most[i], o.status, o.message);
    }
    scene_remove(&scene);
}

static void copy_frame(const struct scene *scene, int frame, const char *to)
{
    char path[ST_PATH_MAX];
    struct st_mapping map;
    ST_OK(st_path_format(path, err, "%s/dataset/tiny/full_body_img/%d.jpg", scene->project.root,
                         frame));
    ST_OK(st_map_file(&map, path, err));
    assert_int_equal(unlink(to), 0);
    st_write_file(to, map.data, map.size);
    st_unmap_file(&map);
}

/* The landmarks of a frame with those of the lips moved up. */
static void raise_lips(const struct scene *scene, int frame, int up)
{
    char path[ST_PATH_MAX];
    struct st_landmarks landmarks;
    ST_OK(
        st_path_format(path, err, "%s/dataset/tiny/landmarks/%d.lms", scene->project.root, frame));
    ST_OK(st_landmarks_read(&landmarks, path, err));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int k = 0; k < landmarks.count; k++)
        fprintf(file, "%d %d\n", (int)landmarks.points[k].x,
                (int)landmarks.points[k].y - (k >= 90 ? up : 0));
    assert_int_equal(fclose(file), 0);
}

/* Guards a training that does not go on in a copy of its project, whose files are of another time;
 * and one that goes on with its lips' points moved, which no crop shows. */
static void what_counts_is_what_files_hold(void **state)
{
    (void)state;
    struct scene scene;
    char path[ST_PATH_MAX];
    const struct timespec times[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
    scene_create(&scene);
    scene.settings.samples_per_epoch = 2;
    scene.settings.epochs = 1;
    scene.settings.lips_weight = 1;
    assert_int_equal(scene_train(&scene, &(struct conditions){.stop_after = 1}).status,
                     SYNCTALK_E_CANCELLED);
    raise_lips(&scene, 2, 12);
    other(&scene, "frames, landmarks or features have changed", "--restart");
    raise_lips(&scene, 2, -12);
    ST_OK(st_path_format(path, err, "%s/dataset/tiny/full_body_img/2.jpg", scene.project.root));
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    const struct outcome o = scene_train(&scene, NULL);
    if (o.status)
        fail_msg("%s", o.message);
    scene_remove(&scene);
}

/* A crop is cut as the published training cuts it, once; what changed is cut again. */
static void crops_are_cut_once(void **state)
{
    (void)state;
    struct scene scene;
    struct st_dataset dataset;
    struct st_crops crops;
    struct st_pool *pool;
    struct st_jpeg_decoder *decoder;
    struct st_picture frame = {0};
    uint8_t crop[328 * 328 * 3];
    char path[ST_PATH_MAX];
    struct stat first;
    struct stat second;

    scene_create(&scene);
    ST_OK(st_path_format(path, err, "%s/dataset/tiny", scene.project.root));
    ST_OK(st_dataset_open(&dataset, path, NULL, err));
    ST_OK(st_pool_create(&pool, 2, err));
    ST_OK(st_jpeg_decoder_create(&decoder, err));
    ST_OK(st_crops_open(&crops, &dataset, pool, NULL, err));
    assert_int_equal(crops.frames, PROJECT_SOURCES);
    for (int64_t i = 0; i < dataset.frames; i++) {
        const struct st_crop_box *box = &dataset.boxes[i];
        ST_OK(st_dataset_read(&dataset, i, decoder, &frame, err));
        assert_true(box->y + box->side <= frame.height);
        st_resize_linear(crop, 328, 328, 328 * 3,
                         frame.data + (size_t)box->y * frame.stride + (size_t)box->x * 3, box->side,
                         box->side, frame.stride);
        for (size_t y = 0; y < 320; y++)
            assert_memory_equal(st_crops_at(&crops, i) + y * 960, crop + (y + 4) * 984 + 12, 960);
    }
    const uint64_t key = crops.key;
    st_crops_close(&crops);

    ST_OK(st_path_format(path, err, "%s/dataset/tiny/.synctalk-crops", scene.project.root));
    assert_int_equal(stat(path, &first), 0);
    ST_OK(st_crops_open(&crops, &dataset, pool, NULL, err));
    assert_int_equal(stat(path, &second), 0);
    assert_int_equal(first.st_ino, second.st_ino);
    assert_true(crops.key == key);
    st_crops_close(&crops);

    /* A file that was cut short, and a frame that changed. */
    assert_int_equal(truncate(path, 100000), 0);
    ST_OK(st_crops_open(&crops, &dataset, pool, NULL, err));
    st_crops_close(&crops);
    project_add_frames(&scene.project, 64, 64, 0, 1);
    ST_OK(st_crops_open(&crops, &dataset, pool, NULL, err));
    assert_true(crops.key == key); /* drawn anew, but the same */
    st_crops_close(&crops);
    ST_OK(st_path_format(path, err, "%s/dataset/tiny/full_body_img/0.jpg", scene.project.root));
    copy_frame(&scene, 1, path);
    ST_OK(st_crops_open(&crops, &dataset, pool, NULL, err));
    assert_true(crops.key != key);
    st_crops_close(&crops);

    st_picture_free(&frame);
    st_jpeg_decoder_destroy(&decoder);
    st_pool_destroy(&pool);
    st_dataset_close(&dataset);
    scene_remove(&scene);
}

/* Training pads with zeros where generation repeats; measuring does as generation. */
static void windows_are_padded(void **state)
{
    (void)state;
    struct scene scene;
    struct st_windows windows;
    float window[8 * 512];
    scene_create(&scene);
    write_vectors(&scene, 5, 512, 1);
    ST_OK(st_windows_open(&windows, scene.project.features, 512, 8, err));
    for (int64_t frame = 0; frame < 5; frame++) {
        st_windows_copy(&windows, frame, true, window);
        for (int64_t i = 0; i < (int64_t)8 * 512; i++)
            assert_true(window[i] == 1.0f);
        st_windows_copy(&windows, frame, false, window);
        for (int64_t k = 0; k < 8; k++)
            for (int64_t i = 0; i < 512; i++)
                assert_true(window[k * 512 + i] ==
                            (frame - 4 + k >= 0 && frame - 4 + k < 5 ? 1.0f : 0.0f));
    }
    st_windows_close(&windows);
    scene_remove(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holes),
        cmocka_unit_test(pictures),
        cmocka_unit_test(one_frame),
        cmocka_unit_test(features),
        cmocka_unit_test(numbers_that_overflow),
        cmocka_unit_test(settings),
        cmocka_unit_test(states),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(what_counts_is_what_files_hold),
        cmocka_unit_test(crops_are_cut_once),
        cmocka_unit_test(windows_are_padded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
