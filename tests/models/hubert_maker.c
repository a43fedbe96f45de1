/* SPDX-License-Identifier: Apache-2.0 */
#include "models/hubert_maker.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

static const struct st_hubert_config common = {
    .convs = 7,
    .conv_kernel = {10, 3, 3, 3, 3, 2, 2},
    .conv_stride = {5, 2, 2, 2, 2, 2, 2},
    .epsilon = 1e-5f,
    .field = 400,
};

struct st_hubert_config hubert_large(void)
{
    struct st_hubert_config c = common;
    for (size_t i = 0; i < c.convs; i++)
        c.conv_dim[i] = 512;
    c.conv_bias = c.projection_norm = c.pre_norm = true;
    c.hidden = 1024;
    c.heads = 16;
    c.intermediate = 4096;
    c.layers = 24;
    c.position_kernel = 128;
    c.position_groups = 16;
    return c;
}

struct st_hubert_config hubert_small_base(void)
{
    struct st_hubert_config c = common;
    for (size_t i = 0; i < c.convs; i++)
        c.conv_dim[i] = 24 + 8 * (i % 2);
    c.group_norm = c.projection_norm = true;
    c.hidden = 48;
    c.heads = 3;
    c.intermediate = 80;
    c.layers = 2;
    c.position_kernel = 32;
    c.position_groups = 4;
    return c;
}

struct st_hubert_config hubert_small_large(void)
{
    struct st_hubert_config c = hubert_small_base();
    c.group_norm = c.projection_norm = false;
    c.conv_bias = c.pre_norm = true;
    c.position_kernel = 19;
    c.heads = 6;
    c.intermediate = 1100; /* more than a stripe */
    c.epsilon = 1e-3f;
    return c;
}

struct writer {
    char *text;
    size_t size, room;
};

static void put(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct writer *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(w->text + w->size, w->room - w->size, format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n >= w->room - w->size)
        abort();
    w->size += (size_t)n;
}

static void put_list(struct writer *w, const char *name, const size_t *values, size_t count)
{
    put(w, "\"%s\": [", name);
    for (size_t i = 0; i < count; i++)
        put(w, "%s%zu", i ? ", " : "", values[i]);
    put(w, "],\n");
}

char *hubert_json(const struct st_hubert_config *c)
{
    struct writer w = {.room = 4096, .text = malloc(4096)};
    if (!w.text)
        abort();
    put(&w, "{\"model_type\": \"hubert\", \"hidden_act\": \"gelu\",\n");
    put_list(&w, "conv_dim", c->conv_dim, c->convs);
    put_list(&w, "conv_kernel", c->conv_kernel, c->convs);
    put_list(&w, "conv_stride", c->conv_stride, c->convs);
    put(&w, "\"conv_bias\": %s, \"feat_extract_norm\": \"%s\",\n", c->conv_bias ? "true" : "false",
        c->group_norm ? "group" : "layer");
    put(&w, "\"feat_proj_layer_norm\": %s, \"do_stable_layer_norm\": %s,\n",
        c->projection_norm ? "true" : "false", c->pre_norm ? "true" : "false");
    put(&w, "\"hidden_size\": %zu, \"num_attention_heads\": %zu,\n", c->hidden, c->heads);
    put(&w, "\"intermediate_size\": %zu, \"num_hidden_layers\": %zu,\n", c->intermediate,
        c->layers);
    put(&w, "\"num_conv_pos_embeddings\": %zu, \"num_conv_pos_embedding_groups\": %zu,\n",
        c->position_kernel, c->position_groups);
    put(&w, "\"layer_norm_eps\": %.9g}\n", (double)c->epsilon);
    return w.text;
}

struct maker {
    struct st_weights *weights;
    const char *prefix;
    struct st_random random;
    float *values;
    size_t room;
};

/* Even between middle - spread and middle + spread. */
static void add(struct maker *m, int rank, const size_t *dims, float middle, float spread,
                const char *format, ...) __attribute__((format(printf, 6, 7)));

static void add(struct maker *m, int rank, const size_t *dims, float middle, float spread,
                const char *format, ...)
{
    char name[256];
    synctalk_error err;
    size_t count = 1;
    va_list arguments;

    int n = snprintf(name, sizeof name, "%s", m->prefix);
    va_start(arguments, format);
    vsnprintf(name + n, sizeof name - (size_t)n, format, arguments);
    va_end(arguments);
    for (int i = 0; i < rank; i++)
        count *= dims[i];
    if (count > m->room) {
        free(m->values);
        m->values = malloc(count * sizeof *m->values);
        m->room = count;
    }
    for (size_t i = 0; m->values && i < count; i++)
        m->values[i] = middle + spread * ((float)(st_random_bits(&m->random) >> 40) * 0x1p-23f - 1);
    if (!m->values || st_weights_add_f32(m->weights, name, rank, dims, m->values, &err)) {
        fprintf(stderr, "cannot make %s\n", name);
        abort();
    }
}

#define DIMS(...)                                                        \
    (sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t)), (const size_t[]) \
    {                                                                    \
        __VA_ARGS__                                                      \
    }

static void add_norm(struct maker *m, size_t width, const char *owner)
{
    add(m, DIMS(width), 1, 0.3f, "%s.weight", owner);
    add(m, DIMS(width), 0, 0.2f, "%s.bias", owner);
}

static void add_linear(struct maker *m, size_t from, size_t to, const char *owner)
{
    add(m, DIMS(to, from), 0, sqrtf(3.0f / (float)from), "%s.weight", owner);
    add(m, DIMS(to), 0, 0.1f, "%s.bias", owner);
}

static void add_layer(struct maker *m, const struct st_hubert_config *c, size_t i)
{
    static const char *const square[] = {"q_proj", "k_proj", "v_proj", "out_proj"};
    char owner[128];
    for (size_t k = 0; k < 4; k++) {
        snprintf(owner, sizeof owner, "encoder.layers.%zu.attention.%s", i, square[k]);
        add_linear(m, c->hidden, c->hidden, owner);
    }
    snprintf(owner, sizeof owner, "encoder.layers.%zu.layer_norm", i);
    add_norm(m, c->hidden, owner);
    snprintf(owner, sizeof owner, "encoder.layers.%zu.final_layer_norm", i);
    add_norm(m, c->hidden, owner);
    snprintf(owner, sizeof owner, "encoder.layers.%zu.feed_forward.intermediate_dense", i);
    add_linear(m, c->hidden, c->intermediate, owner);
    snprintf(owner, sizeof owner, "encoder.layers.%zu.feed_forward.output_dense", i);
    add_linear(m, c->intermediate, c->hidden, owner);
}

struct st_weights *hubert_weights(const struct st_hubert_config *c, uint64_t seed,
                                  const struct hubert_naming *naming)
{
    struct maker m = {.prefix = naming->prefix, .random = {seed}};
    const size_t width = c->hidden / c->position_groups;
    const char *position = "encoder.pos_conv_embed.conv.";
    synctalk_error err;

    if (st_weights_create(&m.weights, "random HuBERT", &err))
        abort();
    for (size_t i = 0; i < c->convs; i++) {
        const size_t from = i ? c->conv_dim[i - 1] : 1, to = c->conv_dim[i];
        char owner[64];
        snprintf(owner, sizeof owner, "feature_extractor.conv_layers.%zu.layer_norm", i);
        if (!c->group_norm || i == 0)
            add_norm(&m, to, owner);
        add(&m, DIMS(to, from, c->conv_kernel[i]), 0,
            sqrtf(6.0f / (float)(from * c->conv_kernel[i])),
            "feature_extractor.conv_layers.%zu.conv.weight", i);
        if (c->conv_bias)
            add(&m, DIMS(to), 0, 0.1f, "feature_extractor.conv_layers.%zu.conv.bias", i);
    }
    if (c->projection_norm)
        add_norm(&m, c->conv_dim[c->convs - 1], "feature_projection.layer_norm");
    add_linear(&m, c->conv_dim[c->convs - 1], c->hidden, "feature_projection.projection");
    add(&m, DIMS(c->hidden), 0, 0.1f, "%sbias", position);
    add(&m, DIMS(1, 1, c->position_kernel), 1, 0.5f, "%s%s", position,
        naming->parametrized ? "parametrizations.weight.original0" : "weight_g");
    add(&m, DIMS(c->hidden, width, c->position_kernel), 0, 1, "%s%s", position,
        naming->parametrized ? "parametrizations.weight.original1" : "weight_v");
    add_norm(&m, c->hidden, "encoder.layer_norm");
    for (size_t i = 0; i < c->layers; i++)
        add_layer(&m, c, i);
    free(m.values);
    return m.weights;
}

void hubert_write(const char *folder, const struct st_hubert_config *config,
                  const struct st_weights *weights)
{
    char path[4300];
    synctalk_error err;
    char *json = hubert_json(config);

    snprintf(path, sizeof path, "%s/config.json", folder);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(json, 1, strlen(json), file) != strlen(json) || fclose(file) != 0)
        abort();
    free(json);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    if (st_weights_write_safetensors(weights, path, ST_F32, NULL, NULL, true, &err)) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
}
