/* SPDX-License-Identifier: Apache-2.0 */
/* INTER_AREA against OpenCV, against the mean by its definition, and at borders. */
#include <math.h>
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
    struct st_weights *file = NULL;
    float scratch[211 * 3];
    uint8_t got[96 * 96 * 3];

    ST_OK(st_weights_open(&file, path, err));
    uint8_t *src = bytes_of(file, "src", (size_t)211 * 211 * 3);
    uint8_t *want = bytes_of(file, "area_96", sizeof got);
    st_resize_area(got, 96, 96, 288, src, 211, 211, 633, scratch);
    assert_memory_equal(got, want, sizeof got);
    free(want);
    free(src);
    st_weights_close(&file);
}

/* Mean of source pixels over the box of destination pixel (x, y), in exact numbers. */
static int mean_by_definition(const uint8_t *src, int sw, int sh, int dw, int dh, int x, int y,
                              int c)
{
    int64_t total = 0;
    for (int sy = 0; sy < sh; sy++) {
        for (int sx = 0; sx < sw; sx++) {
            int64_t left = sx * dw > x * sw ? sx * dw : x * sw;
            int64_t right = (sx + 1) * dw < (x + 1) * sw ? (sx + 1) * dw : (x + 1) * sw;
            int64_t top = sy * dh > y * sh ? sy * dh : y * sh;
            int64_t bottom = (sy + 1) * dh < (y + 1) * sh ? (sy + 1) * dh : (y + 1) * sh;
            if (right > left && bottom > top)
                total += (right - left) * (bottom - top) * src[(sy * sw + sx) * 3 + c];
        }
    }
    int64_t units = (int64_t)sw * sh;
    return (int)((2 * total + units) / (2 * units));
}

static void shrinking_is_the_mean(void **state)
{
    (void)state;
    static const int cases[][4] = {{12, 9, 12, 9}, {12, 10, 6, 5}, {13, 11, 5, 7},
                                   {31, 2, 1, 1},  {9, 17, 9, 4},  {16, 16, 15, 1}};
    uint64_t seed = 3;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const int sw = cases[k][0];
        const int sh = cases[k][1];
        const int dw = cases[k][2];
        const int dh = cases[k][3];
        uint8_t src[31 * 17 * 3];
        uint8_t got[31 * 17 * 3];
        float scratch[31 * 3];
        for (size_t i = 0; i < sizeof src; i++)
            src[i] = (uint8_t)st_random_next(&seed);
        memset(got, 77, sizeof got);
        st_resize_area(got, dw, dh, (size_t)dw * 3, src, sw, sh, (size_t)sw * 3, scratch);
        for (int y = 0; y < dh; y++)
            for (int x = 0; x < dw; x++)
                for (int c = 0; c < 3; c++)
                    assert_int_equal(got[(y * dw + x) * 3 + c],
                                     mean_by_definition(src, sw, sh, dw, dh, x, y, c));
        assert_int_equal(got[dw * dh * 3], 77);
    }
}

/* A mean of exactly 255 or 1, or of a whole number, must not come out one lower. */
static void whole_means_stay(void **state)
{
    (void)state;
    static uint8_t src[61 * 47 * 3];
    uint8_t got[37 * 29 * 3];
    float scratch[61 * 3];
    for (int level = 0; level < 256; level++) {
        memset(src, level, sizeof src);
        st_resize_area(got, 37, 29, 111, src, 61, 47, 183, scratch);
        for (size_t i = 0; i < sizeof got; i++)
            assert_int_equal(got[i], level);
    }
}

/* Enlarging 4 to 5: destination pixel d lies over [0.8 d, 0.8 d + 0.8) and blends its two
 * neighbours in proportion to what it covers of each. */
static void enlarging_blends_neighbours(void **state)
{
    (void)state;
    uint8_t src[4 * 3];
    uint8_t got[5 * 3];
    float scratch[4 * 3];
    static const int levels[4] = {0, 100, 200, 50};
    static const int want[5] = {0, 75, 150, 162, 50};
    for (int x = 0; x < 4; x++)
        memset(src + (ptrdiff_t)x * 3, levels[x], 3);
    st_resize_area(got, 5, 1, 15, src, 4, 1, 12, scratch);
    for (int x = 0; x < 5; x++)
        for (int c = 0; c < 3; c++)
            assert_true(abs(got[x * 3 + c] - want[x]) <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_opencv),
        cmocka_unit_test(shrinking_is_the_mean),
        cmocka_unit_test(whole_means_stay),
        cmocka_unit_test(enlarging_blends_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
