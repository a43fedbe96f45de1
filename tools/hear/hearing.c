/* SPDX-License-Identifier: Apache-2.0 */
#include "hear/hearing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/memory.h"
#include "kernels/kernels.h"
#include "models/train_models.h"
#include "nn/train_net.h"
#include "train/adam.h"

#define LAST_NORM "12.conv_block.1"
#define FEATURES 0 /* outputs */
#define ANSWERS 1

#define DECAY 0.01 /* Loshchilov, I. and Hutter, F. (2019), "Decoupled Weight Decay" */

struct hearing {
    struct st_train_net *net; /* owned */
    struct st_adam adam;      /* owned */
    struct st_pool *pool;     /* borrowed */
    size_t batch;
    int64_t steps;
};

static void build(struct st_train_net *net)
{
    int mel = st_train_input(net, 1, ST_AVE_BANDS, ST_AVE_STEPS, false);
    int features = st_train_ave_build(net, mel);
    int answers = st_train_conv(net, features,
                                &(struct st_train_conv){.name = HEAD_NAME,
                                                        .channels = HEAD_COUNT,
                                                        .kernel = 1,
                                                        .stride_h = 1,
                                                        .stride_w = 1,
                                                        .bias = true});
    st_train_output(net, features, ST_TRAIN_PLAIN);
    st_train_output(net, answers, ST_TRAIN_PLAIN);
}

static synctalk_status load(struct st_train_net *net, const char *path, synctalk_error *err)
{
    struct st_weights *weights = NULL;
    synctalk_status st = st_weights_open(&weights, path, err);
    if (!st)
        st = st_train_load(net, weights, "", err);
    st_weights_close(&weights);
    return st;
}

synctalk_status hearing_create(struct hearing **out, const struct hearing_settings *settings,
                               synctalk_error *err)
{
    synctalk_status st;
    struct st_kernels kernels;
    struct hearing *hearing = calloc(1, sizeof *hearing);

    *out = NULL;
    if (!hearing)
        return st_fail_memory(err, "an encoder that learns", sizeof *hearing);
    st_kernels_init(&kernels, st_cpu_flags());
    enum st_train_precision precision = settings->bf16 ? ST_TRAIN_BF16 : ST_TRAIN_F32;
    if (!st_train_precision_usable(&kernels, precision)) {
        st = st_fail(err, SYNCTALK_E_UNSUPPORTED, "this machine does not compute in bf16");
        goto done;
    }
    hearing->batch = (size_t)settings->batch;
    hearing->pool = settings->pool;
    if ((st = st_train_net_create(&hearing->net,
                                  &(struct st_train_settings){.kernels = &kernels,
                                                              .pool = settings->pool,
                                                              .batch = settings->batch,
                                                              .precision = precision},
                                  err)))
        goto done;
    build(hearing->net);
    if ((st = st_train_net_finish(hearing->net, err)))
        goto done;
    if ((st = st_adam_open(&hearing->adam, st_train_net_parameter_count(hearing->net), err)))
        goto done;
    st_train_net_init(hearing->net, settings->seed);
    if (settings->from && (st = load(hearing->net, settings->from, err)))
        goto done;
    *out = hearing;
    hearing = NULL;

done:
    hearing_destroy(&hearing);
    return st;
}

void hearing_destroy(struct hearing **hearing)
{
    if (!hearing || !*hearing)
        return;
    st_train_net_destroy(&(*hearing)->net);
    st_adam_close(&(*hearing)->adam);
    free(*hearing);
    *hearing = NULL;
}

static void learn(struct hearing *hearing, double rate)
{
    float *parameters = st_train_net_parameters(hearing->net), keep = (float)(1 - rate * DECAY);
    for (size_t i = 0; i < hearing->adam.count; i++)
        parameters[i] *= keep;
    st_adam_step(&hearing->adam, hearing->pool, parameters, st_train_net_gradients(hearing->net),
                 ++hearing->steps, rate);
}

synctalk_status hearing_step(struct hearing *hearing, const float *mel,
                             const struct hear_target *targets, size_t count, double rate,
                             double *loss, synctalk_error *err)
{
    synctalk_status st;
    struct st_train_net *net = hearing->net;

    memcpy(st_train_net_input(net, 0), mel, count * WINDOW_FLOATS * sizeof *mel);
    if ((st = st_train_net_forward(net, (int)count, ST_TRAIN_BATCH, err)))
        return st;
    *loss = head_loss(st_train_net_output(net, ANSWERS), targets, count,
                      st_train_net_output_gradient(net, ANSWERS));
    if (!isfinite(*loss)) {
        char where[200];
        st_train_net_blame(net, where, sizeof where);
        return st_fail(err, SYNCTALK_E_DIVERGED,
                       "step %lld: %s are not finite; learn with a smaller --rate",
                       (long long)hearing->steps + 1, where[0] ? where : "losses");
    }
    memset(st_train_net_output_gradient(net, FEATURES), 0, count * ST_AVE_VECTOR * sizeof(float));
    memset(st_train_net_gradients(net), 0, hearing->adam.count * sizeof(float));
    if ((st = st_train_net_backward(net, err)))
        return st;
    learn(hearing, rate);
    return SYNCTALK_OK;
}

synctalk_status hearing_listen(struct hearing *hearing, const float *mel, size_t count,
                               float *features, float *answers, synctalk_error *err)
{
    struct st_train_net *net = hearing->net;
    for (size_t at = 0; at < count; at += hearing->batch) {
        size_t some = count - at < hearing->batch ? count - at : hearing->batch;
        memcpy(st_train_net_input(net, 0), mel + at * WINDOW_FLOATS,
               some * WINDOW_FLOATS * sizeof *mel);
        synctalk_status st = st_train_net_forward(net, (int)some, ST_TRAIN_RUNNING, err);
        if (st)
            return st;
        if (features)
            memcpy(features + at * ST_AVE_VECTOR, st_train_net_output(net, FEATURES),
                   some * ST_AVE_VECTOR * sizeof *features);
        if (answers)
            memcpy(answers + at * HEAD_COUNT, st_train_net_output(net, ANSWERS),
                   some * HEAD_COUNT * sizeof *answers);
    }
    return SYNCTALK_OK;
}

static void multiply(struct st_train_net *net, const char *name, float factor)
{
    const struct st_train_tensor *tensor = st_train_net_find(net, name);
    float *values = st_train_net_parameters(net) + tensor->offset;
    for (size_t i = 0; i < tensor->count; i++)
        values[i] *= factor;
}

void hearing_scale(struct hearing *hearing, float factor)
{
    multiply(hearing->net, LAST_NORM ".weight", factor);
    multiply(hearing->net, LAST_NORM ".bias", factor);
    multiply(hearing->net, HEAD_NAME ".weight", 1 / factor);
}

synctalk_status hearing_save(struct hearing *hearing, const char *path, bool head,
                             synctalk_error *err)
{
    struct st_weights *weights = NULL;
    synctalk_status st = st_weights_create(&weights, "the encoder", err);
    if (!st)
        st = st_train_save(hearing->net, weights, head ? NULL : HEAD_NAME ".", err);
    if (!st)
        st = st_weights_write_safetensors(weights, path, head ? ST_F32 : ST_F16, NULL, NULL, true,
                                          err);
    st_weights_close(&weights);
    return st;
}
