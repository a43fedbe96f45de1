/* SPDX-License-Identifier: Apache-2.0 */
/* Two real frames through crop, input, prediction and paste against the original. */
#include <stdlib.h>
#include <string.h>

#include "face/redraw.h"
#include "kernels/kernels.h"
#include "support/support.h"

#define PLANE ((size_t)ST_INNER_SIDE * ST_INNER_SIDE)

static float *reference(const struct st_weights *file, const char *name, size_t want)
{
    size_t count;
    float *values = st_test_f32(file, name, &count);
    assert_int_equal(count, want);
    return values;
}

static void check_input(const float *input, const float *inner, const float *masked)
{
    for (size_t c = 0; c < 6; c++) {
        const float *want = c < 3 ? inner : masked;
        size_t off = 0;
        for (size_t i = 0; i < PLANE; i++) {
            float d = input[c * PLANE + i] * 255.0f - want[i * 3 + c % 3];
            if (!(d > -1.01f && d < 1.01f))
                fail_msg("plane %zu, pixel %zu is off by %g", c, i, (double)d);
            off += d > 0.01f || d < -0.01f;
        }
        assert_in_range(off, 0, PLANE / 10000);
    }
}

static void check_frame(const struct st_picture *got, const struct st_picture *want,
                        const struct st_crop_box *box)
{
    assert_int_equal(got->width, want->width);
    assert_int_equal(got->height, want->height);
    for (int y = 0; y < got->height; y++) {
        for (int x = 0; x < got->width; x++) {
            size_t at = (size_t)y * got->stride + (size_t)x * 3;
            bool inside =
                x >= box->x && x - box->x < box->side && y >= box->y && y - box->y < box->side;
            for (size_t c = 0; c < 3; c++) {
                int d = abs(got->data[at + c] - want->data[at + c]);
                if (d > (inside ? 1 : 0))
                    fail_msg("pixel (%d, %d) is off by %d", x, y, d);
            }
        }
    }
}

static void check_composite(const char *arrays, const char *png, const char *jpeg, const char *lms)
{
    struct st_weights *file = NULL;
    struct st_jpeg_decoder *decoder = NULL;
    struct st_redraw *redraw = NULL;
    struct st_picture frame = {0};
    struct st_picture want = {0};
    struct st_landmarks landmarks;
    struct st_crop_box box;
    struct st_kernels kernels;
    const struct st_redraw_settings settings = {.blend = SYNCTALK_BLEND_NONE};

    st_kernels_init(&kernels, ~0u);
    ST_OK(st_weights_open(&file, arrays, err));
    ST_OK(st_jpeg_decoder_create(&decoder, err));
    ST_OK(st_jpeg_read(decoder, &frame, jpeg, err));
    ST_OK(st_png_read(&want, png, err));
    ST_OK(st_landmarks_read(&landmarks, lms, err));
    ST_OK(st_crop_box_from_landmarks(&box, &landmarks, lms, err));
    float *corners = reference(file, "box", 4);
    assert_int_equal(box.x, (int)corners[0]);
    assert_int_equal(box.y, (int)corners[1]);
    assert_int_equal(box.side, (int)corners[2] - box.x);

    size_t side = (size_t)box.side;
    float *crop = reference(file, "decoded_crop", side * side * 3);
    for (size_t i = 0; i < side * side * 3; i++)
        frame.data[((size_t)box.y + i / (side * 3)) * frame.stride + (size_t)box.x * 3 +
                   i % (side * 3)] = (uint8_t)crop[i];

    float *inner = reference(file, "inner", 3 * PLANE);
    float *masked = reference(file, "masked", 3 * PLANE);
    float *answer = reference(file, "pred_f32", 3 * PLANE);
    float *input = malloc(6 * PLANE * sizeof *input);
    float *prediction = malloc(3 * PLANE * sizeof *prediction);
    ST_OK(st_redraw_create(&redraw, &settings, box.side, &kernels, err));
    st_redraw_crop(redraw, &frame, &box, input);
    check_input(input, inner, masked);
    for (size_t i = 0; i < 3 * PLANE; i++)
        prediction[i % 3 * PLANE + i / 3] = answer[i];
    st_redraw_paste(redraw, &frame, prediction, &landmarks, NULL);
    check_frame(&frame, &want, &box);

    free(corners);
    free(crop);
    free(inner);
    free(masked);
    free(answer);
    free(input);
    free(prediction);
    st_redraw_destroy(&redraw);
    st_picture_free(&frame);
    st_picture_free(&want);
    st_jpeg_decoder_destroy(&decoder);
    st_weights_close(&file);
}

static void test_frame_100(void **state)
{
    (void)state;
    ST_NEED_SHARED(arrays, "reference/unet/composite_100.npz");
    ST_NEED_SHARED(png, "reference/unet/composite_100.png");
    ST_NEED_SHARED(jpeg, "dataset/sanders/full_body_img/100.jpg");
    ST_NEED_SHARED(lms, "dataset/sanders/landmarks/100.lms");
    check_composite(arrays, png, jpeg, lms);
}

static void test_frame_300(void **state)
{
    (void)state;
    ST_NEED_SHARED(arrays, "reference/unet/composite_300.npz");
    ST_NEED_SHARED(png, "reference/unet/composite_300.png");
    ST_NEED_SHARED(jpeg, "dataset/sanders/full_body_img/300.jpg");
    ST_NEED_SHARED(lms, "dataset/sanders/landmarks/300.lms");
    check_composite(arrays, png, jpeg, lms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_100),
        cmocka_unit_test(test_frame_300),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
