/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels of training: every variant against its reference, over odd sizes, with guard
 * elements behind what it writes.
 *
 * The data lie within 1, so bounds are absolute: in f32 a few hundred roundings, in bf16
 * one step of an element, and for sums over pixels one rounding of each term.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/train.h"
#include "kernels/train_impl.h"
#include "support/support.h"
#include "synctalk/machine.h"

#define B_MAX ((size_t)ST_TRAIN_B_MAX)
#define PIXELS_MAX ((size_t)20 * 20 * 4)
#define GUARD 16

/* A variant and the reference of the same element and block. */
struct pair {
    struct st_train_kernels ref, tested;
    const char *name;
    double bound;
};

/* Room for PIXELS_MAX pixels of either element, and a guard. */
union elements {
    float f32[PIXELS_MAX * B_MAX + GUARD];
    uint16_t bf16[PIXELS_MAX * B_MAX + GUARD];
};

static uint64_t seed = 11;

static float get(const struct pair *p, const union elements *e, size_t i)
{
    uint32_t bits = (uint32_t)e->bf16[i] << 16;
    float v;
    if (p->ref.element == ST_TRAIN_ELEMENT_F32)
        return e->f32[i];
    memcpy(&v, &bits, sizeof v);
    return v;
}

static void set(const struct pair *p, union elements *e, size_t i, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (p->ref.element == ST_TRAIN_ELEMENT_F32)
        e->f32[i] = v;
    else
        e->bf16[i] = (uint16_t)(bits >> 16);
}

static union elements *fresh(const struct pair *p, bool random)
{
    union elements *e = malloc(sizeof *e);
    assert_non_null(e);
    for (size_t i = 0; i < PIXELS_MAX * B_MAX + GUARD; i++)
        set(p, e, i, random ? 2 * st_random_unit(&seed) - 1 : -77.0F);
    return e;
}

static void same(const struct pair *p, const char *kernel, const union elements *want,
                 const union elements *got, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double a = (double)get(p, want, i), b = (double)get(p, got, i);
        if (!(fabs(a - b) <= p->bound * (1 + fabs(a))))
            fail_msg("%s %s: element %zu is %g, reference %g", p->name, kernel, i, b, a);
    }
    for (size_t i = count; i < count + GUARD; i++)
        if (get(p, got, i) != get(p, want, i))
            fail_msg("%s %s: wrote past the end", p->name, kernel);
}

static void same_sums(const struct pair *p, const char *kernel, const double *want,
                      const double *got, size_t pixels)
{
    for (size_t b = 0; b < p->ref.B; b++)
        if (!(fabs(want[b] - got[b]) <= p->bound * (1 + (double)pixels)))
            fail_msg("%s %s: sum %zu is %g, reference %g", p->name, kernel, b, got[b], want[b]);
}

static struct st_train_norm_block random_norm(float slope)
{
    struct st_train_norm_block n = {.slope = slope};
    float *const all[] = {n.mean, n.scale, n.beta, n.a, n.b, n.c};
    for (size_t i = 0; i < 6; i++)
        for (size_t b = 0; b < B_MAX; b++)
            all[i][b] = 2 * st_random_unit(&seed) - 1;
    return n;
}

static void check_norms(const struct pair *p, size_t count)
{
    static const float slopes[] = {0, 0.01F, 1};
    const size_t B = p->ref.B, size = count * B;
    union elements *z = fresh(p, true), *dy = fresh(p, true), *add = fresh(p, true);
    union elements *want = fresh(p, false), *got = fresh(p, false);
    struct st_train_sums sums[2];
    p->ref.sums(&sums[0], z, count, B);
    p->tested.sums(&sums[1], z, count, B);
    same_sums(p, "sums", sums[0].sum, sums[1].sum, count);
    same_sums(p, "sums", sums[0].square, sums[1].square, 4 * count);
    assert_memory_equal(sums[0].pivot, sums[1].pivot, B * sizeof(float));
    for (size_t i = 0; i < 12; i++) {
        const struct st_train_norm_block n = random_norm(slopes[i % 3]);
        const union elements *more = i % 2 ? add : NULL;
        struct st_train_gradient_sums g[2];
        p->ref.norm(want, z, more, &n, count, B);
        p->tested.norm(got, z, more, &n, count, B);
        same(p, "norm", want, got, size);
        p->ref.norm_gradient(&g[0], dy, z, more, &n, count, B);
        p->tested.norm_gradient(&g[1], dy, z, more, &n, count, B);
        same_sums(p, "norm_gradient", g[0].sum, g[1].sum, count);
        same_sums(p, "norm_gradient", g[0].dot, g[1].dot, 4 * count);
        union elements *dadd[2] = {fresh(p, false), NULL};
        dadd[1] = malloc(sizeof *dadd[1]);
        memcpy(dadd[1], dadd[0], sizeof *dadd[1]);
        bool given = i % 4 > 1, accumulate = i > 5;
        p->ref.norm_backward(want, given ? dadd[0] : NULL, accumulate, dy, z, more, &n, count, B);
        p->tested.norm_backward(got, given ? dadd[1] : NULL, accumulate, dy, z, more, &n, count, B);
        same(p, "norm_backward", want, got, size);
        same(p, "norm_backward dadd", dadd[0], dadd[1], size);
        free(dadd[0]);
        free(dadd[1]);
    }
    free(z);
    free(dy);
    free(add);
    free(want);
    free(got);
}

static void check_depthwise(const struct pair *p, size_t H, size_t W, int stride, bool norms)
{
    const size_t B = p->ref.B, P = (H - 1) / (size_t)stride + 1, Q = (W - 1) / (size_t)stride + 1;
    union elements *x = fresh(p, true), *y = fresh(p, true), *dy = fresh(p, true);
    union elements *want = fresh(p, false), *got = fresh(p, false);
    const struct st_train_norm_block before = random_norm(0), after = random_norm(0.01F);
    float w[ST_TRAIN_TAPS * B_MAX], *scratch = calloc(st_train_scratch_size(W, B), sizeof(float));
    double dw[2][ST_TRAIN_TAPS * B_MAX];
    struct st_train_sums sums[2];
    struct st_train_gradient_sums g[2];
    for (size_t i = 0; i < ST_TRAIN_TAPS * B; i++)
        w[i] = (2 * st_random_unit(&seed) - 1) / 3;
    const struct st_train_depthwise conv = {.H = H,
                                            .W = W,
                                            .P = P,
                                            .Q = Q,
                                            .stride = stride,
                                            .w = w,
                                            .before = norms ? &before : NULL,
                                            .after = norms ? &after : NULL,
                                            .scratch = scratch};
    p->ref.depthwise(want, &sums[0], x, &conv, B);
    p->tested.depthwise(got, &sums[1], x, &conv, B);
    same(p, "depthwise", want, got, P * Q * B);
    for (size_t b = 0; b < B; b++) { /* the pivots may differ by a rounding */
        double shift = (double)sums[1].pivot[b] - (double)sums[0].pivot[b];
        sums[1].sum[b] += shift * (double)(P * Q);
        sums[1].square[b] += 2 * shift * sums[1].sum[b] - shift * shift * (double)(P * Q);
    }
    same_sums(p, "depthwise", sums[0].sum, sums[1].sum, 4 * P * Q);
    same_sums(p, "depthwise", sums[0].square, sums[1].square, 16 * P * Q);
    p->ref.depthwise_backward(want, dw[0], &g[0], dy, x, y, &conv, B);
    p->tested.depthwise_backward(got, dw[1], &g[1], dy, x, y, &conv, B);
    same(p, "depthwise_backward", want, got, H * W * B);
    for (size_t i = 0; i < ST_TRAIN_TAPS; i++)
        same_sums(p, "depthwise_backward dw", dw[0] + i * B, dw[1] + i * B, 4 * P * Q);
    if (norms) {
        same_sums(p, "depthwise_backward", g[0].sum, g[1].sum, 4 * H * W);
        same_sums(p, "depthwise_backward", g[0].dot, g[1].dot, 8 * H * W);
    }
    p->tested.depthwise_backward(NULL, dw[1], NULL, dy, x, y, &conv, B);
    for (size_t i = 0; i < ST_TRAIN_TAPS; i++)
        same_sums(p, "depthwise_backward dw alone", dw[0] + i * B, dw[1] + i * B, 4 * P * Q);
    free(x);
    free(y);
    free(dy);
    free(want);
    free(got);
    free(scratch);
}

static void check_moves(const struct pair *p, size_t H, size_t W)
{
    const size_t B = p->ref.B;
    union elements *x = fresh(p, true), *dy = fresh(p, true);
    union elements *want = fresh(p, false), *got = fresh(p, false);
    float *scratch = calloc(st_train_scratch_size(2 * W, B), sizeof(float));
    p->ref.upsample(want, x, H, W, B);
    p->tested.upsample(got, x, H, W, B);
    same(p, "upsample", want, got, 4 * H * W * B);
    p->ref.upsample_backward(want, dy, H, W, scratch, B);
    p->tested.upsample_backward(got, dy, H, W, scratch, B);
    same(p, "upsample_backward", want, got, H * W * B);
    p->ref.activation(want, x, 0.3F, H * W, B);
    p->tested.activation(got, x, 0.3F, H * W, B);
    same(p, "activation", want, got, H * W * B);
    p->ref.activation_backward(want, dy, x, 0.3F, H * W, B);
    p->tested.activation_backward(got, dy, x, 0.3F, H * W, B);
    same(p, "activation_backward", want, got, H * W * B);
    p->ref.add(want, x, H * W, B);
    p->tested.add(got, x, H * W, B);
    same(p, "add", want, got, H * W * B);
    free(x);
    free(dy);
    free(want);
    free(got);
    free(scratch);
}

static void check_pair(unsigned flags, enum st_train_element element, size_t B, const char *name)
{
    static const size_t sizes[] = {1, 2, 3, 8, 19};
    struct pair p = {.name = name, .bound = element == ST_TRAIN_ELEMENT_F32 ? 4e-6 : 0x1p-7};
    st_train_kernels_init(&p.ref, 0, element, B);
    st_train_kernels_init(&p.tested, flags, element, B);
    assert_string_equal(p.ref.variant, "ref");
    if (p.tested.sums == p.ref.sums) {
        fprintf(stderr, "skipped: this CPU has no %s\n", name);
        return;
    }
    for (size_t i = 0; i < 25; i++) {
        size_t H = sizes[i / 5], W = sizes[i % 5];
        check_norms(&p, H * W);
        check_moves(&p, H, W);
        for (int k = 0; k < 4; k++)
            check_depthwise(&p, H, W, 1 + k % 2, k > 1);
    }
}

static void variants_agree_with_their_reference(void **state)
{
    (void)state;
    const unsigned flags = st_cpu_flags();
    check_pair(flags & SYNCTALK_CPU_AVX2, ST_TRAIN_ELEMENT_F32, 8, "AVX2");
    check_pair(flags, ST_TRAIN_ELEMENT_F32, 16, "AVX-512");
    check_pair(flags, ST_TRAIN_ELEMENT_BF16, 16, "AVX-512 BF16");
}

/* A NaN must come out as one, or nobody would notice it. */
static void what_is_not_a_number_stays_so(void **state)
{
    (void)state;
    const struct st_train_norm_block norm = {.slope = 0};
    for (int e = 0; e < 2; e++) {
        struct pair p = {0};
        st_train_kernels_init(&p.ref, 0, e ? ST_TRAIN_ELEMENT_BF16 : ST_TRAIN_ELEMENT_F32, 16);
        st_train_kernels_init(&p.tested, st_cpu_flags(), p.ref.element, 16);
        union elements *z = fresh(&p, true), *y = fresh(&p, false);
        set(&p, z, 5 * 16 + 3, NAN);
        const struct st_train_kernels *const both[] = {&p.ref, &p.tested};
        for (int k = 0; k < 2; k++) {
            struct st_train_sums sums;
            both[k]->sums(&sums, z, 100, 16);
            assert_true(isnan(sums.sum[3]) && !isnan(sums.sum[4]));
            both[k]->norm(y, z, NULL, &norm, 100, 16);
            assert_true(isnan(get(&p, y, 5 * 16 + 3)));
        }
        free(z);
        free(y);
    }
}

/* doctor listed the kernels of generation alone, so nobody saw what a training runs on. */
static void entries_have_names(void **state)
{
    (void)state;
    size_t count = 0;
    for (; st_train_kernels_entry(count); count++)
        for (size_t i = 0; i < count; i++)
            assert_string_not_equal(st_train_kernels_entry(i), st_train_kernels_entry(count));
    assert_int_equal(count, 11);
    assert_null(st_train_kernels_entry(count + 1));
    for (int e = 0; e < 2; e++) {
        struct st_train_kernels k;
        st_train_kernels_init(&k, 0, e ? ST_TRAIN_ELEMENT_BF16 : ST_TRAIN_ELEMENT_F32, 16);
        assert_string_equal(k.variant, "ref");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variants_agree_with_their_reference),
        cmocka_unit_test(what_is_not_a_number_stays_so),
        cmocka_unit_test(entries_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
