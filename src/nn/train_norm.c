/* SPDX-License-Identifier: Apache-2.0 */
/* Batch norm with what follows it (a sum, ReLU or leaky ReLU), and activations alone.
 *
 * Statistics are formed per sample and block, then joined in the order of the samples, in
 * double. C channels, M pixels of all samples together.
 *   y = act(scale (z - mean) + beta + add),  scale = gamma rstd,  rstd = 1/sqrt(var + eps)
 *   g = dy act'(...),  S = sum g,  D = sum g (z - mean);  sums over M
 *   dgamma += rstd D,  dbeta += S
 *   dz = scale (g - S/M - (z - mean) rstd^2 D/M)        Source: torch.nn.BatchNorm2d
 * With running statistics mean and var are constants: dz = scale g.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/train_impl.h"

/* A norm's tensors, in the order of the table. */
enum { GAMMA, BETA, MEAN, VARIANCE, BATCHES };

static synctalk_status prepare(struct st_train_net *net, struct st_train_layer *layer)
{
    struct st_train_norm_state *norm = &layer->normed;
    const struct st_train_value *x = &net->values[layer->x];
    const size_t blocks = st_train_blocks(net, x), all = (size_t)net->N * blocks;
    norm->sums = st_train_alloc(net, all, sizeof *norm->sums);
    norm->gradient_sums = st_train_alloc(net, all, sizeof *norm->gradient_sums);
    norm->blocks = st_train_alloc(net, blocks, sizeof *norm->blocks);
    norm->rstd = st_train_alloc(net, (size_t)x->C, sizeof *norm->rstd);
    for (size_t i = 0; !net->status && i < blocks; i++)
        norm->blocks[i].slope = norm->slope;
    snprintf(layer->label, sizeof layer->label, "%s: %s%s%s", layer->name, net->train.variant,
             norm->into_reader ? ", forward where it is read" : "",
             norm->into_source ? ", backward where it was made" : "");
    return net->status;
}

struct moments {
    double mean, var; /* biased */
};

/* Of channel c over all samples. Source: Chan, Golub, LeVeque, "Updating formulae and a
 * pairwise algorithm for computing sample variances", 1979. */
static struct moments batch_moments(const struct st_train_net *net,
                                    const struct st_train_layer *layer, size_t c)
{
    const struct st_train_value *x = &net->values[layer->x];
    const size_t B = (size_t)net->B, blocks = st_train_blocks(net, x), b = c % B;
    const size_t N = (size_t)net->samples;
    const double area = (double)st_train_area(x);
    const struct st_train_sums *sums = layer->normed.sums + c / B;
    double mean = 0, spread = 0;
    for (size_t n = 0; n < N; n++)
        mean += (double)sums[n * blocks].pivot[b] + sums[n * blocks].sum[b] / area;
    mean /= (double)N;
    for (size_t n = 0; n < N; n++) {
        const struct st_train_sums *s = &sums[n * blocks];
        double away = (double)s->pivot[b] + s->sum[b] / area - mean;
        spread += s->square[b] - s->sum[b] * s->sum[b] / area + area * away * away;
    }
    double var = spread / (area * (double)N);
    return (struct moments){.mean = mean, .var = var < 0 ? 0 : var};
}

static float moved(float running, double value)
{
    return (float)((1 - ST_TRAIN_MOMENTUM) * (double)running + ST_TRAIN_MOMENTUM * value);
}

static void settle(struct st_train_net *net, struct st_train_layer *layer)
{
    struct st_train_norm_state *norm = &layer->normed;
    const struct st_train_tensor *t = &net->tensors[layer->tensor];
    const struct st_train_value *x = &net->values[layer->x];
    const float *gamma = net->parameters + t[GAMMA].offset;
    const float *beta = net->parameters + t[BETA].offset;
    float *running_mean = net->statistics + t[MEAN].offset;
    float *running_var = net->statistics + t[VARIANCE].offset;
    const double M = (double)st_train_area(x) * (double)net->samples;
    const bool batch = net->mode == ST_TRAIN_BATCH;
    for (size_t c = 0; c < (size_t)x->C; c++) {
        struct moments m = {(double)running_mean[c], (double)running_var[c]};
        if (batch) {
            m = batch_moments(net, layer, c);
            running_mean[c] = moved(running_mean[c], m.mean);
            running_var[c] = moved(running_var[c], M > 1 ? m.var * M / (M - 1) : m.var);
        }
        struct st_train_norm_block *block = &norm->blocks[c / (size_t)net->B];
        const size_t b = c % (size_t)net->B;
        norm->rstd[c] = 1 / sqrt(m.var + ST_TRAIN_EPSILON);
        block->mean[b] = (float)m.mean;
        block->scale[b] = (float)((double)gamma[c] * norm->rstd[c]);
        block->beta[b] = beta[c];
    }
    if (batch)
        net->counters[t[BATCHES].offset]++;
}

/* y = act(norm(z) + add);  all [C, H, W] */
static void forward(struct st_train_net *net, struct st_train_layer *layer, size_t n, int worker)
{
    (void)worker;
    if (layer->normed.into_reader)
        return;
    const struct st_train_value *v = &net->values[layer->x];
    const size_t bytes = st_train_block_size(net, v) * net->train.element_bytes;
    const unsigned char *z = st_train_data(net, layer->x, n);
    const unsigned char *add = layer->b == ST_TRAIN_NONE ? NULL : st_train_data(net, layer->b, n);
    unsigned char *y = st_train_data(net, layer->y, n);
    for (size_t i = 0; i < st_train_blocks(net, v); i++)
        net->train.norm(y + i * bytes, z + i * bytes, add ? add + i * bytes : NULL,
                        &layer->normed.blocks[i], st_train_area(v), (size_t)net->B);
}

/* Where something was added, only y says what the activation saw. */
static const unsigned char *sign_of(const struct st_train_net *net,
                                    const struct st_train_layer *layer, size_t n)
{
    return layer->keep_y ? st_train_data(net, layer->y, n) : NULL;
}

static void gather(struct st_train_net *net, struct st_train_layer *layer, size_t n, int worker)
{
    (void)worker;
    if (layer->normed.into_reader) /* the depthwise convolution has done it */
        return;
    const struct st_train_value *v = &net->values[layer->x];
    const size_t bytes = st_train_block_size(net, v) * net->train.element_bytes;
    const size_t blocks = st_train_blocks(net, v);
    const unsigned char *dy = st_train_grad(net, layer->y, n);
    const unsigned char *z = st_train_data(net, layer->x, n), *y = sign_of(net, layer, n);
    for (size_t i = 0; i < blocks; i++)
        net->train.norm_gradient(&layer->normed.gradient_sums[n * blocks + i], dy + i * bytes,
                                 z + i * bytes, y ? y + i * bytes : NULL, &layer->normed.blocks[i],
                                 st_train_area(v), (size_t)net->B);
}

static void settle_backward(struct st_train_net *net, struct st_train_layer *layer)
{
    struct st_train_norm_state *norm = &layer->normed;
    const struct st_train_tensor *t = &net->tensors[layer->tensor];
    const struct st_train_value *x = &net->values[layer->x];
    const size_t B = (size_t)net->B, blocks = st_train_blocks(net, x);
    const double M = (double)st_train_area(x) * (double)net->samples;
    const bool batch = net->mode == ST_TRAIN_BATCH;
    for (size_t c = 0; c < (size_t)x->C; c++) {
        const size_t b = c % B;
        double sum = 0, dot = 0;
        for (size_t n = 0; n < (size_t)net->samples; n++) {
            sum += norm->gradient_sums[n * blocks + c / B].sum[b];
            dot += norm->gradient_sums[n * blocks + c / B].dot[b];
        }
        const double rstd = norm->rstd[c];
        const double scale = (double)net->parameters[t[GAMMA].offset + c] * rstd;
        struct st_train_norm_block *block = &norm->blocks[c / B];
        block->a[b] = (float)scale;
        block->b[b] = batch ? (float)(-scale * rstd * rstd * dot / M) : 0;
        block->c[b] = batch ? (float)(-scale * sum / M) : 0;
        if (net->fixed)
            continue;
        net->gradients[t[GAMMA].offset + c] += (float)(rstd * dot);
        net->gradients[t[BETA].offset + c] += (float)sum;
    }
}

/* dz = ..., dadd (+)= g;  all [C, H, W] */
static void backward(struct st_train_net *net, struct st_train_layer *layer, size_t n, int worker)
{
    (void)worker;
    if (layer->normed.into_source) /* the depthwise convolution will do it */
        return;
    const struct st_train_value *v = &net->values[layer->x];
    const size_t bytes = st_train_block_size(net, v) * net->train.element_bytes;
    const unsigned char *dy = st_train_grad(net, layer->y, n);
    const unsigned char *z = st_train_data(net, layer->x, n), *y = sign_of(net, layer, n);
    unsigned char *dz = st_train_grad(net, layer->x, n);
    unsigned char *dadd = NULL;
    if (layer->b != ST_TRAIN_NONE && net->values[layer->b].gradient)
        dadd = st_train_grad(net, layer->b, n);
    for (size_t i = 0; i < st_train_blocks(net, v); i++)
        net->train.norm_backward(dz + i * bytes, dadd ? dadd + i * bytes : NULL, layer->add_db,
                                 dy + i * bytes, z + i * bytes, y ? y + i * bytes : NULL,
                                 &layer->normed.blocks[i], st_train_area(v), (size_t)net->B);
}

static void destroy(struct st_train_layer *layer)
{
    free(layer->normed.sums);
    free(layer->normed.gradient_sums);
    free(layer->normed.blocks);
    free(layer->normed.rstd);
}

const struct st_train_layer_desc st_train_norm_desc = {
    .name = "batch norm",
    .prepare = prepare,
    .settle = settle,
    .forward = forward,
    .gather = gather,
    .settle_backward = settle_backward,
    .backward = backward,
    .destroy = destroy,
};

int st_train_norm(struct st_train_net *net, int x, const struct st_train_norm *norm)
{
    if (!st_train_usable(net, x) ||
        (norm->add != ST_TRAIN_NONE && !st_train_usable(net, norm->add)))
        return ST_TRAIN_FAILED;
    const struct st_train_value v = net->values[x];
    const int producer = v.producer;
    const enum st_train_layer_kind kind = net->layers[producer].kind;
    if ((kind != ST_LAYER_CONV && kind != ST_LAYER_DEPTHWISE) || v.readers > 0)
        return st_train_fail(net, "a batch norm not right after a convolution");
    if (norm->add != ST_TRAIN_NONE) {
        const struct st_train_value *add = &net->values[norm->add];
        if (add->C != v.C || add->H != v.H || add->W != v.W || norm->add == x)
            return st_train_fail(net, "a residual sum of values of different shape");
    }
    struct st_train_layer layer = {
        .kind = ST_LAYER_NORM,
        .x = x,
        .b = norm->add,
        .norm = ST_TRAIN_NONE,
        .keep_x = true,
        .keep_y = norm->add != ST_TRAIN_NONE && norm->slope < 1,
        .normed = {.slope = norm->slope},
    };
    snprintf(layer.name, sizeof layer.name, "%s", norm->name);
    const size_t dims[] = {(size_t)v.C};
    int index = st_train_new_layer(net, &layer, v.C, v.H, v.W);
    if (index < 0 || !st_train_new_tensor(net, norm->name, "weight", ST_TRAIN_GAMMA, 1, dims) ||
        !st_train_new_tensor(net, norm->name, "bias", ST_TRAIN_BETA, 1, dims) ||
        !st_train_new_tensor(net, norm->name, "running_mean", ST_TRAIN_RUNNING_MEAN, 1, dims) ||
        !st_train_new_tensor(net, norm->name, "running_var", ST_TRAIN_RUNNING_VAR, 1, dims) ||
        !st_train_new_tensor(net, norm->name, "num_batches_tracked", ST_TRAIN_BATCHES, 0, NULL))
        return ST_TRAIN_FAILED;
    net->layers[producer].norm = index;
    return net->layers[index].y;
}

/* y = act(x) */
static void activate(struct st_train_net *net, struct st_train_layer *layer, size_t n, int worker)
{
    (void)worker;
    const struct st_train_value *v = &net->values[layer->x];
    net->train.activation(st_train_data(net, layer->y, n), st_train_data(net, layer->x, n),
                          layer->slope, st_train_blocks(net, v) * st_train_area(v), (size_t)net->B);
}

/* dx (+)= dy act'(...) */
static void activate_backward(struct st_train_net *net, struct st_train_layer *layer, size_t n,
                              int worker)
{
    if (!net->values[layer->x].gradient)
        return;
    const struct st_train_value *v = &net->values[layer->x];
    void *dx = layer->add_dx ? net->workers[worker].sample : st_train_grad(net, layer->x, n);
    net->train.activation_backward(dx, st_train_grad(net, layer->y, n),
                                   st_train_data(net, layer->y, n), layer->slope,
                                   st_train_blocks(net, v) * st_train_area(v), (size_t)net->B);
    if (layer->add_dx)
        st_train_give_gradient(net, layer->x, n, dx, true);
}

const struct st_train_layer_desc st_train_activation_desc = {
    .name = "activation",
    .forward = activate,
    .backward = activate_backward,
};

int st_train_activation(struct st_train_net *net, int x, float slope)
{
    if (!st_train_usable(net, x))
        return ST_TRAIN_FAILED;
    const struct st_train_value v = net->values[x];
    const struct st_train_layer layer = {.kind = ST_LAYER_ACTIVATION,
                                         .x = x,
                                         .b = ST_TRAIN_NONE,
                                         .norm = ST_TRAIN_NONE,
                                         .keep_y = true,
                                         .slope = slope};
    int index = st_train_new_layer(net, &layer, v.C, v.H, v.W);
    return index < 0 ? ST_TRAIN_FAILED : net->layers[index].y;
}
