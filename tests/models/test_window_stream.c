/* SPDX-License-Identifier: Apache-2.0 */
/* Which windows of sound a network in ONNX is given, at every length. Network and filter
 * banks are replaced: a row tells which sample it begins with, and a "vector" is what the
 * window holds, so every vector tells where it was cut.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/fbank.h"
#include "models/encoder_desc.h"
#include "models/window_network_impl.h"
#include "support/support.h"

#define LONGEST 960000
#define MARKS 4 /* numbers of a vector */

/* --- in the place of audio/fbank.c: a row is its first and its last sample ------------- */

struct st_fbank {
    float samples[ST_FBANK_WINDOW + ST_FBANK_PUSH_MAX];
    size_t count;
};

synctalk_status st_fbank_create(struct st_fbank **out, synctalk_error *err)
{
    (void)err;
    *out = calloc(1, sizeof **out);
    assert_non_null(*out);
    return SYNCTALK_OK;
}

void st_fbank_destroy(struct st_fbank **fbank)
{
    free(*fbank);
    *fbank = NULL;
}

synctalk_status st_fbank_push(struct st_fbank *fbank, const float *samples, size_t count,
                              synctalk_error *err)
{
    (void)err;
    assert_true(fbank->count + count <= sizeof fbank->samples / sizeof *fbank->samples);
    memcpy(fbank->samples + fbank->count, samples, count * sizeof *samples);
    fbank->count += count;
    return SYNCTALK_OK;
}

size_t st_fbank_pull(struct st_fbank *fbank, float *rows, size_t capacity)
{
    size_t made = 0;
    for (; made < capacity && fbank->count >= ST_FBANK_WINDOW; made++) {
        rows[made * ST_FBANK_BANDS] = fbank->samples[0];
        rows[made * ST_FBANK_BANDS + 1] = fbank->samples[ST_FBANK_WINDOW - 1];
        fbank->count -= ST_FBANK_HOP;
        memmove(fbank->samples, fbank->samples + ST_FBANK_HOP, fbank->count * sizeof(float));
    }
    return made;
}

float st_fbank_sample(float x)
{
    return x * 2;
}

/* --- in the place of models/window_network.c ------------------------------------------- */

struct st_window_network {
    struct st_window_form form;
};

const struct st_window_form *st_window_network_form(const struct st_window_network *network)
{
    return &network->form;
}

size_t st_window_unit(enum st_window_input input)
{
    return input == ST_WINDOW_WAVEFORM ? 1 : ST_FBANK_BANDS;
}

/* Vector k of a run: the k-th, the last, the middle unit of the window; k. */
synctalk_status st_window_network_run(const struct st_window_network *network, float *window,
                                      float *vectors, synctalk_error *err)
{
    const struct st_window_form *form = &network->form;
    const size_t unit = st_window_unit(form->input);
    (void)err;
    for (size_t k = 0; k < form->vectors; k++) {
        const size_t at[] = {k, (size_t)form->window - 1, (size_t)form->window / 2};
        for (size_t i = 0; i < 3; i++)
            vectors[k * MARKS + i] = window[at[i] * unit];
        vectors[k * MARKS + 3] = (float)k;
    }
    return SYNCTALK_OK;
}

/* --- the restatement: all of the padded recording at once ------------------------------- */

/* Sample i of the recording. Whole numbers, and so exact whatever is done to them. */
static float sample(int64_t i)
{
    return (float)(1 + i % 1000003);
}

static float padded(const struct st_window_form *form, int64_t count, int64_t at)
{
    const float scale = form->input == ST_WINDOW_WAVEFORM ? form->scale : 2;
    return at < form->before || at >= form->before + count ? 0 : scale * sample(at - form->before);
}

/* First sample of unit `u`; zero past the end. */
static float unit_at(const struct st_window_form *form, int64_t count, int64_t units, int64_t u)
{
    const int64_t step = form->input == ST_WINDOW_WAVEFORM ? 1 : 160;
    return u < units ? padded(form, count, u * step) : 0;
}

static int64_t units_of(const struct st_window_form *form, int64_t count)
{
    const int64_t all = form->before + count + form->after;
    if (form->input == ST_WINDOW_WAVEFORM)
        return all;
    int64_t rows = 0;
    while (rows * 160 + 400 <= all)
        rows++;
    return rows;
}

/* Windows until one reaches the end; of the last, the vectors whose hop has sound. */
static int64_t vectors_of(const struct st_window_form *form, int64_t units)
{
    if (units == 0)
        return 0;
    int64_t windows = 1;
    while ((windows - 1) * form->hop + form->window < units)
        windows++;
    const int64_t per_run = (int64_t)form->vectors;
    int64_t last = 0; /* vectors of the last run */
    const int64_t end = units - (windows - 1) * form->hop - (form->window - form->hop);
    while (last < per_run && (last == 0 || last * form->hop < end * per_run))
        last++;
    return (windows - 1) * per_run + last;
}

static void check_length(const struct st_window_network *network, int64_t count, uint64_t seed)
{
    const struct st_window_form *form = &network->form;
    const int64_t units = units_of(form, count);
    static float pcm[ST_ENCODER_PUSH_MAX];
    float vectors[7 * MARKS];
    void *stream;
    int64_t seen = 0;

    ST_OK(st_window_stream_open(&stream, network, err));
    for (int64_t at = 0, more = 1; more;) {
        size_t n = seed ? st_random_next(&seed) % 5000 : ST_ENCODER_PUSH_MAX;
        n = (int64_t)n < count - at ? n : (size_t)(count - at);
        more = at < count;
        for (size_t i = 0; i < n; i++)
            pcm[i] = sample(at + (int64_t)i);
        if (more)
            ST_OK(st_window_stream_push(stream, pcm, n, err));
        else
            ST_OK(st_window_stream_finish(stream, err));
        at += (int64_t)n;
        for (size_t got = 1; got;) {
            size_t most = seed ? 1 + st_random_next(&seed) % 7 : 7;
            ST_OK(st_window_stream_pull(stream, vectors, most, &got, err));
            assert_true(got <= most);
            for (size_t i = 0; i < got; i++, seen++) {
                const int64_t run = seen / (int64_t)form->vectors;
                const int64_t k = seen % (int64_t)form->vectors, first = run * form->hop;
                const float *vector = vectors + i * MARKS;
                assert_true(vector[3] == (float)k);
                assert_true(vector[0] == unit_at(form, count, units, first + k));
                assert_true(vector[1] == unit_at(form, count, units, first + form->window - 1));
                assert_true(vector[2] == unit_at(form, count, units, first + form->window / 2));
            }
        }
    }
    if (seen != vectors_of(form, units))
        fail_msg("%lld samples: %lld vectors where %lld are due", (long long)count, (long long)seen,
                 (long long)vectors_of(form, units));
    st_window_stream_close(stream);
}

/* Guards: at some length a vector too many or too few (the picture would freeze or the sound
 * be cut), a window cut in the wrong place, zeros where there is sound. */
static void test_wenet_every_length(void **state)
{
    (void)state;
    static const struct st_window_network wenet = {{.input = ST_WINDOW_FILTER_BANKS,
                                                    .before = 5120,
                                                    .after = 5600,
                                                    .window = 67,
                                                    .hop = 5,
                                                    .scale = 1,
                                                    .vector = MARKS,
                                                    .vectors = 1}};
    for (int64_t tenths = 1; tenths <= 600; tenths++)
        check_length(&wenet, tenths * 1600, (uint64_t)(tenths % 3));
    for (int64_t count = 0; count < 1700; count += count < 20 ? 1 : 39)
        check_length(&wenet, count, (uint64_t)count);
    /* As the published file has it: 48 000 samples give 365 rows and 61 features. */
    assert_int_equal(units_of(&wenet.form, 48000), 365);
    assert_int_equal(vectors_of(&wenet.form, 365), 61);
    assert_int_equal(vectors_of(&wenet.form, units_of(&wenet.form, 1)), 1);
}

/* Guards: the same for the forms that a user may describe, with one vector a window or many. */
static void test_forms(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (int i = 0; i < 200; i++) {
        struct st_window_network network = {{.input = ST_WINDOW_WAVEFORM, .vector = MARKS}};
        struct st_window_form *form = &network.form;
        form->input = i % 2 ? ST_WINDOW_WAVEFORM : ST_WINDOW_FILTER_BANKS;
        form->vectors = 1 + st_random_next(&seed) % 4;
        form->hop = (int64_t)((1 + st_random_next(&seed) % 50) * form->vectors);
        form->window = form->hop + (int64_t)(st_random_next(&seed) % 300);
        form->before = i % 3 ? (int64_t)(st_random_next(&seed) % 2000) : 0;
        form->after = i % 4 ? (int64_t)(st_random_next(&seed) % 2000) : 0;
        form->scale = 3;
        for (int k = 0; k < 12; k++)
            check_length(&network, (int64_t)(st_random_next(&seed) % 4000), (uint64_t)k);
    }
}

/* Guards: mean and variance of a piece where the recording's are meant, and noise blown up to
 * full scale where the sound is silent. */
static void test_normalised(void **state)
{
    (void)state;
    const struct st_window_network network = {{.input = ST_WINDOW_WAVEFORM,
                                               .window = 4,
                                               .hop = 4,
                                               .scale = 10,
                                               .normalise = true,
                                               .vector = MARKS,
                                               .vectors = 1}};
    static const float pcm[] = {1, 2, 3, 4, 5, 6, 7, NAN};
    float vectors[2 * MARKS];
    void *stream;
    size_t got;

    ST_OK(st_window_stream_open(&stream, &network, err));
    ST_OK(st_window_stream_measure(stream, pcm, 3, err));
    ST_OK(st_window_stream_measure(stream, pcm + 3, 4, err));
    ST_OK(st_window_stream_push(stream, pcm, 7, err));
    ST_OK(st_window_stream_pull(stream, vectors, 2, &got, err));
    assert_int_equal(got, 1);
    assert_float_equal(vectors[0], -15, 1e-4); /* (1 - 4) / 2 * 10 */
    assert_float_equal(vectors[1], 0, 1e-4);
    st_window_stream_close(stream);

    ST_OK(st_window_stream_open(&stream, &network, err));
    ST_OK(st_window_stream_measure(stream, (const float[8]){0}, 8, err));
    ST_OK(st_window_stream_push(stream, (const float[8]){0}, 8, err));
    ST_OK(st_window_stream_pull(stream, vectors, 2, &got, err));
    assert_int_equal(got, 2);
    assert_true(vectors[0] == 0 && vectors[MARKS] == 0);
    st_window_stream_close(stream);
}

/* Guards: sound lost where a caller pushes before it has pulled. */
static void test_misuse(void **state)
{
    (void)state;
    const struct st_window_network network = {
        {.input = ST_WINDOW_WAVEFORM, .window = 4, .hop = 4, .vector = MARKS, .vectors = 1}};
    static const float pcm[ST_ENCODER_PUSH_MAX + 1];
    void *stream;

    ST_OK(st_window_stream_open(&stream, &network, err));
    assert_int_equal(st_window_stream_push(stream, pcm, ST_ENCODER_PUSH_MAX + 1, NULL),
                     SYNCTALK_E_ARG);
    ST_OK(st_window_stream_push(stream, pcm, 8, err));
    assert_int_equal(st_window_stream_push(stream, pcm, 8, NULL), SYNCTALK_E_ARG);
    ST_OK(st_window_stream_finish(stream, err));
    assert_int_equal(st_window_stream_finish(stream, NULL), SYNCTALK_E_ARG);
    st_window_stream_close(stream);
    st_window_stream_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wenet_every_length),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_normalised),
        cmocka_unit_test(test_misuse),
    };
    return cmocka_run_group_tests_name("window stream", tests, NULL, NULL);
}
