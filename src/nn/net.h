/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of convolutions on oneDNN, for inference on one thread at a time.
 *
 * This folder knows layers; it knows no checkpoint, no tensor name and no particular
 * network. A struct st_net is built layer by layer, then finished: weights are packed for
 * this machine once, and every activation has its place in one arena. From then on it is
 * immutable and any number of threads share it. A struct st_net_run is one thread's
 * arena; after its first run nothing of ours allocates (oneDNN itself takes and gives
 * back some small blocks in every call).
 *
 *     struct st_net *net;
 *     st_net_create(&net, &kernels, 1, NULL, err);
 *     int x = st_net_input(net, 6, 320, 320);
 *     x = st_net_conv(net, x, &(struct st_conv){.channels = 12, .kernel = 1, ...});
 *     st_net_output(net, x, true);
 *     st_net_finish(net, err);                  the first error of all of the above
 *
 * Layers return the number of a value. A layer that fails, or is given the value of one
 * that did, gives ST_NET_FAILED, so a builder checks st_net_finish() alone.
 *
 * Layout: inside, every value is [N, C/B, H, W, B] with B = 16 (AVX-512) or 8, channels
 * padded with zeros to a multiple of B by us: oneDNN then never meets a channel count
 * that it has only reference code for. With N = 1 the channels of one value are
 * contiguous, so a concat costs nothing: both halves are written where the whole is read.
 *
 * N batch, C channels, H rows, W columns.
 */
#ifndef ST_NN_NET_H
#define ST_NN_NET_H

#include <stdbool.h>
#include <stddef.h>

#include "synctalk/status.h"

#define ST_NET_NONE (-1)
#define ST_NET_FAILED (-2)

struct st_kernels;
struct st_net;
struct st_net_run;

/* y = relu(conv(x) + bias + add), cross-correlation as in PyTorch. */
struct st_conv {
    int channels; /* of y; depthwise: those of x */
    int kernel;   /* of both sides; oneDNN's fastest code is for 1 and 3 */
    int stride_h, stride_w;
    int pad; /* same on all four sides */
    bool depthwise;
    bool relu;
    int add;              /* a value shaped like y, or ST_NET_NONE. Taken: see st_net_conv() */
    const float *weights; /* [channels, C, kernel, kernel], depthwise [C, 1, kernel, kernel];
                             borrowed for the call */
    const float *bias;    /* [channels] or NULL (zeros); borrowed for the call */
};

/* `kernels` is copied. `share` (NULL or a finished net of the same layers and another
 * batch) lends its packed weights where they are packed alike; it must outlive `*out`. */
synctalk_status st_net_create(struct st_net **out, const struct st_kernels *kernels, int batch,
                              const struct st_net *share, synctalk_error *err);
void st_net_destroy(struct st_net **net); /* NULL-safe; all its runs are gone */

/* The next input, [N, C, H, W] f32 row-major. */
int st_net_input(struct st_net *net, int C, int H, int W);

/* An input in the inner layout, for layers other than st_net_conv(). */
int st_net_pack(struct st_net *net, int input);

/* `add` is taken: the sum is formed in its memory where that is possible, so no later
 * layer may use it. It may be `x` itself, as in a residual block. */
int st_net_conv(struct st_net *net, int x, const struct st_conv *conv);

/* `pointwise` (1x1, stride 1, no add) and then `depthwise` (3x3, pad 1, equal strides, no
 * add): as one primitive that keeps what is between them in cache, where oneDNN has it. */
int st_net_conv_depthwise(struct st_net *net, int x, const struct st_conv *pointwise,
                          const struct st_conv *depthwise);

/* Bilinear x2, aligned corners. */
int st_net_upsample(struct st_net *net, int x);

/* The mean over rows and columns: [N, C, 1, 1]. */
int st_net_mean(struct st_net *net, int x);

/* Channels of `a`, then of `b`. Only with N = 1; both are no input and in no other concat.
 * They stay usable. Each keeps its padding, so a sum may add a concat of C other than
 * multiples of 16 only to what is put together of the same parts. */
int st_net_concat(struct st_net *net, int a, int b);

/* The next output, [N, C, H, W] f32 row-major; through a sigmoid if asked. */
void st_net_output(struct st_net *net, int x, bool sigmoid);

/* Plan the arena. Returns the first failure since st_net_create(). */
synctalk_status st_net_finish(struct st_net *net, synctalk_error *err);

size_t st_net_weight_bytes(const struct st_net *net); /* packed, its own only */
size_t st_net_arena_bytes(const struct st_net *net);  /* of one run */

/* Layers in order: oneDNN's name of the code that runs it, or ours. NULL past the end. */
const char *st_net_layer(const struct st_net *net, size_t index);

/* `net` is borrowed until the run is destroyed. One thread at a time. */
synctalk_status st_net_run_create(struct st_net_run **out, const struct st_net *net,
                                  synctalk_error *err);
void st_net_run_destroy(struct st_net_run **run); /* NULL-safe */

/* `inputs` and `outputs` in the order of their layers; none overlap. */
synctalk_status st_net_run_execute(struct st_net_run *run, const float *const *inputs,
                                   float *const *outputs, synctalk_error *err);

/* Steps so far: while building, where a stretch that can run alone begins or ends. */
int st_net_step_count(const struct st_net *net);

/* The steps [first, end) alone. What they read of steps outside the stretch is what its
 * memory holds: what ran last, or what the caller put there. */
synctalk_status st_net_run_stretch(struct st_net_run *run, int first, int end,
                                   const float *const *inputs, float *const *outputs,
                                   synctalk_error *err);

/* Size of a value in the inner layout. */
size_t st_net_bytes(const struct st_net *net, int value);

/* Where the run keeps `value`, no input, and how large it is. It holds the value from the
 * step that makes it to the last one that reads it. */
void *st_net_run_value(const struct st_net_run *run, int value, size_t *bytes);

#endif /* ST_NN_NET_H */
