/* SPDX-License-Identifier: Apache-2.0 */
/* The face detector against the reference's results on real pictures, and on what is no
 * face detector. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "face/detector.h"
#include "face/landmarker.h"
#include "onnx/onnx_support.h"
#include "support/support.h"
#include "weights/onnx_writer.h"

#define NETWORK "models/scrfd_2.5g_kps.onnx"

/* The linker sends our own code's allocations here (--wrap); the libraries' stay their own. */
static long fail_after; /* 1: the next one fails; 0: none */
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);

static bool refused(void)
{
    return fail_after > 0 && --fail_after == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refused() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return refused() ? NULL : __real_strdup(text);
}

static void read_picture(struct st_picture *picture, const char *path)
{
    struct st_jpeg_decoder *decoder = NULL;
    if (strstr(path, ".png")) {
        ST_OK(st_png_read(picture, path, err));
        return;
    }
    ST_OK(st_jpeg_decoder_create(&decoder, err));
    ST_OK(st_jpeg_read(decoder, picture, path, err));
    st_jpeg_decoder_destroy(&decoder);
}

/* "short_demo_040" is reference/image/img_short_demo_040.png; one entry names its file. */
static const char *picture_path(const char *key)
{
    char name[256];
    const char *given = strchr(key, '(');
    if (given)
        snprintf(name, sizeof name, "%.*s", (int)strcspn(given + 1, ")"), given + 1);
    else
        snprintf(name, sizeof name, "reference/image/img_%s.png", key);
    return st_shared(name);
}

static double number(const json_t *list, size_t i)
{
    return json_number_value(json_array_get(list, i));
}

/* Largest difference in pixels between a face and the reference's i-th of a picture. */
static double difference(const struct st_face *face, const json_t *entry, size_t i)
{
    const json_t *box = json_array_get(json_object_get(entry, "boxes_xywh"), i);
    const json_t *points = json_array_get(json_object_get(entry, "kps"), i);
    const double left = number(box, 0);
    const double top = number(box, 1);
    double most = fmax(fabs(left - (double)face->left), fabs(top - (double)face->top));
    most = fmax(most, fabs(left + number(box, 2) - (double)face->right));
    most = fmax(most, fabs(top + number(box, 3) - (double)face->bottom));
    for (size_t k = 0; k < 5; k++) {
        const json_t *point = json_array_get(points, k);
        most = fmax(most, fabs(number(point, 0) - (double)face->keypoints[k].x));
        most = fmax(most, fabs(number(point, 1) - (double)face->keypoints[k].y));
    }
    return most;
}

static void equals_the_reference(void **state)
{
    (void)state;
    ST_NEED_ONNX_RUNTIME();
    ST_NEED_SHARED(network, NETWORK);
    ST_NEED_SHARED(path, "reference/image/scrfd.json");
    struct st_detector *detector = NULL;
    struct st_picture picture = {0};
    struct st_face faces[ST_FACES_MAX];
    const char *key;
    json_t *entry;
    int pictures = 0;

    json_t *all = json_load_file(path, 0, NULL);
    assert_non_null(all);
    ST_OK(st_detector_open(&detector, network, NULL, 2, err));
    json_object_foreach(all, key, entry)
    {
        const char *file = picture_path(key);
        assert_non_null(file);
        read_picture(&picture, file);
        int count = -1;
        ST_OK(st_detector_run(detector, &picture, faces, &count, err));

        const json_t *scores = json_object_get(entry, "scores");
        assert_int_equal(count, json_array_size(scores));
        for (int i = 0; i < count; i++) {
            const double pixels = difference(&faces[i], entry, (size_t)i);
            const double score = fabs(number(scores, (size_t)i) - (double)faces[i].score);
            print_message("%s: face %d: score %.4f, off by %.4f px, %.6f in score\n", key, i,
                          (double)faces[i].score, pixels, score);
            assert_true(pixels <= 0.5);
            assert_true(score <= 0.0005);
        }
        pictures++;
    }
    assert_int_equal(pictures, 5);
    json_decref(all);
    st_picture_free(&picture);
    st_detector_close(&detector);
    assert_null(detector);
}

/* Six people sit around a table; a picture of no one; a picture of one colour. */
static void counts_faces(void **state)
{
    (void)state;
    ST_NEED_ONNX_RUNTIME();
    ST_NEED_SHARED(network, NETWORK);
    ST_NEED_SHARED(group, "media/image/group.jpg");
    ST_NEED_SHARED(empty, "media/image/no_face.png");
    const struct {
        const char *path;
        int faces;
    } cases[] = {{group, 6}, {empty, 0}, {group, 6}};
    struct st_detector *detector = NULL;
    struct st_picture picture = {0};
    struct st_face faces[ST_FACES_MAX];

    ST_OK(st_detector_open(&detector, network, NULL, 1, err));
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        int count;
        int accepted = 0;
        read_picture(&picture, cases[k].path);
        ST_OK(st_detector_run(detector, &picture, faces, &count, err));
        for (int i = 0; i < count; i++) {
            accepted += faces[i].score >= 0.5f;
            assert_true(i == 0 || faces[i].score <= faces[i - 1].score);
            assert_true(faces[i].score >= 0.1f);
        }
        print_message("%s: %d of %d candidates accepted, best score %.3f\n", cases[k].path,
                      accepted, count, count ? (double)faces[0].score : 0.0);
        assert_int_equal(accepted, cases[k].faces);
    }
    st_picture_free(&picture);
    st_detector_close(&detector);
}

/* Sizes whose letterbox has a side of one pixel, or is the whole canvas. */
static void odd_sizes(void **state)
{
    (void)state;
    ST_NEED_ONNX_RUNTIME();
    ST_NEED_SHARED(network, NETWORK);
    static const int sizes[][2] = {{1, 1}, {1, 2000}, {2000, 1}, {639, 640}, {640, 639}, {641, 3}};
    struct st_detector *detector = NULL;
    struct st_picture picture = {0};
    struct st_face faces[ST_FACES_MAX];
    int count;

    ST_OK(st_detector_open(&detector, network, NULL, 1, err));
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        ST_OK(st_picture_resize(&picture, sizes[k][0], sizes[k][1], err));
        memset(picture.data, 128, picture.stride * (size_t)picture.height);
        ST_OK(st_detector_run(detector, &picture, faces, &count, err));
        assert_true(count == 0 || faces[0].score < 0.5f);
    }
    st_picture_free(&picture);
    st_detector_close(&detector);
}

/* y = relu(x) of [N, 3, 640, 640]: the right input, one wrong output. */
static void write_other_network(const char *path, size_t side)
{
    const size_t dims[3] = {3, side, side};
    const struct st_onnx_attribute none[] = {{.name = NULL}};
    struct st_onnx *onnx = NULL;
    ST_OK(st_onnx_create(&onnx, "other", err));
    st_onnx_input(onnx, "x", 3, dims);
    st_onnx_node(onnx, "Relu", "y", (const char *const[]){"x", NULL}, none);
    st_onnx_output(onnx, "y", 3, dims);
    ST_OK(st_onnx_write(onnx, path, true, err));
    st_onnx_destroy(&onnx);
}

static void another_network_is_refused(void **state)
{
    (void)state;
    ST_NEED_ONNX_RUNTIME();
    char *folder = st_scratch_create();
    char path[ST_PATH_MAX];
    synctalk_error why = {0};
    struct st_detector *detector = NULL;

    ST_OK(st_path_join(path, folder, "other.onnx", err));
    write_other_network(path, 640);
    assert_int_equal(st_detector_open(&detector, path, NULL, 1, &why), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "other.onnx: not a face detector that is known: it has 1 "
                                        "outputs; SCRFD with key points has 9"));
    write_other_network(path, 320);
    assert_int_equal(st_detector_open(&detector, path, NULL, 1, &why), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "SCRFD takes one picture, f32 [1, 3, 640, 640]"));
    assert_null(detector);
    assert_int_equal(st_detector_open(&detector, "/nowhere/x.onnx", NULL, 1, &why),
                     SYNCTALK_E_MISSING);
    st_scratch_remove(folder);
}

/* Find a face and its points; all of it is ended, whatever happens. */
static synctalk_status look(const char *network, const char *landmarks,
                            const struct st_picture *picture, synctalk_error *err)
{
    const struct st_landmarker_settings settings = {.path = landmarks, .threads = 1};
    struct st_detector *detector = NULL;
    struct st_landmarker *landmarker = NULL;
    struct st_face faces[ST_FACES_MAX];
    struct st_landmarks points;
    int count = 0;
    synctalk_status st = st_detector_open(&detector, network, NULL, 1, err);
    assert_true((st == SYNCTALK_OK) == (detector != NULL));
    if (!st)
        st = st_landmarker_open(&landmarker, &settings, err);
    if (!st)
        st = st_detector_run(detector, picture, faces, &count, err);
    if (!st) {
        assert_int_equal(count, 1);
        faces[0].left -= 100; /* so that the crop leaves the picture, and is copied */
        st = st_landmarker_run(landmarker, picture, &faces[0], &points, err);
    }
    st_landmarker_close(&landmarker);
    st_detector_close(&detector);
    return st;
}

static void memory_that_runs_out(void **state)
{
    (void)state;
    ST_NEED_ONNX_RUNTIME();
    ST_NEED_SHARED(network, NETWORK);
    ST_NEED_SHARED(landmarks, "models/landmarks_98.onnx");
    ST_NEED_SHARED(path, "reference/image/img_short_demo_040.png");
    struct st_picture picture = {0};
    synctalk_status st = SYNCTALK_E_MEMORY;
    long n = 0;

    read_picture(&picture, path);
    while (st) {
        synctalk_error why = {0};
        fail_after = ++n;
        st = look(network, landmarks, &picture, &why);
        assert_true(st == SYNCTALK_OK || st == SYNCTALK_E_MEMORY);
        assert_true(st == SYNCTALK_OK || strstr(why.message, "no memory for "));
        assert_true(n < 200);
    }
    fail_after = 0;
    print_message("%ld allocations failed in turn\n", n - 1);
    assert_true(n > 10);
    st_picture_free(&picture);
}

static void no_library_is_a_sentence(void **state)
{
    (void)state;
    char *folder = st_scratch_create();
    char path[ST_PATH_MAX];
    synctalk_error why = {0};
    struct st_detector *detector = NULL;

    ST_OK(st_path_join(path, folder, "other.onnx", err));
    write_other_network(path, 8);
    assert_int_equal(st_detector_open(&detector, path, "/nowhere/lib.so", 1, &why),
                     SYNCTALK_E_UNSUPPORTED);
    assert_non_null(strstr(why.message, "ONNX Runtime, needed to find faces, is not there"));
    assert_non_null(strstr(why.message, "make setup-onnx"));
    assert_null(detector);
    st_scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_reference),
        cmocka_unit_test(counts_faces),
        cmocka_unit_test(odd_sizes),
        cmocka_unit_test(another_network_is_refused),
        cmocka_unit_test(memory_that_runs_out),
        cmocka_unit_test(no_library_is_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
