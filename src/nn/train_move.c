/* SPDX-License-Identifier: Apache-2.0 */
/* Layers without parameters: what comes in and goes out, upsampling, concat, max pool.
 *
 * Outside, values are [C, H, W] f32, row-major; inside [padded/B, H, W, B].
 */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nn/train_impl.h"

void st_train_give_gradient(struct st_train_net *net, int x, size_t n, const void *made, bool add)
{
    const struct st_train_value *v = &net->values[x];
    void *dx = st_train_grad(net, x, n);
    const size_t count = st_train_blocks(net, v) * st_train_area(v);
    if (add)
        net->train.add(dx, made, count, (size_t)net->B);
    else
        memcpy(dx, made, count * (size_t)net->B * net->train.element_bytes);
}

/* Rounded to nearest, ties to even; a NaN stays one. */
static uint16_t to_bf16(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    bool nan = (bits & UINT32_C(0x7FFFFFFF)) > UINT32_C(0x7F800000);
    bits = nan ? bits | UINT32_C(0x400000) : bits + UINT32_C(0x7FFF) + (bits >> 16 & 1);
    return (uint16_t)(bits >> 16);
}

static float from_bf16(uint16_t v)
{
    uint32_t bits = (uint32_t)v << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

/* Inside or gradient elements: f32 where `f32`, else the net's. */
static void to_inside(const struct st_train_net *net, const struct st_train_value *v, void *inside,
                      const float *plain, bool f32)
{
    const size_t B = (size_t)net->B, C = (size_t)v->C, area = st_train_area(v);
    for (size_t c = 0; c < (size_t)v->padded; c++) {
        const float *from = plain + c * area; /* not read where c >= C */
        const size_t at = c / B * area * B + c % B;
        if (f32) {
            float *to = (float *)inside + at;
            for (size_t i = 0; i < area; i++)
                to[i * B] = c < C ? from[i] : 0;
        } else {
            uint16_t *to = (uint16_t *)inside + at;
            for (size_t i = 0; i < area; i++)
                to[i * B] = c < C ? to_bf16(from[i]) : 0;
        }
    }
}

static void from_inside(const struct st_train_net *net, const struct st_train_value *v,
                        const void *inside, float *plain, bool f32)
{
    const size_t B = (size_t)net->B, area = st_train_area(v);
    for (size_t c = 0; c < (size_t)v->C; c++) {
        const size_t at = c / B * area * B + c % B;
        float *to = plain + c * area;
        for (size_t i = 0; i < area; i++)
            to[i] = f32 ? ((const float *)inside)[at + i * B]
                        : from_bf16(((const uint16_t *)inside)[at + i * B]);
    }
}

static bool all_f32(const struct st_train_net *net)
{
    return net->precision == ST_TRAIN_F32;
}

static size_t plain_size(const struct st_train_value *v)
{
    return (size_t)v->C * st_train_area(v);
}

/* Inputs: y = x, dx = dy */

static synctalk_status prepare_input(struct st_train_net *net, struct st_train_layer *layer)
{
    struct st_train_port *port = &net->inputs[layer->port];
    const struct st_train_value *v = &net->values[layer->y];
    port->data = st_train_alloc(net, (size_t)net->N * plain_size(v), sizeof(float));
    if (v->gradient)
        port->grad = st_train_alloc(net, (size_t)net->N * plain_size(v), sizeof(float));
    return net->status;
}

static void input_forward(struct st_train_net *net, struct st_train_layer *layer, size_t n,
                          int worker)
{
    (void)worker;
    const struct st_train_value *v = &net->values[layer->y];
    to_inside(net, v, st_train_data(net, layer->y, n),
              net->inputs[layer->port].data + n * plain_size(v), all_f32(net));
}

static void input_backward(struct st_train_net *net, struct st_train_layer *layer, size_t n,
                           int worker)
{
    (void)worker;
    const struct st_train_value *v = &net->values[layer->y];
    if (net->inputs[layer->port].grad)
        from_inside(net, v, st_train_grad(net, layer->y, n),
                    net->inputs[layer->port].grad + n * plain_size(v), all_f32(net));
}

const struct st_train_layer_desc st_train_input_desc = {
    .name = "input",
    .prepare = prepare_input,
    .forward = input_forward,
    .backward = input_backward,
};

int st_train_input(struct st_train_net *net, int C, int H, int W, bool gradient)
{
    if (net->status)
        return ST_TRAIN_FAILED;
    if (net->input_count == ST_TRAIN_PORTS || C < 1)
        return st_train_fail(net, "too many inputs, or an empty one");
    const struct st_train_layer layer = {.kind = ST_LAYER_INPUT,
                                         .x = ST_TRAIN_NONE,
                                         .b = ST_TRAIN_NONE,
                                         .norm = ST_TRAIN_NONE,
                                         .port = net->input_count};
    int index = st_train_new_layer(net, &layer, C, H, W);
    if (index < 0)
        return ST_TRAIN_FAILED;
    net->input_layers[net->input_count++] = index;
    net->values[net->layers[index].y].gradient = gradient;
    return net->layers[index].y;
}

/* Outputs */

static synctalk_status prepare_output(struct st_train_net *net, struct st_train_layer *layer)
{
    struct st_train_port *port = &net->outputs[layer->port];
    const size_t size = (size_t)net->N * plain_size(&net->values[layer->x]);
    port->data = st_train_alloc(net, size, sizeof(float));
    port->grad = st_train_alloc(net, size, sizeof(float));
    port->length = st_train_alloc(net, (size_t)net->N, sizeof(double));
    return net->status;
}

static double unit_length(const float *y, size_t size)
{
    double square = 0;
    for (size_t i = 0; i < size; i++)
        square += (double)y[i] * (double)y[i];
    double length = sqrt(square);
    return length < 1e-12 ? 1e-12 : length;
}

/* y = x, 1 / (1 + exp(-x)), or x / |x| */
static void output_forward(struct st_train_net *net, struct st_train_layer *layer, size_t n,
                           int worker)
{
    (void)worker;
    const struct st_train_value *v = &net->values[layer->x];
    struct st_train_port *port = &net->outputs[layer->port];
    const size_t size = plain_size(v);
    float *y = port->data + n * size;
    from_inside(net, v, st_train_data(net, layer->x, n), y, v->f32 || all_f32(net));
    switch (port->ending) {
    case ST_TRAIN_PLAIN:
        break;
    case ST_TRAIN_SIGMOID:
        for (size_t i = 0; i < size; i++)
            y[i] = 1.0F / (1.0F + expf(-y[i]));
        break;
    case ST_TRAIN_UNIT:
        port->length[n] = unit_length(y, size);
        for (size_t i = 0; i < size; i++)
            y[i] = (float)((double)y[i] / port->length[n]);
        break;
    }
}

/* What of dy goes through the ending, in place: dy is used up. */
static void ending_backward(const struct st_train_port *port, const float *y, float *dy,
                            size_t size, double length)
{
    double dot = 0;
    switch (port->ending) {
    case ST_TRAIN_PLAIN:
        break;
    case ST_TRAIN_SIGMOID:
        for (size_t i = 0; i < size; i++)
            dy[i] *= y[i] * (1 - y[i]);
        break;
    case ST_TRAIN_UNIT:
        for (size_t i = 0; i < size; i++)
            dot += (double)y[i] * (double)dy[i];
        for (size_t i = 0; i < size; i++)
            dy[i] = (float)(((double)dy[i] - dot * (double)y[i]) / length);
        break;
    }
}

static void output_backward(struct st_train_net *net, struct st_train_layer *layer, size_t n,
                            int worker)
{
    const struct st_train_value *v = &net->values[layer->x];
    if (!v->gradient)
        return;
    struct st_train_port *port = &net->outputs[layer->port];
    const size_t size = plain_size(v);
    float *dy = port->grad + n * size;
    ending_backward(port, port->data + n * size, dy, size, port->length[n]);
    void *dx = layer->add_dx ? net->workers[worker].sample : st_train_grad(net, layer->x, n);
    to_inside(net, v, dx, dy, all_f32(net));
    if (layer->add_dx)
        st_train_give_gradient(net, layer->x, n, dx, true);
}

const struct st_train_layer_desc st_train_output_desc = {
    .name = "output",
    .prepare = prepare_output,
    .forward = output_forward,
    .backward = output_backward,
};

void st_train_output(struct st_train_net *net, int x, enum st_train_ending ending)
{
    if (!st_train_usable(net, x))
        return;
    if (net->output_count == ST_TRAIN_PORTS) {
        st_train_fail(net, "too many outputs");
        return;
    }
    const struct st_train_layer layer = {.kind = ST_LAYER_OUTPUT,
                                         .x = x,
                                         .b = ST_TRAIN_NONE,
                                         .norm = ST_TRAIN_NONE,
                                         .port = net->output_count};
    int index = st_train_new_layer(net, &layer, 0, 0, 0);
    if (index < 0)
        return;
    net->outputs[net->output_count].ending = ending;
    net->output_layers[net->output_count++] = index;
}

/* Upsampling */

static synctalk_status prepare_upsample(struct st_train_net *net, struct st_train_layer *layer)
{
    const size_t rows = st_train_scratch_size((size_t)net->values[layer->y].W, (size_t)net->B);
    net->rows_floats = rows > net->rows_floats ? rows : net->rows_floats;
    return net->status;
}

/* x [C, H, W]  y [C, 2H, 2W] */
static void upsample_forward(struct st_train_net *net, struct st_train_layer *layer, size_t n,
                             int worker)
{
    (void)worker;
    const struct st_train_value *v = &net->values[layer->x];
    const size_t bytes = st_train_block_size(net, v) * net->train.element_bytes;
    const unsigned char *x = st_train_data(net, layer->x, n);
    unsigned char *y = st_train_data(net, layer->y, n);
    for (size_t i = 0; i < st_train_blocks(net, v); i++)
        net->train.upsample(y + i * 4 * bytes, x + i * bytes, (size_t)v->H, (size_t)v->W,
                            (size_t)net->B);
}

static void upsample_backward(struct st_train_net *net, struct st_train_layer *layer, size_t n,
                              int worker)
{
    const struct st_train_value *v = &net->values[layer->x];
    if (!v->gradient)
        return;
    const size_t bytes = st_train_block_size(net, v) * net->train.element_bytes;
    const unsigned char *dy = st_train_grad(net, layer->y, n);
    unsigned char *dx =
        layer->add_dx ? net->workers[worker].sample : st_train_grad(net, layer->x, n);
    for (size_t i = 0; i < st_train_blocks(net, v); i++)
        net->train.upsample_backward(dx + i * bytes, dy + i * 4 * bytes, (size_t)v->H, (size_t)v->W,
                                     net->workers[worker].rows, (size_t)net->B);
    if (layer->add_dx)
        st_train_give_gradient(net, layer->x, n, dx, true);
}

const struct st_train_layer_desc st_train_upsample_desc = {
    .name = "upsample",
    .prepare = prepare_upsample,
    .forward = upsample_forward,
    .backward = upsample_backward,
};

int st_train_upsample(struct st_train_net *net, int x)
{
    if (!st_train_usable(net, x))
        return ST_TRAIN_FAILED;
    const struct st_train_value v = net->values[x];
    const struct st_train_layer layer = {
        .kind = ST_LAYER_UPSAMPLE, .x = x, .b = ST_TRAIN_NONE, .norm = ST_TRAIN_NONE};
    int index = st_train_new_layer(net, &layer, v.C, 2 * v.H, 2 * v.W);
    return index < 0 ? ST_TRAIN_FAILED : net->layers[index].y;
}

/* Concat: both halves, and their gradients, are parts of the whole; nothing to run. */

const struct st_train_layer_desc st_train_concat_desc = {.name = "concat"};

int st_train_concat(struct st_train_net *net, int a, int b)
{
    if (!st_train_usable(net, a) || !st_train_usable(net, b))
        return ST_TRAIN_FAILED;
    const struct st_train_value va = net->values[a], vb = net->values[b];
    if (a == b || va.H != vb.H || va.W != vb.W || va.padded != va.C || va.parent != ST_TRAIN_NONE ||
        vb.parent != ST_TRAIN_NONE)
        return st_train_fail(net, "a concat of values that do not fit together");
    const struct st_train_layer layer = {
        .kind = ST_LAYER_CONCAT, .x = a, .b = b, .norm = ST_TRAIN_NONE};
    int index = st_train_new_layer(net, &layer, va.C + vb.C, va.H, va.W);
    if (index < 0)
        return ST_TRAIN_FAILED;
    int y = net->layers[index].y;
    net->values[a].parent = net->values[b].parent = y;
    net->values[b].first_channel = va.C;
    return y;
}

/* Max pool 2x2: the gradient goes to the first of the greatest, as in PyTorch. */

static float element(const struct st_train_net *net, const void *p, size_t i)
{
    return all_f32(net) ? ((const float *)p)[i] : from_bf16(((const uint16_t *)p)[i]);
}

/* Index in x [H, W, B] of the greatest of the four that make element `i` of y. A NaN is
 * greater than all. */
static size_t greatest(const struct st_train_net *net, const struct st_train_value *v,
                       const void *x, size_t i)
{
    const size_t B = (size_t)net->B, W = (size_t)v->W, b = i % B;
    const size_t column = i / B % (W / 2), row = i / B / (W / 2);
    size_t best = (2 * row * W + 2 * column) * B + b;
    float top = element(net, x, best);
    for (size_t k = 1; k < 4; k++) {
        size_t at = ((2 * row + k / 2) * W + 2 * column + k % 2) * B + b;
        float value = element(net, x, at);
        if (value > top || isnan(value)) {
            top = value;
            best = at;
        }
    }
    return best;
}

/* Elements of y in all blocks; a block of x has four times those of y, and rows stay. */
static size_t pooled_size(const struct st_train_net *net, const struct st_train_value *v)
{
    return st_train_blocks(net, v) * st_train_block_size(net, v) / 4;
}

static void pool_forward(struct st_train_net *net, struct st_train_layer *layer, size_t n,
                         int worker)
{
    (void)worker;
    const struct st_train_value *v = &net->values[layer->x];
    const size_t size = net->train.element_bytes;
    const unsigned char *x = st_train_data(net, layer->x, n);
    unsigned char *y = st_train_data(net, layer->y, n);
    for (size_t i = 0; i < pooled_size(net, v); i++)
        memcpy(y + i * size, x + greatest(net, v, x, i) * size, size);
}

static void pool_backward(struct st_train_net *net, struct st_train_layer *layer, size_t n,
                          int worker)
{
    const struct st_train_value *v = &net->values[layer->x];
    if (!v->gradient)
        return;
    const size_t size = net->train.element_bytes;
    const unsigned char *x = st_train_data(net, layer->x, n);
    const unsigned char *dy = st_train_grad(net, layer->y, n);
    unsigned char *dx =
        layer->add_dx ? net->workers[worker].sample : st_train_grad(net, layer->x, n);
    memset(dx, 0, 4 * pooled_size(net, v) * size);
    for (size_t i = 0; i < pooled_size(net, v); i++)
        memcpy(dx + greatest(net, v, x, i) * size, dy + i * size, size);
    if (layer->add_dx)
        st_train_give_gradient(net, layer->x, n, dx, true);
}

const struct st_train_layer_desc st_train_max_pool_desc = {
    .name = "max pool",
    .forward = pool_forward,
    .backward = pool_backward,
};

int st_train_max_pool(struct st_train_net *net, int x)
{
    if (!st_train_usable(net, x))
        return ST_TRAIN_FAILED;
    const struct st_train_value v = net->values[x];
    if (v.H % 2 != 0 || v.W % 2 != 0)
        return st_train_fail(net, "a max pool over an odd number of rows or columns");
    const struct st_train_layer layer = {.kind = ST_LAYER_MAX_POOL,
                                         .x = x,
                                         .b = ST_TRAIN_NONE,
                                         .norm = ST_TRAIN_NONE,
                                         .keep_x = true};
    int index = st_train_new_layer(net, &layer, v.C, v.H / 2, v.W / 2);
    return index < 0 ? ST_TRAIN_FAILED : net->layers[index].y;
}
