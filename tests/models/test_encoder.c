/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "kernels/kernels.h"
#include "models/ave.h"
#include "models/encoder_support.h"

static struct st_encoder *open_encoder(const char *path)
{
    struct st_encoder *encoder;
    struct st_kernels kernels;
    st_kernels_init(&kernels, ~0u);
    ST_OK(st_encoder_open(&encoder, SYNCTALK_ENCODER_AVE, path,
                          &(struct st_encoder_options){.kernels = &kernels}, err));
    return encoder;
}

/* Guards: the whole way from samples to features, as files made elsewhere have them. */
static void test_golden(void **state)
{
    (void)state;
    ST_NEED_SHARED(weights, "reference/ave/ave_random.pth");
    ST_NEED_SHARED(sound, "reference/audio/mel_talk_hb_6s.npz");
    ST_NEED_SHARED(features, "reference/ave/ave_feats_talk_hb_6s.npz");
    struct st_weights *file;
    size_t samples, values, vectors;

    ST_OK(st_weights_open(&file, sound, err));
    float *pcm = st_test_f32(file, "pcm", &samples);
    st_weights_close(&file);
    ST_OK(st_weights_open(&file, features, err));
    assert_int_equal(st_weights_count(file), 1);
    float *want = st_test_f32(file, st_weights_at(file, 0)->name, &values);
    st_weights_close(&file);

    struct st_encoder *encoder = open_encoder(weights);
    float *got = encode_all(encoder, pcm, samples, 0, &vectors);
    assert_int_equal(vectors * ST_AVE_VECTOR, values);
    double worst = st_max_difference(got, want, values);
    print_message("features from samples: largest difference %.2g\n", worst);
    assert_true(worst <= 1e-3);

    size_t again;
    float *pieces = encode_all(encoder, pcm, samples, 4, &again);
    assert_int_equal(again, vectors);
    assert_memory_equal(pieces, got, values * sizeof *got);
    free(pieces);
    free(got);
    free(want);
    free(pcm);
    st_encoder_close(&encoder);
}

/* Guards: bit-different vectors for other pushes, with the real network. */
static void test_chunks(void **state)
{
    struct st_weights *weights;
    char path[4200];
    float pcm[20000];
    uint64_t seed = 2;
    size_t vectors, again;

    snprintf(path, sizeof path, "%s/ave.safetensors", (const char *)*state);
    ST_OK(st_ave_random(&weights, 7, err));
    ST_OK(st_weights_write_safetensors(weights, path, ST_F32, NULL, NULL, true, err));
    st_weights_close(&weights);
    for (size_t i = 0; i < 20000; i++)
        pcm[i] = st_random_unit(&seed) - 0.5f;
    struct st_encoder *encoder = open_encoder(path);
    float *want = encode_all(encoder, pcm, 20000, 0, &vectors);
    assert_int_equal(vectors, (101 - 16) * 5 / 16 + 4);
    float *got = encode_all(encoder, pcm, 20000, 9, &again);
    assert_int_equal(again, vectors);
    assert_memory_equal(got, want, vectors * ST_AVE_VECTOR * sizeof *want);
    free(got);
    free(want);
    st_encoder_close(&encoder);
    assert_null(encoder);
    st_encoder_close(&encoder);
    st_encoder_close(NULL);
}

static void test_table(void **state)
{
    (void)state;
    struct st_encoder *encoder;
    synctalk_error error;
    struct st_kernels kernels;
    const struct st_encoder_options options = {.kernels = &kernels, .threads = 1};

    st_kernels_init(&kernels, ~0u);
    assert_null(st_encoder_info(SYNCTALK_ENCODER_AUTO));
    assert_null(st_encoder_info(SYNCTALK_ENCODER_CUSTOM));
    for (int kind = SYNCTALK_ENCODER_AVE; kind <= SYNCTALK_ENCODER_WENET; kind++) {
        const struct st_encoder_info *info = st_encoder_info((synctalk_encoder)kind);
        assert_non_null(info);
        assert_int_equal(info->kind, kind);
        assert_int_equal(info->vector, info->shape[0] * (info->rank == 2 ? info->shape[1] : 1));
        assert_non_null(info->weight_files[0]);
        assert_non_null(info->feature_files[0]);
        assert_int_equal(
            st_encoder_open(&encoder, (synctalk_encoder)kind, "/no/such", &options, &error),
            SYNCTALK_E_MISSING);
        assert_null(encoder);
    }
    assert_int_equal(st_encoder_open(&encoder, SYNCTALK_ENCODER_AUTO, "x", NULL, &error),
                     SYNCTALK_E_ARG);
    assert_int_equal(st_encoder_open(&encoder, SYNCTALK_ENCODER_AVE, "/no/such.pth", NULL, &error),
                     SYNCTALK_E_MISSING);
    assert_null(encoder);
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
    const struct CMUnitTest golden[] = {cmocka_unit_test(test_golden)};
    const struct CMUnitTest unit[] = {cmocka_unit_test(test_chunks), cmocka_unit_test(test_table)};
    if (argc > 1 && strcmp(argv[1], "golden") == 0)
        return cmocka_run_group_tests_name("encoder golden", golden, NULL, NULL);
    return cmocka_run_group_tests_name("encoder", unit, setup, teardown);
}
