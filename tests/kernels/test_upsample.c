/* SPDX-License-Identifier: Apache-2.0 */
/* Upsampling by two with aligned corners: the reference against the definition in double,
 * and every subset of the CPU's features bit-equal to the reference, at odd sizes, with
 * unaligned pointers, writing nothing outside. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/kernels.h"
#include "support/support.h"
#include "synctalk/machine.h"

#define GUARD 32
#define GUARD_VALUE 12345.0F

struct size {
    size_t planes, H, W, B;
};

static const size_t lengths[] = {1, 2, 3, 5, 10, 17};
static const size_t blocks[] = {1, 3, 7, 8, 9, 15, 16, 17, 40};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static size_t src_count(struct size s)
{
    return s.planes * s.H * s.W * s.B;
}

static float *random_source(struct size s, uint64_t *seed)
{
    float *src = malloc(src_count(s) * sizeof *src);
    assert_non_null(src);
    for (size_t i = 0; i < src_count(s); i++)
        src[i] = 8 * st_random_unit(seed) - 4;
    return src;
}

/* Guarded output, one float off any alignment. Returns all of it, malloc'ed. */
static float *run(const struct st_kernels *kernels, struct size s, const float *src)
{
    size_t count = 4 * src_count(s);
    float *all = malloc((count + 2 * GUARD + 1) * sizeof *all);
    assert_non_null(all);
    for (size_t i = 0; i < count + 2 * GUARD + 1; i++)
        all[i] = GUARD_VALUE;
    kernels->upsample2x(all + GUARD + 1, src, s.planes, s.H, s.W, s.B);
    for (size_t i = 0; i <= GUARD; i++)
        assert_true(all[i] == GUARD_VALUE);
    for (size_t i = 0; i < GUARD; i++)
        assert_true(all[count + GUARD + 1 + i] == GUARD_VALUE);
    return all;
}

static double definition(const float *src, struct size s, size_t y, size_t x, size_t b)
{
    double at_y = s.H > 1 ? (double)y * (double)(s.H - 1) / (double)(2 * s.H - 1) : 0;
    double at_x = s.W > 1 ? (double)x * (double)(s.W - 1) / (double)(2 * s.W - 1) : 0;
    double sum = 0;
    for (size_t r = 0; r < s.H; r++)
        for (size_t c = 0; c < s.W; c++)
            sum += fmax(0, 1 - fabs(at_y - (double)r)) * fmax(0, 1 - fabs(at_x - (double)c)) *
                   (double)src[(r * s.W + c) * s.B + b];
    return sum;
}

static void test_reference_is_definition(void **state)
{
    (void)state;
    struct st_kernels ref;
    uint64_t seed = 3;
    st_kernels_init(&ref, 0);
    for (size_t h = 0; h < COUNT(lengths); h++) {
        for (size_t w = 0; w < COUNT(lengths); w++) {
            const struct size s = {2, lengths[h], lengths[w], 3};
            float *src = random_source(s, &seed);
            float *got = run(&ref, s, src);
            for (size_t i = 0; i < 4 * src_count(s); i++) {
                size_t b = i % 3, x = i / 3 % (2 * s.W), y = i / (6 * s.W) % (2 * s.H);
                size_t plane = i / (12 * s.W * s.H);
                double want = definition(src + plane * s.H * s.W * 3, s, y, x, b);
                /* positions are f32: off by 17 * 2^-24 times a slope of at most 8 */
                assert_true(fabs((double)got[GUARD + 1 + i] - want) < 4e-5);
            }
            free(got);
            free(src);
        }
    }
}

static void compare(unsigned mask, struct size s, uint64_t *seed)
{
    struct st_kernels ref, fast;
    st_kernels_init(&ref, 0);
    st_kernels_init(&fast, mask);
    float *src = random_source(s, seed);
    float *want = run(&ref, s, src), *got = run(&fast, s, src);
    if (memcmp(want, got, (4 * src_count(s) + 2 * GUARD + 1) * sizeof *want) != 0)
        fail_msg("cpu=%#x %zux%zux%zux%zu differs from the reference", mask, s.planes, s.H, s.W,
                 s.B);
    free(got);
    free(want);
    free(src);
}

static void test_variants_equal_reference(void **state)
{
    (void)state;
    const unsigned have = st_cpu_flags();
    uint64_t seed = 5;
    unsigned mask = 0;
    do {
        mask = (mask - have) & have; /* the next subset of `have` */
        for (size_t h = 0; h < COUNT(lengths); h++)
            for (size_t b = 0; b < COUNT(blocks); b++)
                compare(mask, (struct size){1 + b % 3, lengths[h], 1 + (h + b) % 9, blocks[b]},
                        &seed);
    } while (mask);
}

static void test_table_obeys_mask(void **state)
{
    (void)state;
    struct st_kernels k;
    st_kernels_init(&k, 0);
    assert_int_equal(k.flags, 0);
    for (size_t i = 0; st_kernels_entry(i); i++)
        assert_string_equal(st_kernels_variant(&k, i), "ref");
    assert_null(st_kernels_variant(&k, 99));

    /* AVX-512 without AVX2 is no set that code here is compiled for. */
    st_kernels_init(&k, SYNCTALK_CPU_AVX512 | SYNCTALK_CPU_VNNI);
    assert_int_equal(k.flags, 0);
    st_kernels_init(&k, ~0U);
    assert_int_equal(k.flags, st_cpu_flags());
    if (k.flags & SYNCTALK_CPU_AVX512)
        assert_string_equal(st_kernels_variant(&k, 0), "avx512");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_is_definition),
        cmocka_unit_test(test_variants_equal_reference),
        cmocka_unit_test(test_table_obeys_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
