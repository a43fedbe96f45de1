/* SPDX-License-Identifier: Apache-2.0 */
/* Bicubic resizing: views, extreme sizes, and what the kernel's shape promises. */
#include <stdlib.h>
#include <string.h>

#include "image/picture.h"
#include "kernels/kernels.h"
#include "support/support.h"

static struct st_resizer *make(int max_side, unsigned mask)
{
    struct st_kernels kernels;
    struct st_resizer *resizer = NULL;
    st_kernels_init(&kernels, mask);
    ST_OK(st_resizer_create(&resizer, max_side, &kernels, err));
    return resizer;
}

static uint8_t *noise(size_t size)
{
    uint64_t seed = 21;
    uint8_t *data = malloc(size);
    assert_non_null(data);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)st_random_next(&seed);
    return data;
}

static void test_same_size_is_a_copy(void **state)
{
    (void)state;
    struct st_resizer *resizer = make(64, ~0u);
    uint8_t *src = noise((size_t)64 * 50 * 3);
    uint8_t *dst = malloc((size_t)64 * 50 * 3);
    st_resize_cubic(resizer, dst, 64, 50, 192, src, 64, 50, 192);
    assert_memory_equal(dst, src, (size_t)64 * 50 * 3);
    free(src);
    free(dst);
    st_resizer_destroy(&resizer);
}

static void test_flat_stays_flat(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 90}, {90, 1}, {2, 3}, {200, 7}, {7, 200}, {3, 328}};
    struct st_resizer *resizer = make(328, ~0u);
    uint8_t *src = malloc((size_t)200 * 200 * 3);
    uint8_t *dst = malloc((size_t)328 * 328 * 3);
    memset(src, 137, (size_t)200 * 200 * 3);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int from = sizes[i][0];
        int to = sizes[i][1];
        st_resize_cubic(resizer, dst, to, to, (size_t)to * 3, src, from, from, (size_t)from * 3);
        for (size_t k = 0; k < (size_t)to * (size_t)to * 3; k++)
            assert_int_equal(dst[k], 137);
    }
    free(src);
    free(dst);
    st_resizer_destroy(&resizer);
}

/* A part of a larger picture must not see what lies around it, and the destination's
 * stride must be kept to. */
static void test_views(void **state)
{
    (void)state;
    enum { SIDE = 40, PART = 23, TO = 31 };
    struct st_resizer *resizer = make(TO, ~0u);
    uint8_t *frame = noise((size_t)SIDE * SIDE * 3);
    uint8_t part[PART * PART * 3];
    uint8_t want[TO * TO * 3];
    uint8_t got[TO * (TO + 5) * 3];
    const uint8_t *view = frame + (size_t)(9 * SIDE + 6) * 3;
    for (size_t y = 0; y < PART; y++)
        memcpy(part + y * PART * 3, view + y * SIDE * 3, (size_t)PART * 3);
    memset(got, 55, sizeof got);
    st_resize_cubic(resizer, want, TO, TO, (size_t)TO * 3, part, PART, PART, (size_t)PART * 3);
    st_resize_cubic(resizer, got, TO, TO, (size_t)(TO + 5) * 3, view, PART, PART, (size_t)SIDE * 3);
    for (size_t y = 0; y < TO; y++) {
        assert_memory_equal(got + y * (TO + 5) * 3, want + y * TO * 3, (size_t)TO * 3);
        for (size_t k = 0; k < 15; k++)
            assert_int_equal(got[(y * (TO + 5) + TO) * 3 + k], 55);
    }
    free(frame);
    st_resizer_destroy(&resizer);
}

static void test_every_cpu_agrees(void **state)
{
    (void)state;
    static const int sizes[][2] = {{97, 328}, {328, 97}, {5, 328}, {328, 3}, {211, 200}};
    struct st_resizer *plain = make(328, 0);
    struct st_resizer *fast = make(328, ~0u);
    uint8_t *src = noise((size_t)328 * 328 * 3);
    uint8_t *want = malloc((size_t)328 * 328 * 3);
    uint8_t *got = malloc((size_t)328 * 328 * 3);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int from = sizes[i][0];
        int to = sizes[i][1];
        st_resize_cubic(plain, want, to, to, (size_t)to * 3, src, from, from, (size_t)from * 3);
        st_resize_cubic(fast, got, to, to, (size_t)to * 3, src, from, from, (size_t)from * 3);
        assert_memory_equal(got, want, (size_t)to * (size_t)to * 3);
    }
    free(src);
    free(want);
    free(got);
    st_resizer_destroy(&plain);
    st_resizer_destroy(&fast);
}

static void test_limits(void **state)
{
    (void)state;
    struct st_kernels kernels;
    struct st_resizer *resizer = NULL;
    struct st_picture picture = {0};
    synctalk_error err;
    st_kernels_init(&kernels, 0);
    assert_int_equal(st_resizer_create(&resizer, 0, &kernels, &err), SYNCTALK_E_ARG);
    assert_int_equal(st_resizer_create(&resizer, ST_PICTURE_MAX_SIDE + 1, &kernels, &err),
                     SYNCTALK_E_ARG);
    assert_null(resizer);
    assert_int_equal(st_picture_resize(&picture, 0, 5, &err), SYNCTALK_E_FORMAT);
    assert_int_equal(st_picture_resize(&picture, 5, ST_PICTURE_MAX_SIDE + 1, &err),
                     SYNCTALK_E_FORMAT);
    assert_null(picture.data);
    st_resizer_destroy(&resizer);
    st_resizer_destroy(NULL);
    st_picture_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_size_is_a_copy),
        cmocka_unit_test(test_flat_stays_flat),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_every_cpu_agrees),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
