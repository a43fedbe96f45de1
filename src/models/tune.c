/* SPDX-License-Identifier: Apache-2.0 */
/* Making it: who reads what, what must be in memory, where parameters lie. */
#include "models/tune_impl.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/stage.h"

#define IMAGE_CHANNELS 6

void *st_tune_alloc(struct st_tune *tune, size_t count, size_t size)
{
    size_t bytes;
    void *block = st_mul_size(count, size, &bytes) ? st_alloc_aligned(bytes + ST_ALIGNMENT) : NULL;
    if (block)
        tune->bytes += bytes;
    return block;
}

static synctalk_status no_memory(synctalk_error *err)
{
    return st_fail_memory(err, "the fine-tuning of a network", 0);
}

/* As st_unet_stages_open() wires it. */
static void wire(struct st_tune *t, const struct st_unet_form *form)
{
    size_t held[ST_HELD_COUNT] = {0}, last = 0;
    struct st_unet_unit unit;
    while (st_unet_unit_at(form, t->count, &unit))
        t->units[t->count++].unit = unit;
    t->image = t->count;
    t->sound = t->count + 1;
    t->results[t->image] = (struct st_tune_result){
        .C = 16, .real = IMAGE_CHANNELS, .H = ST_UNET_SIDE, .W = ST_UNET_SIDE, .bytes = true};
    t->results[t->sound] = (struct st_tune_result){.C = st_stage_padded(form->audio_dims[0]),
                                                   .real = form->audio_dims[0],
                                                   .H = form->audio_dims[1],
                                                   .W = form->audio_dims[2],
                                                   .bytes = true};
    for (size_t i = 0; i < t->count; i++) {
        struct st_tune_unit *u = &t->units[i];
        const struct st_unet_unit *w = &u->unit;
        const bool dense = w->kind == ST_UNIT_DENSE, head = w->kind == ST_UNIT_HEAD;
        if (head)
            u->unit.stride_h = u->unit.stride_w = 1;
        u->read_count = w->source == ST_READ_JOIN || w->source == ST_READ_RAISE ? 2 : 1;
        u->reads[0] = w->source == ST_READ_IMAGE   ? t->image
                      : w->source == ST_READ_AUDIO ? t->sound
                      : w->source == ST_READ_JOIN  ? held[w->with]
                                                   : last;
        u->reads[1] = w->source == ST_READ_JOIN ? held[ST_HELD_AUDIO] : held[w->with];
        const size_t twice = w->source == ST_READ_RAISE ? 2 : 1;
        const size_t reach = dense ? 2 * (size_t)w->pad : 2;
        u->H = twice * t->results[u->reads[0]].H;
        u->W = twice * t->results[u->reads[0]].W;
        u->P = u->H * u->W;
        for (int k = 0; k < u->read_count; k++) {
            u->C += t->results[u->reads[k]].C;
            u->channels += t->results[u->reads[k]].real;
        }
        u->out_H = (u->H + reach - 3) / (size_t)w->stride_h + 1;
        u->out_W = (u->W + reach - 3) / (size_t)w->stride_w + 1;
        u->out_P = u->out_H * u->out_W;
        u->K = st_stage_padded((size_t)w->cout);
        u->E = w->kind == ST_UNIT_INVERTED ? st_stage_padded(2 * u->channels) : 0;
        t->results[i] = (struct st_tune_result){
            .C = u->K, .real = (size_t)w->cout, .H = u->out_H, .W = u->out_W, .bytes = true};
        held[w->hold] = last = i;
    }
    /* what the head reads, and what it writes */
    t->results[t->count - 1].bytes = t->results[t->count - 2].bytes = false;
}

static bool open_range(struct st_tune *t, struct st_tune_range *r, size_t C, size_t real, bool both,
                       bool relu, bool learns)
{
    *r = (struct st_tune_range){
        .C = C, .real = real, .both = both, .relu = relu, .at = ST_TUNE_NONE};
    if (learns) {
        r->at = t->range_count;
        t->range_count += real * (both ? 2 : 1);
    }
    r->numbers = st_tune_alloc(t, 4 * C, sizeof(float));
    r->levels =
        (struct st_levels){r->numbers, r->numbers + C, r->numbers + 2 * C, r->numbers + 3 * C};
    return r->numbers != NULL;
}

static synctalk_status open_ranges(struct st_tune *t, synctalk_error *err)
{
    bool ok = true;
    for (size_t i = 0; i < t->count + 2; i++) {
        struct st_tune_result *r = &t->results[i];
        const bool relu = i < t->count && t->units[i].unit.kind == ST_UNIT_DENSE;
        if (r->bytes)
            ok = ok && open_range(t, &r->range, r->C, r->real, !relu && i != t->image, relu,
                                  i < t->count);
    }
    for (size_t i = 0; i < t->count; i++) {
        struct st_tune_unit *u = &t->units[i];
        if (u->E == 0)
            continue;
        ok = ok && open_range(t, &u->expanded, u->E, 2 * u->channels, false, true, true);
        ok = ok && open_range(t, &u->filtered, u->E, 2 * u->channels, false, true, true);
    }
    t->ranges = st_tune_alloc(t, t->range_count, sizeof(float));
    t->range_gradients = st_tune_alloc(t, t->range_count, sizeof(float));
    return ok && t->ranges && t->range_gradients ? SYNCTALK_OK : no_memory(err);
}

static bool open_raise(struct st_tune *t, struct st_tune_unit *u)
{
    u->first = st_tune_alloc(t, u->W, sizeof *u->first);
    u->second = st_tune_alloc(t, u->W, sizeof *u->second);
    u->t = st_tune_alloc(t, u->W, sizeof *u->t);
    u->above = st_tune_alloc(t, u->H, sizeof *u->above);
    u->between = st_tune_alloc(t, u->H, sizeof *u->between);
    if (!u->first || !u->second || !u->t || !u->above || !u->between)
        return false;
    st_stage_raise_places(u->W / 2, u->first, u->second, u->t);
    st_stage_raise_places(u->H / 2, u->above, NULL, u->between);
    return true;
}

static size_t taps_read(const struct st_tune_unit *u)
{
    return u->unit.kind == ST_UNIT_DENSE ? 9 : 1;
}

static synctalk_status open_unit(struct st_tune *t, struct st_tune_unit *u, synctalk_error *err)
{
    struct st_part parts[ST_UNET_PARTS];
    synctalk_status st = SYNCTALK_OK;
    const size_t taps = taps_read(u);
    u->conv_count = (int)st_unet_unit_parts(&u->unit, parts);
    u->place = st_tune_alloc(t, u->channels, sizeof *u->place);
    u->read_scale = st_tune_alloc(t, 2 * taps * u->C, sizeof(float));
    if (!u->place || !u->read_scale || (u->unit.source == ST_READ_RAISE && !open_raise(t, u)))
        return no_memory(err);
    for (size_t k = 0, at = 0, real = 0; k < (size_t)u->read_count; k++) {
        const struct st_tune_result *r = &t->results[u->reads[k]];
        for (size_t c = 0; c < r->real; c++)
            u->place[real++] = at + c;
        at += r->C;
    }
    if (u->E == 0)
        return st_tune_conv_open(t, &u->convs[0], &parts[0], u->K, u->C, taps, err);
    if (!(st = st_tune_conv_open(t, &u->convs[0], &parts[0], u->E, u->C, 1, err)) &&
        !(st = st_tune_conv_open(t, &u->convs[1], &parts[1], u->E, 1, 9, err)))
        st = st_tune_conv_open(t, &u->convs[2], &parts[2], u->K, u->E, 1, err);
    return st;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static synctalk_status open_worker(struct st_tune *t, struct st_tune_worker *w, synctalk_error *err)
{
    size_t wide = 0, block = 0, read = 0, dw = 0, depth = 0;
    bool ok = true;
    for (size_t i = 0; i < t->count; i++) {
        const struct st_tune_unit *u = &t->units[i];
        const struct st_tune_result *r = &t->results[i];
        const bool direct = u->read_count == 1 && u->reads[0] < t->count && taps_read(u) == 1;
        const size_t row = taps_read(u) * u->C;
        wide = larger(wide, larger(u->P, u->out_P) * u->E);
        block = larger(block, larger(u->P, u->out_P) * 16);
        read = larger(read, u->P * u->C);
        dw = larger(dw, larger(u->E * u->C, u->K * larger(u->E, row)));
        depth = larger(depth, st_train_scratch_size(u->W, 16));
        if (!direct)
            ok = ok &&
                 (w->rows[i] = st_tune_alloc(t, (taps_read(u) == 1 ? u->P : u->out_P) * row, 1));
        if (u->E) {
            ok = ok && (w->expanded[i] = st_tune_alloc(t, u->P * u->E, 1));
            ok = ok && (w->filtered[i] = st_tune_alloc(t, u->out_P * u->E, 1));
        }
        const size_t numbers = r->H * r->W * r->C;
        ok = ok && (w->results[i] = st_tune_alloc(t, numbers, r->bytes ? 1 : sizeof(float)));
        ok = ok && (w->gradients[i] = st_tune_alloc(t, numbers, sizeof(float)));
    }
    const struct st_tune_result *sound = &t->results[t->sound];
    ok = ok && (w->sound = st_tune_alloc(t, sound->H * sound->W * sound->C, sizeof(float)));
    for (int i = 0; i < 2; i++) {
        ok = ok && (w->wide[i] = st_tune_alloc(t, wide, sizeof(float)));
        ok = ok && (w->block[i] = st_tune_alloc(t, block, sizeof(float)));
        ok = ok && (w->dw[i] = st_tune_alloc(t, dw, sizeof(float)));
    }
    for (int i = 0; i < 4; i++)
        ok = ok && (w->strip[i] = st_tune_alloc(t, ST_TUNE_STRIP * t->widest, sizeof(float)));
    ok = ok && (w->read = st_tune_alloc(t, larger(read, (size_t)ST_UNET_SIDE * 16), sizeof(float)));
    ok = ok && (w->depth = st_tune_alloc(t, depth, sizeof(float)));
    ok = ok && (w->sums = st_tune_alloc(t, 4 * t->widest, sizeof(double)));
    return ok ? SYNCTALK_OK : no_memory(err);
}

static synctalk_status open_all(struct st_tune *t, synctalk_error *err)
{
    synctalk_status st;
    if ((st = open_ranges(t, err)))
        return st;
    for (size_t i = 0; i < t->count; i++) {
        struct st_tune_unit *u = &t->units[i];
        t->widest = larger(t->widest, larger(taps_read(u) * u->C, larger(u->E, u->K)));
        if ((st = open_unit(t, u, err)))
            return st;
    }
    t->zeros = st_tune_alloc(t, t->widest, sizeof(float));
    t->ones = st_tune_alloc(t, t->widest, sizeof(float));
    t->gradients =
        st_tune_alloc(t, (size_t)t->batch * (t->parameter_count + t->range_count), sizeof(float));
    t->worker = calloc((size_t)t->workers, sizeof *t->worker);
    if (!t->zeros || !t->ones || !t->gradients || !t->worker)
        return no_memory(err);
    for (size_t c = 0; c < t->widest; c++)
        t->ones[c] = 1;
    for (int i = 0; i < t->workers; i++)
        if ((st = open_worker(t, &t->worker[i], err)))
            return st;
    return SYNCTALK_OK;
}

synctalk_status st_tune_open(struct st_tune **out, struct st_train_net *net,
                             const struct st_unet_form *form, const struct st_kernels *kernels,
                             struct st_pool *pool, int batch, synctalk_error *err)
{
    synctalk_status st;
    *out = NULL;
    if (!st_pixel_kernels_have(kernels->flags, ST_ELEMENT_U8))
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "--quantize: this processor has no fast arithmetic of bytes, or --cpu-mask "
                       "forbids it; do it on one with AVX2");
    struct st_tune *t = calloc(1, sizeof *t);
    if (!t)
        return no_memory(err);
    t->net = net;
    t->pool = pool;
    t->batch = batch;
    t->workers = st_pool_workers(pool);
    t->narrow = st_pixel_kernels_narrow(kernels->flags);
    t->head =
        st_pixel_kernels_have(kernels->flags, ST_ELEMENT_BF16) ? ST_ELEMENT_BF16 : ST_ELEMENT_F32;
    t->parameter_count = st_train_net_parameter_count(net);
    st_pixel_kernels_init(&t->pixels, kernels->flags);
    st_train_kernels_init(&t->train, kernels->flags, ST_TRAIN_ELEMENT_F32, 16);
    wire(t, form);
    if ((st = open_all(t, err)))
        goto done;
    *out = t;
    t = NULL;
done:
    st_tune_close(&t);
    return st;
}

static void close_worker(struct st_tune_worker *w)
{
    for (size_t i = 0; i < ST_UNET_UNITS; i++) {
        free(w->rows[i]);
        free(w->expanded[i]);
        free(w->filtered[i]);
        free(w->results[i]);
        free(w->gradients[i]);
    }
    for (int i = 0; i < 2; i++) {
        free(w->wide[i]);
        free(w->block[i]);
        free(w->dw[i]);
    }
    for (int i = 0; i < 4; i++)
        free(w->strip[i]);
    free(w->sound);
    free(w->read);
    free(w->depth);
    free(w->sums);
}

void st_tune_close(struct st_tune **tune)
{
    if (!tune || !*tune)
        return;
    struct st_tune *t = *tune;
    for (size_t i = 0; i < ST_UNET_UNITS; i++) {
        struct st_tune_unit *u = &t->units[i];
        for (int k = 0; k < ST_UNET_PARTS; k++)
            st_tune_conv_close(&u->convs[k]);
        free(u->expanded.numbers);
        free(u->filtered.numbers);
        free(u->place);
        free(u->read_scale);
        free(u->first);
        free(u->second);
        free(u->t);
        free(u->above);
        free(u->between);
    }
    for (size_t i = 0; i < ST_UNET_UNITS + 2; i++)
        free(t->results[i].range.numbers);
    for (int i = 0; t->worker && i < t->workers; i++)
        close_worker(&t->worker[i]);
    free(t->worker);
    free(t->zeros);
    free(t->ones);
    free(t->gradients);
    free(t->ranges);
    free(t->range_gradients);
    free(t);
    *tune = NULL;
}

size_t st_tune_bytes(const struct st_tune *tune)
{
    return tune->bytes;
}

size_t st_tune_range_count(const struct st_tune *tune)
{
    return tune->range_count;
}

float *st_tune_ranges(struct st_tune *tune)
{
    return tune->ranges;
}

float *st_tune_range_gradients(struct st_tune *tune)
{
    return tune->range_gradients;
}

struct reduction {
    struct st_tune *tune;
    size_t samples;
};

#define SLICE ((size_t)1 << 15)

static void reduce_turn(void *context, size_t slice, int worker)
{
    const struct reduction *r = context;
    struct st_tune *t = r->tune;
    const size_t all = t->parameter_count + t->range_count, first = slice * SLICE;
    const size_t end = first + SLICE < all ? first + SLICE : all;
    float *net = st_train_net_gradients(t->net);
    (void)worker;
    for (size_t n = 0; n < r->samples; n++) {
        const float *from = t->gradients + n * all;
        for (size_t i = first; i < end; i++) {
            if (i < t->parameter_count)
                net[i] += from[i];
            else
                t->range_gradients[i - t->parameter_count] += from[i];
        }
    }
}

void st_tune_reduce(struct st_tune *tune, size_t samples)
{
    struct reduction r = {tune, samples};
    const size_t all = tune->parameter_count + tune->range_count;
    st_pool_for(tune->pool, (all + SLICE - 1) / SLICE, reduce_turn, &r);
}
