/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a net that learns, for the files train_*.c.
 *
 * A value is what a layer computes for every sample, [N] times [padded/B, H, W, B]; its
 * gradient has the same shape. Both are places in one arena, planned once: a place is
 * free again when the last layer that needs it, forward or backward, has run.
 *
 * A step is a list of steps of layers: per sample (any worker, any order), or settling
 * (one thread, once all samples are done). Neighbours per sample run sample by sample
 * without waiting in between.
 *
 * Two norms around a depthwise convolution cost no memory of their own: the one before is
 * applied while the convolution reads (`norm.into_reader`), and the backward of the one
 * after while the convolution's backward reads (`norm.into_source`).
 */
#ifndef ST_NN_TRAIN_IMPL_H
#define ST_NN_TRAIN_IMPL_H

#include "base/pool.h"
#include "kernels/kernels.h"
#include "kernels/train.h"
#include "nn/onednn.h"
#include "nn/train_net.h"

#define ST_TRAIN_MOMENTUM 0.1 /* torch.nn.BatchNorm2d's defaults */
#define ST_TRAIN_EPSILON 1e-5

/* A stretch of the arena, [N, sample_bytes]. */
struct st_train_block {
    size_t sample_bytes;
    int first, last; /* times between which it is alive; last < first: never used */
    size_t at_bytes;
};

/* Where a value, or a gradient, is. */
struct st_train_place {
    int block;
    size_t at_bytes; /* in the sample of the block */
};

struct st_train_value {
    int C, padded, H, W;
    int producer; /* layer */
    int readers;  /* layers that read it */
    int reader;   /* the last of them */
    int parent;   /* the concat that it is part of, or ST_TRAIN_NONE */
    int first_channel;
    bool f32;          /* whatever the precision: what an output shows */
    bool absent;       /* never in memory: a norm that is applied where it is read */
    bool gradient;     /* it has one */
    int same_gradient; /* a value whose gradient's place is this one's too, or NONE */
    bool written;      /* while planning backward: something is in its gradient */
    struct st_train_place data, grad;
};

enum st_train_layer_kind {
    ST_LAYER_INPUT,
    ST_LAYER_CONV,
    ST_LAYER_DEPTHWISE,
    ST_LAYER_NORM,
    ST_LAYER_ACTIVATION,
    ST_LAYER_MAX_POOL,
    ST_LAYER_UPSAMPLE,
    ST_LAYER_CONCAT,
    ST_LAYER_OUTPUT,
    ST_LAYER_KINDS,
};

/* One primitive of oneDNN. */
struct st_train_primitive {
    dnnl_primitive_t primitive;
    const_dnnl_primitive_desc_t description; /* the primitive's */
    const char *name;
};

struct st_train_conv_state {
    int kernel, stride_h, stride_w, pad;
    int border; /* zeros around x that we put there, in block `bordered` */
    int bordered;
    struct st_train_primitive forward, back_data, back_weights;
    struct st_train_primitive pack_forward, pack_back, unpack; /* reorders */
    void *w_forward, *w_back;                                  /* packed; owned */
    float *bias;                                               /* [padded K]; owned; NULL: none */

    int block_dw;     /* arena: one dW per sample, as back_weights makes it */
    float *dw_sum;    /* the sum over samples; owned */
    float *db;        /* [N, padded K]; owned */
    size_t dw_floats; /* of one dW */
};

struct st_train_depthwise_state {
    int stride;
    float *w;   /* [padded/B, 9, B]; owned */
    double *dw; /* [N, padded/B, 9, B]; owned */
    int before; /* norms, see above, or ST_TRAIN_NONE */
    int after;
};

struct st_train_norm_state {
    float slope;
    bool into_reader, into_source;
    struct st_train_sums *sums;                   /* [N, padded/B]; owned */
    struct st_train_gradient_sums *gradient_sums; /* [N, padded/B]; owned */
    struct st_train_norm_block *blocks;           /* [padded/B]; owned */
    double *rstd;                                 /* [C] 1 / sqrt(var + eps); owned */
};

struct st_train_port {
    float *data, *grad; /* [N, C, H, W]; owned; grad NULL where not wanted */
    double *length;     /* [N] of a ST_TRAIN_UNIT output; owned */
    enum st_train_ending ending;
};

struct st_train_layer {
    enum st_train_layer_kind kind;
    int x, b, y;         /* values; b: second operand; ST_TRAIN_NONE where there is none */
    bool keep_x, keep_y; /* backward reads them */
    bool in_backward;
    bool add_dx, add_db; /* something is in their gradients already */
    int tensor, tensors; /* in the table: first and how many */
    int norm;            /* of a convolution: the norm that reads it, or ST_TRAIN_NONE */
    float slope;         /* of an activation */
    int port;            /* of inputs and outputs */
    char name[ST_TRAIN_NAME_MAX];
    char label[2 * ST_TRAIN_NAME_MAX]; /* for st_train_net_layer() */
    struct st_train_conv_state conv;
    struct st_train_depthwise_state depthwise;
    struct st_train_norm_state normed;
};

enum st_train_step_kind {
    ST_RUN_SAMPLES, /* run(layer, n, worker) for every sample */
    ST_RUN_SETTLE,  /* settle(layer) once */
    ST_RUN_REDUCE,  /* a convolution's dW over samples, in slices */
};

struct st_train_step {
    enum st_train_step_kind kind;
    int layer;
    void (*run)(struct st_train_net *net, struct st_train_layer *layer, size_t n, int worker);
    void (*settle)(struct st_train_net *net, struct st_train_layer *layer);
};

struct st_train_worker {
    dnnl_stream_t stream;
    unsigned char *scratch; /* for oneDNN; owned, as the next two */
    unsigned char *sample;  /* one value's sample */
    float *rows;            /* for kernels */
    dnnl_status_t status;   /* its first failure in this call */
};

struct st_train_net {
    struct st_kernels kernels;
    struct st_train_kernels train, train_f32; /* the second where a value is f32 anyhow */
    struct st_openmp openmp;
    struct st_pool *pool;
    dnnl_engine_t engine;
    int N, B;
    enum st_train_precision precision;
    bool fixed;

    struct st_train_value *values;
    struct st_train_layer *layers;
    struct st_train_block *blocks;
    struct st_train_tensor *tensors;
    int value_count, value_room;
    int layer_count, layer_room;
    int block_count, block_room;
    int tensor_count, tensor_room;
    struct st_train_port inputs[ST_TRAIN_PORTS], outputs[ST_TRAIN_PORTS];
    int input_layers[ST_TRAIN_PORTS], output_layers[ST_TRAIN_PORTS];
    int input_count, output_count;

    float *parameters, *gradients, *statistics;
    int64_t *counters;
    size_t parameter_count, statistic_count, counter_count;

    unsigned char *arena;
    size_t arena_bytes;
    size_t other_bytes; /* all that is not the arena */
    struct st_train_step *forward, *backward;
    int forward_count, backward_count;
    struct st_train_worker *workers;
    size_t scratch_bytes, sample_bytes, rows_floats; /* of one worker */

    int samples; /* of the last forward */
    bool backward_due;
    enum st_train_mode mode;

    synctalk_status status; /* first failure while building */
    synctalk_error error;
};

/* Building */
int st_train_fail(struct st_train_net *net, const char *what); /* E_ARG, if it is the first */
bool st_train_usable(struct st_train_net *net, int value);
int st_train_new_value(struct st_train_net *net, int producer, int C, int H, int W);
/* A layer that reads x (and b) and will have the next value as its y, if C is not 0. */
int st_train_new_layer(struct st_train_net *net, const struct st_train_layer *layer, int C, int H,
                       int W);
int st_train_new_block(struct st_train_net *net, size_t sample_bytes);
bool st_train_new_tensor(struct st_train_net *net, const char *name, const char *last,
                         enum st_train_kind kind, int rank, const size_t *dims);
/* Zeroed and aligned, counted in other_bytes; NULL after noting E_MEMORY. */
void *st_train_alloc(struct st_train_net *net, size_t count, size_t size);
/* Not zeroed; on huge pages where it is large. */
void *st_train_alloc_pages(size_t bytes);

static inline size_t st_train_blocks(const struct st_train_net *net, const struct st_train_value *v)
{
    return (size_t)v->padded / (size_t)net->B;
}

static inline size_t st_train_area(const struct st_train_value *v)
{
    return (size_t)v->H * (size_t)v->W;
}

static inline size_t st_train_value_element(const struct st_train_net *net,
                                            const struct st_train_value *v)
{
    return v->f32 ? sizeof(float) : net->train.element_bytes;
}

/* Sample n of a value and of its gradient. */
void *st_train_data(const struct st_train_net *net, int value, size_t n);
void *st_train_grad(const struct st_train_net *net, int value, size_t n);

/* Elements in one sample's channel block. */
static inline size_t st_train_block_size(const struct st_train_net *net,
                                         const struct st_train_value *v)
{
    return st_train_area(v) * (size_t)net->B;
}

/* Planning (train_plan.c): first what is applied where, then, once primitives have said
 * what they need, steps and places. */
synctalk_status st_train_link(struct st_train_net *net);
synctalk_status st_train_plan(struct st_train_net *net);

/* Layers: what each kind does. NULL where there is nothing to do. */
struct st_train_layer_desc {
    const char *name;
    synctalk_status (*prepare)(struct st_train_net *net, struct st_train_layer *layer);
    void (*pack)(struct st_train_net *net, struct st_train_layer *layer, bool backward, int worker);
    void (*settle)(struct st_train_net *net, struct st_train_layer *layer); /* before forward */
    void (*forward)(struct st_train_net *net, struct st_train_layer *layer, size_t n, int worker);
    void (*gather)(struct st_train_net *net, struct st_train_layer *layer, size_t n, int worker);
    void (*settle_backward)(struct st_train_net *net, struct st_train_layer *layer);
    void (*backward)(struct st_train_net *net, struct st_train_layer *layer, size_t n, int worker);
    void (*unpack)(struct st_train_net *net, struct st_train_layer *layer, int worker);
    void (*destroy)(struct st_train_layer *layer);
};

extern const struct st_train_layer_desc st_train_conv_desc, st_train_depthwise_desc,
    st_train_norm_desc, st_train_activation_desc, st_train_max_pool_desc, st_train_upsample_desc,
    st_train_concat_desc, st_train_input_desc, st_train_output_desc;
const struct st_train_layer_desc *st_train_desc(enum st_train_layer_kind kind);

/* A slice of the sum over samples of a convolution's dW. */
#define ST_TRAIN_SLICE ((size_t)16384) /* floats */
void st_train_conv_reduce(struct st_train_net *net, struct st_train_layer *layer, size_t slice);

/* dx from `made`, one sample of x's shape in the net's precision: added, or taken. */
void st_train_give_gradient(struct st_train_net *net, int x, size_t n, const void *made, bool add);

#endif /* ST_NN_TRAIN_IMPL_H */
