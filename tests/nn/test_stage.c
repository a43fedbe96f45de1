/* SPDX-License-Identifier: Apache-2.0 */
/* Stages against the same network in plain loops: sizes whose rows do not fill a pass, both
 * strides, residuals, a raised value beside another, every element, every way of lying in
 * memory; the 3x3 convolution and the head. Bytes are held to what rounding allows, for
 * their arithmetic is held to the bit by the kernels' own test. */
#include "nn/stage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "kernels/kernels.h"
#include "kernels/pixel_impl.h"
#include "nn/quantise.h"
#include "support/support.h"
#include "synctalk/machine.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define PART_CHANNELS 24 /* padded to 32 */

/* Numbers [C, H, W], and where a stage has them. */
struct picture {
    size_t C, H, W;
    float *numbers;
    struct st_value value;
    void *data;
    float *levels;
    struct st_levels named;
};

static struct picture make_picture(size_t C, size_t H, size_t W)
{
    struct picture p = {.C = C, .H = H, .W = W};
    p.numbers = calloc(C * H * W, sizeof(float));
    assert_non_null(p.numbers);
    return p;
}

static void free_picture(struct picture *p)
{
    free(p->numbers);
    free(p->data);
    free(p->levels);
}

/* Room for it as `element`; levels that reach from -reach to reach. */
static void lay_out(struct picture *p, enum st_element element, float reach)
{
    const size_t padded = st_stage_padded(p->C);
    p->levels = calloc(4 * padded, sizeof(float));
    assert_non_null(p->levels);
    for (size_t c = 0; c < padded; c++) {
        const float scale = 2 * reach / 254 * (1 + 0.02F * (float)(c % 5));
        p->levels[c] = scale;
        p->levels[padded + c] = -127 * scale;
        p->levels[2 * padded + c] = 1 / scale;
        p->levels[3 * padded + c] = 127;
    }
    p->named = (struct st_levels){p->levels, p->levels + padded, p->levels + 2 * padded,
                                  p->levels + 3 * padded};
    p->value =
        (struct st_value){.C = p->C, .H = p->H, .W = p->W, .element = element, .levels = &p->named};
    p->data = st_alloc_aligned(st_value_bytes(&p->value) + 64);
    assert_non_null(p->data);
}

/* Write the numbers as elements, and keep what they were rounded to. */
static void put(struct picture *p)
{
    const size_t padded = st_stage_padded(p->C), area = p->H * p->W;
    for (size_t i = 0; i < area; i++) {
        for (size_t c = 0; c < padded; c++) {
            float x = c < p->C ? p->numbers[c * area + i] : 0;
            if (p->value.element == ST_ELEMENT_F32)
                ((float *)p->data)[i * padded + c] = x;
            if (p->value.element == ST_ELEMENT_BF16) {
                ((uint16_t *)p->data)[i * padded + c] = st_bf16_element(x);
                x = st_bf16_number(st_bf16_element(x));
            }
            if (p->value.element == ST_ELEMENT_U8) {
                float q = fminf(fmaxf(rintf(x / p->levels[c] + 127), 0), 255);
                ((uint8_t *)p->data)[i * padded + c] = (uint8_t)q;
                x = (q - 127) * p->levels[c];
            }
            if (c < p->C)
                p->numbers[c * area + i] = x;
        }
    }
}

static float get(const struct picture *p, size_t c, size_t i)
{
    const size_t at = i * st_stage_padded(p->C) + c;
    if (p->value.element == ST_ELEMENT_F32)
        return ((const float *)p->data)[at];
    if (p->value.element == ST_ELEMENT_BF16)
        return st_bf16_number(((const uint16_t *)p->data)[at]);
    return ((float)((const uint8_t *)p->data)[at] - p->named.zero[c]) * p->named.scale[c];
}

static void fill(float *to, size_t count, float reach, uint64_t *seed)
{
    for (size_t i = 0; i < count; i++)
        to[i] = reach * (2 * st_random_unit(seed) - 1);
}

/* The parts side by side, the first raised where asked. */
static struct picture joined(const struct picture *a, const struct picture *b, bool raised)
{
    const size_t s = raised ? 2 : 1, H = s * a->H, W = s * a->W;
    struct picture x = make_picture(a->C + (b ? b->C : 0), H, W);
    const double down = raised ? (double)(a->H - 1) / (double)(H - 1) : 1;
    const double across = raised ? (double)(a->W - 1) / (double)(W - 1) : 1;
    if (!raised)
        memcpy(x.numbers, a->numbers, a->C * H * W * sizeof(float));
    for (size_t c = 0; raised && c < a->C; c++) {
        for (size_t i = 0; i < H * W; i++) {
            const double y = down * (double)(i / W), z = across * (double)(i % W);
            double sum = 0;
            for (size_t j = 0; j < a->H * a->W; j++)
                sum += (double)a->numbers[c * a->H * a->W + j] *
                       fmax(0, 1 - fabs(y - (double)(j / a->W))) *
                       fmax(0, 1 - fabs(z - (double)(j % a->W)));
            x.numbers[c * H * W + i] = (float)sum;
        }
    }
    if (b)
        memcpy(x.numbers + a->C * H * W, b->numbers, b->C * H * W * sizeof(float));
    return x;
}

struct conv {
    size_t K, C, kernel, stride_h, stride_w, pad;
    bool depthwise, relu;
    const float *weights, *bias;
};

static struct picture convolve(const struct picture *x, const struct conv *conv)
{
    const size_t k = conv->kernel;
    struct picture y = make_picture(conv->K, (x->H + 2 * conv->pad - k) / conv->stride_h + 1,
                                    (x->W + 2 * conv->pad - k) / conv->stride_w + 1);
    for (size_t n = 0; n < conv->K; n++) {
        for (size_t i = 0; i < y.H * y.W; i++) {
            double sum = (double)conv->bias[n];
            for (size_t t = 0; t < (conv->depthwise ? 1 : conv->C) * k * k; t++) {
                const size_t c = conv->depthwise ? n : t / (k * k);
                const size_t r = i / y.W * conv->stride_h + t / k % k;
                const size_t q = i % y.W * conv->stride_w + t % k;
                if (r < conv->pad || r >= x->H + conv->pad || q < conv->pad ||
                    q >= x->W + conv->pad)
                    continue;
                sum += (double)conv->weights[n * (conv->depthwise ? 1 : conv->C) * k * k + t] *
                       (double)x->numbers[(c * x->H + r - conv->pad) * x->W + q - conv->pad];
            }
            y.numbers[n * y.H * y.W + i] = (float)(conv->relu ? fmax(sum, 0) : sum);
        }
    }
    return y;
}

static float largest(const struct picture *p)
{
    float most = 1e-3F;
    for (size_t i = 0; i < p->C * p->H * p->W; i++)
        most = fmaxf(most, fabsf(p->numbers[i]));
    return most;
}

struct trial {
    enum st_stage_kind kind;
    size_t H, W, K, stride_h, stride_w, pad;
    bool raised, two, residual;
    enum st_element element, in, out;
};

/* Weights of all three convolutions at most, for C channels read. */
struct tensors {
    float *weights[3], *bias[3];
};

static struct tensors make_tensors(const struct trial *t, size_t C, uint64_t *seed)
{
    const size_t E = 2 * C;
    struct tensors w;
    const size_t K[] = {t->kind == ST_STAGE_INVERTED ? E : t->K, E, t->K};
    const size_t each[] = {t->kind == ST_STAGE_DENSE ? 9 * C : C, 9, E};
    for (size_t i = 0; i < 3; i++) {
        w.weights[i] = malloc(K[i] * each[i] * sizeof(float));
        w.bias[i] = malloc(K[i] * sizeof(float));
        assert_true(w.weights[i] && w.bias[i]);
        fill(w.weights[i], K[i] * each[i], 1.7F / sqrtf((float)each[i]), seed);
        fill(w.bias[i], K[i], 0.3F, seed);
    }
    return w;
}

static void free_tensors(struct tensors *w)
{
    for (size_t i = 0; i < 3; i++) {
        free(w->weights[i]);
        free(w->bias[i]);
    }
}

/* What the stage should give; highest numbers between, for their levels. */
static struct picture expected(const struct trial *t, const struct picture *x,
                               const struct tensors *w, float *scales[2])
{
    const size_t E = 2 * x->C;
    if (t->kind != ST_STAGE_INVERTED) {
        const bool dense = t->kind == ST_STAGE_DENSE;
        const struct conv conv = {
            t->K,  x->C,  dense ? 3 : 1, t->stride_h, t->stride_w, dense ? t->pad : 0,
            false, dense, w->weights[0], w->bias[0]};
        struct picture y = convolve(x, &conv);
        for (size_t i = 0; !dense && i < y.C * y.H * y.W; i++)
            y.numbers[i] = 1 / (1 + expf(-y.numbers[i]));
        return y;
    }
    const struct conv convs[3] = {
        {E, x->C, 1, 1, 1, 0, false, true, w->weights[0], w->bias[0]},
        {E, E, 3, t->stride_h, t->stride_w, 1, true, true, w->weights[1], w->bias[1]},
        {t->K, E, 1, 1, 1, 0, false, false, w->weights[2], w->bias[2]}};
    struct picture a = convolve(x, &convs[0]), b = convolve(&a, &convs[1]);
    struct picture y = convolve(&b, &convs[2]);
    for (size_t i = 0; t->residual && i < y.C * y.H * y.W; i++)
        y.numbers[i] += x->numbers[i];
    for (int which = 0; which < 2; which++) {
        const struct picture *p = which ? &b : &a;
        scales[which] = calloc(E, sizeof(float));
        assert_non_null(scales[which]);
        for (size_t i = 0; i < E * p->H * p->W; i++) {
            float *scale = &scales[which][i / (p->H * p->W)];
            *scale = fmaxf(*scale, p->numbers[i] / 255);
        }
        for (size_t i = 0; i < E; i++)
            scales[which][i] = fmaxf(scales[which][i], 1e-4F);
    }
    free_picture(&a);
    free_picture(&b);
    return y;
}

/* Root mean square of the error over that of the numbers, and the largest error. */
static void compare(const struct trial *t, unsigned mask, const struct picture *got,
                    const struct picture *want)
{
    double sum = 0, power = 0, most = 0;
    const size_t area = want->H * want->W;
    for (size_t i = 0; i < want->C * area; i++) {
        const double w = (double)want->numbers[i];
        const double g = t->kind == ST_STAGE_HEAD ? (double)((const float *)got->data)[i]
                                                  : (double)get(got, i / area, i % area);
        sum += (g - w) * (g - w);
        power += w * w;
        most = fmax(most, fabs(g - w));
    }
    const bool exact = t->element == ST_ELEMENT_F32 && t->out == ST_ELEMENT_F32;
    const bool bytes = t->element == ST_ELEMENT_U8 || t->out == ST_ELEMENT_U8;
    const double relative = sqrt(sum / power);
    const double allowed = exact ? 1e-6 : bytes ? 0.02 : 0.005;
    if (!(relative < allowed) || (exact && !(most < 2e-5)))
        fail_msg("kind %d %zux%zu to %zu, stride %zu %zu, raised %d two %d residual %d, "
                 "elements %d in %d out %d, cpu=%#x: off by %g, at most %g",
                 t->kind, t->H, t->W, t->K, t->stride_h, t->stride_w, t->raised, t->two,
                 t->residual, t->element, t->in, t->out, mask, relative, most);
}

static void try(const struct trial *t, unsigned mask, uint64_t *seed)
{
    struct st_pixel_kernels kernels;
    struct st_stage *stage;
    float *scales[2] = {NULL, NULL};
    const size_t s = t->raised ? 2 : 1;
    struct picture a = make_picture(PART_CHANNELS, t->H, t->W);
    struct picture b = make_picture(PART_CHANNELS, s * t->H, s * t->W);
    fill(a.numbers, a.C * a.H * a.W, 1, seed);
    fill(b.numbers, b.C * b.H * b.W, 1, seed);
    lay_out(&a, t->in, 1);
    lay_out(&b, t->in, 1);
    put(&a);
    put(&b);
    struct picture x = joined(&a, t->two ? &b : NULL, t->raised);
    struct tensors w = make_tensors(t, x.C, seed);
    struct picture want = expected(t, &x, &w, scales);
    struct picture got = make_picture(want.C, want.H, want.W);
    lay_out(&got, t->out, largest(&want));
    if (t->kind == ST_STAGE_DENSE) /* a ReLU's levels begin at zero */
        for (size_t c = 0; c < st_stage_padded(got.C); c++)
            got.levels[3 * st_stage_padded(got.C) + c] = 0;
    struct st_stage_form form = {.kind = t->kind,
                                 .element = t->element,
                                 .parts = {a.value, b.value},
                                 .part_count = t->two ? 2 : 1,
                                 .raised = t->raised,
                                 .residual = t->residual,
                                 .stride_h = t->stride_h,
                                 .stride_w = t->stride_w,
                                 .pad = t->pad,
                                 .out = got.value,
                                 .expanded_scale = scales[0],
                                 .filtered_scale = scales[1]};
    for (int i = 0; i < 3; i++)
        form.convs[i] = (struct st_stage_weights){w.weights[i], w.bias[i]};
    st_pixel_kernels_init(&kernels, mask);
    ST_OK(st_stage_create(&stage, &form, &kernels, st_pixel_kernels_narrow(mask), err));
    void *scratch = st_alloc_aligned(st_stage_scratch_bytes(stage));
    assert_non_null(scratch);
    st_stage_run(stage, (const void *const[]){a.data, b.data}, got.data, scratch, NULL);
    compare(t, mask, &got, &want);
    free(scratch);
    st_stage_destroy(&stage);
    free(scales[0]);
    free(scales[1]);
    free_tensors(&w);
    struct picture *all[] = {&a, &b, &x, &want, &got};
    for (size_t i = 0; i < COUNT(all); i++)
        free_picture(all[i]);
}

static const unsigned masks[] = {SYNCTALK_CPU_AVX2, SYNCTALK_CPU_AVX2 | SYNCTALK_CPU_AVX512, ~0U};

static void try_everywhere(const struct trial *t)
{
    uint64_t seed = 29;
    struct st_kernels usable;
    for (size_t i = 0; i < COUNT(masks); i++) {
        st_kernels_init(&usable, masks[i]);
        if (!st_pixel_kernels_have(usable.flags, t->element))
            continue;
        try(t, usable.flags, &seed);
    }
}

static void test_inverted(void **state)
{
    (void)state;
    static const size_t sides[][2] = {{7, 5}, {1, 3}, {5, 170}, {9, 64}};
    for (size_t i = 0; i < 54 * COUNT(sides); i++) {
        const size_t *side = sides[i / 54];
        if (i / 54 > 1 && i % 5 > 1)
            continue;
        struct trial t = {.kind = ST_STAGE_INVERTED,
                          .H = side[0],
                          .W = side[1],
                          .K = 40,
                          .stride_h = 1 + i / 27 % 2,
                          .element = (enum st_element)(i % 3),
                          .in = (enum st_element)(i / 3 % 3),
                          .out = (enum st_element)(i / 9 % 3)};
        t.stride_w = t.stride_h;
        try_everywhere(&t);
    }
}

static void test_residual(void **state)
{
    (void)state;
    for (size_t i = 0; i < 27; i++) {
        const struct trial t = {.kind = ST_STAGE_INVERTED,
                                .H = 6,
                                .W = 50,
                                .K = PART_CHANNELS,
                                .stride_h = 1,
                                .stride_w = 1,
                                .residual = true,
                                .element = (enum st_element)(i % 3),
                                .in = (enum st_element)(i / 3 % 3),
                                .out = (enum st_element)(i / 9)};
        try_everywhere(&t);
    }
}

static void test_raised(void **state)
{
    (void)state;
    /* rows that come all at once before they are raised, and in uneven groups */
    static const size_t sides[][2] = {{5, 4}, {5, 21}, {9, 41}, {11, 33}};
    for (size_t i = 0; i < 9 * COUNT(sides); i++) {
        const struct trial t = {.kind = ST_STAGE_INVERTED,
                                .H = sides[i / 9][0],
                                .W = sides[i / 9][1],
                                .K = 16,
                                .stride_h = 1,
                                .stride_w = 1,
                                .raised = true,
                                .two = true,
                                .element = (enum st_element)(i % 3),
                                .in = (enum st_element)(i / 3 % 3),
                                .out = ST_ELEMENT_F32};
        try_everywhere(&t);
    }
}

static void test_dense_and_head(void **state)
{
    (void)state;
    for (size_t i = 0; i < 18; i++) {
        struct trial t = {.kind = ST_STAGE_DENSE,
                          .H = 8,
                          .W = 11,
                          .K = 48,
                          .stride_h = 1 + i % 2,
                          .stride_w = i < 9 ? 2 : 1,
                          .pad = i < 9 ? 3 : 1,
                          .element = (enum st_element)(i % 3),
                          .in = (enum st_element)(i / 3 % 3),
                          .out = (enum st_element)(i / 6)};
        try_everywhere(&t);
        t.kind = ST_STAGE_HEAD;
        t.stride_h = t.stride_w = 1;
        t.K = 3;
        t.out = ST_ELEMENT_F32;
        if (t.element != ST_ELEMENT_U8)
            try_everywhere(&t);
    }
}

/* An inverted residual and a head that reads it. */
struct pair {
    struct picture x, between;
    struct st_stage *stages[2];
    struct tensors weights[2];
    float *planes[2], *scales;
    void *scratch;
};

static void make_stage(struct pair *pair, int which, const struct picture *read,
                       const struct trial *t, const struct st_value *out, unsigned mask,
                       uint64_t *seed)
{
    struct st_pixel_kernels kernels;
    struct st_stage_form form = {.kind = t->kind,
                                 .element = t->element,
                                 .parts = {read->value},
                                 .part_count = 1,
                                 .stride_h = t->stride_h,
                                 .stride_w = t->stride_h,
                                 .out = *out,
                                 .expanded_scale = pair->scales,
                                 .filtered_scale = pair->scales};
    st_pixel_kernels_init(&kernels, mask);
    pair->weights[which] = make_tensors(t, PART_CHANNELS, seed);
    for (int i = 0; i < 3; i++)
        form.convs[i] = (struct st_stage_weights){pair->weights[which].weights[i],
                                                  pair->weights[which].bias[i]};
    ST_OK(
        st_stage_create(&pair->stages[which], &form, &kernels, st_pixel_kernels_narrow(mask), err));
}

/* Guards rows that are gone, or not there yet, when the head reads them. */
static void try_pair(enum st_element element, size_t H, size_t W, size_t stride, unsigned mask)
{
    const enum st_element head = element == ST_ELEMENT_U8 ? ST_ELEMENT_F32 : element;
    const size_t C = PART_CHANNELS, count = 3 * H * W;
    struct pair p = {.x = make_picture(C, stride * H, stride * W),
                     .between = make_picture(C, H, W)};
    uint64_t seed = 31;
    fill(p.x.numbers, C * p.x.H * p.x.W, 1, &seed);
    lay_out(&p.x, element, 1);
    put(&p.x);
    lay_out(&p.between, head, 4);
    p.scales = malloc(2 * C * sizeof(float));
    assert_non_null(p.scales);
    for (size_t i = 0; i < 2 * C; i++)
        p.scales[i] = 0.02F;
    const struct st_value planes = {.C = 3, .H = H, .W = W};
    make_stage(
        &p, 0, &p.x,
        &(struct trial){.kind = ST_STAGE_INVERTED, .K = C, .element = element, .stride_h = stride},
        &p.between.value, mask, &seed);
    make_stage(&p, 1, &p.between,
               &(struct trial){.kind = ST_STAGE_HEAD, .K = 3, .element = head, .stride_h = 1},
               &planes, mask, &seed);
    for (int i = 0; i < 2; i++)
        assert_non_null(p.planes[i] = calloc(count, sizeof(float)));
    p.scratch = st_alloc_aligned(st_stage_pair_scratch_bytes(p.stages[0], p.stages[1]));
    assert_non_null(p.scratch);
    const void *const x[2] = {p.x.data, NULL}, *const between[2] = {p.between.data, NULL};
    const struct st_stage_watch *const watches[2] = {NULL, NULL};
    st_stage_run(p.stages[0], x, p.between.data, p.scratch, NULL);
    st_stage_run(p.stages[1], between, p.planes[0], p.scratch, NULL);
    st_stage_run_pair(p.stages[0], p.stages[1], x, p.planes[1], p.scratch, watches);
    assert_memory_equal(p.planes[1], p.planes[0], count * sizeof(float));
    free_picture(&p.x);
    free_picture(&p.between);
    for (int i = 0; i < 2; i++) {
        st_stage_destroy(&p.stages[i]);
        free_tensors(&p.weights[i]);
        free(p.planes[i]);
    }
    free(p.scales);
    free(p.scratch);
}

static void test_pair(void **state)
{
    (void)state;
    static const size_t sides[][2] = {{1, 161}, {7, 161}, {12, 161}, {17, 30}, {3, 200}};
    struct st_kernels usable;
    for (size_t m = 0; m < COUNT(masks); m++) {
        st_kernels_init(&usable, masks[m]);
        for (size_t i = 0; i < 2 * COUNT(sides); i++)
            for (enum st_element element = 0; element < ST_ELEMENT_COUNT; element++)
                if (st_pixel_kernels_have(usable.flags, element))
                    try_pair(element, sides[i / 2][0], sides[i / 2][1], 1 + i % 2, usable.flags);
    }
}

/* Guards sums of 16 bit, which an AVX2 machine without VNNI has. */
static void test_narrow_weights(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int trial = 0; trial < 200; trial++) {
        float weights[13], before[13], levels[13];
        fill(weights, 13, 3, &seed);
        memcpy(before, weights, sizeof weights);
        const bool narrow = trial % 2;
        const float scale = st_quantise_weights(weights, levels, 13, narrow);
        double off = 0, power = 0;
        for (size_t i = 0; i < 13; i++) {
            assert_true(weights[i] == rintf(weights[i]) && fabsf(weights[i]) <= 127);
            if (narrow && i % 2 == 0 && i + 1 < 13)
                assert_true(fabsf(weights[i]) + fabsf(weights[i + 1]) <= 128);
            off += pow((double)(scale * weights[i] - before[i]), 2);
            power += pow((double)before[i], 2);
        }
        assert_true(sqrt(off / power) < (narrow ? 0.015 : 0.008));
    }
    float zeros[4] = {0, -0.0F, 0, 0}, levels[4];
    assert_true(st_quantise_weights(zeros, levels, 4, true) == 1 && zeros[1] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inverted), cmocka_unit_test(test_residual),
        cmocka_unit_test(test_raised),   cmocka_unit_test(test_dense_and_head),
        cmocka_unit_test(test_pair),     cmocka_unit_test(test_narrow_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
