/* SPDX-License-Identifier: Apache-2.0 */
/* Building a net that learns: values, layers, the table of tensors and its blocks. */
#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/train_impl.h"
#include "synctalk/machine.h"

#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define TENSOR_ALIGNMENT ((size_t)16) /* elements */

int st_train_fail(struct st_train_net *net, const char *what)
{
    if (net->status == SYNCTALK_OK)
        net->status =
            st_fail(&net->error, SYNCTALK_E_ARG, "this network cannot be built: %s", what);
    return ST_TRAIN_FAILED;
}

void *st_train_alloc(struct st_train_net *net, size_t count, size_t size)
{
    size_t bytes;
    void *block = st_mul_size(count, size, &bytes) ? st_alloc_aligned(bytes) : NULL;
    if (block)
        net->other_bytes += bytes;
    else if (net->status == SYNCTALK_OK)
        net->status = st_fail_memory(&net->error, "a network that learns", count * size);
    return block;
}

void *st_train_alloc_pages(size_t bytes)
{
    size_t alignment = bytes >= 2 * HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : ST_ALIGNMENT;
    if (bytes > SIZE_MAX - alignment)
        return NULL;
    size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void *block = aligned_alloc(alignment, rounded ? rounded : alignment);
    if (block && alignment == HUGE_PAGE_BYTES)
        (void)madvise(block, rounded, MADV_HUGEPAGE);
    return block;
}

bool st_train_precision_usable(const struct st_kernels *kernels, enum st_train_precision precision)
{
    const unsigned needed = SYNCTALK_CPU_AVX512 | SYNCTALK_CPU_BF16;
    return precision == ST_TRAIN_F32 ||
           ((kernels->flags & needed) == needed && st_onednn_block(kernels->flags) == 16);
}

static synctalk_status make_workers(struct st_train_net *net, synctalk_error *err)
{
    const int count = st_pool_workers(net->pool);
    net->workers = calloc((size_t)count, sizeof *net->workers);
    if (!net->workers)
        return st_fail_memory(err, "workers", (size_t)count * sizeof *net->workers);
    dnnl_status_t s = dnnl_success;
    for (int i = 0; !s && i < count; i++)
        s = dnnl_stream_create(&net->workers[i].stream, net->engine, dnnl_stream_default_flags);
    return st_onednn_status(s, "its stream", err);
}

synctalk_status st_train_net_create(struct st_train_net **out,
                                    const struct st_train_settings *settings, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    *out = NULL;
    if (settings->batch < 1 || settings->batch > ST_TRAIN_BATCH_MAX)
        return st_fail(err, SYNCTALK_E_ARG, "a batch of %d samples asked for, 1 to %d are possible",
                       settings->batch, ST_TRAIN_BATCH_MAX);
    if (!st_train_precision_usable(settings->kernels, settings->precision))
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "training in bf16 needs a CPU with AVX-512 BF16, which this one lacks or "
                       "the settings exclude: train in f32");
    struct st_train_net *net = calloc(1, sizeof *net);
    if (!net)
        return st_fail_memory(err, "a network", sizeof *net);

    net->kernels = *settings->kernels;
    net->pool = settings->pool;
    net->N = settings->batch;
    net->B = st_onednn_block(net->kernels.flags);
    net->precision = settings->precision;
    net->fixed = settings->fixed;
    st_train_kernels_init(&net->train, net->kernels.flags,
                          net->precision == ST_TRAIN_BF16 ? ST_TRAIN_ELEMENT_BF16
                                                          : ST_TRAIN_ELEMENT_F32,
                          (size_t)net->B);
    st_train_kernels_init(&net->train_f32, net->kernels.flags, ST_TRAIN_ELEMENT_F32,
                          (size_t)net->B);
    st_openmp_find(&net->openmp);
    st = st_onednn_status(dnnl_engine_create(&net->engine, dnnl_cpu, 0), "its engine", err);
    if (!st)
        st = make_workers(net, err);
    if (st)
        goto done;

    *out = net;
    net = NULL;
done:
    st_train_net_destroy(&net);
    return st;
}

static void end_layers(struct st_train_net *net)
{
    for (int i = 0; i < net->layer_count; i++) {
        const struct st_train_layer_desc *desc = st_train_desc(net->layers[i].kind);
        if (desc->destroy)
            desc->destroy(&net->layers[i]);
    }
    free(net->layers);
}

static void end_workers(struct st_train_net *net)
{
    for (int i = 0; net->workers && i < st_pool_workers(net->pool); i++) {
        if (net->workers[i].stream)
            dnnl_stream_destroy(net->workers[i].stream);
        free(net->workers[i].scratch);
        free(net->workers[i].sample);
        free(net->workers[i].rows);
    }
    free(net->workers);
}

void st_train_net_destroy(struct st_train_net **net)
{
    if (!net || !*net)
        return;
    struct st_train_net *n = *net;
    end_layers(n);
    end_workers(n);
    for (int i = 0; i < ST_TRAIN_PORTS; i++) {
        struct st_train_port *ports[] = {&n->inputs[i], &n->outputs[i]};
        for (int j = 0; j < 2; j++) {
            free(ports[j]->data);
            free(ports[j]->grad);
            free(ports[j]->length);
        }
    }
    for (int i = 0; i < n->tensor_count; i++)
        free((char *)n->tensors[i].name);
    free(n->tensors);
    free(n->values);
    free(n->blocks);
    free(n->forward);
    free(n->backward);
    free(n->parameters);
    free(n->gradients);
    free(n->statistics);
    free(n->counters);
    free(n->arena);
    if (n->engine)
        dnnl_engine_destroy(n->engine);
    free(n);
    *net = NULL;
}

/* Room for one more element of `size` bytes; the array moved, or NULL with the failure in
 * the net. */
static void *grown(struct st_train_net *net, void *array, int count, int *room, size_t size)
{
    if (count < *room)
        return array;
    int wanted = *room ? 2 * *room : 32;
    void *moved = realloc(array, (size_t)wanted * size);
    if (moved)
        *room = wanted;
    else if (net->status == SYNCTALK_OK)
        net->status = st_fail_memory(&net->error, "a network's layers", (size_t)wanted * size);
    return moved;
}

bool st_train_usable(struct st_train_net *net, int value)
{
    if (net->status || value < 0)
        return false;
    assert(value < net->value_count);
    return true;
}

int st_train_new_block(struct st_train_net *net, size_t sample_bytes)
{
    struct st_train_block *moved =
        grown(net, net->blocks, net->block_count, &net->block_room, sizeof *net->blocks);
    if (!moved)
        return ST_TRAIN_FAILED;
    net->blocks = moved;
    net->blocks[net->block_count] = (struct st_train_block){
        .sample_bytes = st_align_size(sample_bytes), .first = INT_MAX, .last = -1};
    return net->block_count++;
}

/* Bytes of [N, padded, H, W] f32; 0 where that does not fit. */
static size_t shape_bytes(const struct st_train_net *net, int padded, int H, int W)
{
    size_t bytes = sizeof(float);
    const int dims[] = {net->N, padded, H, W};
    for (int i = 0; i < 4; i++)
        if (dims[i] <= 0 || !st_mul_size(bytes, (size_t)dims[i], &bytes))
            return 0;
    return bytes > SIZE_MAX / 4 ? 0 : bytes;
}

int st_train_new_value(struct st_train_net *net, int producer, int C, int H, int W)
{
    if (C <= 0 || C > INT_MAX / 2 || !shape_bytes(net, C + net->B, H, W))
        return st_train_fail(net, "a layer has no output, or one beyond memory");
    struct st_train_value *moved =
        grown(net, net->values, net->value_count, &net->value_room, sizeof *net->values);
    if (!moved)
        return ST_TRAIN_FAILED;
    net->values = moved;
    net->values[net->value_count] = (struct st_train_value){
        .C = C,
        .padded = (C + net->B - 1) / net->B * net->B,
        .H = H,
        .W = W,
        .producer = producer,
        .reader = ST_TRAIN_NONE,
        .parent = ST_TRAIN_NONE,
        .same_gradient = ST_TRAIN_NONE,
    };
    return net->value_count++;
}

static void note_reader(struct st_train_net *net, int value, int layer)
{
    if (value == ST_TRAIN_NONE)
        return;
    net->values[value].readers++;
    net->values[value].reader = layer;
}

int st_train_new_layer(struct st_train_net *net, const struct st_train_layer *layer, int C, int H,
                       int W)
{
    struct st_train_layer *moved =
        grown(net, net->layers, net->layer_count, &net->layer_room, sizeof *net->layers);
    if (!moved)
        return ST_TRAIN_FAILED;
    net->layers = moved;
    int index = net->layer_count;
    int y = C ? st_train_new_value(net, index, C, H, W) : ST_TRAIN_NONE;
    if (y == ST_TRAIN_FAILED)
        return ST_TRAIN_FAILED;
    net->layers[index] = *layer;
    net->layers[index].y = y;
    net->layers[index].tensor = net->tensor_count;
    net->layer_count++;
    note_reader(net, layer->x, index);
    note_reader(net, layer->b, index);
    return index;
}

/* The block of a kind, as a count of elements. */
static size_t *block_count_of(struct st_train_net *net, enum st_train_kind kind)
{
    switch (kind) {
    case ST_TRAIN_RUNNING_MEAN:
    case ST_TRAIN_RUNNING_VAR:
        return &net->statistic_count;
    case ST_TRAIN_BATCHES:
        return &net->counter_count;
    default:
        return &net->parameter_count;
    }
}

bool st_train_new_tensor(struct st_train_net *net, const char *name, const char *last,
                         enum st_train_kind kind, int rank, const size_t *dims)
{
    struct st_train_tensor *moved =
        grown(net, net->tensors, net->tensor_count, &net->tensor_room, sizeof *net->tensors);
    if (!moved)
        return false;
    net->tensors = moved;
    size_t *total = block_count_of(net, kind);
    struct st_train_tensor tensor = {.kind = kind, .rank = rank, .offset = *total, .count = 1};
    for (int i = 0; i < rank; i++) {
        tensor.dims[i] = dims[i];
        tensor.count *= dims[i];
    }
    size_t room = strlen(name) + strlen(last) + 2;
    char *full = malloc(room);
    if (!full) {
        net->status = st_fail_memory(&net->error, "a network's names", room);
        return false;
    }
    snprintf(full, room, "%s.%s", name, last);
    tensor.name = full;
    const size_t unit = kind == ST_TRAIN_BATCHES ? 1 : TENSOR_ALIGNMENT;
    *total += (tensor.count + unit - 1) / unit * unit;
    net->tensors[net->tensor_count++] = tensor;
    net->layers[net->layer_count - 1].tensors++;
    return true;
}

void st_train_shape(const struct st_train_net *net, int value, int shape[3])
{
    assert(value < net->value_count);
    const struct st_train_value none = {0};
    const struct st_train_value *v = value < 0 ? &none : &net->values[value];
    shape[0] = v->C;
    shape[1] = v->H;
    shape[2] = v->W;
}

static synctalk_status make_blocks(struct st_train_net *net)
{
    net->parameters = st_train_alloc(net, net->parameter_count, sizeof(float));
    net->statistics = st_train_alloc(net, net->statistic_count, sizeof(float));
    net->counters = st_train_alloc(net, net->counter_count, sizeof(int64_t));
    if (!net->fixed)
        net->gradients = st_train_alloc(net, net->parameter_count, sizeof(float));
    return net->status;
}

static synctalk_status make_scratch(struct st_train_net *net)
{
    for (int i = 0; i < st_pool_workers(net->pool); i++) {
        struct st_train_worker *worker = &net->workers[i];
        worker->scratch = st_train_alloc_pages(net->scratch_bytes);
        worker->sample = st_train_alloc_pages(net->sample_bytes);
        worker->rows = st_train_alloc(net, net->rows_floats, sizeof(float));
        net->other_bytes += net->scratch_bytes + net->sample_bytes;
        if (!net->status && (!worker->scratch || !worker->sample))
            net->status = st_fail_memory(&net->error, "a worker's scratch memory",
                                         net->scratch_bytes + net->sample_bytes);
    }
    return net->status;
}

synctalk_status st_train_net_finish(struct st_train_net *net, synctalk_error *err)
{
    int before = st_nn_single_thread_begin(&net->openmp);
    if (!net->status)
        net->status = make_blocks(net);
    if (!net->status)
        net->status = st_train_link(net);
    for (int i = 0; !net->status && i < net->layer_count; i++) {
        const struct st_train_layer_desc *desc = st_train_desc(net->layers[i].kind);
        if (desc->prepare)
            net->status = desc->prepare(net, &net->layers[i]);
    }
    if (!net->status)
        net->status = st_train_plan(net);
    if (!net->status)
        net->status = make_scratch(net);
    st_nn_single_thread_end(&net->openmp, before);
    if (net->status && err)
        *err = net->error;
    return net->status;
}

const struct st_train_tensor *st_train_net_tensors(const struct st_train_net *net, size_t *count)
{
    *count = (size_t)net->tensor_count;
    return net->tensors;
}

const struct st_train_tensor *st_train_net_find(const struct st_train_net *net, const char *name)
{
    for (int i = 0; i < net->tensor_count; i++)
        if (strcmp(net->tensors[i].name, name) == 0)
            return &net->tensors[i];
    return NULL;
}

size_t st_train_net_parameter_count(const struct st_train_net *net)
{
    return net->parameter_count;
}

float *st_train_net_parameters(struct st_train_net *net)
{
    return net->parameters;
}

float *st_train_net_gradients(struct st_train_net *net)
{
    return net->gradients;
}

size_t st_train_net_statistic_count(const struct st_train_net *net)
{
    return net->statistic_count;
}

float *st_train_net_statistics(struct st_train_net *net)
{
    return net->statistics;
}

size_t st_train_net_counter_count(const struct st_train_net *net)
{
    return net->counter_count;
}

int64_t *st_train_net_counters(struct st_train_net *net)
{
    return net->counters;
}

size_t st_train_net_bytes(const struct st_train_net *net)
{
    return net->arena_bytes + net->other_bytes;
}

int st_train_net_input_count(const struct st_train_net *net)
{
    return net->input_count;
}

int st_train_net_output_count(const struct st_train_net *net)
{
    return net->output_count;
}

static size_t port_size(const struct st_train_net *net, int value)
{
    return (size_t)net->values[value].C * st_train_area(&net->values[value]);
}

size_t st_train_net_input_size(const struct st_train_net *net, int input)
{
    assert(input >= 0 && input < net->input_count);
    return port_size(net, net->layers[net->input_layers[input]].y);
}

size_t st_train_net_output_size(const struct st_train_net *net, int output)
{
    assert(output >= 0 && output < net->output_count);
    return port_size(net, net->layers[net->output_layers[output]].x);
}

float *st_train_net_input(struct st_train_net *net, int input)
{
    assert(input >= 0 && input < net->input_count);
    return net->inputs[input].data;
}

const float *st_train_net_input_gradient(const struct st_train_net *net, int input)
{
    assert(input >= 0 && input < net->input_count);
    return net->inputs[input].grad;
}

const float *st_train_net_output(const struct st_train_net *net, int output)
{
    assert(output >= 0 && output < net->output_count);
    return net->outputs[output].data;
}

float *st_train_net_output_gradient(struct st_train_net *net, int output)
{
    assert(output >= 0 && output < net->output_count);
    return net->outputs[output].grad;
}

/* splitmix64. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", 2014. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static void fill_uniform(float *dst, size_t count, float spread, uint64_t *state)
{
    for (size_t i = 0; i < count; i++)
        dst[i] = spread * ((float)(next_random(state) >> 40) * 0x1p-23F - 1.0F);
}

static void fill_constant(float *dst, size_t count, float value)
{
    for (size_t i = 0; i < count; i++)
        dst[i] = value;
}

/* kaiming_uniform with a = sqrt(5) is uniform within 1 / sqrt(fan-in), as biases are. */
void st_train_net_init(struct st_train_net *net, uint64_t seed)
{
    uint64_t state = seed;
    float spread = 0;
    for (int i = 0; i < net->tensor_count; i++) {
        const struct st_train_tensor *t = &net->tensors[i];
        float *parameter = net->parameters + t->offset, *statistic = net->statistics + t->offset;
        switch (t->kind) {
        case ST_TRAIN_WEIGHT:
            spread = 1.0F / sqrtf((float)(t->dims[1] * t->dims[2] * t->dims[3]));
            fill_uniform(parameter, t->count, spread, &state);
            break;
        case ST_TRAIN_BIAS: /* follows its weight in the table */
            fill_uniform(parameter, t->count, spread, &state);
            break;
        case ST_TRAIN_GAMMA:
            fill_constant(parameter, t->count, 1);
            break;
        case ST_TRAIN_BETA:
            fill_constant(parameter, t->count, 0);
            break;
        case ST_TRAIN_RUNNING_MEAN:
            fill_constant(statistic, t->count, 0);
            break;
        case ST_TRAIN_RUNNING_VAR:
            fill_constant(statistic, t->count, 1);
            break;
        case ST_TRAIN_BATCHES:
            net->counters[t->offset] = 0;
            break;
        }
    }
}
