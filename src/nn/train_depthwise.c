/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise 3x3 convolutions with the norms on either side of them, on kernels of our own.
 *
 * C channels in blocks of B; x [C, H, W], w [C, 3, 3], y [C, P, Q].
 */
#include <stdio.h>
#include <stdlib.h>

#include "nn/train_impl.h"

static synctalk_status prepare(struct st_train_net *net, struct st_train_layer *layer)
{
    struct st_train_depthwise_state *conv = &layer->depthwise;
    const struct st_train_value *x = &net->values[layer->x];
    const size_t B = (size_t)net->B, size = st_train_blocks(net, x) * ST_TRAIN_TAPS * B;
    const size_t rows = st_train_scratch_size((size_t)x->W, B);
    net->rows_floats = rows > net->rows_floats ? rows : net->rows_floats;
    conv->w = st_train_alloc(net, size, sizeof *conv->w);
    if (!net->fixed)
        conv->dw = st_train_alloc(net, (size_t)net->N * size, sizeof *conv->dw);
    else
        conv->dw = st_train_alloc(net, (size_t)st_pool_workers(net->pool) * ST_TRAIN_TAPS * B,
                                  sizeof *conv->dw);
    snprintf(layer->label, sizeof layer->label, "%s: %s", layer->name, net->train.variant);
    return net->status;
}

/* [C, 3, 3] to [C/B, 9, B], zeros in the padding. */
static void pack(struct st_train_net *net, struct st_train_layer *layer, bool back, int worker)
{
    (void)worker;
    if (back)
        return;
    const struct st_train_tensor *t = &net->tensors[layer->tensor];
    const float *from = net->parameters + t->offset;
    const size_t B = (size_t)net->B;
    for (size_t c = 0; c < t->dims[0]; c++)
        for (size_t tap = 0; tap < ST_TRAIN_TAPS; tap++)
            layer->depthwise.w[(c / B * ST_TRAIN_TAPS + tap) * B + c % B] =
                from[c * ST_TRAIN_TAPS + tap];
}

/* Block `i` of the layer as its kernel wants it. */
static struct st_train_depthwise make_block(const struct st_train_net *net,
                                            const struct st_train_layer *layer, size_t i,
                                            int worker)
{
    const struct st_train_depthwise_state *conv = &layer->depthwise;
    const struct st_train_value *x = &net->values[layer->x], *y = &net->values[layer->y];
    return (struct st_train_depthwise){
        .H = (size_t)x->H,
        .W = (size_t)x->W,
        .P = (size_t)y->H,
        .Q = (size_t)y->W,
        .stride = conv->stride,
        .w = conv->w + i * ST_TRAIN_TAPS * (size_t)net->B,
        .before =
            conv->before == ST_TRAIN_NONE ? NULL : &net->layers[conv->before].normed.blocks[i],
        .after = conv->after == ST_TRAIN_NONE ? NULL : &net->layers[conv->after].normed.blocks[i],
        .scratch = net->workers[worker].rows,
    };
}

/* What is in memory: x, or the z of the norm that is applied on the way. */
static int stored_x(const struct st_train_net *net, const struct st_train_layer *layer)
{
    int before = layer->depthwise.before;
    return before == ST_TRAIN_NONE ? layer->x : net->layers[before].x;
}

/* y = conv(x, w) and its sums, for the norm after it */
static void forward(struct st_train_net *net, struct st_train_layer *layer, size_t n, int worker)
{
    const struct st_train_value *vx = &net->values[layer->x], *vy = &net->values[layer->y];
    const size_t blocks = st_train_blocks(net, vx), element = net->train.element_bytes;
    const size_t x_bytes = st_train_block_size(net, vx) * element;
    const size_t y_bytes = st_train_block_size(net, vy) * element;
    const unsigned char *x = st_train_data(net, stored_x(net, layer), n);
    unsigned char *y = st_train_data(net, layer->y, n);
    struct st_train_sums *sums = NULL;
    if (layer->norm != ST_TRAIN_NONE && net->mode == ST_TRAIN_BATCH)
        sums = net->layers[layer->norm].normed.sums + n * blocks;
    for (size_t i = 0; i < blocks; i++) {
        struct st_train_depthwise conv = make_block(net, layer, i, worker);
        net->train.depthwise(y + i * y_bytes, sums ? &sums[i] : NULL, x + i * x_bytes, &conv,
                             (size_t)net->B);
    }
}

/* dx (+)= conv'(dy, w), through the norm before as far as its g;  dw [C, 3, 3] */
static void backward(struct st_train_net *net, struct st_train_layer *layer, size_t n, int worker)
{
    struct st_train_depthwise_state *state = &layer->depthwise;
    const struct st_train_value *vx = &net->values[layer->x], *vy = &net->values[layer->y];
    const size_t blocks = st_train_blocks(net, vx), element = net->train.element_bytes;
    const size_t taps = ST_TRAIN_TAPS * (size_t)net->B;
    const size_t x_bytes = st_train_block_size(net, vx) * element;
    const size_t y_bytes = st_train_block_size(net, vy) * element;
    const unsigned char *x = st_train_data(net, stored_x(net, layer), n);
    const unsigned char *y = st_train_data(net, layer->y, n);
    const unsigned char *dy = st_train_grad(net, layer->y, n);
    unsigned char *dx = vx->gradient ? st_train_grad(net, layer->x, n) : NULL;
    unsigned char *made = dx && layer->add_dx ? net->workers[worker].sample : dx;
    struct st_train_gradient_sums *sums = NULL;
    if (state->before != ST_TRAIN_NONE)
        sums = net->layers[state->before].normed.gradient_sums + n * blocks;
    for (size_t i = 0; i < blocks; i++) {
        struct st_train_depthwise conv = make_block(net, layer, i, worker);
        double *dw = state->dw + (net->fixed ? (size_t)worker : n * blocks + i) * taps;
        net->train.depthwise_backward(made ? made + i * x_bytes : NULL, dw, sums ? &sums[i] : NULL,
                                      dy + i * y_bytes, x + i * x_bytes, y + i * y_bytes, &conv,
                                      (size_t)net->B);
    }
    if (made != dx)
        st_train_give_gradient(net, layer->x, n, made, true);
}

static void unpack(struct st_train_net *net, struct st_train_layer *layer, int worker)
{
    (void)worker;
    const struct st_train_tensor *t = &net->tensors[layer->tensor];
    const size_t B = (size_t)net->B;
    const size_t each = st_train_blocks(net, &net->values[layer->x]) * ST_TRAIN_TAPS * B;
    float *gradient = net->gradients + t->offset;
    for (size_t i = 0; i < t->count; i++) {
        size_t c = i / ST_TRAIN_TAPS, tap = i % ST_TRAIN_TAPS;
        const double *dw = layer->depthwise.dw + (c / B * ST_TRAIN_TAPS + tap) * B + c % B;
        double sum = 0;
        for (size_t n = 0; n < (size_t)net->samples; n++)
            sum += dw[n * each];
        gradient[i] += (float)sum;
    }
}

static void destroy(struct st_train_layer *layer)
{
    free(layer->depthwise.w);
    free(layer->depthwise.dw);
}

const struct st_train_layer_desc st_train_depthwise_desc = {
    .name = "depthwise convolution",
    .prepare = prepare,
    .pack = pack,
    .forward = forward,
    .backward = backward,
    .unpack = unpack,
    .destroy = destroy,
};
