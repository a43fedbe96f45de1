/* SPDX-License-Identifier: Apache-2.0 */
/* Plain loops: a chunk is 0.7 million multiply-adds, in matrices too narrow for a library
 * of convolutions to be worth its calls. Weights are packed in blocks of eight rows, so
 * that one loaded block serves all time steps and the compiler's vectors.
 *
 * Every layer is y = W x over columns: a convolution's columns are its windows.
 */
#include "models/silero.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"

#define BLOCK 8 /* rows of W computed together */
#define PAD 64  /* reflected samples behind a chunk */
#define STFT_WINDOW 256
#define STFT_STEP 128
#define STFT_BINS 129
#define STFT_ROWS ((size_t)2 * STFT_BINS)
#define STEPS 4         /* of the spectrum, per chunk */
#define COLUMN_MOST 387 /* values of the longest column: 129 channels x 3 */
#define ROWS_MOST 512   /* of the highest W, in whole blocks */
#define STATE ST_SILERO_STATE
#define GATES ((size_t)4 * STATE) /* i, f, g, o */
#define CONVS 4
#define BLOCKS_MOST 4 /* computed together where there is one column */

_Static_assert((ST_SILERO_INPUT + PAD - STFT_WINDOW) / STFT_STEP + 1 == STEPS,
               "four spectra fit a chunk");

/* What the compiler turns into the widest registers that the build allows. */
typedef float vec4 __attribute__((vector_size(16)));

/* y = W x + bias */
struct dense {
    size_t rows, columns; /* of W */
    float *w;             /* owned; [rows / BLOCK rounded up, columns, BLOCK], zeros behind */
    float *bias;          /* owned; [rows rounded up] */
};

struct conv {
    const char *weight, *bias;
    size_t cin, cout, stride, steps_in, steps_out;
};

static const struct conv convs[CONVS] = {
    {"conv1.weight", "conv1.bias", 129, 128, 1, 4, 4},
    {"conv2.weight", "conv2.bias", 128, 64, 2, 4, 2},
    {"conv3.weight", "conv3.bias", 64, 64, 2, 2, 1},
    {"conv4.weight", "conv4.bias", 64, STATE, 1, 1, 1},
};

/* What the published ONNX file calls the tensors. */
static const char *const onnx_names[][2] = {
    {"stft_conv.weight", "model.stft.forward_basis_buffer"},
    {"conv1.weight", "model.encoder.0.reparam_conv.weight"},
    {"conv1.bias", "model.encoder.0.reparam_conv.bias"},
    {"conv2.weight", "model.encoder.1.reparam_conv.weight"},
    {"conv2.bias", "model.encoder.1.reparam_conv.bias"},
    {"conv3.weight", "model.encoder.2.reparam_conv.weight"},
    {"conv3.bias", "model.encoder.2.reparam_conv.bias"},
    {"conv4.weight", "model.encoder.3.reparam_conv.weight"},
    {"conv4.bias", "model.encoder.3.reparam_conv.bias"},
    {"lstm_cell.weight_ih", "model.decoder.rnn.weight_ih"},
    {"lstm_cell.weight_hh", "model.decoder.rnn.weight_hh"},
    {"lstm_cell.bias_ih", "model.decoder.rnn.bias_ih"},
    {"lstm_cell.bias_hh", "model.decoder.rnn.bias_hh"},
    {"final_conv.weight", "model.decoder.decoder.2.weight"},
    {"final_conv.bias", "model.decoder.decoder.2.bias"},
};

struct st_silero {
    struct dense stft;          /* [258, 256], no bias */
    struct dense conv[CONVS];   /* [cout, cin * 3] */
    struct dense input, hidden; /* [512, 128]; the bias of `input` holds the sum of both */
    float last[STATE];
    float last_bias;
    float h[STATE], c[STATE];
};

static size_t blocks_of(size_t rows)
{
    return (rows + BLOCK - 1) / BLOCK;
}

/* Takes nothing; `w` [rows, columns] row-major and `bias` [rows] or NULL are copied. */
static synctalk_status pack(struct dense *dense, size_t rows, size_t columns, const float *w,
                            const float *bias, synctalk_error *err)
{
    const size_t blocks = blocks_of(rows);
    const size_t bytes = blocks * BLOCK * columns * sizeof *dense->w;
    dense->rows = rows;
    dense->columns = columns;
    dense->w = st_alloc_aligned(bytes);
    dense->bias = st_alloc_aligned(blocks * BLOCK * sizeof *dense->bias);
    if (!dense->w || !dense->bias)
        return st_fail_memory(err, "Silero VAD", bytes);
    for (size_t r = 0; r < rows; r++) {
        for (size_t k = 0; k < columns; k++)
            dense->w[(r / BLOCK * columns + k) * BLOCK + r % BLOCK] = w[r * columns + k];
        dense->bias[r] = bias ? bias[r] : 0;
    }
    return SYNCTALK_OK;
}

static const char *onnx_name_of(const char *name)
{
    size_t i = 0;
    while (strcmp(onnx_names[i][0], name) != 0)
        i++;
    return onnx_names[i][1];
}

/* Tensor `name`, under that name or that of the ONNX file. */
static synctalk_status take(const struct st_weights *weights, const char *name, int rank,
                            const size_t *dims, float *dst, synctalk_error *err)
{
    const char *other = onnx_name_of(name);
    const bool exported = !st_weights_find(weights, name) && st_weights_find(weights, other);
    return st_weights_take_f32(weights, exported ? other : name, rank, dims, dst, err);
}

bool st_silero_fits(const struct st_weights *weights)
{
    for (size_t i = 0; i < sizeof onnx_names / sizeof *onnx_names; i++)
        if (!st_weights_find(weights, onnx_names[i][0]) &&
            !st_weights_find(weights, onnx_names[i][1]))
            return false;
    return true;
}

/* Find two tensors, [rows, columns] (as `dims` of `rank`) and [rows], and pack them. `also`,
 * NULL or a second [rows], is added to the bias. */
static synctalk_status load(struct dense *dense, const struct st_weights *weights, const char *name,
                            int rank, const size_t *dims, const char *bias_name, const char *also,
                            synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    const size_t rows = dims[0];
    const size_t columns = dims[1] * (rank > 2 ? dims[2] : 1);
    float bias[ROWS_MOST] = {0};
    float more[ROWS_MOST] = {0};
    float *w = malloc(rows * columns * sizeof *w);

    if (!w)
        return st_fail_memory(err, "Silero VAD", rows * columns * sizeof *w);
    if ((st = take(weights, name, rank, dims, w, err)))
        goto done;
    if (bias_name && (st = take(weights, bias_name, 1, dims, bias, err)))
        goto done;
    if (also && (st = take(weights, also, 1, dims, more, err)))
        goto done;
    for (size_t i = 0; i < rows; i++)
        bias[i] += more[i];
    st = pack(dense, rows, columns, w, bias, err);
done:
    free(w);
    return st;
}

synctalk_status st_silero_open(struct st_silero **out, const struct st_weights *weights,
                               synctalk_error *err)
{
    synctalk_status st;
    *out = NULL;
    struct st_silero *s = calloc(1, sizeof *s);
    if (!s)
        return st_fail_memory(err, "Silero VAD", sizeof *s);

    if (!st_weights_find(weights, "stft_conv.weight") &&
        !st_weights_find(weights, onnx_name_of("stft_conv.weight"))) {
        st = st_fail(err, SYNCTALK_E_MODEL,
                     "%s: not a Silero VAD of 16 kHz: it has no tensor stft_conv.weight",
                     st_weights_path(weights));
        goto done;
    }
    if ((st = load(&s->stft, weights, "stft_conv.weight", 3,
                   (const size_t[]){STFT_ROWS, 1, STFT_WINDOW}, NULL, NULL, err)))
        goto done;
    for (size_t i = 0; i < CONVS; i++)
        if ((st = load(&s->conv[i], weights, convs[i].weight, 3,
                       (const size_t[]){convs[i].cout, convs[i].cin, 3}, convs[i].bias, NULL, err)))
            goto done;
    const size_t gates[] = {GATES, STATE};
    if ((st = load(&s->input, weights, "lstm_cell.weight_ih", 2, gates, "lstm_cell.bias_ih",
                   "lstm_cell.bias_hh", err)) ||
        (st = load(&s->hidden, weights, "lstm_cell.weight_hh", 2, gates, NULL, NULL, err)) ||
        (st = take(weights, "final_conv.weight", 3, (const size_t[]){1, STATE, 1}, s->last, err)) ||
        (st = take(weights, "final_conv.bias", 1, (const size_t[]){1}, &s->last_bias, err)))
        goto done;
    *out = s;
    s = NULL;
done:
    st_silero_close(&s);
    return st;
}

static void dense_free(struct dense *dense)
{
    free(dense->w);
    free(dense->bias);
}

void st_silero_close(struct st_silero **silero)
{
    if (!silero || !*silero)
        return;
    dense_free(&(*silero)->stft);
    for (size_t i = 0; i < CONVS; i++)
        dense_free(&(*silero)->conv[i]);
    dense_free(&(*silero)->input);
    dense_free(&(*silero)->hidden);
    free(*silero);
    *silero = NULL;
}

/* `B` neighbouring blocks of rows against T columns that begin `step` values apart. B and T
 * are constants where this is inlined, so that the 2 B T vectors of sums stay in registers:
 * eight of them hide the latency of an addition. y [T, ROWS_MOST]. */
static inline __attribute__((always_inline)) void product(const struct dense *dense, size_t first,
                                                          size_t B, size_t T, const float *x,
                                                          size_t step, float *y)
{
    const size_t size = dense->columns * BLOCK; /* of a packed block */
    const float *w = dense->w + first * size;
    vec4 sum[BLOCKS_MOST][STEPS][2];

    for (size_t b = 0; b < B; b++)
        for (size_t t = 0; t < T; t++)
            memcpy(sum[b][t], dense->bias + (first + b) * BLOCK, sizeof sum[b][t]);
    for (size_t k = 0; k < dense->columns; k++, w += BLOCK) {
        for (size_t b = 0; b < B; b++) {
            vec4 row[2];
            memcpy(row, w + b * size, sizeof row);
            for (size_t t = 0; t < T; t++) {
                sum[b][t][0] += row[0] * x[t * step + k];
                sum[b][t][1] += row[1] * x[t * step + k];
            }
        }
    }
    for (size_t b = 0; b < B; b++)
        for (size_t t = 0; t < T; t++)
            for (size_t r = 0; r < BLOCK; r++)
                y[t * ROWS_MOST + (first + b) * BLOCK + r] = sum[b][t][r / 4][r % 4];
}

/* y[t] = W x[t] + bias for T of 1, 2 or 4. A row's sum is formed in the order of columns,
 * whatever T. */
static void apply(const struct dense *dense, size_t T, const float *x, size_t step, float *y)
{
    const size_t blocks = blocks_of(dense->rows);
    size_t b = 0;
    assert(T == STEPS || blocks % BLOCKS_MOST == 0);
    if (T == STEPS)
        for (; b < blocks; b++)
            product(dense, b, 1, STEPS, x, step, y);
    else if (T == 2)
        for (; b < blocks; b += 2)
            product(dense, b, 2, 2, x, step, y);
    else
        for (; b < blocks; b += BLOCKS_MOST)
            product(dense, b, BLOCKS_MOST, 1, x, step, y);
}

/* relu(conv(x)): x [steps_in, ROWS_MOST] -> y [steps_out, ROWS_MOST], channels innermost. */
static void convolve(const struct conv *conv, const struct dense *dense, const float *x, float *y)
{
    float windows[STEPS][COLUMN_MOST];
    for (size_t t = 0; t < conv->steps_out; t++) {
        for (size_t k = 0; k < 3; k++) {
            const size_t at = t * conv->stride + k; /* of x with one step of zeros in front */
            bool inside = at >= 1 && at <= conv->steps_in;
            for (size_t c = 0; c < conv->cin; c++)
                windows[t][c * 3 + k] = inside ? x[(at - 1) * ROWS_MOST + c] : 0.0f;
        }
    }
    apply(dense, conv->steps_out, windows[0], COLUMN_MOST, y);
    for (size_t t = 0; t < conv->steps_out; t++)
        for (size_t c = 0; c < conv->cout; c++)
            y[t * ROWS_MOST + c] = fmaxf(y[t * ROWS_MOST + c], 0.0f);
}

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* One step of the cell; h and c move on. */
static void lstm(struct st_silero *s, const float *x)
{
    float a[ROWS_MOST] = {0};
    float b[ROWS_MOST] = {0};
    apply(&s->input, 1, x, 0, a);
    apply(&s->hidden, 1, s->h, 0, b);
    for (size_t i = 0; i < GATES; i++)
        a[i] += b[i];
    for (size_t i = 0; i < STATE; i++) {
        s->c[i] = sigmoid(a[STATE + i]) * s->c[i] + sigmoid(a[i]) * tanhf(a[(size_t)2 * STATE + i]);
        s->h[i] = sigmoid(a[(size_t)3 * STATE + i]) * tanhf(s->c[i]);
    }
}

float st_silero_run(struct st_silero *silero, const float *x)
{
    float padded[ST_SILERO_INPUT + PAD];
    float a[STEPS * ROWS_MOST];
    float b[STEPS * ROWS_MOST];
    float sum = silero->last_bias;

    memcpy(padded, x, ST_SILERO_INPUT * sizeof *x);
    for (size_t i = 0; i < PAD; i++)
        padded[ST_SILERO_INPUT + i] = x[ST_SILERO_INPUT - 2 - i];
    apply(&silero->stft, STEPS, padded, STFT_STEP, a);
    for (size_t t = 0; t < STEPS; t++) {
        const float *re = a + t * ROWS_MOST;
        const float *im = re + STFT_BINS;
        for (size_t k = 0; k < STFT_BINS; k++)
            b[t * ROWS_MOST + k] = sqrtf(re[k] * re[k] + im[k] * im[k]);
    }
    convolve(&convs[0], &silero->conv[0], b, a);
    convolve(&convs[1], &silero->conv[1], a, b);
    convolve(&convs[2], &silero->conv[2], b, a);
    convolve(&convs[3], &silero->conv[3], a, b);
    lstm(silero, b);
    for (size_t i = 0; i < STATE; i++)
        sum += silero->last[i] * fmaxf(silero->h[i], 0.0f);
    return sigmoid(sum);
}

static synctalk_status add_random(struct st_weights *weights, struct st_random *random,
                                  const char *name, int rank, const size_t *dims,
                                  synctalk_error *err)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= dims[i];
    float *data = malloc(count * sizeof *data);
    if (!data)
        return st_fail_memory(err, "random weights", count * sizeof *data);
    const size_t columns = count / dims[0];
    const float size = 1.0f / sqrtf((float)columns);
    for (size_t i = 0; i < count; i++)
        data[i] = size * ((float)(st_random_bits(random) >> 40) * 0x1p-23f - 1.0f);
    synctalk_status st = st_weights_add_f32(weights, name, rank, dims, data, err);
    free(data);
    return st;
}

synctalk_status st_silero_random(struct st_weights **out, uint64_t seed, synctalk_error *err)
{
    static const struct {
        const char *name;
        int rank;
        size_t dims[3];
    } tensors[] = {
        {"stft_conv.weight", 3, {STFT_ROWS, 1, STFT_WINDOW}},
        {"lstm_cell.weight_ih", 2, {GATES, STATE}},
        {"lstm_cell.weight_hh", 2, {GATES, STATE}},
        {"lstm_cell.bias_ih", 1, {GATES}},
        {"lstm_cell.bias_hh", 1, {GATES}},
        {"final_conv.weight", 3, {1, STATE, 1}},
        {"final_conv.bias", 1, {1}},
    };
    struct st_weights *weights = NULL;
    struct st_random random = st_random_stream(seed, 0, 0);
    *out = NULL;
    synctalk_status st = st_weights_create(&weights, "random weights", err);
    for (size_t i = 0; !st && i < sizeof tensors / sizeof *tensors; i++)
        st = add_random(weights, &random, tensors[i].name, tensors[i].rank, tensors[i].dims, err);
    for (size_t i = 0; !st && i < CONVS; i++) {
        const size_t dims[] = {convs[i].cout, convs[i].cin, 3};
        if (!(st = add_random(weights, &random, convs[i].weight, 3, dims, err)))
            st = add_random(weights, &random, convs[i].bias, 1, dims, err);
    }
    if (st)
        st_weights_close(&weights);
    *out = weights;
    return st;
}
