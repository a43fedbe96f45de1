/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder "wenet" with a real network: a stand-in with the published inputs. */
#include <stdio.h>
#include <string.h>

#include "models/encoder_support.h"
#include "onnx/onnx_support.h"

static const struct st_encoder_options options = {.threads = 1};

/* Guards: the whole way from samples to features, as files made elsewhere have them. */
static void test_golden(void **state)
{
    (void)state;
    ST_NEED_SHARED(network, "reference/encoders/wenet_standin.onnx");
    ST_NEED_SHARED(path, "reference/encoders/wenet_standin.npz");
    ST_NEED_ONNX_RUNTIME();
    struct st_weights *file;
    struct st_encoder *encoder;
    size_t samples, values, vectors, again;

    ST_OK(st_weights_open(&file, path, err));
    float *pcm = st_test_f32(file, "pcm", &samples);
    float *want = st_test_f32(file, "feats", &values);
    st_weights_close(&file);
    ST_OK(st_encoder_open(&encoder, SYNCTALK_ENCODER_WENET, network, &options, err));
    assert_int_equal(st_encoder_describe(encoder)->fps, 20);
    assert_int_equal(st_encoder_describe(encoder)->vector, 8192);

    float *got = encode_all(encoder, pcm, samples, 0, &vectors);
    assert_int_equal(vectors * 8192, values);
    double worst = st_max_difference(got, want, values);
    print_message("wenet features from samples: largest difference %.2g\n", worst);
    assert_true(worst <= 1e-4);

    float *pieces = encode_all(encoder, pcm, samples, 4, &again);
    assert_int_equal(again, vectors);
    assert_memory_equal(pieces, got, values * sizeof *got);
    free(pieces);
    free(got);
    free(want);
    free(pcm);
    st_encoder_close(&encoder);
}

static void refuse(const char *path, const struct st_encoder_options *with, synctalk_status status,
                   const char *says)
{
    struct st_encoder *encoder;
    synctalk_error error = {0};
    assert_int_equal(st_encoder_open(&encoder, SYNCTALK_ENCODER_WENET, path, with, &error), status);
    assert_null(encoder);
    if (!strstr(error.message, says))
        fail_msg("\"%s\" says nothing of \"%s\"", error.message, says);
}

/* Guards: a crash, or features that are noise, with a network of another kind. */
static void test_other_networks(void **state)
{
    (void)state;
    ST_NEED_SHARED(detector, "models/scrfd_2.5g_kps.onnx");
    ST_NEED_SHARED(text, "README.md");
    ST_NEED_ONNX_RUNTIME();
    refuse(detector, &options, SYNCTALK_E_MODEL, "images");
    refuse(text, &options, SYNCTALK_E_FORMAT, "not a network");
    refuse("/no/such/encoder.onnx", &options, SYNCTALK_E_MISSING, "/no/such/encoder.onnx");
}

/* Guards: a loader's message instead of what to do where ONNX Runtime is not there. */
static void test_no_library(void **state)
{
    (void)state;
    ST_NEED_SHARED(network, "reference/encoders/wenet_standin.onnx");
    const struct st_encoder_options without = {.onnxruntime = "/no/such/libonnxruntime.so"};
    refuse(network, &without, SYNCTALK_E_UNSUPPORTED, "to run an audio encoder");
}

static bool yes(void *user)
{
    ++*(int *)user;
    return true;
}

/* Guards: an encoder that works on when nobody waits any more. */
static void test_stopped(void **state)
{
    (void)state;
    ST_NEED_SHARED(network, "reference/encoders/wenet_standin.onnx");
    ST_NEED_ONNX_RUNTIME();
    static const float pcm[16000];
    static float vectors[8192];
    int asked = 0;
    const struct st_stop stop = {yes, &asked};
    struct st_encoder *encoder;
    struct st_encoder_stream *stream;
    size_t got;

    ST_OK(st_encoder_open(&encoder, SYNCTALK_ENCODER_WENET, network, &options, err));
    ST_OK(st_encoder_stream_open(&stream, encoder, err));
    st_encoder_stream_stop_by(stream, &stop);
    ST_OK(st_encoder_stream_push(stream, pcm, 16000, err));
    assert_int_equal(st_encoder_stream_pull(stream, vectors, 1, &got, NULL), SYNCTALK_E_CANCELLED);
    assert_int_equal(got, 0);
    assert_int_equal(asked, 1);
    st_encoder_stream_close(&stream);
    st_encoder_close(&encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_other_networks),
        cmocka_unit_test(test_no_library),
        cmocka_unit_test(test_stopped),
    };
    return cmocka_run_group_tests_name("encoder wenet", tests, NULL, NULL);
}
