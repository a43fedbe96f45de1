/* SPDX-License-Identifier: Apache-2.0 */
/* Thirteen convolutions. Two nets share the weights: one for full batches, one for single
 * windows, so that a live stream does not pay for fifteen that it does not have.
 */
#include "models/ave.h"

#include <stdlib.h>

#include "base/error.h"
#include "models/chain.h"
#include "nn/net.h"

#define FIRST "0.conv_block.0.weight"
#define PREFIX "audio_encoder."
#define WINDOW ((size_t)ST_AVE_BANDS * ST_AVE_STEPS)

static const struct st_chain_unit layers[] = {
    {1, 32, 3, 1, 1, 1, false},    {32, 32, 3, 1, 1, 1, true},   {32, 32, 3, 1, 1, 1, true},
    {32, 64, 3, 3, 1, 1, false},   {64, 64, 3, 1, 1, 1, true},   {64, 64, 3, 1, 1, 1, true},
    {64, 128, 3, 3, 3, 1, false},  {128, 128, 3, 1, 1, 1, true}, {128, 128, 3, 1, 1, 1, true},
    {128, 256, 3, 3, 2, 1, false}, {256, 256, 3, 1, 1, 1, true}, {256, 512, 3, 1, 1, 0, false},
    {512, 512, 1, 1, 1, 0, false},
};
#define LAYERS (sizeof layers / sizeof *layers)

struct st_ave {
    struct st_net *batch;  /* owned; ST_AVE_BATCH windows */
    struct st_net *single; /* owned; weights from `batch` */
};

struct st_ave_worker {
    struct st_net_run *batch, *single; /* owned */
};

const struct st_chain_unit *st_ave_units(size_t *count)
{
    *count = LAYERS;
    return layers;
}

static synctalk_status build(struct st_net *net, const struct st_folded *folded,
                             synctalk_error *err)
{
    int x = st_net_input(net, 1, ST_AVE_BANDS, ST_AVE_STEPS);
    for (size_t i = 0; i < LAYERS; i++) {
        const struct st_chain_unit *layer = &layers[i];
        x = st_net_conv(net, x,
                        &(struct st_conv){
                            .channels = layer->cout,
                            .kernel = layer->kernel,
                            .stride_h = layer->stride_h,
                            .stride_w = layer->stride_w,
                            .pad = layer->pad,
                            .relu = true,
                            .add = layer->residual ? x : ST_NET_NONE,
                            .weights = folded[i].weights,
                            .bias = folded[i].bias,
                        });
    }
    st_net_output(net, x, false);
    return st_net_finish(net, err);
}

synctalk_status st_ave_open(struct st_ave **out, const struct st_weights *weights,
                            const struct st_kernels *kernels, synctalk_error *err)
{
    struct st_folded folded[LAYERS] = {{0}};
    synctalk_status st = SYNCTALK_OK;
    *out = NULL;
    struct st_ave *ave = calloc(1, sizeof *ave);
    if (!ave)
        return st_fail_memory(err, "the AVE network", sizeof *ave);

    const char *prefix = st_weights_find(weights, PREFIX FIRST) ? PREFIX : "";
    if (!st_weights_find(weights, PREFIX FIRST) && !st_weights_find(weights, FIRST)) {
        st = st_fail(err, SYNCTALK_E_MODEL, "%s: not an AVE audio encoder: it has no tensor " FIRST,
                     st_weights_path(weights));
        goto done;
    }
    for (size_t i = 0; i < LAYERS; i++) {
        struct st_part part = st_chain_part(&layers[i], prefix, i);
        if ((st = st_part_load(&folded[i], &part, weights, err)))
            goto done;
    }
    if ((st = st_net_create(&ave->batch, kernels, ST_AVE_BATCH, NULL, err)) ||
        (st = build(ave->batch, folded, err)) ||
        (st = st_net_create(&ave->single, kernels, 1, ave->batch, err)) ||
        (st = build(ave->single, folded, err)))
        goto done;

    *out = ave;
    ave = NULL;
done:
    for (size_t i = 0; i < LAYERS; i++)
        st_folded_free(&folded[i]);
    st_ave_close(&ave);
    return st;
}

void st_ave_close(struct st_ave **ave)
{
    if (!ave || !*ave)
        return;
    st_net_destroy(&(*ave)->single);
    st_net_destroy(&(*ave)->batch);
    free(*ave);
    *ave = NULL;
}

synctalk_status st_ave_worker_open(struct st_ave_worker **out, const struct st_ave *ave,
                                   synctalk_error *err)
{
    *out = NULL;
    struct st_ave_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return st_fail_memory(err, "an AVE worker", sizeof *worker);
    synctalk_status st = st_net_run_create(&worker->batch, ave->batch, err);
    if (!st)
        st = st_net_run_create(&worker->single, ave->single, err);
    if (st)
        st_ave_worker_close(&worker);
    *out = worker;
    return st;
}

void st_ave_worker_close(struct st_ave_worker **worker)
{
    if (!worker || !*worker)
        return;
    st_net_run_destroy(&(*worker)->batch);
    st_net_run_destroy(&(*worker)->single);
    free(*worker);
    *worker = NULL;
}

synctalk_status st_ave_run(struct st_ave_worker *worker, size_t N, const float *mel, float *out,
                           synctalk_error *err)
{
    while (N > 0) {
        bool full = N >= ST_AVE_BATCH;
        const size_t count = full ? ST_AVE_BATCH : 1;
        synctalk_status st =
            st_net_run_execute(full ? worker->batch : worker->single, (const float *const[]){mel},
                               (float *const[]){out}, err);
        if (st)
            return st;
        mel += count * WINDOW;
        out += count * ST_AVE_VECTOR;
        N -= count;
    }
    return SYNCTALK_OK;
}

synctalk_status st_ave_random(struct st_weights **out, uint64_t seed, synctalk_error *err)
{
    struct st_weights *weights = NULL;
    uint64_t state = seed;
    *out = NULL;
    synctalk_status st = st_weights_create(&weights, "random weights", err);
    for (size_t i = 0; !st && i < LAYERS; i++) {
        struct st_part part = st_chain_part(&layers[i], "", i);
        st = st_part_random(&part, weights, &state, err);
    }
    if (st)
        st_weights_close(&weights);
    *out = weights;
    return st;
}
