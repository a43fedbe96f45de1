/* SPDX-License-Identifier: Apache-2.0 */
/* Layers over rows against plain loops, in both elements and on every limit of instruction
 * sets that the test is given.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "nn/dense.h"
#include "support/support.h"
#include "synctalk/machine.h"

static unsigned mask = ~0u;

struct fixture {
    struct st_dense *dense;
    enum st_row_element element; /* the widest that this machine multiplies */
};

static float *random_floats(size_t count, uint64_t seed)
{
    float *x = malloc(count * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++)
        x[i] = st_random_unit(&seed) - 0.5f;
    return x;
}

/* `x` in `element`, and `x` itself rounded to it. Ended by free(). */
static void *convert(float *x, size_t count, enum st_row_element element)
{
    struct st_row_kernels k;
    void *out = malloc(count * 4);
    assert_non_null(out);
    st_row_kernels_init(&k, 0);
    k.copy(out, element, x, count);
    for (size_t i = 0; element == ST_ROW_BF16 && i < count; i++) {
        uint32_t bits = (uint32_t)((uint16_t *)out)[i] << 16;
        memcpy(&x[i], &bits, sizeof bits);
    }
    return out;
}

static void check_conv(const struct fixture *f, const struct st_dense_conv *c, bool biased)
{
    const size_t in_rows = (c->rows - 1) * c->stride + c->kernel, n = c->rows * c->K;
    float *x = random_floats(in_rows * c->C, 1), *w = random_floats(c->K * c->C * c->kernel, 2);
    float *b = random_floats(c->K, 3), *y = random_floats(n, 4), *before = random_floats(n, 4);
    struct st_dense_layer *layer;
    struct st_dense_worker *worker;
    void *src = convert(x, in_rows * c->C, c->src);

    ST_OK(st_dense_add_conv(&layer, f->dense, c, w, biased ? b : NULL, err));
    free(convert(w, c->K * c->C * c->kernel, c->src)); /* as the layer rounds them */
    ST_OK(st_dense_worker_create(&worker, f->dense, err));
    ST_OK(st_dense_run(layer, worker, src, NULL, y, err));
    const double bound = c->src == ST_ROW_BF16 ? 1e-4 : 1e-5;
    for (size_t r = 0; r < c->rows; r++)
        for (size_t o = 0; o < c->K; o++) {
            double sum = (biased ? (double)b[o] : 0) + (c->add ? (double)before[r * c->K + o] : 0);
            for (size_t k = 0; k < c->kernel; k++)
                for (size_t i = 0; i < c->C; i++)
                    sum += (double)w[(o * c->C + i) * c->kernel + k] *
                           (double)x[(r * c->stride + k) * c->C + i];
            if (c->gelu)
                sum = sum * 0.5 * (1 + erf(sum / sqrt(2.0)));
            if (!(fabs((double)y[r * c->K + o] - sum) <= bound * fmax(1, fabs(sum))))
                fail_msg("%s, row %zu, channel %zu: %g, not %g", st_dense_layer_name(layer), r, o,
                         (double)y[r * c->K + o], sum);
        }
    st_dense_worker_destroy(&worker);
    free(src);
    free(x);
    free(w);
    free(b);
    free(y);
    free(before);
}

/* Guards: a stride or a kernel laid out the other way round, a sum that loses what was
 * there, a number of channels that no vector divides. */
static void test_convolutions(void **state)
{
    const struct fixture *f = *state;
    for (int e = ST_ROW_F32; e <= (int)f->element; e++) {
        const enum st_row_element in = (enum st_row_element)e;
        const struct st_dense_conv cases[] = {
            {.C = 1, .K = 32, .kernel = 10, .stride = 5, .rows = 21},
            {.C = 24, .K = 32, .kernel = 3, .stride = 2, .rows = 33},
            {.C = 4, .K = 4, .kernel = 128, .stride = 1, .rows = 40, .gelu = true},
            {.C = 64, .K = 80, .kernel = 1, .stride = 1, .rows = 48, .gelu = true},
            {.C = 80, .K = 64, .kernel = 1, .stride = 1, .rows = 48, .add = true},
            {.C = 7, .K = 5, .kernel = 1, .stride = 1, .rows = 13, .add = true},
            {.C = 3, .K = 17, .kernel = 4, .stride = 3, .rows = 1},
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct st_dense_conv c = cases[i];
            c.src = in;
            check_conv(f, &c, true);
            check_conv(f, &c, false);
        }
    }
}

static void check_product(const struct fixture *f, const struct st_dense_product *p)
{
    float *a = random_floats(p->M * p->K, 5), *b = random_floats(p->K * p->N, 6);
    float *y = random_floats(p->M * p->N, 7);
    void *left = convert(a, p->M * p->K, p->src), *right = convert(b, p->K * p->N, p->src);
    struct st_dense_layer *layer;
    struct st_dense_worker *worker;

    ST_OK(st_dense_add_product(&layer, f->dense, p, err));
    ST_OK(st_dense_worker_create(&worker, f->dense, err));
    ST_OK(st_dense_run(layer, worker, left, right, y, err));
    for (size_t m = 0; m < p->M; m++)
        for (size_t n = 0; n < p->N; n++) {
            double sum = 0;
            for (size_t k = 0; k < p->K; k++)
                sum += (double)a[m * p->K + k] *
                       (double)b[p->transposed ? n * p->K + k : k * p->N + n];
            if (!(fabs((double)y[m * p->N + n] - sum) <= 1e-4))
                fail_msg("%s, row %zu, column %zu: %g, not %g", st_dense_layer_name(layer), m, n,
                         (double)y[m * p->N + n], sum);
        }
    st_dense_worker_destroy(&worker);
    free(left);
    free(right);
    free(a);
    free(b);
    free(y);
}

static void test_products(void **state)
{
    const struct fixture *f = *state;
    for (int e = ST_ROW_F32; e <= (int)f->element; e++)
        for (int transposed = 0; transposed < 2; transposed++) {
            const enum st_row_element in = (enum st_row_element)e;
            check_product(f, &(struct st_dense_product){
                                 .M = 33, .K = 64, .N = 1024, .transposed = transposed, .src = in});
            check_product(f, &(struct st_dense_product){
                                 .M = 16, .K = 7, .N = 48, .transposed = transposed, .src = in});
        }
}

/* Guards: sizes that overflow on their way to oneDNN, and its crash over a transposed
 * factor of odd width in bf16. */
static void test_refusals(void **state)
{
    const struct fixture *f = *state;
    struct st_dense_layer *layer;
    synctalk_error error;
    const struct st_dense_conv convs[] = {
        {.C = 0, .K = 1, .kernel = 1, .stride = 1, .rows = 1},
        {.C = 1, .K = 1, .kernel = 1, .stride = 1, .rows = (size_t)1 << 40},
        {.C = 1, .K = 1, .kernel = 1, .stride = 0, .rows = 1},
        {.C = 1, .K = 1, .kernel = 1, .stride = 1, .rows = 1, .gelu = true, .add = true},
    };
    for (size_t i = 0; i < sizeof convs / sizeof *convs; i++) {
        assert_int_equal(st_dense_add_conv(&layer, f->dense, &convs[i], NULL, NULL, &error),
                         SYNCTALK_E_ARG);
        assert_null(layer);
    }
    const struct st_dense_product odd = {
        .M = 16, .K = 64, .N = 1000, .transposed = true, .src = ST_ROW_BF16};
    assert_int_equal(st_dense_add_product(&layer, f->dense, &odd, &error), SYNCTALK_E_ARG);
    assert_null(layer);
}

static int setup(void **state)
{
    static struct fixture f;
    const unsigned flags = st_cpu_flags() & mask;
    ST_OK(st_dense_create(&f.dense, flags, err));
    f.element = (flags & SYNCTALK_CPU_BF16) ? ST_ROW_BF16 : ST_ROW_F32;
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    print_message("%zu bytes of weights\n", st_dense_weight_bytes(f->dense));
    st_dense_destroy(&f->dense);
    assert_null(f->dense);
    st_dense_destroy(&f->dense);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_convolutions),
                                       cmocka_unit_test(test_products),
                                       cmocka_unit_test(test_refusals)};
    if (argc > 1)
        mask = (unsigned)strtoul(argv[1], NULL, 0);
    return cmocka_run_group_tests_name("dense", tests, setup, teardown);
}
