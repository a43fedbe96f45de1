/* SPDX-License-Identifier: Apache-2.0 */
/* Crop and paste: what the network sees, what of its answer reaches the frame, and what
 * must stay as it was. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "face/redraw.h"
#include "kernels/kernels.h"
#include "support/support.h"

#define WIDTH 400
#define HEIGHT 300
#define PLANE ((size_t)ST_INNER_SIDE * ST_INNER_SIDE)

struct fixture {
    struct st_kernels kernels;
    struct st_redraw *redraw;
    struct st_picture frame, before;
    struct st_landmarks landmarks;
    float *input;      /* [6, 320, 320] */
    float *prediction; /* [3, 320, 320] */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    st_kernels_init(&f->kernels, ~0u);
    ST_OK(st_picture_resize(&f->frame, WIDTH, HEIGHT, err));
    ST_OK(st_picture_resize(&f->before, WIDTH, HEIGHT, err));
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            uint8_t *p = f->frame.data + (size_t)y * f->frame.stride + (size_t)x * 3;
            p[0] = (uint8_t)(60 + x / 4);
            p[1] = (uint8_t)(50 + y / 3);
            p[2] = (uint8_t)(40 + (x + y) / 6);
        }
    }
    memcpy(f->before.data, f->frame.data, f->frame.stride * HEIGHT);
    f->input = malloc(6 * PLANE * sizeof *f->input);
    f->prediction = malloc(3 * PLANE * sizeof *f->prediction);
    assert_true(f->input && f->prediction);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    st_redraw_destroy(&f->redraw);
    st_picture_free(&f->frame);
    st_picture_free(&f->before);
    free(f->input);
    free(f->prediction);
    free(f);
    return 0;
}

static void start(struct fixture *f, int blend, int feather_px, int colour_match)
{
    const struct st_redraw_settings settings = {blend, feather_px, colour_match};
    st_redraw_destroy(&f->redraw);
    memcpy(f->frame.data, f->before.data, f->frame.stride * HEIGHT);
    ST_OK(st_redraw_create(&f->redraw, &settings, 200, &f->kernels, err));
}

static void predict_level(struct fixture *f, float b, float g, float r)
{
    const float levels[3] = {b, g, r};
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < PLANE; i++)
            f->prediction[c * PLANE + i] = (levels[c] + 0.5f) / 255.0f;
}

/* What a perfect network would say: its own input, shifted by `shift` levels. */
static void predict_input(struct fixture *f, float shift)
{
    for (size_t i = 0; i < 3 * PLANE; i++)
        f->prediction[i] = f->input[i] + (shift + 0.5f) / 255.0f;
}

static const uint8_t *pixel(const struct st_picture *picture, int x, int y)
{
    return picture->data + (size_t)y * picture->stride + (size_t)x * 3;
}

static void assert_untouched_outside(const struct fixture *f, const struct st_crop_box *box)
{
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            bool inside =
                x >= box->x && x < box->x + box->side && y >= box->y && y < box->y + box->side;
            if (!inside && memcmp(pixel(&f->frame, x, y), pixel(&f->before, x, y), 3) != 0)
                fail_msg("pixel (%d, %d) is outside the square and changed", x, y);
        }
    }
}

static int difference(const struct fixture *f, int x, int y)
{
    int most = 0;
    for (int c = 0; c < 3; c++) {
        int d = abs(pixel(&f->frame, x, y)[c] - pixel(&f->before, x, y)[c]);
        most = d > most ? d : most;
    }
    return most;
}

static void test_input_planes(void **state)
{
    struct fixture *f = *state;
    const struct st_crop_box box = {100, 80, 150};
    start(f, SYNCTALK_BLEND_NONE, 0, 0);
    st_redraw_crop(f->redraw, &f->frame, &box, f->input);
    const uint8_t *crop = st_redraw_crop_bytes(f->redraw);
    for (int c = 0; c < 6; c++) {
        for (int y = 0; y < ST_INNER_SIDE; y++) {
            for (int x = 0; x < ST_INNER_SIDE; x++) {
                size_t at = ((size_t)(y + 4) * ST_CROP_SIDE + (size_t)(x + 4)) * 3;
                bool hidden = c >= 3 && x >= 5 && x <= 314 && y >= 5 && y <= 309;
                float want = hidden ? 0.0f : (float)crop[at + (size_t)(c % 3)] / 255.0f;
                float got =
                    f->input[((size_t)c * ST_INNER_SIDE + (size_t)y) * ST_INNER_SIDE + (size_t)x];
                if (!(got == want))
                    fail_msg("plane %d (%d, %d): %g, want %g", c, x, y, (double)got, (double)want);
            }
        }
    }
}

/* The crop of a square over the frame's corner equals that of the same square in a frame
 * padded by replication. */
static void test_crop_replicates_the_border(void **state)
{
    struct fixture *f = *state;
    enum { PAD = 60 };
    const struct st_crop_box corners[] = {
        {-30, -20, 120}, {WIDTH - 70, HEIGHT - 100, 120}, {-40, 250, 100}, {500, 400, 20}};
    struct st_picture padded = {0};
    uint8_t *crop = malloc((size_t)ST_CROP_SIDE * ST_CROP_SIDE * 3);
    enum { BORDER = 220 };
    ST_OK(st_picture_resize(&padded, WIDTH + 2 * BORDER, HEIGHT + 2 * BORDER, err));
    for (int y = 0; y < padded.height; y++) {
        for (int x = 0; x < padded.width; x++) {
            int sx = x - BORDER < 0 ? 0 : x - BORDER >= WIDTH ? WIDTH - 1 : x - BORDER;
            int sy = y - BORDER < 0 ? 0 : y - BORDER >= HEIGHT ? HEIGHT - 1 : y - BORDER;
            memcpy(padded.data + (size_t)y * padded.stride + (size_t)x * 3,
                   pixel(&f->frame, sx, sy), 3);
        }
    }
    start(f, SYNCTALK_BLEND_NONE, 0, 0);
    for (size_t i = 0; i < sizeof corners / sizeof *corners; i++) {
        const struct st_crop_box moved = {corners[i].x + BORDER, corners[i].y + BORDER,
                                          corners[i].side};
        st_redraw_crop(f->redraw, &padded, &moved, f->input);
        memcpy(crop, st_redraw_crop_bytes(f->redraw), (size_t)ST_CROP_SIDE * ST_CROP_SIDE * 3);
        st_redraw_crop(f->redraw, &f->frame, &corners[i], f->input);
        assert_memory_equal(crop, st_redraw_crop_bytes(f->redraw),
                            (size_t)ST_CROP_SIDE * ST_CROP_SIDE * 3);
    }
    free(crop);
    st_picture_free(&padded);
}

static void test_prediction_is_truncated_and_clamped(void **state)
{
    struct fixture *f = *state;
    static const float values[] = {0.9999f / 255, 1.0001f / 255, -3.0f,    7.0f,
                                   NAN,           INFINITY,      -INFINITY};
    static const uint8_t levels[] = {0, 1, 0, 255, 0, 255, 0};
    const struct st_crop_box box = {100, 80, 150};
    start(f, SYNCTALK_BLEND_NONE, 0, 0);
    st_redraw_crop(f->redraw, &f->frame, &box, f->input);
    predict_level(f, 10, 20, 30);
    memcpy(f->prediction, values, sizeof values);
    st_redraw_paste(f->redraw, &f->frame, f->prediction, NULL, NULL);
    const uint8_t *row = st_redraw_crop_bytes(f->redraw) + (size_t)(4 * ST_CROP_SIDE + 4) * 3;
    for (size_t i = 0; i < sizeof levels; i++)
        assert_int_equal(row[i * 3], levels[i]);
    assert_int_equal(row[1], 20);
    assert_int_equal(row[2], 30);
}

static void test_every_blend_stays_in_the_square(void **state)
{
    struct fixture *f = *state;
    static const struct st_crop_box boxes[] = {
        {100, 80, 150}, {-30, -20, 120}, {WIDTH - 70, HEIGHT - 100, 120},
        {390, 10, 200}, {0, 0, 1},       {-300, -300, 200},
        {WIDTH, 0, 10}, {0, HEIGHT, 10}, {399, 299, 1}};
    for (int blend = 0; blend < 3; blend++) {
        for (int feather = 0; feather <= 64; feather += 32) {
            start(f, blend, feather, feather == 32);
            for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
                memcpy(f->frame.data, f->before.data, f->frame.stride * HEIGHT);
                st_redraw_crop(f->redraw, &f->frame, &boxes[i], f->input);
                predict_level(f, 200, 200, 200);
                st_redraw_paste(f->redraw, &f->frame, f->prediction, NULL, NULL);
                assert_untouched_outside(f, &boxes[i]);
            }
        }
    }
}

/* A row from the left edge to the middle: the frame's own first, then steadily more of
 * the prediction, all of it from feather_px on. */
static void test_edge_rises_smoothly(void **state)
{
    struct fixture *f = *state;
    const struct st_crop_box box = {100, 80, 150};
    start(f, SYNCTALK_BLEND_EDGE, 16, 0);
    st_redraw_crop(f->redraw, &f->frame, &box, f->input);
    predict_level(f, 250, 250, 250);
    st_redraw_paste(f->redraw, &f->frame, f->prediction, NULL, NULL);
    assert_in_range(difference(f, 100, 155), 0, 3);
    for (int x = 104; x < 116; x++)
        assert_true(pixel(&f->frame, x, 155)[0] > pixel(&f->frame, x - 1, 155)[0]);
    for (int x = 117; x < 232; x++)
        assert_int_equal(pixel(&f->frame, x, 155)[0], 250);
    assert_in_range(difference(f, 249, 155), 0, 3);
    assert_in_range(difference(f, 175, 80), 0, 3);
    assert_in_range(difference(f, 175, 229), 0, 3);
}

/* Where the square is cut off by the frame, fading to the frame's own pixels would draw a
 * line along the picture's border. */
static void test_no_feather_along_the_frame(void **state)
{
    struct fixture *f = *state;
    const struct st_crop_box box = {100, HEIGHT - 90, 150};
    start(f, SYNCTALK_BLEND_EDGE, 16, 0);
    st_redraw_crop(f->redraw, &f->frame, &box, f->input);
    predict_level(f, 250, 250, 250);
    st_redraw_paste(f->redraw, &f->frame, f->prediction, NULL, NULL);
    assert_int_equal(pixel(&f->frame, 175, HEIGHT - 1)[0], 250);
    assert_in_range(difference(f, 175, HEIGHT - 90), 0, 3);

    const struct st_crop_box exact = {0, HEIGHT - 150, 150};
    start(f, SYNCTALK_BLEND_EDGE, 0, 0);
    st_redraw_crop(f->redraw, &f->frame, &exact, f->input);
    predict_level(f, 250, 250, 250);
    st_redraw_paste(f->redraw, &f->frame, f->prediction, NULL, NULL);
    for (int y = HEIGHT - 140; y < HEIGHT - 5; y++)
        for (int x = 5; x < 140; x++)
            assert_int_equal(pixel(&f->frame, x, y)[0], 250);
}

/* A round jaw of 110 points around (cx, top), radius r; bridge of the nose at the top. */
static void make_jaw(struct st_landmarks *landmarks, float cx, float top, float r)
{
    memset(landmarks, 0, sizeof *landmarks);
    landmarks->count = 110;
    for (int i = 0; i <= 32; i++) {
        double angle = 3.14159265 * (1 - i / 32.0);
        landmarks->points[i].x = cx + r * (float)cos(angle);
        landmarks->points[i].y = top + r * (float)sin(angle);
    }
    landmarks->points[52] = (struct st_point){cx, top};
}

static void test_face_keeps_what_is_outside_the_jaw(void **state)
{
    struct fixture *f = *state;
    struct st_crop_box box;
    make_jaw(&f->landmarks, 175, 80, 75);
    ST_OK(st_crop_box_from_landmarks(&box, &f->landmarks, "jaw.lms", err));
    for (int feather = 0; feather <= 12; feather += 12) {
        start(f, SYNCTALK_BLEND_FACE, feather, 0);
        st_redraw_crop(f->redraw, &f->frame, &box, f->input);
        predict_level(f, 250, 250, 250);
        st_redraw_paste(f->redraw, &f->frame, f->prediction, &f->landmarks, NULL);
        assert_untouched_outside(f, &box);
        for (int y = box.y; y < box.y + box.side; y++) {
            for (int x = box.x; x < box.x + box.side; x++) {
                double from = hypot(x + 0.5 - 175, y + 0.5 - 80);
                if (from > 75 * 1.16)
                    assert_int_equal(difference(f, x, y), 0);
                if (from < 75 - 12 && y > box.y + 13)
                    assert_int_equal(pixel(&f->frame, x, y)[0], 250);
            }
        }
    }
}

static void test_parsing_keeps_red_and_white(void **state)
{
    struct fixture *f = *state;
    static const uint8_t kinds[6][3] = {{0, 0, 255},   {255, 255, 255}, {0, 0, 254},
                                        {255, 0, 255}, {254, 255, 255}, {255, 0, 0}};
    struct st_picture parsing = {0};
    const struct st_crop_box box = {100, 80, 150};
    ST_OK(st_picture_resize(&parsing, WIDTH, HEIGHT, err));
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            memcpy(parsing.data + (size_t)y * parsing.stride + (size_t)x * 3, kinds[(x + y) % 6],
                   3);
    for (int blend = 0; blend < 3; blend++) {
        start(f, blend, 8, 0);
        st_redraw_crop(f->redraw, &f->frame, &box, f->input);
        predict_level(f, 250, 250, 250);
        st_redraw_paste(f->redraw, &f->frame, f->prediction, NULL, &parsing);
        for (int y = 100; y < 210; y++) {
            for (int x = 120; x < 230; x++) {
                if ((x + y) % 6 < 2)
                    assert_int_equal(difference(f, x, y), 0);
                else
                    assert_int_equal(pixel(&f->frame, x, y)[0], 250);
            }
        }
    }
    st_picture_free(&parsing);
}

/* A prediction that is off by a constant loses it; one that is right keeps its pixels. */
static void test_colour_match(void **state)
{
    struct fixture *f = *state;
    const struct st_crop_box box = {100, 80, 150};
    struct st_picture plain = {0};
    ST_OK(st_picture_resize(&plain, WIDTH, HEIGHT, err));

    start(f, SYNCTALK_BLEND_NONE, 0, 0);
    st_redraw_crop(f->redraw, &f->frame, &box, f->input);
    predict_input(f, 0);
    st_redraw_paste(f->redraw, &f->frame, f->prediction, NULL, NULL);
    memcpy(plain.data, f->frame.data, f->frame.stride * HEIGHT);

    for (int shift = -18; shift <= 18; shift += 9) {
        start(f, SYNCTALK_BLEND_NONE, 0, 1);
        st_redraw_crop(f->redraw, &f->frame, &box, f->input);
        predict_input(f, (float)shift);
        st_redraw_paste(f->redraw, &f->frame, f->prediction, NULL, NULL);
        for (int y = 80; y < 230; y++) {
            for (int x = 100; x < 250; x++) {
                for (int c = 0; c < 3; c++) {
                    int d = abs(pixel(&f->frame, x, y)[c] - pixel(&plain, x, y)[c]);
                    assert_in_range(d, 0, shift == 0 ? 0 : 1);
                }
            }
        }
    }
    st_picture_free(&plain);
}

/* A third of the ring that is wrong for another reason (a microphone that the network
 * draws elsewhere) does not tint the rest, and nothing shifts farther than the limit. */
static void test_colour_match_is_robust(void **state)
{
    struct fixture *f = *state;
    const struct st_crop_box box = {100, 80, 150};
    start(f, SYNCTALK_BLEND_NONE, 0, 1);
    st_redraw_crop(f->redraw, &f->frame, &box, f->input);
    predict_input(f, 6);
    for (size_t c = 0; c < 3; c++)
        for (size_t y = 310; y < 320; y++)
            for (size_t x = 0; x < 320; x++)
                f->prediction[(c * 320 + y) * 320 + x] = 1.0f;
    st_redraw_paste(f->redraw, &f->frame, f->prediction, NULL, NULL);
    for (int y = 100; y < 180; y++)
        for (int x = 110; x < 240; x++)
            assert_in_range(difference(f, x, y), 0, 3);

    start(f, SYNCTALK_BLEND_NONE, 0, 1);
    st_redraw_crop(f->redraw, &f->frame, &box, f->input);
    predict_level(f, 250, 250, 250);
    st_redraw_paste(f->redraw, &f->frame, f->prediction, NULL, NULL);
    for (int y = 90; y < 220; y++)
        for (int x = 110; x < 240; x++)
            for (int c = 0; c < 3; c++)
                assert_in_range(pixel(&f->frame, x, y)[c], 225, 251);

    for (size_t i = 0; i < 3 * PLANE; i++)
        f->prediction[i] = NAN;
    st_redraw_paste(f->redraw, &f->frame, f->prediction, NULL, NULL);
}

static void test_every_cpu_agrees(void **state)
{
    struct fixture *f = *state;
    struct st_picture plain = {0};
    struct st_crop_box box;
    ST_OK(st_picture_resize(&plain, WIDTH, HEIGHT, err));
    make_jaw(&f->landmarks, 175, 80, 75);
    ST_OK(st_crop_box_from_landmarks(&box, &f->landmarks, "jaw.lms", err));
    for (int round = 0; round < 2; round++) {
        st_kernels_init(&f->kernels, round ? ~0u : 0);
        start(f, SYNCTALK_BLEND_FACE, 8, 1);
        st_redraw_crop(f->redraw, &f->frame, &box, f->input);
        predict_input(f, 9);
        st_redraw_paste(f->redraw, &f->frame, f->prediction, &f->landmarks, NULL);
        if (round == 0)
            memcpy(plain.data, f->frame.data, f->frame.stride * HEIGHT);
    }
    assert_memory_equal(f->frame.data, plain.data, f->frame.stride * HEIGHT);
    st_picture_free(&plain);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_input_planes),
        CASE(test_crop_replicates_the_border),
        CASE(test_prediction_is_truncated_and_clamped),
        CASE(test_every_blend_stays_in_the_square),
        CASE(test_edge_rises_smoothly),
        CASE(test_no_feather_along_the_frame),
        CASE(test_face_keeps_what_is_outside_the_jaw),
        CASE(test_parsing_keeps_red_and_white),
        CASE(test_colour_match),
        CASE(test_colour_match_is_robust),
        CASE(test_every_cpu_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
