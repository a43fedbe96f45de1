/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a HuBERT, for the hubert*.c files. */
#ifndef ST_MODELS_HUBERT_IMPL_H
#define ST_MODELS_HUBERT_IMPL_H

#include "base/pool.h"
#include "models/hubert.h"
#include "nn/dense.h"

/* Rows of a piece go through the layers in blocks: a thread takes one at a time. Few, since
 * all weights are read once a block: two, or for more than two threads four. */
#define ST_HUBERT_BLOCKS_MAX 4
#define ST_HUBERT_STRIPE 512 /* channels of the wide part, the last stripe apart */

/* What a row-wise norm takes; NULL where there is none. */
struct st_hubert_norm {
    float *scale, *shift; /* own */
};

struct st_hubert_convolution {
    struct st_dense_layer *layer;
    struct st_hubert_norm norm;
};

/* Products of few columns are the faster ones, and what they give lies together: queries,
 * keys and values are made head by head, and the wide part in stripes, each of which is
 * narrowed and added before the next is made. */
struct st_hubert_layer {
    struct st_dense_layer **query, **key, **value; /* [heads]; own the lists; the query is
                                                      scaled by 1/sqrt(d) */
    struct st_dense_layer *out;
    struct st_dense_layer **widen, **narrow; /* [stripes]; own the lists; GELU between */
    struct st_hubert_norm attention_norm, final_norm;
};

struct st_hubert {
    struct st_hubert_config config;
    struct st_row_kernels rows;
    enum st_row_element element;
    int threads;
    size_t block;     /* rows that a thread takes at a time through the layers */
    size_t attending; /* and, of a block, through attention: their scores stay in L2 */
    size_t tile;      /* and through the convolutions */
    size_t rows_room; /* all blocks, a multiple of tiles, >= a piece's rows */
    size_t tile_rows[ST_HUBERT_CONVS_MAX]; /* that each convolution writes for a tile */
    size_t tile_samples;                   /* that the first one reads */

    struct st_dense *dense; /* owns, with all layers */
    struct st_hubert_convolution convolutions[ST_HUBERT_CONVS_MAX];
    struct st_hubert_norm projection_norm, encoder_norm;
    struct st_dense_layer *projection;
    struct st_dense_layer **positions; /* [groups]; owns the list */
    struct st_hubert_layer *layers;    /* [config.layers]; owns */
    struct st_dense_layer *scores, *mix;
};

/* Read every tensor of config and pack it. */
synctalk_status st_hubert_load(struct st_hubert *hubert, const char *path, synctalk_error *err);

/* One thread's memory. */
struct st_hubert_worker {
    struct st_dense_worker *dense; /* owns */
    void *first, *second;          /* own; see st_hubert_run_open() for their sizes */
    float *scores;                 /* owns; [attending, rows_room] */
    void *weights;                 /* owns; [attending, rows_room] */
    void *mixed;                   /* owns; [attending, d], of one head */
    synctalk_status status;        /* of the first turn that failed */
    synctalk_error error;
};

struct st_hubert_run {
    const struct st_hubert *hubert;   /* borrows */
    const struct st_stop *stop;       /* borrows; NULL: none */
    struct st_pool *pool;             /* owns */
    struct st_hubert_worker *workers; /* [threads]; owns */
    int threads;

    float *samples;       /* owns; the piece, zeros behind it */
    size_t room;          /* samples */
    size_t count, T;      /* of the piece: samples, rows */
    float *features;      /* owns; [rows_room, channels of the last convolution] */
    float *x;             /* owns; [rows_room, hidden] */
    void *query;          /* owns; [heads, rows_room, d] */
    void *key[2];         /* own; of even and odd layers: while one thread is through with a */
    void *value[2];       /*   layer and writes those of the next, another still reads */
    double *sums;         /* owns; [tiles, 2, channels]; NULL without a group norm */
    float *scale, *shift; /* own; of the group norm in this piece */
    size_t layer;         /* that the loop is at */
};

/* Samples to features. */
synctalk_status st_hubert_front(struct st_hubert_run *run, synctalk_error *err);

/* turn() for [0, count), and the first failure of its workers; or E_CANCELLED. */
synctalk_status st_hubert_for(struct st_hubert_run *run, size_t count, st_pool_turn turn,
                              synctalk_error *err);

static inline size_t st_hubert_stripes(const struct st_hubert_config *config)
{
    return (config->intermediate + ST_HUBERT_STRIPE - 1) / ST_HUBERT_STRIPE;
}

static inline size_t st_hubert_blocks(const struct st_hubert_run *run)
{
    return (run->T + run->hubert->block - 1) / run->hubert->block;
}

#endif /* ST_MODELS_HUBERT_IMPL_H */
