/* SPDX-License-Identifier: Apache-2.0 */
/* Layers against plain loops in double, on the instruction sets that the first argument
 * allows (oneDNN's limit belongs to the process, so each set is a process of its own);
 * then planning, sharing, threads, OpenMP, and memory that runs out. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "nn/net.h"
#include "nn/onednn.h"
#include "support/support.h"

static unsigned allowed = ~0U; /* SYNCTALK_CPU_* bits, set once by main() */

/* The linker sends our own code's allocations here (--wrap); oneDNN's stay its own. */
static long fail_after; /* 1: the next one fails; 0: none */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool refused(void)
{
    return fail_after > 0 && --fail_after == 0;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return refused() ? NULL : __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refused() ? NULL : __real_aligned_alloc(alignment, size);
}

struct tensor {
    int N, C, H, W;
    float *data;
};

static size_t tensor_count(const struct tensor *t)
{
    return (size_t)t->N * (size_t)t->C * (size_t)t->H * (size_t)t->W;
}

static float *random_floats(size_t count, float spread, uint64_t *seed)
{
    float *data = malloc(count * sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++)
        data[i] = spread * (2 * st_random_unit(seed) - 1);
    return data;
}

static struct tensor random_tensor(int N, int C, int H, int W, uint64_t *seed)
{
    struct tensor t = {N, C, H, W, NULL};
    t.data = random_floats(tensor_count(&t), 1, seed);
    return t;
}

static float at(const struct tensor *t, int n, int c, int y, int x)
{
    if (y < 0 || y >= t->H || x < 0 || x >= t->W)
        return 0;
    return t
        ->data[(((size_t)n * (size_t)t->C + (size_t)c) * (size_t)t->H + (size_t)y) * (size_t)t->W +
               (size_t)x];
}

/* One output of a convolution, before what is added and the ReLU. */
static double convolve_at(const struct tensor *x, const struct st_conv *conv, int n, int k, int py,
                          int px)
{
    const int taps = conv->kernel * conv->kernel, C = conv->depthwise ? 1 : x->C;
    double sum = conv->bias ? (double)conv->bias[k] : 0;
    for (int c = 0; c < C; c++)
        for (int i = 0; i < taps; i++)
            sum += (double)conv->weights[(k * C + c) * taps + i] *
                   (double)at(x, n, conv->depthwise ? k : c,
                              py * conv->stride_h - conv->pad + i / conv->kernel,
                              px * conv->stride_w - conv->pad + i % conv->kernel);
    return sum;
}

static struct tensor convolve(const struct tensor *x, const struct st_conv *conv,
                              const struct tensor *add)
{
    struct tensor y = {x->N, conv->channels,
                       (x->H + 2 * conv->pad - conv->kernel) / conv->stride_h + 1,
                       (x->W + 2 * conv->pad - conv->kernel) / conv->stride_w + 1, NULL};
    y.data = malloc(tensor_count(&y) * sizeof *y.data);
    assert_non_null(y.data);
    for (size_t i = 0; i < tensor_count(&y); i++) {
        int px = (int)(i % (size_t)y.W), py = (int)(i / (size_t)y.W % (size_t)y.H);
        int k = (int)(i / (size_t)(y.W * y.H) % (size_t)y.C);
        double sum = convolve_at(x, conv, (int)(i / (size_t)(y.W * y.H * y.C)), k, py, px);
        sum += add ? (double)add->data[i] : 0;
        y.data[i] = (float)(conv->relu && sum < 0 ? 0 : sum);
    }
    return y;
}

/* A convolution with random weights, to be freed by end_conv(). */
static struct st_conv begin_conv(int C, struct st_conv conv, uint64_t *seed)
{
    size_t fan = (size_t)(conv.depthwise ? 1 : C) * (size_t)(conv.kernel * conv.kernel);
    conv.weights = random_floats((size_t)conv.channels * fan, sqrtf(3 / (float)fan), seed);
    conv.bias = random_floats((size_t)conv.channels, 0.5F, seed);
    return conv;
}

static void end_conv(struct st_conv *conv)
{
    free((void *)conv->weights);
    free((void *)conv->bias);
}

static struct st_net *begin_net(int N, const struct st_net *share)
{
    struct st_kernels kernels;
    struct st_net *net;
    st_kernels_init(&kernels, allowed);
    ST_OK(st_net_create(&net, &kernels, N, share, err));
    return net;
}

/* Finish, run once, compare with `want`, destroy. */
static void check_net(struct st_net *net, const struct tensor *x, const struct tensor *want,
                      const char *what)
{
    struct st_net_run *run;
    ST_OK(st_net_finish(net, err));
    ST_OK(st_net_run_create(&run, net, err));
    float *got = malloc(tensor_count(want) * sizeof *got);
    assert_non_null(got);
    ST_OK(st_net_run_execute(run, (const float *const[]){x->data}, (float *const[]){got}, err));
    double off = st_max_difference(got, want->data, tensor_count(want));
    if (!(off < 2e-5))
        fail_msg("%s: off by %g", what, off);
#if defined(__x86_64__)
    for (size_t i = 0; st_net_layer(net, i); i++)
        if (strncmp(st_net_layer(net, i), "ref", 3) == 0)
            fail_msg("%s: layer %zu runs in oneDNN's reference loop", what, i);
#endif
    free(got);
    st_net_run_destroy(&run);
    st_net_destroy(&net);
}

struct conv_case {
    const char *what;
    int N, C, H, W;
    bool packed;
    struct st_conv conv;
};

#define CONV(k, s, p, ...)                                                                   \
    {                                                                                        \
        .kernel = k, .stride_h = s, .stride_w = s, .pad = p, .add = ST_NET_NONE, __VA_ARGS__ \
    }

static const struct conv_case conv_cases[] = {
    {"6 to 12, 1x1", 1, 6, 9, 7, false, CONV(1, 1, 0, .channels = 12, .relu = true)},
    {"6 to 12, packed", 1, 6, 9, 7, true, CONV(1, 1, 0, .channels = 12, .relu = true)},
    {"12 depthwise", 1, 12, 9, 7, true, CONV(3, 1, 1, .channels = 12, .depthwise = true)},
    {"12 to 3, no ReLU", 1, 12, 5, 5, true, CONV(1, 1, 0, .channels = 3)},
    {"one channel in", 2, 1, 20, 16, false, CONV(3, 1, 1, .channels = 32, .relu = true)},
    {"3x3", 1, 32, 8, 11, true, CONV(3, 1, 1, .channels = 48, .relu = true)},
    {"3x3, stride 2", 3, 16, 9, 12, true, CONV(3, 2, 1, .channels = 16)},
    {"depthwise, stride 2", 1, 40, 10, 10, true,
     CONV(3, 2, 1, .channels = 40, .depthwise = true, .relu = true)},
    {"3x3, pad 3, stride 2", 1, 64, 16, 16, true, CONV(3, 2, 3, .channels = 32, .relu = true)},
    {"3x3, no pad", 16, 32, 3, 3, true, CONV(3, 1, 0, .channels = 32, .relu = true)},
    {"3x3, strides 3 and 2",
     2,
     16,
     9,
     6,
     true,
     {.channels = 16, .kernel = 3, .stride_h = 3, .stride_w = 2, .pad = 1, .add = ST_NET_NONE}},
    {"1x1 of one pixel", 5, 32, 1, 1, true, CONV(1, 1, 0, .channels = 64)},
    {"12x12, no pad", 1, 16, 12, 12, true, CONV(12, 1, 0, .channels = 64, .relu = true)},
};

static void test_convolutions(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (size_t i = 0; i < sizeof conv_cases / sizeof *conv_cases; i++) {
        const struct conv_case *c = &conv_cases[i];
        struct tensor x = random_tensor(c->N, c->C, c->H, c->W, &seed);
        struct st_conv conv = begin_conv(c->C, c->conv, &seed);
        struct tensor want = convolve(&x, &conv, NULL);
        struct st_net *net = begin_net(c->N, NULL);
        int v = st_net_input(net, c->C, c->H, c->W);
        v = st_net_conv(net, c->packed ? st_net_pack(net, v) : v, &conv);
        st_net_output(net, v, false);
        check_net(net, &x, &want, c->what);
        end_conv(&conv);
        free(want.data);
        free(x.data);
    }
}

/* 1x1 then depthwise, at sizes that oneDNN fuses and sizes that it does not. */
static void test_conv_depthwise(void **state)
{
    (void)state;
    static const int cases[][4] = {/* C, hidden, side, stride */
                                   {6, 12, 12, 1},
                                   {16, 32, 20, 2},
                                   {64, 128, 80, 1},
                                   {64, 128, 79, 2},
                                   {16, 32, 200, 1}};
    uint64_t seed = 13;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int C = cases[i][0], hidden = cases[i][1], side = cases[i][2], s = cases[i][3];
        struct tensor x = random_tensor(1, C, side, side, &seed);
        struct st_conv first =
            begin_conv(C, (struct st_conv)CONV(1, 1, 0, .channels = hidden, .relu = true), &seed);
        struct st_conv second = begin_conv(
            hidden,
            (struct st_conv)CONV(3, s, 1, .channels = hidden, .relu = true, .depthwise = true),
            &seed);
        struct tensor between = convolve(&x, &first, NULL);
        struct tensor want = convolve(&between, &second, NULL);
        struct st_net *net = begin_net(1, NULL);
        int v = st_net_pack(net, st_net_input(net, C, side, side));
        st_net_output(net, st_net_conv_depthwise(net, v, &first, &second), false);
        check_net(net, &x, &want, "1x1 and depthwise");
        end_conv(&first);
        end_conv(&second);
        free(between.data);
        free(want.data);
        free(x.data);
    }
}

/* x + conv(x), where the sum cannot be formed in x's memory, and a + conv(conv(a)), where
 * it is. */
static void test_residual(void **state)
{
    (void)state;
    uint64_t seed = 17;
    struct tensor x = random_tensor(2, 32, 9, 9, &seed);
    struct st_conv conv =
        begin_conv(32, (struct st_conv)CONV(3, 1, 1, .channels = 32, .relu = true), &seed);

    struct tensor want = convolve(&x, &conv, &x);
    struct st_net *net = begin_net(2, NULL);
    int v = st_net_pack(net, st_net_input(net, 32, 9, 9));
    struct st_conv sum = conv;
    sum.add = v;
    st_net_output(net, st_net_conv(net, v, &sum), false);
    check_net(net, &x, &want, "x + conv(x)");
    free(want.data);

    struct tensor first = convolve(&x, &conv, NULL);
    want = convolve(&first, &conv, &x);
    net = begin_net(2, NULL);
    v = st_net_pack(net, st_net_input(net, 32, 9, 9));
    sum.add = v;
    st_net_output(net, st_net_conv(net, st_net_conv(net, v, &conv), &sum), false);
    check_net(net, &x, &want, "x + conv(conv(x))");
    free(want.data);
    free(first.data);
    free(x.data);
    end_conv(&conv);
}

/* A sum overwrites what it adds; a layer that still reads it would read the sum. */
static void test_taken_value_is_refused(void **state)
{
    (void)state;
    uint64_t seed = 19;
    struct st_conv conv = begin_conv(16, (struct st_conv)CONV(1, 1, 0, .channels = 16), &seed);
    struct st_net *net = begin_net(1, NULL);
    int x = st_net_pack(net, st_net_input(net, 16, 4, 4));
    struct st_conv sum = conv;
    sum.add = x;
    int y = st_net_conv(net, st_net_conv(net, x, &conv), &sum);
    assert_true(y >= 0);
    assert_int_equal(st_net_conv(net, x, &conv), ST_NET_FAILED);
    assert_int_equal(st_net_conv(net, y, &conv), ST_NET_FAILED);
    synctalk_error error = {0};
    assert_int_equal(st_net_finish(net, &error), SYNCTALK_E_ARG);
    assert_non_null(strstr(error.message, "residual"));
    st_net_destroy(&net);
    end_conv(&conv);
}

static void test_upsample_concat_sigmoid(void **state)
{
    (void)state;
    uint64_t seed = 23;
    struct tensor x = random_tensor(1, 16, 6, 6, &seed);
    struct st_conv half = begin_conv(16, (struct st_conv)CONV(3, 2, 1, .channels = 16), &seed);
    struct st_conv same = begin_conv(16, (struct st_conv)CONV(3, 1, 1, .channels = 16), &seed);
    struct tensor small = convolve(&x, &half, NULL), skip = convolve(&x, &same, NULL);

    struct tensor want = {1, 32, 6, 6, NULL};
    want.data = malloc(tensor_count(&want) * sizeof(float));
    assert_non_null(want.data);
    struct st_kernels ref;
    st_kernels_init(&ref, 0);
    ref.upsample2x(want.data, small.data, 16, 3, 3, 1);
    memcpy(want.data + 16 * 36, skip.data, 16 * 36 * sizeof(float));
    for (size_t i = 0; i < tensor_count(&want); i++)
        want.data[i] = (float)(1 / (1 + exp(-(double)want.data[i])));

    struct st_net *net = begin_net(1, NULL);
    int v = st_net_pack(net, st_net_input(net, 16, 6, 6));
    int b = st_net_conv(net, v, &same);
    int a = st_net_upsample(net, st_net_conv(net, v, &half));
    int both = st_net_concat(net, a, b);
    st_net_output(net, both, true);
    assert_true(both >= 0);
    check_net(net, &x, &want, "upsample, concat, sigmoid");

    /* A value lies in one place only. */
    net = begin_net(1, NULL);
    v = st_net_pack(net, st_net_input(net, 16, 6, 6));
    a = st_net_conv(net, v, &same);
    assert_true(st_net_concat(net, v, a) >= 0);
    assert_int_equal(st_net_concat(net, a, v), ST_NET_FAILED);
    assert_int_equal(st_net_finish(net, NULL), SYNCTALK_E_ARG);
    st_net_destroy(&net);

    end_conv(&half);
    end_conv(&same);
    free(small.data);
    free(skip.data);
    free(want.data);
    free(x.data);
}

static struct tensor join(const struct tensor *a, const struct tensor *b)
{
    struct tensor y = {1, a->C + b->C, a->H, a->W, NULL};
    y.data = malloc(tensor_count(&y) * sizeof *y.data);
    assert_non_null(y.data);
    memcpy(y.data, a->data, tensor_count(a) * sizeof *y.data);
    memcpy(y.data + tensor_count(a), b->data, tensor_count(b) * sizeof *y.data);
    return y;
}

static struct tensor average(const struct tensor *x)
{
    struct tensor y = {x->N, x->C, 1, 1, calloc((size_t)(x->N * x->C), sizeof(float))};
    const size_t area = (size_t)x->H * (size_t)x->W;
    assert_non_null(y.data);
    for (size_t c = 0; c < tensor_count(&y); c++) {
        double sum = 0;
        for (size_t i = 0; i < area; i++)
            sum += (double)x->data[c * area + i];
        y.data[c] = (float)(sum / (double)area);
    }
    return y;
}

/* What is after a concat of 20 and 12 channels, neither of them whole blocks. Each layer
 * has to read the channels where they are, with the zeros between them. */
enum after { AFTER_NOTHING, AFTER_DENSE, AFTER_DEPTHWISE, AFTER_MEAN, AFTER_CONCAT, AFTER_LAST };

static int add_after(struct st_net *net, enum after after, int both, const struct st_conv *conv)
{
    switch (after) {
    case AFTER_DENSE:
    case AFTER_DEPTHWISE:
        return st_net_conv(net, both, conv);
    case AFTER_MEAN:
        return st_net_mean(net, both);
    case AFTER_CONCAT:
        return st_net_concat(net, st_net_mean(net, both),
                             st_net_mean(net, st_net_conv(net, both, conv)));
    default:
        return both;
    }
}

static struct tensor want_after(enum after after, const struct tensor *both,
                                const struct st_conv *conv)
{
    struct tensor end = convolve(both, conv, NULL), mean = average(both), end_mean = average(&end);
    struct tensor want = after == AFTER_NOTHING  ? *both
                         : after == AFTER_MEAN   ? mean
                         : after == AFTER_CONCAT ? join(&mean, &end_mean)
                                                 : end;
    for (int i = 0; i < 3; i++) {
        float *data = (float *[]){end.data, mean.data, end_mean.data}[i];
        if (data != want.data)
            free(data);
    }
    return want;
}

static void test_concat_of_any_channels(void **state)
{
    (void)state;
    uint64_t seed = 41;
    struct tensor x = random_tensor(1, 5, 9, 7, &seed);
    struct st_conv first = begin_conv(5, (struct st_conv)CONV(1, 1, 0, .channels = 20), &seed);
    struct st_conv second =
        begin_conv(5, (struct st_conv)CONV(3, 1, 1, .channels = 12, .relu = true), &seed);
    struct tensor a = convolve(&x, &first, NULL), b = convolve(&x, &second, NULL);
    struct tensor both = join(&a, &b);
    for (enum after after = AFTER_NOTHING; after < AFTER_LAST; after++) {
        bool depthwise = after == AFTER_DEPTHWISE;
        struct st_conv conv =
            begin_conv(32,
                       depthwise ? (struct st_conv)CONV(3, 2, 1, .channels = 32, .depthwise = true)
                                 : (struct st_conv)CONV(3, 1, 1, .channels = 10),
                       &seed);
        struct tensor want = want_after(after, &both, &conv);
        struct st_net *net = begin_net(1, NULL);
        int v = st_net_pack(net, st_net_input(net, 5, 9, 7));
        int joined = st_net_concat(net, st_net_conv(net, v, &first), st_net_conv(net, v, &second));
        st_net_output(net, add_after(net, after, joined, &conv), false);
        check_net(net, &x, &want, "a concat of 20 and 12");
        if (want.data != both.data)
            free(want.data);
        end_conv(&conv);
    }
    end_conv(&first);
    end_conv(&second);
    free(both.data);
    free(a.data);
    free(b.data);
    free(x.data);
}

/* A mean has the error of a row and of a column, not that of 40000 numbers added up. */
static void test_mean_of_many(void **state)
{
    (void)state;
    uint64_t seed = 43;
    struct tensor x = random_tensor(2, 19, 200, 200, &seed);
    for (size_t i = 0; i < tensor_count(&x); i++)
        x.data[i] += 7;
    struct tensor want = average(&x);
    struct st_net *net = begin_net(2, NULL);
    st_net_output(net, st_net_mean(net, st_net_pack(net, st_net_input(net, 19, 200, 200))), false);
    check_net(net, &x, &want, "mean of 200 x 200");
    free(want.data);
    free(x.data);
}

/* Weights without a bias; a sum of values whose channels lie in different places. */
static void test_no_bias_and_other_places(void **state)
{
    (void)state;
    uint64_t seed = 47;
    struct tensor x = random_tensor(1, 20, 6, 6, &seed);
    struct st_conv conv =
        begin_conv(20, (struct st_conv)CONV(3, 1, 1, .channels = 20, .depthwise = true), &seed);
    free((void *)conv.bias);
    conv.bias = NULL;
    struct tensor want = convolve(&x, &conv, NULL);
    struct st_net *net = begin_net(1, NULL);
    int v = st_net_pack(net, st_net_input(net, 20, 6, 6));
    st_net_output(net, st_net_conv(net, v, &conv), false);
    check_net(net, &x, &want, "no bias");

    struct st_conv wide = begin_conv(20, (struct st_conv)CONV(1, 1, 0, .channels = 40), &seed);
    net = begin_net(1, NULL);
    v = st_net_pack(net, st_net_input(net, 20, 6, 6));
    wide.add = st_net_concat(net, v, st_net_conv(net, v, &conv));
    assert_int_equal(st_net_conv(net, v, &wide), ST_NET_FAILED);
    assert_int_equal(st_net_finish(net, NULL), SYNCTALK_E_ARG);
    st_net_destroy(&net);
    end_conv(&wide);
    end_conv(&conv);
    free(want.data);
    free(x.data);
}

/* A chain needs two activations at a time, however long it is. */
static void test_arena_is_reused(void **state)
{
    (void)state;
    uint64_t seed = 29;
    struct st_conv conv = begin_conv(32, (struct st_conv)CONV(3, 1, 1, .channels = 32), &seed);
    struct st_net *net = begin_net(1, NULL);
    int v = st_net_pack(net, st_net_input(net, 32, 64, 64));
    for (int i = 0; i < 8; i++)
        v = st_net_conv(net, v, &conv);
    st_net_output(net, v, false);
    ST_OK(st_net_finish(net, err));
    const size_t one = (size_t)32 * 64 * 64 * sizeof(float);
    assert_in_range(st_net_arena_bytes(net), 2 * one, 2 * one + one / 2);
    st_net_destroy(&net);
    end_conv(&conv);
}

struct job {
    const struct st_net *net;
    const struct tensor *x;
    float *out;
    size_t out_count;
    bool same; /* each run gave the same bytes */
};

static void *repeat(void *argument)
{
    struct job *job = argument;
    struct st_net_run *run = NULL;
    float *again = malloc(job->out_count * sizeof *again);
    job->same = again && !st_net_run_create(&run, job->net, NULL);
    for (int i = 0; job->same && i < 6; i++) {
        float *out = i == 0 ? job->out : again;
        memset(out, 0xA5, job->out_count * sizeof *out);
        job->same = !st_net_run_execute(run, (const float *const[]){job->x->data},
                                        (float *const[]){out}, NULL) &&
                    memcmp(out, job->out, job->out_count * sizeof *out) == 0;
    }
    st_net_run_destroy(&run);
    free(again);
    return NULL;
}

/* Two threads on one net, and a net of another batch that borrows its weights. */
static void test_threads_and_sharing(void **state)
{
    (void)state;
    uint64_t seed = 31;
    struct tensor x = random_tensor(2, 64, 24, 24, &seed);
    struct st_conv a =
        begin_conv(64, (struct st_conv)CONV(1, 1, 0, .channels = 128, .relu = true), &seed);
    struct st_conv b = begin_conv(128, (struct st_conv)CONV(3, 1, 1, .channels = 64), &seed);
    struct st_net *nets[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        nets[i] = begin_net(2 - i, nets[0]);
        int v = st_net_pack(nets[i], st_net_input(nets[i], 64, 24, 24));
        v = st_net_conv(nets[i], st_net_conv(nets[i], v, &a), &b);
        st_net_output(nets[i], v, false);
        ST_OK(st_net_finish(nets[i], err));
    }
    assert_true(st_net_weight_bytes(nets[0]) > 0);
    assert_int_equal(st_net_weight_bytes(nets[1]), 0);

    const size_t one = (size_t)64 * 24 * 24;
    struct job jobs[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        size_t count = i < 2 ? 2 * one : one;
        jobs[i] = (struct job){nets[i == 2], &x, malloc(count * sizeof(float)), count, false};
        assert_non_null(jobs[i].out);
        assert_int_equal(pthread_create(&threads[i], NULL, repeat, &jobs[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(jobs[i].same);
    }
    assert_memory_equal(jobs[0].out, jobs[1].out, 2 * one * sizeof(float));
    assert_memory_equal(jobs[0].out, jobs[2].out, one * sizeof(float));

    for (int i = 0; i < 3; i++)
        free(jobs[i].out);
    for (int i = 1; i >= 0; i--)
        st_net_destroy(&nets[i]);
    end_conv(&a);
    end_conv(&b);
    free(x.data);
}

/* The application's own OpenMP code must find its thread count as it left it. */
static void test_openmp_setting_is_restored(void **state)
{
    (void)state;
    struct st_openmp openmp;
    st_openmp_find(&openmp);
    if (!openmp.set)
        skip();
    openmp.set(3);
    int before = st_nn_single_thread_begin(&openmp);
    assert_int_equal(openmp.get(), 1);
    st_nn_single_thread_end(&openmp, before);
    assert_int_equal(openmp.get(), 3);

    test_residual(state);
    assert_int_equal(openmp.get(), 3);
    openmp.set(1);
}

/* The n-th allocation of our own code fails, for every n: each gives E_MEMORY and a
 * sentence, and leaves nothing behind (the sanitizers hold that). */
static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    uint64_t seed = 37;
    struct st_kernels kernels;
    struct st_conv conv = begin_conv(16, (struct st_conv)CONV(3, 2, 3, .channels = 16), &seed);
    st_kernels_init(&kernels, allowed);
    long n = 0;
    synctalk_status st;
    do {
        struct st_net *net = NULL;
        struct st_net_run *run = NULL;
        synctalk_error error = {0};
        fail_after = ++n;
        st = st_net_create(&net, &kernels, 1, NULL, &error);
        if (!st) {
            int v = st_net_pack(net, st_net_input(net, 16, 8, 8));
            st_net_output(net, st_net_conv(net, v, &conv), false);
            st = st_net_finish(net, &error);
        }
        if (!st)
            st = st_net_run_create(&run, net, &error);
        fail_after = 0;
        if (st) {
            assert_int_equal(st, SYNCTALK_E_MEMORY);
            assert_non_null(strstr(error.message, "no memory"));
        }
        st_net_run_destroy(&run);
        st_net_destroy(&net);
    } while (st);
    assert_true(n > 8);
    end_conv(&conv);
}

static void test_statuses(void **state)
{
    (void)state;
    synctalk_error error = {0};
    assert_int_equal(st_onednn_status(dnnl_success, "x", &error), SYNCTALK_OK);
    assert_int_equal(st_onednn_status(dnnl_out_of_memory, "x", &error), SYNCTALK_E_MEMORY);
    assert_int_equal(st_onednn_status(dnnl_unimplemented, "x", &error), SYNCTALK_E_UNSUPPORTED);
    assert_int_equal(st_onednn_status(dnnl_runtime_error, "the sum", &error), SYNCTALK_E_LIBRARY);
    assert_non_null(strstr(error.message, "the sum"));
}

int main(int argc, char **argv)
{
    if (argc > 1)
        allowed = (unsigned)strtoul(argv[1], NULL, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_conv_depthwise),
        cmocka_unit_test(test_residual),
        cmocka_unit_test(test_taken_value_is_refused),
        cmocka_unit_test(test_upsample_concat_sigmoid),
        cmocka_unit_test(test_concat_of_any_channels),
        cmocka_unit_test(test_mean_of_many),
        cmocka_unit_test(test_no_bias_and_other_places),
        cmocka_unit_test(test_arena_is_reused),
        cmocka_unit_test(test_threads_and_sharing),
        cmocka_unit_test(test_openmp_setting_is_restored),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
