/* SPDX-License-Identifier: Apache-2.0 */
/* Building a net: values, buffers, and the layers that are ours. Convolutions are in
 * net_conv.c.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/net_impl.h"

int st_net_fail(struct st_net *net, const char *what)
{
    if (net->status == SYNCTALK_OK)
        net->status =
            st_fail(&net->error, SYNCTALK_E_ARG, "this network cannot be built: %s", what);
    return ST_NET_FAILED;
}

synctalk_status st_net_create(struct st_net **out, const struct st_kernels *kernels, int batch,
                              const struct st_net *share, synctalk_error *err)
{
    assert(batch >= 1);
    synctalk_status st = SYNCTALK_OK;
    *out = NULL;
    struct st_net *net = calloc(1, sizeof *net);
    if (!net)
        return st_fail_memory(err, "a network", sizeof *net);

    net->kernels = *kernels;
    net->share = share;
    net->N = batch;
    net->B = st_onednn_block(kernels->flags);
    st_openmp_find(&net->openmp);
    st = st_onednn_status(dnnl_engine_create(&net->engine, dnnl_cpu, 0), "its engine", err);
    if (!st)
        st = st_onednn_status(
            dnnl_stream_create(&net->packing, net->engine, dnnl_stream_default_flags), "its stream",
            err);
    if (st)
        goto done;

    *out = net;
    net = NULL;
done:
    st_net_destroy(&net);
    return st;
}

void st_net_step_end(struct st_net_step *step)
{
    for (int i = 0; i < step->pack_count; i++) {
        if (step->packs[i].borrowed)
            continue;
        if (step->packs[i].memory)
            dnnl_memory_destroy(step->packs[i].memory);
        free(step->packs[i].block);
    }
    if (step->primitive)
        dnnl_primitive_destroy(step->primitive);
    *step = (struct st_net_step){0};
}

void st_net_destroy(struct st_net **net)
{
    if (!net || !*net)
        return;
    struct st_net *n = *net;
    for (int i = 0; i < n->step_count; i++)
        st_net_step_end(&n->steps[i]);
    free(n->steps);
    free(n->buffers);
    free(n->values);
    if (n->packing)
        dnnl_stream_destroy(n->packing);
    if (n->engine)
        dnnl_engine_destroy(n->engine);
    free(n);
    *net = NULL;
}

/* Room for one more element of `size` bytes; the array moved, or NULL with the failure in
 * the net. */
static void *grown(struct st_net *net, void *array, int count, int *room, size_t size)
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

static int new_buffer(struct st_net *net, size_t bytes)
{
    struct st_net_buffer *moved =
        grown(net, net->buffers, net->buffer_count, &net->buffer_room, sizeof *net->buffers);
    if (!moved)
        return ST_NET_FAILED;
    net->buffers = moved;
    net->buffers[net->buffer_count] =
        (struct st_net_buffer){.bytes = bytes, .parent = ST_NET_NONE, .last = -1};
    return net->buffer_count++;
}

static int append_value(struct st_net *net, const struct st_net_value *value)
{
    struct st_net_value *moved =
        grown(net, net->values, net->value_count, &net->value_room, sizeof *net->values);
    if (!moved)
        return ST_NET_FAILED;
    net->values = moved;
    net->values[net->value_count] = *value;
    return net->value_count++;
}

/* Bytes of [N, padded, H, W] f32; 0 where that does not fit. */
static size_t shape_bytes(const struct st_net *net, int padded, int H, int W)
{
    size_t bytes = sizeof(float);
    const int dims[] = {net->N, padded, H, W};
    for (int i = 0; i < 4; i++)
        if (dims[i] <= 0 || !st_mul_size(bytes, (size_t)dims[i], &bytes))
            return 0;
    return bytes;
}

size_t st_net_value_bytes(const struct st_net *net, int value)
{
    const struct st_net_value *v = &net->values[value];
    return shape_bytes(net, v->padded, v->H, v->W);
}

int st_net_padded(const struct st_net *net, int channels)
{
    return (channels + net->B - 1) / net->B * net->B;
}

bool st_net_same_parts(const struct st_net_value *a, const struct st_net_value *b)
{
    bool same = a->part_count == b->part_count;
    for (int i = 0; same && i < a->part_count; i++)
        same = a->part[i] == b->part[i];
    return same;
}

/* A value of the given parts, H and W; the rest is filled in. */
static int new_value(struct st_net *net, struct st_net_value value)
{
    value.C = value.padded = 0;
    for (int i = 0; i < value.part_count; i++) {
        value.C += value.part[i];
        value.padded += st_net_padded(net, value.part[i]);
    }
    size_t bytes = shape_bytes(net, value.padded, value.H, value.W);
    if (!bytes)
        return st_net_fail(net, "a layer has no output, or one beyond memory");
    value.buffer = new_buffer(net, bytes);
    if (value.buffer == ST_NET_FAILED)
        return ST_NET_FAILED;
    value.taken = false;
    return append_value(net, &value);
}

int st_net_new_value(struct st_net *net, int C, int H, int W)
{
    return new_value(net, (struct st_net_value){.part = {C}, .part_count = 1, .H = H, .W = W});
}

int st_net_new_like(struct st_net *net, int like, int H, int W)
{
    struct st_net_value value = net->values[like];
    value.H = H;
    value.W = W;
    return new_value(net, value);
}

int st_net_same_place(struct st_net *net, int value)
{
    net->values[value].taken = true;
    struct st_net_value copy = net->values[value];
    copy.taken = false;
    return append_value(net, &copy);
}

int st_net_new_step(struct st_net *net, enum st_net_step_kind kind, int src, int dst)
{
    struct st_net_step *moved =
        grown(net, net->steps, net->step_count, &net->step_room, sizeof *net->steps);
    if (!moved)
        return ST_NET_FAILED;
    net->steps = moved;
    net->steps[net->step_count] = (struct st_net_step){.kind = kind, .src = src, .dst = dst};
    return net->step_count++;
}

bool st_net_usable(struct st_net *net, int value)
{
    if (net->status || value < 0)
        return false;
    assert(value < net->value_count);
    if (!net->values[value].taken)
        return true;
    st_net_fail(net, "a layer reads a value that a residual sum has taken");
    return false;
}

/* A step of our own from `src` to a new value of the same channels. */
static int own_layer(struct st_net *net, enum st_net_step_kind kind, int src, int H, int W)
{
    int dst = st_net_new_like(net, src, H, W);
    if (dst == ST_NET_FAILED)
        return ST_NET_FAILED;
    return st_net_new_step(net, kind, src, dst) == ST_NET_FAILED ? ST_NET_FAILED : dst;
}

int st_net_input(struct st_net *net, int C, int H, int W)
{
    if (net->status)
        return ST_NET_FAILED;
    if (net->input_count == ST_NET_PORTS || !shape_bytes(net, C, H, W))
        return st_net_fail(net, "too many inputs, or an impossible size");
    struct st_net_value value = {
        .buffer = ST_NET_NONE,
        .input = net->input_count++,
        .C = C,
        .padded = C,
        .H = H,
        .W = W,
        .part = {C},
        .part_count = 1,
    };
    return append_value(net, &value);
}

int st_net_pack(struct st_net *net, int input)
{
    if (!st_net_usable(net, input))
        return ST_NET_FAILED;
    const struct st_net_value v = net->values[input];
    assert(v.buffer == ST_NET_NONE);
    return own_layer(net, ST_STEP_PACK, input, v.H, v.W);
}

int st_net_border(struct st_net *net, int x, int border)
{
    const struct st_net_value v = net->values[x];
    int dst = own_layer(net, ST_STEP_BORDER, x, v.H + 2 * border, v.W + 2 * border);
    if (dst != ST_NET_FAILED)
        net->steps[net->step_count - 1].border = border;
    return dst;
}

int st_net_upsample(struct st_net *net, int x)
{
    if (!st_net_usable(net, x))
        return ST_NET_FAILED;
    const struct st_net_value v = net->values[x];
    assert(v.buffer != ST_NET_NONE);
    return own_layer(net, ST_STEP_UPSAMPLE, x, 2 * v.H, 2 * v.W);
}

int st_net_mean(struct st_net *net, int x)
{
    if (!st_net_usable(net, x))
        return ST_NET_FAILED;
    assert(net->values[x].buffer != ST_NET_NONE);
    return own_layer(net, ST_STEP_MEAN, x, 1, 1);
}

/* Parts of `a`, then of `b`, without seams where blocks are full. False: too many. */
static bool join_parts(const struct st_net *net, struct st_net_value *a,
                       const struct st_net_value *b)
{
    for (int i = 0; i < b->part_count; i++) {
        int *last = &a->part[a->part_count - 1];
        if (*last % net->B == 0)
            *last += b->part[i];
        else if (a->part_count == ST_NET_PARTS)
            return false;
        else
            a->part[a->part_count++] = b->part[i];
    }
    return true;
}

int st_net_concat(struct st_net *net, int a, int b)
{
    if (!st_net_usable(net, a) || !st_net_usable(net, b))
        return ST_NET_FAILED;
    const struct st_net_value va = net->values[a], vb = net->values[b];
    if (net->N != 1 || va.H != vb.H || va.W != vb.W || va.buffer == ST_NET_NONE ||
        vb.buffer == ST_NET_NONE || va.buffer == vb.buffer ||
        net->buffers[va.buffer].parent != ST_NET_NONE ||
        net->buffers[vb.buffer].parent != ST_NET_NONE)
        return st_net_fail(net, "a concat of values that do not fit together");

    struct st_net_value both = va;
    if (!join_parts(net, &both, &vb))
        return st_net_fail(net, "a concat of too many parts");
    int whole = new_value(net, both);
    if (whole == ST_NET_FAILED)
        return ST_NET_FAILED;
    int root = net->values[whole].buffer;
    net->buffers[va.buffer].parent = root;
    net->buffers[vb.buffer].parent = root;
    net->buffers[vb.buffer].offset_bytes = net->buffers[va.buffer].bytes;
    return whole;
}

void st_net_output(struct st_net *net, int x, bool sigmoid)
{
    if (!st_net_usable(net, x))
        return;
    assert(net->values[x].buffer != ST_NET_NONE);
    if (net->output_count == ST_NET_PORTS) {
        st_net_fail(net, "too many outputs");
        return;
    }
    int step = st_net_new_step(net, ST_STEP_UNPACK, x, ST_NET_NONE);
    if (step == ST_NET_FAILED)
        return;
    net->steps[step].sigmoid = sigmoid;
    net->steps[step].output = net->output_count++;
}

synctalk_status st_net_finish(struct st_net *net, synctalk_error *err)
{
    if (!net->status)
        net->status = st_net_plan(net, &net->error);
    if (net->status && err)
        *err = net->error;
    return net->status;
}

size_t st_net_weight_bytes(const struct st_net *net)
{
    size_t bytes = 0;
    for (int i = 0; i < net->step_count; i++)
        for (int j = 0; j < net->steps[i].pack_count; j++)
            if (!net->steps[i].packs[j].borrowed)
                bytes += net->steps[i].packs[j].bytes;
    return bytes;
}

size_t st_net_bytes(const struct st_net *net, int value)
{
    return st_net_value_bytes(net, value);
}

int st_net_step_count(const struct st_net *net)
{
    return net->step_count;
}

size_t st_net_arena_bytes(const struct st_net *net)
{
    return net->arena_bytes;
}

const char *st_net_layer(const struct st_net *net, size_t index)
{
    static const char *const own[] = {
        [ST_STEP_CONV] = "convolution", [ST_STEP_UPSAMPLE] = "upsample", [ST_STEP_MEAN] = "mean",
        [ST_STEP_COPY] = "copy",        [ST_STEP_BORDER] = "border",     [ST_STEP_PACK] = "pack",
        [ST_STEP_UNPACK] = "unpack",
    };
    if (index >= (size_t)net->step_count)
        return NULL;
    const struct st_net_step *step = &net->steps[index];
    return step->name ? step->name : own[step->kind];
}
