/* SPDX-License-Identifier: Apache-2.0 */
/* One piece through the network. A block of rows is worked off by one thread from its
 * attention to the keys of the next layer, so threads meet once a layer. The rows of the
 * last block that lie behind the piece hold numbers that nobody reads: positions beyond T
 * have no weight in the attention.
 *
 * T rows of the piece, d channels of a head.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "models/hubert_impl.h"

synctalk_status st_hubert_for(struct st_hubert_run *run, size_t count, st_pool_turn turn,
                              synctalk_error *err)
{
    if (st_stop_asked(run->stop))
        return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
    st_pool_for(run->pool, count, turn, run);
    for (int i = 0; i < run->threads; i++) {
        const synctalk_status st = run->workers[i].status;
        if (st) {
            if (err)
                *err = run->workers[i].error;
            for (int k = 0; k < run->threads; k++)
                run->workers[k].status = SYNCTALK_OK;
            return st;
        }
    }
    return SYNCTALK_OK;
}

void st_hubert_run_stop_by(struct st_hubert_run *run, const struct st_stop *stop)
{
    run->stop = stop;
}

static void call(const struct st_dense_layer *layer, struct st_hubert_worker *worker, const void *a,
                 const void *b, void *dst)
{
    if (!worker->status)
        worker->status = st_dense_run(layer, worker->dense, a, b, dst, &worker->error);
}

/* The element at `at` of an array of the run's elements. */
static void *place(const struct st_hubert *h, void *data, size_t at)
{
    return (char *)data + at * st_row_element_bytes(h->element);
}

static void norm_block(const struct st_hubert *h, void *dst, enum st_row_element element,
                       const float *src, const struct st_hubert_norm *norm, size_t width)
{
    const struct st_row_norm row = {norm->scale, norm->shift, h->config.epsilon, false};
    h->rows.norm(dst, element, src, &row, h->block, width);
}

static void project_block(void *context, size_t block, int number)
{
    struct st_hubert_run *run = context;
    const struct st_hubert *h = run->hubert;
    struct st_hubert_worker *worker = &run->workers[number];
    const size_t channels = h->config.conv_dim[h->config.convs - 1];
    const float *features = run->features + block * h->block * channels;

    if (h->config.projection_norm)
        norm_block(h, worker->first, h->element, features, &h->projection_norm, channels);
    else
        h->rows.copy(worker->first, h->element, features, h->block * channels);
    call(h->projection, worker, worker->first, NULL, run->x + block * h->block * h->config.hidden);
}

/* Channels of one group; no other group reads or writes them. */
static void position_group(void *context, size_t group, int number)
{
    struct st_hubert_run *run = context;
    const struct st_hubert *h = run->hubert;
    struct st_hubert_worker *worker = &run->workers[number];
    const size_t hidden = h->config.hidden, width = hidden / h->config.position_groups;
    const size_t rows = h->rows_room + h->config.position_kernel - 1;
    const size_t pad = h->config.position_kernel / 2;
    float *x = run->x + group * width;

    memset(worker->first, 0, rows * width * st_row_element_bytes(h->element));
    for (size_t t = 0; t < run->T; t++)
        h->rows.copy(place(h, worker->first, (t + pad) * width), h->element, x + t * hidden, width);
    call(h->positions[group], worker, worker->first, NULL, worker->second);
    const float *y = worker->second;
    for (size_t t = 0; !worker->status && t < run->T; t++)
        for (size_t i = 0; i < width; i++)
            x[t * hidden + i] += y[t * width + i];
}

/* Query, key and value of a layer for a block. */
static void ask(struct st_hubert_run *run, struct st_hubert_worker *worker, size_t layer,
                size_t block)
{
    const struct st_hubert *h = run->hubert;
    const struct st_hubert_layer *l = &h->layers[layer];
    const size_t at = block * h->block * h->config.hidden;
    const size_t d = h->config.hidden / h->config.heads;

    if (h->config.pre_norm)
        norm_block(h, worker->first, h->element, run->x + at, &l->attention_norm, h->config.hidden);
    else
        h->rows.copy(worker->first, h->element, run->x + at, h->block * h->config.hidden);
    for (size_t head = 0; head < h->config.heads; head++) {
        const size_t to = (head * h->rows_room + block * h->block) * d;
        call(l->query[head], worker, worker->first, NULL, place(h, run->query, to));
        call(l->key[head], worker, worker->first, NULL, place(h, run->key[layer % 2], to));
        call(l->value[head], worker, worker->first, NULL, place(h, run->value[layer % 2], to));
    }
}

static void ask_first(void *context, size_t block, int number)
{
    struct st_hubert_run *run = context;
    const struct st_hubert *h = run->hubert;
    float *x = run->x + block * h->block * h->config.hidden;
    if (!h->config.pre_norm)
        norm_block(h, x, ST_ROW_F32, x, &h->encoder_norm, h->config.hidden);
    ask(run, &run->workers[number], 0, block);
}

/* One head of the rows [at, at + attending) of a block into `first`. */
static void attend_rows(struct st_hubert_run *run, struct st_hubert_worker *worker, size_t head,
                        size_t block, size_t at)
{
    const struct st_hubert *h = run->hubert;
    const size_t hidden = h->config.hidden, d = hidden / h->config.heads;
    const size_t bytes = d * st_row_element_bytes(h->element);
    const size_t keys = head * h->rows_room * d;

    call(h->scores, worker, place(h, run->query, keys + (block * h->block + at) * d),
         place(h, run->key[run->layer % 2], keys), worker->scores);
    h->rows.softmax(worker->weights, h->element, worker->scores, run->T, h->attending,
                    h->rows_room);
    call(h->mix, worker, worker->weights, place(h, run->value[run->layer % 2], keys),
         worker->mixed);
    for (size_t row = 0; row < h->attending; row++)
        memcpy(place(h, worker->first, (at + row) * hidden + head * d),
               place(h, worker->mixed, row * d), bytes);
}

/* All heads of a block into `first`. */
static void attend(struct st_hubert_run *run, struct st_hubert_worker *worker, size_t block)
{
    const struct st_hubert *h = run->hubert;

    for (size_t head = 0; head < h->config.heads; head++)
        for (size_t at = 0; !worker->status && at < h->block; at += h->attending)
            attend_rows(run, worker, head, block, at);
}

static void layer_block(void *context, size_t block, int number)
{
    struct st_hubert_run *run = context;
    const struct st_hubert *h = run->hubert;
    const struct st_hubert_layer *l = &h->layers[run->layer];
    struct st_hubert_worker *worker = &run->workers[number];
    const size_t hidden = h->config.hidden;
    const bool last = run->layer + 1 == h->config.layers;
    float *x = run->x + block * h->block * hidden;

    attend(run, worker, block);
    call(l->out, worker, worker->first, NULL, x);
    if (h->config.pre_norm) {
        norm_block(h, worker->first, h->element, x, &l->final_norm, hidden);
    } else {
        norm_block(h, x, ST_ROW_F32, x, &l->attention_norm, hidden);
        h->rows.copy(worker->first, h->element, x, h->block * hidden);
    }
    for (size_t i = 0; i < st_hubert_stripes(&h->config); i++) {
        call(l->widen[i], worker, worker->first, NULL, worker->second);
        call(l->narrow[i], worker, worker->second, NULL, x);
    }
    if (!h->config.pre_norm)
        norm_block(h, x, ST_ROW_F32, x, &l->final_norm, hidden);
    if (!last)
        ask(run, worker, run->layer + 1, block);
    else if (h->config.pre_norm)
        norm_block(h, x, ST_ROW_F32, x, &h->encoder_norm, hidden);
}

/* Keys and values behind the last block of a piece: whatever an earlier piece left there
 * would have no weight, but a number that is none would spread. */
static void clear_rest(struct st_hubert_run *run)
{
    const struct st_hubert *h = run->hubert;
    const size_t d = h->config.hidden / h->config.heads;
    const size_t at = st_hubert_blocks(run) * h->block;
    const size_t bytes = (h->rows_room - at) * d * st_row_element_bytes(h->element);
    for (size_t head = 0; head < h->config.heads; head++)
        for (int i = 0; i < 2; i++) {
            const size_t to = (head * h->rows_room + at) * d;
            memset(place(h, run->key[i], to), 0, bytes);
            memset(place(h, run->value[i], to), 0, bytes);
        }
}

synctalk_status st_hubert_run(struct st_hubert_run *run, const float *samples, size_t count,
                              float *out, synctalk_error *err)
{
    const struct st_hubert *h = run->hubert;
    synctalk_status st;

    run->count = count;
    run->T = st_hubert_config_rows(&h->config, count);
    if (run->T < 1 || run->T > ST_HUBERT_PIECE_ROWS)
        return st_fail(err, SYNCTALK_E_ARG,
                       "a piece of %zu samples gives %zu rows; 1 to %d are possible", count, run->T,
                       ST_HUBERT_PIECE_ROWS);
    memcpy(run->samples, samples, count * sizeof *samples);
    memset(run->samples + count, 0, (run->room - count) * sizeof *samples);
    clear_rest(run);
    const size_t blocks = st_hubert_blocks(run);
    if ((st = st_hubert_front(run, err)) || (st = st_hubert_for(run, blocks, project_block, err)) ||
        (st = st_hubert_for(run, h->config.position_groups, position_group, err)) ||
        (st = st_hubert_for(run, blocks, ask_first, err)))
        return st;
    for (run->layer = 0; run->layer < h->config.layers; run->layer++)
        if ((st = st_hubert_for(run, blocks, layer_block, err)))
            return st;
    memcpy(out, run->x, run->T * h->config.hidden * sizeof *out);
    return SYNCTALK_OK;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Bytes of a worker's two buffers: each holds what any stage puts there. */
static size_t buffer_bytes(const struct st_hubert *h)
{
    const struct st_hubert_config *c = &h->config;
    const size_t width = c->hidden / c->position_groups;
    size_t floats = (h->rows_room + c->position_kernel) * width;
    for (size_t i = 0; i < c->convs; i++)
        floats = larger(floats, h->tile_rows[i] * c->conv_dim[i]);
    floats = larger(floats, h->block * larger(c->hidden, ST_HUBERT_STRIPE));
    return larger(floats, h->block * c->conv_dim[c->convs - 1]) * sizeof(float);
}

static bool open_workers(struct st_hubert_run *run, size_t *asked, synctalk_status *st,
                         synctalk_error *err)
{
    const struct st_hubert *h = run->hubert;
    const size_t scores = h->attending * h->rows_room * sizeof(float), bytes = buffer_bytes(h);
    const size_t d = h->config.hidden / h->config.heads;
    if (!(run->workers = calloc((size_t)run->threads, sizeof *run->workers)))
        return false;
    for (int i = 0; i < run->threads; i++) {
        struct st_hubert_worker *w = &run->workers[i];
        *asked = bytes;
        if (!(w->first = st_alloc_large(bytes)) || !(w->second = st_alloc_large(bytes)) ||
            !(w->scores = st_alloc_large(scores)) || !(w->weights = st_alloc_large(scores)) ||
            !(w->mixed = st_alloc_large(h->attending * d * sizeof(float))))
            return false;
        if ((*st = st_dense_worker_create(&w->dense, h->dense, err)))
            return true;
    }
    return true;
}

static bool open_arrays(struct st_hubert_run *run, size_t *asked)
{
    const struct st_hubert *h = run->hubert;
    const struct st_hubert_config *c = &h->config;
    const size_t all = h->rows_room * c->hidden, bytes = all * st_row_element_bytes(h->element);
    const size_t rows = h->tile_rows[0], channels = c->conv_dim[0];
    /* Whole tiles are read, of rows and of the sums. */
    run->room = h->rows_room * ST_HUBERT_HOP + h->tile_samples + rows * c->conv_stride[0];
    const size_t tiles = run->room / (rows * c->conv_stride[0]) + 1;

    *asked = bytes;
    for (int i = 0; i < 2; i++)
        if (!(run->key[i] = st_alloc_large(bytes)) || !(run->value[i] = st_alloc_large(bytes)))
            return false;
    *asked = tiles * 2 * channels * sizeof *run->sums;
    if (c->group_norm && !(run->sums = st_alloc_large(*asked)))
        return false;
    *asked = run->room * sizeof(float);
    return (run->samples = st_alloc_large(*asked)) && (run->query = st_alloc_large(bytes)) &&
           (run->x = st_alloc_large(all * sizeof(float))) &&
           (run->features =
                st_alloc_large(h->rows_room * c->conv_dim[c->convs - 1] * sizeof(float))) &&
           (run->scale = st_alloc_large(channels * sizeof(float))) &&
           (run->shift = st_alloc_large(channels * sizeof(float)));
}

synctalk_status st_hubert_run_open(struct st_hubert_run **out, const struct st_hubert *hubert,
                                   synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    struct st_hubert_run *run = calloc(1, sizeof *run);
    size_t asked = sizeof *run;

    *out = NULL;
    if (!run)
        return st_fail_memory(err, "an audio encoder's piece", asked);
    run->hubert = hubert;
    run->threads = hubert->threads;
    if (!open_arrays(run, &asked) || !open_workers(run, &asked, &st, err)) {
        st = st_fail_memory(err, "an audio encoder's piece", asked);
        goto done;
    }
    if (st || (st = st_pool_create(&run->pool, run->threads, err)))
        goto done;
    *out = run;
    run = NULL;

done:
    st_hubert_run_close(&run);
    return st;
}

void st_hubert_run_close(struct st_hubert_run **run)
{
    if (!run || !*run)
        return;
    struct st_hubert_run *r = *run;
    st_pool_destroy(&r->pool);
    for (int i = 0; r->workers && i < r->threads; i++) {
        st_dense_worker_destroy(&r->workers[i].dense);
        free(r->workers[i].first);
        free(r->workers[i].second);
        free(r->workers[i].scores);
        free(r->workers[i].weights);
        free(r->workers[i].mixed);
    }
    free(r->workers);
    for (int i = 0; i < 2; i++) {
        free(r->key[i]);
        free(r->value[i]);
    }
    free(r->samples);
    free(r->features);
    free(r->x);
    free(r->query);
    free(r->sums);
    free(r->scale);
    free(r->shift);
    free(r);
    *run = NULL;
}
