/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels on pixels: every subset of the CPU's instruction sets against the reference, over
 * odd sizes, with guards behind every row. Bytes must be equal to the bit. A sum of n
 * floats may differ by n roundings of the sum of magnitudes. */
#include "kernels/pixel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/kernels.h"
#include "kernels/pixel_impl.h"
#include "support/support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define GUARD 80
#define MOST ((size_t)1 << 17) /* elements of any array here */

struct arrays {
    void *src, *add, *want, *got, *weights, *packed;
    float *plain, *scale, *bias, *add_scale;
};

static struct arrays make_arrays(void)
{
    struct arrays a;
    void **all[] = {
        &a.src,    &a.add,           &a.want,          &a.got,          &a.weights,
        &a.packed, (void *)&a.plain, (void *)&a.scale, (void *)&a.bias, (void *)&a.add_scale};
    for (size_t i = 0; i < COUNT(all); i++) {
        *all[i] = aligned_alloc(64, MOST * sizeof(float));
        assert_non_null(*all[i]);
        memset(*all[i], 0, MOST * sizeof(float));
    }
    return a;
}

static void free_arrays(struct arrays *a)
{
    void *all[] = {a->src,    a->add,   a->want,  a->got,  a->weights,
                   a->packed, a->plain, a->scale, a->bias, a->add_scale};
    for (size_t i = 0; i < COUNT(all); i++)
        free(all[i]);
}

/* `count` elements in -1...1, bytes over their whole range. */
static void fill(void *data, enum st_element element, size_t count, uint64_t *seed)
{
    for (size_t i = 0; i < count; i++) {
        float x = 2 * st_random_unit(seed) - 1;
        if (element == ST_ELEMENT_F32)
            ((float *)data)[i] = x;
        else if (element == ST_ELEMENT_BF16)
            ((uint16_t *)data)[i] = st_bf16_element(x);
        else
            ((uint8_t *)data)[i] = (uint8_t)(128 + 127.9F * x);
    }
}

static float number(const void *data, enum st_element element, size_t i)
{
    return element == ST_ELEMENT_F32    ? ((const float *)data)[i]
           : element == ST_ELEMENT_BF16 ? st_bf16_number(((const uint16_t *)data)[i])
                                        : ((const uint8_t *)data)[i];
}

/* Equal within `bound`, and what BF16 rounds that to; guards untouched. */
static void compare(const char *what, unsigned mask, const struct arrays *a,
                    enum st_element element, size_t count, double bound)
{
    const size_t bytes = st_element_bytes(element);
    if (memcmp((char *)a->want + count * bytes, (char *)a->got + count * bytes, GUARD * bytes) != 0)
        fail_msg("%s cpu=%#x wrote behind its end", what, mask);
    if (bound == 0 && memcmp(a->want, a->got, count * bytes) != 0)
        fail_msg("%s cpu=%#x differs from the reference", what, mask);
    for (size_t i = 0; bound > 0 && i < count; i++) {
        double want = (double)number(a->want, element, i);
        double got = (double)number(a->got, element, i);
        double allowed = bound + (element == ST_ELEMENT_BF16 ? fabs(want) / 128 : 0);
        if (!(fabs(want - got) <= allowed))
            fail_msg("%s cpu=%#x [%zu]: %g instead of %g", what, mask, i, got, want);
    }
}

/* Signed bytes; with `narrow`, so that neighbours never add up to more than 128. */
static void make_weights(struct arrays *a, enum st_element element, size_t count, bool narrow,
                         uint64_t *seed)
{
    for (size_t i = 0; i < count; i++) {
        float x = 2 * st_random_unit(seed) - 1;
        float byte = rintf((narrow ? 64 : 127) * x);
        a->plain[i] = element == ST_ELEMENT_U8 ? byte : x;
    }
}

struct size {
    size_t P, C, K;
};

static void try_pointwise(struct arrays *a, unsigned mask, const struct size *size,
                          const struct st_pointwise *form, uint64_t *seed)
{
    struct st_pixel_kernels ref, fast;
    const bool exact = form->in == ST_ELEMENT_U8;
    struct st_pointwise p = *form;
    const size_t src_stride = size->C + 16, dst_stride = size->K + 32, add_stride = size->K;
    st_pixel_kernels_init(&ref, 0);
    st_pixel_kernels_init(&fast, mask);
    p.C = size->C;
    p.K = size->K;
    fill(a->src, p.in, size->P * src_stride, seed);
    fill(a->add, p.add, size->P * add_stride, seed);
    make_weights(a, p.in, p.K * p.C, st_pixel_kernels_narrow(mask), seed);
    st_pixel_pack(a->packed, p.in, a->plain, p.K, p.C);
    for (size_t k = 0; k < p.K; k++) {
        a->scale[k] = (0.5F + st_random_unit(seed)) / (exact ? 127.0F * (float)p.C : 1);
        a->bias[k] = p.out == ST_ELEMENT_U8 ? 255 * st_random_unit(seed) : st_random_unit(seed);
        a->add_scale[k] = st_random_unit(seed);
    }
    p.weights = a->packed;
    p.scale = exact ? a->scale : NULL;
    p.bias = a->bias;
    p.add_scale = a->add_scale;
    const size_t count = size->P * dst_stride;
    memset(a->want, 0x55, (count + GUARD) * 4);
    memset(a->got, 0x55, (count + GUARD) * 4);
    ref.pointwise[p.in](&p, a->want, dst_stride, a->src, src_stride, a->add, add_stride, size->P);
    fast.pointwise[p.in](&p, a->got, dst_stride, a->src, src_stride, a->add, add_stride, size->P);
    char what[128];
    snprintf(what, sizeof what, "pointwise %d to %d, %zux%zux%zu, add %d, relu %d", p.in, p.out,
             size->P, p.C, p.K, p.adds ? (int)p.add : -1, p.relu);
    /* sums of C products of at most 1; a rounding decides about a byte */
    double bound = exact ? 0 : (double)p.C * (double)p.C * 0x1p-24 + 1e-6;
    compare(what, mask, a, p.out, count, p.out == ST_ELEMENT_U8 && !exact ? 1 : bound);
}

static void test_pointwise(void **state)
{
    (void)state;
    static const struct size sizes[] = {{1, 16, 16},   {3, 32, 48},   {16, 64, 64}, {23, 48, 112},
                                        {40, 128, 32}, {33, 16, 80},  {17, 80, 96}, {100, 64, 16},
                                        {35, 192, 32}, {53, 32, 144}, {7, 256, 64}, {5, 272, 32},
                                        {13, 528, 32}};
    const unsigned have = st_cpu_flags();
    struct arrays a = make_arrays();
    uint64_t seed = 11;
    unsigned mask = 0, tried = 0;
    do {
        mask = (mask - have) & have; /* the next subset of `have` */
        struct st_kernels usable;
        st_kernels_init(&usable, mask);
        for (size_t i = 0; i < COUNT(sizes); i++) {
            for (int form = 0; form < 54; form++) {
                const struct st_pointwise p = {
                    .in = (enum st_element)(form % 3),
                    .out = (enum st_element)(form / 3 % 3),
                    .add = (enum st_element)(form / 9 % 3),
                    .adds = form / 27 || (form + (int)i) % 2,
                    .relu = form / 9 % 2,
                };
                if ((form + (int)i) % 3 == 0)
                    try_pointwise(&a, usable.flags, &sizes[i], &p, &seed), tried++;
            }
        }
    } while (mask);
    assert_true(tried >= 190);
    free_arrays(&a);
}

static void try_depthwise(struct arrays *a, unsigned mask, size_t W, size_t C, size_t stride,
                          unsigned missing, enum st_element in, enum st_element out, uint64_t *seed)
{
    struct st_pixel_kernels ref, fast;
    const bool exact = in == ST_ELEMENT_U8;
    const size_t out_W = (W - 1) / stride + 1, bytes = st_element_bytes(in);
    const bool narrow = st_pixel_kernels_narrow(mask);
    const void *rows[3];
    st_pixel_kernels_init(&ref, 0);
    st_pixel_kernels_init(&fast, mask);
    fill(a->src, in, 3 * W * C, seed);
    for (size_t i = 0; i < 3; i++)
        rows[i] = missing >> i & 1 ? NULL : (char *)a->src + i * W * C * bytes;
    make_weights(a, in, 12 * C, narrow, seed);
    for (size_t i = 0; exact && i < 12 * C; i++)
        ((int8_t *)a->packed)[i] = i % 4 == 3 ? 0 : (int8_t)a->plain[i];
    if (!exact)
        memcpy(a->packed, a->plain, 9 * C * sizeof(float));
    for (size_t c = 0; c < C; c++) {
        a->scale[c] = (0.5F + st_random_unit(seed)) / 400;
        a->bias[c] = (exact ? 128 : 1) * (2 * st_random_unit(seed) - 1);
    }
    const struct st_depthwise d = {.in = in,
                                   .out = out,
                                   .C = C,
                                   .stride = stride,
                                   .weights = a->packed,
                                   .scale = exact ? a->scale : NULL,
                                   .bias = a->bias};
    memset(a->want, 0x55, (out_W * C + GUARD) * 4);
    memset(a->got, 0x55, (out_W * C + GUARD) * 4);
    ref.depthwise[in](&d, a->want, rows, W, out_W);
    fast.depthwise[in](&d, a->got, rows, W, out_W);
    char what[128];
    snprintf(what, sizeof what, "depthwise %d to %d, %zux%zu, stride %zu, rows without %u", in, out,
             W, C, stride, missing);
    compare(what, mask, a, out, out_W * C, exact ? 0 : 2e-6);
}

static void test_depthwise(void **state)
{
    (void)state;
    static const size_t widths[] = {1, 2, 3, 5, 8, 13, 20, 101};
    static const size_t channels[] = {16, 32, 48, 64, 112, 128, 144};
    const unsigned have = st_cpu_flags();
    struct arrays a = make_arrays();
    uint64_t seed = 13;
    unsigned mask = 0;
    do {
        mask = (mask - have) & have;
        struct st_kernels usable;
        st_kernels_init(&usable, mask);
        for (size_t i = 0; i < COUNT(widths) * COUNT(channels); i++) {
            const size_t W = widths[i % COUNT(widths)], C = channels[i / COUNT(widths)];
            const unsigned missing = i % 4 == 3 ? 0 : (unsigned)i % 4 == 2 ? 4 : (unsigned)i % 4;
            for (size_t stride = 1; stride <= 2; stride++) {
                try_depthwise(&a, usable.flags, W, C, stride, missing, ST_ELEMENT_U8, ST_ELEMENT_U8,
                              &seed);
                try_depthwise(&a, usable.flags, W, C, stride, missing, ST_ELEMENT_F32,
                              i % 2 ? ST_ELEMENT_F32 : ST_ELEMENT_BF16, &seed);
            }
        }
    } while (mask);
    free_arrays(&a);
}

/* blend, stretch and convert, from and to every element, with and without levels */
static void try_moves(struct arrays *a, unsigned mask, enum st_element in, enum st_element out,
                      bool levelled, size_t P, size_t C, uint64_t *seed)
{
    struct st_pixel_kernels k[2];
    uint32_t first[64], second[64];
    float t[64];
    struct st_levels levels = {a->scale, a->bias, a->add_scale, a->plain};
    void *results[2] = {a->want, a->got};
    st_pixel_kernels_init(&k[0], 0);
    st_pixel_kernels_init(&k[1], mask);
    fill(a->src, in, 2 * P * (C + 16), seed);
    fill(a->weights, ST_ELEMENT_F32, P * C, seed);
    for (size_t c = 0; c < C; c++) {
        a->scale[c] = st_random_unit(seed) / 100;
        a->bias[c] = st_random_unit(seed) - 1;
        a->add_scale[c] = 50 + 100 * st_random_unit(seed);
        a->plain[c] = rintf(150 * st_random_unit(seed));
    }
    for (size_t p = 0; p < P; p++) {
        first[p] = (uint32_t)(p * 7 % P);
        second[p] = (uint32_t)(p * 5 % P);
        t[p] = st_random_unit(seed);
    }
    for (int which = 0; which < 2; which++)
        memset(results[which], 0x55, (P * (C + 16) + GUARD) * 4);
    struct st_pixel_row row = {a->src, C + 16, in, levelled ? &levels : NULL};
    const void *second_row = (char *)a->src + P * (C + 16) * st_element_bytes(in);
    for (int which = 0; which < 2; which++)
        k[which].blend(results[which], &row, second_row, 0.3F, P, C);
    compare("blend", mask, a, ST_ELEMENT_F32, P * C, 0);
    for (int which = 0; which < 2; which++) {
        memset(results[which], 0x55, (P * (C + 16) + GUARD) * 4);
        const struct st_pixel_row to = {results[which], C + 16, out, levelled ? &levels : NULL};
        k[which].stretch(&to, a->weights, first, second, t, P, C);
    }
    compare("stretch", mask, a, out, P * (C + 16), 0);
    for (int which = 0; which < 2; which++) {
        memset(results[which], 0x55, (P * (C + 16) + GUARD) * 4);
        const struct st_pixel_row to = {results[which], C + 16, out, levelled ? &levels : NULL};
        k[which].convert(&to, &row, P, C);
    }
    compare("convert", mask, a, out, P * (C + 16), 0);
    for (int which = 0; which < 2; which++) {
        memset(results[which], 0x55, (P * 3 + GUARD) * 4);
        k[which].sigmoid(results[which], P, 3, a->weights, C, P);
    }
    compare("sigmoid", mask, a, ST_ELEMENT_F32, 3 * P, 6e-7);
}

static void test_moves(void **state)
{
    (void)state;
    static const size_t pixels[] = {1, 2, 5, 17, 33}, channels[] = {16, 48, 64};
    const unsigned have = st_cpu_flags();
    struct arrays a = make_arrays();
    uint64_t seed = 17;
    unsigned mask = 0;
    do {
        mask = (mask - have) & have;
        struct st_kernels usable;
        st_kernels_init(&usable, mask);
        for (size_t i = 0; i < COUNT(pixels) * COUNT(channels) * 9; i++)
            try_moves(&a, usable.flags, (enum st_element)(i % 3), (enum st_element)(i / 3 % 3),
                      i % 2, pixels[i / 9 % COUNT(pixels)], channels[i / 9 / COUNT(pixels)], &seed);
    } while (mask);
    free_arrays(&a);
}

/* Far from zero a sigmoid is 0 or 1, never what an overflow gives. */
static void test_sigmoid_ends(void **state)
{
    (void)state;
    struct st_pixel_kernels k;
    float src[16 * 5] = {0}, planes[5];
    const float values[] = {-1000, -30, 0, 30, 1000};
    for (size_t i = 0; i < 5; i++)
        src[16 * i] = values[i];
    st_pixel_kernels_init(&k, st_cpu_flags());
    k.sigmoid(planes, 5, 1, src, 16, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(fabs((double)planes[i] - 1 / (1 + exp(-(double)values[i]))) < 3e-7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pointwise),
        cmocka_unit_test(test_depthwise),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_sigmoid_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
