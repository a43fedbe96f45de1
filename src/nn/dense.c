/* SPDX-License-Identifier: Apache-2.0 */
/* Easy to get wrong: in bf16 a linear layer is a matmul and not a convolution, since
 * oneDNN's AMX code for it is faster by a third; in f32 it is the other way round. With
 * AMX, numbers of rows that are no multiple of 16 cost a factor of four, and a transposed b
 * of such a number of columns crashes oneDNN 2.6.3. A product of rows that do not lie
 * together runs at half the speed.
 */
#include "nn/dense.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/onednn.h"

#define ARGUMENTS_MAX 5
#define HUGE_PAGE ((size_t)2 << 20)
#define CHUNK_BYTES ((size_t)32 << 20)
#define SIZE_LIMIT ((size_t)1 << 20) /* of each size: no product of three overflows */

struct st_dense_layer {
    struct st_dense_layer *next; /* owns */
    dnnl_engine_t engine;        /* borrows */
    dnnl_primitive_t primitive;
    const_dnnl_primitive_desc_t description; /* the primitive's */
    const char *name;
    void *weights; /* packed, in a chunk; NULL: given at each run */
    float *bias;   /* in a chunk, or NULL */
};

/* Weights lie together on huge pages: each is read once for every block of rows, and with
 * small pages a fifth of the time would go into finding them. */
struct chunk {
    struct chunk *next; /* owns */
    char *bytes;        /* owns */
    size_t size, used;
};

struct st_dense {
    struct st_openmp openmp;
    dnnl_engine_t engine;
    dnnl_stream_t packing;
    struct st_dense_layer *layers; /* owns */
    struct chunk *chunks;          /* owns */
    size_t weight_bytes, scratch_bytes;
};

struct st_dense_worker {
    struct st_openmp openmp;
    dnnl_stream_t stream;
    void *scratch; /* owns */
};

static void end_layer(struct st_dense_layer *layer)
{
    if (!layer)
        return;
    if (layer->primitive)
        dnnl_primitive_destroy(layer->primitive);
    free(layer);
}

synctalk_status st_dense_create(struct st_dense **out, unsigned flags, synctalk_error *err)
{
    struct st_dense *dense = calloc(1, sizeof *dense);
    *out = NULL;
    if (!dense)
        return st_fail_memory(err, "layers over rows", sizeof *dense);
    (void)st_onednn_block(flags);
    st_openmp_find(&dense->openmp);
    dnnl_status_t s = dnnl_engine_create(&dense->engine, dnnl_cpu, 0);
    if (!s)
        s = dnnl_stream_create(&dense->packing, dense->engine, dnnl_stream_default_flags);
    if (s) {
        st_dense_destroy(&dense);
        return st_onednn_status(s, "an engine", err);
    }
    *out = dense;
    return SYNCTALK_OK;
}

void st_dense_destroy(struct st_dense **dense)
{
    if (!dense || !*dense)
        return;
    for (struct st_dense_layer *layer = (*dense)->layers, *next; layer; layer = next) {
        next = layer->next;
        end_layer(layer);
    }
    for (struct chunk *chunk = (*dense)->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk->bytes);
        free(chunk);
    }
    if ((*dense)->packing)
        dnnl_stream_destroy((*dense)->packing);
    if ((*dense)->engine)
        dnnl_engine_destroy((*dense)->engine);
    free(*dense);
    *dense = NULL;
}

static dnnl_data_type_t type_of(enum st_row_element element)
{
    return element == ST_ROW_BF16 ? dnnl_bf16 : dnnl_f32;
}

static dnnl_status_t make_attributes(dnnl_primitive_attr_t *out, bool gelu, bool add)
{
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t after = NULL;
    dnnl_status_t s = dnnl_primitive_attr_create(&attributes);
    if (!s)
        s = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    if (!s)
        s = dnnl_post_ops_create(&after);
    if (!s && add)
        s = dnnl_post_ops_append_sum(after, 1.0F);
    if (!s && gelu)
        s = dnnl_post_ops_append_eltwise(after, 1.0F, dnnl_eltwise_gelu_erf, 0.0F, 0.0F);
    if (!s)
        s = dnnl_primitive_attr_set_post_ops(attributes, after);
    if (after)
        dnnl_post_ops_destroy(after);
    if (s && attributes)
        dnnl_primitive_attr_destroy(attributes);
    *out = s ? NULL : attributes;
    return s;
}

/* [1, C, rows] with the channels innermost. */
static dnnl_status_t describe_conv(const struct st_dense_conv *c, const void **operation,
                                   dnnl_convolution_desc_t *desc)
{
    const dnnl_dim_t C = (dnnl_dim_t)c->C, K = (dnnl_dim_t)c->K;
    const dnnl_dims_t src_dims = {1, C, (dnnl_dim_t)((c->rows - 1) * c->stride + c->kernel)};
    const dnnl_dims_t weight_dims = {K, C, (dnnl_dim_t)c->kernel};
    const dnnl_dims_t dst_dims = {1, K, (dnnl_dim_t)c->rows};
    const dnnl_dims_t bias_dims = {K};
    const dnnl_dims_t strides = {(dnnl_dim_t)c->stride};
    const dnnl_dims_t pads = {0};
    dnnl_memory_desc_t src, weights, bias, dst;
    dnnl_status_t s = dnnl_memory_desc_init_by_tag(&src, 3, src_dims, type_of(c->src), dnnl_nwc);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&weights, 3, weight_dims, type_of(c->src),
                                         dnnl_format_tag_any);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&bias, 1, bias_dims, dnnl_f32, dnnl_x);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&dst, 3, dst_dims, type_of(c->dst), dnnl_nwc);
    *operation = desc;
    return s ? s
             : dnnl_convolution_forward_desc_init(desc, dnnl_forward_inference,
                                                  dnnl_convolution_direct, &src, &weights, &bias,
                                                  &dst, strides, pads, NULL);
}

static dnnl_status_t describe_linear(const struct st_dense_conv *c, const void **operation,
                                     dnnl_matmul_desc_t *desc)
{
    const dnnl_dim_t C = (dnnl_dim_t)c->C, K = (dnnl_dim_t)c->K, rows = (dnnl_dim_t)c->rows;
    const dnnl_dims_t src_dims = {rows, C}, weight_dims = {C, K}, dst_dims = {rows, K};
    const dnnl_dims_t bias_dims = {1, K};
    dnnl_memory_desc_t src, weights, bias, dst;
    dnnl_status_t s = dnnl_memory_desc_init_by_tag(&src, 2, src_dims, type_of(c->src), dnnl_ab);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&weights, 2, weight_dims, type_of(c->src),
                                         dnnl_format_tag_any);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&bias, 2, bias_dims, dnnl_f32, dnnl_ab);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&dst, 2, dst_dims, type_of(c->dst), dnnl_ab);
    *operation = desc;
    return s ? s : dnnl_matmul_desc_init(desc, &src, &weights, &bias, &dst);
}

/* The primitive of `operation`, and what it needs at each run. */
static dnnl_status_t make_primitive(struct st_dense *dense, struct st_dense_layer *layer,
                                    const void *operation, bool gelu, bool add)
{
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t s = make_attributes(&attributes, gelu, add);
    if (!s)
        s = dnnl_primitive_desc_create(&description, operation, attributes, dense->engine, NULL);
    if (!s)
        s = dnnl_primitive_create(&layer->primitive, description);
    if (!s)
        s = dnnl_primitive_get_primitive_desc(layer->primitive, &layer->description);
    if (!s &&
        dnnl_primitive_desc_query(layer->description, dnnl_query_impl_info_str, 0, &layer->name))
        layer->name = "unknown";
    if (!s) {
        size_t scratch = dnnl_memory_desc_get_size(
            dnnl_primitive_desc_query_md(layer->description, dnnl_query_scratchpad_md, 0));
        if (scratch > dense->scratch_bytes)
            dense->scratch_bytes = scratch;
    }
    if (description)
        dnnl_primitive_desc_destroy(description);
    if (attributes)
        dnnl_primitive_attr_destroy(attributes);
    return s;
}

/* weights [K, C, kernel] f32 into the primitive's own layout and element. */
static dnnl_status_t reorder(const struct st_dense *dense, const struct st_dense_layer *layer,
                             const dnnl_memory_desc_t *packed, const struct st_dense_conv *c,
                             const float *weights)
{
    const dnnl_dim_t C = (dnnl_dim_t)c->C, K = (dnnl_dim_t)c->K;
    const dnnl_dims_t conv_dims = {K, C, (dnnl_dim_t)c->kernel}, linear_dims = {C, K};
    const bool linear = packed->ndims == 2;
    dnnl_memory_desc_t plain;
    dnnl_memory_t from = NULL;
    dnnl_memory_t to = NULL;
    dnnl_primitive_desc_t description = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_status_t s =
        dnnl_memory_desc_init_by_tag(&plain, linear ? 2 : 3, linear ? linear_dims : conv_dims,
                                     dnnl_f32, linear ? dnnl_ba : dnnl_oiw);
    if (!s)
        s = dnnl_memory_create(&from, &plain, dense->engine, (void *)weights);
    if (!s)
        s = dnnl_memory_create(&to, packed, dense->engine, layer->weights);
    if (!s)
        s = dnnl_reorder_primitive_desc_create(&description, &plain, dense->engine, packed,
                                               dense->engine, NULL);
    if (!s)
        s = dnnl_primitive_create(&primitive, description);
    if (!s)
        s = dnnl_primitive_execute(
            primitive, dense->packing, 2,
            (const dnnl_exec_arg_t[]){{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
    if (!s)
        s = dnnl_stream_wait(dense->packing);
    if (primitive)
        dnnl_primitive_destroy(primitive);
    if (description)
        dnnl_primitive_desc_destroy(description);
    if (to)
        dnnl_memory_destroy(to);
    if (from)
        dnnl_memory_destroy(from);
    return s;
}

/* Zeros that live as long as `dense`, or NULL. */
static void *allocate(struct st_dense *dense, size_t bytes)
{
    struct chunk *chunk = dense->chunks;
    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = st_align_size(bytes);
    if (!chunk || chunk->size - chunk->used < bytes) {
        const size_t size =
            bytes < CHUNK_BYTES ? CHUNK_BYTES : (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
        if (!(chunk = calloc(1, sizeof *chunk)))
            return NULL;
        if (!(chunk->bytes = aligned_alloc(HUGE_PAGE, size))) {
            free(chunk);
            return NULL;
        }
        (void)madvise(chunk->bytes, size, MADV_HUGEPAGE); /* faster, if the system has any */
        chunk->size = size;
        chunk->next = dense->chunks;
        dense->chunks = chunk;
    }
    void *block = chunk->bytes + chunk->used;
    chunk->used += bytes;
    return memset(block, 0, bytes);
}

static synctalk_status pack(struct st_dense *dense, struct st_dense_layer *layer,
                            const struct st_dense_conv *c, const float *weights, const float *bias,
                            synctalk_error *err)
{
    const dnnl_memory_desc_t *packed =
        dnnl_primitive_desc_query_md(layer->description, dnnl_query_weights_md, 0);
    const size_t bytes = dnnl_memory_desc_get_size(packed);
    if (!(layer->weights = allocate(dense, bytes)) ||
        !(layer->bias = allocate(dense, c->K * sizeof(float))))
        return st_fail_memory(err, "the weights of a layer", bytes);
    if (bias)
        memcpy(layer->bias, bias, c->K * sizeof *bias);
    dense->weight_bytes += bytes + c->K * sizeof *bias;
    return st_onednn_status(reorder(dense, layer, packed, c, weights), "the weights of a layer",
                            err);
}

static bool sizes_fit(const size_t *sizes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sizes[i] == 0 || sizes[i] > SIZE_LIMIT)
            return false;
    return true;
}

synctalk_status st_dense_add_conv(struct st_dense_layer **out, struct st_dense *dense,
                                  const struct st_dense_conv *conv, const float *weights,
                                  const float *bias, synctalk_error *err)
{
    synctalk_status st;
    const size_t sizes[] = {conv->C, conv->K, conv->kernel, conv->stride, conv->rows};
    dnnl_convolution_desc_t conv_desc;
    dnnl_matmul_desc_t matmul_desc;
    const void *operation = NULL;

    *out = NULL;
    if (!sizes_fit(sizes, sizeof sizes / sizeof *sizes) || (conv->gelu && conv->add))
        return st_fail(err, SYNCTALK_E_ARG, "no layer of %zu rows of %zu channels can be made",
                       conv->rows, conv->K);
    struct st_dense_layer *layer = calloc(1, sizeof *layer);
    if (!layer)
        return st_fail_memory(err, "a layer", sizeof *layer);
    layer->engine = dense->engine;

    int before = st_nn_single_thread_begin(&dense->openmp);
    const bool linear = conv->kernel == 1 && conv->stride == 1 && conv->src == ST_ROW_BF16;
    dnnl_status_t s = linear ? describe_linear(conv, &operation, &matmul_desc)
                             : describe_conv(conv, &operation, &conv_desc);
    if (!s)
        s = make_primitive(dense, layer, operation, conv->gelu, conv->add);
    if (!(st = st_onednn_status(s, "a layer over rows", err)))
        st = pack(dense, layer, conv, weights, bias, err);
    st_nn_single_thread_end(&dense->openmp, before);
    if (st) {
        end_layer(layer);
        return st;
    }
    layer->next = dense->layers;
    dense->layers = layer;
    *out = layer;
    return SYNCTALK_OK;
}

synctalk_status st_dense_add_product(struct st_dense_layer **out, struct st_dense *dense,
                                     const struct st_dense_product *p, synctalk_error *err)
{
    const size_t sizes[] = {p->M, p->K, p->N};
    const dnnl_dims_t a_dims = {(dnnl_dim_t)p->M, (dnnl_dim_t)p->K};
    const dnnl_dims_t b_dims = {(dnnl_dim_t)p->K, (dnnl_dim_t)p->N};
    const dnnl_dims_t dst_dims = {(dnnl_dim_t)p->M, (dnnl_dim_t)p->N};
    dnnl_memory_desc_t a, b, dst;
    dnnl_matmul_desc_t desc;

    *out = NULL;
    if (!sizes_fit(sizes, sizeof sizes / sizeof *sizes) ||
        (p->transposed && p->src == ST_ROW_BF16 && p->N % 16))
        return st_fail(err, SYNCTALK_E_ARG, "no product of %zux%zu by %zux%zu can be made", p->M,
                       p->K, p->K, p->N);
    struct st_dense_layer *layer = calloc(1, sizeof *layer);
    if (!layer)
        return st_fail_memory(err, "a product", sizeof *layer);
    layer->engine = dense->engine;

    int before = st_nn_single_thread_begin(&dense->openmp);
    dnnl_status_t s = dnnl_memory_desc_init_by_tag(&a, 2, a_dims, type_of(p->src), dnnl_ab);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&b, 2, b_dims, type_of(p->src),
                                         p->transposed ? dnnl_ba : dnnl_ab);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&dst, 2, dst_dims, type_of(p->dst), dnnl_ab);
    if (!s)
        s = dnnl_matmul_desc_init(&desc, &a, &b, NULL, &dst);
    if (!s)
        s = make_primitive(dense, layer, &desc, false, false);
    st_nn_single_thread_end(&dense->openmp, before);
    if (s) {
        end_layer(layer);
        return st_onednn_status(s, "a product of matrices", err);
    }
    layer->next = dense->layers;
    dense->layers = layer;
    *out = layer;
    return SYNCTALK_OK;
}

size_t st_dense_weight_bytes(const struct st_dense *dense)
{
    return dense->weight_bytes;
}

const char *st_dense_layer_name(const struct st_dense_layer *layer)
{
    return layer->name;
}

size_t st_dense_worker_bytes(const struct st_dense *dense)
{
    return dense->scratch_bytes;
}

synctalk_status st_dense_worker_create(struct st_dense_worker **out, const struct st_dense *dense,
                                       synctalk_error *err)
{
    struct st_dense_worker *worker = calloc(1, sizeof *worker);
    *out = NULL;
    if (!worker || !(worker->scratch = st_alloc_aligned(dense->scratch_bytes))) {
        free(worker);
        return st_fail_memory(err, "the scratch of a layer", dense->scratch_bytes);
    }
    worker->openmp = dense->openmp;
    dnnl_status_t s = dnnl_stream_create(&worker->stream, dense->engine, dnnl_stream_default_flags);
    if (s) {
        st_dense_worker_destroy(&worker);
        return st_onednn_status(s, "a stream", err);
    }
    *out = worker;
    return SYNCTALK_OK;
}

void st_dense_worker_destroy(struct st_dense_worker **worker)
{
    if (!worker || !*worker)
        return;
    if ((*worker)->stream)
        dnnl_stream_destroy((*worker)->stream);
    free((*worker)->scratch);
    free(*worker);
    *worker = NULL;
}

/* Wrap `data` in the layout that the primitive expects of `argument`. */
static dnnl_status_t argue(const struct st_dense_layer *layer, dnnl_exec_arg_t *list, int *count,
                           int argument, const void *data)
{
    const dnnl_memory_desc_t *md =
        argument == DNNL_ARG_SCRATCHPAD
            ? dnnl_primitive_desc_query_md(layer->description, dnnl_query_scratchpad_md, 0)
            : dnnl_primitive_desc_query_md(layer->description, dnnl_query_exec_arg_md, argument);
    if (argument == DNNL_ARG_SCRATCHPAD && dnnl_memory_desc_get_size(md) == 0)
        return dnnl_success;
    assert(*count < ARGUMENTS_MAX);
    dnnl_status_t s = dnnl_memory_create(&list[*count].memory, md, layer->engine, (void *)data);
    list[*count].arg = argument;
    *count += s == dnnl_success;
    return s;
}

synctalk_status st_dense_run(const struct st_dense_layer *layer, struct st_dense_worker *worker,
                             const void *a, const void *b, void *dst, synctalk_error *err)
{
    dnnl_exec_arg_t list[ARGUMENTS_MAX];
    int count = 0;
    int before = st_nn_single_thread_begin(&worker->openmp);
    dnnl_status_t s = argue(layer, list, &count, DNNL_ARG_SRC, a);
    if (!s)
        s = argue(layer, list, &count, DNNL_ARG_WEIGHTS, layer->weights ? layer->weights : b);
    if (!s && layer->bias)
        s = argue(layer, list, &count, DNNL_ARG_BIAS, layer->bias);
    if (!s)
        s = argue(layer, list, &count, DNNL_ARG_DST, dst);
    if (!s)
        s = argue(layer, list, &count, DNNL_ARG_SCRATCHPAD, worker->scratch);
    if (!s)
        s = dnnl_primitive_execute(layer->primitive, worker->stream, count, list);
    if (!s)
        s = dnnl_stream_wait(worker->stream);
    for (int i = 0; i < count; i++)
        dnnl_memory_destroy(list[i].memory);
    st_nn_single_thread_end(&worker->openmp, before);
    return st_onednn_status(s, "a layer over rows", err);
}
