/* SPDX-License-Identifier: Apache-2.0 */
/* Colours of rows against their formulas in double, on every subset of the CPU's features, at
 * every count up to a few registers; and nothing is written past the end. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/colour.h"
#include "support/support.h"

#define MAX_COUNT 70
#define GUARD 32

struct rows {
    uint8_t a[2 * MAX_COUNT], b[2 * MAX_COUNT], c[2 * MAX_COUNT];
    uint8_t before[2][6 * MAX_COUNT], after[2][6 * MAX_COUNT];
};

static void fill(struct rows *rows, uint64_t *seed)
{
    uint8_t *bytes = (uint8_t *)rows;
    for (size_t i = 0; i < sizeof *rows; i++) {
        const uint64_t draw = st_random_next(seed);
        bytes[i] = draw % 8 == 0 ? 255 : draw % 8 == 1 ? 0 : (uint8_t)(draw >> 8);
    }
}

static double clamped(double v)
{
    return v < 0 ? 0 : v > 255 ? 255 : v;
}

/* BT.709, limited range, of BGR that may lie outside of 0 ... 255. */
static void video_of(const double bgr[3], double video[3])
{
    const double luma = 0.0722 * bgr[0] + 0.7152 * bgr[1] + 0.2126 * bgr[2];
    video[0] = 219.0 / 255 * luma;
    video[1] = 224.0 / 255 * (bgr[0] - luma) / 1.8556;
    video[2] = 224.0 / 255 * (bgr[2] - luma) / 1.5748;
}

static void bgr_of(int y, int cb, int cr, double bgr[3])
{
    bgr[0] = y + 1.772 * (cb - 128);
    bgr[1] = y - 0.114 * 1.772 / 0.587 * (cb - 128) - 0.299 * 1.402 / 0.587 * (cr - 128);
    bgr[2] = y + 1.402 * (cr - 128);
}

static void check_near(const char *what, double got, double want, double bound)
{
    if (!(fabs(got - want) <= bound))
        fail_msg("%s: %g, want %g", what, got, want);
}

static void guard(uint8_t *dst, size_t size)
{
    memset(dst, 77, size);
}

static void check_guard(const uint8_t *dst, size_t from, size_t size)
{
    for (size_t i = from; i < size; i++)
        assert_int_equal(dst[i], 77);
}

static void check_jpeg(const struct st_colour_kernels *k, const struct rows *r, size_t n)
{
    uint8_t bgr[3 * MAX_COUNT + GUARD];
    uint8_t luma[MAX_COUNT + GUARD];
    uint8_t cb[MAX_COUNT + GUARD];
    uint8_t cr[MAX_COUNT + GUARD];
    guard(bgr, sizeof bgr);
    guard(luma, sizeof luma);
    guard(cb, sizeof cb);
    guard(cr, sizeof cr);
    k->jpeg_to_bgr(bgr, r->a, r->b, r->c, n);
    k->jpeg_to_luma(luma, r->a, r->b, r->c, n);
    k->jpeg_to_chroma(cb, cr, r->b, r->c, n);
    for (size_t i = 0; i < n; i++) {
        double want[3];
        double video[3];
        bgr_of(r->a[i], r->b[i], r->c[i], want);
        video_of(want, video);
        for (size_t c = 0; c < 3; c++)
            check_near("BGR", bgr[3 * i + c], clamped(want[c]), 0.51);
        check_near("luma", luma[i], clamped(16 + video[0]), 0.51);
        check_near("Cb", cb[i], clamped(128 + video[1]), 0.51);
        check_near("Cr", cr[i], clamped(128 + video[2]), 0.51);
    }
    check_guard(bgr, 3 * n, sizeof bgr);
    check_guard(luma, n, sizeof luma);
    check_guard(cb, n, sizeof cb);
    check_guard(cr, n, sizeof cr);
}

static int at(const uint8_t *row, size_t n, ptrdiff_t i)
{
    return row[i < 0 ? 0 : (size_t)i >= n ? n - 1 : (size_t)i];
}

static void check_chroma(const struct st_colour_kernels *k, const struct rows *r, size_t n)
{
    uint8_t up[2 * MAX_COUNT + GUARD];
    uint8_t mean[MAX_COUNT + GUARD];
    guard(up, sizeof up);
    guard(mean, sizeof mean);
    k->chroma_up(up, r->a, r->b, n);
    k->mean_2x2(mean, r->a, r->b, n);
    for (size_t i = 0; i < 2 * n; i++) {
        const ptrdiff_t own = (ptrdiff_t)(i / 2);
        const ptrdiff_t next = i % 2 ? own + 1 : own - 1;
        const int here = 3 * at(r->a, n, own) + at(r->b, n, own);
        const int there = 3 * at(r->a, n, next) + at(r->b, n, next);
        assert_int_equal(up[i], (3 * here + there + (i % 2 ? 7 : 8)) / 16);
    }
    for (size_t i = 0; i < n; i++)
        assert_int_equal(mean[i],
                         (r->a[2 * i] + r->a[2 * i + 1] + r->b[2 * i] + r->b[2 * i + 1] + 2) / 4);
    check_guard(up, 2 * n, sizeof up);
    check_guard(mean, n, sizeof mean);
}

static void check_change(const struct st_colour_kernels *k, struct rows *r, size_t n)
{
    uint8_t luma[2][2 * MAX_COUNT];
    uint8_t cb[MAX_COUNT];
    uint8_t cr[MAX_COUNT];
    uint8_t *const lumas[2] = {luma[0], luma[1]};
    memcpy(luma[0], r->a, sizeof luma[0]);
    memcpy(luma[1], r->b, sizeof luma[1]);
    memcpy(cb, r->c, sizeof cb);
    memcpy(cr, r->c + MAX_COUNT, sizeof cr);
    if (n > 1) /* one block is left alone */
        for (int row = 0; row < 2; row++)
            memcpy(r->after[row], r->before[row], 6);
    const uint8_t *const before[2] = {r->before[0], r->before[1]};
    const uint8_t *const after[2] = {r->after[0], r->after[1]};
    k->add_change((uint8_t **)lumas, cb, cr, before, after, n);
    for (size_t i = 0; i < n; i++) {
        double sums[3] = {0, 0, 0};
        for (size_t p = 0; p < 4; p++) {
            const size_t x = 2 * i + p % 2;
            double bgr[3];
            double video[3];
            for (size_t c = 0; c < 3; c++)
                bgr[c] = after[p / 2][3 * x + c] - before[p / 2][3 * x + c];
            video_of(bgr, video);
            for (size_t c = 0; c < 3; c++)
                sums[c] += video[c] / 4;
            const uint8_t old = p / 2 ? r->b[x] : r->a[x];
            check_near("luma", luma[p / 2][x], clamped(old + video[0]), 0.51);
        }
        check_near("Cb", cb[i], clamped(r->c[i] + sums[1]), 0.51);
        check_near("Cr", cr[i], clamped(r->c[MAX_COUNT + i] + sums[2]), 0.51);
    }
    if (n > 1)
        assert_true(luma[0][0] == r->a[0] && luma[1][1] == r->b[1] && cb[0] == r->c[0]);
    for (size_t x = 2 * n; x < sizeof luma[0]; x++)
        assert_true(luma[0][x] == r->a[x] && luma[1][x] == r->b[x]);
}

static void every_variant_keeps_to_the_formulas(void **state)
{
    (void)state;
    const unsigned have = st_cpu_flags();
    uint64_t seed = 1;
    struct rows rows;
    unsigned mask = 0;
    do {
        struct st_colour_kernels kernels;
        st_colour_kernels_init(&kernels, mask);
        for (size_t n = 1; n <= MAX_COUNT; n++) {
            fill(&rows, &seed);
            check_jpeg(&kernels, &rows, n);
            check_chroma(&kernels, &rows, n);
            check_change(&kernels, &rows, n);
        }
        mask = (mask - have) & have;
    } while (mask != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_variant_keeps_to_the_formulas)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
