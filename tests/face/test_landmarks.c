/* SPDX-License-Identifier: Apache-2.0 */
/* Landmarks: every form of .lms that people have, and a sentence for each that is none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "face/landmarks.h"
#include "support/support.h"

struct fixture {
    char *folder;
    char path[4200];
    struct st_landmarks landmarks;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->folder = st_scratch_create();
    snprintf(f->path, sizeof f->path, "%s/0.lms", f->folder);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    st_scratch_remove(f->folder);
    free(f);
    return 0;
}

/* `count` lines, each `form` with every X replaced by its index, every Y by index + 200;
 * then `tail`. */
static void write_lines(const struct fixture *f, int count, const char *form, const char *tail)
{
    static char text[16384];
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        for (const char *c = form; *c; c++) {
            if (*c == 'X' || *c == 'Y')
                at += (size_t)snprintf(text + at, sizeof text - at, "%d", *c == 'X' ? i : i + 200);
            else
                text[at++] = *c;
        }
    }
    at += (size_t)snprintf(text + at, sizeof text - at, "%s", tail);
    st_write_file(f->path, text, at);
}

static void expect(struct fixture *f, int count, float fraction)
{
    ST_OK(st_landmarks_read(&f->landmarks, f->path, err));
    assert_int_equal(f->landmarks.count, count);
    for (int i = 0; i < count; i++) {
        assert_true(f->landmarks.points[i].x == (float)i + fraction);
        assert_true(f->landmarks.points[i].y == (float)(i + 200) + fraction);
    }
}

static void expect_refusal(struct fixture *f, const char *word)
{
    synctalk_error err = {0};
    assert_int_equal(st_landmarks_read(&f->landmarks, f->path, &err), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(err.message, f->path));
    if (!strstr(err.message, word))
        fail_msg("\"%s\" lacks \"%s\"", err.message, word);
}

static void test_forms(void **state)
{
    struct fixture *f = *state;
    static const int counts[] = {110, 106, 98};
    for (size_t i = 0; i < 3; i++) {
        write_lines(f, counts[i], "X Y\n", "");
        expect(f, counts[i], 0.0f);
    }
    write_lines(f, 110, "X.25 Y.25\r\n", "\r\n\r\n");
    expect(f, 110, 0.25f);
    write_lines(f, 97, "X\t Y  \n", "97 297"); /* no newline at the end */
    expect(f, 98, 0.0f);
    write_lines(f, 98, "+X.500000000000000000000000 Y.5e0\n", "\n \n");
    expect(f, 98, 0.5f);
    write_lines(f, 98, "X00.0e-2 0.YE+3\n", "");
    expect(f, 98, 0.0f);
}

static void test_faults(void **state)
{
    struct fixture *f = *state;
    write_lines(f, 0, "", "");
    expect_refusal(f, "empty");
    write_lines(f, 109, "X Y\n", "");
    expect_refusal(f, "109 points");
    write_lines(f, 120, "X Y\n", "");
    expect_refusal(f, "more than 110");
    write_lines(f, 50, "X Y\n", "\n1 2\n");
    expect_refusal(f, "line 51 is empty");

    static const char *const bad[] = {"1",       "1 2 3", "a b",   "nan 1",  "1 inf",
                                      "1 0x10",  "1,5 2", "1 2e",  "1 -",    ". 1",
                                      "1 1.2.3", "- 1",   "1e+ 2", "1 2\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_lines(f, 97, "X Y\n", bad[i]);
        expect_refusal(f, "line 98 is not two numbers");
    }
    static const char *const far[] = {"1e7 2", "2 -1e300", "1e99999999999 1",
                                      "1 99999999999999999999999999999999999999999999"};
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        write_lines(f, 97, "X Y\n", far[i]);
        expect_refusal(f, "line 98: the point");
    }
    synctalk_error err;
    remove(f->path);
    assert_int_equal(st_landmarks_read(&f->landmarks, f->path, &err), SYNCTALK_E_MISSING);
}

static void test_noise_never_crashes(void **state)
{
    struct fixture *f = *state;
    static const char letters[] = "0123456789.eE+- \n\r\t";
    uint64_t seed = 17;
    char text[700];
    for (int round = 0; round < 300; round++) {
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = letters[st_random_next(&seed) % (sizeof letters - 1)];
        st_write_file(f->path, text, st_random_next(&seed) % sizeof text);
        synctalk_error err;
        assert_int_equal(st_landmarks_read(&f->landmarks, f->path, &err), SYNCTALK_E_FORMAT);
    }
}

/* Every index once at most, and in range: a slip in a table shows nowhere else. */
static void test_layouts(void **state)
{
    (void)state;
    static const int counts[] = {110, 106, 98};
    for (size_t i = 0; i < 3; i++) {
        const struct st_landmark_layout *layout = st_landmark_layout(counts[i]);
        bool used[ST_LANDMARKS_MAX] = {false};
        assert_non_null(layout);
        assert_int_equal(layout->count, counts[i]);
        const int *lists[] = {layout->contour, layout->lips_outer, layout->lips_inner};
        const int lengths[] = {33, 12, 8};
        for (size_t k = 0; k < 3; k++) {
            for (int p = 0; p < lengths[k]; p++) {
                assert_in_range(lists[k][p], 0, counts[i] - 1);
                assert_false(used[lists[k][p]]);
                used[lists[k][p]] = true;
            }
        }
    }
    assert_null(st_landmark_layout(0));
    assert_null(st_landmark_layout(68));
    assert_int_equal(st_landmark_layout(106)->contour[16], 0); /* the chin */
}

static void test_crop_box(void **state)
{
    (void)state;
    struct st_landmarks landmarks = {.count = 110};
    struct st_crop_box box;
    landmarks.points[1].x = 10.9f;
    landmarks.points[31].x = 50.9f;
    landmarks.points[52].y = 7.9f;
    ST_OK(st_crop_box_from_landmarks(&box, &landmarks, "a.lms", err));
    assert_int_equal(box.x, 10);
    assert_int_equal(box.y, 7);
    assert_int_equal(box.side, 40);

    /* Partly outside the frame is no fault; truncation is towards zero. */
    landmarks.points[1].x = -10.9f;
    landmarks.points[52].y = -3.5f;
    ST_OK(st_crop_box_from_landmarks(&box, &landmarks, "a.lms", err));
    assert_int_equal(box.x, -10);
    assert_int_equal(box.y, -3);
    assert_int_equal(box.side, 60);

    /* 98 points: the mean of two, in floating point, then truncated. Truncating first
     * would give 30. */
    landmarks.count = 98;
    landmarks.points[52].y = 30.5f;
    landmarks.points[53].y = 31.5f;
    ST_OK(st_crop_box_from_landmarks(&box, &landmarks, "a.lms", err));
    assert_int_equal(box.y, 31);

    landmarks.count = 106;
    landmarks.points[1].x = 3;
    landmarks.points[17].x = 9;
    landmarks.points[74].y = 12;
    ST_OK(st_crop_box_from_landmarks(&box, &landmarks, "a.lms", err));
    assert_int_equal(box.x, 3);
    assert_int_equal(box.y, 12);
    assert_int_equal(box.side, 6);

    synctalk_error err;
    landmarks.points[17].x = 3.5f;
    assert_int_equal(st_crop_box_from_landmarks(&box, &landmarks, "a.lms", &err),
                     SYNCTALK_E_FORMAT);
    assert_non_null(strstr(err.message, "a.lms"));
    landmarks.points[17].x = 20000.0f;
    assert_int_equal(st_crop_box_from_landmarks(&box, &landmarks, "a.lms", &err),
                     SYNCTALK_E_FORMAT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_forms),
        CASE(test_faults),
        CASE(test_noise_never_crashes),
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_crop_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
