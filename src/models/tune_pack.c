/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters and ranges to what the kernels of bytes read. Every rounding is that of
 * nn/stage_build.c and models/parts.c; a test holds the two to the same bits.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "models/tune_impl.h"
#include "nn/quantise.h"

#define NORM_EPSILON 1e-5
#define LEAST_SHARE 1e-3F /* of the widest range of a tensor: no channel's range is below */

static const struct st_train_tensor *tensor(const struct st_tune *t, const char *prefix,
                                            const char *last)
{
    char name[2 * ST_PART_NAME_MAX];
    snprintf(name, sizeof name, "%s.%s", prefix, last);
    return st_train_net_find(t->net, name);
}

/* Integers of bytes, but for the head, whose numbers stay what they are. */
synctalk_status st_tune_conv_open(struct st_tune *t, struct st_tune_conv *conv,
                                  const struct st_part *part, size_t K, size_t C, size_t taps,
                                  synctalk_error *err)
{
    const size_t each = taps * C, real = part->C * part->kernel * part->kernel;
    const bool depth = C == 1;
    *conv = (struct st_tune_conv){.part = *part, .K = K, .C = C, .taps = taps};
    conv->weight_at = tensor(t, part->conv, "weight")->offset;
    conv->bias_at = part->norm[0] ? tensor(t, part->norm, "bias")->offset
                                  : tensor(t, part->conv, "bias")->offset;
    conv->fold = st_tune_alloc(t, part->K, sizeof(float));
    conv->shift = st_tune_alloc(t, part->K, sizeof(float));
    conv->integers = st_tune_alloc(t, K * (depth ? 12 : each), sizeof(float));
    conv->worth = st_tune_alloc(t, K, sizeof(float));
    conv->packed = st_tune_alloc(t, K * (depth ? 12 : each), sizeof(float));
    conv->scale = st_tune_alloc(t, K, sizeof(float));
    conv->bias = st_tune_alloc(t, K, sizeof(float));
    conv->add_scale = st_tune_alloc(t, K, sizeof(float));
    conv->real = st_tune_alloc(t, K * each, sizeof(float));
    conv->back = st_tune_alloc(t, depth ? 1 : K * each, sizeof(float));
    conv->folded = st_tune_alloc(t, part->K * real + K * each + 12, sizeof(float));
    if (conv->fold && conv->shift && conv->integers && conv->worth && conv->packed && conv->scale &&
        conv->bias && conv->add_scale && conv->real && conv->back && conv->folded)
        return SYNCTALK_OK;
    return st_fail_memory(err, "the fine-tuning of a network", K * each * sizeof(float));
}

void st_tune_conv_close(struct st_tune_conv *conv)
{
    free(conv->fold);
    free(conv->shift);
    free(conv->integers);
    free(conv->worth);
    free(conv->packed);
    free(conv->scale);
    free(conv->bias);
    free(conv->add_scale);
    free(conv->real);
    free(conv->back);
    free(conv->folded);
}

/* Folded weights into conv->folded, biases into `bias` [part.K]: models/parts.c, in double. */
static void fold(const struct st_tune *t, struct st_tune_conv *conv, float *bias)
{
    const struct st_part *part = &conv->part;
    const size_t each = part->C * part->kernel * part->kernel;
    const float *parameters = st_train_net_parameters(t->net);
    const float *statistics = st_train_net_statistics(t->net);
    const float *w = parameters + conv->weight_at;
    if (!part->norm[0]) {
        memcpy(conv->folded, w, part->K * each * sizeof *w);
        memcpy(bias, parameters + conv->bias_at, part->K * sizeof *bias);
        for (size_t k = 0; k < part->K; k++)
            conv->fold[k] = 1;
        return;
    }
    const float *gamma = parameters + tensor(t, part->norm, "weight")->offset;
    const float *mean = statistics + tensor(t, part->norm, "running_mean")->offset;
    const float *variance = statistics + tensor(t, part->norm, "running_var")->offset;
    const float *beta = parameters + conv->bias_at;
    const float *own = part->bias ? parameters + tensor(t, part->conv, "bias")->offset : NULL;
    for (size_t k = 0; k < part->K; k++) {
        const double scale = (double)gamma[k] / sqrt((double)variance[k] + NORM_EPSILON);
        const double b = ((own ? (double)own[k] : 0) - (double)mean[k]) * scale;
        bias[k] = (float)(b + (double)beta[k]);
        conv->fold[k] = (float)scale;
        for (size_t i = 0; i < each; i++)
            conv->folded[k * each + i] = (float)((double)w[k * each + i] * scale);
    }
}

/* `real` [K, n] transposed and packed for backward. */
static void pack_back(struct st_tune_conv *conv, size_t n)
{
    float *to = conv->back; /* [n/16, K, 16] */
    for (size_t k = 0; k < conv->K; k++)
        for (size_t j = 0; j < n; j++)
            to[(j / 16 * conv->K + k) * 16 + j % 16] = conv->real[k * n + j];
}

/* A convolution of rows of n bytes, worth `scale` with zero at `zero`, to levels that are
 * 1 / inverse apart with zero at `to_zero`. `place`: where real channels lie, NULL: in order. */
static void pack_rows(const struct st_tune *t, struct st_tune_conv *conv, const size_t *place,
                      const float *scale, const float *zero, const float *inverse,
                      const float *to_zero)
{
    const struct st_part *part = &conv->part;
    const size_t n = conv->taps * conv->C, channels = part->C;
    float *scratch = conv->folded + part->K * channels * part->kernel * part->kernel;
    memset(conv->bias, 0, conv->K * sizeof(float));
    fold(t, conv, conv->bias);
    memset(conv->integers, 0, conv->K * n * sizeof(float));
    for (size_t k = 0; k < part->K; k++)
        for (size_t c = 0; c < channels; c++)
            for (size_t tap = 0; tap < conv->taps; tap++)
                conv->integers[k * n + tap * conv->C + (place ? place[c] : c)] =
                    conv->folded[(k * channels + c) * conv->taps + tap];
    for (size_t k = 0; k < conv->K; k++) {
        float *w = conv->integers + k * n;
        for (size_t c = 0; c < n; c++)
            w[c] *= scale[c];
        conv->worth[k] = conv->scale[k] = st_quantise_weights(w, scratch, n, t->narrow);
        double zeros = 0;
        for (size_t c = 0; zero && c < n; c++)
            zeros += (double)w[c] * (double)zero[c];
        conv->bias[k] = (float)((double)conv->bias[k] - (double)conv->scale[k] * zeros);
        for (size_t c = 0; c < n; c++)
            conv->real[k * n + c] = w[c] * conv->worth[k] / scale[c];
        if (inverse) {
            conv->bias[k] = conv->bias[k] * inverse[k] + (to_zero ? to_zero[k] : 0);
            conv->scale[k] *= inverse[k];
        }
    }
    st_pixel_pack(conv->packed, ST_ELEMENT_U8, conv->integers, conv->K, n);
    pack_back(conv, n);
}

static void pack_filter(const struct st_tune *t, struct st_tune_unit *u)
{
    struct st_tune_conv *conv = &u->convs[1];
    int8_t *packed = conv->packed;
    float levels[12];
    float *bias = conv->bias;
    fold(t, conv, bias);
    for (size_t c = 0; c < conv->part.K; c++) {
        const float unit = u->expanded.levels.scale[c];
        float w[12] = {0}; /* [3 columns, 3 rows and a zero] */
        for (size_t i = 0; i < 9; i++)
            w[i % 3 * 4 + i / 3] = conv->folded[c * 9 + i] * unit;
        conv->worth[c] = st_quantise_weights(w, levels, 12, t->narrow);
        conv->scale[c] = conv->worth[c] / u->filtered.levels.scale[c];
        conv->add_scale[c] = bias[c]; /* real, for backward */
        bias[c] = bias[c] / u->filtered.levels.scale[c];
        for (size_t i = 0; i < 12; i++)
            packed[(i / 4 * u->E + c) * 4 + i % 4] = (int8_t)w[i];
        for (size_t i = 0; i < 9; i++) /* [E/16, 9, 16] */
            conv->real[(c / 16 * 9 + i) * 16 + c % 16] =
                w[i % 3 * 4 + i / 3] * conv->worth[c] / unit;
    }
    u->filter = (struct st_depthwise){.in = ST_ELEMENT_U8,
                                      .out = ST_ELEMENT_U8,
                                      .C = u->E,
                                      .stride = (size_t)u->unit.stride_w,
                                      .weights = packed,
                                      .scale = conv->scale,
                                      .bias = bias};
}

static void pack_head(const struct st_tune *t, struct st_tune_unit *u)
{
    struct st_tune_conv *conv = &u->convs[0];
    memset(conv->bias, 0, conv->K * sizeof(float));
    fold(t, conv, conv->bias);
    memset(conv->real, 0, conv->K * conv->C * sizeof(float));
    for (size_t k = 0; k < conv->part.K; k++)
        for (size_t c = 0; c < u->channels; c++)
            conv->real[k * conv->C + u->place[c]] = conv->folded[k * u->channels + c];
    st_pixel_pack(conv->packed, t->head, conv->real, conv->K, conv->C);
    pack_back(conv, conv->C);
    u->project = (struct st_pointwise){.in = t->head,
                                       .out = ST_ELEMENT_F32,
                                       .C = conv->C,
                                       .K = conv->K,
                                       .weights = conv->packed,
                                       .bias = conv->bias,
                                       .add_scale = conv->add_scale};
}

static struct st_pointwise describe(const struct st_tune_conv *conv, enum st_element out, bool relu)
{
    return (struct st_pointwise){.in = ST_ELEMENT_U8,
                                 .out = out,
                                 .relu = relu,
                                 .C = conv->taps * conv->C,
                                 .K = conv->K,
                                 .weights = conv->packed,
                                 .scale = conv->scale,
                                 .bias = conv->bias,
                                 .add_scale = conv->add_scale};
}

/* What is added lies in what is read. */
static void set_residual(const struct st_tune *t, struct st_tune_unit *u,
                         const struct st_levels *to)
{
    const struct st_levels *from = &t->results[u->reads[0]].range.levels;
    struct st_tune_conv *conv = &u->convs[2];
    u->project.adds = true;
    u->project.add = ST_ELEMENT_U8;
    for (size_t k = 0; k < u->K; k++) {
        conv->add_scale[k] = from->scale[k] * (to ? to->inverse[k] : 1);
        conv->bias[k] -= conv->add_scale[k] * from->zero[k];
    }
}

static void read_levels(const struct st_tune *t, struct st_tune_unit *u, size_t taps)
{
    float *scale = u->read_scale, *zero = scale + taps * u->C;
    for (size_t tap = 0; tap < taps; tap++) {
        for (int k = 0; k < u->read_count; k++) {
            const struct st_tune_range *r = &t->results[u->reads[k]].range;
            memcpy(scale, r->levels.scale, r->C * sizeof *scale);
            memcpy(zero, r->levels.zero, r->C * sizeof *zero);
            scale += r->C;
            zero += r->C;
        }
    }
}

static void pack_turn(void *context, size_t index, int worker)
{
    const struct st_tune *t = context;
    struct st_tune_unit *u = &((struct st_tune *)context)->units[index];
    const struct st_tune_result *out = &t->results[index];
    const struct st_levels *to = out->bytes ? &out->range.levels : NULL;
    const float *inverse = to ? to->inverse : NULL, *zero = to ? to->zero : NULL;
    const enum st_element element = out->bytes ? ST_ELEMENT_U8 : t->head;
    (void)worker;
    if (u->unit.kind == ST_UNIT_HEAD) {
        pack_head(t, u);
        return;
    }
    const size_t taps = u->convs[0].taps;
    read_levels(t, u, taps);
    const float *read_scale = u->read_scale, *read_zero = read_scale + taps * u->C;
    if (u->unit.kind == ST_UNIT_DENSE) {
        pack_rows(t, &u->convs[0], u->place, read_scale, read_zero, inverse, zero);
        u->project = describe(&u->convs[0], element, true);
        return;
    }
    pack_rows(t, &u->convs[0], u->place, read_scale, read_zero, u->expanded.levels.inverse, NULL);
    u->expand = describe(&u->convs[0], ST_ELEMENT_U8, true);
    pack_filter(t, u);
    pack_rows(t, &u->convs[2], NULL, u->filtered.levels.scale, NULL, inverse, zero);
    u->project = describe(&u->convs[2], element, false);
    if (u->unit.residual)
        set_residual(t, u, to);
}

/* The ends of channel c. */
static void ends(const struct st_tune *t, const struct st_tune_range *r, size_t c, float *low,
                 float *high)
{
    *high = expf(ST_TUNE_RATE * t->ranges[r->at + c]);
    *low = r->both ? -expf(ST_TUNE_RATE * t->ranges[r->at + r->real + c]) : 0;
}

static void set_range(struct st_tune_range *r, size_t c, float low, float high)
{
    float *scale = r->numbers, *offset = scale + r->C, *inverse = offset + r->C,
          *zero = inverse + r->C;
    st_unet_levels(low, high, &scale[c], &offset[c], &inverse[c], &zero[c]);
}

static void update(const struct st_tune *t, struct st_tune_range *r)
{
    for (size_t c = 0; c < r->C && r->numbers; c++) {
        float low = 0, high = 0;
        if (r->at == ST_TUNE_NONE)
            return;
        if (c < r->real)
            ends(t, r, c, &low, &high);
        set_range(r, c, low, high);
    }
}

void st_tune_pack(struct st_tune *t)
{
    for (size_t i = 0; i < t->count; i++) {
        update(t, &t->results[i].range);
        update(t, &t->units[i].expanded);
        update(t, &t->units[i].filtered);
    }
    st_pool_for(t->pool, t->count, pack_turn, t);
}

static void take(struct st_tune *t, const struct st_tune_range *r, const float *low,
                 const float *high)
{
    float widest = 1e-3F;
    if (r->at == ST_TUNE_NONE)
        return;
    for (size_t c = 0; c < r->real; c++)
        widest = fmaxf(widest, fmaxf(high[c], low ? -low[c] : 0));
    for (size_t c = 0; c < r->real; c++) {
        t->ranges[r->at + c] = logf(fmaxf(high[c], LEAST_SHARE * widest)) / ST_TUNE_RATE;
        if (r->both && low)
            t->ranges[r->at + r->real + c] =
                logf(fmaxf(-low[c], LEAST_SHARE * widest)) / ST_TUNE_RATE;
    }
}

void st_tune_take(struct st_tune *t, const struct st_unet_recipe *recipe)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct st_unit_ranges *r = &recipe->ranges[i];
        if (t->results[i].bytes)
            take(t, &t->results[i].range, r->low, r->high);
        if (t->units[i].E) {
            take(t, &t->units[i].expanded, NULL, r->expanded);
            take(t, &t->units[i].filtered, NULL, r->filtered);
        }
    }
    struct st_tune_range *image = &t->results[t->image].range;
    struct st_tune_range *sound = &t->results[t->sound].range;
    for (size_t c = 0; c < image->C; c++)
        set_range(image, c, 0, c < image->real ? 1 : 0);
    for (size_t c = 0; c < sound->C; c++)
        set_range(sound, c, c < sound->real ? recipe->audio.low[c] : 0,
                  c < sound->real ? recipe->audio.high[c] : 0);
}

static void give(const struct st_tune *t, const struct st_tune_range *r, float *low, float *high)
{
    float least, most;
    for (size_t c = 0; r->at != ST_TUNE_NONE && r->numbers && c < r->real; c++) {
        ends(t, r, c, &least, &most);
        high[c] = most;
        if (low)
            low[c] = least;
    }
}

void st_tune_give(const struct st_tune *t, struct st_unet_recipe *recipe)
{
    for (size_t i = 0; i < t->count; i++) {
        struct st_unit_ranges *r = &recipe->ranges[i];
        give(t, &t->results[i].range, r->low, r->high);
        give(t, &t->units[i].expanded, NULL, r->expanded);
        give(t, &t->units[i].filtered, NULL, r->filtered);
    }
}
