/* SPDX-License-Identifier: Apache-2.0 */
/* The wiring: PFLD (Guo et al., PFLD: A Practical Facial Landmark Detector, 2019) of Ghost
 * modules (Han et al., GhostNet: More Features from Cheap Operations, CVPR 2020) whose
 * convolutions are MobileOne blocks, at half width. A Ghost module makes half of its
 * channels from the other half, so every layer but the first reads a concat.
 */
#include "face/pfld.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "face/pfld_fold.h"
#include "nn/net.h"

#define FIRST_CHANNELS 32
#define LAST_SIDE 12 /* rows and columns that are left where all of them are read at once */

struct bottleneck {
    const char *name;
    int cin, hidden, cout, stride;
    bool averaged; /* its mean goes to the head */
};

static const struct bottleneck bottlenecks[] = {
    {"conv3_1", 32, 48, 40, 2, false},  {"conv3_2", 40, 60, 40, 1, false},
    {"conv3_3", 40, 60, 40, 1, true},   {"conv4_1", 40, 100, 48, 2, false},
    {"conv4_2", 48, 120, 48, 1, false}, {"conv4_3", 48, 120, 48, 1, true},
    {"conv5_1", 48, 168, 72, 2, false}, {"conv5_2", 72, 252, 72, 1, false},
    {"conv5_3", 72, 252, 72, 1, false}, {"conv5_4", 72, 252, 72, 1, true},
    {"conv6", 72, 108, 8, 1, false},
};

struct st_pfld {
    struct st_net *net;     /* owned */
    struct st_net_run *run; /* owned */
};

/* A layer after a failure does nothing; the failure is in `status` and `err`, or in the
 * net. */
struct builder {
    const struct st_weights *weights;
    struct st_net *net;
    synctalk_status status;
    synctalk_error *err;
};

/* `folded` is taken. */
static int add(struct builder *b, int x, const struct st_pfld_conv *conv, int pad, bool relu,
               struct st_pfld_folded *folded)
{
    int y = b->status ? ST_NET_FAILED
                      : st_net_conv(b->net, x,
                                    &(struct st_conv){
                                        .channels = conv->channels,
                                        .kernel = conv->kernel,
                                        .stride_h = conv->stride,
                                        .stride_w = conv->stride,
                                        .pad = pad,
                                        .depthwise = conv->depthwise,
                                        .relu = relu,
                                        .add = ST_NET_NONE,
                                        .weights = folded->weights,
                                        .bias = folded->bias,
                                    });
    st_pfld_folded_free(folded);
    return y;
}

static int mobileone(struct builder *b, int x, const struct st_pfld_conv *conv, bool relu)
{
    struct st_pfld_folded folded = {0};
    if (!b->status)
        b->status = st_pfld_fold(&folded, conv, b->weights, b->err);
    return add(b, x, conv, conv->kernel / 2, relu, &folded);
}

static int plain(struct builder *b, int x, const struct st_pfld_conv *conv, bool bias, bool relu)
{
    struct st_pfld_folded folded = {0};
    if (!b->status)
        b->status = st_pfld_plain(&folded, conv, bias, b->weights, b->err);
    return add(b, x, conv, 0, relu, &folded);
}

/* concat(p, d(p)) */
static int ghost(struct builder *b, int x, const char *name, int part, int cin, int cout, bool relu)
{
    struct st_pfld_conv p = {.cin = cin, .channels = cout / 2, .kernel = 1, .stride = 1};
    struct st_pfld_conv d = {
        .cin = cout / 2, .channels = cout / 2, .kernel = 3, .stride = 1, .depthwise = true};
    snprintf(p.name, sizeof p.name, "%s.ghost_conv.%d.primary_conv", name, part);
    snprintf(d.name, sizeof d.name, "%s.ghost_conv.%d.cheap_operation", name, part);
    int first = mobileone(b, x, &p, relu);
    return st_net_concat(b->net, first, mobileone(b, first, &d, relu));
}

static int add_bottleneck(struct builder *b, int x, const struct bottleneck *unit)
{
    x = ghost(b, x, unit->name, 0, unit->cin, unit->hidden, true);
    if (unit->stride == 2) {
        struct st_pfld_conv halve = {.cin = unit->hidden,
                                     .channels = unit->hidden,
                                     .kernel = 3,
                                     .stride = 2,
                                     .depthwise = true};
        snprintf(halve.name, sizeof halve.name, "%s.ghost_conv.1", unit->name);
        x = mobileone(b, x, &halve, false);
    }
    return ghost(b, x, unit->name, 2, unit->hidden, unit->cout, false);
}

static void build(struct builder *b)
{
    static const struct st_pfld_conv conv1 = {"conv1", 3, FIRST_CHANNELS, 3, 2, false};
    static const struct st_pfld_conv conv2 = {"conv2", FIRST_CHANNELS, FIRST_CHANNELS, 3, 1, true};
    static const struct st_pfld_conv conv7 = {"conv7", 8, 16, 3, 1, false};
    static const struct st_pfld_conv conv8 = {"conv8.0", 16, 64, LAST_SIDE, 1, false};
    static const struct st_pfld_conv head = {"conv_out", 256, ST_PFLD_OUTPUTS, 1, 1, false};

    int x = st_net_input(b->net, 3, ST_PFLD_SIDE, ST_PFLD_SIDE);
    x = mobileone(b, x, &conv1, true);
    x = mobileone(b, x, &conv2, true);
    int means = st_net_mean(b->net, x);
    for (size_t i = 0; i < sizeof bottlenecks / sizeof *bottlenecks; i++) {
        x = add_bottleneck(b, x, &bottlenecks[i]);
        if (bottlenecks[i].averaged)
            means = st_net_concat(b->net, means, st_net_mean(b->net, x));
    }
    x = mobileone(b, x, &conv7, true);
    x = plain(b, x, &conv8, false, true); /* one pixel: its own mean */
    x = plain(b, st_net_concat(b->net, means, x), &head, true, false);
    st_net_output(b->net, x, false);
    if (!b->status)
        b->status = st_net_finish(b->net, b->err);
}

synctalk_status st_pfld_open(struct st_pfld **out, const struct st_weights *weights,
                             const struct st_kernels *kernels, synctalk_error *err)
{
    *out = NULL;
    struct st_pfld *pfld = calloc(1, sizeof *pfld);
    if (!pfld)
        return st_fail_memory(err, "the network of 110 landmarks", sizeof *pfld);

    synctalk_status st = st_net_create(&pfld->net, kernels, 1, NULL, err);
    if (!st) {
        struct builder builder = {.weights = weights, .net = pfld->net, .err = err};
        build(&builder);
        st = builder.status;
    }
    if (!st)
        st = st_net_run_create(&pfld->run, pfld->net, err);
    if (st)
        st_pfld_close(&pfld);
    *out = pfld;
    return st;
}

void st_pfld_close(struct st_pfld **pfld)
{
    if (!pfld || !*pfld)
        return;
    st_net_run_destroy(&(*pfld)->run);
    st_net_destroy(&(*pfld)->net);
    free(*pfld);
    *pfld = NULL;
}

synctalk_status st_pfld_run(struct st_pfld *pfld, const float *image, float *out,
                            synctalk_error *err)
{
    return st_net_run_execute(pfld->run, (const float *const[]){image}, (float *const[]){out}, err);
}
