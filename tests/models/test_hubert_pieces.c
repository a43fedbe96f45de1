/* SPDX-License-Identifier: Apache-2.0 */
/* Which pieces of a recording the encoder "hubert" hears, and what becomes of their rows.
 * The network is replaced: a "row" is a few of the samples that it would have heard, so that
 * every row tells where it came from, and a minute of sound takes no time.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/kernels.h"
#include "models/encoder_support.h"
#include "models/hubert.h"

#define HIDDEN 4
#define LONGEST 960000
#define PIECES_MAX 8

static const size_t heard_at[HIDDEN] = {0, 1, 160, 399}; /* of the samples of a row */

struct st_hubert {
    struct st_hubert_config config;
};

struct st_hubert_run {
    const struct st_hubert *hubert;
};

static size_t piece_samples[PIECES_MAX], piece_count;

synctalk_status st_hubert_open(struct st_hubert **out, const char *path,
                               const struct st_encoder_options *options, synctalk_error *err)
{
    (void)path;
    (void)options;
    (void)err;
    *out = calloc(1, sizeof **out);
    assert_non_null(*out);
    (*out)->config.hidden = HIDDEN;
    (*out)->config.field = 400;
    return SYNCTALK_OK;
}

void st_hubert_close(struct st_hubert **hubert)
{
    free(*hubert);
    *hubert = NULL;
}

const struct st_hubert_config *st_hubert_config(const struct st_hubert *hubert)
{
    return &hubert->config;
}

synctalk_status st_hubert_run_open(struct st_hubert_run **out, const struct st_hubert *hubert,
                                   synctalk_error *err)
{
    (void)err;
    *out = calloc(1, sizeof **out);
    assert_non_null(*out);
    (*out)->hubert = hubert;
    return SYNCTALK_OK;
}

void st_hubert_run_close(struct st_hubert_run **run)
{
    free(*run);
    *run = NULL;
}

void st_hubert_run_stop_by(struct st_hubert_run *run, const struct st_stop *stop)
{
    (void)run;
    (void)stop;
}

synctalk_status st_hubert_run(struct st_hubert_run *run, const float *samples, size_t count,
                              float *out, synctalk_error *err)
{
    const size_t rows = st_hubert_config_rows(&run->hubert->config, count);
    (void)err;
    assert_in_range(rows, 1, ST_HUBERT_PIECE_ROWS);
    assert_true(piece_count < PIECES_MAX);
    piece_samples[piece_count++] = count;
    for (size_t t = 0; t < rows; t++)
        for (size_t i = 0; i < HIDDEN; i++)
            out[t * HIDDEN + i] = samples[t * 320 + heard_at[i]];
    return SYNCTALK_OK;
}

struct fixture {
    struct st_encoder *encoder;
    float *pcm;  /* [LONGEST] */
    float *want; /* [LONGEST / 320 + 2, HIDDEN] */
};

/* The published way, written out again: whole clips of 320 000 samples and the rest, the
 * rows joined, brought to (n - 80) / 320 of them, and a row of zeros where that is odd. */
static size_t publish(const struct fixture *f, size_t n, size_t *pieces, size_t *piece_total)
{
    const size_t clip = 320000, clips = n / clip, expected = (n - 80) / 320;
    size_t rows = 0;
    double mean = 0;
    double variance = 0;

    for (size_t i = 0; i < n; i++)
        mean += (double)f->pcm[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        variance += ((double)f->pcm[i] - mean) * ((double)f->pcm[i] - mean);
    variance /= (double)n;
    *piece_total = 0;
    for (size_t c = 0; c <= clips; c++) {
        const size_t begin = c * clip;
        size_t end = c < clips ? begin + clip + 80 : n;
        end = end < n ? end : n;
        if (end - begin < 400)
            continue;
        pieces[(*piece_total)++] = end - begin;
        for (size_t at = begin; at + 400 <= end; at += 320, rows++)
            for (size_t i = 0; i < HIDDEN; i++)
                f->want[rows * HIDDEN + i] =
                    (float)(((double)f->pcm[at + heard_at[i]] - mean) / sqrt(variance + 1e-7));
    }
    for (; rows < expected; rows++)
        memset(f->want + rows * HIDDEN, 0, HIDDEN * sizeof *f->want);
    rows = expected;
    if (rows % 2) {
        memset(f->want + rows * HIDDEN, 0, HIDDEN * sizeof *f->want);
        rows++;
    }
    return rows;
}

static void check_length(const struct fixture *f, size_t n, uint64_t seed)
{
    size_t pieces[PIECES_MAX], total, vectors;
    const size_t rows = publish(f, n, pieces, &total);

    piece_count = 0;
    float *got = encode_all(f->encoder, f->pcm, n, seed, &vectors);
    if (vectors * 2 != rows)
        fail_msg("%zu samples: %zu vectors for %zu rows", n, vectors, rows);
    assert_int_equal(piece_count, total);
    for (size_t i = 0; i < total; i++)
        assert_int_equal(piece_samples[i], pieces[i]);
    for (size_t i = 0; i < rows * HIDDEN; i++)
        if (!(fabsf(got[i] - f->want[i]) <= 1e-5f))
            fail_msg("%zu samples: row %zu of %zu was heard elsewhere", n, i / HIDDEN, rows);
    free(got);
}

/* Guards: a row too many or too few for some length, a piece that starts a row late, a last
 * piece that is left out or too short, an odd number of rows. */
static void test_every_length(void **state)
{
    const struct fixture *f = *state;
    for (size_t tenths = 1; tenths <= 600; tenths++)
        check_length(f, tenths * 1600, 0);
    for (size_t n = 400; n < 1600; n++)
        check_length(f, n, 0);
}

static void test_joints(void **state)
{
    const struct fixture *f = *state;
    for (size_t clip = 320000; clip <= 640000; clip += 320000)
        for (size_t off = 0; off <= 1200; off += off < 82 || (off > 395 && off < 405) ? 1 : 13)
            check_length(f, clip - 600 + off, 0);
    for (size_t off = 0; off <= 500; off++)
        check_length(f, 320000 + off, 0);
}

/* Guards: rows that depend on how the sound was cut into pushes. */
static void test_chunks(void **state)
{
    const struct fixture *f = *state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        check_length(f, 400 + seed * 3777, seed);
        check_length(f, 640000 + seed * 97, seed);
    }
}

/* Guards: a crash, or a video of nothing, where the sound is shorter than a row. */
static void test_too_short(void **state)
{
    const struct fixture *f = *state;
    synctalk_error error;
    for (size_t n = 0; n < 400; n += 57) {
        struct st_encoder_stream *stream;
        float vector[2 * HIDDEN];
        size_t got;
        ST_OK(st_encoder_stream_open(&stream, f->encoder, err));
        ST_OK(st_encoder_stream_measure(stream, f->pcm, n, err));
        ST_OK(st_encoder_stream_push(stream, f->pcm, n, err));
        ST_OK(st_encoder_stream_pull(stream, vector, 1, &got, err));
        assert_int_equal(got, 0);
        assert_int_equal(st_encoder_stream_finish(stream, &error), SYNCTALK_E_FORMAT);
        assert_non_null(strstr(error.message, "400"));
        st_encoder_stream_close(&stream);
    }
}

/* Guards: a division by nothing where the recording is silent, a push over the end. */
static void test_silence(void **state)
{
    const struct fixture *f = *state;
    struct st_encoder_stream *stream;
    synctalk_error error;
    size_t vectors;
    float *zeros = calloc(400000, sizeof *zeros);

    assert_non_null(zeros);
    piece_count = 0;
    float *got = encode_all(f->encoder, zeros, 5000, 0, &vectors);
    for (size_t i = 0; i < vectors * 2 * HIDDEN; i++)
        assert_true(got[i] == 0);
    free(got);
    ST_OK(st_encoder_stream_open(&stream, f->encoder, err));
    synctalk_status st = SYNCTALK_OK;
    for (int i = 0; !st && i < 25; i++)
        st = st_encoder_stream_push(stream, zeros, 16000, &error);
    assert_int_equal(st, SYNCTALK_E_ARG);
    st_encoder_stream_close(&stream);
    free(zeros);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct st_kernels kernels;
    uint64_t seed = 1;

    assert_non_null(f);
    f->pcm = malloc(LONGEST * sizeof *f->pcm);
    f->want = malloc((LONGEST / 320 + 2) * HIDDEN * sizeof *f->want);
    assert_non_null(f->pcm);
    assert_non_null(f->want);
    for (size_t i = 0; i < LONGEST; i++)
        f->pcm[i] = st_random_unit(&seed) - 0.3f;
    st_kernels_init(&kernels, 0);
    ST_OK(st_encoder_open(&f->encoder, SYNCTALK_ENCODER_HUBERT, "any",
                          &(struct st_encoder_options){.kernels = &kernels}, err));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    st_encoder_close(&f->encoder);
    free(f->pcm);
    free(f->want);
    free(f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_length), cmocka_unit_test(test_joints),
        cmocka_unit_test(test_chunks),       cmocka_unit_test(test_too_short),
        cmocka_unit_test(test_silence),
    };
    return cmocka_run_group_tests_name("hubert pieces", tests, setup, teardown);
}
