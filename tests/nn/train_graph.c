/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/train_graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPSILON 1e-5

static struct op *new_op(struct graph *g, enum op_kind kind, int x, int b)
{
    assert_true(g->count < GRAPH_OPS);
    struct op *op = &g->ops[g->count];
    *op = (struct op){.kind = kind, .x = x, .b = b};
    snprintf(op->name, sizeof op->name, "l%d", g->count);
    return op;
}

/* The net's value of an op. */
static int value(const struct graph *g, int op)
{
    return op == ST_TRAIN_NONE ? ST_TRAIN_NONE : g->ops[op].value;
}

static int end_op(struct graph *g, struct op *op, int made)
{
    int shape[3] = {0};
    assert_true(made >= 0);
    st_train_shape(g->net, made, shape);
    op->value = made;
    op->C = shape[0];
    op->H = shape[1];
    op->W = shape[2];
    return g->count++;
}

int graph_input(struct graph *g, int C, int H, int W)
{
    struct op *op = new_op(g, OP_INPUT, ST_TRAIN_NONE, ST_TRAIN_NONE);
    return end_op(g, op, st_train_input(g->net, C, H, W, true));
}

int graph_conv(struct graph *g, int x, int channels, int kernel, int stride_h, int stride_w,
               int pad, bool bias)
{
    struct op *op = new_op(g, OP_CONV, x, ST_TRAIN_NONE);
    op->conv = (struct st_train_conv){.name = op->name,
                                      .channels = channels,
                                      .kernel = kernel,
                                      .stride_h = stride_h,
                                      .stride_w = stride_w,
                                      .pad = pad,
                                      .bias = bias};
    return end_op(g, op, st_train_conv(g->net, value(g, x), &op->conv));
}

int graph_depthwise(struct graph *g, int x, int stride)
{
    struct op *op = new_op(g, OP_CONV, x, ST_TRAIN_NONE);
    op->conv = (struct st_train_conv){.name = op->name,
                                      .channels = g->ops[x].C,
                                      .kernel = 3,
                                      .stride_h = stride,
                                      .stride_w = stride,
                                      .pad = 1,
                                      .depthwise = true};
    return end_op(g, op, st_train_conv(g->net, value(g, x), &op->conv));
}

int graph_norm(struct graph *g, int x, float slope, int add)
{
    struct op *op = new_op(g, OP_NORM, x, add);
    op->norm = (struct st_train_norm){.name = op->name, .slope = slope, .add = value(g, add)};
    return end_op(g, op, st_train_norm(g->net, value(g, x), &op->norm));
}

int graph_activation(struct graph *g, int x, float slope)
{
    struct op *op = new_op(g, OP_ACTIVATION, x, ST_TRAIN_NONE);
    op->slope = slope;
    return end_op(g, op, st_train_activation(g->net, value(g, x), slope));
}

int graph_pool(struct graph *g, int x)
{
    return end_op(g, new_op(g, OP_POOL, x, ST_TRAIN_NONE), st_train_max_pool(g->net, value(g, x)));
}

int graph_upsample(struct graph *g, int x)
{
    return end_op(g, new_op(g, OP_UPSAMPLE, x, ST_TRAIN_NONE),
                  st_train_upsample(g->net, value(g, x)));
}

int graph_concat(struct graph *g, int a, int b)
{
    return end_op(g, new_op(g, OP_CONCAT, a, b), st_train_concat(g->net, value(g, a), value(g, b)));
}

void graph_output(struct graph *g, int x, enum st_train_ending ending)
{
    struct op *op = new_op(g, OP_OUTPUT, x, ST_TRAIN_NONE);
    op->ending = ending;
    st_train_output(g->net, value(g, x), ending);
    end_op(g, op, value(g, x));
}

static double *numbers(size_t count)
{
    double *block = calloc(count ? count : 1, sizeof *block);
    assert_non_null(block);
    return block;
}

static double *copied(const float *from, size_t count)
{
    double *block = numbers(count);
    for (size_t i = 0; i < count; i++)
        block[i] = (double)from[i];
    return block;
}

/* Values that keep every path alive: gammas away from zero, variances positive. */
static void fill_tensor(struct graph *g, const struct st_train_tensor *t, uint64_t *state)
{
    float *parameter = st_train_net_parameters(g->net) + t->offset;
    float *statistic = st_train_net_statistics(g->net) + t->offset;
    for (size_t i = 0; i < t->count; i++) {
        float r = 2 * st_random_unit(state) - 1;
        if (t->kind == ST_TRAIN_GAMMA)
            parameter[i] = (r > 0 ? 0.5F : -0.5F) + r;
        else if (t->kind == ST_TRAIN_BETA || t->kind == ST_TRAIN_BIAS)
            parameter[i] = 0.5F * r;
        else if (t->kind == ST_TRAIN_RUNNING_MEAN)
            statistic[i] = 0.3F * r;
        else if (t->kind == ST_TRAIN_RUNNING_VAR)
            statistic[i] = 1 + 0.5F * r;
    }
}

void graph_begin(struct graph *g, uint64_t seed)
{
    uint64_t state = seed;
    size_t count;
    ST_OK(st_train_net_finish(g->net, err));
    st_train_net_init(g->net, seed);
    const struct st_train_tensor *t = st_train_net_tensors(g->net, &count);
    for (size_t i = 0; i < count; i++)
        fill_tensor(g, &t[i], &state);
    g->parameters = copied(st_train_net_parameters(g->net), st_train_net_parameter_count(g->net));
    g->statistics = copied(st_train_net_statistics(g->net), st_train_net_statistic_count(g->net));
    for (int i = 0; i < st_train_net_input_count(g->net); i++) {
        size_t size = (size_t)g->N * st_train_net_input_size(g->net, i);
        st_test_fill(st_train_net_input(g->net, i), size, 1, &state);
        g->inputs[i] = copied(st_train_net_input(g->net, i), size);
    }
    for (int i = 0; i < st_train_net_output_count(g->net); i++) {
        size_t size = (size_t)g->N * st_train_net_output_size(g->net, i);
        st_test_fill(st_train_net_output_gradient(g->net, i), size, 1, &state);
        g->weights[i] = copied(st_train_net_output_gradient(g->net, i), size);
    }
    for (int i = 0; i < g->count; i++) {
        const struct op *op = &g->ops[i];
        g->ops[i].y = numbers((size_t)g->N * (size_t)op->C * (size_t)op->H * (size_t)op->W);
    }
}

void graph_end(struct graph *g)
{
    free(g->parameters);
    free(g->statistics);
    for (int i = 0; i < ST_TRAIN_PORTS; i++) {
        free(g->inputs[i]);
        free(g->weights[i]);
    }
    for (int i = 0; i < g->count; i++)
        free(g->ops[i].y);
    *g = (struct graph){0};
}

static const double *tensor(const struct graph *g, const struct op *op, const char *last)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s", op->name, last);
    const struct st_train_tensor *t = st_train_net_find(g->net, name);
    if (!t)
        return NULL;
    bool statistic = t->kind == ST_TRAIN_RUNNING_MEAN || t->kind == ST_TRAIN_RUNNING_VAR;
    return (statistic ? g->statistics : g->parameters) + t->offset;
}

/* Element (n, c, h, w) of a value; 0 outside the rows and columns. */
static double at(const struct op *v, int n, int c, int h, int w)
{
    if (h < 0 || h >= v->H || w < 0 || w >= v->W)
        return 0;
    return v->y[((n * v->C + c) * v->H + h) * v->W + w];
}

/* The element `i` of op's value as n, c, h, w. */
struct index {
    int n, c, h, w;
};

static struct index split(const struct op *op, int i)
{
    return (struct index){.n = i / (op->C * op->H * op->W),
                          .c = i / (op->H * op->W) % op->C,
                          .h = i / op->W % op->H,
                          .w = i % op->W};
}

static double convolve(const struct graph *g, const struct op *op, struct index i)
{
    const struct op *x = &g->ops[op->x];
    const double *w = tensor(g, op, "weight"), *bias = tensor(g, op, "bias");
    const int k = op->conv.kernel, C = op->conv.depthwise ? 1 : x->C;
    double sum = bias ? bias[i.c] : 0;
    for (int t = 0; t < C * k * k; t++) {
        int c = t / (k * k), r = t / k % k, s = t % k;
        sum += w[i.c * C * k * k + t] * at(x, i.n, op->conv.depthwise ? i.c : c,
                                           i.h * op->conv.stride_h + r - op->conv.pad,
                                           i.w * op->conv.stride_w + s - op->conv.pad);
    }
    return sum;
}

static void moments(const struct graph *g, const struct op *op, int c, enum st_train_mode mode,
                    double *mean, double *var)
{
    const struct op *x = &g->ops[op->x];
    const int area = x->H * x->W, count = g->N * area;
    *mean = tensor(g, op, "running_mean")[c];
    *var = tensor(g, op, "running_var")[c];
    if (mode == ST_TRAIN_RUNNING)
        return;
    *mean = *var = 0;
    for (int i = 0; i < count; i++)
        *mean += at(x, i / area, c, i % area / x->W, i % x->W) / count;
    for (int i = 0; i < count; i++) {
        double away = at(x, i / area, c, i % area / x->W, i % x->W) - *mean;
        *var += away * away / count;
    }
}

static double activated(double v, float slope)
{
    return v > 0 ? v : (double)slope * v;
}

static void normalise(const struct graph *g, const struct op *op, enum st_train_mode mode)
{
    const struct op *x = &g->ops[op->x];
    const double *gamma = tensor(g, op, "weight"), *beta = tensor(g, op, "bias");
    for (int c = 0; c < op->C; c++) {
        double mean, var;
        moments(g, op, c, mode, &mean, &var);
        for (int i = 0; i < g->N * op->H * op->W; i++) {
            int n = i / (op->H * op->W), h = i / op->W % op->H, w = i % op->W;
            double v = gamma[c] * (at(x, n, c, h, w) - mean) / sqrt(var + EPSILON) + beta[c];
            if (op->b != ST_TRAIN_NONE)
                v += at(&g->ops[op->b], n, c, h, w);
            op->y[((n * op->C + c) * op->H + h) * op->W + w] = activated(v, op->norm.slope);
        }
    }
}

static double upsampled(const struct op *x, struct index i)
{
    double y = (double)i.h * (x->H - 1) / (2 * x->H - 1);
    double z = (double)i.w * (x->W - 1) / (2 * x->W - 1);
    int h = (int)y, w = (int)z;
    double fy = y - h, fx = z - w;
    return (1 - fy) * ((1 - fx) * at(x, i.n, i.c, h, w) + fx * at(x, i.n, i.c, h, w + 1)) +
           fy * ((1 - fx) * at(x, i.n, i.c, h + 1, w) + fx * at(x, i.n, i.c, h + 1, w + 1));
}

static double ended(const struct op *op, const struct op *x, int i)
{
    const int size = x->C * x->H * x->W;
    double square = 0;
    switch (op->ending) {
    case ST_TRAIN_SIGMOID:
        return 1 / (1 + exp(-x->y[i]));
    case ST_TRAIN_UNIT:
        for (int k = 0; k < size; k++)
            square += x->y[i / size * size + k] * x->y[i / size * size + k];
        return x->y[i] / sqrt(square);
    case ST_TRAIN_PLAIN:
        break;
    }
    return x->y[i];
}

static double pooled(const struct op *x, struct index i)
{
    return fmax(
        fmax(at(x, i.n, i.c, 2 * i.h, 2 * i.w), at(x, i.n, i.c, 2 * i.h, 2 * i.w + 1)),
        fmax(at(x, i.n, i.c, 2 * i.h + 1, 2 * i.w), at(x, i.n, i.c, 2 * i.h + 1, 2 * i.w + 1)));
}

static double element(const struct graph *g, const struct op *op, int i)
{
    const struct op *x = &g->ops[op->x];
    struct index at_i = split(op, i);
    switch (op->kind) {
    case OP_CONV:
        return convolve(g, op, at_i);
    case OP_ACTIVATION:
        return activated(x->y[i], op->slope);
    case OP_POOL:
        return pooled(x, at_i);
    case OP_UPSAMPLE:
        return upsampled(x, at_i);
    case OP_CONCAT:
        return at_i.c < x->C ? at(x, at_i.n, at_i.c, at_i.h, at_i.w)
                             : at(&g->ops[op->b], at_i.n, at_i.c - x->C, at_i.h, at_i.w);
    case OP_OUTPUT:
        return ended(op, x, i);
    case OP_INPUT:
    case OP_NORM:
        break;
    }
    return 0;
}

double graph_loss(struct graph *g, enum st_train_mode mode)
{
    double loss = 0;
    int inputs = 0, outputs = 0;
    for (int o = 0; o < g->count; o++) {
        const struct op *op = &g->ops[o];
        const int count = g->N * op->C * op->H * op->W;
        if (op->kind == OP_INPUT)
            memcpy(op->y, g->inputs[inputs++], (size_t)count * sizeof *op->y);
        else if (op->kind == OP_NORM)
            normalise(g, op, mode);
        else
            for (int i = 0; i < count; i++)
                op->y[i] = element(g, op, i);
        for (int i = 0; op->kind == OP_OUTPUT && i < count; i++)
            loss += g->weights[outputs][i] * op->y[i];
        outputs += op->kind == OP_OUTPUT;
    }
    return loss;
}
