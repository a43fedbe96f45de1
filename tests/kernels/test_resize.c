/* SPDX-License-Identifier: Apache-2.0 */
/* The bicubic rows: every subset of the CPU's features equals the reference, at every
 * width up to a few registers, and writes nothing past its end. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/kernels.h"
#include "kernels/kernels_impl.h"
#include "support/support.h"

#define MAX_WIDTH 70
#define SOURCE 50
#define GUARD 32

typedef void (*check_function)(const struct st_kernels *kernels, unsigned mask, size_t width,
                               uint64_t *seed);

static void for_every_cpu(check_function check)
{
    unsigned have = st_cpu_flags();
    unsigned mask = 0;
    do {
        struct st_kernels kernels;
        uint64_t seed = 7;
        st_kernels_init(&kernels, mask);
        for (size_t width = 1; width <= MAX_WIDTH; width++)
            check(&kernels, mask, width, &seed);
        mask = (mask - have) & have;
    } while (mask != 0);
}

/* Windows of four neighbours, cut off at either end of the row, and now and then four
 * taps that are no window at all. */
static void random_taps(int32_t *tap, size_t width, uint64_t *seed)
{
    for (size_t x = 0; x < width; x++) {
        int32_t first = (int32_t)(st_random_next(seed) % (SOURCE + 4)) - 4;
        bool scattered = st_random_next(seed) % 8 == 0;
        for (int32_t k = 0; k < 4; k++) {
            int32_t t = scattered ? (int32_t)(st_random_next(seed) % SOURCE) : first + k;
            tap[x * 4 + (size_t)k] = t < 0 ? 0 : t >= SOURCE ? SOURCE - 1 : t;
        }
    }
}

static void check_row(const struct st_kernels *kernels, unsigned mask, size_t width, uint64_t *seed)
{
    /* Exact allocations, so that a sanitizer sees a read past the last pixel. */
    uint8_t *src = malloc(SOURCE * 3);
    int32_t *tap = malloc(width * 4 * sizeof *tap);
    int16_t *weight = malloc(width * 4 * sizeof *weight);
    int32_t want[MAX_WIDTH * 3];
    int32_t got[MAX_WIDTH * 3 + GUARD];
    assert_true(src && tap && weight);

    for (size_t i = 0; i < SOURCE * 3; i++)
        src[i] = (uint8_t)st_random_next(seed);
    random_taps(tap, width, seed);
    for (size_t i = 0; i < width * 4; i++)
        weight[i] = (int16_t)((int)(st_random_next(seed) % 4096) - 2048);
    for (size_t i = 0; i < MAX_WIDTH * 3 + GUARD; i++)
        got[i] = -77;

    st_cubic_row_ref(want, src, tap, weight, width);
    kernels->cubic_row(got, src, tap, weight, width);
    for (size_t i = 0; i < width * 3; i++)
        if (got[i] != want[i])
            fail_msg("cpu=%#x width=%zu: sum %zu is %d, want %d", mask, width, i, got[i], want[i]);
    for (size_t i = width * 3; i < MAX_WIDTH * 3 + GUARD; i++)
        if (got[i] != -77)
            fail_msg("cpu=%#x width=%zu: wrote past the end", mask, width);
    free(src);
    free(tap);
    free(weight);
}

static void check_column(const struct st_kernels *kernels, unsigned mask, size_t width,
                         uint64_t *seed)
{
    size_t count = width * 3;
    int32_t *rows[4];
    float b[4];
    uint8_t want[MAX_WIDTH * 3];
    uint8_t got[MAX_WIDTH * 3 + GUARD];

    for (size_t k = 0; k < 4; k++) {
        rows[k] = malloc(count * sizeof **rows);
        assert_non_null(rows[k]);
        for (size_t i = 0; i < count; i++)
            rows[k][i] = (int32_t)(st_random_next(seed) % 700000) - 90000;
        b[k] = ((float)(st_random_next(seed) % 2600) - 400.0f) * 0x1p-22f;
    }
    memset(got, 77, sizeof got);
    const int32_t *views[4] = {rows[0], rows[1], rows[2], rows[3]};
    st_cubic_column_ref(want, views, b, count);
    kernels->cubic_column(got, views, b, count);
    for (size_t i = 0; i < count; i++)
        if (got[i] != want[i])
            fail_msg("cpu=%#x count=%zu: level %zu is %d, want %d", mask, count, i, got[i],
                     want[i]);
    for (size_t i = count; i < sizeof got; i++)
        if (got[i] != 77)
            fail_msg("cpu=%#x count=%zu: wrote past the end", mask, count);
    for (size_t k = 0; k < 4; k++)
        free(rows[k]);
}

static void test_row(void **state)
{
    (void)state;
    for_every_cpu(check_row);
}

static void test_column(void **state)
{
    (void)state;
    for_every_cpu(check_column);
}

/* Halves go to the even level, and levels outside 0..255 are clamped: the two things that
 * a faster rounding gets wrong first. */
static void test_column_rounding(void **state)
{
    (void)state;
    enum { N = 40 };
    int32_t sums[N];
    int32_t zeros[N] = {0};
    uint8_t got[N];
    const float b[4] = {0.0f, 2048.0f * 0x1p-22f, 0.0f, 0.0f};
    const int32_t *rows[4] = {zeros, sums, zeros, zeros};

    for (int i = 0; i < N; i++)
        sums[i] = (i - 4) * 16 * 2048 / 32; /* steps of half a level */
    sums[N - 2] = 400 * 2048;
    sums[N - 1] = -400 * 2048;

    unsigned have = st_cpu_flags();
    for (unsigned mask = 0;; mask = have) {
        struct st_kernels kernels;
        st_kernels_init(&kernels, mask);
        kernels.cubic_column(got, rows, b, N);
        for (int i = 0; i < N - 2; i++) {
            double level = nearbyint((i - 4) * 0.5);
            assert_int_equal(got[i], level < 0 ? 0 : (int)level);
        }
        assert_int_equal(got[N - 2], 255);
        assert_int_equal(got[N - 1], 0);
        if (mask == have)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row),
        cmocka_unit_test(test_column),
        cmocka_unit_test(test_column_rounding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
