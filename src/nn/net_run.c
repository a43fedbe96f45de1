/* SPDX-License-Identifier: Apache-2.0 */
/* One thread's run of a net: its arena, oneDNN's handles on it, and our own steps. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/net_impl.h"

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

/* Handles of one convolution. */
struct step_handles {
    dnnl_memory_t src, dst, scratch;
    dnnl_exec_arg_t args[3 + ST_CONV_PACKS];
    int arg_count;
};

struct st_net_run {
    const struct st_net *net;
    unsigned char *arena;
    dnnl_stream_t stream;
    struct step_handles *steps; /* as many as the net has */
};

static float *value_data(const struct st_net_run *run, int value)
{
    const struct st_net *net = run->net;
    size_t offset;
    int root = st_net_root(net, net->values[value].buffer, &offset);
    return (float *)(void *)(run->arena + net->buffers[root].at_bytes + offset);
}

/* Not zeroed: every step writes all of what a later one reads. Large arenas lie on huge
 * pages, where the first touch of each costs a five-hundredth. */
static void *alloc_arena(size_t size)
{
    size_t alignment = size >= 2 * HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : ST_ALIGNMENT;
    size_t rounded = (size + alignment - 1) / alignment * alignment;
    void *arena = aligned_alloc(alignment, rounded ? rounded : alignment);
    if (arena && alignment == HUGE_PAGE_BYTES)
        (void)madvise(arena, rounded, MADV_HUGEPAGE);
    return arena;
}

static dnnl_status_t make_handles(struct st_net_run *run, int index)
{
    const struct st_net *net = run->net;
    const struct st_net_step *step = &net->steps[index];
    struct step_handles *h = &run->steps[index];
    bool from_caller = net->values[step->src].buffer == ST_NET_NONE;
    void *src = from_caller ? DNNL_MEMORY_NONE : value_data(run, step->src);

    dnnl_status_t s = dnnl_memory_create(&h->src, &step->src_md, net->engine, src);
    if (!s)
        s = dnnl_memory_create(&h->dst, &step->dst_md, net->engine, value_data(run, step->dst));
    if (!s)
        s = dnnl_memory_create(&h->scratch, &step->scratch_md, net->engine,
                               run->arena + net->scratch_at_bytes);
    if (s)
        return s;
    h->args[h->arg_count++] = (dnnl_exec_arg_t){DNNL_ARG_SRC, h->src};
    h->args[h->arg_count++] = (dnnl_exec_arg_t){DNNL_ARG_DST, h->dst};
    h->args[h->arg_count++] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, h->scratch};
    for (int i = 0; i < step->pack_count; i++)
        h->args[h->arg_count++] = (dnnl_exec_arg_t){step->packs[i].argument, step->packs[i].memory};
    return dnnl_success;
}

synctalk_status st_net_run_create(struct st_net_run **out, const struct st_net *net,
                                  synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    *out = NULL;
    struct st_net_run *run = calloc(1, sizeof *run);
    if (!run)
        return st_fail_memory(err, "a network's worker", sizeof *run);
    run->net = net;
    run->steps = calloc((size_t)net->step_count + 1, sizeof *run->steps);
    run->arena = alloc_arena(net->arena_bytes);
    if (!run->steps || !run->arena) {
        st = st_fail_memory(err, "a network's activations", net->arena_bytes);
        goto done;
    }

    dnnl_status_t s = dnnl_stream_create(&run->stream, net->engine, dnnl_stream_default_flags);
    for (int i = 0; !s && i < net->step_count; i++)
        if (net->steps[i].kind == ST_STEP_CONV)
            s = make_handles(run, i);
    st = st_onednn_status(s, "a network's worker", err);
    if (st)
        goto done;

    *out = run;
    run = NULL;
done:
    st_net_run_destroy(&run);
    return st;
}

void st_net_run_destroy(struct st_net_run **run)
{
    if (!run || !*run)
        return;
    struct st_net_run *r = *run;
    for (int i = 0; r->steps && i < r->net->step_count; i++) {
        if (r->steps[i].src)
            dnnl_memory_destroy(r->steps[i].src);
        if (r->steps[i].dst)
            dnnl_memory_destroy(r->steps[i].dst);
        if (r->steps[i].scratch)
            dnnl_memory_destroy(r->steps[i].scratch);
    }
    if (r->stream)
        dnnl_stream_destroy(r->stream);
    free(r->steps);
    free(r->arena);
    free(r);
    *run = NULL;
}

/* [N, C, H, W] -> [N, padded/B, H, W, B], zeros in the padding. */
static void pack(const struct st_net *net, const struct st_net_value *v, const float *src,
                 float *dst)
{
    const size_t B = (size_t)net->B, C = (size_t)v->C;
    const size_t area = (size_t)v->H * (size_t)v->W, blocks = (C + B - 1) / B;
    for (size_t n = 0; n < (size_t)net->N; n++) {
        for (size_t block = 0; block < blocks; block++) {
            size_t used = C - block * B < B ? C - block * B : B;
            const float *from = src + (n * C + block * B) * area;
            float *to = dst + (n * blocks + block) * area * B;
            for (size_t i = 0; i < area; i++) {
                for (size_t b = 0; b < used; b++)
                    to[i * B + b] = from[b * area + i];
                for (size_t b = used; b < B; b++)
                    to[i * B + b] = 0;
            }
        }
    }
}

/* [N, padded/B, H, W, B] -> [N, C, H, W], through a sigmoid if asked. */
static void unpack(const struct st_net *net, const struct st_net_value *v, const float *src,
                   float *dst, bool sigmoid)
{
    const size_t B = (size_t)net->B, area = (size_t)v->H * (size_t)v->W;
    for (int n = 0; n < net->N; n++) {
        for (int part = 0; part < v->part_count; part++) {
            for (size_t c = 0; c < (size_t)v->part[part]; c++, dst += area) {
                const float *from = src + c / B * area * B + c % B;
                for (size_t i = 0; i < area; i++)
                    dst[i] = sigmoid ? 1.0F / (1.0F + expf(-from[i * B])) : from[i * B];
            }
            src += (size_t)st_net_padded(net, v->part[part]) * area;
        }
    }
}

/* [planes, H, W, B] -> [planes, B]. Rows are summed by themselves, so that the error of a
 * sum grows with a side, not with the area. */
static void mean(const struct st_net *net, const struct st_net_value *v, const float *src,
                 float *dst)
{
    enum { WIDEST = 16 };
    const size_t B = (size_t)net->B, H = (size_t)v->H, W = (size_t)v->W;
    const size_t planes = (size_t)net->N * (size_t)v->padded / B;
    assert(B <= WIDEST);
    for (size_t plane = 0; plane < planes; plane++) {
        double total[WIDEST] = {0};
        for (size_t y = 0; y < H; y++) {
            float row[WIDEST] = {0};
            for (size_t x = 0; x < W; x++, src += B)
                for (size_t b = 0; b < B; b++)
                    row[b] += src[b];
            for (size_t b = 0; b < B; b++)
                total[b] += (double)row[b];
        }
        for (size_t b = 0; b < B; b++)
            dst[plane * B + b] = (float)(total[b] / (double)(H * W));
    }
}

/* [planes, H, W, B] -> [planes, H + 2 border, W + 2 border, B] */
static void add_border(const struct st_net *net, const struct st_net_value *v, const float *src,
                       float *dst, int border)
{
    const size_t B = (size_t)net->B, H = (size_t)v->H, edge = (size_t)border * B;
    const size_t row = (size_t)v->W * B, wide = row + 2 * edge;
    const size_t planes = (size_t)net->N * (size_t)v->padded / B;
    memset(dst, 0, planes * (H + 2 * (size_t)border) * wide * sizeof *dst);
    for (size_t plane = 0; plane < planes; plane++) {
        float *to = dst + (plane * (H + 2 * (size_t)border) + (size_t)border) * wide + edge;
        for (size_t y = 0; y < H; y++)
            memcpy(to + y * wide, src + (plane * H + y) * row, row * sizeof *dst);
    }
}

static dnnl_status_t convolve(struct st_net_run *run, int index, const float *const *inputs)
{
    const struct st_net_step *step = &run->net->steps[index];
    const struct st_net_value *src = &run->net->values[step->src];
    struct step_handles *h = &run->steps[index];
    if (src->buffer == ST_NET_NONE) {
        /* oneDNN only reads a source; its interface has no const for it. */
        dnnl_status_t s = dnnl_memory_set_data_handle(h->src, (void *)inputs[src->input]);
        if (s)
            return s;
    }
    return dnnl_primitive_execute(step->primitive, run->stream, h->arg_count, h->args);
}

static dnnl_status_t run_step(struct st_net_run *run, int index, const float *const *inputs,
                              float *const *outputs)
{
    const struct st_net *net = run->net;
    const struct st_net_step *step = &net->steps[index];
    if (step->kind == ST_STEP_CONV)
        return convolve(run, index, inputs);

    const struct st_net_value *v = &net->values[step->src];
    const float *src = v->buffer == ST_NET_NONE ? inputs[v->input] : value_data(run, step->src);
    float *dst = step->kind == ST_STEP_UNPACK ? outputs[step->output] : value_data(run, step->dst);
    switch (step->kind) {
    case ST_STEP_UPSAMPLE:
        net->kernels.upsample2x(dst, src, (size_t)net->N * (size_t)(v->padded / net->B),
                                (size_t)v->H, (size_t)v->W, (size_t)net->B);
        break;
    case ST_STEP_MEAN:
        mean(net, v, src, dst);
        break;
    case ST_STEP_COPY:
        memcpy(dst, src, st_net_value_bytes(net, step->src));
        break;
    case ST_STEP_BORDER:
        add_border(net, v, src, dst, step->border);
        break;
    case ST_STEP_PACK:
        pack(net, v, src, dst);
        break;
    case ST_STEP_UNPACK:
        unpack(net, v, src, dst, step->sigmoid);
        break;
    case ST_STEP_CONV:
        break;
    }
    return dnnl_success;
}

synctalk_status st_net_run_stretch(struct st_net_run *run, int first, int end,
                                   const float *const *inputs, float *const *outputs,
                                   synctalk_error *err)
{
    assert(0 <= first && first <= end && end <= run->net->step_count);
    int before = st_nn_single_thread_begin(&run->net->openmp);
    dnnl_status_t s = dnnl_success;
    for (int i = first; !s && i < end; i++)
        s = run_step(run, i, inputs, outputs);
    if (!s)
        s = dnnl_stream_wait(run->stream);
    st_nn_single_thread_end(&run->net->openmp, before);
    return st_onednn_status(s, "a network's run", err);
}

synctalk_status st_net_run_execute(struct st_net_run *run, const float *const *inputs,
                                   float *const *outputs, synctalk_error *err)
{
    return st_net_run_stretch(run, 0, run->net->step_count, inputs, outputs, err);
}

void *st_net_run_value(const struct st_net_run *run, int value, size_t *bytes)
{
    assert(value >= 0 && run->net->values[value].buffer != ST_NET_NONE);
    *bytes = st_net_value_bytes(run->net, value);
    return value_data(run, value);
}
