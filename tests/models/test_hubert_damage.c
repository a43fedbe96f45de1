/* SPDX-License-Identifier: Apache-2.0 */
/* A HuBERT whose files are not what they should be: a sentence each time, and no crash. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/kernels.h"
#include "models/encoder_support.h"
#include "models/hubert.h"
#include "models/hubert_maker.h"
#include "models/model_support.h"

static atomic_long calls_left = -1; /* negative: never fail */

static bool fails(void)
{
    return atomic_load(&calls_left) >= 0 && atomic_fetch_sub(&calls_left, 1) == 0;
}

/* Names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c) */

static const struct hubert_naming naming = {"hubert.", false};

static synctalk_status open_at(const char *path, synctalk_error *err)
{
    struct st_hubert *hubert;
    struct st_kernels kernels;
    st_kernels_init(&kernels, ~0u);
    const struct st_encoder_options options = {.kernels = &kernels, .threads = 2};
    synctalk_status st = st_hubert_open(&hubert, path, &options, err);
    assert_true((hubert == NULL) == (st != SYNCTALK_OK));
    st_hubert_close(&hubert);
    return st;
}

static void refused(const char *path, synctalk_status status, const char *says)
{
    synctalk_error err = {0};
    synctalk_status st = open_at(path, &err);
    if (st != status || !strstr(err.message, says))
        fail_msg("%d, not %d: \"%s\" does not say \"%s\"", st, status, err.message, says);
}

static void write_config(const char *folder, const char *text)
{
    char path[4300];
    snprintf(path, sizeof path, "%s/config.json", folder);
    st_write_file(path, text, strlen(text));
}

static void test_tensors(void **state)
{
    const char *folder = *state;
    const struct {
        const char *name;
        enum st_test_edit edit;
        const char *says;
    } cases[] = {
        {"hubert.feature_extractor.conv_layers.3.conv.weight", ST_EDIT_DROP, "has no tensor"},
        {"hubert.feature_extractor.conv_layers.0.layer_norm.bias", ST_EDIT_DROP, "has no tensor"},
        {"hubert.feature_projection.projection.weight", ST_EDIT_RESHAPE,
         "has shape [49, 24], needed is [48, 24]"},
        {"hubert.encoder.pos_conv_embed.conv.weight_g", ST_EDIT_DROP, "weight_g"},
        {"hubert.encoder.pos_conv_embed.conv.weight_v", ST_EDIT_RESHAPE, "needed is [48, 12, 32]"},
        {"hubert.encoder.layers.1.attention.k_proj.bias", ST_EDIT_DROP,
         "has no tensor hubert.encoder.layers.1.attention.k_proj.bias"},
        {"hubert.encoder.layers.1.final_layer_norm.weight", ST_EDIT_RESHAPE, "[49]"},
        {"hubert.encoder.layers.0.feed_forward.output_dense.weight", ST_EDIT_NAN, "no number"},
        {"hubert.encoder.layer_norm.bias", ST_EDIT_NAN, "no number"},
        {"hubert.feature_extractor.conv_layers.0.conv.weight", ST_EDIT_DROP,
         "has no tensor feature_extractor.conv_layers.0.conv.weight"},
    };
    const struct st_hubert_config config = hubert_small_base();
    struct st_weights *weights = hubert_weights(&config, 3, &naming);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct st_weights *edited = st_test_edited(weights, "", cases[i].edit, cases[i].name);
        hubert_write(folder, &config, edited);
        st_weights_close(&edited);
        refused(folder, SYNCTALK_E_MODEL, cases[i].says);
    }
    st_weights_close(&weights);
}

/* Guards: a network of another form made of half the weights, without a word. */
static void test_disagreement(void **state)
{
    const char *folder = *state;
    const struct st_hubert_config config = hubert_small_base();
    struct st_weights *weights = hubert_weights(&config, 3, &naming);
    struct st_hubert_config other;

    hubert_write(folder, &config, weights);
    st_weights_close(&weights);
    for (int i = 0; i < 7; i++) {
        other = config;
        const char *says = "has no tensor";
        if (i == 0) {
            other.hidden = 96;
            says = "needed is [96, 24]";
        } else if (i == 1) {
            other.layers = 1;
            says = "num_hidden_layers is 1";
        } else if (i == 2) {
            other.layers = 3;
        } else if (i == 3) {
            other.intermediate = 81;
            says = "needed is [81, 48]";
        } else if (i == 4) {
            other.conv_bias = true;
        } else if (i == 5) {
            other.group_norm = false;
        } else {
            other.conv_dim[2] = 64;
            says = "needed is [64, 32, 3]";
        }
        char *json = hubert_json(&other);
        write_config(folder, json);
        free(json);
        refused(folder, SYNCTALK_E_MODEL, says);
    }
    other = hubert_small_large();
    weights = hubert_weights(&other, 3, &naming);
    hubert_write(folder, &other, weights);
    st_weights_close(&weights);
    other.conv_bias = false;
    char *json = hubert_json(&other);
    write_config(folder, json);
    free(json);
    refused(folder, SYNCTALK_E_MODEL, "conv_bias is false");
}

/* Guards: sizes from the file that size memory, or divide by zero, before they are bounded. */
static void test_hostile_config(void **state)
{
    const struct {
        const char *text;
        synctalk_status status;
        const char *says;
    } cases[] = {
        {"", SYNCTALK_E_FORMAT, "is no JSON"},
        {"{\"hidden_size\": ", SYNCTALK_E_FORMAT, "is no JSON"},
        {"[768]", SYNCTALK_E_FORMAT, "no object"},
        {"{\"hidden_size\": 0}", SYNCTALK_E_MODEL, "hidden_size is 0"},
        {"{\"hidden_size\": -5}", SYNCTALK_E_MODEL, "hidden_size is -5"},
        {"{\"hidden_size\": 1e3}", SYNCTALK_E_MODEL, "hidden_size is 1000.0"},
        {"{\"hidden_size\": 9223372036854775807}", SYNCTALK_E_MODEL, "from 1 to 8192"},
        {"{\"hidden_size\": \"768\"}", SYNCTALK_E_MODEL, "hidden_size is \"768\""},
        {"{\"num_hidden_layers\": 100000}", SYNCTALK_E_MODEL, "num_hidden_layers"},
        {"{\"num_attention_heads\": 7}", SYNCTALK_E_MODEL, "a divisor of hidden_size"},
        {"{\"num_conv_pos_embedding_groups\": 5}", SYNCTALK_E_MODEL, "a divisor of hidden_size"},
        {"{\"num_conv_pos_embeddings\": 1000000}", SYNCTALK_E_MODEL, "num_conv_pos_embeddings"},
        {"{\"layer_norm_eps\": 0}", SYNCTALK_E_MODEL, "layer_norm_eps"},
        {"{\"layer_norm_eps\": \"small\"}", SYNCTALK_E_MODEL, "layer_norm_eps"},
        {"{\"conv_dim\": []}", SYNCTALK_E_MODEL, "conv_dim is []"},
        {"{\"conv_dim\": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", SYNCTALK_E_MODEL, "conv_dim"},
        {"{\"conv_dim\": [512, 512]}", SYNCTALK_E_MODEL, "each convolution needs one of each"},
        {"{\"conv_dim\": {\"0\": 512}}", SYNCTALK_E_MODEL, "conv_dim"},
        {"{\"conv_kernel\": [10,3,3,3,3,2,0]}", SYNCTALK_E_MODEL, "conv_kernel"},
        {"{\"conv_kernel\": [10,3,3,3,3,2,9]}", SYNCTALK_E_MODEL, "hears 320 to 640"},
        {"{\"conv_stride\": [5,2,2,2,2,2,1]}", SYNCTALK_E_MODEL, "multiply to 320"},
        {"{\"conv_stride\": [320,320,320,320,320,320,320]}", SYNCTALK_E_MODEL, "multiply to 320"},
        {"{\"feat_extract_norm\": \"batch\"}", SYNCTALK_E_MODEL, "\"group\" or \"layer\""},
        {"{\"do_stable_layer_norm\": 1}", SYNCTALK_E_MODEL, "true or false"},
        {"{\"hidden_act\": \"relu\"}", SYNCTALK_E_MODEL, "hidden_act is \"relu\""},
        {"{\"model_type\": \"wav2vec2-conformer\"}", SYNCTALK_E_MODEL, "model_type"},
        {"{\"conv_pos_batch_norm\": true}", SYNCTALK_E_MODEL, "conv_pos_batch_norm"},
        {"{\"hidden_size\": 768, \"hidden_size\": 768}", SYNCTALK_E_FORMAT, "is no JSON"},
    };
    struct st_hubert_config config;
    synctalk_error error;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        synctalk_status st =
            st_hubert_config_parse(&config, "c", cases[i].text, strlen(cases[i].text), &error);
        if (st != cases[i].status || !strstr(error.message, cases[i].says))
            fail_msg("%s: %d, \"%s\"", cases[i].text, st, error.message);
    }
    ST_OK(st_hubert_config_parse(&config, "c", "{}", 2, err));
    assert_int_equal(config.hidden, 768);
    assert_int_equal(config.field, 400);
    assert_true(config.group_norm && !config.pre_norm && !config.conv_bias);
}

/* Whatever a byte of the description becomes: an error, or sizes within their bounds. */
static void test_mutated_config(void **state)
{
    const struct st_hubert_config good = hubert_large();
    char *text = hubert_json(&good);
    const size_t size = strlen(text);
    uint64_t seed = 7;
    size_t accepted = 0;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct st_hubert_config c;
        synctalk_error err;
        char copy[4096];
        memcpy(copy, text, size);
        for (uint64_t n = 1 + st_random_next(&seed) % 3; n > 0; n--) {
            static const char marks[] = "0123456789-.e\"[]{},: tf";
            copy[st_random_next(&seed) % size] = marks[st_random_next(&seed) % (sizeof marks - 1)];
        }
        const size_t kept = i % 10 ? size : st_random_next(&seed) % size;
        if (st_hubert_config_parse(&c, "c", copy, kept, &err))
            continue;
        accepted++;
        assert_in_range(c.hidden, 1, 8192);
        assert_in_range(c.heads, 1, 256);
        assert_in_range(c.layers, 1, 128);
        assert_in_range(c.intermediate, 1, 32768);
        assert_in_range(c.field, 320, 640);
        assert_true(c.hidden % c.heads == 0 && c.hidden % c.position_groups == 0);
    }
    print_message("%zu of 20000 were accepted\n", accepted);
    assert_in_range(accepted, 1, 19999);
    free(text);
}

/* Guards: a file whose download broke off. */
static void test_truncated(void **state)
{
    const char *folder = *state;
    char path[4300];
    struct stat info;
    const struct st_hubert_config config = hubert_small_large();
    struct st_weights *weights = hubert_weights(&config, 3, &naming);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    for (int i = 0; i < 20; i++) {
        synctalk_error err = {0};
        hubert_write(folder, &config, weights);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(truncate(path, info.st_size * i / 20), 0);
        assert_int_not_equal(open_at(folder, &err), SYNCTALK_OK);
        assert_non_null(strstr(err.message, "model.safetensors"));
    }
    st_weights_close(&weights);
}

static void test_places(void **state)
{
    const char *folder = *state;
    char path[4300];
    const struct st_hubert_config config = hubert_small_large();
    struct st_weights *weights = hubert_weights(&config, 3, &naming);

    refused("/no/such/place", SYNCTALK_E_MISSING, "/no/such/config.json");
    hubert_write(folder, &config, weights);
    assert_int_equal(open_at(folder, NULL), SYNCTALK_OK);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    assert_int_equal(open_at(path, NULL), SYNCTALK_OK);
    assert_int_equal(remove(path), 0);
    refused(folder, SYNCTALK_E_MISSING, "neither model.safetensors nor pytorch_model.bin");
    snprintf(path, sizeof path, "%s/pytorch_model.bin", folder);
    ST_OK(st_weights_write_pth(weights, path, NULL, NULL, true, err));
    assert_int_equal(open_at(folder, NULL), SYNCTALK_OK);
    assert_int_equal(open_at(path, NULL), SYNCTALK_OK);
    snprintf(path, sizeof path, "%s/config.json", folder);
    assert_int_equal(remove(path), 0);
    refused(folder, SYNCTALK_E_MISSING, "config.json");
    st_weights_close(&weights);
}

static synctalk_status hear(const char *folder, synctalk_error *err)
{
    static float pcm[8000];
    float vectors[16 * 96];
    struct st_encoder *encoder = NULL;
    struct st_encoder_stream *stream = NULL;
    struct st_kernels kernels;
    size_t got;

    st_kernels_init(&kernels, ~0u);
    const struct st_encoder_options options = {.kernels = &kernels, .threads = 3};
    synctalk_status st = st_encoder_open(&encoder, SYNCTALK_ENCODER_HUBERT, folder, &options, err);
    if (!st)
        st = st_encoder_stream_open(&stream, encoder, err);
    if (!st)
        st = st_encoder_stream_push(stream, pcm, 8000, err);
    if (!st)
        st = st_encoder_stream_finish(stream, err);
    if (!st)
        st = st_encoder_stream_pull(stream, vectors, 16, &got, err);
    if (!st)
        assert_int_equal(got, 12);
    st_encoder_stream_close(&stream);
    st_encoder_close(&encoder);
    return st;
}

/* Guards: a crash where memory ends; every allocation of ours fails once. */
static void test_memory(void **state)
{
    const char *folder = *state;
    const struct st_hubert_config config = hubert_small_base();
    struct st_weights *weights = hubert_weights(&config, 3, &naming);
    long n = 0;

    hubert_write(folder, &config, weights);
    st_weights_close(&weights);
    for (;; n++) {
        synctalk_error err = {0};
        atomic_store(&calls_left, n);
        synctalk_status st = hear(folder, &err);
        atomic_store(&calls_left, -1);
        if (!st)
            break;
        if (st != SYNCTALK_E_MEMORY || !strstr(err.message, "memory"))
            fail_msg("allocation %ld: %d: %s", n, st, err.message);
    }
    print_message("%ld allocations failed in turn\n", n);
    assert_true(n > 50);
}

static bool always(void *user)
{
    (void)user;
    return true;
}

static void test_stop(void **state)
{
    const char *folder = *state;
    const struct st_hubert_config config = hubert_small_base();
    const struct st_stop stop = {always, NULL};
    struct st_weights *weights = hubert_weights(&config, 3, &naming);
    struct st_hubert *hubert;
    struct st_hubert_run *run;
    struct st_kernels kernels;
    synctalk_error error;
    static float samples[5000];
    static float out[20 * 48];

    hubert_write(folder, &config, weights);
    st_weights_close(&weights);
    st_kernels_init(&kernels, ~0u);
    const struct st_encoder_options options = {.kernels = &kernels};
    ST_OK(st_hubert_open(&hubert, folder, &options, err));
    ST_OK(st_hubert_run_open(&run, hubert, err));
    st_hubert_run_stop_by(run, &stop);
    assert_int_equal(st_hubert_run(run, samples, 5000, out, &error), SYNCTALK_E_CANCELLED);
    assert_int_equal(st_hubert_run(run, samples, 399, out, &error), SYNCTALK_E_ARG);
    st_hubert_run_close(&run);
    st_hubert_close(&hubert);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tensors),        TEST(test_disagreement), TEST(test_hostile_config),
        TEST(test_mutated_config), TEST(test_truncated),    TEST(test_places),
        TEST(test_memory),         TEST(test_stop),
    };
    return cmocka_run_group_tests_name("hubert damage", tests, NULL, NULL);
}
