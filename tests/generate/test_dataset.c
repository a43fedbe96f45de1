/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets with every fault that users have met, and the finding of checkpoints. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "face/dataset.h"
#include "generate/model_files.h"

#define FRAMES 5

struct fixture {
    char *root;
    char folder[ST_PATH_MAX]; /* of the dataset */
};

static void write_landmarks(const char *path, int left, int right, int top)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 110; i++)
        fprintf(f, "%d %d\n", i == 1 ? left : i == 31 ? right : 50, i == 52 ? top : 60);
    assert_int_equal(fclose(f), 0);
}

static void write_frame(const char *path, int width, int height)
{
    struct st_picture picture = {0};
    ST_OK(st_picture_resize(&picture, width, height, err));
    memset(picture.data, 90, picture.stride * (size_t)height);
    ST_OK(st_jpeg_write(&picture, path, 95, 1, err));
    st_picture_free(&picture);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char path[ST_PATH_MAX];
    f->root = st_scratch_create();
    ST_OK(st_path_format(f->folder, err, "%s/ds", f->root));
    mkdir(f->folder, 0700);
    ST_OK(st_path_join(path, f->folder, "full_body_img", err));
    mkdir(path, 0700);
    ST_OK(st_path_join(path, f->folder, "landmarks", err));
    mkdir(path, 0700);
    for (int i = 0; i < FRAMES; i++) {
        ST_OK(st_path_format(path, err, "%s/full_body_img/%d.jpg", f->folder, i));
        write_frame(path, 96, 80);
        ST_OK(st_path_format(path, err, "%s/landmarks/%d.lms", f->folder, i));
        write_landmarks(path, 20, 70 + i, 10);
    }
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    st_scratch_remove(f->root);
    free(f);
    return 0;
}

/* The sentence must hold `words`. */
static void expect_refusal(struct fixture *f, synctalk_status status, const char *words)
{
    struct st_dataset dataset;
    synctalk_error e = {0};
    synctalk_status st = st_dataset_open(&dataset, f->folder, NULL, &e);
    if (st != status || !strstr(e.message, words))
        fail_msg("wanted %d with \"%s\", got %d: %s", status, words, st, e.message);
}

static void change(struct fixture *f, const char *name, void (*how)(const char *path))
{
    char path[ST_PATH_MAX];
    ST_OK(st_path_join(path, f->folder, name, err));
    how(path);
}

static void gone(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

static void emptied(const char *path)
{
    assert_int_equal(truncate(path, 0), 0);
}

static void cut(const char *path)
{
    assert_int_equal(truncate(path, 40), 0);
}

static void of_another_size(const char *path)
{
    write_frame(path, 98, 80);
}

static void with_its_face_outside(const char *path)
{
    write_landmarks(path, 2000, 2100, 10);
}

static void with_its_cheeks_swapped(const char *path)
{
    write_landmarks(path, 70, 20, 10);
}

static void a_whole_dataset_opens(void **state)
{
    struct fixture *f = *state;
    struct st_dataset dataset;
    struct st_jpeg_decoder *decoder;
    struct st_picture picture = {0};
    struct st_landmarks landmarks;
    bool found;

    ST_OK(st_dataset_open(&dataset, f->folder, NULL, err));
    assert_int_equal(dataset.frames, FRAMES);
    assert_int_equal(dataset.width, 96);
    assert_int_equal(dataset.height, 80);
    assert_int_equal(dataset.smallest_side, 50);
    assert_int_equal(dataset.largest_side, 54);
    assert_false(dataset.has_parsing);
    ST_OK(st_jpeg_decoder_create(&decoder, err));
    ST_OK(st_dataset_read(&dataset, 4, decoder, &picture, err));
    ST_OK(st_dataset_landmarks(&dataset, 4, &landmarks, err));
    assert_int_equal((int)landmarks.points[31].x, 74);
    ST_OK(st_dataset_parsing(&dataset, 4, &picture, &found, err));
    assert_false(found);
    st_picture_free(&picture);
    st_jpeg_decoder_destroy(&decoder);
    st_dataset_close(&dataset);
}

static void faults_are_named(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *name;
        void (*how)(const char *path);
        synctalk_status status;
        const char *words;
    } faults[] = {
        {"landmarks/2.lms", gone, SYNCTALK_E_FORMAT, "2.lms is missing"},
        {"landmarks/4.lms", gone, SYNCTALK_E_FORMAT, "4.lms is missing"},
        {"full_body_img/1.jpg", gone, SYNCTALK_E_FORMAT, "1.jpg is missing"},
        {"full_body_img/3.jpg", emptied, SYNCTALK_E_FORMAT, "3.jpg"},
        {"full_body_img/3.jpg", cut, SYNCTALK_E_FORMAT, "3.jpg"},
        {"full_body_img/3.jpg", of_another_size, SYNCTALK_E_FORMAT, "98x80"},
        {"landmarks/0.lms", emptied, SYNCTALK_E_FORMAT, "0.lms"},
        {"landmarks/0.lms", cut, SYNCTALK_E_FORMAT, "0.lms"},
        {"landmarks/0.lms", with_its_face_outside, SYNCTALK_E_FORMAT, "outside"},
        {"landmarks/0.lms", with_its_cheeks_swapped, SYNCTALK_E_FORMAT, "0.lms"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        void *fresh;
        setup(&fresh);
        change(fresh, faults[i].name, faults[i].how);
        expect_refusal(fresh, faults[i].status, faults[i].words);
        teardown(&fresh);
    }
    ST_OK(st_path_format(f->folder, err, "%s/absent", f->root));
    expect_refusal(f, SYNCTALK_E_MISSING, "absent");
}

static void holes_are_counted(void **state)
{
    struct fixture *f = *state;
    change(f, "landmarks/1.lms", gone);
    change(f, "landmarks/3.lms", gone);
    expect_refusal(f, SYNCTALK_E_FORMAT, "1.lms is missing, the first of 2 of 5 frames");
}

static void checkpoints_are_found_by_number(void **state)
{
    struct fixture *f = *state;
    char path[ST_PATH_MAX];
    synctalk_error e;
    synctalk_settings s = {.root = f->root, .model = "anna", .checkpoint = -1};

    ST_OK(st_path_join(path, f->root, "checkpoint", err));
    mkdir(path, 0700);
    assert_int_equal(st_find_checkpoint(path, &s, &e), SYNCTALK_E_MISSING);
    ST_OK(st_path_join(path, f->root, "checkpoint/anna", err));
    mkdir(path, 0700);
    assert_int_equal(st_find_checkpoint(path, &s, &e), SYNCTALK_E_MISSING);
    const char *names[] = {"9.pth", "10.pth", "10.safetensors", "best.pth", "11.txt", "12x.pth"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ST_OK(st_path_format(path, err, "%s/checkpoint/anna/%s", f->root, names[i]));
        st_write_file(path, "x", 1);
    }
    ST_OK(st_find_checkpoint(path, &s, err));
    assert_string_equal(st_path_base(path), "10.safetensors");
    s.checkpoint = 9;
    ST_OK(st_find_checkpoint(path, &s, err));
    assert_string_equal(st_path_base(path), "9.pth");
    s.checkpoint = 7;
    assert_int_equal(st_find_checkpoint(path, &s, &e), SYNCTALK_E_MISSING);
    assert_non_null(strstr(e.message, "no checkpoint 7; there are: 10.pth, 10.safetensors, 9.pth"));
    s.model = "ben";
    assert_int_equal(st_find_checkpoint(path, &s, &e), SYNCTALK_E_MISSING);
    assert_non_null(strstr(e.message, "there are: anna"));
    const char *bad[] = {"", "..", ".", "a/b", "/etc", NULL};
    for (size_t i = 0; bad[i]; i++) {
        s.model = bad[i];
        assert_int_equal(st_find_checkpoint(path, &s, &e), SYNCTALK_E_ARG);
    }
}

static void shared_networks_are_looked_for_in_order(void **state)
{
    struct fixture *f = *state;
    char path[ST_PATH_MAX];
    char more[3 * ST_PATH_MAX];
    synctalk_error e;
    const char *const files[] = {"a.bin", "sub/b.bin", NULL};
    const char *folders[] = {"first", "model", "third", "third/sub"};

    for (size_t i = 0; i < 4; i++) {
        ST_OK(st_path_join(path, f->root, folders[i], err));
        mkdir(path, 0700);
    }
    char first[ST_PATH_MAX];
    ST_OK(st_path_join(first, f->root, "first", err));
    snprintf(more, sizeof more, "%s/absent:%s/third", f->root, f->root);
    synctalk_settings s = {.root = f->root, .models = first, .more_models = more};

    assert_int_equal(st_find_shared(path, &s, files, "to test", &e), SYNCTALK_E_MISSING);
    assert_non_null(strstr(e.message, "a.bin"));
    assert_non_null(strstr(e.message, "absent"));
    const char *found[] = {"third/sub/b.bin", "model/a.bin", "first/a.bin"};
    for (size_t i = 0; i < 3; i++) {
        char want[ST_PATH_MAX];
        ST_OK(st_path_join(want, f->root, found[i], err));
        st_write_file(want, "x", 1);
        ST_OK(st_find_shared(path, &s, files, "to test", err));
        assert_string_equal(path, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_whole_dataset_opens, setup, teardown),
        cmocka_unit_test_setup_teardown(faults_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(holes_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(checkpoints_are_found_by_number, setup, teardown),
        cmocka_unit_test_setup_teardown(shared_networks_are_looked_for_in_order, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
