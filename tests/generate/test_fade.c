/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures laid over each other, still and moved. */
#include "support/support.h"

#include <math.h>

#include "generate/fade.h"

enum { WIDTH = 23, HEIGHT = 17 };

static void fill(struct st_picture *picture, uint64_t seed)
{
    ST_OK(st_picture_resize(picture, WIDTH, HEIGHT, err));
    for (size_t i = 0; i < picture->stride * HEIGHT; i++)
        picture->data[i] = (uint8_t)st_random_next(&seed);
}

static int at(const struct st_picture *p, int x, int y, int c)
{
    x = x < 0 ? 0 : x < WIDTH ? x : WIDTH - 1;
    y = y < 0 ? 0 : y < HEIGHT ? y : HEIGHT - 1;
    return p->data[(size_t)y * p->stride + 3 * (size_t)x + (size_t)c];
}

static void a_still_fade_is_the_weighted_mean(void **state)
{
    (void)state;
    struct st_picture a = {0};
    struct st_picture b = {0};
    struct st_picture out = {0};
    fill(&a, 1);
    fill(&b, 2);
    fill(&out, 3);
    for (int w = 0; w <= 26; w++) {
        const struct st_fade fade = {.weight = w / 26.0};
        st_fade_pictures(&out, &a, &b, &fade);
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                for (int c = 0; c < 3; c++) {
                    const double want =
                        at(&a, x, y, c) + fade.weight * (at(&b, x, y, c) - at(&a, x, y, c));
                    assert_true(fabs(at(&out, x, y, c) - want) < 0.52);
                }
        /* What is the same on both sides does not flicker. */
        st_fade_pictures(&out, &a, &a, &fade);
        assert_memory_equal(out.data, a.data, a.stride * HEIGHT);
    }
    st_fade_pictures(&out, &a, &b, &(struct st_fade){.weight = 0.25});
    st_fade_pictures(&a, &a, &b, &(struct st_fade){.weight = 0.25});
    assert_memory_equal(out.data, a.data, a.stride * HEIGHT);
    st_picture_free(&a);
    st_picture_free(&b);
    st_picture_free(&out);
}

static void a_moved_fade_moves_each_side_its_own_way(void **state)
{
    (void)state;
    struct st_picture a = {0};
    struct st_picture b = {0};
    struct st_picture out = {0};
    struct st_fade fade = {.moves = true,
                           .move = {.a = 1, .dx = 3, .dy = -2},
                           .other_move = {.a = 0, .b = 1, .dx = HEIGHT - 1}}; /* a quarter turn */
    fill(&a, 4);
    fill(&b, 5);
    fill(&out, 6);
    for (int w = 0; w <= 1; w++) {
        fade.weight = w;
        st_fade_pictures(&out, &a, &b, &fade);
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                for (int c = 0; c < 3; c++)
                    assert_int_equal(at(&out, x, y, c),
                                     w ? at(&b, y, HEIGHT - 1 - x, c) : at(&a, x - 3, y + 2, c));
    }
    /* Between pixels: half of each of two neighbours. */
    fade.weight = 0;
    fade.move = (struct st_similarity){.a = 1, .dx = 0.5};
    st_fade_pictures(&out, &a, &b, &fade);
    for (int x = 0; x < WIDTH; x++)
        assert_true(fabs(at(&out, x, 4, 1) - (at(&a, x - 1, 4, 1) + at(&a, x, 4, 1)) / 2.0) <= 0.5);
    st_picture_free(&a);
    st_picture_free(&b);
    st_picture_free(&out);
}

static void difference_is_the_mean(void **state)
{
    (void)state;
    struct st_picture a = {0};
    struct st_picture b = {0};
    fill(&a, 7);
    fill(&b, 7);
    assert_true(st_picture_difference(&a, &b) == 0);
    b.data[5] = (uint8_t)(a.data[5] > 100 ? a.data[5] - 90 : a.data[5] + 90);
    b.data[b.stride * HEIGHT - 1] ^= 1;
    assert_true(fabs(st_picture_difference(&a, &b) - 91.0 / (3 * WIDTH * HEIGHT)) < 1e-12);
    st_picture_free(&a);
    st_picture_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_still_fade_is_the_weighted_mean),
        cmocka_unit_test(a_moved_fade_moves_each_side_its_own_way),
        cmocka_unit_test(difference_is_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
