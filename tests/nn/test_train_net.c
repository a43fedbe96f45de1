/* SPDX-License-Identifier: Apache-2.0 */
/* What a net that learns promises besides right gradients: sums in a fixed order, adding
 * to gradients, part of a batch, fixed parameters, bf16, naming what is not finite, and
 * sentences where it cannot be.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "kernels/kernels.h"
#include "nn/train_support.h"

#define BATCH 5

static unsigned cpu_mask = ~0U;

/* The linker sends our own code's allocations here (--wrap); oneDNN's stay its own. */
static long fail_after;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool fails(void)
{
    return fail_after > 0 && --fail_after == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails() ? NULL : __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

/* Two inverted residuals, a dense convolution with a wide border, upsampling with a
 * concat, and two outputs. */
static void build(struct st_train_net *net)
{
    int x = st_train_input(net, 6, 12, 10, true);
    x = st_test_inverted(net, x, "a", 16, 1, false);
    int y = st_test_inverted(net, x, "b", 16, 2, false);
    y = st_test_inverted(net, y, "c", 16, 1, true);
    y = st_train_concat(net, st_train_upsample(net, y), x);
    struct st_train_conv dense = {.name = "d",
                                  .channels = 20,
                                  .kernel = 3,
                                  .stride_h = 2,
                                  .stride_w = 2,
                                  .pad = 3,
                                  .bias = true};
    y = st_train_conv(net, y, &dense);
    y = st_train_norm(net, y,
                      &(struct st_train_norm){.name = "e", .slope = 0.01F, .add = ST_TRAIN_NONE});
    dense = (struct st_train_conv){
        .name = "f", .channels = 3, .kernel = 1, .stride_h = 1, .stride_w = 1, .bias = true};
    st_train_output(net, y, ST_TRAIN_UNIT);
    st_train_output(net, st_train_conv(net, y, &dense), ST_TRAIN_SIGMOID);
}

static void open_built(struct st_test_net *t, int workers, int batch,
                       enum st_train_precision precision, bool fixed)
{
    st_test_net_open(t, cpu_mask, workers, batch, precision, fixed);
    build(t->net);
    ST_OK(st_train_net_finish(t->net, err));
    st_train_net_init(t->net, 21);
}

static void fill_inputs(struct st_train_net *net, int samples)
{
    uint64_t state = 4;
    st_test_fill(st_train_net_input(net, 0), (size_t)samples * st_train_net_input_size(net, 0), 1,
                 &state);
}

static void step(struct st_train_net *net, int samples, enum st_train_mode mode)
{
    uint64_t state = 5;
    ST_OK(st_train_net_forward(net, samples, mode, err));
    for (int o = 0; o < 2; o++)
        st_test_fill(st_train_net_output_gradient(net, o),
                     (size_t)samples * st_train_net_output_size(net, o), 1, &state);
    ST_OK(st_train_net_backward(net, err));
}

static void same_bytes(const char *what, const float *a, const float *b, size_t count)
{
    if (memcmp(a, b, count * sizeof *a) != 0)
        fail_msg("%s differ by up to %g", what, st_max_difference(a, b, count));
}

/* `b` took `samples`, as did `a`. */
static void same_step(struct st_train_net *a, struct st_train_net *b, size_t samples)
{
    same_bytes("gradients", st_train_net_gradients(a), st_train_net_gradients(b),
               st_train_net_parameter_count(a));
    same_bytes("statistics", st_train_net_statistics(a), st_train_net_statistics(b),
               st_train_net_statistic_count(a));
    same_bytes("input gradients", st_train_net_input_gradient(a, 0),
               st_train_net_input_gradient(b, 0), samples * st_train_net_input_size(a, 0));
    for (int o = 0; o < 2; o++)
        same_bytes("outputs", st_train_net_output(a, o), st_train_net_output(b, o),
                   samples * st_train_net_output_size(a, o));
}

static void any_number_of_threads_gives_the_same_bytes(void **state)
{
    (void)state;
    struct st_test_net one, more;
    open_built(&one, 1, BATCH, ST_TRAIN_F32, false);
    fill_inputs(one.net, BATCH);
    step(one.net, BATCH, ST_TRAIN_BATCH);
    for (int workers = 2; workers <= 4; workers++) {
        open_built(&more, workers, BATCH, ST_TRAIN_F32, false);
        fill_inputs(more.net, BATCH);
        step(more.net, BATCH, ST_TRAIN_BATCH);
        same_step(one.net, more.net, BATCH);
        st_test_net_close(&more);
    }
    st_test_net_close(&one);
}

static void part_of_a_batch_is_a_smaller_batch(void **state)
{
    (void)state;
    struct st_test_net small, large;
    open_built(&small, 2, 2, ST_TRAIN_F32, false);
    open_built(&large, 2, BATCH, ST_TRAIN_F32, false);
    fill_inputs(small.net, 2);
    fill_inputs(large.net, BATCH);
    step(small.net, 2, ST_TRAIN_BATCH);
    step(large.net, 2, ST_TRAIN_BATCH);
    same_step(small.net, large.net, 2);
    st_test_net_close(&small);
    st_test_net_close(&large);
}

static void backward_adds_to_gradients(void **state)
{
    (void)state;
    struct st_test_net t;
    open_built(&t, 2, BATCH, ST_TRAIN_F32, false);
    size_t count = st_train_net_parameter_count(t.net);
    float *gradients = st_train_net_gradients(t.net);
    float *once = malloc(count * sizeof *once), *input = NULL;
    size_t inputs = BATCH * st_train_net_input_size(t.net, 0);
    input = malloc(inputs * sizeof *input);
    fill_inputs(t.net, BATCH);
    step(t.net, BATCH, ST_TRAIN_BATCH);
    memcpy(once, gradients, count * sizeof *once);
    memcpy(input, st_train_net_input_gradient(t.net, 0), inputs * sizeof *input);
    step(t.net, BATCH, ST_TRAIN_BATCH);
    for (size_t i = 0; i < count; i++)
        assert_true(gradients[i] == 2 * once[i]); /* exact: a + a */
    same_bytes("input gradients", input, st_train_net_input_gradient(t.net, 0), inputs);
    size_t tensors;
    const struct st_train_tensor *table = st_train_net_tensors(t.net, &tensors);
    for (size_t i = 0; i < tensors; i++)
        if (table[i].kind == ST_TRAIN_BATCHES)
            assert_int_equal(st_train_net_counters(t.net)[table[i].offset], 2);
    free(once);
    free(input);
    st_test_net_close(&t);
}

static void fixed_parameters_let_gradients_through(void **state)
{
    (void)state;
    struct st_test_net learning, fixed;
    open_built(&learning, 2, 2, ST_TRAIN_F32, false);
    open_built(&fixed, 2, 2, ST_TRAIN_F32, true);
    fill_inputs(learning.net, 2);
    fill_inputs(fixed.net, 2);
    assert_null(st_train_net_gradients(fixed.net));
    for (int mode = ST_TRAIN_BATCH; mode <= ST_TRAIN_RUNNING; mode++) {
        step(learning.net, 2, (enum st_train_mode)mode);
        step(fixed.net, 2, (enum st_train_mode)mode);
        same_bytes("input gradients", st_train_net_input_gradient(learning.net, 0),
                   st_train_net_input_gradient(fixed.net, 0),
                   2 * st_train_net_input_size(fixed.net, 0));
    }
    assert_true(st_train_net_bytes(fixed.net) < st_train_net_bytes(learning.net));
    st_test_net_close(&learning);
    st_test_net_close(&fixed);
}

static void running_statistics_stay_as_they_are(void **state)
{
    (void)state;
    struct st_test_net t;
    open_built(&t, 1, 2, ST_TRAIN_F32, false);
    size_t count = st_train_net_statistic_count(t.net);
    float *before = malloc(count * sizeof *before);
    fill_inputs(t.net, 2);
    step(t.net, 2, ST_TRAIN_BATCH);
    memcpy(before, st_train_net_statistics(t.net), count * sizeof *before);
    ST_OK(st_train_net_forward(t.net, 1, ST_TRAIN_RUNNING, err));
    same_bytes("statistics", before, st_train_net_statistics(t.net), count);
    assert_int_equal(st_train_net_counters(t.net)[0], 1);
    free(before);
    st_test_net_close(&t);
}

static double cosine(const float *a, const float *b, size_t count)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < count; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

/* bf16 keeps eight bits, so a gradient points the same way and no more. */
static void bf16_follows_f32(void **state)
{
    (void)state;
    struct st_test_net wide, narrow;
    struct st_kernels kernels;
    st_kernels_init(&kernels, cpu_mask);
    if (!st_train_precision_usable(&kernels, ST_TRAIN_BF16)) {
        fputs("skipped: no AVX-512 BF16 here\n", stderr);
        skip();
    }
    open_built(&wide, 2, BATCH, ST_TRAIN_F32, false);
    open_built(&narrow, 2, BATCH, ST_TRAIN_BF16, false);
    fill_inputs(wide.net, BATCH);
    fill_inputs(narrow.net, BATCH);
    step(wide.net, BATCH, ST_TRAIN_BATCH);
    step(narrow.net, BATCH, ST_TRAIN_BATCH);
    assert_true(st_max_difference(st_train_net_output(wide.net, 1),
                                  st_train_net_output(narrow.net, 1),
                                  BATCH * st_train_net_output_size(wide.net, 1)) < 0.03);
    size_t count;
    const struct st_train_tensor *t = st_train_net_tensors(wide.net, &count);
    for (size_t i = 0; i < count; i++) {
        if (t[i].kind != ST_TRAIN_WEIGHT)
            continue;
        double along = cosine(st_train_net_gradients(wide.net) + t[i].offset,
                              st_train_net_gradients(narrow.net) + t[i].offset, t[i].count);
        if (!(along > 0.98))
            fail_msg("gradient of %s: cosine with f32 is %g", t[i].name, along);
    }
    assert_true(st_train_net_bytes(narrow.net) < st_train_net_bytes(wide.net));
    st_test_net_close(&wide);
    st_test_net_close(&narrow);
}

static void blamed(struct st_train_net *net, const char *expected)
{
    char text[200];
    bool found = st_train_net_blame(net, text, sizeof text);
    if (found != (*expected != '\0') || !strstr(text, expected))
        fail_msg("blamed is \"%s\", should be \"%s\"", text, expected);
}

static float *parameter(struct st_train_net *net, const char *name)
{
    const struct st_train_tensor *t = st_train_net_find(net, name);
    assert_non_null(t);
    return st_train_net_parameters(net) + t->offset;
}

static void what_is_not_finite_is_named(void **state)
{
    (void)state;
    struct st_test_net t;
    open_built(&t, 2, 2, ST_TRAIN_F32, false);
    fill_inputs(t.net, 2);
    step(t.net, 2, ST_TRAIN_BATCH);
    blamed(t.net, "");

    float *weight = parameter(t.net, "b.3.weight"), kept = weight[4];
    weight[4] = NAN;
    ST_OK(st_train_net_forward(t.net, 2, ST_TRAIN_BATCH, err));
    blamed(t.net, "the values of b.3.weight");
    weight[4] = kept;

    kept = parameter(t.net, "c.4.weight")[1]; /* large enough to overflow further on */
    parameter(t.net, "c.4.weight")[1] = 3e38F;
    parameter(t.net, "c.4.bias")[1] = 3e38F;
    ST_OK(st_train_net_forward(t.net, 2, ST_TRAIN_BATCH, err));
    blamed(t.net, "the batch statistics of c.7");
    parameter(t.net, "c.4.weight")[1] = kept;
    parameter(t.net, "c.4.bias")[1] = 0;

    ST_OK(st_train_net_forward(t.net, 2, ST_TRAIN_BATCH, err));
    memset(st_train_net_output_gradient(t.net, 0), 0,
           2 * st_train_net_output_size(t.net, 0) * sizeof(float));
    st_train_net_output_gradient(t.net, 1)[0] = INFINITY;
    ST_OK(st_train_net_backward(t.net, err));
    blamed(t.net, "the gradient of f.bias");

    st_train_net_input(t.net, 0)[7] = NAN;
    ST_OK(st_train_net_forward(t.net, 2, ST_TRAIN_BATCH, err));
    blamed(t.net, "the first input");
    st_test_net_close(&t);
}

static void start_is_uniform_within_the_fan_in(void **state)
{
    (void)state;
    struct st_test_net t;
    open_built(&t, 1, 1, ST_TRAIN_F32, false);
    const struct st_train_tensor *w = st_train_net_find(t.net, "d.weight");
    const float *values = st_train_net_parameters(t.net) + w->offset;
    const double spread = 1 / sqrt((double)(w->count / w->dims[0]));
    double greatest = 0, square = 0;
    for (size_t i = 0; i < w->count; i++) {
        greatest = fmax(greatest, fabs((double)values[i]));
        square += (double)values[i] * (double)values[i] / (double)w->count;
    }
    assert_true(greatest <= spread && greatest > 0.98 * spread);
    assert_true(fabs(square - spread * spread / 3) < 0.05 * spread * spread / 3);
    assert_true(fabs((double)parameter(t.net, "d.bias")[0]) <= spread);
    assert_true(parameter(t.net, "e.weight")[3] == 1 && parameter(t.net, "e.bias")[3] == 0);
    size_t count;
    const struct st_train_tensor *table = st_train_net_tensors(t.net, &count);
    for (size_t i = 0; i < count; i++)
        if (table[i].kind != ST_TRAIN_BATCHES)
            assert_int_equal(table[i].offset % 16, 0);
    assert_int_equal((uintptr_t)st_train_net_parameters(t.net) % 64, 0);
    assert_int_equal((uintptr_t)st_train_net_gradients(t.net) % 64, 0);
    st_test_net_close(&t);
}

static void refused(int (*add)(struct st_train_net *net, int x), const char *word)
{
    struct st_test_net t;
    synctalk_error error = {0};
    st_test_net_open(&t, cpu_mask, 1, 1, ST_TRAIN_F32, false);
    int x = st_train_input(t.net, 3, 5, 4, false);
    st_train_output(t.net, add(t.net, x), ST_TRAIN_PLAIN);
    assert_int_equal(st_train_net_finish(t.net, &error), SYNCTALK_E_ARG);
    if (!strstr(error.message, word))
        fail_msg("\"%s\" does not say \"%s\"", error.message, word);
    st_test_net_close(&t);
}

static int conv_too_large(struct st_train_net *net, int x)
{
    return st_train_conv(
        net, x,
        &(struct st_train_conv){
            .name = "a", .channels = 3, .kernel = 7, .stride_h = 1, .stride_w = 1});
}

static int norm_of_an_input(struct st_train_net *net, int x)
{
    return st_train_norm(net, x, &(struct st_train_norm){.name = "a", .add = ST_TRAIN_NONE});
}

static int odd_pool(struct st_train_net *net, int x)
{
    return st_train_max_pool(net, x);
}

static int narrow_concat(struct st_train_net *net, int x)
{
    return st_train_concat(net, x, st_train_activation(net, x, 0));
}

static void impossible_networks_are_refused(void **state)
{
    (void)state;
    refused(conv_too_large, "larger than its input");
    refused(norm_of_an_input, "batch norm");
    refused(odd_pool, "odd");
    refused(narrow_concat, "concat");

    struct st_test_net t;
    synctalk_error error = {0};
    st_test_net_open(&t, cpu_mask, 1, 1, ST_TRAIN_F32, false);
    assert_int_equal(st_train_net_finish(t.net, &error), SYNCTALK_E_ARG);
    st_test_net_close(&t);
    open_built(&t, 1, 2, ST_TRAIN_F32, false);
    assert_int_equal(st_train_net_forward(t.net, 3, ST_TRAIN_BATCH, &error), SYNCTALK_E_ARG);
    assert_non_null(strstr(error.message, "1 to 2"));
    st_test_net_close(&t);

    struct st_kernels kernels;
    struct st_train_net *net;
    st_kernels_init(&kernels, 0);
    struct st_train_settings settings = {
        .kernels = &kernels, .batch = 1, .precision = ST_TRAIN_BF16};
    assert_int_equal(st_train_net_create(&net, &settings, &error), SYNCTALK_E_UNSUPPORTED);
    assert_null(net);
    settings.batch = 0;
    assert_int_equal(st_train_net_create(&net, &settings, &error), SYNCTALK_E_ARG);
}

/* The n-th allocation of our own code fails, for every n: each gives E_MEMORY and a
 * sentence, and leaves nothing behind (the sanitizers hold that). */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct st_kernels kernels;
    struct st_pool *pool;
    st_kernels_init(&kernels, cpu_mask);
    ST_OK(st_pool_create(&pool, 2, err));
    const struct st_train_settings settings = {.kernels = &kernels, .pool = pool, .batch = 2};
    long n = 0;
    synctalk_status st;
    do {
        struct st_train_net *net = NULL;
        synctalk_error error = {0};
        fail_after = ++n;
        st = st_train_net_create(&net, &settings, &error);
        if (!st) {
            build(net);
            st = st_train_net_finish(net, &error);
        }
        fail_after = 0;
        if (st) {
            assert_int_equal(st, SYNCTALK_E_MEMORY);
            assert_non_null(strstr(error.message, "no memory"));
        }
        st_train_net_destroy(&net);
    } while (st);
    assert_true(n > 50);
    st_pool_destroy(&pool);
}

int main(int argc, char **argv)
{
    cpu_mask = st_test_train_mask(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_threads_gives_the_same_bytes),
        cmocka_unit_test(part_of_a_batch_is_a_smaller_batch),
        cmocka_unit_test(backward_adds_to_gradients),
        cmocka_unit_test(fixed_parameters_let_gradients_through),
        cmocka_unit_test(running_statistics_stay_as_they_are),
        cmocka_unit_test(bf16_follows_f32),
        cmocka_unit_test(what_is_not_finite_is_named),
        cmocka_unit_test(start_is_uniform_within_the_fan_in),
        cmocka_unit_test(impossible_networks_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
