/* SPDX-License-Identifier: Apache-2.0 */
/* Building blocks against recorded ones: outputs, gradients and running statistics that
 * were computed in double. A bound is 1e-5 of the greatest value of its tensor.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/train_support.h"

#define BOUND 1e-5
#define BLOCKS "reference/train/blocks.npz"

static unsigned cpu_mask = ~0U;

struct block {
    const char *name;
    int inputs;
    int (*build)(struct st_train_net *net, const int *x);
    enum st_train_ending ending;
};

static int ir_residual(struct st_train_net *net, const int *x)
{
    return st_test_inverted(net, x[0], "conv", 8, 1, true);
}

static int ir_stride2(struct st_train_net *net, const int *x)
{
    return st_test_inverted(net, x[0], "conv", 16, 2, false);
}

static int dc_stride2(struct st_train_net *net, const int *x)
{
    int y = st_test_inverted(net, x[0], "double_conv.0.conv", 16, 2, false);
    return st_test_inverted(net, y, "double_conv.1.conv", 16, 1, true);
}

static int up(struct st_train_net *net, const int *x)
{
    int y = st_train_concat(net, st_train_upsample(net, x[0]), x[1]);
    y = st_test_inverted(net, y, "conv.double_conv.0.conv", 8, 1, false);
    return st_test_inverted(net, y, "conv.double_conv.1.conv", 8, 1, true);
}

static int conv_bn_relu(struct st_train_net *net, const int *x)
{
    int y = st_train_conv(net, x[0],
                          &(struct st_train_conv){.name = "conv",
                                                  .channels = 16,
                                                  .kernel = 3,
                                                  .stride_h = 2,
                                                  .stride_w = 2,
                                                  .pad = 3,
                                                  .bias = true});
    return st_train_norm(net, y, &(struct st_train_norm){.name = "bn", .add = ST_TRAIN_NONE});
}

static int outc(struct st_train_net *net, const int *x)
{
    return st_train_conv(net, x[0],
                         &(struct st_train_conv){.name = "conv",
                                                 .channels = 3,
                                                 .kernel = 1,
                                                 .stride_h = 1,
                                                 .stride_w = 1,
                                                 .bias = true});
}

static int syncnet_unit(struct st_train_net *net, const int *x)
{
    int y = st_train_conv(net, x[0],
                          &(struct st_train_conv){.name = "conv_block.0",
                                                  .channels = 8,
                                                  .kernel = 3,
                                                  .stride_h = 1,
                                                  .stride_w = 1,
                                                  .pad = 1,
                                                  .bias = true});
    return st_train_norm(
        net, y, &(struct st_train_norm){.name = "conv_block.1", .slope = 0.01F, .add = x[0]});
}

static const struct block blocks[] = {
    {"ir_residual", 1, ir_residual, ST_TRAIN_PLAIN},
    {"ir_stride2", 1, ir_stride2, ST_TRAIN_PLAIN},
    {"dc_stride2", 1, dc_stride2, ST_TRAIN_PLAIN},
    {"up", 2, up, ST_TRAIN_PLAIN},
    {"conv_bn_relu_pad3_stride2", 1, conv_bn_relu, ST_TRAIN_PLAIN},
    {"outc_sigmoid", 1, outc, ST_TRAIN_SIGMOID},
    {"syncnet_unit_residual", 1, syncnet_unit, ST_TRAIN_PLAIN},
};

static const struct st_tensor *find(const struct st_weights *file, const char *block,
                                    const char *part, const char *key)
{
    char name[256];
    snprintf(name, sizeof name, "%s/%s%s%s", block, part, *key ? "/" : "", key);
    return st_weights_find(file, name);
}

static float *take(const struct st_weights *file, const char *block, const char *part,
                   const char *key, size_t count)
{
    const struct st_tensor *t = find(file, block, part, key);
    if (!t)
        fail_msg("no %s/%s/%s", block, part, key);
    assert_int_equal(t->count, count);
    float *values = calloc(count, sizeof *values);
    assert_non_null(values);
    st_tensor_to_f32(t, values);
    return values;
}

/* `absolute`: a bound of its own, for gradients that are zero but for rounding. */
static void close_to(const struct st_weights *file, const char *block, const char *part,
                     const char *key, const float *got, size_t count, double absolute)
{
    float *want = take(file, block, part, key, count);
    double greatest = 0, off = st_max_difference(got, want, count);
    for (size_t i = 0; i < count; i++)
        greatest = fmax(greatest, fabs((double)want[i]));
    if (!(off <= fmax(BOUND * greatest, absolute)))
        fail_msg("%s %s %s: off by %g of %g", block, part, key, off, greatest);
    free(want);
}

static void fill(float *dst, const struct st_weights *file, const char *block, const char *part,
                 const char *key, size_t count)
{
    float *values = take(file, block, part, key, count);
    memcpy(dst, values, count * sizeof *values);
    free(values);
}

static void load(struct st_train_net *net, const struct st_weights *file, const char *block)
{
    size_t count;
    const struct st_train_tensor *t = st_train_net_tensors(net, &count);
    for (size_t i = 0; i < count; i++) {
        bool statistic = t[i].kind == ST_TRAIN_RUNNING_MEAN || t[i].kind == ST_TRAIN_RUNNING_VAR;
        if (t[i].kind != ST_TRAIN_BATCHES)
            fill((statistic ? st_train_net_statistics(net) : st_train_net_parameters(net)) +
                     t[i].offset,
                 file, block, "param", t[i].name, t[i].count);
    }
}

/* A bias that a batch norm follows has gradient zero: what is left is the rounding of a
 * sum of terms as large as the gradient of the norm's own bias. */
static double zero_bound(struct st_train_net *net, const struct st_train_tensor *t)
{
    if (t->kind != ST_TRAIN_BIAS)
        return 0;
    char name[64];
    const struct st_train_tensor *norm = st_train_net_find(net, "bn.bias");
    snprintf(name, sizeof name, "%s", "conv_block.1.bias");
    norm = norm ? norm : st_train_net_find(net, name);
    double greatest = 0;
    for (size_t i = 0; norm && i < norm->count; i++)
        greatest = fmax(greatest, fabs((double)st_train_net_gradients(net)[norm->offset + i]));
    return BOUND * greatest;
}

static void check_tensors(struct st_train_net *net, const struct st_weights *file,
                          const char *block)
{
    size_t count;
    const struct st_train_tensor *t = st_train_net_tensors(net, &count);
    for (size_t i = 0; i < count; i++) {
        if (t[i].kind == ST_TRAIN_BATCHES)
            assert_int_equal(st_train_net_counters(net)[t[i].offset], 1);
        else if (t[i].kind == ST_TRAIN_RUNNING_MEAN || t[i].kind == ST_TRAIN_RUNNING_VAR)
            close_to(file, block, "after", t[i].name, st_train_net_statistics(net) + t[i].offset,
                     t[i].count, 0);
        else
            close_to(file, block, "grad", t[i].name, st_train_net_gradients(net) + t[i].offset,
                     t[i].count, zero_bound(net, &t[i]));
    }
}

static void check_block(const struct st_weights *file, const struct block *block)
{
    static const char *const xs[] = {"x0", "x1"}, *const dxs[] = {"dx0", "dx1"};
    struct st_test_net t;
    int x[2];
    int batch = (int)find(file, block->name, "x0", "")->dims[0];
    st_test_net_open(&t, cpu_mask, 2, batch, ST_TRAIN_F32, false);
    for (int i = 0; i < block->inputs; i++) {
        const size_t *dims = find(file, block->name, xs[i], "")->dims;
        x[i] = st_train_input(t.net, (int)dims[1], (int)dims[2], (int)dims[3], true);
    }
    st_train_output(t.net, block->build(t.net, x), block->ending);
    ST_OK(st_train_net_finish(t.net, err));
    load(t.net, file, block->name);
    size_t N = (size_t)batch, y_size = N * st_train_net_output_size(t.net, 0);
    for (int i = 0; i < block->inputs; i++)
        fill(st_train_net_input(t.net, i), file, block->name, xs[i], "",
             N * st_train_net_input_size(t.net, i));
    ST_OK(st_train_net_forward(t.net, batch, ST_TRAIN_BATCH, err));
    close_to(file, block->name, "y", "", st_train_net_output(t.net, 0), y_size, 0);
    fill(st_train_net_output_gradient(t.net, 0), file, block->name, "dy", "", y_size);
    ST_OK(st_train_net_backward(t.net, err));
    for (int i = 0; i < block->inputs; i++)
        close_to(file, block->name, dxs[i], "", st_train_net_input_gradient(t.net, i),
                 N * st_train_net_input_size(t.net, i), 0);
    check_tensors(t.net, file, block->name);
    st_test_net_close(&t);
}

static void recorded_blocks_are_reproduced(void **state)
{
    (void)state;
    ST_NEED_SHARED(path, BLOCKS);
    struct st_weights *file;
    ST_OK(st_weights_open(&file, path, err));
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        check_block(file, &blocks[i]);
    st_weights_close(&file);
}

/* cosine of two normalised vectors: dy of one is the other, times the score's gradient */
static void recorded_cosine_is_reproduced(void **state)
{
    (void)state;
    enum { ROWS = 5, SIZE = 64 };
    static const char *const name = "normalise_cosine";
    ST_NEED_SHARED(path, BLOCKS);
    struct st_weights *file;
    ST_OK(st_weights_open(&file, path, err));
    struct st_test_net t;
    st_test_net_open(&t, cpu_mask, 2, ROWS, ST_TRAIN_F32, false);
    for (int i = 0; i < 2; i++)
        st_train_output(t.net, st_train_input(t.net, 16, 2, 2, true), ST_TRAIN_UNIT);
    ST_OK(st_train_net_finish(t.net, err));
    fill(st_train_net_input(t.net, 0), file, name, "x0", "", ROWS * SIZE);
    fill(st_train_net_input(t.net, 1), file, name, "x1", "", ROWS * SIZE);
    ST_OK(st_train_net_forward(t.net, ROWS, ST_TRAIN_BATCH, err));
    float *dy = take(file, name, "dy", "", ROWS), score[ROWS] = {0};
    for (size_t i = 0; i < ROWS * SIZE; i++) {
        float a = st_train_net_output(t.net, 0)[i], b = st_train_net_output(t.net, 1)[i];
        score[i / SIZE] += a * b;
        st_train_net_output_gradient(t.net, 0)[i] = dy[i / SIZE] * b;
        st_train_net_output_gradient(t.net, 1)[i] = dy[i / SIZE] * a;
    }
    close_to(file, name, "y", "", score, ROWS, 0);
    ST_OK(st_train_net_backward(t.net, err));
    close_to(file, name, "dx0", "", st_train_net_input_gradient(t.net, 0), ROWS * SIZE, 0);
    close_to(file, name, "dx1", "", st_train_net_input_gradient(t.net, 1), ROWS * SIZE, 0);
    free(dy);
    st_test_net_close(&t);
    st_weights_close(&file);
}

int main(int argc, char **argv)
{
    cpu_mask = st_test_train_mask(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_blocks_are_reproduced),
        cmocka_unit_test(recorded_cosine_is_reproduced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
