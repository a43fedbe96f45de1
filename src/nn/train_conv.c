/* SPDX-License-Identifier: Apache-2.0 */
/* Dense convolutions, one sample at a time, on oneDNN. Each sample's dW has a place of its
 * own until all are done; then they are added in the order of the samples.
 *
 * C, K input and output channels, padded to whole blocks; H, W and P, Q rows and columns
 * of x and y; k the kernel's side.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/train_impl.h"

#define ARGUMENTS_MAX 6

struct argument {
    int number; /* DNNL_ARG_* */
    void *data;
};

/* What a primitive takes besides `arguments`: scratch memory of the worker. */
static dnnl_status_t execute(struct st_train_net *net, int worker,
                             const struct st_train_primitive *p, const struct argument *arguments,
                             int count)
{
    struct st_train_worker *w = &net->workers[worker];
    dnnl_exec_arg_t list[ARGUMENTS_MAX];
    dnnl_status_t s = dnnl_success;
    int made = 0;
    assert(count < ARGUMENTS_MAX);
    for (int i = 0; !s && i <= count; i++) {
        int number = i < count ? arguments[i].number : DNNL_ARG_SCRATCHPAD;
        const dnnl_memory_desc_t *md =
            i < count ? dnnl_primitive_desc_query_md(p->description, dnnl_query_exec_arg_md, number)
                      : dnnl_primitive_desc_query_md(p->description, dnnl_query_scratchpad_md, 0);
        if (i == count && dnnl_memory_desc_get_size(md) == 0)
            continue;
        s = dnnl_memory_create(&list[made].memory, md, net->engine,
                               i < count ? arguments[i].data : w->scratch);
        list[made].arg = number;
        made += s == dnnl_success;
    }
    if (!s)
        s = dnnl_primitive_execute(p->primitive, w->stream, made, list);
    if (!s)
        s = dnnl_stream_wait(w->stream);
    for (int i = 0; i < made; i++)
        dnnl_memory_destroy(list[i].memory);
    if (s && !w->status)
        w->status = s;
    return s;
}

static dnnl_format_tag_t inner_layout(const struct st_train_net *net)
{
    return net->B == 16 ? dnnl_nChw16c : dnnl_nChw8c;
}

static dnnl_data_type_t element_type(const struct st_train_net *net)
{
    return net->train.element == ST_TRAIN_ELEMENT_BF16 ? dnnl_bf16 : dnnl_f32;
}

/* What the three convolutions of a layer are described by. */
struct shapes {
    dnnl_memory_desc_t x, y, dy, w, dw, plain_w, bias; /* plain: [K, C, k, k] f32 */
    dnnl_dims_t strides, pads;
    bool biased;
};

static dnnl_status_t describe(const struct st_train_net *net, const struct st_train_layer *layer,
                              struct shapes *s)
{
    const struct st_train_conv_state *conv = &layer->conv;
    const struct st_train_value *x = &net->values[layer->x], *y = &net->values[layer->y];
    const dnnl_data_type_t type = element_type(net);
    const int k = conv->kernel, edges = 2 * conv->border;
    const dnnl_dims_t x_dims = {1, x->padded, x->H + edges, x->W + edges};
    const dnnl_dims_t y_dims = {1, y->padded, y->H, y->W};
    const dnnl_dims_t w_dims = {y->padded, x->padded, k, k};
    const dnnl_dims_t bias_dims = {y->padded};
    *s = (struct shapes){.strides = {conv->stride_h, conv->stride_w},
                         .pads = {conv->pad, conv->pad},
                         .biased = conv->bias != NULL};
    const struct {
        dnnl_memory_desc_t *md;
        int rank;
        const dnnl_dim_t *dims;
        dnnl_data_type_t type;
        dnnl_format_tag_t layout;
    } rows[] = {
        {&s->x, 4, x_dims, type, inner_layout(net)},
        {&s->y, 4, y_dims, y->f32 ? dnnl_f32 : type, inner_layout(net)},
        {&s->dy, 4, y_dims, type, inner_layout(net)},
        {&s->w, 4, w_dims, type, dnnl_format_tag_any},
        {&s->dw, 4, w_dims, dnnl_f32, dnnl_format_tag_any},
        {&s->plain_w, 4, w_dims, dnnl_f32, dnnl_oihw},
        {&s->bias, 1, bias_dims, dnnl_f32, dnnl_x},
    };
    dnnl_status_t status = dnnl_success;
    for (size_t i = 0; !status && i < sizeof rows / sizeof *rows; i++)
        status = dnnl_memory_desc_init_by_tag(rows[i].md, rows[i].rank, rows[i].dims, rows[i].type,
                                              rows[i].layout);
    return status;
}

static void end_primitive(struct st_train_primitive *p)
{
    if (p->primitive)
        dnnl_primitive_destroy(p->primitive);
    *p = (struct st_train_primitive){0};
}

/* Takes `description`. */
static dnnl_status_t make_primitive(struct st_train_net *net, struct st_train_primitive *p,
                                    dnnl_primitive_desc_t description)
{
    dnnl_status_t s = dnnl_primitive_create(&p->primitive, description);
    dnnl_primitive_desc_destroy(description);
    if (!s)
        s = dnnl_primitive_get_primitive_desc(p->primitive, &p->description);
    if (!s && (dnnl_primitive_desc_query(p->description, dnnl_query_impl_info_str, 0, &p->name) ||
               !p->name))
        p->name = "unknown";
    if (s)
        return s;
    size_t scratch = dnnl_memory_desc_get_size(
        dnnl_primitive_desc_query_md(p->description, dnnl_query_scratchpad_md, 0));
    net->scratch_bytes = scratch > net->scratch_bytes ? scratch : net->scratch_bytes;
    return dnnl_success;
}

static dnnl_status_t make_convolution(struct st_train_net *net, struct st_train_primitive *p,
                                      const dnnl_convolution_desc_t *desc,
                                      const_dnnl_primitive_desc_t forward,
                                      const_dnnl_primitive_attr_t attributes)
{
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t s =
        dnnl_primitive_desc_create(&description, desc, attributes, net->engine, forward);
    return s ? s : make_primitive(net, p, description);
}

static dnnl_status_t make_reorder(struct st_train_net *net, struct st_train_primitive *p,
                                  const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to,
                                  const_dnnl_primitive_attr_t attributes)
{
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t s = dnnl_reorder_primitive_desc_create(&description, from, net->engine, to,
                                                         net->engine, attributes);
    return s ? s : make_primitive(net, p, description);
}

static const dnnl_memory_desc_t *wanted(const struct st_train_primitive *p, int number)
{
    return dnnl_primitive_desc_query_md(p->description, dnnl_query_exec_arg_md, number);
}

static dnnl_status_t make_forward(struct st_train_net *net, struct st_train_conv_state *conv,
                                  const struct shapes *s, const_dnnl_primitive_attr_t attributes)
{
    dnnl_convolution_desc_t desc;
    dnnl_status_t status = dnnl_convolution_forward_desc_init(
        &desc, dnnl_forward_training, dnnl_convolution_direct, &s->x, &s->w,
        s->biased ? &s->bias : NULL, &s->y, s->strides, s->pads, s->pads);
    if (!status)
        status = make_convolution(net, &conv->forward, &desc, NULL, attributes);
    if (!status)
        status = make_reorder(net, &conv->pack_forward, &s->plain_w,
                              wanted(&conv->forward, DNNL_ARG_WEIGHTS), attributes);
    return status;
}

static dnnl_status_t make_back_data(struct st_train_net *net, struct st_train_conv_state *conv,
                                    const struct shapes *s, const_dnnl_primitive_attr_t attributes)
{
    dnnl_convolution_desc_t desc;
    dnnl_status_t status = dnnl_convolution_backward_data_desc_init(
        &desc, dnnl_convolution_direct, &s->x, &s->w, &s->dy, s->strides, s->pads, s->pads);
    if (!status)
        status =
            make_convolution(net, &conv->back_data, &desc, conv->forward.description, attributes);
    if (!status)
        status = make_reorder(net, &conv->pack_back, &s->plain_w,
                              wanted(&conv->back_data, DNNL_ARG_WEIGHTS), attributes);
    return status;
}

static dnnl_status_t make_back_weights(struct st_train_net *net, struct st_train_conv_state *conv,
                                       const struct shapes *s,
                                       const_dnnl_primitive_attr_t attributes)
{
    dnnl_convolution_desc_t desc;
    dnnl_status_t status = dnnl_convolution_backward_weights_desc_init(
        &desc, dnnl_convolution_direct, &s->x, &s->dw, s->biased ? &s->bias : NULL, &s->dy,
        s->strides, s->pads, s->pads);
    if (!status)
        status = make_convolution(net, &conv->back_weights, &desc, conv->forward.description,
                                  attributes);
    if (!status)
        status =
            make_reorder(net, &conv->unpack, wanted(&conv->back_weights, DNNL_ARG_DIFF_WEIGHTS),
                         &s->plain_w, attributes);
    return status;
}

static dnnl_status_t make_primitives(struct st_train_net *net, struct st_train_layer *layer)
{
    struct st_train_conv_state *conv = &layer->conv;
    const struct st_train_value *x = &net->values[layer->x];
    dnnl_primitive_attr_t attributes = NULL;
    struct shapes shapes, backward;
    dnnl_status_t s = describe(net, layer, &shapes);
    if (!s)
        s = dnnl_primitive_attr_create(&attributes);
    if (!s)
        s = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    if (!s)
        s = make_forward(net, conv, &shapes, attributes);
    backward = shapes;
    if (!s && x->gradient)
        s = make_back_data(net, conv, &backward, attributes);
    if (!s && !net->fixed)
        s = make_back_weights(net, conv, &backward, attributes);
    if (attributes)
        dnnl_primitive_attr_destroy(attributes);
    return s;
}

static void at_least(size_t *size, size_t wanted_size)
{
    *size = *size > wanted_size ? *size : wanted_size;
}

static synctalk_status prepare(struct st_train_net *net, struct st_train_layer *layer)
{
    struct st_train_conv_state *conv = &layer->conv;
    const struct st_train_value *x = &net->values[layer->x], *y = &net->values[layer->y];
    const size_t element = net->train.element_bytes, K = (size_t)y->padded;
    const size_t wide = (size_t)(x->H + 2 * conv->border) * (size_t)(x->W + 2 * conv->border);
    if (layer->tensors > 1 && !(conv->bias = st_train_alloc(net, K, sizeof(float))))
        return net->status;
    dnnl_status_t s = make_primitives(net, layer);
    if (s)
        return st_onednn_status(s, "a convolution's training", &net->error);

    snprintf(layer->label, sizeof layer->label, "%s: %s, %s, %s", layer->name, conv->forward.name,
             x->gradient ? conv->back_data.name : "no gradient",
             net->fixed ? "fixed" : conv->back_weights.name);
    size_t area = (size_t)conv->kernel * (size_t)conv->kernel;
    at_least(&net->sample_bytes, K * (size_t)x->padded * area * sizeof(float));
    at_least(&net->sample_bytes, (size_t)x->padded * wide * element);
    conv->w_forward =
        st_train_alloc(net, 1, dnnl_memory_desc_get_size(wanted(&conv->forward, DNNL_ARG_WEIGHTS)));
    if (x->gradient)
        conv->w_back = st_train_alloc(
            net, 1, dnnl_memory_desc_get_size(wanted(&conv->back_data, DNNL_ARG_WEIGHTS)));
    if (conv->border)
        conv->bordered = st_train_new_block(net, (size_t)x->padded * wide * element);
    if (net->fixed)
        return net->status;
    size_t dw_bytes = dnnl_memory_desc_get_size(wanted(&conv->back_weights, DNNL_ARG_DIFF_WEIGHTS));
    conv->dw_floats = dw_bytes / sizeof(float);
    conv->block_dw = st_train_new_block(net, dw_bytes);
    conv->dw_sum = st_train_alloc(net, conv->dw_floats, sizeof(float));
    if (conv->bias)
        conv->db = st_train_alloc(net, (size_t)net->N * K, sizeof(float));
    return net->status;
}

/* A parameter's weights [K, C, k, k] with zeros up to whole blocks of K and C. */
static void *padded_weights(const struct st_train_net *net, const struct st_train_layer *layer,
                            float *to)
{
    const struct st_train_tensor *t = &net->tensors[layer->tensor];
    const struct st_train_value *x = &net->values[layer->x], *y = &net->values[layer->y];
    const size_t area = t->dims[2] * t->dims[3], each = t->dims[1] * area;
    const size_t padded_each = (size_t)x->padded * area;
    float *from = net->parameters + t->offset;
    if ((size_t)x->padded == t->dims[1] && (size_t)y->padded == t->dims[0])
        return from;
    memset(to, 0, (size_t)y->padded * padded_each * sizeof *to);
    for (size_t k = 0; k < t->dims[0]; k++)
        memcpy(to + k * padded_each, from + k * each, each * sizeof *to);
    return to;
}

static void pack(struct st_train_net *net, struct st_train_layer *layer, bool backward, int worker)
{
    struct st_train_conv_state *conv = &layer->conv;
    if (backward && !conv->w_back)
        return;
    void *plain = padded_weights(net, layer, (float *)(void *)net->workers[worker].sample);
    const struct argument arguments[] = {{DNNL_ARG_FROM, plain},
                                         {DNNL_ARG_TO, backward ? conv->w_back : conv->w_forward}};
    execute(net, worker, backward ? &conv->pack_back : &conv->pack_forward, arguments, 2);
    if (!backward && conv->bias) {
        const struct st_train_tensor *t = &net->tensors[layer->tensor + 1];
        memcpy(conv->bias, net->parameters + t->offset, t->count * sizeof(float));
    }
}

static void *block_sample(const struct st_train_net *net, int block, size_t n)
{
    return net->arena + net->blocks[block].at_bytes + n * net->blocks[block].sample_bytes;
}

/* Rows of a plane inside its border: copied in, or out (then added if asked). */
static void move_border(const struct st_train_net *net, const struct st_train_layer *layer,
                        unsigned char *wide, unsigned char *inner, bool inwards, bool add)
{
    const struct st_train_value *x = &net->values[layer->x];
    const size_t border = (size_t)layer->conv.border, B = (size_t)net->B;
    const size_t pixel = B * net->train.element_bytes, row = (size_t)x->W * pixel;
    const size_t wide_row = row + 2 * border * pixel, H = (size_t)x->H;
    for (size_t i = 0; i < st_train_blocks(net, x) * H; i++) {
        size_t at = i / H * (H + 2 * border) + border + i % H;
        unsigned char *outer = wide + at * wide_row + border * pixel;
        if (inwards)
            memcpy(outer, inner + i * row, row);
        else if (add)
            net->train.add(inner + i * row, outer, (size_t)x->W, B);
        else
            memcpy(inner + i * row, outer, row);
    }
}

static void *bordered_x(const struct st_train_net *net, const struct st_train_layer *layer,
                        size_t n, bool fill)
{
    const struct st_train_conv_state *conv = &layer->conv;
    if (!conv->border)
        return st_train_data(net, layer->x, n);
    unsigned char *wide = block_sample(net, conv->bordered, n);
    if (fill) {
        memset(wide, 0, net->blocks[conv->bordered].sample_bytes);
        move_border(net, layer, wide, st_train_data(net, layer->x, n), true, false);
    }
    return wide;
}

/* y = conv(x, w) + bias;  x [C, H, W]  w [K, C, k, k]  bias [K]  y [K, P, Q] */
static void forward(struct st_train_net *net, struct st_train_layer *layer, size_t n, int worker)
{
    struct st_train_conv_state *conv = &layer->conv;
    const struct st_train_value *v = &net->values[layer->y];
    unsigned char *y = st_train_data(net, layer->y, n);
    const struct argument arguments[] = {
        {DNNL_ARG_SRC, bordered_x(net, layer, n, true)},
        {DNNL_ARG_WEIGHTS, conv->w_forward},
        {DNNL_ARG_DST, y},
        {DNNL_ARG_BIAS, conv->bias},
    };
    execute(net, worker, &conv->forward, arguments, conv->bias ? 4 : 3);
    if (layer->norm == ST_TRAIN_NONE || net->mode != ST_TRAIN_BATCH)
        return;
    const size_t blocks = st_train_blocks(net, v), block = st_train_block_size(net, v);
    struct st_train_sums *sums = net->layers[layer->norm].normed.sums + n * blocks;
    for (size_t i = 0; i < blocks; i++)
        net->train.sums(&sums[i], y + i * block * net->train.element_bytes, st_train_area(v),
                        (size_t)net->B);
}

/* dx [C, H, W] (+)= conv'(dy, w);  dw [K, C, k, k], dbias [K] of this sample */
static void backward(struct st_train_net *net, struct st_train_layer *layer, size_t n, int worker)
{
    struct st_train_conv_state *conv = &layer->conv;
    void *dy = st_train_grad(net, layer->y, n);
    if (!net->fixed) {
        const size_t K = (size_t)net->values[layer->y].padded;
        const struct argument arguments[] = {
            {DNNL_ARG_SRC, bordered_x(net, layer, n, false)},
            {DNNL_ARG_DIFF_DST, dy},
            {DNNL_ARG_DIFF_WEIGHTS, block_sample(net, conv->block_dw, n)},
            {DNNL_ARG_DIFF_BIAS, conv->db ? conv->db + n * K : NULL},
        };
        execute(net, worker, &conv->back_weights, arguments, conv->db ? 4 : 3);
    }
    if (!net->values[layer->x].gradient)
        return;
    bool aside = layer->add_dx || conv->border;
    void *made = aside ? net->workers[worker].sample : st_train_grad(net, layer->x, n);
    const struct argument arguments[] = {
        {DNNL_ARG_DIFF_DST, dy}, {DNNL_ARG_WEIGHTS, conv->w_back}, {DNNL_ARG_DIFF_SRC, made}};
    execute(net, worker, &conv->back_data, arguments, 3);
    if (conv->border)
        move_border(net, layer, made, st_train_grad(net, layer->x, n), false, layer->add_dx);
    else if (aside)
        st_train_give_gradient(net, layer->x, n, made, true);
}

void st_train_conv_reduce(struct st_train_net *net, struct st_train_layer *layer, size_t slice)
{
    struct st_train_conv_state *conv = &layer->conv;
    const size_t at = slice * ST_TRAIN_SLICE, left = conv->dw_floats - at;
    const size_t count = left < ST_TRAIN_SLICE ? left : ST_TRAIN_SLICE;
    float *restrict sum = conv->dw_sum + at;
    memcpy(sum, (float *)block_sample(net, conv->block_dw, 0) + at, count * sizeof *sum);
    for (size_t n = 1; n < (size_t)net->samples; n++) {
        const float *dw = (const float *)block_sample(net, conv->block_dw, n) + at;
        for (size_t i = 0; i < count; i++)
            sum[i] += dw[i];
    }
}

/* Add what the samples gave to the gradients of the layer's parameters. */
static void unpack(struct st_train_net *net, struct st_train_layer *layer, int worker)
{
    struct st_train_conv_state *conv = &layer->conv;
    const struct st_train_tensor *t = &net->tensors[layer->tensor];
    const size_t area = t->dims[2] * t->dims[3], each = t->dims[1] * area;
    const size_t padded_each = (size_t)net->values[layer->x].padded * area;
    float *plain = (float *)(void *)net->workers[worker].sample;
    const struct argument arguments[] = {{DNNL_ARG_FROM, conv->dw_sum}, {DNNL_ARG_TO, plain}};
    if (execute(net, worker, &conv->unpack, arguments, 2))
        return;
    float *gradient = net->gradients + t->offset;
    for (size_t k = 0; k < t->dims[0]; k++)
        for (size_t i = 0; i < each; i++)
            gradient[k * each + i] += plain[k * padded_each + i];
    if (!conv->db)
        return;
    const struct st_train_tensor *bias = &net->tensors[layer->tensor + 1];
    const size_t K = (size_t)net->values[layer->y].padded;
    for (size_t k = 0; k < bias->count; k++) {
        float sum = 0;
        for (size_t n = 0; n < (size_t)net->samples; n++)
            sum += conv->db[n * K + k];
        net->gradients[bias->offset + k] += sum;
    }
}

static void destroy(struct st_train_layer *layer)
{
    struct st_train_conv_state *conv = &layer->conv;
    struct st_train_primitive *const all[6] = {&conv->forward,      &conv->back_data,
                                               &conv->back_weights, &conv->pack_forward,
                                               &conv->pack_back,    &conv->unpack};
    for (size_t i = 0; i < 6; i++)
        end_primitive(all[i]);
    free(conv->w_forward);
    free(conv->w_back);
    free(conv->bias);
    free(conv->dw_sum);
    free(conv->db);
}

const struct st_train_layer_desc st_train_conv_desc = {
    .name = "convolution",
    .prepare = prepare,
    .pack = pack,
    .forward = forward,
    .backward = backward,
    .unpack = unpack,
    .destroy = destroy,
};

static int out_size(int size, int kernel, int pad, int stride)
{
    int room = size + 2 * pad - kernel;
    return room < 0 ? 0 : room / stride + 1;
}

int st_train_conv(struct st_train_net *net, int x, const struct st_train_conv *conv)
{
    if (!st_train_usable(net, x))
        return ST_TRAIN_FAILED;
    assert(conv->kernel >= 1 && conv->stride_h >= 1 && conv->stride_w >= 1 && conv->pad >= 0);
    const struct st_train_value v = net->values[x];
    const int k = conv->kernel;
    int P = out_size(v.H, k, conv->pad, conv->stride_h);
    int Q = out_size(v.W, k, conv->pad, conv->stride_w);
    if (P < 1 || Q < 1 || conv->channels < 1)
        return st_train_fail(net, "a convolution larger than its input");

    struct st_train_layer layer = {
        .kind = conv->depthwise ? ST_LAYER_DEPTHWISE : ST_LAYER_CONV,
        .x = x,
        .b = ST_TRAIN_NONE,
        .norm = ST_TRAIN_NONE,
    };
    snprintf(layer.name, sizeof layer.name, "%s", conv->name);
    if (conv->depthwise) {
        assert(k == 3 && conv->pad == 1 && conv->stride_h == conv->stride_w);
        assert(conv->stride_h <= 2 && !conv->bias && conv->channels == v.C);
        layer.depthwise = (struct st_train_depthwise_state){
            .stride = conv->stride_h, .before = ST_TRAIN_NONE, .after = ST_TRAIN_NONE};
        layer.keep_x = layer.keep_y = true;
    } else {
        /* oneDNN's fast code stops where much of the kernel lies in the padding: at pad 3
         * all of it for 3x3, at pad 2 that of the weights' gradient. */
        int border = conv->pad > k / 2 ? conv->pad - k / 2 : 0;
        layer.conv = (struct st_train_conv_state){
            .kernel = k,
            .stride_h = conv->stride_h,
            .stride_w = conv->stride_w,
            .pad = conv->pad - border,
            .border = border,
            .bordered = ST_TRAIN_NONE,
            .block_dw = ST_TRAIN_NONE,
        };
        layer.keep_x = !border && !net->fixed;
    }
    const size_t group = conv->depthwise ? 1 : (size_t)v.C;
    const size_t dims[] = {(size_t)conv->channels, group, (size_t)k, (size_t)k};
    int index = st_train_new_layer(net, &layer, conv->channels, P, Q);
    if (index < 0 || !st_train_new_tensor(net, conv->name, "weight", ST_TRAIN_WEIGHT, 4, dims))
        return ST_TRAIN_FAILED;
    if (conv->bias && !st_train_new_tensor(net, conv->name, "bias", ST_TRAIN_BIAS, 1, dims))
        return ST_TRAIN_FAILED;
    return net->layers[index].y;
}
