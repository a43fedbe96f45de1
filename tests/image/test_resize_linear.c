/* SPDX-License-Identifier: Apache-2.0 */
/* Bilinear against OpenCV, and the borders where its rows and columns differ. */
#include <stdlib.h>
#include <string.h>

#include "image/picture.h"
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

static void equals_opencv(void **state)
{
    (void)state;
    ST_NEED_SHARED(path, "reference/image/resize.npz");
    const struct {
        const char *name;
        int side;
    } cases[] = {{"linear_328", 328}, {"linear_192", 192}};
    struct st_weights *file = NULL;

    ST_OK(st_weights_open(&file, path, err));
    uint8_t *src = bytes_of(file, "src", (size_t)211 * 211 * 3);
    for (size_t i = 0; i < 2; i++) {
        const size_t bytes = (size_t)cases[i].side * (size_t)cases[i].side * 3;
        const size_t stride = (size_t)cases[i].side * 3;
        uint8_t *want = bytes_of(file, cases[i].name, bytes);
        uint8_t *got = malloc(bytes);
        assert_non_null(got);
        st_resize_linear(got, cases[i].side, cases[i].side, stride, src, 211, 211, 633);
        assert_memory_equal(got, want, bytes);
        free(got);
        free(want);
    }
    free(src);
    st_weights_close(&file);
}

static void same_size_is_a_copy(void **state)
{
    (void)state;
    uint8_t src[7 * 5 * 3];
    uint8_t dst[7 * 5 * 3];
    for (size_t i = 0; i < sizeof src; i++)
        src[i] = (uint8_t)(i * 37);
    st_resize_linear(dst, 7, 5, 21, src, 7, 5, 21);
    assert_memory_equal(dst, src, sizeof src);
}

/* A view into a larger picture: what lies beside it must not be read, nor written. */
static void keeps_inside_its_views(void **state)
{
    (void)state;
    uint8_t src[4 * 30];
    uint8_t dst[9 * 40];
    memset(src, 255, sizeof src);
    memset(dst, 77, sizeof dst);
    for (size_t y = 0; y < 3; y++)
        memset(src + y * 30, 10, 4 * 3);
    st_resize_linear(dst, 11, 8, 40, src, 4, 3, 30);
    for (size_t i = 0; i < sizeof dst; i++)
        assert_int_equal(dst[i], i / 40 < 8 && i % 40 < 33 ? 10 : 77);
}

static void one_pixel_fills_all(void **state)
{
    (void)state;
    const uint8_t src[3] = {1, 128, 255};
    uint8_t dst[70 * 2 * 3];
    st_resize_linear(dst, 70, 2, 210, src, 1, 1, 3);
    for (size_t i = 0; i < sizeof dst; i++)
        assert_int_equal(dst[i], src[i % 3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_opencv),
        cmocka_unit_test(same_size_is_a_copy),
        cmocka_unit_test(keeps_inside_its_views),
        cmocka_unit_test(one_pixel_fills_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
