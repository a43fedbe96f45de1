/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that learn: forward, and backward to every parameter, on oneDNN and kernels of
 * our own. net.h is its counterpart for inference.
 *
 * This folder knows layers; it knows no checkpoint, no loss and no optimiser. A net is
 * built layer by layer, then finished: primitives are made, every activation and gradient
 * gets its place, and from then on a step allocates nothing of ours.
 *
 *     struct st_train_net *net;
 *     st_train_net_create(&net, &(struct st_train_settings){.kernels = &kernels,
 *                             .pool = pool, .batch = 8}, err);
 *     int x = st_train_input(net, 6, 320, 320, false);
 *     x = st_train_conv(net, x, &(struct st_train_conv){.name = "outc.conv", ...});
 *     st_train_output(net, x, ST_TRAIN_SIGMOID);
 *     st_train_net_finish(net, err);             the first error of all of the above
 *     st_train_net_init(net, seed);              or fill st_train_net_parameters()
 *
 *     for each step:
 *         fill st_train_net_input(net, i) for every input
 *         st_train_net_forward(net, samples, ST_TRAIN_BATCH, err);
 *         loss of st_train_net_output(net, i); its gradient into
 *         st_train_net_output_gradient(net, i)
 *         memset(st_train_net_gradients(net), 0, ...)
 *         st_train_net_backward(net, err);
 *         optimiser over st_train_net_parameters() and _gradients(), one flat loop
 *
 * Layers return the number of a value. A layer that fails, or is given the value of one
 * that did, gives ST_TRAIN_FAILED, so a builder checks st_train_net_finish() alone.
 *
 * Order      Samples are spread over the pool; every sum over samples (batch statistics,
 *            gradients of parameters) is formed in the order of the samples. A step is
 *            the same, bit for bit, for any number of workers.
 * Backward   adds to st_train_net_gradients(); the caller clears them. Gradients of
 *            values are the net's own business, of inputs see st_train_net_input_gradient().
 * Precision  Parameters, their gradients and all statistics are f32. With ST_TRAIN_BF16
 *            activations, their gradients and a copy of the weights are bf16.
 * Threads    One thread at a time may be in a net; nets may share a pool, taking turns.
 *
 * N samples (settings.batch at most), C channels, H rows, W columns, K output channels.
 */
#ifndef ST_NN_TRAIN_NET_H
#define ST_NN_TRAIN_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synctalk/status.h"

#define ST_TRAIN_NONE (-1)
#define ST_TRAIN_FAILED (-2)
#define ST_TRAIN_PORTS 4 /* inputs, and outputs, at most */
#define ST_TRAIN_NAME_MAX 128
#define ST_TRAIN_BATCH_MAX 1024

struct st_kernels;
struct st_pool;
struct st_train_net;

enum st_train_precision { ST_TRAIN_F32, ST_TRAIN_BF16 };

enum st_train_mode {
    ST_TRAIN_BATCH,   /* batch norms use the statistics of this mini-batch, and note them */
    ST_TRAIN_RUNNING, /* they use the running ones: validation, and networks held fixed */
};

struct st_train_settings {
    const struct st_kernels *kernels; /* copied */
    struct st_pool *pool;             /* borrowed until the net is destroyed */
    int batch;                        /* samples at most */
    enum st_train_precision precision;
    bool fixed; /* no gradients of parameters: backward reaches the inputs alone */
};

/* Can this machine compute in it, within kernels->flags? f32: always. */
bool st_train_precision_usable(const struct st_kernels *kernels, enum st_train_precision precision);

synctalk_status st_train_net_create(struct st_train_net **out,
                                    const struct st_train_settings *settings, synctalk_error *err);
void st_train_net_destroy(struct st_train_net **net); /* NULL-safe */

/* Layers */

/* The next input. `gradient`: backward computes its gradient, too. */
int st_train_input(struct st_train_net *net, int C, int H, int W, bool gradient);

/* y = conv(x) + bias, cross-correlation as in PyTorch.
 * Tensors: NAME.weight [K, C, kernel, kernel], depthwise [C, 1, kernel, kernel];
 * NAME.bias [K] where `bias`. */
struct st_train_conv {
    const char *name; /* copied */
    int channels;     /* K; depthwise: those of x */
    int kernel;       /* any; depthwise: 3 */
    int stride_h, stride_w;
    int pad; /* same on all four sides; depthwise: 1, and equal strides of 1 or 2 */
    bool depthwise, bias;
};
int st_train_conv(struct st_train_net *net, int x, const struct st_train_conv *conv);

/* y = act(gamma (x - mean) / sqrt(var + 1e-5) + beta + add), act(v) = v > 0 ? v : slope v.
 * mean and (biased) var over all samples of the mini-batch; running ones move by 0.1 and
 * take the unbiased var. x comes from st_train_conv().
 * Tensors: NAME.weight, .bias, .running_mean, .running_var [C]; .num_batches_tracked []. */
struct st_train_norm {
    const char *name; /* copied */
    float slope;      /* 1: none, 0: ReLU, 0.01: leaky ReLU */
    int add;          /* a value shaped like x, or ST_TRAIN_NONE */
};
int st_train_norm(struct st_train_net *net, int x, const struct st_train_norm *norm);

/* y = act(x), where no norm comes between. */
int st_train_activation(struct st_train_net *net, int x, float slope);

int st_train_max_pool(struct st_train_net *net, int x); /* 2x2, stride 2; even sizes */

int st_train_upsample(struct st_train_net *net, int x); /* bilinear x2, aligned corners */

/* Channels of `a`, a multiple of 16, then of `b`. Each is in one concat at most, and has no
 * reader that is added after those of the concat. */
int st_train_concat(struct st_train_net *net, int a, int b);

enum st_train_ending {
    ST_TRAIN_PLAIN,
    ST_TRAIN_SIGMOID,
    ST_TRAIN_UNIT, /* the sample's C*H*W numbers divided by their L2 norm (at least 1e-12,
                      as in torch.nn.functional.normalize) */
};
/* The next output, [N, C, H, W] f32 row-major. `x` may still be read by other layers. */
void st_train_output(struct st_train_net *net, int x, enum st_train_ending ending);

/* C, H, W of a value, for whoever builds on it; zeros of one that failed. */
void st_train_shape(const struct st_train_net *net, int value, int shape[3]);

/* Make primitives and memory. Returns the first failure since st_train_net_create(). */
synctalk_status st_train_net_finish(struct st_train_net *net, synctalk_error *err);

/* One table of all that a checkpoint holds, in the order of the layers. Offsets in blocks
 * of floats are multiples of 16; gaps stay zero. Counters have no gaps. */
enum st_train_kind {
    ST_TRAIN_WEIGHT, /* these four: block of parameters, and all blocks shaped like it */
    ST_TRAIN_BIAS,
    ST_TRAIN_GAMMA,
    ST_TRAIN_BETA,
    ST_TRAIN_RUNNING_MEAN, /* these two: block of statistics */
    ST_TRAIN_RUNNING_VAR,
    ST_TRAIN_BATCHES, /* num_batches_tracked, rank 0: int64 in the block of counters */
};

struct st_train_tensor {
    const char *name; /* as published; the net's */
    enum st_train_kind kind;
    int rank;
    size_t dims[4];
    size_t offset; /* elements, in its block */
    size_t count;  /* elements */
};

const struct st_train_tensor *st_train_net_tensors(const struct st_train_net *net, size_t *count);
const struct st_train_tensor *st_train_net_find(const struct st_train_net *net, const char *name);

/* The blocks, each 64-byte aligned and valid until the net is destroyed. Optimiser state
 * is the caller's: blocks of st_train_net_parameter_count() floats with the same offsets. */
size_t st_train_net_parameter_count(const struct st_train_net *net); /* floats, gaps included */
float *st_train_net_parameters(struct st_train_net *net);
float *st_train_net_gradients(struct st_train_net *net);             /* NULL where settings.fixed */
size_t st_train_net_statistic_count(const struct st_train_net *net); /* floats */
float *st_train_net_statistics(struct st_train_net *net);
size_t st_train_net_counter_count(const struct st_train_net *net);
int64_t *st_train_net_counters(struct st_train_net *net);

/* PyTorch's defaults: weights and biases of a convolution uniform within 1/sqrt(fan-in),
 * gamma 1, beta 0, running mean 0 and var 1, counters 0. Same seed, same bytes. */
void st_train_net_init(struct st_train_net *net, uint64_t seed);

/* Running. Inputs [N, C, H, W], outputs and their gradients likewise, f32 row-major,
 * 64-byte aligned, the net's own, valid until it is destroyed. */
int st_train_net_input_count(const struct st_train_net *net);
int st_train_net_output_count(const struct st_train_net *net);
size_t st_train_net_input_size(const struct st_train_net *net, int input);   /* C*H*W */
size_t st_train_net_output_size(const struct st_train_net *net, int output); /* C*H*W */
float *st_train_net_input(struct st_train_net *net, int input);
/* Written by backward, not added to. NULL where st_train_input() did not ask for it. */
const float *st_train_net_input_gradient(const struct st_train_net *net, int input);
const float *st_train_net_output(const struct st_train_net *net, int output);
/* Filled by the caller before backward, which uses it up. */
float *st_train_net_output_gradient(struct st_train_net *net, int output);

/* `samples` in 1...batch: the first that many of each input. With ST_TRAIN_BATCH running
 * statistics and counters move. A value that is not finite is no error here. */
synctalk_status st_train_net_forward(struct st_train_net *net, int samples, enum st_train_mode mode,
                                     synctalk_error *err);

/* After a forward of the same samples, whose mode decides what norms do. Once for each
 * forward: activations are used up. */
synctalk_status st_train_net_backward(struct st_train_net *net, synctalk_error *err);

/* Where things stopped being finite, looked for in the order in which a step goes: inputs,
 * parameters, batch statistics layer by layer, outputs, and gradients from the last layer
 * to the first. Writes e.g. "the batch statistics of down3.maxpool_conv.0.double_conv.1.
 * conv.1" and returns true; false, and "", where all is finite. For the message once a
 * loss is not a number; it reads every parameter. */
bool st_train_net_blame(const struct st_train_net *net, char *text, size_t size);

/* Bytes of everything the net holds, in all: what a step needs besides optimiser state. */
size_t st_train_net_bytes(const struct st_train_net *net);

/* Layers in order: "NAME: oneDNN's code forward, backward data, backward weights", or
 * our own kernel's. NULL past the end. */
const char *st_train_net_layer(const struct st_train_net *net, size_t index);

#endif /* ST_NN_TRAIN_NET_H */
