/* SPDX-License-Identifier: Apache-2.0 */
/* Included by train_ref.c once for each element; no header of its own. */

static void NAME(sums)(struct st_train_sums *sums, const void *z, size_t count, size_t B)
{
    assert(count > 0);
    memset(sums, 0, sizeof *sums);
    for (size_t b = 0; b < B; b++)
        sums->pivot[b] = LOAD(z, b);
    for (size_t i = 0; i < count * B; i++) {
        double v = (double)LOAD(z, i) - (double)sums->pivot[i % B];
        sums->sum[i % B] += v;
        sums->square[i % B] += v * v;
    }
}

static void NAME(norm)(void *y, const void *z, const void *add,
                       const struct st_train_norm_block *norm, size_t count, size_t B)
{
    for (size_t i = 0; i < count * B; i++) {
        float v = norm_value(norm, i % B, LOAD(z, i));
        STORE(y, i, act(add ? v + LOAD(add, i) : v, norm->slope));
    }
}

/* g of element i */
static float NAME(masked)(const void *dy, const void *z, const void *y,
                          const struct st_train_norm_block *norm, size_t i, size_t b)
{
    float v = y ? LOAD(y, i) : norm_value(norm, b, LOAD(z, i));
    float g = LOAD(dy, i);
    return v > 0 ? g : norm->slope * g;
}

static void NAME(norm_gradient)(struct st_train_gradient_sums *sums, const void *dy, const void *z,
                                const void *y, const struct st_train_norm_block *norm, size_t count,
                                size_t B)
{
    memset(sums, 0, sizeof *sums);
    for (size_t i = 0; i < count * B; i++) {
        double g = (double)NAME(masked)(dy, z, y, norm, i, i % B);
        sums->sum[i % B] += g;
        sums->dot[i % B] += g * (double)(LOAD(z, i) - norm->mean[i % B]);
    }
}

static void NAME(norm_backward)(void *dz, void *dadd, bool accumulate, const void *dy,
                                const void *z, const void *y,
                                const struct st_train_norm_block *norm, size_t count, size_t B)
{
    for (size_t i = 0; i < count * B; i++) {
        size_t b = i % B;
        float g = NAME(masked)(dy, z, y, norm, i, b);
        float away = LOAD(z, i) - norm->mean[b];
        if (dadd)
            STORE(dadd, i, accumulate ? LOAD(dadd, i) + g : g);
        STORE(dz, i, norm->a[b] * g + (norm->b[b] * away + norm->c[b]));
    }
}

/* Channel b of x at a pixel, through the norm before; 0 in the padding. */
static float NAME(depthwise_in)(const void *x, const struct st_train_depthwise *conv, size_t row,
                                size_t column, size_t b, size_t B)
{
    if (row >= conv->H || column >= conv->W) /* -1 wraps round */
        return 0;
    float v = LOAD(x, (row * conv->W + column) * B + b);
    return conv->before ? act(norm_value(conv->before, b, v), conv->before->slope) : v;
}

static void NAME(depthwise)(void *y, struct st_train_sums *sums, const void *x,
                            const struct st_train_depthwise *conv, size_t B)
{
    const size_t stride = (size_t)conv->stride;
    for (size_t i = 0; i < conv->P * conv->Q * B; i++) {
        size_t b = i % B, q = i / B % conv->Q, p = i / B / conv->Q;
        float v = 0;
        for (size_t tap = 0; tap < ST_TRAIN_TAPS; tap++)
            v += conv->w[tap * B + b] * NAME(depthwise_in)(x, conv, p * stride + tap / 3 - 1,
                                                           q * stride + tap % 3 - 1, b, B);
        STORE(y, i, v);
    }
    if (sums)
        NAME(sums)(sums, y, conv->P * conv->Q, B);
}

/* Gradient of the convolution's output, element i. */
static float NAME(depthwise_dz)(const void *dy, const void *y,
                                const struct st_train_depthwise *conv, size_t i, size_t b)
{
    const struct st_train_norm_block *norm = conv->after;
    if (!norm)
        return LOAD(dy, i);
    float away = LOAD(y, i) - norm->mean[b];
    return norm->a[b] * NAME(masked)(dy, y, NULL, norm, i, b) + (norm->b[b] * away + norm->c[b]);
}

/* All that reaches pixel (row, column) of x; adds to dw what comes of it. */
static float NAME(depthwise_gather)(double *dw, const void *dy, const void *x, const void *y,
                                    const struct st_train_depthwise *conv, size_t row,
                                    size_t column, size_t b, size_t B)
{
    const size_t stride = (size_t)conv->stride;
    float in = NAME(depthwise_in)(x, conv, row, column, b, B), sum = 0;
    for (size_t tap = 0; tap < ST_TRAIN_TAPS; tap++) {
        size_t p = row + 1 - tap / 3, q = column + 1 - tap % 3; /* times the stride */
        if (p % stride != 0 || q % stride != 0 || p / stride >= conv->P || q / stride >= conv->Q)
            continue;
        size_t i = (p / stride * conv->Q + q / stride) * B + b;
        float d = NAME(depthwise_dz)(dy, y, conv, i, b);
        sum += conv->w[tap * B + b] * d;
        dw[tap * B + b] += (double)in * (double)d;
    }
    return sum;
}

static void NAME(depthwise_backward)(void *dx, double *dw, struct st_train_gradient_sums *sums,
                                     const void *dy, const void *x, const void *y,
                                     const struct st_train_depthwise *conv, size_t B)
{
    memset(dw, 0, ST_TRAIN_TAPS * B * sizeof *dw);
    for (size_t i = 0; i < conv->H * conv->W * B; i++) {
        size_t b = i % B, column = i / B % conv->W, row = i / B / conv->W;
        float g = NAME(depthwise_gather)(dw, dy, x, y, conv, row, column, b, B);
        if (dx && conv->before && !(norm_value(conv->before, b, LOAD(x, i)) > 0))
            g *= conv->before->slope;
        if (dx)
            STORE(dx, i, g);
    }
    if (!dx || !conv->before)
        return;
    memset(sums, 0, sizeof *sums);
    for (size_t i = 0; i < conv->H * conv->W * B; i++) {
        double g = (double)LOAD(dx, i);
        sums->sum[i % B] += g;
        sums->dot[i % B] += g * (double)(LOAD(x, i) - conv->before->mean[i % B]);
    }
}

static void NAME(add)(void *dst, const void *src, size_t count, size_t B)
{
    for (size_t i = 0; i < count * B; i++)
        STORE(dst, i, LOAD(dst, i) + LOAD(src, i));
}

static void NAME(upsample)(void *y, const void *x, size_t H, size_t W, size_t B)
{
    for (size_t i = 0; i < 4 * H * W * B; i++) {
        size_t b = i % B;
        struct between c = place(i / B % (2 * W), W), r = place(i / B / (2 * W), H);
        float top = (1 - c.f) * LOAD(x, (r.i0 * W + c.i0) * B + b) +
                    c.f * LOAD(x, (r.i0 * W + c.i1) * B + b);
        float low = (1 - c.f) * LOAD(x, (r.i1 * W + c.i0) * B + b) +
                    c.f * LOAD(x, (r.i1 * W + c.i1) * B + b);
        STORE(y, i, (1 - r.f) * top + r.f * low);
    }
}

/* The part of output `at` that input `i` has. */
static float NAME(share)(size_t at, size_t i, size_t size)
{
    struct between p = place(at, size);
    return (p.i0 == i ? 1 - p.f : 0) + (p.i1 == i ? p.f : 0);
}

/* All that reaches channel b of input (row, column). Outputs 2i - 2 ... 2i + 3 are those
 * that lie next to input i. */
static float NAME(upsample_gather)(const void *dy, size_t H, size_t W, size_t row, size_t column,
                                   size_t b, size_t B)
{
    double sum = 0;
    for (size_t r = row ? 2 * row - 2 : 0; r < 2 * H && r <= 2 * row + 3; r++) {
        for (size_t c = column ? 2 * column - 2 : 0; c < 2 * W && c <= 2 * column + 3; c++)
            sum += (double)NAME(share)(r, row, H) * (double)NAME(share)(c, column, W) *
                   (double)LOAD(dy, (r * 2 * W + c) * B + b);
    }
    return (float)sum;
}

static void NAME(upsample_backward)(void *dx, const void *dy, size_t H, size_t W, float *scratch,
                                    size_t B)
{
    for (size_t row = 0; row < H; row++) {
        for (size_t i = 0; i < W * B; i++)
            scratch[i] = NAME(upsample_gather)(dy, H, W, row, i / B, i % B, B);
        for (size_t i = 0; i < W * B; i++)
            STORE(dx, row * W * B + i, scratch[i]);
    }
}

static void NAME(activation)(void *y, const void *x, float slope, size_t count, size_t B)
{
    for (size_t i = 0; i < count * B; i++)
        STORE(y, i, act(LOAD(x, i), slope));
}

static void NAME(activation_backward)(void *dx, const void *dy, const void *y, float slope,
                                      size_t count, size_t B)
{
    for (size_t i = 0; i < count * B; i++)
        STORE(dx, i, LOAD(y, i) > 0 ? LOAD(dy, i) : slope * LOAD(dy, i));
}

static void NAME(fill)(struct st_train_kernels *k)
{
    k->variant = "ref";
    k->sums = NAME(sums);
    k->norm = NAME(norm);
    k->norm_gradient = NAME(norm_gradient);
    k->norm_backward = NAME(norm_backward);
    k->depthwise = NAME(depthwise);
    k->depthwise_backward = NAME(depthwise_backward);
    k->add = NAME(add);
    k->upsample = NAME(upsample);
    k->upsample_backward = NAME(upsample_backward);
    k->activation = NAME(activation);
    k->activation_backward = NAME(activation_backward);
}
