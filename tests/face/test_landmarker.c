/* SPDX-License-Identifier: Apache-2.0 */
/* Landmarks of real frames against the published ones, the conventions of each kind of network
 * on networks whose answer is known, and what is no landmark network.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "face/detector.h"
#include "face/landmarker.h"
#include "kernels/kernels.h"
#include "onnx/onnx_support.h"
#include "support/support.h"
#include "weights/onnx_writer.h"

#define FRAMES 523
#define STEP 25 /* 21 of them */

struct fixture {
    char *folder;
    char path[ST_PATH_MAX];
    struct st_kernels kernels;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->folder = st_scratch_create();
    st_kernels_init(&f->kernels, ~0U);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    st_scratch_remove(f->folder);
    free(f);
    return 0;
}

static const char *scratch(struct fixture *f, const char *name)
{
    ST_OK(st_path_join(f->path, f->folder, name, err));
    return f->path;
}

static synctalk_status open_landmarker(struct st_landmarker **landmarker, struct fixture *f,
                                       const char *path, synctalk_error *err)
{
    const struct st_landmarker_settings settings = {
        .path = path, .kernels = &f->kernels, .threads = 1};
    return st_landmarker_open(landmarker, &settings, err);
}

/* An eye's ring begins at its left corner, has the right one opposite, and its upper lid comes
 * first; the lips likewise. */
static void check_layout(const struct st_landmarks *landmarks)
{
    const struct st_landmark_layout *layout = st_landmark_layout(landmarks->count);
    const struct st_point *p = landmarks->points;
    assert_non_null(layout);
    for (int eye = 0; eye < 2; eye++) {
        const int *ring = layout->eyes[eye];
        for (int i = 1; i < 8; i++)
            assert_true(p[ring[i]].x > p[ring[0]].x && (i == 4 || p[ring[i]].x < p[ring[4]].x));
        for (int i = 1; i < 4; i++)
            assert_true(p[ring[i]].y < p[ring[8 - i]].y);
    }
    assert_true(p[layout->eyes[0][4]].x < p[layout->eyes[1][0]].x);
    assert_true(p[layout->lips_outer[0]].x < p[layout->lips_outer[6]].x);
    assert_true(p[layout->lips_outer[3]].y < p[layout->lips_outer[9]].y);
    assert_true(p[layout->eyes[0][6]].y < p[layout->lips_outer[3]].y);
}

static void edges_of(const struct st_landmarks *landmarks, int edges[3])
{
    struct st_crop_box box = {0};
    ST_OK(st_crop_box_from_landmarks(&box, landmarks, "landmarks", err));
    edges[0] = box.x;
    edges[1] = box.x + box.side;
    edges[2] = box.y;
}

static void frame_landmarks(struct st_landmarks *want, struct st_picture *picture, int frame)
{
    char name[64];
    struct st_jpeg_decoder *decoder = NULL;
    snprintf(name, sizeof name, "dataset/sanders/full_body_img/%d.jpg", frame);
    const char *path = st_shared(name);
    assert_non_null(path);
    ST_OK(st_jpeg_decoder_create(&decoder, err));
    ST_OK(st_jpeg_read(decoder, picture, path, err));
    st_jpeg_decoder_destroy(&decoder);
    snprintf(name, sizeof name, "dataset/sanders/landmarks/%d.lms", frame);
    path = st_shared(name);
    assert_non_null(path);
    ST_OK(st_landmarks_read(want, path, err));
}

/* A network, and the sums of distances of the crop's left, right and top edges from the
 * published ones. */
struct judged {
    int points;
    struct st_landmarker *landmarker;
    double off[3];
};

static void judge(struct judged *judged, const struct st_picture *picture,
                  const struct st_face *face, const struct st_landmarks *want)
{
    struct st_landmarks got;
    int want_edges[3];
    int got_edges[3];
    ST_OK(st_landmarker_run(judged->landmarker, picture, face, &got, err));
    assert_int_equal(got.count, judged->points);
    check_layout(want);
    check_layout(&got);
    edges_of(want, want_edges);
    edges_of(&got, got_edges);
    for (int i = 0; i < 3; i++)
        judged->off[i] += abs(want_edges[i] - got_edges[i]);
}

static void crops_of_real_frames(void **state)
{
    ST_NEED_ONNX_RUNTIME();
    ST_NEED_SHARED(detector_path, "models/scrfd_2.5g_kps.onnx");
    ST_NEED_SHARED(path_106, "models/landmarks_106.onnx");
    ST_NEED_SHARED(path_98, "models/landmarks_98.onnx");
    const char *const paths[2] = {path_106, path_98};
    struct judged judged[2] = {{.points = 106}, {.points = 98}};
    struct st_detector *detector = NULL;
    struct st_picture picture = {0};
    struct st_landmarks want;
    struct st_face faces[ST_FACES_MAX];
    int frames = 0;
    int count;

    ST_OK(st_detector_open(&detector, detector_path, NULL, 1, err));
    for (int k = 0; k < 2; k++) {
        ST_OK(open_landmarker(&judged[k].landmarker, *state, paths[k], err));
        assert_int_equal(st_landmarker_points(judged[k].landmarker), judged[k].points);
    }
    for (int frame = 0; frame < FRAMES; frame += STEP, frames++) {
        frame_landmarks(&want, &picture, frame);
        ST_OK(st_detector_run(detector, &picture, faces, &count, err));
        assert_true(count >= 1);
        for (int k = 0; k < 2; k++)
            judge(&judged[k], &picture, &faces[0], &want);
    }
    assert_true(frames >= 20);
    for (int k = 0; k < 2; k++) {
        const double *off = judged[k].off;
        print_message("%d points, %d frames: left %.2f px, right %.2f px, top %.2f px\n",
                      judged[k].points, frames, off[0] / frames, off[1] / frames, off[2] / frames);
        for (int i = 0; i < 3; i++)
            assert_true(off[i] / frames <= 6.0);
        st_landmarker_close(&judged[k].landmarker);
        assert_null(judged[k].landmarker);
    }
    st_picture_free(&picture);
    st_detector_close(&detector);
}

/* A network whose `points` pairs are the level of channel 0 (x) and of channel 2 (y) at one
 * pixel: it tells where in the crop that pixel is, and what the channels are. A convolution as
 * large as the input, with one weight that is not 0 for x and for y; then copies. */
static void write_probe(const char *path, size_t side, size_t points, size_t row, size_t column)
{
    const size_t numbers = points * 2;
    const size_t area = side * side;
    float *pick = calloc(6 * area, sizeof *pick);
    float *copy = calloc(numbers * 2, sizeof *copy);
    const struct st_onnx_attribute none[] = {{.name = NULL}};
    const struct st_onnx_attribute flat[] = {{.name = "axis", .ints = {1}}, {.name = NULL}};
    struct st_onnx *onnx = NULL;

    assert_true(pick && copy);
    pick[row * side + column] = 1.0f;
    pick[5 * area + row * side + column] = 1.0f;
    for (size_t i = 0; i < numbers; i++)
        copy[i * 2 + i % 2] = 1.0f;
    ST_OK(st_onnx_create(&onnx, "probe", err));
    st_onnx_input(onnx, "x", 3, (size_t[]){3, side, side});
    st_onnx_tensor(onnx, "w", 4, (size_t[]){2, 3, side, side}, pick);
    st_onnx_tensor(onnx, "v", 4, (size_t[]){numbers, 2, 1, 1}, copy);
    st_onnx_node(onnx, "Conv", "pair", (const char *const[]){"x", "w", NULL}, none);
    st_onnx_node(onnx, "Conv", "c", (const char *const[]){"pair", "v", NULL}, none);
    st_onnx_node(onnx, "Flatten", "y", (const char *const[]){"c", NULL}, flat);
    st_onnx_output(onnx, "pair", 3, (size_t[]){2, 1, 1});
    st_onnx_output(onnx, "y", 1, &numbers);
    ST_OK(st_onnx_write(onnx, path, true, err));
    st_onnx_destroy(&onnx);
    free(pick);
    free(copy);
}

/* A picture of one colour: every pixel of the crop has the level, whatever the resampling. */
static void paint(struct st_picture *picture, int width, int height, const uint8_t bgr[3])
{
    ST_OK(st_picture_resize(picture, width, height, err));
    for (size_t i = 0; i < (size_t)width * (size_t)height; i++)
        memcpy(picture->data + i * 3, bgr, 3);
}

/* The square around (20.9, 30.2) to (60.7, 90.5) has its middle at (40, 60) and is 60 * margin,
 * rounded down. */
static void conventions_of_each_network(void **state)
{
    ST_NEED_ONNX_RUNTIME();
    struct fixture *f = *state;
    static const struct {
        size_t side, points;
        int crop;
        bool rgb, symmetric;
    } cases[] = {
        {112, 106, 69, false, false}, {112, 98, 63, false, false}, {192, 106, 90, true, true}};
    const struct st_face face = {.left = 20.9f, .top = 30.2f, .right = 60.7f, .bottom = 90.5f};
    struct st_picture picture = {0};

    paint(&picture, 200, 150, (const uint8_t[]){51, 3, 102});
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct st_landmarker *landmarker = NULL;
        struct st_landmarks got = {0};
        const float crop = (float)cases[k].crop;
        const float left = 40.0f - floorf(crop / 2.0f);
        const float top = 60.0f - floorf(crop / 2.0f);
        const char *path = scratch(f, "probe.onnx");
        write_probe(path, cases[k].side, cases[k].points, 50, 60);
        ST_OK(open_landmarker(&landmarker, f, path, err));
        assert_int_equal(st_landmarker_points(landmarker), cases[k].points);
        if (cases[k].symmetric) {
            /* Levels as they are would put the points a hundred crops away. */
            synctalk_error why = {0};
            assert_int_equal(st_landmarker_run(landmarker, &picture, &face, &got, &why),
                             SYNCTALK_E_FORMAT);
            assert_non_null(strstr(why.message, "the network puts point 0 at (102, 51)"));
            paint(&picture, 200, 150, (const uint8_t[]){1, 3, 0});
            ST_OK(st_landmarker_run(landmarker, &picture, &face, &got, err));
            assert_float_equal(got.points[5].x, left + 0.5f * crop, 1e-4);
            assert_float_equal(got.points[5].y, top + crop, 1e-4);
        } else {
            ST_OK(st_landmarker_run(landmarker, &picture, &face, &got, err));
            assert_int_equal(got.count, cases[k].points);
            assert_float_equal(got.points[5].x, left + 0.2f * crop, 1e-3);
            assert_float_equal(got.points[5].y, top + 0.4f * crop, 1e-3);
        }
        st_landmarker_close(&landmarker);
    }
    st_picture_free(&picture);
}

/* A crop that leaves the picture on all sides is black there: a pixel near its corner answers 0,
 * one in the middle the level. */
static void black_outside(void **state)
{
    ST_NEED_ONNX_RUNTIME();
    struct fixture *f = *state;
    const struct st_face face = {.left = -40, .top = -60, .right = 160, .bottom = 140};
    static const struct {
        size_t row, column;
        float level;
    } cases[] = {{2, 2, 0}, {56, 56, 0.2f}, {109, 56, 0}, {56, 109, 0}};
    struct st_picture picture = {0};

    paint(&picture, 100, 100, (const uint8_t[]){51, 51, 51});
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct st_landmarker *landmarker = NULL;
        struct st_landmarks got;
        const char *path = scratch(f, "probe.onnx");
        write_probe(path, 112, 98, cases[k].row, cases[k].column);
        ST_OK(open_landmarker(&landmarker, f, path, err));
        ST_OK(st_landmarker_run(landmarker, &picture, &face, &got, err));
        assert_float_equal(got.points[0].x, -45.0f + 210.0f * cases[k].level, 1e-3);
        assert_float_equal(got.points[0].y, -65.0f + 210.0f * cases[k].level, 1e-3);
        st_landmarker_close(&landmarker);
    }
    st_picture_free(&picture);
}

static void impossible_faces_are_refused(void **state)
{
    ST_NEED_ONNX_RUNTIME();
    struct fixture *f = *state;
    static const struct st_face faces[] = {
        {.left = 10, .top = 10, .right = 10, .bottom = 50},
        {.left = 50, .top = 10, .right = 10, .bottom = 50},
        {.left = NAN, .top = 10, .right = 40, .bottom = 50},
        {.left = 0, .top = 0, .right = INFINITY, .bottom = 50},
        {.left = -500, .top = -500, .right = 500, .bottom = 500},
        {.left = -3e38f, .top = -3e38f, .right = 3e38f, .bottom = 3e38f},
    };
    struct st_landmarker *landmarker = NULL;
    struct st_picture picture = {0};
    struct st_landmarks got;

    paint(&picture, 100, 80, (const uint8_t[]){51, 51, 51});
    const char *path = scratch(f, "probe.onnx");
    write_probe(path, 112, 98, 0, 0);
    ST_OK(open_landmarker(&landmarker, f, path, err));
    for (size_t k = 0; k < sizeof faces / sizeof *faces; k++) {
        synctalk_error why = {0};
        assert_int_equal(st_landmarker_run(landmarker, &picture, &faces[k], &got, &why),
                         SYNCTALK_E_ARG);
        assert_non_null(strstr(why.message, "in a picture of 100 x 80"));
    }
    st_picture_free(&picture);
    st_landmarker_close(&landmarker);
}

static void other_files_are_refused(void **state)
{
    struct fixture *f = *state;
    struct st_landmarker *landmarker = NULL;
    synctalk_error why = {0};
    const char *path = scratch(f, "absent.pth.tar");
    assert_int_equal(open_landmarker(&landmarker, f, path, &why), SYNCTALK_E_MISSING);
    path = scratch(f, "noise.pth.tar");
    st_write_file(path, "this is no checkpoint", 21);
    assert_int_equal(open_landmarker(&landmarker, f, path, &why), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "noise.pth.tar"));
    path = scratch(f, "probe.onnx");
    write_probe(path, 112, 105, 0, 0);
    const struct st_landmarker_settings nowhere = {
        .path = path, .library = "/nowhere/lib.so", .kernels = &f->kernels, .threads = 1};
    assert_int_equal(st_landmarker_open(&landmarker, &nowhere, &why), SYNCTALK_E_UNSUPPORTED);
    assert_non_null(strstr(why.message, "ONNX Runtime, needed to find the points of a face, is "));

    ST_NEED_ONNX_RUNTIME();
    assert_int_equal(open_landmarker(&landmarker, f, path, &why), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "probe.onnx: not a landmark network that is known: "));
    write_probe(path, 100, 98, 0, 0);
    assert_int_equal(open_landmarker(&landmarker, f, path, &why), SYNCTALK_E_FORMAT);
    path = scratch(f, "empty.onnx");
    st_write_file(path, "", 0);
    assert_int_equal(open_landmarker(&landmarker, f, path, &why), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "empty.onnx: the file is empty"));
    assert_null(landmarker);
}

/* The 110-point network has random weights, so only the way from its numbers to pixels can be
 * judged: with the mean face moved by 1, every point moves by the crop's side. */
static void mean_face_is_added(void **state)
{
    ST_NEED_SHARED(network, "reference/pfld/pfld_random.pth.tar");
    ST_NEED_SHARED(mean, "models/mean_face_110.txt");
    struct fixture *f = *state;
    const struct st_face face = {.left = 20, .top = 20, .right = 120, .bottom = 80};
    char zeros[220 * 2 + 1];
    char ones[220 * 2 + 1];
    struct st_picture picture = {0};
    struct st_landmarks got[3];

    for (size_t i = 0; i < 220; i++) {
        memcpy(zeros + i * 2, i % 20 ? "0 " : "0\n", 3);
        memcpy(ones + i * 2, i % 20 ? "1 " : "1\n", 3);
    }
    st_write_file(scratch(f, "zeros.txt"), zeros, 440);
    char *zeros_path = strdup(f->path);
    st_write_file(scratch(f, "ones.txt"), ones, 440);
    const char *const paths[3] = {zeros_path, f->path, mean};
    paint(&picture, 200, 150, (const uint8_t[]){90, 120, 150});
    for (int k = 0; k < 3; k++) {
        const struct st_landmarker_settings settings = {
            .path = network, .mean_face = paths[k], .kernels = &f->kernels, .threads = 1};
        struct st_landmarker *landmarker = NULL;
        ST_OK(st_landmarker_open(&landmarker, &settings, err));
        assert_int_equal(st_landmarker_points(landmarker), 110);
        ST_OK(st_landmarker_run(landmarker, &picture, &face, &got[k], err));
        st_landmarker_close(&landmarker);
    }
    for (int i = 0; i < 110; i++) {
        assert_float_equal(got[1].points[i].x - got[0].points[i].x, 105, 1e-3);
        assert_float_equal(got[1].points[i].y - got[0].points[i].y, 105, 1e-3);
        assert_true(got[2].points[i].x > got[0].points[i].x);
    }
    free(zeros_path);
    st_picture_free(&picture);
}

static void bad_mean_faces(void **state)
{
    ST_NEED_SHARED(network, "reference/pfld/pfld_random.pth.tar");
    struct fixture *f = *state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"0.1 0.2\n0.3", "it holds 3 numbers; 220 are needed"},
        {"", "it holds 0 numbers; 220 are needed"},
        {"0.1 nan", "220 numbers near 0 to 1 are needed, and nothing else"},
        {"0.1 1e9", "220 numbers near 0 to 1 are needed, and nothing else"},
    };
    struct st_landmarker *landmarker = NULL;
    synctalk_error why = {0};
    struct st_landmarker_settings settings = {
        .path = network, .kernels = &f->kernels, .threads = 1};

    settings.mean_face = scratch(f, "mean.txt");
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        st_write_file(f->path, cases[k].text, strlen(cases[k].text));
        assert_int_equal(st_landmarker_open(&landmarker, &settings, &why), SYNCTALK_E_FORMAT);
        assert_non_null(strstr(why.message, cases[k].message));
    }
    char many[221 * 2];
    for (size_t i = 0; i < 221; i++)
        memcpy(many + i * 2, "1 ", 2);
    st_write_file(f->path, many, sizeof many);
    assert_int_equal(st_landmarker_open(&landmarker, &settings, &why), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "it holds more than 220 numbers"));
    settings.mean_face = "/nowhere/mean.txt";
    assert_int_equal(st_landmarker_open(&landmarker, &settings, &why), SYNCTALK_E_MISSING);
    settings.mean_face = NULL; /* there is none beside the reference's checkpoint */
    assert_int_equal(st_landmarker_open(&landmarker, &settings, &why), SYNCTALK_E_MISSING);
    assert_non_null(strstr(why.message, "pfld/mean_face.txt is not there"));
    assert_null(landmarker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(crops_of_real_frames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(conventions_of_each_network, set_up, tear_down),
        cmocka_unit_test_setup_teardown(black_outside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(impossible_faces_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_files_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mean_face_is_added, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_mean_faces, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
