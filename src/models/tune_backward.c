/* SPDX-License-Identifier: Apache-2.0 */
/* Backward of one sample, unit by unit from the last to the first.
 *
 * Gradients are those by real numbers, whatever the levels. What a unit rounded is computed
 * again from the bytes that it read, strip by strip, so that only bytes had to be kept.
 *
 *     y = W x, a strip of P pixels:    dx [P, C] = dy [P, K] W [K, C]
 *                                      dW [K, C] += dy' [K, P] x [P, C]
 * both by the kernel of 1x1 convolutions in f32, the second with pixels for channels.
 */
#include <assert.h>
#include <string.h>

#include "kernels/pixel_impl.h"
#include "models/tune_impl.h"

struct back {
    struct st_tune *tune;
    struct st_tune_worker *worker;
    float *parameters, *ranges; /* gradients of the sample */
    struct st_tune_sums sums;
};

static void clear_sums(struct back *b)
{
    const size_t widest = b->tune->widest;
    memset(b->worker->sums, 0, 4 * widest * sizeof(double));
}

/* dL/dbias of a convolution and dL/d of what its output ranges over. */
static void take_sums(struct back *b, const struct st_tune_conv *conv,
                      const struct st_tune_range *range)
{
    for (size_t k = 0; k < conv->part.K; k++)
        b->parameters[conv->bias_at + k] += (float)b->sums.bias[k];
    if (!range || range->at == ST_TUNE_NONE)
        return;
    for (size_t c = 0; c < range->real; c++) {
        const double scale = (double)range->levels.scale[c];
        const double inside = b->sums.inside[c] / 255;
        const double low = (double)range->levels.zero[c] * scale; /* as far as zero is exact */
        const double high = 255 * scale - low;
        b->ranges[range->at + c] = (float)((double)ST_TUNE_RATE * high * (b->sums.top[c] + inside));
        if (range->both)
            b->ranges[range->at + range->real + c] =
                (float)((double)ST_TUNE_RATE * -low * (b->sums.bottom[c] - inside));
    }
}

/* dst [P, n] = g [P, K] W, or added to `add` where that is not NULL. */
static void back_data(const struct back *b, const struct st_tune_conv *conv, const float *g,
                      size_t g_stride, float *dst, size_t dst_stride, size_t P)
{
    const struct st_tune *t = b->tune;
    const struct st_pointwise pointwise = {.in = ST_ELEMENT_F32,
                                           .out = ST_ELEMENT_F32,
                                           .C = conv->K,
                                           .K = conv->taps * conv->C,
                                           .weights = conv->back,
                                           .bias = t->zeros,
                                           .add_scale = t->ones};
    t->pixels.pointwise[ST_ELEMENT_F32](&pointwise, dst, dst_stride, g, g_stride, NULL, 0, P);
}

/* One strip's share of dW; `turn` counts strips. Bytes x [P, n] are worth scale (x - zero). */
static void back_weights(const struct back *b, const struct st_tune_conv *conv, size_t turn,
                         const float *g, size_t g_stride, const unsigned char *x, size_t P,
                         const float *scale, const float *zero)
{
    const struct st_tune *t = b->tune;
    struct st_tune_worker *w = b->worker;
    const size_t n = conv->taps * conv->C, S = (P + 15) / 16 * 16;
    float *across = w->strip[2], *packed = w->strip[3]; /* [K, S], [n/16, S, 16] */
    for (size_t p = 0; p < S; p++)
        for (size_t k = 0; k < conv->K; k++)
            across[k * S + p] = p < P ? g[p * g_stride + k] : 0;
    for (size_t c = 0; c < n; c += 16) {
        float *to = packed + c * S;
        for (size_t p = 0; p < P; p++)
            for (size_t i = 0; i < 16; i++)
                to[p * 16 + i] =
                    scale[c + i] * ((float)x[p * n + c + i] - (zero ? zero[c + i] : 0));
        memset(to + P * 16, 0, (S - P) * 16 * sizeof *to);
    }
    const struct st_pointwise pointwise = {.in = ST_ELEMENT_F32,
                                           .out = ST_ELEMENT_F32,
                                           .add = ST_ELEMENT_F32,
                                           .adds = turn > 0,
                                           .C = S,
                                           .K = n,
                                           .weights = packed,
                                           .bias = t->zeros,
                                           .add_scale = t->ones};
    t->pixels.pointwise[ST_ELEMENT_F32](&pointwise, w->dw[turn % 2], n, across, S,
                                        w->dw[(turn + 1) % 2], n, conv->K);
}

/* dW after `turns` strips, to the parameter before it was folded. */
static void take_weights(struct back *b, const struct st_tune_conv *conv, size_t turns,
                         const size_t *place)
{
    const struct st_part *part = &conv->part;
    const size_t n = conv->taps * conv->C;
    const float *dw = b->worker->dw[(turns + 1) % 2];
    float *to = b->parameters + conv->weight_at;
    for (size_t k = 0; k < part->K; k++)
        for (size_t c = 0; c < part->C; c++)
            for (size_t tap = 0; tap < conv->taps; tap++)
                to[(k * part->C + c) * conv->taps + tap] =
                    conv->fold[k] * dw[k * n + tap * conv->C + (place ? place[c] : c)];
}

static void add_rows(float *to, size_t to_stride, const float *from, size_t from_stride, size_t C,
                     size_t P)
{
    for (size_t p = 0; p < P; p++)
        for (size_t c = 0; c < C; c++)
            to[p * to_stride + c] += from[p * from_stride + c];
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Through the 1x1 back: gradients of what is filtered, [E/16, out_P, 16]. */
static void back_project(struct back *b, size_t index)
{
    struct st_tune *t = b->tune;
    struct st_tune_worker *w = b->worker;
    const struct st_tune_unit *u = &t->units[index];
    const struct st_tune_conv *conv = &u->convs[2];
    const struct st_tune_result *out = &t->results[index];
    const unsigned char *read = st_tune_rows(t, w, index);
    struct st_pointwise again = u->project;
    size_t turn = 0;
    again.out = ST_ELEMENT_F32;
    clear_sums(b);
    for (size_t first = 0; first < u->out_P; first += ST_TUNE_STRIP, turn++) {
        const size_t P = least(ST_TUNE_STRIP, u->out_P - first);
        float *g = w->gradients[index] + first * u->K;
        const unsigned char *x = w->filtered[index] + first * u->E;
        if (out->bytes) {
            t->pixels.pointwise[ST_ELEMENT_U8](&again, w->strip[0], u->K, x, u->E,
                                               read + first * u->C, u->C, P);
            st_tune_round_back(g, u->K, w->strip[0], u->K, P, u->K, false, &b->sums);
        } else {
            st_tune_add_up(b->sums.bias, g, u->K, P, u->K);
        }
        if (u->unit.residual)
            add_rows(w->gradients[u->reads[0]] + first * u->C, u->C, g, u->K, u->K, P);
        back_weights(b, conv, turn, g, u->K, x, P, u->filtered.levels.scale, NULL);
        back_data(b, conv, g, u->K, w->strip[1], u->E, P);
        for (size_t e = 0; e < u->E; e += 16)
            for (size_t p = 0; p < P; p++)
                memcpy(w->wide[0] + (e * u->out_P + (first + p) * 16), w->strip[1] + p * u->E + e,
                       16 * sizeof(float));
    }
    take_sums(b, conv, out->bytes ? &out->range : NULL);
    take_weights(b, conv, turn, NULL);
}

/* Through the depthwise convolution: gradients of what is expanded, [E/16, P, 16]. */
static void back_filter(struct back *b, size_t index)
{
    struct st_tune *t = b->tune;
    struct st_tune_worker *w = b->worker;
    const struct st_tune_unit *u = &t->units[index];
    const struct st_tune_conv *conv = &u->convs[1];
    float *x = w->block[0], *v = w->block[1];
    double dw[ST_TRAIN_TAPS * 16];
    clear_sums(b);
    for (size_t e = 0; e < u->E; e += 16) {
        const struct st_train_depthwise depthwise = {.H = u->H,
                                                     .W = u->W,
                                                     .P = u->out_H,
                                                     .Q = u->out_W,
                                                     .stride = u->unit.stride_w,
                                                     .w = conv->real + e * ST_TRAIN_TAPS,
                                                     .scratch = w->depth};
        const float *scale = u->expanded.levels.scale + e;
        const float *inverse = u->filtered.levels.inverse + e, *bias = conv->add_scale + e;
        float *g = w->wide[0] + e * u->out_P;
        struct st_tune_sums sums = {b->sums.bias + e, b->sums.top + e, b->sums.bottom + e,
                                    b->sums.inside + e};
        for (size_t p = 0; p < u->P; p++)
            for (size_t c = 0; c < 16; c++)
                x[p * 16 + c] = scale[c] * (float)w->expanded[index][p * u->E + e + c];
        t->train.depthwise(v, NULL, x, &depthwise, 16);
        for (size_t p = 0; p < u->out_P; p++)
            for (size_t c = 0; c < 16; c++)
                v[p * 16 + c] = (v[p * 16 + c] + bias[c]) * inverse[c];
        for (size_t first = 0; first < u->out_P; first += ST_TUNE_STRIP)
            st_tune_round_back(g + first * 16, 16, v + first * 16, 16,
                               least(ST_TUNE_STRIP, u->out_P - first), 16, true, &sums);
        t->train.depthwise_backward(w->wide[1] + e * u->P, dw, NULL, g, x, v, &depthwise, 16);
        for (size_t c = 0; c < 16 && e + c < conv->part.K; c++)
            for (size_t tap = 0; tap < ST_TRAIN_TAPS; tap++)
                b->parameters[conv->weight_at + (e + c) * ST_TRAIN_TAPS + tap] =
                    conv->fold[e + c] * (float)dw[tap * 16 + c];
    }
    take_sums(b, conv, &u->filtered);
}

/* Through the first 1x1: gradients of what is read, into `read` [P, C]; none of an input. */
static void back_expand(struct back *b, size_t index, float *read)
{
    struct st_tune *t = b->tune;
    struct st_tune_worker *w = b->worker;
    const struct st_tune_unit *u = &t->units[index];
    const struct st_tune_conv *conv = &u->convs[0];
    const unsigned char *rows = st_tune_rows(t, w, index);
    struct st_pointwise again = u->expand;
    size_t turn = 0;
    again.out = ST_ELEMENT_F32;
    again.relu = false;
    clear_sums(b);
    for (size_t first = 0; first < u->P; first += ST_TUNE_STRIP, turn++) {
        const size_t P = least(ST_TUNE_STRIP, u->P - first);
        const unsigned char *x = rows + first * u->C;
        float *g = w->strip[1];
        for (size_t e = 0; e < u->E; e += 16)
            for (size_t p = 0; p < P; p++)
                memcpy(g + p * u->E + e, w->wide[1] + (e * u->P + (first + p) * 16),
                       16 * sizeof(float));
        t->pixels.pointwise[ST_ELEMENT_U8](&again, w->strip[0], u->E, x, u->C, NULL, 0, P);
        st_tune_round_back(g, u->E, w->strip[0], u->E, P, u->E, true, &b->sums);
        back_weights(b, conv, turn, g, u->E, x, P, u->read_scale, u->read_scale + u->C);
        if (read)
            back_data(b, conv, g, u->E, read + first * u->C, u->C, P);
    }
    take_sums(b, conv, &u->expanded);
    take_weights(b, conv, turn, u->place);
}

/* Gradients of what is read, to those of the parts. */
static void give_parts(struct back *b, size_t index)
{
    struct st_tune *t = b->tune;
    struct st_tune_worker *w = b->worker;
    const struct st_tune_unit *u = &t->units[index];
    const struct st_tune_result *r = &t->results[u->reads[0]];
    const size_t small = r->H * r->W;
    if (u->unit.source != ST_READ_RAISE) {
        add_rows(w->gradients[u->reads[0]], r->C, w->read, u->C, r->C, u->P);
    } else {
        for (size_t c = 0; c < r->C; c += 16) {
            float *block = w->block[0], *down = w->block[1];
            for (size_t p = 0; p < u->P; p++)
                memcpy(block + p * 16, w->read + p * u->C + c, 16 * sizeof(float));
            t->train.upsample_backward(down, block, r->H, r->W, w->depth, 16);
            add_rows(w->gradients[u->reads[0]] + c, r->C, down, 16, 16, small);
        }
    }
    if (u->read_count == 2)
        add_rows(w->gradients[u->reads[1]], u->C - r->C, w->read + r->C, u->C, u->C - r->C, u->P);
}

/* The nine pixels under a kernel, back to where they lie. */
static void scatter(struct back *b, size_t index, const float *from, size_t first, size_t P)
{
    const struct st_tune_unit *u = &b->tune->units[index];
    const size_t pad = (size_t)u->unit.pad;
    float *to = b->worker->gradients[u->reads[0]];
    for (size_t p = first; p < first + P; p++) {
        for (size_t i = 0; i < 9; i++, from += u->C) {
            const size_t y = p / u->out_W * (size_t)u->unit.stride_h + i / 3;
            const size_t x = p % u->out_W * (size_t)u->unit.stride_w + i % 3;
            if (y < pad || y >= u->H + pad || x < pad || x >= u->W + pad)
                continue;
            add_rows(to + ((y - pad) * u->W + x - pad) * u->C, u->C, from, u->C, u->C, 1);
        }
    }
}

static void back_dense(struct back *b, size_t index)
{
    struct st_tune *t = b->tune;
    struct st_tune_worker *w = b->worker;
    const struct st_tune_unit *u = &t->units[index];
    const struct st_tune_conv *conv = &u->convs[0];
    const size_t n = 9 * u->C;
    struct st_pointwise again = u->project;
    size_t turn = 0;
    again.out = ST_ELEMENT_F32;
    again.relu = false;
    clear_sums(b);
    for (size_t first = 0; first < u->out_P; first += ST_TUNE_STRIP, turn++) {
        const size_t P = least(ST_TUNE_STRIP, u->out_P - first);
        const unsigned char *x = w->rows[index] + first * n;
        float *g = w->gradients[index] + first * u->K;
        t->pixels.pointwise[ST_ELEMENT_U8](&again, w->strip[0], u->K, x, n, NULL, 0, P);
        st_tune_round_back(g, u->K, w->strip[0], u->K, P, u->K, true, &b->sums);
        back_weights(b, conv, turn, g, u->K, x, P, u->read_scale, u->read_scale + n);
        back_data(b, conv, g, u->K, w->strip[1], n, P);
        scatter(b, index, w->strip[1], first, P);
    }
    take_sums(b, conv, &t->results[index].range);
    take_weights(b, conv, turn, u->place);
}

/* The head reads numbers: they are made bytes' worth of f32 by a scale of one. */
static void back_head(struct back *b, size_t index, const float *dout)
{
    struct st_tune *t = b->tune;
    struct st_tune_worker *w = b->worker;
    const struct st_tune_unit *u = &t->units[index];
    const struct st_tune_conv *conv = &u->convs[0];
    const size_t real = t->results[index].real;
    const unsigned char *rows = st_tune_rows(t, w, index);
    double dw[3 * 16 * 4];
    assert(real == 3 && u->C <= 64);
    memset(dw, 0, sizeof dw);
    clear_sums(b);
    for (size_t first = 0; first < u->P; first += ST_TUNE_STRIP) {
        const size_t P = least(ST_TUNE_STRIP, u->P - first);
        float *g = w->strip[0], *x = w->strip[1];
        for (size_t p = 0; p < P; p++) {
            for (size_t k = 0; k < u->K; k++) {
                const size_t at = k * u->P + first + p;
                g[p * u->K + k] = k < real ? dout[at] * w->out[at] * (1 - w->out[at]) : 0;
            }
            for (size_t c = 0; c < u->C; c++) {
                const size_t at = (first + p) * u->C + c;
                x[p * u->C + c] = t->head == ST_ELEMENT_BF16
                                      ? st_bf16_number(((const uint16_t *)(const void *)rows)[at])
                                      : ((const float *)(const void *)rows)[at];
            }
        }
        st_tune_add_up(b->sums.bias, g, u->K, P, u->K);
        for (size_t k = 0; k < real; k++) {
            float sums[64] = {0};
            for (size_t p = 0; p < P; p++)
                for (size_t c = 0; c < u->C; c++)
                    sums[c] += g[p * u->K + k] * x[p * u->C + c];
            for (size_t c = 0; c < u->C; c++)
                dw[k * u->C + c] += (double)sums[c];
        }
        back_data(b, conv, g, u->K, w->gradients[u->reads[0]] + first * u->C, u->C, P);
    }
    take_sums(b, conv, NULL);
    for (size_t k = 0; k < real; k++)
        for (size_t c = 0; c < u->channels; c++)
            b->parameters[conv->weight_at + k * u->channels + c] =
                (float)dw[k * u->C + u->place[c]];
}

static void back_unit(struct back *b, size_t index, const float *dout)
{
    struct st_tune *t = b->tune;
    struct st_tune_worker *w = b->worker;
    const struct st_tune_unit *u = &t->units[index];
    const bool input = u->reads[0] >= t->count;
    switch (u->unit.kind) {
    case ST_UNIT_HEAD:
        back_head(b, index, dout);
        break;
    case ST_UNIT_DENSE:
        back_dense(b, index);
        break;
    case ST_UNIT_INVERTED:
        back_project(b, index);
        back_filter(b, index);
        back_expand(b, index, input ? NULL : w->read);
        if (!input)
            give_parts(b, index);
        break;
    }
}

void st_tune_backward(struct st_tune *t, int worker, size_t n, const float *dout)
{
    struct st_tune_worker *w = &t->worker[worker];
    float *mine = t->gradients + n * (t->parameter_count + t->range_count);
    struct back b = {
        .tune = t,
        .worker = w,
        .parameters = mine,
        .ranges = mine + t->parameter_count,
        .sums = {w->sums, w->sums + t->widest, w->sums + 2 * t->widest, w->sums + 3 * t->widest}};
    memset(mine, 0, (t->parameter_count + t->range_count) * sizeof *mine);
    for (size_t i = 0; i < t->count; i++) {
        const struct st_tune_result *r = &t->results[i];
        memset(w->gradients[i], 0, r->H * r->W * r->C * sizeof(float));
    }
    for (size_t i = t->count; i-- > 0;)
        back_unit(&b, i, dout);
}
