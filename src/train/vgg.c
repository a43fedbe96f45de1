/* SPDX-License-Identifier: Apache-2.0 */
/* The perceptual term. VGG-19 up to features[14]: its layers under torchvision's names.
 * Source: Simonyan, Zisserman, "Very Deep Convolutional Networks", 2015, column E. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "models/train_models.h"
#include "nn/train_net.h"
#include "train/losses.h"

#define PICTURE ((size_t)3 * ST_UNET_SIDE * ST_UNET_SIDE)

struct st_vgg {
    struct st_train_net *net; /* owns */
    struct st_pool *pool;     /* borrowed */
    int batch;
    size_t size;   /* of a sample's features */
    float *wanted; /* owns; [batch, size] features of the targets */
    double *sums;  /* owns; [batch] */
    double weight; /* of the call in work, divided by all numbers of the batch */
};

/* Layers up to features[14]: channels of a convolution (with a ReLU after it), 0 for a
 * pooling; the number is torchvision's index. */
static const struct {
    int index, channels;
} layers[] = {{0, 64}, {2, 64},   {4, 0},    {5, 128}, {7, 128},
              {9, 0},  {10, 256}, {12, 256}, {14, 256}};

static void build(struct st_train_net *net)
{
    const size_t count = sizeof layers / sizeof *layers;
    int x = st_train_input(net, 3, ST_UNET_SIDE, ST_UNET_SIDE, true);
    for (size_t i = 0; i < count; i++) {
        char name[32];
        if (layers[i].channels == 0) {
            x = st_train_max_pool(net, x);
            continue;
        }
        snprintf(name, sizeof name, "features.%d", layers[i].index);
        x = st_train_conv(net, x,
                          &(struct st_train_conv){.name = name,
                                                  .channels = layers[i].channels,
                                                  .kernel = 3,
                                                  .stride_h = 1,
                                                  .stride_w = 1,
                                                  .pad = 1,
                                                  .bias = true});
        if (i + 1 < count)
            x = st_train_activation(net, x, 0);
    }
    st_train_output(net, x, ST_TRAIN_PLAIN);
}

synctalk_status st_vgg_open(struct st_vgg **out, const char *path, const struct st_kernels *kernels,
                            struct st_pool *pool, int batch, synctalk_error *err)
{
    synctalk_status st;
    struct st_weights *weights = NULL;
    struct st_vgg *vgg = calloc(1, sizeof *vgg);
    /* No more samples at once than there are workers: a sample's activations are large. */
    const int workers = st_pool_workers(pool);
    const struct st_train_settings settings = {.kernels = kernels,
                                               .pool = pool,
                                               .batch = batch < workers ? batch : workers,
                                               .fixed = true};

    *out = NULL;
    if (!vgg)
        return st_fail_memory(err, "the perceptual term", sizeof *vgg);
    vgg->batch = settings.batch;
    vgg->pool = pool;
    if ((st = st_weights_open(&weights, path, err)))
        goto done;
    if (!st_weights_find(weights, "features.14.weight")) {
        st = st_fail(err, SYNCTALK_E_MODEL,
                     "%s: not torchvision's VGG-19: it has no tensor features.14.weight", path);
        goto done;
    }
    if ((st = st_train_net_create(&vgg->net, &settings, err)))
        goto done;
    build(vgg->net);
    if ((st = st_train_net_finish(vgg->net, err)) ||
        (st = st_train_load(vgg->net, weights, "", err)))
        goto done;
    vgg->size = st_train_net_output_size(vgg->net, 0);
    vgg->wanted = st_alloc_aligned((size_t)vgg->batch * vgg->size * sizeof *vgg->wanted);
    vgg->sums = calloc((size_t)vgg->batch, sizeof *vgg->sums);
    if (!vgg->wanted || !vgg->sums) {
        st = st_fail_memory(err, "the perceptual term",
                            (size_t)vgg->batch * vgg->size * sizeof *vgg->wanted);
        goto done;
    }
    *out = vgg;
    vgg = NULL;

done:
    st_weights_close(&weights);
    st_vgg_close(&vgg);
    return st;
}

void st_vgg_close(struct st_vgg **vgg)
{
    if (!vgg || !*vgg)
        return;
    st_train_net_destroy(&(*vgg)->net);
    free((*vgg)->wanted);
    free((*vgg)->sums);
    free(*vgg);
    *vgg = NULL;
}

size_t st_vgg_bytes(const struct st_vgg *vgg)
{
    return st_train_net_bytes(vgg->net) + (size_t)vgg->batch * vgg->size * sizeof *vgg->wanted;
}

static void difference_turn(void *context, size_t n, int worker)
{
    struct st_vgg *vgg = context;
    const float *have = st_train_net_output(vgg->net, 0) + n * vgg->size;
    const float *want = vgg->wanted + n * vgg->size;
    float *gradient = st_train_net_output_gradient(vgg->net, 0) + n * vgg->size;
    const float each = (float)(2 * vgg->weight);
    double sum = 0;
    (void)worker;
    for (size_t i = 0; i < vgg->size; i++) {
        const float d = have[i] - want[i];
        sum += (double)d * (double)d;
        gradient[i] = each * d;
    }
    vgg->sums[n] = sum;
}

/* `count` samples: features of the targets, then of the predictions, then back. */
static synctalk_status add_some(struct st_vgg *vgg, int count, const float *prediction,
                                const float *target, float *gradient, double *sum,
                                synctalk_error *err)
{
    synctalk_status st;
    const size_t numbers = (size_t)count * PICTURE;
    float *input = st_train_net_input(vgg->net, 0);

    memcpy(input, target, numbers * sizeof *input);
    if ((st = st_train_net_forward(vgg->net, count, ST_TRAIN_RUNNING, err)))
        return st;
    memcpy(vgg->wanted, st_train_net_output(vgg->net, 0),
           (size_t)count * vgg->size * sizeof *vgg->wanted);
    memcpy(input, prediction, numbers * sizeof *input);
    if ((st = st_train_net_forward(vgg->net, count, ST_TRAIN_RUNNING, err)))
        return st;
    st_pool_for(vgg->pool, (size_t)count, difference_turn, vgg);
    for (int n = 0; n < count; n++)
        *sum += vgg->sums[n];
    if ((st = st_train_net_backward(vgg->net, err)))
        return st;
    const float *back = st_train_net_input_gradient(vgg->net, 0);
    for (size_t i = 0; i < numbers; i++)
        gradient[i] += back[i];
    return SYNCTALK_OK;
}

synctalk_status st_vgg_add(struct st_vgg *vgg, double weight, int N, const float *prediction,
                           const float *target, float *gradient, double *value, synctalk_error *err)
{
    const double numbers = (double)N * (double)vgg->size;
    double sum = 0;
    vgg->weight = weight / numbers;
    for (int n = 0; n < N; n += vgg->batch) {
        const int count = N - n < vgg->batch ? N - n : vgg->batch;
        const size_t at = (size_t)n * PICTURE;
        synctalk_status st =
            add_some(vgg, count, prediction + at, target + at, gradient + at, &sum, err);
        if (st)
            return st;
    }
    *value = sum / numbers;
    return SYNCTALK_OK;
}
