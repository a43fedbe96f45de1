/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels of rows against their references: every subset of this CPU's features, odd
 * widths, guards behind the last element.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/rows.h"
#include "support/support.h"

#define ROWS 3
#define WIDTH_MAX 1056
#define GUARD 64

static const size_t widths[] = {1, 7, 8, 9, 15, 16, 17, 31, 33, 48, 64, 149, 512, 999, 1056};

struct rows {
    float src[ROWS * WIDTH_MAX], scores[ROWS * WIDTH_MAX], scale[WIDTH_MAX], shift[WIDTH_MAX];
    unsigned char want[(ROWS * WIDTH_MAX + GUARD) * 4], got[(ROWS * WIDTH_MAX + GUARD) * 4];
};

static double value(const unsigned char *data, enum st_row_element element, size_t i)
{
    float f;
    uint32_t bits = 0;
    if (element == ST_ROW_F32) {
        memcpy(&f, data + i * 4, 4);
        return (double)f;
    }
    memcpy((char *)&bits + 2, data + i * 2, 2);
    memcpy(&f, &bits, 4);
    return (double)f;
}

/* `bound` relative to the size of a number, with `floor` the least size that counts. */
static void compare(const struct rows *rows, enum st_row_element element, size_t count,
                    double bound, double least, const char *what)
{
    if (element == ST_ROW_BF16)
        bound += 1.0 / 128; /* the neighbour, where rounding goes the other way */
    for (size_t i = 0; i < count; i++) {
        double want = value(rows->want, element, i);
        double got = value(rows->got, element, i);
        if (!(fabs(want - got) <= bound * fmax(fabs(want), least)))
            fail_msg("%s: element %zu is %.9g, not %.9g", what, i, got, want);
    }
    for (size_t i = count * st_row_element_bytes(element); i < sizeof rows->got; i++)
        if (rows->got[i] != 0xa5)
            fail_msg("%s: wrote %zu bytes behind the end", what,
                     i - count * st_row_element_bytes(element));
}

static void run(const struct st_row_kernels *k, struct rows *rows, unsigned char *dst,
                enum st_row_element element, size_t width, int which)
{
    struct st_row_norm norm = {rows->scale, rows->shift, 1e-5f, which == 1};
    memset(dst, 0xa5, sizeof rows->got);
    memcpy(rows->scores, rows->src, sizeof rows->src);
    if (which < 2)
        k->norm(dst, element, rows->src, &norm, ROWS, width);
    else if (which == 2)
        k->scale_gelu(dst, element, rows->src, rows->scale, rows->shift, ROWS, width);
    else if (which == 5)
        k->copy(dst, element, rows->src, ROWS * width);
    else
        k->softmax(dst, element, rows->scores, which == 3 ? width : (width + 1) / 2, ROWS, width);
}

static void check(unsigned flags, struct rows *rows, size_t width)
{
    static const char *const names[] = {"norm",    "norm and gelu",         "scale and gelu",
                                        "softmax", "softmax of half a row", "copy"};
    struct st_row_kernels ref, k;
    st_row_kernels_init(&ref, 0);
    st_row_kernels_init(&k, flags);
    for (int element = ST_ROW_F32; element <= ST_ROW_BF16; element++)
        for (int which = 0; which < 6; which++) {
            run(&ref, rows, rows->want, (enum st_row_element)element, width, which);
            run(&k, rows, rows->got, (enum st_row_element)element, width, which);
            /* Sums of up to 1056 in f32 lanes; erfc to 1.5e-7; for probabilities, the
             * rounding of an argument of up to 60. */
            compare(rows, (enum st_row_element)element, ROWS * width, which < 3 ? 4e-6 : 1e-5,
                    which < 3 ? 1.0 : FLT_MIN, names[which]);
        }
}

static void test_variants(void **state)
{
    struct rows *rows = *state;
    uint64_t seed = 3;
    const unsigned flags = st_cpu_flags();

    for (unsigned subset = flags;; subset = (subset - 1) & flags) {
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            for (size_t i = 0; i < ROWS * widths[w]; i++)
                rows->src[i] = (st_random_unit(&seed) - 0.5f) * (i % 7 == 0 ? 60.0f : 6.0f) + 1;
            for (size_t i = 0; i < widths[w]; i++) {
                rows->scale[i] = st_random_unit(&seed) + 0.5f;
                rows->shift[i] = st_random_unit(&seed) - 0.5f;
            }
            check(subset, rows, widths[w]);
        }
        if (subset == 0)
            break;
    }
}

/* Guards: an erf that is good to 1e-7 of 1 but not of a small GELU. */
static void test_gelu(void **state)
{
    struct rows *rows = *state;
    struct st_row_kernels k;
    st_row_kernels_init(&k, ~0u & st_cpu_flags());
    for (size_t i = 0; i < 1024; i++) {
        rows->src[i] = ((float)i - 512) / 64;
        rows->scale[i] = 1;
        rows->shift[i] = 0;
    }
    k.scale_gelu(rows->got, ST_ROW_F32, rows->src, rows->scale, rows->shift, 1, 1024);
    for (size_t i = 0; i < 1024; i++) {
        double x = (double)rows->src[i];
        double want = x * erfc(-x / sqrt(2.0)) / 2;
        double got = value(rows->got, ST_ROW_F32, i);
        if (!(fabs(got - want) <= 4e-7 * fmax(1, fabs(x))))
            fail_msg("gelu(%g) is %.9g, not %.9g", x, got, want);
    }
}

/* Guards: a NaN of damaged weights that comes out as a number. */
static void test_nan(void **state)
{
    struct rows *rows = *state;
    struct st_row_kernels k;
    for (unsigned flags = 0; flags < 4; flags++) {
        st_row_kernels_init(&k, flags & st_cpu_flags());
        for (int element = ST_ROW_F32; element <= ST_ROW_BF16; element++)
            for (int which = 0; which < 3; which++) {
                for (size_t i = 0; i < (size_t)ROWS * 33; i++)
                    rows->src[i] = (float)(i % 5);
                for (size_t i = 0; i < 33; i++)
                    rows->scale[i] = rows->shift[i] = 1;
                rows->src[20] = NAN;
                run(&k, rows, rows->got, (enum st_row_element)element, 33, which);
                assert_true(isnan(value(rows->got, (enum st_row_element)element, 20)) != 0);
                assert_true(isnan(value(rows->got, (enum st_row_element)element, 40)) == 0);
            }
    }
}

static int setup(void **state)
{
    *state = malloc(sizeof(struct rows));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_variants), cmocka_unit_test(test_gelu),
                                       cmocka_unit_test(test_nan)};
    return cmocka_run_group_tests_name("rows", tests, setup, teardown);
}
