/* SPDX-License-Identifier: Apache-2.0 */
#include "hubert_onnx.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/onnx_writer.h"

#define NAME_MAX 96

struct graph {
    struct st_onnx *onnx;
    const struct st_weights *weights;
    size_t count; /* of values; each is named by its number */
};

struct value {
    char name[NAME_MAX];
};

static const struct st_onnx_attribute last_axis[] = {{"axis", NULL, 0, {-1}}, {NULL}};

static struct value node(struct graph *g, const char *op, const char *a, const char *b,
                         const char *c, const struct st_onnx_attribute *attributes)
{
    struct value value;
    snprintf(value.name, sizeof value.name, "v%zu", g->count++);
    st_onnx_node(g->onnx, op, value.name, (const char *const[]){a, b, c, NULL}, attributes);
    return value;
}

/* A scalar. */
static struct value number(struct graph *g, float x)
{
    struct value value;
    snprintf(value.name, sizeof value.name, "v%zu", g->count++);
    st_onnx_tensor(g->onnx, value.name, 0, NULL, &x);
    return value;
}

static float *take(const struct graph *g, const char *name, size_t *count)
{
    const struct st_tensor *tensor = st_weights_find(g->weights, name);
    float *values = tensor ? malloc(tensor->count * sizeof *values) : NULL;
    if (!values) {
        fprintf(stderr, "%s is not there\n", name);
        abort();
    }
    st_tensor_to_f32(tensor, values);
    *count = tensor->count;
    return values;
}

/* A vector, as it is. */
static struct value vector(struct graph *g, const char *owner, const char *what)
{
    struct value value;
    size_t count;
    snprintf(value.name, sizeof value.name, "%.70s.%.20s", owner, what);
    float *values = take(g, value.name, &count);
    st_onnx_tensor(g->onnx, value.name, 1, &count, values);
    free(values);
    return value;
}

static struct value layer_norm(struct graph *g, struct value x, const char *owner, float epsilon)
{
    const struct st_onnx_attribute axes[] = {{"axes", NULL, 1, {-1}}, {NULL}};
    struct value mean = node(g, "ReduceMean", x.name, NULL, NULL, axes);
    struct value centred = node(g, "Sub", x.name, mean.name, NULL, NULL);
    struct value square = node(g, "Pow", centred.name, number(g, 2).name, NULL, NULL);
    struct value variance = node(g, "ReduceMean", square.name, NULL, NULL, axes);
    struct value sum = node(g, "Add", variance.name, number(g, epsilon).name, NULL, NULL);
    struct value root = node(g, "Sqrt", sum.name, NULL, NULL, NULL);
    struct value unit = node(g, "Div", centred.name, root.name, NULL, NULL);
    struct value scaled = node(g, "Mul", unit.name, vector(g, owner, "weight").name, NULL, NULL);
    return node(g, "Add", scaled.name, vector(g, owner, "bias").name, NULL, NULL);
}

static struct value gelu(struct graph *g, struct value x)
{
    struct value z = node(g, "Div", x.name, number(g, sqrtf(2)).name, NULL, NULL);
    struct value e = node(g, "Erf", z.name, NULL, NULL, NULL);
    struct value s = node(g, "Add", e.name, number(g, 1).name, NULL, NULL);
    struct value y = node(g, "Mul", x.name, s.name, NULL, NULL);
    return node(g, "Mul", y.name, number(g, 0.5f).name, NULL, NULL);
}

static struct value linear(struct graph *g, struct value x, size_t from, size_t to,
                           const char *owner)
{
    struct value weights;
    size_t count;
    snprintf(weights.name, sizeof weights.name, "%.70s.weight", owner);
    float *w = take(g, weights.name, &count), *turned = malloc(count * sizeof *turned);
    for (size_t o = 0; turned && o < to; o++)
        for (size_t i = 0; i < from; i++)
            turned[i * to + o] = w[o * from + i];
    st_onnx_tensor(g->onnx, weights.name, 2, (const size_t[]){from, to}, turned);
    free(w);
    free(turned);
    struct value y = node(g, "MatMul", x.name, weights.name, NULL, NULL);
    return node(g, "Add", y.name, vector(g, owner, "bias").name, NULL, NULL);
}

static struct value swap(struct graph *g, struct value x)
{
    return node(g, "Transpose", x.name, NULL, NULL,
                (const struct st_onnx_attribute[]){{"perm", NULL, 3, {0, 2, 1}}, {NULL}});
}

static struct value reshape(struct graph *g, struct value x, int rank, int64_t a, int64_t b,
                            int64_t c, int64_t d)
{
    struct value shape =
        node(g, "Constant", NULL, NULL, NULL,
             (const struct st_onnx_attribute[]){{"value_ints", NULL, rank, {a, b, c, d}}, {NULL}});
    return node(g, "Reshape", x.name, shape.name, NULL, NULL);
}

static struct value convolve(struct graph *g, struct value x, const struct st_hubert_config *c,
                             size_t i)
{
    struct value weights;
    char owner[64];
    size_t count;
    const size_t from = i ? c->conv_dim[i - 1] : 1;
    const int64_t kernel = (int64_t)c->conv_kernel[i], stride = (int64_t)c->conv_stride[i];
    const struct st_onnx_attribute attributes[] = {
        {"kernel_shape", NULL, 1, {kernel}}, {"strides", NULL, 1, {stride}}, {NULL}};
    snprintf(owner, sizeof owner, "feature_extractor.conv_layers.%zu.conv", i);
    snprintf(weights.name, sizeof weights.name, "%s.weight", owner);
    float *w = take(g, weights.name, &count);
    st_onnx_tensor(g->onnx, weights.name, 3,
                   (const size_t[]){c->conv_dim[i], from, c->conv_kernel[i]}, w);
    free(w);
    struct value y =
        node(g, "Conv", x.name, weights.name, vector(g, owner, "bias").name, attributes);
    snprintf(owner, sizeof owner, "feature_extractor.conv_layers.%zu.layer_norm", i);
    return gelu(g, swap(g, layer_norm(g, swap(g, y), owner, 1e-5f)));
}

static struct value positions(struct graph *g, struct value x, const struct st_hubert_config *c)
{
    const char *owner = "encoder.pos_conv_embed.conv";
    const size_t kernel = c->position_kernel, width = c->hidden / c->position_groups;
    const int64_t pad = (int64_t)kernel / 2, drop = kernel % 2 == 0;
    const struct st_onnx_attribute attributes[] = {
        {"kernel_shape", NULL, 1, {(int64_t)kernel}},
        {"group", NULL, 0, {(int64_t)c->position_groups}},
        {"pads", NULL, 2, {pad, pad - drop}},
        {NULL}};
    size_t count;
    float *gain = take(g, "encoder.pos_conv_embed.conv.weight_g", &count);
    float *v = take(g, "encoder.pos_conv_embed.conv.weight_v", &count);
    for (size_t k = 0; k < kernel; k++) {
        double square = 0;
        for (size_t i = k; i < count; i += kernel)
            square += (double)v[i] * (double)v[i];
        for (size_t i = k; i < count; i += kernel)
            v[i] = (float)((double)v[i] * (double)gain[k] / sqrt(square));
    }
    st_onnx_tensor(g->onnx, "positions", 3, (const size_t[]){c->hidden, width, kernel}, v);
    free(gain);
    free(v);
    struct value y =
        node(g, "Conv", swap(g, x).name, "positions", vector(g, owner, "bias").name, attributes);
    return node(g, "Add", x.name, swap(g, gelu(g, y)).name, NULL, NULL);
}

/* [N, heads, rows, d], the last two the other way round for a key. */
static struct value heads(struct graph *g, struct value x, const struct st_hubert_config *c,
                          int64_t rows, bool turned)
{
    const int64_t d = (int64_t)(c->hidden / c->heads);
    struct value y = reshape(g, x, 4, -1, rows, (int64_t)c->heads, d);
    const struct st_onnx_attribute plain[] = {{"perm", NULL, 4, {0, 2, 1, 3}}, {NULL}};
    const struct st_onnx_attribute turn[] = {{"perm", NULL, 4, {0, 2, 3, 1}}, {NULL}};
    return node(g, "Transpose", y.name, NULL, NULL, turned ? turn : plain);
}

static struct value attend(struct graph *g, struct value x, const struct st_hubert_config *c,
                           size_t layer, int64_t rows)
{
    char owner[80];
    struct value part[3];
    for (int i = 0; i < 3; i++) {
        snprintf(owner, sizeof owner, "encoder.layers.%zu.attention.%c_proj", layer, "qkv"[i]);
        part[i] = linear(g, x, c->hidden, c->hidden, owner);
        if (i == 0)
            part[i] = node(g, "Mul", part[i].name,
                           number(g, 1 / sqrtf((float)(c->hidden / c->heads))).name, NULL, NULL);
        part[i] = heads(g, part[i], c, rows, i == 1);
    }
    struct value scores = node(g, "MatMul", part[0].name, part[1].name, NULL, NULL);
    struct value weights = node(g, "Softmax", scores.name, NULL, NULL, last_axis);
    struct value mixed = node(g, "MatMul", weights.name, part[2].name, NULL, NULL);
    mixed = node(g, "Transpose", mixed.name, NULL, NULL,
                 (const struct st_onnx_attribute[]){{"perm", NULL, 4, {0, 2, 1, 3}}, {NULL}});
    mixed = reshape(g, mixed, 3, -1, rows, (int64_t)c->hidden, 0);
    snprintf(owner, sizeof owner, "encoder.layers.%zu.attention.out_proj", layer);
    return linear(g, mixed, c->hidden, c->hidden, owner);
}

static struct value add_layer(struct graph *g, struct value x, const struct st_hubert_config *c,
                              size_t layer, int64_t rows)
{
    char owner[80];
    snprintf(owner, sizeof owner, "encoder.layers.%zu.layer_norm", layer);
    struct value h = layer_norm(g, x, owner, c->epsilon);
    x = node(g, "Add", x.name, attend(g, h, c, layer, rows).name, NULL, NULL);
    snprintf(owner, sizeof owner, "encoder.layers.%zu.final_layer_norm", layer);
    h = layer_norm(g, x, owner, c->epsilon);
    snprintf(owner, sizeof owner, "encoder.layers.%zu.feed_forward.intermediate_dense", layer);
    h = gelu(g, linear(g, h, c->hidden, c->intermediate, owner));
    snprintf(owner, sizeof owner, "encoder.layers.%zu.feed_forward.output_dense", layer);
    h = linear(g, h, c->intermediate, c->hidden, owner);
    return node(g, "Add", x.name, h.name, NULL, NULL);
}

synctalk_status hubert_onnx_write(const struct st_hubert_config *config,
                                  const struct st_weights *weights, size_t samples,
                                  const char *path, synctalk_error *err)
{
    struct graph g = {.weights = weights};
    const size_t rows = st_hubert_config_rows(config, samples);
    struct value x = {"samples"};
    synctalk_status st = st_onnx_create(&g.onnx, "hubert", err);
    if (st)
        return st;
    st_onnx_input(g.onnx, x.name, 2, (const size_t[]){1, samples});
    for (size_t i = 0; i < config->convs; i++)
        x = convolve(&g, x, config, i);
    x = layer_norm(&g, swap(&g, x), "feature_projection.layer_norm", config->epsilon);
    x = linear(&g, x, config->conv_dim[config->convs - 1], config->hidden,
               "feature_projection.projection");
    x = positions(&g, x, config);
    for (size_t i = 0; i < config->layers; i++)
        x = add_layer(&g, x, config, i, (int64_t)rows);
    x = layer_norm(&g, x, "encoder.layer_norm", config->epsilon);
    st_onnx_node(g.onnx, "Identity", "rows", (const char *const[]){x.name, NULL}, NULL);
    st_onnx_output(g.onnx, "rows", 2, (const size_t[]){rows, config->hidden});
    st = st_onnx_write(g.onnx, path, true, err);
    st_onnx_destroy(&g.onnx);
    return st;
}
