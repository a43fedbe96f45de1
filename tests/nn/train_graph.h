/* SPDX-License-Identifier: Apache-2.0 */
/* A small network twice: as a struct st_train_net, and as plain loops in double that say
 * what its layers mean. Built by the same calls.
 */
#ifndef ST_TESTS_TRAIN_GRAPH_H
#define ST_TESTS_TRAIN_GRAPH_H

#include "nn/train_support.h"

#define GRAPH_OPS 32

enum op_kind {
    OP_INPUT,
    OP_CONV,
    OP_NORM,
    OP_ACTIVATION,
    OP_POOL,
    OP_UPSAMPLE,
    OP_CONCAT,
    OP_OUTPUT,
};

struct op {
    enum op_kind kind;
    int x, b; /* ops whose values it reads, or ST_TRAIN_NONE */
    int C, H, W;
    struct st_train_conv conv;
    struct st_train_norm norm;
    char name[16];
    float slope;
    enum st_train_ending ending;
    int value; /* in the net */
    double *y; /* [N, C, H, W] */
};

struct graph {
    struct st_train_net *net;
    int N;
    struct op ops[GRAPH_OPS];
    int count;
    double *parameters, *statistics; /* copies of the net's, to be moved */
    double *inputs[ST_TRAIN_PORTS];
    double *weights[ST_TRAIN_PORTS]; /* of the outputs in the loss */
};

/* Layers; each returns an op. */
int graph_input(struct graph *g, int C, int H, int W);
int graph_conv(struct graph *g, int x, int channels, int kernel, int stride_h, int stride_w,
               int pad, bool bias);
int graph_depthwise(struct graph *g, int x, int stride);
int graph_norm(struct graph *g, int x, float slope, int add);
int graph_activation(struct graph *g, int x, float slope);
int graph_pool(struct graph *g, int x);
int graph_upsample(struct graph *g, int x);
int graph_concat(struct graph *g, int a, int b);
void graph_output(struct graph *g, int x, enum st_train_ending ending);

/* Finish the net, fill parameters, statistics, inputs and loss weights at random, here
 * and there alike. */
void graph_begin(struct graph *g, uint64_t seed);
void graph_end(struct graph *g); /* not the net */

/* sum over outputs of weight times value, in double. */
double graph_loss(struct graph *g, enum st_train_mode mode);

#endif /* ST_TESTS_TRAIN_GRAPH_H */
