/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "media/audio_reader.h"
#include "models/encoder_support.h"
#include "models/hubert.h"
#include "models/hubert_maker.h"
#include "models/model_support.h"

static unsigned mask = ~0u;

static struct st_encoder_options options(const struct st_kernels *kernels, int threads, bool exact)
{
    return (struct st_encoder_options){.kernels = kernels, .threads = threads, .exact = exact};
}

static struct st_hubert *open_at(const char *path, int threads, bool exact)
{
    struct st_hubert *hubert;
    struct st_kernels kernels;
    st_kernels_init(&kernels, mask);
    const struct st_encoder_options how = options(&kernels, threads, exact);
    ST_OK(st_hubert_open(&hubert, path, &how, err));
    return hubert;
}

/* The last hidden state of one piece, normalised as a recording is. malloc'ed. */
static float *run_piece(const struct st_hubert *hubert, const float *pcm, size_t count,
                        size_t *rows)
{
    const struct st_hubert_config *config = st_hubert_config(hubert);
    struct st_hubert_run *run;
    double mean = 0;
    double variance = 0;
    float *samples = malloc(count * sizeof *samples);

    assert_non_null(samples);
    for (size_t i = 0; i < count; i++)
        mean += (double)pcm[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        variance += pow((double)pcm[i] - mean, 2) / (double)count;
    for (size_t i = 0; i < count; i++)
        samples[i] = (float)(((double)pcm[i] - mean) / sqrt(variance + 1e-7));
    *rows = st_hubert_config_rows(config, count);
    float *out = malloc(*rows * config->hidden * sizeof *out);
    assert_non_null(out);
    ST_OK(st_hubert_run_open(&run, hubert, err));
    ST_OK(st_hubert_run(run, samples, count, out, err));
    st_hubert_run_close(&run);
    assert_null(run);
    free(samples);
    return out;
}

static void copy_file(const char *from, const char *folder, const char *name)
{
    char path[4300];
    FILE *file = fopen(from, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    const size_t size = (size_t)ftell(file);
    char *bytes = malloc(size);
    assert_non_null(bytes);
    rewind(file);
    assert_int_equal(fread(bytes, 1, size, file), size);
    fclose(file);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    st_write_file(path, bytes, size);
    free(bytes);
}

/* A published file, the samples beside it and what the reference made of them. */
static void test_golden(void **state)
{
    const char *folder = *state;
    ST_NEED_SHARED(weights, "reference/encoders/hubert_tiny.safetensors");
    ST_NEED_SHARED(config, "reference/encoders/hubert_tiny.json");
    ST_NEED_SHARED(arrays, "reference/encoders/hubert_tiny.npz");
    struct st_weights *file;
    size_t samples, values, rows;

    copy_file(weights, folder, "model.safetensors");
    copy_file(config, folder, "config.json");
    ST_OK(st_weights_open(&file, arrays, err));
    float *pcm = st_test_f32(file, "pcm", &samples);
    float *want = st_test_f32(file, "last_hidden_state", &values);
    st_weights_close(&file);
    struct st_hubert *hubert = open_at(folder, 2, true);
    float *got = run_piece(hubert, pcm, samples, &rows);
    assert_int_equal(rows * st_hubert_config(hubert)->hidden, values);
    double worst = st_max_difference(got, want, values);
    print_message("last hidden state: largest difference %.2g\n", worst);
    assert_true(worst <= 1e-4);
    st_hubert_close(&hubert);
    free(got);
    free(want);
    free(pcm);
}

/* Guards: pieces cut, joined or normalised otherwise than the published features were. */
static void test_golden_pieces(void **state)
{
    const char *folder = *state;
    ST_NEED_SHARED(weights, "reference/encoders/hubert_tiny.safetensors");
    ST_NEED_SHARED(config, "reference/encoders/hubert_tiny.json");
    ST_NEED_SHARED(arrays, "reference/encoders/hubert_tiny_25s.npz");
    ST_NEED_SHARED(sound, "media/audio/talk_hb.wav");
    const size_t samples = 400123;
    struct st_weights *file;
    struct st_encoder *encoder;
    struct st_kernels kernels;
    struct st_audio_reader *reader;
    size_t values, vectors;
    float *pcm = malloc(samples * sizeof *pcm);

    assert_non_null(pcm);
    copy_file(weights, folder, "model.safetensors");
    copy_file(config, folder, "config.json");
    ST_OK(st_weights_open(&file, arrays, err));
    float *want = st_test_f32(file, "features", &values);
    st_weights_close(&file);
    ST_OK(st_audio_reader_open(&reader, sound, 16000, 1, err));
    for (size_t at = 0, got = 1; at < samples && got; at += got)
        ST_OK(st_audio_reader_read(reader, pcm + at, samples - at, &got, err));
    st_audio_reader_close(&reader);

    st_kernels_init(&kernels, mask);
    const struct st_encoder_options how = options(&kernels, 2, true);
    ST_OK(st_encoder_open(&encoder, SYNCTALK_ENCODER_HUBERT, folder, &how, err));
    float *got = encode_all(encoder, pcm, samples, 0, &vectors);
    assert_int_equal(vectors * st_encoder_describe(encoder)->vector, values);
    double worst = st_max_difference(got, want, values);
    print_message("features of 25 s: largest difference %.2g\n", worst);
    assert_true(worst <= 1e-4);
    st_encoder_close(&encoder);
    free(got);
    free(want);
    free(pcm);
}

static float *noise(size_t count, uint64_t seed)
{
    float *pcm = malloc(count * sizeof *pcm);
    assert_non_null(pcm);
    for (size_t i = 0; i < count; i++)
        pcm[i] = (st_random_unit(&seed) - 0.5f) * (float)(1 + sin((double)i / 900));
    return pcm;
}

static double spread(const float *x, size_t count)
{
    double square = 0;
    for (size_t i = 0; i < count; i++)
        square += (double)x[i] * (double)x[i];
    return sqrt(square / (double)count);
}

/* `config` against its definition, over several blocks and a part of one. */
static void check_form(const char *folder, const struct st_hubert_config *config,
                       const struct hubert_naming *naming)
{
    const size_t lengths[] = {config->field, 719, 12345, 45000};
    struct st_weights *weights = hubert_weights(config, 11, naming);
    hubert_write(folder, config, weights);
    struct st_hubert *exact = open_at(folder, 3, true), *fast = open_at(folder, 2, false);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t rows, want_rows;
        float *pcm = noise(lengths[i], i);
        float *samples = malloc(lengths[i] * sizeof *samples);
        assert_non_null(samples);
        double mean = 0;
        double variance = 0;
        for (size_t k = 0; k < lengths[i]; k++)
            mean += (double)pcm[k] / (double)lengths[i];
        for (size_t k = 0; k < lengths[i]; k++)
            variance += pow((double)pcm[k] - mean, 2) / (double)lengths[i];
        for (size_t k = 0; k < lengths[i]; k++)
            samples[k] = (float)(((double)pcm[k] - mean) / sqrt(variance + 1e-7));
        float *want = hubert_plain(config, weights, naming, samples, lengths[i], &want_rows);
        const size_t count = want_rows * config->hidden;
        float *got = run_piece(exact, pcm, lengths[i], &rows);
        assert_int_equal(rows, want_rows);
        double worst = st_max_difference(got, want, count);
        if (!(worst <= 1e-4))
            fail_msg("%zu samples: f32 is off by %g", lengths[i], worst);
        free(got);
        got = run_piece(fast, pcm, lengths[i], &rows);
        for (size_t k = 0; k < count; k++)
            got[k] -= want[k];
        const double off = spread(got, count) / spread(want, count);
        print_message("%zu samples: f32 off by %.2g, %s by %.2g of the spread\n", lengths[i], worst,
                      st_hubert_element(fast), off);
        assert_true(off <= (st_hubert_element(fast)[0] == 'b' ? 0.03 : 1e-5));
        free(got);
        free(want);
        free(samples);
        free(pcm);
    }
    st_hubert_close(&fast);
    st_hubert_close(&exact);
    st_weights_close(&weights);
}

/* Guards: the base size read as if it were the large one, and the other way round. */
static void test_forms(void **state)
{
    const struct hubert_naming old = {"hubert.", false}, new = {"", true};
    struct st_hubert_config base = hubert_small_base(), large = hubert_small_large();
    check_form(*state, &base, &old);
    check_form(*state, &large, &new);
    base.projection_norm = false;
    base.conv_bias = true;
    base.convs = 5;
    memcpy(base.conv_kernel, (size_t[]){10, 4, 4, 3, 2}, 5 * sizeof *base.conv_kernel);
    memcpy(base.conv_stride, (size_t[]){5, 4, 4, 2, 2}, 5 * sizeof *base.conv_stride);
    base.field = 1;
    for (size_t i = 0, hop = 1; i < base.convs; hop *= base.conv_stride[i++])
        base.field += (base.conv_kernel[i] - 1) * hop;
    base.pre_norm = true;
    base.position_kernel = 1;
    check_form(*state, &base, &new);
}

/* Guards: results that depend on the number of threads, or on the piece before. */
static void test_threads(void **state)
{
    const struct st_hubert_config config = hubert_small_base();
    struct st_weights *weights = hubert_weights(&config, 5, &(struct hubert_naming){"", false});
    const size_t lengths[] = {320080, 5000, 91234};
    float *want[3];
    size_t rows[3];

    hubert_write(*state, &config, weights);
    st_weights_close(&weights);
    for (int exact = 0; exact < 2; exact++) {
        struct st_hubert *one = open_at(*state, 1, exact), *many = open_at(*state, 5, exact);
        struct st_hubert_run *run;
        for (size_t i = 0; i < 3; i++) {
            float *pcm = noise(lengths[i], i);
            rows[i] = st_hubert_config_rows(&config, lengths[i]);
            want[i] = malloc(rows[i] * config.hidden * sizeof *want[i]);
            ST_OK(st_hubert_run_open(&run, one, err));
            ST_OK(st_hubert_run(run, pcm, lengths[i], want[i], err));
            st_hubert_run_close(&run);
            free(pcm);
        }
        assert_int_equal(rows[0], ST_HUBERT_PIECE_ROWS);
        ST_OK(st_hubert_run_open(&run, many, err));
        for (size_t i = 0; i < 3; i++) {
            float *pcm = noise(lengths[i], i);
            float *got = malloc(rows[i] * config.hidden * sizeof *got);
            ST_OK(st_hubert_run(run, pcm, lengths[i], got, err));
            assert_memory_equal(got, want[i], rows[i] * config.hidden * sizeof *got);
            free(got);
            free(pcm);
            free(want[i]);
        }
        st_hubert_run_close(&run);
        st_hubert_close(&one);
        st_hubert_close(&many);
    }
}

static int setup(void **state)
{
    *state = st_scratch_create();
    return 0;
}

static int teardown(void **state)
{
    st_scratch_remove(*state);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest golden[] = {cmocka_unit_test(test_golden),
                                        cmocka_unit_test(test_golden_pieces)};
    const struct CMUnitTest unit[] = {cmocka_unit_test(test_forms), cmocka_unit_test(test_threads)};
    mask = st_test_cpu_mask(argc, argv);
    if (argc > 2 && strcmp(argv[2], "golden") == 0)
        return cmocka_run_group_tests_name("hubert golden", golden, setup, teardown);
    return cmocka_run_group_tests_name("hubert", unit, setup, teardown);
}
