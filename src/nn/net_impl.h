/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a net, for the files of nn/: values live in buffers, steps read and write
 * values.
 */
#ifndef ST_NN_NET_IMPL_H
#define ST_NN_NET_IMPL_H

#include <stdint.h>

#include "kernels/kernels.h"
#include "nn/net.h"
#include "nn/onednn.h"

#define ST_NET_PORTS 4 /* inputs, and outputs, at most */
#define ST_CONV_PACKS 4
#define ST_NET_PARTS 8 /* of a concat, at most */

/* A stretch of the arena. A buffer that became part of a concat has a parent, and a
 * place in it; only roots are planned. */
struct st_net_buffer {
    size_t bytes;
    int parent; /* ST_NET_NONE: a root */
    size_t offset_bytes;
    int first, last; /* steps between which a root is alive; last < first: never used */
    size_t at_bytes; /* of a root, in the arena */
};

/* Its channels are those of its parts, one after the other, each part padded with zeros to
 * whole blocks. There is one part, but in a concat whose halves do not fill their blocks. */
struct st_net_value {
    int buffer; /* ST_NET_NONE: an input, in the caller's memory, row-major */
    int input;
    int C, padded, H, W;
    int part[ST_NET_PARTS]; /* channels; they add up to C */
    int part_count;
    bool taken;
};

enum st_net_step_kind {
    ST_STEP_CONV,
    ST_STEP_UPSAMPLE,
    ST_STEP_MEAN,
    ST_STEP_COPY,   /* dst = src */
    ST_STEP_BORDER, /* dst = src with `border` rows and columns of zeros on each side */
    ST_STEP_PACK,   /* row-major input to the inner layout */
    ST_STEP_UNPACK, /* inner layout to a row-major output */
};

/* Weights or biases as one primitive wants them. */
struct st_net_pack {
    int argument; /* DNNL_ARG_* */
    dnnl_memory_t memory;
    float *block; /* what memory points to; owned unless borrowed */
    size_t bytes;
    bool borrowed; /* block and memory belong to `share` */
};

struct st_net_step {
    enum st_net_step_kind kind;
    int src, dst;
    int border;
    int output;
    bool sigmoid;

    dnnl_primitive_t primitive; /* the rest: ST_STEP_CONV */
    const char *name;           /* the primitive's, lives as long */
    dnnl_memory_desc_t src_md, dst_md, scratch_md;
    struct st_net_pack packs[ST_CONV_PACKS];
    int pack_count;
};

struct st_net {
    struct st_kernels kernels;
    struct st_openmp openmp;
    dnnl_engine_t engine;
    dnnl_stream_t packing; /* for reordering weights while building */
    const struct st_net *share;
    int N;
    int B; /* channels in a block */

    struct st_net_value *values;
    struct st_net_buffer *buffers;
    struct st_net_step *steps;
    int value_count, value_room;
    int buffer_count, buffer_room;
    int step_count, step_room;
    int input_count, output_count;

    size_t arena_bytes; /* scratch included */
    size_t scratch_at_bytes;

    synctalk_status status; /* first failure while building */
    synctalk_error error;
};

/* Building. Each returns a number or ST_NET_FAILED, with the failure in net->error. */
int st_net_new_value(struct st_net *net, int C, int H, int W);
/* With channels in the same places as those of `like`. */
int st_net_new_like(struct st_net *net, int like, int H, int W);
/* A value in the memory of `value`, which is thereby taken. */
int st_net_same_place(struct st_net *net, int value);
int st_net_border(struct st_net *net, int x, int border);
int st_net_new_step(struct st_net *net, enum st_net_step_kind kind, int src, int dst);
bool st_net_usable(struct st_net *net, int value);
int st_net_fail(struct st_net *net, const char *what); /* E_ARG, if it is the first */

/* `channels` and zeros up to a whole block. */
int st_net_padded(const struct st_net *net, int channels);
bool st_net_same_parts(const struct st_net_value *a, const struct st_net_value *b);

/* The root of a buffer, and where the buffer begins in it. */
int st_net_root(const struct st_net *net, int buffer, size_t *offset_bytes);
size_t st_net_value_bytes(const struct st_net *net, int value);

synctalk_status st_net_plan(struct st_net *net, synctalk_error *err);
void st_net_step_end(struct st_net_step *step);

#endif /* ST_NN_NET_IMPL_H */
