/* SPDX-License-Identifier: Apache-2.0 */
/* Mixing rows: every subset of the CPU's features equals the definition, at every count
 * up to a few registers, in place too, and writes nothing past its end. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/kernels.h"
#include "support/support.h"

#define MAX_COUNT 70
#define GUARD 48

static uint8_t mixed(uint8_t base, uint8_t src, uint8_t alpha)
{
    return (uint8_t)floor(base + ((double)src - base) * alpha / 255.0 + 0.5);
}

static void check(const struct st_kernels *kernels, unsigned mask, size_t count, bool in_place,
                  uint64_t *seed)
{
    uint8_t *base = malloc(count * 3);
    uint8_t *src = malloc(count * 3);
    uint8_t *alpha = malloc(count);
    uint8_t got[MAX_COUNT * 3 + GUARD];
    assert_true(base && src && alpha);

    for (size_t i = 0; i < count * 3; i++) {
        base[i] = (uint8_t)st_random_next(seed);
        src[i] = (uint8_t)st_random_next(seed);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t draw = st_random_next(seed);
        alpha[i] = draw % 4 == 0 ? 255 : draw % 4 == 1 ? 0 : (uint8_t)(draw >> 8);
    }
    memset(got, 77, sizeof got);
    if (in_place)
        memcpy(got, base, count * 3);
    kernels->blend_row(got, in_place ? got : base, src, alpha, count);

    for (size_t i = 0; i < count * 3; i++) {
        uint8_t want = mixed(base[i], src[i], alpha[i / 3]);
        if (got[i] != want)
            fail_msg("cpu=%#x count=%zu: byte %zu is %d, want %d (%d to %d, alpha %d)", mask, count,
                     i, got[i], want, base[i], src[i], alpha[i / 3]);
    }
    for (size_t i = count * 3; i < sizeof got; i++)
        if (got[i] != 77)
            fail_msg("cpu=%#x count=%zu: wrote past the end", mask, count);
    free(base);
    free(src);
    free(alpha);
}

static void test_rows(void **state)
{
    (void)state;
    unsigned have = st_cpu_flags();
    unsigned mask = 0;
    do {
        struct st_kernels kernels;
        uint64_t seed = 11;
        st_kernels_init(&kernels, mask);
        for (size_t count = 1; count <= MAX_COUNT; count++) {
            check(&kernels, mask, count, false, &seed);
            check(&kernels, mask, count, true, &seed);
        }
        mask = (mask - have) & have;
    } while (mask != 0);
}

/* All 2^24 triples would take long; all alphas against the levels where the division by
 * 255 can slip are enough. */
static void test_division(void **state)
{
    (void)state;
    struct st_kernels kernels;
    uint8_t base[256 * 3];
    uint8_t src[256 * 3];
    uint8_t alpha[256];
    uint8_t got[256 * 3];

    for (unsigned mask = 0;; mask = ~0u) {
        st_kernels_init(&kernels, mask);
        for (int level = 0; level < 256; level++) {
            for (int i = 0; i < 256; i++) {
                alpha[i] = (uint8_t)i;
                memset(base + (ptrdiff_t)i * 3, level, 3);
                src[i * 3] = 255;
                src[i * 3 + 1] = 0;
                src[i * 3 + 2] = (uint8_t)(level + i);
            }
            kernels.blend_row(got, base, src, alpha, 256);
            for (int i = 0; i < 256 * 3; i++)
                assert_int_equal(got[i], mixed(base[i], src[i], alpha[i / 3]));
        }
        if (mask)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_division),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
