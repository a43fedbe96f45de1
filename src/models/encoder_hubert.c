/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder "hubert": a recording, normalised as a whole, in pieces of 20 seconds, and the
 * rows of all of them two by two. Easy to get wrong: a piece reaches 80 samples into the
 * next one, so that it gives 1 000 rows; a last piece that no row fits into is left out.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "models/encoder_desc.h"
#include "models/hubert.h"

#define STEP_SAMPLES ((size_t)ST_HUBERT_PIECE_ROWS * ST_HUBERT_HOP) /* 20 s */
#define PUSH_MAX 16000
/* Spread of a recording at least, under the root. Source: transformers,
 * Wav2Vec2FeatureExtractor.zero_mean_unit_var_norm(). */
#define LEAST_VARIANCE 1e-7

struct encoder {
    struct st_hubert *hubert; /* owns */
    struct st_encoder_info info;
};

struct stream {
    const struct encoder *encoder; /* borrows */
    struct st_hubert_run *run;     /* owns */

    double sum, square; /* of all samples */
    uint64_t measured;
    float mean, factor;

    float *samples; /* owns; normalised, the next piece */
    size_t held, piece;
    uint64_t heard; /* samples pushed */

    float *rows; /* owns; of the piece, [ST_HUBERT_PIECE_ROWS + 1, hidden] */
    size_t at, count;
    bool finished;
};

static synctalk_status measure(void *stream, const float *samples, size_t count,
                               synctalk_error *err)
{
    struct stream *s = stream;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        s->sum += (double)samples[i];
        s->square += (double)samples[i] * (double)samples[i];
    }
    s->measured += count;
    return SYNCTALK_OK;
}

static void settle(struct stream *s)
{
    const double n = (double)s->measured;
    const double mean = s->measured ? s->sum / n : 0;
    const double variance = s->measured ? fmax(s->square / n - mean * mean, 0) : 1;
    s->mean = (float)mean;
    s->factor = (float)(1 / sqrt(variance + LEAST_VARIANCE));
}

static synctalk_status push(void *stream, const float *samples, size_t count, synctalk_error *err)
{
    struct stream *s = stream;
    if (count > PUSH_MAX || s->held + count > s->piece + PUSH_MAX)
        return st_fail(err, SYNCTALK_E_ARG,
                       "%zu samples were pushed into an encoder that holds %zu", count, s->held);
    if (s->heard == 0)
        settle(s);
    for (size_t i = 0; i < count; i++)
        s->samples[s->held + i] = (samples[i] - s->mean) * s->factor;
    s->held += count;
    s->heard += count;
    return SYNCTALK_OK;
}

static synctalk_status finish(void *stream, synctalk_error *err)
{
    struct stream *s = stream;
    const size_t field = st_hubert_config(s->encoder->hubert)->field;
    s->finished = true;
    if (s->heard < field)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "the sound has %" PRIu64 " samples at %d Hz; the audio encoder hubert "
                       "needs %zu, which is %.0f ms",
                       s->heard, ST_HUBERT_HZ, field, 1e3 * (double)field / ST_HUBERT_HZ);
    return SYNCTALK_OK;
}

/* With no row left: the rows of the next piece, as far as the sound at hand allows. After
 * the last one, the zeros that make an odd number of rows even. */
static synctalk_status advance(struct stream *s, synctalk_error *err)
{
    const struct st_hubert_config *config = st_hubert_config(s->encoder->hubert);
    const bool whole = s->held >= s->piece;
    const size_t count = whole ? s->piece : s->held;
    const size_t used = count < STEP_SAMPLES ? count : STEP_SAMPLES;

    s->at = s->count = 0;
    if (!whole && !s->finished)
        return SYNCTALK_OK;
    if (count >= config->field) {
        synctalk_status st = st_hubert_run(s->run, s->samples, count, s->rows, err);
        if (st)
            return st;
        s->count = st_hubert_config_rows(config, count);
        if (s->count % 2) {
            memset(s->rows + s->count * config->hidden, 0, config->hidden * sizeof *s->rows);
            s->count++;
        }
    }
    s->held -= used;
    memmove(s->samples, s->samples + used, s->held * sizeof *s->samples);
    return SYNCTALK_OK;
}

static synctalk_status pull(void *stream, float *vectors, size_t capacity, size_t *got,
                            synctalk_error *err)
{
    struct stream *s = stream;
    const size_t hidden = st_hubert_config(s->encoder->hubert)->hidden;

    *got = 0;
    while (*got < capacity) {
        if (s->at == s->count) {
            synctalk_status st = advance(s, err);
            if (st)
                return st;
            if (s->count == 0)
                break;
        }
        size_t n = (s->count - s->at) / 2;
        n = n < capacity - *got ? n : capacity - *got;
        memcpy(vectors + *got * 2 * hidden, s->rows + s->at * hidden,
               n * 2 * hidden * sizeof *vectors);
        s->at += 2 * n;
        *got += n;
    }
    return SYNCTALK_OK;
}

static void stop_by(void *stream, const struct st_stop *stop)
{
    st_hubert_run_stop_by(((struct stream *)stream)->run, stop);
}

static void stream_close(void *stream)
{
    struct stream *s = stream;
    if (!s)
        return;
    st_hubert_run_close(&s->run);
    free(s->samples);
    free(s->rows);
    free(s);
}

static synctalk_status stream_open(void **stream, const void *self, synctalk_error *err)
{
    const struct encoder *encoder = self;
    const struct st_hubert_config *config = st_hubert_config(encoder->hubert);
    synctalk_status st = SYNCTALK_OK;
    struct stream *s = calloc(1, sizeof *s);

    *stream = NULL;
    if (!s)
        return st_fail_memory(err, "a stretch of sound", sizeof *s);
    s->encoder = encoder;
    s->piece = STEP_SAMPLES + config->field - ST_HUBERT_HOP;
    const size_t samples = (s->piece + PUSH_MAX) * sizeof *s->samples;
    const size_t rows = (ST_HUBERT_PIECE_ROWS + 1) * config->hidden * sizeof *s->rows;
    if (!(s->samples = malloc(samples)) || !(s->rows = malloc(rows)))
        st = st_fail_memory(err, "a stretch of sound", samples + rows);
    if (!st)
        st = st_hubert_run_open(&s->run, encoder->hubert, err);
    if (st) {
        stream_close(s);
        return st;
    }
    *stream = s;
    return SYNCTALK_OK;
}

static void close_hubert(void *self)
{
    struct encoder *encoder = self;
    if (!encoder)
        return;
    st_hubert_close(&encoder->hubert);
    free(encoder);
}

static synctalk_status open_hubert(void **self, const char *path,
                                   const struct st_encoder_options *options, synctalk_error *err)
{
    struct encoder *encoder = calloc(1, sizeof *encoder);
    *self = NULL;
    if (!encoder)
        return st_fail_memory(err, "an audio encoder", sizeof *encoder);
    synctalk_status st = st_hubert_open(&encoder->hubert, path, options, err);
    if (st) {
        close_hubert(encoder);
        return st;
    }
    const size_t hidden = st_hubert_config(encoder->hubert)->hidden;
    encoder->info = st_encoder_hubert.info;
    encoder->info.shape[1] = hidden;
    encoder->info.vector = 2 * hidden;
    *self = encoder;
    return SYNCTALK_OK;
}

static const struct st_encoder_info *describe(const void *self)
{
    return &((const struct encoder *)self)->info;
}

const struct st_encoder_desc st_encoder_hubert = {
    .info =
        {
            .kind = SYNCTALK_ENCODER_HUBERT,
            .name = "hubert",
            .weight_files =
                (const char *const[]){"hubert-large-ls960-ft/model.safetensors",
                                      "hubert-large-ls960-ft/pytorch_model.bin",
                                      "facebook/hubert-large-ls960-ft/model.safetensors",
                                      "facebook/hubert-large-ls960-ft/pytorch_model.bin",
                                      "hubert/model.safetensors", "hubert/pytorch_model.bin", NULL},
            .feature_files = (const char *const[]){"aud_hu.npy", "aud_hubert.npy", NULL},
            .vector = 2048,
            .rank = 2,
            .shape = {2, 1024},
            .fps = 25,
            .measures = true,
        },
    .open = open_hubert,
    .close = close_hubert,
    .describe = describe,
    .stream_open = stream_open,
    .stream_close = stream_close,
    .stream_stop_by = stop_by,
    .measure = measure,
    .push = push,
    .finish = finish,
    .pull = pull,
};
