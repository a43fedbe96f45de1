/* SPDX-License-Identifier: Apache-2.0 */
/* What is applied where, the steps of forward and backward, and where in the arena each
 * value, gradient and dW lies.
 *
 * Time is counted in stretches between two moments when all samples have arrived: within
 * one, samples run ahead of each other, so nothing there may share memory.
 */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/train_impl.h"

static struct st_train_value *value_at(struct st_train_net *net, int value)
{
    return value == ST_TRAIN_NONE ? NULL : &net->values[value];
}

/* Every value that depends on what is to be learned, or on an input that asks. */
static void spread_gradients(struct st_train_net *net)
{
    for (int i = 0; i < net->layer_count; i++) {
        const struct st_train_layer *layer = &net->layers[i];
        struct st_train_value *y = value_at(net, layer->y);
        const struct st_train_value *x = value_at(net, layer->x), *b = value_at(net, layer->b);
        if (y && ((layer->tensors > 0 && !net->fixed) || (x && x->gradient) || (b && b->gradient)))
            y->gradient = true;
    }
}

/* Norms around depthwise convolutions; see train_impl.h. */
static void fuse_norm(struct st_train_net *net, int index)
{
    struct st_train_layer *layer = &net->layers[index];
    struct st_train_value *x = &net->values[layer->x], *y = &net->values[layer->y];
    const float slope = layer->normed.slope;
    struct st_train_layer *source = &net->layers[x->producer];
    struct st_train_layer *reader = y->readers == 1 ? &net->layers[y->reader] : NULL;
    if (layer->b != ST_TRAIN_NONE)
        return;
    x->same_gradient = layer->y;
    /* g comes back with the slope in it, and goes through it again: so 0 or 1 only. */
    if (reader && reader->kind == ST_LAYER_DEPTHWISE && (slope == 0 || slope == 1)) {
        layer->normed.into_reader = true;
        reader->depthwise.before = index;
        y->absent = true;
    }
    if (source->kind == ST_LAYER_DEPTHWISE && !layer->normed.into_reader) {
        layer->normed.into_source = true;
        source->depthwise.after = index;
    }
}

synctalk_status st_train_link(struct st_train_net *net)
{
    spread_gradients(net);
    for (int i = 0; i < net->layer_count; i++)
        if (net->layers[i].kind == ST_LAYER_NORM)
            fuse_norm(net, i);
    for (int i = 0; i < net->value_count; i++) {
        struct st_train_value *v = &net->values[i];
        v->f32 = v->readers == 1 && net->layers[v->reader].kind == ST_LAYER_OUTPUT &&
                 net->layers[v->producer].kind == ST_LAYER_CONV;
    }
    if (net->output_count == 0)
        st_train_fail(net, "it has no output");
    return net->status;
}

/* Walk back: who writes a gradient first, who adds to it. A layer that no output depends
 * on has no part in backward. Returns whether this one has. */
static bool walk_back(struct st_train_net *net, struct st_train_layer *layer)
{
    struct st_train_value *x = value_at(net, layer->x), *b = value_at(net, layer->b);
    struct st_train_value *y = value_at(net, layer->y);
    if (y && (!y->gradient || !y->written))
        return false;
    if (layer->kind == ST_LAYER_INPUT)
        return true;
    if (!x || (!y && !x->gradient))
        return false;
    if (layer->kind == ST_LAYER_CONCAT) {
        if (x->written || b->written)
            st_train_fail(net, "a value that is read again after the concat it is part of");
        x->written = b->written = true;
        return true;
    }
    layer->add_dx = x->written;
    x->written = true;
    if (b && b->gradient) {
        layer->add_db = b->written;
        if (!b->written && b->parent == ST_TRAIN_NONE)
            b->same_gradient = layer->y; /* g in place: what is left of dy is db */
        b->written = true;
    }
    return true;
}

static struct st_train_step *new_steps(struct st_train_net *net)
{
    /* Backward at most gathers, settles, runs and reduces. */
    struct st_train_step *steps = calloc((size_t)net->layer_count * 4 + 1, sizeof *steps);
    if (!steps)
        net->status = st_fail_memory(&net->error, "a network's steps", sizeof *steps);
    return steps;
}

/* Where to say which stretches a block is used in. */
struct uses {
    struct st_train_net *net;
    int time;
};

static void note_block(const struct uses *uses, int block)
{
    if (block == ST_TRAIN_NONE)
        return;
    struct st_train_block *b = &uses->net->blocks[block];
    b->first = uses->time < b->first ? uses->time : b->first;
    b->last = uses->time > b->last ? uses->time : b->last;
}

static void note_data(const struct uses *uses, int value)
{
    if (value == ST_TRAIN_NONE)
        return;
    const struct st_train_value *v = &uses->net->values[value];
    if (v->absent) /* then what the norm is applied to */
        v = &uses->net->values[uses->net->layers[v->producer].x];
    note_block(uses, v->data.block);
}

static void note_grad(const struct uses *uses, int value)
{
    if (value != ST_TRAIN_NONE && uses->net->values[value].gradient)
        note_block(uses, uses->net->values[value].grad.block);
}

static void plan_forward(struct st_train_net *net, struct uses *uses)
{
    for (int i = 0; i < net->layer_count; i++) {
        const struct st_train_layer *layer = &net->layers[i];
        const struct st_train_layer_desc *desc = st_train_desc(layer->kind);
        if (desc->settle) {
            net->forward[net->forward_count++] =
                (struct st_train_step){.kind = ST_RUN_SETTLE, .layer = i, .settle = desc->settle};
            uses->time++;
        }
        note_data(uses, layer->x);
        note_data(uses, layer->b);
        note_data(uses, layer->y);
        if (layer->kind == ST_LAYER_CONV)
            note_block(uses, layer->conv.bordered);
        if (desc->forward)
            net->forward[net->forward_count++] =
                (struct st_train_step){.kind = ST_RUN_SAMPLES, .layer = i, .run = desc->forward};
    }
}

static void add_back(struct st_train_net *net, struct st_train_step step)
{
    net->backward[net->backward_count++] = step;
}

/* Samples have arrived: settle `layer`, if there is one, and reduce what waits. */
static void arrive(struct st_train_net *net, struct uses *uses, int layer, int waiting_from)
{
    if (layer != ST_TRAIN_NONE)
        add_back(net, (struct st_train_step){
                          .kind = ST_RUN_SETTLE,
                          .layer = layer,
                          .settle = st_train_desc(net->layers[layer].kind)->settle_backward});
    for (int i = waiting_from; i > layer; i--)
        if (net->layers[i].kind == ST_LAYER_CONV && net->layers[i].in_backward && !net->fixed)
            add_back(net, (struct st_train_step){.kind = ST_RUN_REDUCE, .layer = i});
    uses->time++;
}

static void note_back(const struct uses *uses, const struct st_train_layer *layer)
{
    if (layer->keep_x)
        note_data(uses, layer->x);
    if (layer->keep_y)
        note_data(uses, layer->y);
    note_grad(uses, layer->x);
    note_grad(uses, layer->b);
    note_grad(uses, layer->y);
    if (layer->kind == ST_LAYER_CONV) {
        note_block(uses, layer->conv.bordered);
        note_block(uses, layer->conv.block_dw);
    }
}

static void plan_backward(struct st_train_net *net, struct uses *uses)
{
    int waiting = net->layer_count - 1; /* from here down: convolutions not reduced */
    for (int i = net->layer_count - 1; i >= 0; i--) {
        const struct st_train_layer *layer = &net->layers[i];
        const struct st_train_layer_desc *desc = st_train_desc(layer->kind);
        if (!layer->in_backward)
            continue;
        note_back(uses, layer);
        if (desc->settle_backward) {
            add_back(net, (struct st_train_step){
                              .kind = ST_RUN_SAMPLES, .layer = i, .run = desc->gather});
            arrive(net, uses, i, waiting);
            waiting = i;
            note_back(uses, layer);
        }
        if (desc->backward)
            add_back(net, (struct st_train_step){
                              .kind = ST_RUN_SAMPLES, .layer = i, .run = desc->backward});
    }
    arrive(net, uses, ST_TRAIN_NONE, waiting);
}

static size_t sample_bytes(const struct st_train_value *v, size_t element)
{
    return (size_t)v->padded * st_train_area(v) * element;
}

/* A place for each value and gradient, as a block and an offset in each sample. */
static void find_data(struct st_train_net *net, struct st_train_value *v)
{
    v->data.block = ST_TRAIN_NONE;
    if (v->absent)
        return;
    const size_t element = st_train_value_element(net, v);
    if (v->parent == ST_TRAIN_NONE) {
        v->data.block = st_train_new_block(net, sample_bytes(v, element));
        return;
    }
    v->data.block = net->values[v->parent].data.block; /* parents come after their parts */
    v->data.at_bytes = (size_t)v->first_channel * st_train_area(v) * element;
}

static void find_grad(struct st_train_net *net, struct st_train_value *v)
{
    v->grad.block = ST_TRAIN_NONE;
    if (!v->gradient)
        return;
    const size_t element = net->train.element_bytes;
    if (v->same_gradient != ST_TRAIN_NONE) {
        v->grad = net->values[v->same_gradient].grad;
    } else if (v->parent != ST_TRAIN_NONE) {
        v->grad = net->values[v->parent].grad;
        v->grad.at_bytes += (size_t)v->first_channel * st_train_area(v) * element;
    } else {
        v->grad.block = st_train_new_block(net, sample_bytes(v, element));
    }
    if (sample_bytes(v, element) > net->sample_bytes)
        net->sample_bytes = sample_bytes(v, element);
}

/* Largest first: what is placed late fills gaps. */
static int compare_bytes(const void *a, const void *b)
{
    const struct st_train_block *x = *(struct st_train_block *const *)a;
    const struct st_train_block *y = *(struct st_train_block *const *)b;
    if (x->sample_bytes != y->sample_bytes)
        return x->sample_bytes < y->sample_bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* The lowest place that no block alive at the same time overlaps. */
static size_t lowest_place(const struct st_train_net *net, struct st_train_block *const *placed,
                           size_t count, const struct st_train_block *block)
{
    const size_t N = (size_t)net->N;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const struct st_train_block *other = placed[i];
        if (other->last < block->first || block->last < other->first)
            continue;
        size_t end = other->at_bytes + N * other->sample_bytes;
        if (other->at_bytes < at + N * block->sample_bytes && at < end) {
            at = end;
            i = (size_t)-1; /* moved up: those before may be in the way now */
        }
    }
    return at;
}

static synctalk_status place_blocks(struct st_train_net *net)
{
    struct st_train_block **used = calloc((size_t)net->block_count + 1, sizeof(void *));
    if (!used)
        return st_fail_memory(&net->error, "a network's plan",
                              (size_t)net->block_count * sizeof(void *));
    size_t count = 0, top = 0;
    for (int i = 0; i < net->block_count; i++)
        if (net->blocks[i].last >= 0)
            used[count++] = &net->blocks[i];
    qsort(used, count, sizeof(void *), compare_bytes);
    for (size_t i = 0; i < count; i++) {
        used[i]->at_bytes = lowest_place(net, used, i, used[i]);
        size_t end = used[i]->at_bytes + (size_t)net->N * used[i]->sample_bytes;
        top = end > top ? end : top;
    }
    free(used);
    net->arena_bytes = top;
    net->arena = st_train_alloc_pages(top);
    if (!net->arena)
        return st_fail(&net->error, SYNCTALK_E_MEMORY,
                       "no memory for the activations and gradients of a batch of %d (%zu bytes): "
                       "use a smaller batch, a narrow network or bf16",
                       net->N, top);
    return SYNCTALK_OK;
}

synctalk_status st_train_plan(struct st_train_net *net)
{
    net->forward = new_steps(net);
    net->backward = new_steps(net);
    for (int i = net->layer_count - 1; i >= 0; i--)
        net->layers[i].in_backward = walk_back(net, &net->layers[i]);
    for (int i = net->value_count - 1; i >= 0; i--) {
        find_data(net, &net->values[i]);
        find_grad(net, &net->values[i]);
    }
    if (net->status)
        return net->status;
    struct uses uses = {.net = net};
    plan_forward(net, &uses);
    plan_backward(net, &uses);
    return place_blocks(net);
}

static unsigned char *sample_at(const struct st_train_net *net, const struct st_train_place *place,
                                size_t n)
{
    assert(place->block >= 0);
    const struct st_train_block *block = &net->blocks[place->block];
    return net->arena + block->at_bytes + n * block->sample_bytes + place->at_bytes;
}

void *st_train_data(const struct st_train_net *net, int value, size_t n)
{
    return sample_at(net, &net->values[value].data, n);
}

void *st_train_grad(const struct st_train_net *net, int value, size_t n)
{
    return sample_at(net, &net->values[value].grad, n);
}
