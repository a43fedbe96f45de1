/* SPDX-License-Identifier: Apache-2.0 */
/* Forward and backward: steps over samples, and finding what stopped being finite. */
#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "nn/train_impl.h"

const struct st_train_layer_desc *st_train_desc(enum st_train_layer_kind kind)
{
    static const struct st_train_layer_desc *const all[ST_LAYER_KINDS] = {
        [ST_LAYER_INPUT] = &st_train_input_desc,
        [ST_LAYER_CONV] = &st_train_conv_desc,
        [ST_LAYER_DEPTHWISE] = &st_train_depthwise_desc,
        [ST_LAYER_NORM] = &st_train_norm_desc,
        [ST_LAYER_ACTIVATION] = &st_train_activation_desc,
        [ST_LAYER_MAX_POOL] = &st_train_max_pool_desc,
        [ST_LAYER_UPSAMPLE] = &st_train_upsample_desc,
        [ST_LAYER_CONCAT] = &st_train_concat_desc,
        [ST_LAYER_OUTPUT] = &st_train_output_desc,
    };
    return all[kind];
}

/* What a turn of the pool needs to know. */
struct turn {
    struct st_train_net *net;
    const struct st_train_step *steps; /* neighbours over samples */
    int count;
    struct st_train_layer *layer; /* whose dW is reduced */
    bool backward;
};

static void sample_turn(void *context, size_t n, int worker)
{
    const struct turn *turn = context;
    int before = st_nn_single_thread_begin(&turn->net->openmp);
    for (int i = 0; i < turn->count; i++)
        turn->steps[i].run(turn->net, &turn->net->layers[turn->steps[i].layer], n, worker);
    st_nn_single_thread_end(&turn->net->openmp, before);
}

static void reduce_turn(void *context, size_t slice, int worker)
{
    const struct turn *turn = context;
    (void)worker;
    st_train_conv_reduce(turn->net, turn->layer, slice);
}

static void pack_turn(void *context, size_t index, int worker)
{
    const struct turn *turn = context;
    struct st_train_layer *layer = &turn->net->layers[index];
    const struct st_train_layer_desc *desc = st_train_desc(layer->kind);
    if (!desc->pack)
        return;
    int before = st_nn_single_thread_begin(&turn->net->openmp);
    desc->pack(turn->net, layer, turn->backward, worker);
    st_nn_single_thread_end(&turn->net->openmp, before);
}

static void unpack_turn(void *context, size_t index, int worker)
{
    const struct turn *turn = context;
    struct st_train_layer *layer = &turn->net->layers[index];
    const struct st_train_layer_desc *desc = st_train_desc(layer->kind);
    if (!desc->unpack || !layer->in_backward)
        return;
    int before = st_nn_single_thread_begin(&turn->net->openmp);
    desc->unpack(turn->net, layer, worker);
    st_nn_single_thread_end(&turn->net->openmp, before);
}

static void run_steps(struct st_train_net *net, const struct st_train_step *steps, int count)
{
    for (int i = 0; i < count;) {
        struct st_train_layer *layer = &net->layers[steps[i].layer];
        struct turn turn = {.net = net, .steps = &steps[i], .layer = layer};
        switch (steps[i].kind) {
        case ST_RUN_SETTLE:
            steps[i++].settle(net, layer);
            break;
        case ST_RUN_REDUCE:
            st_pool_for(net->pool, (layer->conv.dw_floats + ST_TRAIN_SLICE - 1) / ST_TRAIN_SLICE,
                        reduce_turn, &turn);
            i++;
            break;
        case ST_RUN_SAMPLES:
            while (i < count && steps[i].kind == ST_RUN_SAMPLES) {
                turn.count++;
                i++;
            }
            st_pool_for(net->pool, (size_t)net->samples, sample_turn, &turn);
            break;
        }
    }
}

static void pack_all(struct st_train_net *net, bool backward)
{
    struct turn turn = {.net = net, .backward = backward};
    st_pool_for(net->pool, (size_t)net->layer_count, pack_turn, &turn);
}

static synctalk_status workers_status(struct st_train_net *net, synctalk_error *err)
{
    for (int i = 0; i < st_pool_workers(net->pool); i++) {
        dnnl_status_t s = net->workers[i].status;
        net->workers[i].status = dnnl_success;
        if (s)
            return st_onednn_status(s, "a step of training", err);
    }
    return SYNCTALK_OK;
}

synctalk_status st_train_net_forward(struct st_train_net *net, int samples, enum st_train_mode mode,
                                     synctalk_error *err)
{
    if (samples < 1 || samples > net->N)
        return st_fail(err, SYNCTALK_E_ARG, "a batch of %d samples, this network takes 1 to %d",
                       samples, net->N);
    net->samples = samples;
    net->mode = mode;
    net->backward_due = true;
    pack_all(net, false);
    run_steps(net, net->forward, net->forward_count);
    return workers_status(net, err);
}

synctalk_status st_train_net_backward(struct st_train_net *net, synctalk_error *err)
{
    assert(net->backward_due);
    pack_all(net, true);
    run_steps(net, net->backward, net->backward_count);
    struct turn turn = {.net = net};
    if (!net->fixed)
        st_pool_for(net->pool, (size_t)net->layer_count, unpack_turn, &turn);
    net->backward_due = false;
    return workers_status(net, err);
}

static bool all_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* Block that holds a tensor's elements, NULL for counters. */
static const float *tensor_data(const struct st_train_net *net, const struct st_train_tensor *t)
{
    switch (t->kind) {
    case ST_TRAIN_RUNNING_MEAN:
    case ST_TRAIN_RUNNING_VAR:
        return net->statistics + t->offset;
    case ST_TRAIN_BATCHES:
        return NULL;
    default:
        return net->parameters + t->offset;
    }
}

static bool is_parameter(const struct st_train_tensor *t)
{
    return t->kind != ST_TRAIN_RUNNING_MEAN && t->kind != ST_TRAIN_RUNNING_VAR &&
           t->kind != ST_TRAIN_BATCHES;
}

/* The statistics that the last forward used. */
static bool norm_finite(const struct st_train_net *net, const struct st_train_layer *layer)
{
    for (size_t c = 0; c < (size_t)net->values[layer->x].C; c++)
        if (!isfinite(layer->normed.blocks[c / (size_t)net->B].mean[c % (size_t)net->B]) ||
            !isfinite(layer->normed.rstd[c]))
            return false;
    return true;
}

static const char *blamed_forward(const struct st_train_net *net, const char **what)
{
    *what = "the values of";
    for (int i = 0; i < net->input_count; i++)
        if (!all_finite(net->inputs[i].data,
                        (size_t)net->samples * st_train_net_input_size(net, i)))
            return i == 0 ? "the first input" : "an input after the first";
    for (int i = 0; i < net->tensor_count; i++)
        if (is_parameter(&net->tensors[i]) &&
            !all_finite(tensor_data(net, &net->tensors[i]), net->tensors[i].count))
            return net->tensors[i].name;
    *what = "the batch statistics of";
    for (int i = 0; i < net->layer_count; i++)
        if (net->layers[i].kind == ST_LAYER_NORM && !norm_finite(net, &net->layers[i]))
            return net->layers[i].name;
    *what = "the values of";
    for (int i = 0; i < net->output_count; i++)
        if (!all_finite(net->outputs[i].data,
                        (size_t)net->samples * st_train_net_output_size(net, i)))
            return "an output";
    return NULL;
}

static const char *blamed_backward(const struct st_train_net *net, const char **what)
{
    *what = "the gradient of";
    for (int i = net->tensor_count - 1; net->gradients && i >= 0; i--)
        if (is_parameter(&net->tensors[i]) &&
            !all_finite(net->gradients + net->tensors[i].offset, net->tensors[i].count))
            return net->tensors[i].name;
    return NULL;
}

bool st_train_net_blame(const struct st_train_net *net, char *text, size_t size)
{
    const char *what, *name = blamed_forward(net, &what);
    if (!name)
        name = blamed_backward(net, &what);
    snprintf(text, size, "%s%s%s", name ? what : "", name ? " " : "", name ? name : "");
    return name != NULL;
}

const char *st_train_net_layer(const struct st_train_net *net, size_t index)
{
    if (index >= (size_t)net->layer_count)
        return NULL;
    const struct st_train_layer *layer = &net->layers[index];
    return layer->label[0] ? layer->label : st_train_desc(layer->kind)->name;
}
