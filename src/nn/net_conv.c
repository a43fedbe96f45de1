/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions as oneDNN primitives: channels padded to whole blocks with zero weights,
 * weights reordered once into what the primitive wants. Easy to get wrong: oneDNN answers
 * a layout that it has no fast code for with a reference loop, a hundred times slower and
 * without a word; every choice here is made on the implementation's name.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/net_impl.h"

/* One primitive to be: a convolution, and the depthwise one fused into it, or NULL. */
struct shape {
    int C;            /* channels read: padded, unless the source is row-major */
    int K;            /* channels written, padded; depthwise: in the places of those read */
    int P, Q;         /* rows and columns of the convolution */
    int out_P, out_Q; /* and of the depthwise one after it */
};

static int out_size(int size, const struct st_conv *conv, int stride)
{
    int room = size + 2 * conv->pad - conv->kernel;
    return room < 0 ? 0 : room / stride + 1;
}

static bool describe(const struct st_net *net, int x, const struct st_conv *conv,
                     const struct st_conv *then, struct shape *shape)
{
    const struct st_net_value *v = &net->values[x];
    shape->C = v->padded;
    shape->K = 0;
    for (int i = 0; conv->depthwise && i < v->part_count; i++)
        shape->K += st_net_padded(net, v->part[i]);
    if (!conv->depthwise)
        shape->K = st_net_padded(net, conv->channels);
    shape->P = shape->out_P = out_size(v->H, conv, conv->stride_h);
    shape->Q = shape->out_Q = out_size(v->W, conv, conv->stride_w);
    if (then) {
        shape->out_P = out_size(shape->P, then, then->stride_h);
        shape->out_Q = out_size(shape->Q, then, then->stride_w);
    }
    return shape->K > 0 && shape->out_P > 0 && shape->out_Q > 0;
}

static dnnl_format_tag_t inner_layout(const struct st_net *net)
{
    return net->B == 16 ? dnnl_nChw16c : dnnl_nChw8c;
}

static dnnl_status_t make_attributes(dnnl_primitive_attr_t *out, const struct st_conv *conv,
                                     const struct st_conv *then)
{
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t after = NULL;
    dnnl_status_t s = dnnl_primitive_attr_create(&attributes);
    if (!s)
        s = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    if (!s)
        s = dnnl_post_ops_create(&after);
    if (!s && conv->add != ST_NET_NONE)
        s = dnnl_post_ops_append_sum(after, 1.0F);
    if (!s && conv->relu)
        s = dnnl_post_ops_append_eltwise(after, 1.0F, dnnl_eltwise_relu, 0.0F, 0.0F);
    if (!s && then && then->stride_h == 1)
        s = dnnl_post_ops_append_dw_k3s1p1(after, dnnl_f32, dnnl_f32, dnnl_f32, 0, 0, NULL);
    else if (!s && then)
        s = dnnl_post_ops_append_dw_k3s2p1(after, dnnl_f32, dnnl_f32, dnnl_f32, 0, 0, NULL);
    if (!s && then && then->relu)
        s = dnnl_post_ops_append_eltwise(after, 1.0F, dnnl_eltwise_relu, 0.0F, 0.0F);
    if (!s)
        s = dnnl_primitive_attr_set_post_ops(attributes, after);

    if (after)
        dnnl_post_ops_destroy(after);
    if (s && attributes)
        dnnl_primitive_attr_destroy(attributes);
    *out = s ? NULL : attributes;
    return s;
}

static dnnl_status_t make_description(const struct st_net *net, int x, const struct shape *shape,
                                      const struct st_conv *conv, const struct st_conv *then,
                                      dnnl_primitive_desc_t *out)
{
    const struct st_net_value *v = &net->values[x];
    const int G = conv->depthwise ? shape->K : 1, k = conv->kernel;
    const dnnl_dims_t src_dims = {net->N, shape->C, v->H, v->W};
    const dnnl_dims_t dst_dims = {net->N, shape->K, shape->P, shape->Q};
    const dnnl_dims_t dense_dims = {shape->K, shape->C, k, k};
    const dnnl_dims_t group_dims = {G, 1, 1, k, k};
    const dnnl_dims_t bias_dims = {shape->K};
    const dnnl_dims_t strides = {conv->stride_h, conv->stride_w};
    const dnnl_dims_t pads = {conv->pad, conv->pad};
    const dnnl_format_tag_t src_layout = v->buffer == ST_NET_NONE ? dnnl_nchw : inner_layout(net);

    dnnl_memory_desc_t src, weights, bias, dst;
    dnnl_convolution_desc_t desc;
    dnnl_status_t s = dnnl_memory_desc_init_by_tag(&src, 4, src_dims, dnnl_f32, src_layout);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&weights, conv->depthwise ? 5 : 4,
                                         conv->depthwise ? group_dims : dense_dims, dnnl_f32,
                                         dnnl_format_tag_any);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&bias, 1, bias_dims, dnnl_f32, dnnl_x);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&dst, 4, dst_dims, dnnl_f32, inner_layout(net));
    if (!s)
        s = dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference,
                                               dnnl_convolution_direct, &src, &weights, &bias, &dst,
                                               strides, pads, pads);
    dnnl_primitive_attr_t attributes = NULL;
    if (!s)
        s = make_attributes(&attributes, conv, then);
    if (!s)
        s = dnnl_primitive_desc_create(out, &desc, attributes, net->engine, NULL);
    if (attributes)
        dnnl_primitive_attr_destroy(attributes);
    return s;
}

static const char *implementation(const_dnnl_primitive_desc_t description)
{
    const char *name = NULL;
    if (dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &name) || !name)
        return "unknown";
    return name;
}

/* oneDNN's own loops, alone ("ref:any") or as a fallback of the fusion ("ref_fused...") */
static bool is_reference(const_dnnl_primitive_desc_t description)
{
    return strncmp(implementation(description), "ref", 3) == 0;
}

/* Channels of `each` floats to the places that they have in `v`. */
static void spread(const struct st_net *net, const struct st_net_value *v, float *to,
                   const float *from, size_t each)
{
    for (int i = 0; i < v->part_count; i++) {
        size_t count = (size_t)v->part[i] * each;
        memcpy(to, from, count * sizeof *to);
        from += count;
        to += (size_t)st_net_padded(net, v->part[i]) * each;
    }
}

/* `weights` [K, C, k, k] (depthwise [K, 1, k, k]) with zeros where there are none: those
 * for channels read, where `v` has them. Returns a malloc'ed copy. */
static float *padded_weights(const struct st_net *net, const struct st_net_value *v,
                             const struct st_conv *conv, const struct shape *shape)
{
    const size_t area = (size_t)conv->kernel * (size_t)conv->kernel, C = (size_t)v->C;
    const size_t padded_C = conv->depthwise ? 1 : (size_t)shape->C;
    float *padded = calloc((size_t)shape->K * padded_C * area, sizeof *padded);
    if (!padded)
        return NULL;
    if (conv->depthwise)
        spread(net, v, padded, conv->weights, area);
    for (size_t k = 0; !conv->depthwise && k < (size_t)conv->channels; k++)
        spread(net, v, padded + k * padded_C * area, conv->weights + k * C * area, area);
    return padded;
}

/* The same tensor of the net that shares its weights, if it is packed alike. */
static const struct st_net_pack *shared_pack(const struct st_net *net, int step, int argument,
                                             const dnnl_memory_desc_t *wanted)
{
    if (!net->share || step >= net->share->step_count)
        return NULL;
    const struct st_net_step *other = &net->share->steps[step];
    for (int i = 0; i < other->pack_count; i++) {
        const dnnl_memory_desc_t *md;
        if (other->packs[i].argument == argument &&
            !dnnl_memory_get_memory_desc(other->packs[i].memory, &md) &&
            dnnl_memory_desc_equal(md, wanted))
            return &other->packs[i];
    }
    return NULL;
}

static dnnl_status_t reorder(const struct st_net *net, const dnnl_memory_desc_t *from_md,
                             float *from, dnnl_memory_t to)
{
    const dnnl_memory_desc_t *to_md;
    dnnl_memory_t src = NULL;
    dnnl_primitive_desc_t description = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_status_t s = dnnl_memory_get_memory_desc(to, &to_md);
    if (!s)
        s = dnnl_memory_create(&src, from_md, net->engine, from);
    if (!s)
        s = dnnl_reorder_primitive_desc_create(&description, from_md, net->engine, to_md,
                                               net->engine, NULL);
    if (!s)
        s = dnnl_primitive_create(&primitive, description);
    if (!s) {
        const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, src}, {DNNL_ARG_TO, to}};
        s = dnnl_primitive_execute(primitive, net->packing, 2, args);
    }
    if (!s)
        s = dnnl_stream_wait(net->packing);

    if (primitive)
        dnnl_primitive_destroy(primitive);
    if (description)
        dnnl_primitive_desc_destroy(description);
    if (src)
        dnnl_memory_destroy(src);
    return s;
}

/* Append to `step` what the primitive wants as `argument`, made of `data` in layout
 * `from`. */
static synctalk_status add_pack(struct st_net *net, int step_index, int argument,
                                const dnnl_memory_desc_t *from, float *data,
                                const dnnl_memory_desc_t *wanted)
{
    struct st_net_step *step = &net->steps[step_index];
    assert(step->pack_count < ST_CONV_PACKS);
    struct st_net_pack *pack = &step->packs[step->pack_count];
    const struct st_net_pack *shared = shared_pack(net, step_index, argument, wanted);
    if (shared) {
        *pack = *shared;
        pack->borrowed = true;
        step->pack_count++;
        return SYNCTALK_OK;
    }

    size_t bytes = dnnl_memory_desc_get_size(wanted);
    *pack = (struct st_net_pack){
        .argument = argument, .bytes = bytes, .block = st_alloc_aligned(bytes)};
    if (!pack->block)
        return st_fail_memory(&net->error, "a network's weights", bytes);
    step->pack_count++;
    dnnl_status_t s = dnnl_memory_create(&pack->memory, wanted, net->engine, pack->block);
    if (!s)
        s = reorder(net, from, data, pack->memory);
    return st_onednn_status(s, "a convolution's weights", &net->error);
}

/* Weights and biases of one convolution that reads `v`; `mask` is 0, or
 * DNNL_ARG_ATTR_POST_OP_DW. */
static synctalk_status pack_weights(struct st_net *net, int step, const struct st_conv *conv,
                                    const struct st_net_value *v, const struct shape *shape,
                                    int mask)
{
    const_dnnl_primitive_desc_t description = NULL;
    synctalk_status st = SYNCTALK_OK;
    float *bias = NULL;
    const int k = conv->kernel, K = shape->K;
    float *weights = padded_weights(net, v, conv, shape);
    bias = calloc((size_t)K, sizeof *bias);
    if (!weights || !bias) {
        st = st_fail_memory(&net->error, "a network's weights", (size_t)K * sizeof *bias);
        goto done;
    }
    if (conv->bias && conv->depthwise)
        spread(net, v, bias, conv->bias, 1);
    else if (conv->bias)
        memcpy(bias, conv->bias, (size_t)conv->channels * sizeof *bias);

    const dnnl_dims_t dense_dims = {K, shape->C, k, k}, group_dims = {K, 1, 1, k, k};
    const dnnl_dims_t bias_dims = {K};
    dnnl_memory_desc_t weights_md, bias_md;
    dnnl_status_t s =
        conv->depthwise
            ? dnnl_memory_desc_init_by_tag(&weights_md, 5, group_dims, dnnl_f32, dnnl_goihw)
            : dnnl_memory_desc_init_by_tag(&weights_md, 4, dense_dims, dnnl_f32, dnnl_oihw);
    if (!s)
        s = dnnl_memory_desc_init_by_tag(&bias_md, 1, bias_dims, dnnl_f32, dnnl_x);
    if (!s)
        s = dnnl_primitive_get_primitive_desc(net->steps[step].primitive, &description);
    st = st_onednn_status(s, "a convolution's weights", &net->error);
    if (st)
        goto done;

    const dnnl_memory_desc_t *wanted =
        dnnl_primitive_desc_query_md(description, dnnl_query_exec_arg_md, mask | DNNL_ARG_WEIGHTS);
    st = wanted ? add_pack(net, step, mask | DNNL_ARG_WEIGHTS, &weights_md, weights, wanted)
                : st_onednn_status(dnnl_runtime_error, "a convolution's weights", &net->error);
    if (!st)
        st = add_pack(net, step, mask | DNNL_ARG_BIAS, &bias_md, bias, &bias_md);
done:
    free(bias);
    free(weights);
    return st;
}

/* Where the result goes: a new value, or the memory of the value that is added. */
static int place_result(struct st_net *net, int x, const struct st_conv *conv,
                        const struct shape *shape)
{
    if (conv->add == ST_NET_NONE)
        return conv->depthwise ? st_net_new_like(net, x, shape->out_P, shape->out_Q)
                               : st_net_new_value(net, conv->channels, shape->out_P, shape->out_Q);

    const struct st_net_value add = net->values[conv->add];
    const struct st_net_value single = {.part = {conv->channels}, .part_count = 1};
    if (add.buffer == ST_NET_NONE || add.H != shape->out_P || add.W != shape->out_Q ||
        !st_net_same_parts(&add, conv->depthwise ? &net->values[x] : &single))
        return st_net_fail(net, "a residual sum of values of different shape");
    if (add.buffer != net->values[x].buffer)
        return st_net_same_place(net, conv->add);

    /* The convolution still reads what the sum would overwrite. */
    int dst = st_net_new_like(net, conv->add, add.H, add.W);
    if (dst == ST_NET_FAILED || st_net_new_step(net, ST_STEP_COPY, conv->add, dst) == ST_NET_FAILED)
        return ST_NET_FAILED;
    net->values[conv->add].taken = true;
    return dst;
}

/* A step from a primitive's description. */
static int add_step(struct st_net *net, int x, const struct st_conv *conv,
                    const struct st_conv *then, const struct shape *shape,
                    const_dnnl_primitive_desc_t description)
{
    int dst = place_result(net, x, conv, shape);
    int index = dst < 0 ? ST_NET_FAILED : st_net_new_step(net, ST_STEP_CONV, x, dst);
    if (index < 0)
        return ST_NET_FAILED;

    struct st_net_step *step = &net->steps[index];
    const_dnnl_primitive_desc_t kept = NULL;
    dnnl_status_t s = dnnl_primitive_create(&step->primitive, description);
    if (!s)
        s = dnnl_primitive_get_primitive_desc(step->primitive, &kept);
    net->status = st_onednn_status(s, "a convolution", &net->error);
    if (net->status)
        return ST_NET_FAILED;
    step->name = implementation(kept);
    step->src_md = *dnnl_primitive_desc_query_md(kept, dnnl_query_src_md, 0);
    step->dst_md = *dnnl_primitive_desc_query_md(kept, dnnl_query_dst_md, 0);
    step->scratch_md = *dnnl_primitive_desc_query_md(kept, dnnl_query_scratchpad_md, 0);

    net->status = pack_weights(net, index, conv, &net->values[x], shape, 0);
    if (!net->status && then)
        net->status =
            pack_weights(net, index, then, &net->values[dst], shape, DNNL_ARG_ATTR_POST_OP_DW);
    return net->status ? ST_NET_FAILED : dst;
}

/* As one primitive. With `fast_only`, ST_NET_NONE where oneDNN has only its reference. */
static int add_primitive(struct st_net *net, int x, const struct st_conv *conv,
                         const struct st_conv *then, bool fast_only)
{
    struct shape shape;
    if (!describe(net, x, conv, then, &shape))
        return st_net_fail(net, "a convolution larger than its input");

    int before = st_nn_single_thread_begin(&net->openmp);
    int result = ST_NET_NONE;
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t s = make_description(net, x, &shape, conv, then, &description);
    if (s && (!fast_only || s == dnnl_out_of_memory)) {
        net->status = st_onednn_status(s, "a convolution", &net->error);
        result = ST_NET_FAILED;
    } else if (!s && !(fast_only && is_reference(description))) {
        result = add_step(net, x, conv, then, &shape, description);
    }
    if (description)
        dnnl_primitive_desc_destroy(description);
    st_nn_single_thread_end(&net->openmp, before);
    return result;
}

int st_net_conv(struct st_net *net, int x, const struct st_conv *conv)
{
    if (!st_net_usable(net, x) || (conv->add != ST_NET_NONE && !st_net_usable(net, conv->add)))
        return ST_NET_FAILED;
    assert(conv->kernel >= 1);
    assert(!conv->depthwise || conv->channels == net->values[x].C);

    if (net->values[x].buffer == ST_NET_NONE) {
        int y = conv->pad < conv->kernel ? add_primitive(net, x, conv, NULL, true) : ST_NET_NONE;
        if (y != ST_NET_NONE)
            return y;
        x = st_net_pack(net, x);
    }
    struct st_conv inner = *conv;
    if (x >= 0 && conv->pad >= conv->kernel) {
        /* oneDNN's fast code stops where a whole row of the kernel lies in the padding. */
        inner.pad = conv->kernel / 2;
        x = st_net_border(net, x, conv->pad - inner.pad);
    }
    return x < 0 ? ST_NET_FAILED : add_primitive(net, x, &inner, NULL, false);
}

int st_net_conv_depthwise(struct st_net *net, int x, const struct st_conv *pointwise,
                          const struct st_conv *depthwise)
{
    if (!st_net_usable(net, x))
        return ST_NET_FAILED;
    assert(pointwise->kernel == 1 && pointwise->add == ST_NET_NONE && !pointwise->depthwise);
    assert(depthwise->kernel == 3 && depthwise->add == ST_NET_NONE && depthwise->depthwise);
    assert(depthwise->pad == 1 && depthwise->channels == pointwise->channels);

    if (net->values[x].buffer != ST_NET_NONE && depthwise->stride_h == depthwise->stride_w) {
        int y = add_primitive(net, x, pointwise, depthwise, true);
        if (y != ST_NET_NONE)
            return y;
    }
    return st_net_conv(net, st_net_conv(net, x, pointwise), depthwise);
}
