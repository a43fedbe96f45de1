/* SPDX-License-Identifier: Apache-2.0 */
/* The inverted residuals of the full-width network, each size alone on one thread: the fused stage
 * of nn/stage.h against oneDNN's best chain for it (1x1, depthwise, 1x1; also with the depthwise
 * convolution fused into the first), in f32, bf16 and int8. Takes turns in one run, on what lies
 * where each wants it: oneDNN chooses its own layouts and pays for no conversion. A fused kernel
 * is worth its lines only while the last column is above 1.
 *
 * Usage: residual_speed [ROUNDS [CPU_MASK]]
 */
#include <dnnl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "kernels/kernels.h"
#include "models/unet_wiring.h"
#include "nn/onednn.h"
#include "nn/stage.h"
#include "synctalk/machine.h"

#define MOST_ROUNDS 101
#define LAYERS 3 /* of a chain */
#define SHAPES 24
#define MOST_CHANNELS 2048

enum contender { OURS, CHAIN, FUSED, CONTENDERS };

static const char *const element_names[] = {"f32", "bf16", "int8"};

/* [H, W, C] to [H / stride, W / stride, K], E between. */
struct shape {
    size_t H, W, C, E, K, stride;
    bool residual;
    int times; /* in one frame */
};

/* Primitives, and what they read and write: value[i] is read by layer i. */
struct chain {
    int count;
    dnnl_primitive_t layers[LAYERS];
    dnnl_exec_arg_t args[LAYERS][8];
    int arg_count[LAYERS];
    dnnl_memory_t owned[24];
    int owned_count;
};

struct bench {
    struct st_pixel_kernels pixels;
    bool narrow;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    float *numbers; /* weights, biases, scales: [MOST_CHANNELS * MOST_CHANNELS] */
    struct st_levels levels;
};

static double thread_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

/* The network's sizes, those that are met more than once as one. */
static int find_shapes(struct shape shapes[SHAPES])
{
    struct st_unet_form form = {.encoder = SYNCTALK_ENCODER_AVE};
    struct st_unet_unit unit;
    int count = 0;
    st_unet_form_complete(&form);
    for (size_t i = 0; st_unet_unit_at(&form, i, &unit); i++) {
        const size_t side = (size_t)lround(sqrt((double)st_unet_unit_pixels(&form, i)));
        const struct shape shape = {.H = side * (size_t)unit.stride_h,
                                    .W = side * (size_t)unit.stride_w,
                                    .C = (size_t)unit.cin,
                                    .E = 2 * (size_t)unit.cin,
                                    .K = (size_t)unit.cout,
                                    .stride = (size_t)unit.stride_h,
                                    .residual = unit.residual,
                                    .times = 1};
        if (unit.kind != ST_UNIT_INVERTED || unit.stride_h != unit.stride_w ||
            shape.E > MOST_CHANNELS)
            continue;
        int same = 0;
        while (same < count && !(shapes[same].H == shape.H && shapes[same].C == shape.C &&
                                 shapes[same].K == shape.K && shapes[same].stride == shape.stride &&
                                 shapes[same].residual == shape.residual))
            same++;
        if (same < count)
            shapes[same].times++;
        else if (count < SHAPES)
            shapes[count++] = shape;
    }
    return count;
}

static dnnl_memory_t keep(struct chain *chain, dnnl_memory_t memory)
{
    if (memory && chain->owned_count < (int)(sizeof chain->owned / sizeof *chain->owned))
        chain->owned[chain->owned_count++] = memory;
    return memory;
}

/* Zeroed memory of the chain's, as a description has it. */
static dnnl_memory_t make_memory(struct chain *chain, const dnnl_memory_desc_t *md,
                                 dnnl_engine_t engine)
{
    dnnl_memory_t memory = NULL;
    void *data = NULL;
    if (dnnl_memory_create(&memory, md, engine, DNNL_MEMORY_ALLOCATE))
        return NULL;
    if (!dnnl_memory_get_data_handle(memory, &data) && data)
        memset(data, 0, dnnl_memory_desc_get_size(md));
    return keep(chain, memory);
}

static dnnl_status_t make_attributes(dnnl_primitive_attr_t *out, const struct shape *shape,
                                     int layer, bool fused, dnnl_data_type_t type,
                                     const float *scales)
{
    const bool bytes = type == dnnl_u8;
    const dnnl_data_type_t weights = bytes ? dnnl_s8 : type;
    const dnnl_dim_t K = (dnnl_dim_t)(layer == 2 ? shape->K : shape->E);
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t s = dnnl_primitive_attr_create(&attr);
    if (!s)
        s = dnnl_post_ops_create(&ops);
    if (!s && layer == 2 && shape->residual)
        s = dnnl_post_ops_append_sum(ops, 1.0F);
    if (!s && layer < 2)
        s = dnnl_post_ops_append_eltwise(ops, 1.0F, dnnl_eltwise_relu, 0, 0);
    if (!s && fused && shape->stride == 1)
        s = dnnl_post_ops_append_dw_k3s1p1(ops, weights, dnnl_f32, type, bytes ? K : 0,
                                           bytes ? 2 : 0, bytes ? scales : NULL);
    else if (!s && fused)
        s = dnnl_post_ops_append_dw_k3s2p1(ops, weights, dnnl_f32, type, bytes ? K : 0,
                                           bytes ? 2 : 0, bytes ? scales : NULL);
    if (!s && fused)
        s = dnnl_post_ops_append_eltwise(ops, 1.0F, dnnl_eltwise_relu, 0, 0);
    if (!s)
        s = dnnl_primitive_attr_set_post_ops(attr, ops);
    if (!s && bytes)
        s = dnnl_primitive_attr_set_output_scales(attr, K, 2, scales);
    if (ops)
        dnnl_post_ops_destroy(ops);
    *out = attr;
    return s;
}

/* Layer 0 is 1x1 (`fused`: and the depthwise one), 1 depthwise, 2 the 1x1 back. */
static dnnl_status_t describe(dnnl_primitive_desc_t *out, const struct bench *b,
                              const struct shape *shape, int layer, bool fused,
                              dnnl_data_type_t type, const dnnl_memory_desc_t *read)
{
    const dnnl_dim_t C = (dnnl_dim_t)shape->C, E = (dnnl_dim_t)shape->E, K = (dnnl_dim_t)shape->K;
    const dnnl_dim_t stride = layer == 1 ? (dnnl_dim_t)shape->stride : 1, pad = layer == 1;
    const dnnl_dim_t shrink = layer == 0 ? 1 : (dnnl_dim_t)shape->stride;
    const dnnl_dims_t src_dims = {1, C, (dnnl_dim_t)shape->H, (dnnl_dim_t)shape->W};
    const dnnl_dims_t dst_dims = {1, layer == 2 ? K : E, (dnnl_dim_t)shape->H / shrink,
                                  (dnnl_dim_t)shape->W / shrink};
    const dnnl_dims_t dense = {layer == 2 ? K : E, layer == 2 ? E : C, 1, 1};
    const dnnl_dims_t groups = {E, 1, 1, 3, 3};
    const dnnl_dims_t bias_dims = {dst_dims[1]};
    const dnnl_dims_t strides = {stride, stride}, pads = {pad, pad};
    dnnl_memory_desc_t src, weights, bias, dst;
    dnnl_convolution_desc_t desc;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t s = dnnl_success;
    if (read)
        src = *read;
    else
        s = dnnl_memory_desc_init_by_tag(&src, 4, src_dims, type, dnnl_format_tag_any);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&weights, layer == 1 ? 5 : 4, layer == 1 ? groups : dense,
                                         type == dnnl_u8 ? dnnl_s8 : type, dnnl_format_tag_any);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&bias, 1, bias_dims, dnnl_f32, dnnl_x);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&dst, 4, dst_dims, type, dnnl_format_tag_any);
    if (!s)
        s = dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference,
                                               dnnl_convolution_direct, &src, &weights, &bias, &dst,
                                               strides, pads, pads);
    if (!s)
        s = make_attributes(&attr, shape, layer, fused, type, b->numbers);
    if (!s)
        s = dnnl_primitive_desc_create(out, &desc, attr, b->engine, NULL);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return s;
}

static bool is_reference(const_dnnl_primitive_desc_t description)
{
    const char *name = NULL;
    return dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &name) || !name ||
           strncmp(name, "ref", 3) == 0;
}

/* Append a layer that reads `src`; returns what it writes, or NULL. */
static dnnl_memory_t append(struct chain *chain, const struct bench *b, const struct shape *shape,
                            int layer, bool fused, dnnl_data_type_t type, dnnl_memory_t src)
{
    static const int arguments[] = {DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS,
                                    DNNL_ARG_ATTR_POST_OP_DW | DNNL_ARG_WEIGHTS,
                                    DNNL_ARG_ATTR_POST_OP_DW | DNNL_ARG_BIAS};
    const dnnl_memory_desc_t *read = NULL;
    dnnl_primitive_desc_t description = NULL;
    dnnl_memory_t dst = NULL;
    dnnl_exec_arg_t *args = chain->args[chain->count];
    int *count = &chain->arg_count[chain->count];
    bool ok = !src || !dnnl_memory_get_memory_desc(src, &read);
    ok = ok && !describe(&description, b, shape, layer, fused, type, read) &&
         !is_reference(description) &&
         !dnnl_primitive_create(&chain->layers[chain->count], description);
    if (ok && !src)
        src = make_memory(chain, dnnl_primitive_desc_query_md(description, dnnl_query_src_md, 0),
                          b->engine);
    if (ok)
        dst = make_memory(chain, dnnl_primitive_desc_query_md(description, dnnl_query_dst_md, 0),
                          b->engine);
    *count = 0;
    if (ok && src && dst) {
        args[(*count)++] = (dnnl_exec_arg_t){DNNL_ARG_SRC, src};
        args[(*count)++] = (dnnl_exec_arg_t){DNNL_ARG_DST, dst};
        chain->count++;
    }
    for (int i = 0; ok && i < (fused ? 4 : 2); i++) {
        const dnnl_memory_desc_t *md =
            i < 2 ? dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, i)
                  : dnnl_primitive_desc_query_md(description, dnnl_query_exec_arg_md, arguments[i]);
        dnnl_memory_t memory = md ? make_memory(chain, md, b->engine) : NULL;
        ok = memory != NULL;
        args[(*count)++] = (dnnl_exec_arg_t){arguments[i], memory};
    }
    if (description)
        dnnl_primitive_desc_destroy(description);
    return ok ? dst : NULL;
}

static void close_chain(struct chain *chain)
{
    for (int i = 0; i < LAYERS; i++)
        if (chain->layers[i])
            dnnl_primitive_destroy(chain->layers[i]);
    for (int i = 0; i < chain->owned_count; i++)
        dnnl_memory_destroy(chain->owned[i]);
    *chain = (struct chain){0};
}

/* False where oneDNN has no fast code for one of its layers. */
static bool open_chain(struct chain *chain, const struct bench *b, const struct shape *shape,
                       bool fused, enum st_element element)
{
    static const dnnl_data_type_t types[] = {dnnl_f32, dnnl_bf16, dnnl_u8};
    const dnnl_data_type_t type = types[element];
    *chain = (struct chain){0};
    dnnl_memory_t value = append(chain, b, shape, 0, fused, type, NULL);
    if (value && !fused)
        value = append(chain, b, shape, 1, false, type, value);
    if (value)
        value = append(chain, b, shape, 2, false, type, value);
    if (!value)
        close_chain(chain);
    return value != NULL;
}

static void run_chain(const struct chain *chain, dnnl_stream_t stream)
{
    for (int i = 0; i < chain->count; i++)
        dnnl_primitive_execute(chain->layers[i], stream, chain->arg_count[i], chain->args[i]);
    dnnl_stream_wait(stream);
}

struct ours {
    struct st_stage *stage;
    void *in, *out, *scratch;
};

static void close_ours(struct ours *ours)
{
    st_stage_destroy(&ours->stage);
    free(ours->in);
    free(ours->out);
    free(ours->scratch);
    *ours = (struct ours){0};
}

static bool open_ours(struct ours *ours, const struct bench *b, const struct shape *shape,
                      enum st_element element)
{
    synctalk_error err = {0};
    const struct st_value in = {shape->C, shape->H, shape->W, element, false, &b->levels};
    const struct st_value out = {
        shape->K, shape->H / shape->stride, shape->W / shape->stride, element, false, &b->levels};
    const struct st_stage_weights weights = {b->numbers, b->numbers};
    const struct st_stage_form form = {.kind = ST_STAGE_INVERTED,
                                       .element = element,
                                       .parts = {in},
                                       .part_count = 1,
                                       .residual = shape->residual,
                                       .stride_h = shape->stride,
                                       .stride_w = shape->stride,
                                       .pad = 1,
                                       .out = out,
                                       .convs = {weights, weights, weights},
                                       .expanded_scale = b->numbers,
                                       .filtered_scale = b->numbers};
    *ours = (struct ours){0};
    if (st_stage_create(&ours->stage, &form, &b->pixels, b->narrow, &err)) {
        fprintf(stderr, "residual_speed: %s\n", err.message);
        return false;
    }
    ours->in = st_alloc_aligned(st_value_bytes(&in));
    ours->out = st_alloc_aligned(st_value_bytes(&out));
    ours->scratch = st_alloc_aligned(st_stage_scratch_bytes(ours->stage));
    if (!ours->in || !ours->out || !ours->scratch) {
        close_ours(ours);
        return false;
    }
    memset(ours->in, 0, st_value_bytes(&in));
    return true;
}

/* Median milliseconds of each, 0 of one that is not there. */
static bool measure(const struct bench *b, const struct shape *shape, enum st_element element,
                    int rounds, double ms[CONTENDERS])
{
    static double times[CONTENDERS][MOST_ROUNDS];
    struct ours ours;
    struct chain chains[CONTENDERS] = {{0}};
    bool there[CONTENDERS] = {true};
    if (!open_ours(&ours, b, shape, element))
        return false;
    for (int c = CHAIN; c < CONTENDERS; c++)
        there[c] = open_chain(&chains[c], b, shape, c == FUSED, element);
    const void *const parts[2] = {ours.in, NULL};
    for (int round = -1; round < rounds; round++) {
        for (int c = 0; c < CONTENDERS; c++) {
            const double begin = thread_ms();
            if (c == OURS)
                st_stage_run(ours.stage, parts, ours.out, ours.scratch, NULL);
            else
                run_chain(&chains[c], b->stream);
            if (round >= 0)
                times[c][round] = thread_ms() - begin;
        }
    }
    for (int c = 0; c < CONTENDERS; c++) {
        ms[c] = there[c] ? median(times[c], rounds) : 0;
        close_chain(&chains[c]);
    }
    close_ours(&ours);
    return true;
}

static double best_of_onednn(const double ms[CONTENDERS])
{
    return ms[FUSED] > 0 && (ms[FUSED] < ms[CHAIN] || ms[CHAIN] <= 0) ? ms[FUSED] : ms[CHAIN];
}

static void print_time(double ms)
{
    if (ms > 0)
        printf(" %.3f |", ms);
    else
        printf(" - |");
}

static bool run(const struct bench *b, enum st_element element, int rounds)
{
    struct shape shapes[SHAPES];
    double ours = 0, theirs = 0, ms[CONTENDERS];
    const int count = find_shapes(shapes);
    for (int i = 0; i < count; i++) {
        const struct shape *s = &shapes[i];
        if (!measure(b, s, element, rounds, ms))
            return false;
        const double best = best_of_onednn(ms);
        printf("| %s | %zux%zu, %zu to %zu%s%s | %d |", element_names[element], s->H, s->W, s->C,
               s->K, s->stride > 1 ? ", stride 2" : "", s->residual ? ", residual" : "", s->times);
        for (int c = 0; c < CONTENDERS; c++)
            print_time(ms[c]);
        printf(best > 0 ? " %.2f |\n" : " - |\n", best / ms[OURS]);
        if (best > 0) {
            ours += s->times * ms[OURS];
            theirs += s->times * best;
        }
    }
    printf("| %s | all that both have | | %.2f | %.2f | | %.2f |\n", element_names[element], ours,
           theirs, theirs / ours);
    printf("{\"residual_cpu_ms\": {\"%s\": {\"fused\": %.3f, \"onednn\": %.3f}}}\n",
           element_names[element], ours, theirs);
    return true;
}

static bool open_bench(struct bench *b)
{
    const size_t count = (size_t)MOST_CHANNELS * MOST_CHANNELS;
    if (!(b->numbers = malloc(count * sizeof *b->numbers)) ||
        dnnl_engine_create(&b->engine, dnnl_cpu, 0) ||
        dnnl_stream_create(&b->stream, b->engine, dnnl_stream_default_flags))
        return false;
    for (size_t i = 0; i < count; i++)
        b->numbers[i] = 0.01F + 0.001F * (float)(i % 17);
    b->levels = (struct st_levels){b->numbers, b->numbers, b->numbers, b->numbers};
    return true;
}

static void close_bench(struct bench *b)
{
    if (b->stream)
        dnnl_stream_destroy(b->stream);
    if (b->engine)
        dnnl_engine_destroy(b->engine);
    free(b->numbers);
}

int main(int argc, char **argv)
{
    struct bench b = {.numbers = NULL};
    struct st_kernels kernels;
    struct st_openmp openmp;
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 21;
    rounds = rounds < 1 ? 1 : rounds > MOST_ROUNDS ? MOST_ROUNDS : rounds;
    st_kernels_init(&kernels, argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : ~0U);
    st_pixel_kernels_init(&b.pixels, kernels.flags);
    b.narrow = st_pixel_kernels_narrow(kernels.flags);
    if (!st_pixel_kernels_have(kernels.flags, ST_ELEMENT_F32))
        return printf("SKIPPED: no kernels for this CPU\n"), 0;
    if ((kernels.flags & (SYNCTALK_CPU_AVX512 | SYNCTALK_CPU_AMX)) == SYNCTALK_CPU_AVX512 &&
        dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx512_core_bf16))
        return fprintf(stderr, "residual_speed: oneDNN cannot be kept from AMX\n"), 1;
    st_onednn_block(kernels.flags);
    st_openmp_find(&openmp);
    const int threads = st_nn_single_thread_begin(&openmp);
    bool ok = open_bench(&b);
    printf("CPU ms, one thread, medians of %d\n"
           "| | size | times | fused here | oneDNN's chain | with depthwise fused | ratio |\n"
           "| --- | --- | --- | --- | --- | --- | --- |\n",
           rounds);
    for (int e = 0; ok && e < ST_ELEMENT_COUNT; e++)
        if (st_pixel_kernels_have(kernels.flags, (enum st_element)e))
            ok = run(&b, (enum st_element)e, rounds);
    st_nn_single_thread_end(&openmp, threads);
    close_bench(&b);
    return ok ? 0 : 1;
}
