/* SPDX-License-Identifier: Apache-2.0 */
/* Bicubic against OpenCV, both directions, and JPEG against OpenCV's decoder. */
#include <stdlib.h>
#include <string.h>

#include "image/picture.h"
#include "kernels/kernels.h"
#include "support/support.h"

static uint8_t *bytes_of(const struct st_weights *file, const char *name, size_t want)
{
    size_t count;
    float *values = st_test_f32(file, name, &count);
    assert_int_equal(count, want);
    uint8_t *bytes = malloc(count);
    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)values[i];
    free(values);
    return bytes;
}

/* At least 99.99 % equal, the rest within one level. */
static void assert_close(const uint8_t *got, const uint8_t *want, size_t count)
{
    size_t off = 0;
    for (size_t i = 0; i < count; i++) {
        int d = abs(got[i] - want[i]);
        assert_in_range(d, 0, 1);
        off += d != 0;
    }
    if (off * 10000 > count)
        fail_msg("%zu of %zu levels differ", off, count);
}

static void test_opencv_cubic(void **state)
{
    (void)state;
    ST_NEED_SHARED(path, "reference/image/resize.npz");
    struct st_weights *file = NULL;
    ST_OK(st_weights_open(&file, path, err));
    const size_t small = (size_t)211 * 211 * 3;
    const size_t large = (size_t)328 * 328 * 3;
    uint8_t *src = bytes_of(file, "src", small);
    uint8_t *up = bytes_of(file, "cubic_328", large);
    uint8_t *back = bytes_of(file, "cubic_back_211", small);
    uint8_t *got = malloc(large);

    for (unsigned mask = 0;; mask = ~0u) {
        struct st_kernels kernels;
        struct st_resizer *resizer = NULL;
        st_kernels_init(&kernels, mask);
        ST_OK(st_resizer_create(&resizer, 328, &kernels, err));
        st_resize_cubic(resizer, got, 328, 328, (size_t)328 * 3, src, 211, 211, (size_t)211 * 3);
        assert_close(got, up, large);
        st_resize_cubic(resizer, got, 211, 211, (size_t)211 * 3, up, 328, 328, (size_t)328 * 3);
        assert_close(got, back, small);
        st_resizer_destroy(&resizer);
        if (mask)
            break;
    }
    free(src);
    free(up);
    free(back);
    free(got);
    st_weights_close(&file);
}

/* The decoder's DCT and its chroma upsampling show in every pixel. */
static void test_opencv_jpeg(void **state)
{
    (void)state;
    ST_NEED_SHARED(reference, "reference/unet/composite_100.npz");
    ST_NEED_SHARED(frame, "dataset/sanders/full_body_img/100.jpg");
    enum { LEFT = 552, TOP = 313, SIDE = 182 };
    struct st_weights *file = NULL;
    struct st_jpeg_decoder *decoder = NULL;
    struct st_picture picture = {0};
    ST_OK(st_weights_open(&file, reference, err));
    uint8_t *want = bytes_of(file, "decoded_crop", (size_t)SIDE * SIDE * 3);
    ST_OK(st_jpeg_decoder_create(&decoder, err));
    ST_OK(st_jpeg_read(decoder, &picture, frame, err));
    for (size_t y = 0; y < SIDE; y++)
        assert_memory_equal(picture.data + (TOP + y) * picture.stride + (size_t)LEFT * 3,
                            want + y * SIDE * 3, (size_t)SIDE * 3);
    st_picture_free(&picture);
    st_jpeg_decoder_destroy(&decoder);
    free(want);
    st_weights_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opencv_cubic),
        cmocka_unit_test(test_opencv_jpeg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
