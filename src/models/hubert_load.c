/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors of a checkpoint by their names in Hugging Face's HubertModel, packed into layers.
 * Source: transformers, models/hubert/modeling_hubert.py.
 *
 * Easy to get wrong: the weight norm of the positional convolution is over its kernel
 * positions (dim = 2), and has two namings.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "models/hubert_impl.h"
#include "weights/weights.h"

#define NAME_MAX 160

struct loader {
    struct st_hubert *hubert;
    const struct st_weights *weights;
    const char *prefix; /* of every name: "hubert." or "" */
    float *buffer[2];   /* own; the tensors of a layer: weights, bias */
    size_t room[2];     /* floats */
    synctalk_error *err;
};

static void name_tensor(const struct loader *load, char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void name_tensor(const struct loader *load, char *name, const char *format, ...)
{
    va_list arguments;
    int n = snprintf(name, NAME_MAX, "%s", load->prefix);
    va_start(arguments, format);
    vsnprintf(name + n, NAME_MAX - (size_t)n, format, arguments);
    va_end(arguments);
}

/* Shapes are held against the config before anything of their size is asked for. */
static synctalk_status check_shape(const struct loader *load, const char *name, int rank,
                                   const size_t *dims, size_t *count)
{
    const struct st_tensor *tensor = st_weights_find(load->weights, name);
    bool fits = tensor && tensor->rank == rank;
    for (int i = 0; fits && i < rank; i++)
        fits = tensor->dims[i] == dims[i];
    if (!fits) /* says why, and does not reach dst */
        return st_weights_take_f32(load->weights, name, rank, dims, NULL, load->err);
    *count = tensor->count;
    return SYNCTALK_OK;
}

static synctalk_status check_finite(const struct loader *load, const char *name,
                                    const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return st_fail(load->err, SYNCTALK_E_MODEL,
                           "%s: tensor %s holds what is no number at element %zu",
                           st_weights_path(load->weights), name, i);
    return SYNCTALK_OK;
}

/* `name` into one of the two buffers, which grows. */
static synctalk_status take(struct loader *load, int which, const char *name, int rank,
                            const size_t *dims)
{
    size_t count = 0;
    synctalk_status st = check_shape(load, name, rank, dims, &count);
    if (st)
        return st;
    if (count > load->room[which]) {
        free(load->buffer[which]);
        load->room[which] = 0;
        if (!(load->buffer[which] = malloc(count * sizeof(float))))
            return st_fail_memory(load->err, "a tensor", count * sizeof(float));
        load->room[which] = count;
    }
    st = st_weights_take_f32(load->weights, name, rank, dims, load->buffer[which], load->err);
    return st ? st : check_finite(load, name, load->buffer[which], count);
}

static synctalk_status take_vector(struct loader *load, float **out, const char *name, size_t count)
{
    size_t found = 0;
    synctalk_status st = check_shape(load, name, 1, &count, &found);
    if (st)
        return st;
    if (!(*out = malloc(count * sizeof **out)))
        return st_fail_memory(load->err, "a tensor", count * sizeof **out);
    st = st_weights_take_f32(load->weights, name, 1, &count, *out, load->err);
    return st ? st : check_finite(load, name, *out, count);
}

static synctalk_status take_norm(struct loader *load, struct st_hubert_norm *norm, size_t count,
                                 const char *owner)
{
    char name[NAME_MAX];
    name_tensor(load, name, "%s.weight", owner);
    synctalk_status st = take_vector(load, &norm->scale, name, count);
    if (st)
        return st;
    name_tensor(load, name, "%s.bias", owner);
    return take_vector(load, &norm->shift, name, count);
}

/* A linear layer's weights [to, from] and bias into the buffers, times `factor`. */
static synctalk_status read_linear(struct loader *load, size_t from, size_t to, float factor,
                                   const char *owner)
{
    char name[NAME_MAX];
    synctalk_status st;
    name_tensor(load, name, "%s.weight", owner);
    if ((st = take(load, 0, name, 2, (const size_t[]){to, from})))
        return st;
    name_tensor(load, name, "%s.bias", owner);
    if ((st = take(load, 1, name, 1, &to)))
        return st;
    for (size_t i = 0; factor != 1 && i < to * from; i++)
        load->buffer[0][i] *= factor;
    for (size_t i = 0; factor != 1 && i < to; i++)
        load->buffer[1][i] *= factor;
    return SYNCTALK_OK;
}

static synctalk_status take_linear(struct loader *load, struct st_dense_layer **out,
                                   const struct st_dense_conv *shape, const char *owner)
{
    synctalk_status st = read_linear(load, shape->C, shape->K, 1, owner);
    return st ? st
              : st_dense_add_conv(out, load->hubert->dense, shape, load->buffer[0], load->buffer[1],
                                  load->err);
}

static synctalk_status make_list(struct loader *load, struct st_dense_layer ***list, size_t count)
{
    *list = calloc(count, sizeof(struct st_dense_layer *));
    return *list ? SYNCTALK_OK
                 : st_fail_memory(load->err, "a list of layers",
                                  count * sizeof(struct st_dense_layer *));
}

static synctalk_status take_convolution(struct loader *load, size_t i)
{
    struct st_hubert *h = load->hubert;
    const struct st_hubert_config *c = &h->config;
    const bool normed = !c->group_norm || i == 0;
    const bool last = i + 1 == c->convs;
    const struct st_dense_conv shape = {
        .C = i ? c->conv_dim[i - 1] : 1,
        .K = c->conv_dim[i],
        .kernel = c->conv_kernel[i],
        .stride = c->conv_stride[i],
        .rows = h->tile_rows[i],
        .src = i ? h->element : ST_ROW_F32,
        .dst = normed || last ? ST_ROW_F32 : h->element,
        .gelu = !normed,
    };
    char name[NAME_MAX];
    char owner[NAME_MAX];
    synctalk_status st;

    name_tensor(load, name, "feature_extractor.conv_layers.%zu.conv.weight", i);
    if ((st = take(load, 0, name, 3, (const size_t[]){shape.K, shape.C, shape.kernel})))
        return st;
    name_tensor(load, name, "feature_extractor.conv_layers.%zu.conv.bias", i);
    if (c->conv_bias && (st = take(load, 1, name, 1, &shape.K)))
        return st;
    if (!c->conv_bias && st_weights_find(load->weights, name))
        return st_fail(load->err, SYNCTALK_E_MODEL,
                       "%s: has tensor %s, but config.json says that conv_bias is false",
                       st_weights_path(load->weights), name);
    snprintf(owner, sizeof owner, "feature_extractor.conv_layers.%zu.layer_norm", i);
    if (normed && (st = take_norm(load, &h->convolutions[i].norm, shape.K, owner)))
        return st;
    return st_dense_add_conv(&h->convolutions[i].layer, h->dense, &shape, load->buffer[0],
                             c->conv_bias ? load->buffer[1] : NULL, load->err);
}

/* w[:, :, k] = g[k] v[:, :, k] / |v[:, :, k]| in buffer 0, whatever the file names them. */
static synctalk_status take_position_weights(struct loader *load, const size_t dims[3])
{
    static const char *const namings[][2] = {
        {"weight_g", "weight_v"},
        {"parametrizations.weight.original0", "parametrizations.weight.original1"}};
    const size_t positions = dims[2], filters = dims[0] * dims[1];
    const size_t gain_dims[3] = {1, 1, positions};
    char name[NAME_MAX];
    synctalk_status st;
    size_t naming = 0;

    name_tensor(load, name, "encoder.pos_conv_embed.conv.weight");
    if (st_weights_find(load->weights, name))
        return take(load, 0, name, 3, dims);
    name_tensor(load, name, "encoder.pos_conv_embed.conv.%s", namings[1][0]);
    if (st_weights_find(load->weights, name))
        naming = 1;
    name_tensor(load, name, "encoder.pos_conv_embed.conv.%s", namings[naming][0]);
    if ((st = take(load, 1, name, 3, gain_dims)))
        return st;
    name_tensor(load, name, "encoder.pos_conv_embed.conv.%s", namings[naming][1]);
    if ((st = take(load, 0, name, 3, dims)))
        return st;
    float *v = load->buffer[0];
    for (size_t k = 0; k < positions; k++) {
        double square = 0;
        for (size_t i = 0; i < filters; i++)
            square += (double)v[i * positions + k] * (double)v[i * positions + k];
        if (!(square > 0))
            return st_fail(load->err, SYNCTALK_E_MODEL,
                           "%s: tensor %s is all zeros at position %zu, and cannot be normalised",
                           st_weights_path(load->weights), name, k);
        const double factor = (double)load->buffer[1][k] / sqrt(square);
        for (size_t i = 0; i < filters; i++)
            v[i * positions + k] = (float)((double)v[i * positions + k] * factor);
    }
    return SYNCTALK_OK;
}

static synctalk_status take_positions(struct loader *load)
{
    struct st_hubert *h = load->hubert;
    const struct st_hubert_config *c = &h->config;
    const size_t width = c->hidden / c->position_groups;
    const size_t dims[3] = {c->hidden, width, c->position_kernel};
    const struct st_dense_conv shape = {
        .C = width,
        .K = width,
        .kernel = c->position_kernel,
        .stride = 1,
        .rows = h->rows_room,
        .src = h->element,
        .dst = ST_ROW_F32,
        .gelu = true,
    };
    char name[NAME_MAX];
    synctalk_status st = take_position_weights(load, dims);
    if (st)
        return st;
    name_tensor(load, name, "encoder.pos_conv_embed.conv.bias");
    if ((st = take(load, 1, name, 1, &c->hidden)))
        return st;
    st = make_list(load, &h->positions, c->position_groups);
    for (size_t g = 0; !st && g < c->position_groups; g++)
        st = st_dense_add_conv(&h->positions[g], h->dense, &shape,
                               load->buffer[0] + g * width * width * c->position_kernel,
                               load->buffer[1] + g * width, load->err);
    return st;
}

/* A linear layer of a block's rows, from elements of the network. */
static struct st_dense_conv linear_shape(const struct st_hubert *h, size_t from, size_t to)
{
    return (struct st_dense_conv){.C = from,
                                  .K = to,
                                  .kernel = 1,
                                  .stride = 1,
                                  .rows = h->block,
                                  .src = h->element,
                                  .dst = h->element};
}

/* One of query, key and value: a layer for each head. */
static synctalk_status take_heads(struct loader *load, struct st_dense_layer ***list, size_t layer,
                                  char which)
{
    struct st_hubert *h = load->hubert;
    const size_t hidden = h->config.hidden, heads = h->config.heads, d = hidden / heads;
    const float factor = which == 'q' ? (float)(1 / sqrt((double)d)) : 1;
    const struct st_dense_conv shape = linear_shape(h, hidden, d);
    char owner[NAME_MAX];
    snprintf(owner, sizeof owner, "encoder.layers.%zu.attention.%c_proj", layer, which);
    synctalk_status st = read_linear(load, hidden, hidden, factor, owner);
    if (!st)
        st = make_list(load, list, heads);
    for (size_t i = 0; !st && i < heads; i++)
        st = st_dense_add_conv(&(*list)[i], h->dense, &shape, load->buffer[0] + i * d * hidden,
                               load->buffer[1] + i * d, load->err);
    return st;
}

static size_t stripe_width(const struct st_hubert *h, size_t i)
{
    const size_t rest = h->config.intermediate - i * ST_HUBERT_STRIPE;
    return rest < ST_HUBERT_STRIPE ? rest : ST_HUBERT_STRIPE;
}

static synctalk_status take_wide(struct loader *load, struct st_hubert_layer *layer, size_t number)
{
    struct st_hubert *h = load->hubert;
    const size_t hidden = h->config.hidden, stripes = st_hubert_stripes(&h->config);
    char owner[NAME_MAX];
    snprintf(owner, sizeof owner, "encoder.layers.%zu.feed_forward.intermediate_dense", number);
    synctalk_status st = read_linear(load, hidden, h->config.intermediate, 1, owner);
    if (!st)
        st = make_list(load, &layer->widen, stripes);
    for (size_t i = 0; !st && i < stripes; i++) {
        struct st_dense_conv shape = linear_shape(h, hidden, stripe_width(h, i));
        shape.gelu = true;
        st = st_dense_add_conv(&layer->widen[i], h->dense, &shape,
                               load->buffer[0] + i * ST_HUBERT_STRIPE * hidden,
                               load->buffer[1] + i * ST_HUBERT_STRIPE, load->err);
    }
    return st;
}

/* Stripes of the weights' columns; the first one brings the bias. */
static synctalk_status take_narrow(struct loader *load, struct st_hubert_layer *layer,
                                   size_t number)
{
    struct st_hubert *h = load->hubert;
    const size_t hidden = h->config.hidden, wide = h->config.intermediate;
    const size_t stripes = st_hubert_stripes(&h->config);
    char owner[NAME_MAX];
    float *columns = NULL;
    snprintf(owner, sizeof owner, "encoder.layers.%zu.feed_forward.output_dense", number);
    synctalk_status st = read_linear(load, wide, hidden, 1, owner);
    if (!st)
        st = make_list(load, &layer->narrow, stripes);
    if (!st && !(columns = malloc(hidden * ST_HUBERT_STRIPE * sizeof *columns)))
        st = st_fail_memory(load->err, "a tensor", hidden * ST_HUBERT_STRIPE * sizeof *columns);
    for (size_t i = 0; !st && i < stripes; i++) {
        const size_t width = stripe_width(h, i);
        struct st_dense_conv shape = linear_shape(h, width, hidden);
        shape.dst = ST_ROW_F32;
        shape.add = true;
        for (size_t row = 0; row < hidden; row++)
            memcpy(columns + row * width, load->buffer[0] + row * wide + i * ST_HUBERT_STRIPE,
                   width * sizeof *columns);
        st = st_dense_add_conv(&layer->narrow[i], h->dense, &shape, columns,
                               i == 0 ? load->buffer[1] : NULL, load->err);
    }
    free(columns);
    return st;
}

static synctalk_status take_layer(struct loader *load, size_t i)
{
    struct st_hubert *h = load->hubert;
    struct st_hubert_layer *layer = &h->layers[i];
    const size_t hidden = h->config.hidden;
    struct st_dense_conv out = linear_shape(h, hidden, hidden);
    char owner[NAME_MAX];
    synctalk_status st;

    if ((st = take_heads(load, &layer->query, i, 'q')) ||
        (st = take_heads(load, &layer->key, i, 'k')) ||
        (st = take_heads(load, &layer->value, i, 'v')))
        return st;
    out.dst = ST_ROW_F32;
    out.add = true;
    snprintf(owner, sizeof owner, "encoder.layers.%zu.attention.out_proj", i);
    if ((st = take_linear(load, &layer->out, &out, owner)) || (st = take_wide(load, layer, i)) ||
        (st = take_narrow(load, layer, i)))
        return st;
    snprintf(owner, sizeof owner, "encoder.layers.%zu.layer_norm", i);
    if ((st = take_norm(load, &layer->attention_norm, hidden, owner)))
        return st;
    snprintf(owner, sizeof owner, "encoder.layers.%zu.final_layer_norm", i);
    return take_norm(load, &layer->final_norm, hidden, owner);
}

static synctalk_status make_products(struct loader *load)
{
    struct st_hubert *h = load->hubert;
    const size_t d = h->config.hidden / h->config.heads;
    const struct st_dense_product scores = {
        .M = h->attending,
        .K = d,
        .N = h->rows_room,
        .transposed = true,
        .src = h->element,
        .dst = ST_ROW_F32,
    };
    const struct st_dense_product mix = {
        .M = h->attending,
        .K = h->rows_room,
        .N = d,
        .src = h->element,
        .dst = h->element,
    };
    synctalk_status st = st_dense_add_product(&h->scores, h->dense, &scores, load->err);
    return st ? st : st_dense_add_product(&h->mix, h->dense, &mix, load->err);
}

static synctalk_status take_layers(struct loader *load)
{
    struct st_hubert *h = load->hubert;
    const struct st_hubert_config *c = &h->config;
    char name[NAME_MAX];
    synctalk_status st = SYNCTALK_OK;

    name_tensor(load, name, "encoder.layers.%zu.attention.k_proj.weight", c->layers);
    if (st_weights_find(load->weights, name))
        return st_fail(load->err, SYNCTALK_E_MODEL,
                       "%s: has tensor %s, but config.json says that num_hidden_layers is %zu",
                       st_weights_path(load->weights), name, c->layers);
    if (!(h->layers = calloc(c->layers, sizeof *h->layers)))
        return st_fail_memory(load->err, "a list of layers", c->layers * sizeof *h->layers);
    for (size_t i = 0; !st && i < c->layers; i++)
        st = take_layer(load, i);
    return st;
}

static synctalk_status take_all(struct loader *load)
{
    struct st_hubert *h = load->hubert;
    const struct st_hubert_config *c = &h->config;
    const size_t channels = c->conv_dim[c->convs - 1];
    const struct st_dense_conv projection = {.C = channels,
                                             .K = c->hidden,
                                             .kernel = 1,
                                             .stride = 1,
                                             .rows = h->block,
                                             .src = h->element,
                                             .dst = ST_ROW_F32};
    synctalk_status st = SYNCTALK_OK;

    for (size_t i = 0; !st && i < c->convs; i++)
        st = take_convolution(load, i);
    if (!st && c->projection_norm)
        st = take_norm(load, &h->projection_norm, channels, "feature_projection.layer_norm");
    if (!st)
        st = take_linear(load, &h->projection, &projection, "feature_projection.projection");
    if (!st)
        st = take_positions(load);
    if (!st)
        st = take_norm(load, &h->encoder_norm, c->hidden, "encoder.layer_norm");
    if (!st)
        st = take_layers(load);
    return st ? st : make_products(load);
}

synctalk_status st_hubert_load(struct st_hubert *hubert, const char *path, synctalk_error *err)
{
    struct st_weights *weights = NULL;
    synctalk_status st = st_weights_open(&weights, path, err);
    if (st)
        return st;
    struct loader load = {.hubert = hubert, .weights = weights, .prefix = "", .err = err};
    if (st_weights_find(weights, "hubert.feature_extractor.conv_layers.0.conv.weight"))
        load.prefix = "hubert.";
    st = take_all(&load);
    free(load.buffer[0]);
    free(load.buffer[1]);
    st_weights_close(&weights);
    return st;
}
