/* SPDX-License-Identifier: Apache-2.0 */
/* Packing a stage's weights. For bytes, what a level of each channel read is worth goes
 * into the weights before they are rounded, and what zero is goes into the biases, so that
 * every channel has a range of its own and costs nothing:
 *
 *     w x = w s (q - z) ~ m (W q - sum of W z),   W = round(w s / m)
 *
 * for x = s (q - z), with m for each channel written. Rounding the weights is so never
 * seen by a zero.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/quantise.h"
#include "nn/stage_impl.h"

/* A convolution with channels read in the places where they lie: [K, C], padded. */
struct plain {
    float *weights, *bias; /* [K, C], [K] */
    float *levels;         /* [C], scratch */
    const float *scale;    /* [C] of a level read, NULL: none */
    const float *zero;     /* [C], NULL: zeros */
    size_t K, C;
};

static synctalk_status no_memory(size_t bytes, synctalk_error *err)
{
    return st_fail_memory(err, "a network's weights", bytes);
}

static synctalk_status begin(struct plain *plain, size_t K, size_t C, synctalk_error *err)
{
    *plain = (struct plain){.K = K, .C = C};
    plain->weights = calloc(K * C, sizeof(float));
    plain->bias = calloc(K, sizeof(float));
    plain->levels = malloc(C * sizeof(float));
    return plain->weights && plain->bias && plain->levels ? SYNCTALK_OK
                                                          : no_memory(K * C * sizeof(float), err);
}

static void end(struct plain *plain)
{
    free(plain->weights);
    free(plain->bias);
    free(plain->levels);
}

/* Arrays for K channels written and `bytes` of weights. */
static synctalk_status alloc_conv(struct st_stage *stage, struct st_stage_conv *conv, size_t K,
                                  size_t bytes, synctalk_error *err)
{
    conv->weights = st_alloc_aligned(bytes);
    conv->scale = st_alloc_aligned(K * sizeof(float));
    conv->bias = st_alloc_aligned(K * sizeof(float));
    conv->add_scale = st_alloc_aligned(K * sizeof(float));
    stage->weight_bytes += bytes + 3 * K * sizeof(float);
    if (!conv->weights || !conv->scale || !conv->bias || !conv->add_scale)
        return no_memory(bytes, err);
    return SYNCTALK_OK;
}

/* y = scale (integer sums) + bias, from weights that become integers. */
static void quantise(struct plain *plain, struct st_stage_conv *conv, bool narrow)
{
    for (size_t k = 0; k < plain->K; k++) {
        float *w = plain->weights + k * plain->C;
        for (size_t c = 0; plain->scale && c < plain->C; c++)
            w[c] *= plain->scale[c];
        conv->scale[k] = st_quantise_weights(w, plain->levels, plain->C, narrow);
        double zeros = 0;
        for (size_t c = 0; plain->zero && c < plain->C; c++)
            zeros += (double)w[c] * (double)plain->zero[c];
        conv->bias[k] = (float)((double)plain->bias[k] - (double)conv->scale[k] * zeros);
    }
}

/* Results as levels of `out`: 1 / inverse apart, zero at `zero`. */
static void to_levels(struct plain *plain, struct st_stage_conv *conv, bool exact,
                      const float *inverse, const float *zero)
{
    for (size_t k = 0; k < plain->K; k++) {
        conv->bias[k] = conv->bias[k] * inverse[k] + (zero ? zero[k] : 0);
        if (exact)
            conv->scale[k] *= inverse[k];
        for (size_t c = 0; !exact && c < plain->C; c++)
            plain->weights[k * plain->C + c] *= inverse[k];
    }
}

/* Pack `plain` as `conv`, and describe it. */
static synctalk_status pack_pointwise(struct st_stage *stage, struct st_stage_conv *conv,
                                      struct plain *plain, enum st_element in, bool narrow,
                                      const float *inverse, const float *zero,
                                      struct st_pointwise *out, synctalk_error *err)
{
    const bool exact = in == ST_ELEMENT_U8;
    const size_t bytes = st_pixel_packed_bytes(in, plain->K, plain->C);
    synctalk_status st = alloc_conv(stage, conv, plain->K, bytes, err);
    if (st)
        return st;
    if (exact)
        quantise(plain, conv, narrow);
    else
        memcpy(conv->bias, plain->bias, plain->K * sizeof(float));
    if (inverse)
        to_levels(plain, conv, exact, inverse, zero);
    st_pixel_pack(conv->weights, in, plain->weights, plain->K, plain->C);
    out->in = in;
    out->C = plain->C;
    out->K = plain->K;
    out->weights = conv->weights;
    out->scale = exact ? conv->scale : NULL;
    out->bias = conv->bias;
    out->add_scale = conv->add_scale;
    return SYNCTALK_OK;
}

/* Channels read, in order, to their places among the padded of the parts: `each` numbers
 * of one tap. */
static void spread(const struct st_stage_form *form, float *to, const float *from, size_t step)
{
    for (int i = 0; i < form->part_count; i++) {
        for (size_t c = 0; c < form->parts[i].C; c++, from += step)
            to[c] = *from;
        to += st_stage_padded(form->parts[i].C);
    }
}

static size_t channels_read(const struct st_stage_form *form)
{
    size_t C = 0;
    for (int i = 0; i < form->part_count; i++)
        C += form->parts[i].C;
    return C;
}

/* Scales and zeros of what is read, [2, taps, C]; NULL for no memory. */
static float *read_levels(const struct st_stage_form *form, size_t C, size_t taps)
{
    float *levels = malloc(2 * taps * C * sizeof *levels);
    for (size_t tap = 0; levels && tap < taps; tap++) {
        float *scale = levels + tap * C, *zero = levels + (taps + tap) * C;
        for (int i = 0; i < form->part_count; i++) {
            const size_t padded = st_stage_padded(form->parts[i].C);
            memcpy(scale, form->parts[i].levels->scale, padded * sizeof *scale);
            memcpy(zero, form->parts[i].levels->zero, padded * sizeof *zero);
            scale += padded;
            zero += padded;
        }
    }
    return levels;
}

/* The first convolution of a stage: [K, C, taps] of what the feed gives. */
static synctalk_status pack_first(struct st_stage *stage, const struct st_stage_form *form,
                                  size_t K_real, size_t K, size_t taps, bool narrow,
                                  const float *inverse, const float *zero, struct st_pointwise *out,
                                  synctalk_error *err)
{
    const size_t C = stage->feed.C, real = channels_read(form);
    struct plain plain;
    float *levels = NULL;
    synctalk_status st = begin(&plain, K, taps * C, err);
    if (!st && form->element == ST_ELEMENT_U8) {
        levels = read_levels(form, C, taps);
        plain.scale = levels;
        plain.zero = levels ? levels + taps * C : NULL;
        st = levels ? SYNCTALK_OK : no_memory(2 * taps * C * sizeof(float), err);
    }
    if (st)
        goto done;
    for (size_t k = 0; k < K_real; k++)
        for (size_t tap = 0; tap < taps; tap++)
            spread(form, plain.weights + (k * taps + tap) * C,
                   form->convs[0].weights + k * real * taps + tap, taps);
    memcpy(plain.bias, form->convs[0].bias, K_real * sizeof(float));
    st = pack_pointwise(stage, &stage->convs[0], &plain, form->element, narrow, inverse, zero, out,
                        err);
done:
    end(&plain);
    free(levels);
    return st;
}

/* Both parts apart, of which the first is expanded before it is raised, without bias and ReLU:
 * what zero is in it goes through, for the weights of raising add up to one. */
static synctalk_status pack_late(struct st_stage *stage, const struct st_stage_form *form,
                                 bool narrow, const float *inverse, synctalk_error *err)
{
    const size_t real = channels_read(form), E = 2 * real;
    struct st_pointwise *const outs[2] = {&stage->expand_low, &stage->expand};
    struct st_stage_conv *const convs[2] = {&stage->convs[3], &stage->convs[0]};
    synctalk_status st = SYNCTALK_OK;
    size_t from = 0;
    for (int part = 0; !st && part < 2; part++) {
        const size_t C = form->parts[part].C;
        struct plain plain;
        st = begin(&plain, stage->E, st_stage_padded(C), err);
        for (size_t k = 0; !st && k < E; k++)
            memcpy(plain.weights + k * plain.C, form->convs[0].weights + k * real + from,
                   C * sizeof(float));
        if (!st && part == 1)
            memcpy(plain.bias, form->convs[0].bias, E * sizeof(float));
        if (form->element == ST_ELEMENT_U8) {
            plain.scale = form->parts[part].levels->scale;
            plain.zero = form->parts[part].levels->zero;
        }
        if (!st)
            st = pack_pointwise(stage, convs[part], &plain, form->element, narrow, inverse, NULL,
                                outs[part], err);
        end(&plain);
        from += C;
    }
    if (st)
        return st;
    stage->expand_low.out = ST_ELEMENT_F32;
    stage->expand.adds = true;
    stage->expand.add = ST_ELEMENT_F32;
    for (size_t e = 0; e < stage->E; e++)
        stage->convs[0].add_scale[e] = 1;
    return SYNCTALK_OK;
}

static void filter_bytes(struct st_stage *stage, const struct st_stage_form *form, size_t c,
                         bool narrow)
{
    struct st_stage_conv *conv = &stage->convs[1];
    int8_t *packed = conv->weights;
    float levels[12], w[12] = {0}; /* [3 columns, 3 rows and a zero] */
    for (size_t i = 0; i < 9; i++)
        w[i % 3 * 4 + i / 3] = form->convs[1].weights[c * 9 + i] * form->expanded_scale[c];
    conv->scale[c] = st_quantise_weights(w, levels, 12, narrow) / form->filtered_scale[c];
    conv->bias[c] = form->convs[1].bias[c] / form->filtered_scale[c];
    for (size_t i = 0; i < 12; i++)
        packed[(i / 4 * stage->E + c) * 4 + i % 4] = (int8_t)w[i];
}

static synctalk_status pack_filter(struct st_stage *stage, const struct st_stage_form *form,
                                   bool narrow, synctalk_error *err)
{
    const bool exact = form->element == ST_ELEMENT_U8;
    const size_t E = stage->E, real = 2 * channels_read(form);
    struct st_stage_conv *conv = &stage->convs[1];
    synctalk_status st = alloc_conv(stage, conv, E, E * (exact ? 12 : 9 * sizeof(float)), err);
    if (st)
        return st;
    for (size_t c = 0; c < real; c++) {
        if (exact) {
            filter_bytes(stage, form, c, narrow);
            continue;
        }
        conv->bias[c] = form->convs[1].bias[c];
        for (size_t i = 0; i < 9; i++)
            ((float *)conv->weights)[i * E + c] = form->convs[1].weights[c * 9 + i];
    }
    stage->filter = (struct st_depthwise){
        .in = stage->expanded,
        .out = stage->filtered,
        .C = E,
        .stride = form->stride_w,
        .weights = conv->weights,
        .scale = exact ? conv->scale : NULL,
        .bias = conv->bias,
    };
    return SYNCTALK_OK;
}

/* `scales` [count] padded with ones to E; NULL for no memory. */
static float *padded_ones(const float *scales, size_t count, size_t E)
{
    float *padded = malloc(E * sizeof *padded);
    for (size_t i = 0; padded && i < E; i++)
        padded[i] = i < count ? scales[i] : 1;
    return padded;
}

/* What is added lies in parts[0], which the stage also reads. */
static void set_residual(struct st_stage *stage, const struct st_stage_form *form)
{
    const struct st_value *x = &form->parts[0];
    const struct st_levels *to = form->out.element == ST_ELEMENT_U8 ? form->out.levels : NULL;
    const struct st_levels *from = x->element == ST_ELEMENT_U8 ? x->levels : NULL;
    struct st_stage_conv *conv = &stage->convs[2];
    stage->project.adds = true;
    stage->project.add = x->element;
    for (size_t k = 0; k < stage->K; k++) {
        conv->add_scale[k] = (from ? from->scale[k] : 1) * (to ? to->inverse[k] : 1);
        if (from)
            conv->bias[k] -= conv->add_scale[k] * from->zero[k];
    }
}

static synctalk_status pack_project(struct st_stage *stage, const struct st_stage_form *form,
                                    bool narrow, synctalk_error *err)
{
    const size_t real = 2 * channels_read(form), K = form->out.C;
    const struct st_levels *to = form->out.element == ST_ELEMENT_U8 ? form->out.levels : NULL;
    struct plain plain;
    float *scale = NULL;
    synctalk_status st = begin(&plain, stage->K, stage->E, err);
    if (st)
        goto done;
    if (form->element == ST_ELEMENT_U8) {
        plain.scale = scale = padded_ones(form->filtered_scale, real, stage->E);
        if (!scale) {
            st = no_memory(stage->E * sizeof(float), err);
            goto done;
        }
    }
    for (size_t k = 0; k < K; k++)
        memcpy(plain.weights + k * stage->E, form->convs[2].weights + k * real,
               real * sizeof(float));
    memcpy(plain.bias, form->convs[2].bias, K * sizeof(float));
    stage->project.out = form->out.element;
    st = pack_pointwise(stage, &stage->convs[2], &plain, stage->filtered, narrow,
                        to ? to->inverse : NULL, to ? to->zero : NULL, &stage->project, err);
    if (!st && form->residual)
        set_residual(stage, form);
done:
    end(&plain);
    free(scale);
    return st;
}

static synctalk_status pack_inverted(struct st_stage *stage, const struct st_stage_form *form,
                                     bool narrow, synctalk_error *err)
{
    const size_t real = 2 * channels_read(form);
    float *inverse = NULL;
    synctalk_status st = SYNCTALK_OK;
    if (form->element == ST_ELEMENT_U8) {
        inverse = padded_ones(form->expanded_scale, real, stage->E);
        if (!inverse)
            return no_memory(stage->E * sizeof(float), err);
        for (size_t e = 0; e < stage->E; e++)
            inverse[e] = 1 / inverse[e];
    }
    stage->expand.out = stage->expanded;
    stage->expand.relu = true;
    if ((st = stage->late ? pack_late(stage, form, narrow, inverse, err)
                          : pack_first(stage, form, real, stage->E, 1, narrow, inverse, NULL,
                                       &stage->expand, err)) ||
        (st = pack_filter(stage, form, narrow, err)))
        goto done;
    st = pack_project(stage, form, narrow, err);
done:
    free(inverse);
    return st;
}

/* What lies around the picture, as the feed would give it. */
static synctalk_status make_border(struct st_stage *stage, const struct st_stage_form *form,
                                   synctalk_error *err)
{
    const size_t C = stage->feed.C;
    stage->border = st_alloc_aligned(C * st_element_bytes(form->element));
    if (!stage->border)
        return no_memory(C, err);
    size_t at = 0;
    for (int i = 0; form->element == ST_ELEMENT_U8 && i < form->part_count; i++)
        for (size_t c = 0; c < st_stage_padded(form->parts[i].C); c++)
            stage->border[at++] = (unsigned char)form->parts[i].levels->zero[c];
    return SYNCTALK_OK;
}

synctalk_status st_stage_pack(struct st_stage *stage, const struct st_stage_form *form, bool narrow,
                              synctalk_error *err)
{
    if (form->kind == ST_STAGE_INVERTED)
        return pack_inverted(stage, form, narrow, err);

    const bool dense = form->kind == ST_STAGE_DENSE;
    const struct st_levels *to =
        dense && form->out.element == ST_ELEMENT_U8 ? form->out.levels : NULL;
    stage->project.out = dense ? form->out.element : ST_ELEMENT_F32;
    stage->project.relu = dense;
    synctalk_status st = dense ? make_border(stage, form, err) : SYNCTALK_OK;
    return st ? st
              : pack_first(stage, form, form->out.C, stage->K, dense ? 9 : 1, narrow,
                           to ? to->inverse : NULL, to ? to->zero : NULL, &stage->project, err);
}
