/* SPDX-License-Identifier: Apache-2.0 */
/* HuBERT once more, for small sizes: one loop per line of the definition, all in double.
 * Arrays are [rows, channels].
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/hubert_maker.h"
#include "support/support.h"

struct plain {
    const struct st_hubert_config *c;
    const struct st_weights *weights;
    const char *prefix;
};

static double *zeros(size_t count)
{
    double *x = calloc(count, sizeof *x);
    assert_non_null(x);
    return x;
}

static float *tensor(const struct plain *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static float *tensor(const struct plain *p, const char *format, ...)
{
    char name[256];
    size_t count;
    va_list arguments;
    int n = snprintf(name, sizeof name, "%s", p->prefix);
    va_start(arguments, format);
    vsnprintf(name + n, sizeof name - (size_t)n, format, arguments);
    va_end(arguments);
    return st_test_f32(p->weights, name, &count);
}

static double gelu(double x)
{
    return x * 0.5 * (1 + erf(x / sqrt(2.0)));
}

static void gelu_all(double *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = gelu(x[i]);
}

static void layer_norm(const struct plain *p, double *x, size_t rows, size_t width, double epsilon,
                       const char *owner)
{
    float *scale = tensor(p, "%s.weight", owner), *shift = tensor(p, "%s.bias", owner);
    for (size_t r = 0; r < rows; r++, x += width) {
        double mean = 0;
        double variance = 0;
        for (size_t i = 0; i < width; i++)
            mean += x[i] / (double)width;
        for (size_t i = 0; i < width; i++)
            variance += (x[i] - mean) * (x[i] - mean) / (double)width;
        for (size_t i = 0; i < width; i++)
            x[i] = (x[i] - mean) / sqrt(variance + epsilon) * (double)scale[i] + (double)shift[i];
    }
    free(scale);
    free(shift);
}

/* Each channel over all rows. */
static void group_norm(const struct plain *p, double *x, size_t rows, size_t width,
                       const char *owner)
{
    float *scale = tensor(p, "%s.weight", owner), *shift = tensor(p, "%s.bias", owner);
    for (size_t i = 0; i < width; i++) {
        double mean = 0;
        double variance = 0;
        for (size_t r = 0; r < rows; r++)
            mean += x[r * width + i] / (double)rows;
        for (size_t r = 0; r < rows; r++)
            variance += pow(x[r * width + i] - mean, 2) / (double)rows;
        for (size_t r = 0; r < rows; r++)
            x[r * width + i] =
                (x[r * width + i] - mean) / sqrt(variance + 1e-5) * (double)scale[i] +
                (double)shift[i];
    }
    free(scale);
    free(shift);
}

static double *linear(const struct plain *p, const double *x, size_t rows, size_t from, size_t to,
                      const char *owner)
{
    float *w = tensor(p, "%s.weight", owner), *b = tensor(p, "%s.bias", owner);
    double *y = zeros(rows * to);
    for (size_t r = 0; r < rows; r++)
        for (size_t o = 0; o < to; o++) {
            double sum = (double)b[o];
            for (size_t i = 0; i < from; i++)
                sum += (double)w[o * from + i] * x[r * from + i];
            y[r * to + o] = sum;
        }
    free(w);
    free(b);
    return y;
}

/* Takes x. */
static double *convolve(const struct plain *p, double *x, size_t *rows, size_t i)
{
    const size_t from = i ? p->c->conv_dim[i - 1] : 1, to = p->c->conv_dim[i];
    const size_t kernel = p->c->conv_kernel[i], stride = p->c->conv_stride[i];
    const size_t out = (*rows - kernel) / stride + 1;
    char owner[80];
    float *w = tensor(p, "feature_extractor.conv_layers.%zu.conv.weight", i);
    float *b = p->c->conv_bias ? tensor(p, "feature_extractor.conv_layers.%zu.conv.bias", i) : NULL;
    double *y = zeros(out * to);
    for (size_t r = 0; r < out; r++)
        for (size_t o = 0; o < to; o++) {
            double sum = b ? (double)b[o] : 0;
            for (size_t k = 0; k < kernel; k++)
                for (size_t c = 0; c < from; c++)
                    sum += (double)w[(o * from + c) * kernel + k] * x[(r * stride + k) * from + c];
            y[r * to + o] = sum;
        }
    free(w);
    free(b);
    free(x);
    *rows = out;
    snprintf(owner, sizeof owner, "feature_extractor.conv_layers.%zu.layer_norm", i);
    if (p->c->group_norm && i == 0)
        group_norm(p, y, out, to, owner);
    if (!p->c->group_norm)
        layer_norm(p, y, out, to, 1e-5, owner);
    gelu_all(y, out * to);
    return y;
}

static void add_positions(const struct plain *p, double *x, size_t rows, bool parametrized)
{
    const size_t hidden = p->c->hidden, groups = p->c->position_groups, width = hidden / groups;
    const size_t kernel = p->c->position_kernel;
    const char *owner = "encoder.pos_conv_embed.conv";
    float *b = tensor(p, "%s.bias", owner);
    float *g =
        tensor(p, "%s.%s", owner, parametrized ? "parametrizations.weight.original0" : "weight_g");
    float *v =
        tensor(p, "%s.%s", owner, parametrized ? "parametrizations.weight.original1" : "weight_v");
    double *y = zeros(rows * hidden);
    for (size_t k = 0; k < kernel; k++) {
        double norm = 0;
        for (size_t i = 0; i < hidden * width; i++)
            norm += pow((double)v[i * kernel + k], 2);
        for (size_t r = 0; r < rows; r++) {
            const size_t at = r + k; /* of the padded rows */
            if (at < kernel / 2 || at - kernel / 2 >= rows)
                continue;
            for (size_t o = 0; o < hidden; o++)
                for (size_t i = 0; i < width; i++)
                    y[r * hidden + o] += (double)g[k] * (double)v[(o * width + i) * kernel + k] /
                                         sqrt(norm) *
                                         x[(at - kernel / 2) * hidden + o / width * width + i];
        }
    }
    for (size_t i = 0; i < rows * hidden; i++)
        x[i] += gelu(y[i] + (double)b[i % hidden]);
    free(b);
    free(g);
    free(v);
    free(y);
}

/* Attention of the rows of x, one head after the other. */
static double *attend(const struct plain *p, const double *x, size_t rows, const char *owner)
{
    const size_t hidden = p->c->hidden, d = hidden / p->c->heads;
    char name[3][128];
    double *parts[3], *mixed = zeros(rows * hidden), *weight = zeros(rows);
    for (int i = 0; i < 3; i++) {
        snprintf(name[i], sizeof name[i], "%s.%c_proj", owner, "qkv"[i]);
        parts[i] = linear(p, x, rows, hidden, hidden, name[i]);
    }
    for (size_t head = 0; head < p->c->heads; head++)
        for (size_t r = 0; r < rows; r++) {
            double sum = 0;
            for (size_t s = 0; s < rows; s++) {
                double dot = 0;
                for (size_t i = head * d; i < (head + 1) * d; i++)
                    dot += parts[0][r * hidden + i] * parts[1][s * hidden + i];
                weight[s] = exp(dot / sqrt((double)d));
                sum += weight[s];
            }
            for (size_t s = 0; s < rows; s++)
                for (size_t i = head * d; i < (head + 1) * d; i++)
                    mixed[r * hidden + i] += weight[s] / sum * parts[2][s * hidden + i];
        }
    snprintf(name[0], sizeof name[0], "%s.out_proj", owner);
    double *y = linear(p, mixed, rows, hidden, hidden, name[0]);
    for (int i = 0; i < 3; i++)
        free(parts[i]);
    free(mixed);
    free(weight);
    return y;
}

static double *feed_forward(const struct plain *p, const double *x, size_t rows, size_t layer)
{
    char owner[128];
    snprintf(owner, sizeof owner, "encoder.layers.%zu.feed_forward.intermediate_dense", layer);
    double *wide = linear(p, x, rows, p->c->hidden, p->c->intermediate, owner);
    gelu_all(wide, rows * p->c->intermediate);
    snprintf(owner, sizeof owner, "encoder.layers.%zu.feed_forward.output_dense", layer);
    double *y = linear(p, wide, rows, p->c->intermediate, p->c->hidden, owner);
    free(wide);
    return y;
}

/* Takes y. */
static void add_to(double *x, double *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] += y[i];
    free(y);
}

static void run_layer(const struct plain *p, double *x, size_t rows, size_t layer)
{
    const size_t hidden = p->c->hidden, all = rows * hidden;
    const double epsilon = (double)p->c->epsilon;
    char attention[128], first[128], second[128];
    double *h = zeros(all);
    snprintf(attention, sizeof attention, "encoder.layers.%zu.attention", layer);
    snprintf(first, sizeof first, "encoder.layers.%zu.layer_norm", layer);
    snprintf(second, sizeof second, "encoder.layers.%zu.final_layer_norm", layer);
    if (p->c->pre_norm) {
        memcpy(h, x, all * sizeof *h);
        layer_norm(p, h, rows, hidden, epsilon, first);
        add_to(x, attend(p, h, rows, attention), all);
        memcpy(h, x, all * sizeof *h);
        layer_norm(p, h, rows, hidden, epsilon, second);
        add_to(x, feed_forward(p, h, rows, layer), all);
    } else {
        add_to(x, attend(p, x, rows, attention), all);
        layer_norm(p, x, rows, hidden, epsilon, first);
        add_to(x, feed_forward(p, x, rows, layer), all);
        layer_norm(p, x, rows, hidden, epsilon, second);
    }
    free(h);
}

float *hubert_plain(const struct st_hubert_config *config, const struct st_weights *weights,
                    const struct hubert_naming *naming, const float *samples, size_t count,
                    size_t *rows)
{
    const struct plain p = {config, weights, naming->prefix};
    const double epsilon = (double)config->epsilon;
    double *x = zeros(count);

    for (size_t i = 0; i < count; i++)
        x[i] = (double)samples[i];
    *rows = count;
    for (size_t i = 0; i < config->convs; i++)
        x = convolve(&p, x, rows, i);
    const size_t channels = config->conv_dim[config->convs - 1], all = *rows * config->hidden;
    if (config->projection_norm)
        layer_norm(&p, x, *rows, channels, epsilon, "feature_projection.layer_norm");
    double *h = linear(&p, x, *rows, channels, config->hidden, "feature_projection.projection");
    free(x);
    add_positions(&p, h, *rows, naming->parametrized);
    if (!config->pre_norm)
        layer_norm(&p, h, *rows, config->hidden, epsilon, "encoder.layer_norm");
    for (size_t i = 0; i < config->layers; i++)
        run_layer(&p, h, *rows, i);
    if (config->pre_norm)
        layer_norm(&p, h, *rows, config->hidden, epsilon, "encoder.layer_norm");
    float *out = malloc(all * sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < all; i++)
        out[i] = (float)h[i];
    free(h);
    return out;
}
