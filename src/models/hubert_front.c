/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions over the samples, tile by tile: every row of the result hears a fixed stretch
 * of sound, so a tile needs its samples alone, and what lies between two convolutions is
 * never as long as the piece. A group norm is over the whole piece: then the first
 * convolution, a thousandth of the work, runs twice.
 */
#include <math.h>
#include <string.h>

#include "models/hubert_impl.h"

static void run_tile(void *context, size_t tile, int number)
{
    struct st_hubert_run *run = context;
    const struct st_hubert *h = run->hubert;
    const struct st_hubert_config *c = &h->config;
    struct st_hubert_worker *worker = &run->workers[number];
    const size_t channels = c->conv_dim[c->convs - 1];
    float *features = run->features + tile * h->tile * channels;
    const void *src = run->samples + tile * h->tile * ST_HUBERT_HOP;

    for (size_t i = 0; !worker->status && i < c->convs; i++) {
        const struct st_hubert_convolution *conv = &h->convolutions[i];
        const bool last = i + 1 == c->convs;
        const bool normed = conv->norm.scale != NULL;
        void *other = src == worker->second ? worker->first : worker->second;
        void *dst = last ? features : normed ? worker->second : other;
        worker->status = st_dense_run(conv->layer, worker->dense, src, NULL,
                                      normed ? worker->first : dst, &worker->error);
        const enum st_row_element element = last ? ST_ROW_F32 : h->element;
        if (worker->status)
            return;
        if (normed && c->group_norm)
            h->rows.scale_gelu(dst, element, worker->first, run->scale, run->shift, h->tile_rows[i],
                               c->conv_dim[i]);
        else if (normed)
            h->rows.norm(dst, element, worker->first,
                         &(struct st_row_norm){conv->norm.scale, conv->norm.shift, 1e-5f, true},
                         h->tile_rows[i], c->conv_dim[i]);
        src = dst;
    }
}

/* Rows of the first convolution in the whole piece. */
static size_t first_rows(const struct st_hubert_run *run)
{
    const struct st_hubert_config *c = &run->hubert->config;
    return (run->count - c->conv_kernel[0]) / c->conv_stride[0] + 1;
}

/* Sums of the rows [tile n, (tile + 1) n) of the first convolution. */
static void sum_tile(void *context, size_t tile, int number)
{
    struct st_hubert_run *run = context;
    const struct st_hubert *h = run->hubert;
    const size_t channels = h->config.conv_dim[0], n = h->tile_rows[0];
    struct st_hubert_worker *worker = &run->workers[number];
    double *sum = run->sums + tile * 2 * channels, *square = sum + channels;
    const size_t begin = tile * n, all = first_rows(run);
    const size_t end = begin + n < all ? begin + n : all;

    if (!worker->status)
        worker->status = st_dense_run(h->convolutions[0].layer, worker->dense,
                                      run->samples + begin * h->config.conv_stride[0], NULL,
                                      worker->first, &worker->error);
    if (worker->status)
        return;
    memset(sum, 0, 2 * channels * sizeof *sum);
    for (size_t row = begin; row < end; row++) {
        const float *z = (const float *)worker->first + (row - begin) * channels;
        for (size_t k = 0; k < channels; k++) {
            sum[k] += (double)z[k];
            square[k] += (double)z[k] * (double)z[k];
        }
    }
}

/* What the group norm, one channel a group, does in this piece, as one scale and shift. */
static synctalk_status measure(struct st_hubert_run *run, synctalk_error *err)
{
    const struct st_hubert *h = run->hubert;
    const struct st_hubert_norm *norm = &h->convolutions[0].norm;
    const size_t channels = h->config.conv_dim[0], n = h->tile_rows[0];
    const double all = (double)first_rows(run);
    const size_t tiles = (first_rows(run) + n - 1) / n;
    synctalk_status st = st_hubert_for(run, tiles, sum_tile, err);
    if (st)
        return st;
    for (size_t k = 0; k < channels; k++) {
        double sum = 0;
        double square = 0;
        for (size_t tile = 0; tile < tiles; tile++) {
            sum += run->sums[tile * 2 * channels + k];
            square += run->sums[tile * 2 * channels + channels + k];
        }
        const double mean = sum / all;
        const double variance = fmax(square / all - mean * mean, 0);
        const double factor = (double)norm->scale[k] / sqrt(variance + 1e-5);
        run->scale[k] = (float)factor;
        run->shift[k] = (float)((double)norm->shift[k] - mean * factor);
    }
    return SYNCTALK_OK;
}

synctalk_status st_hubert_front(struct st_hubert_run *run, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    const size_t tile = run->hubert->tile;
    if (run->hubert->config.group_norm)
        st = measure(run, err);
    return st ? st : st_hubert_for(run, (run->T + tile - 1) / tile, run_tile, err);
}
