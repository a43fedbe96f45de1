/* SPDX-License-Identifier: Apache-2.0 */
/* Audio encoders that a user describes: good and bad descriptions, and networks that do or do
 * not fit them. The networks average 8 samples to a number, so what must come out is known.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audio/fbank.h"
#include "models/encoder_custom.h"
#include "models/encoder_support.h"
#include "onnx/onnx_support.h"
#include "weights/onnx_writer.h"

#define WINDOW 4096
#define HOP 640

static const struct st_encoder_options options = {.threads = 1};

static const char good[] =
    "{\"network\": \"n.onnx\", \"input\": \"waveform\", \"window\": 4096, \"hop\": 640,"
    " \"vector\": 512, \"fps\": 25}";

static const char *write_json(const char *dir, const char *name, const char *text)
{
    static char path[4200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    st_write_file(path, text, strlen(text));
    return path;
}

/* Guards: a key that is read into another's place, a default that is none. */
static void test_all_keys(void **state)
{
    static const char text[] =
        "{\"network\": \"net.onnx\", \"input\": \"filter_banks\", \"window\": 67, \"hop\": 10,"
        " \"vector\": 8192, \"shape\": [16, 512], \"fps\": 20, \"before\": 5120, \"after\": 5600,"
        " \"input_name\": \"chunk\", \"output_name\": \"out\", \"constants\": {"
        "\"offset\": {\"type\": \"int64\", \"shape\": [1], \"value\": 100},"
        "\"cache\": {\"type\": \"float32\", \"shape\": [3, 1, 512, 14]},"
        "\"scalar\": {\"type\": \"int32\", \"shape\": [], \"value\": -3}}}";
    struct st_custom_encoder *c = malloc(sizeof *c);
    char network[4200];

    assert_non_null(c);
    ST_OK(st_custom_encoder_read(c, write_json(*state, "my-Enc_1.json", text), err));
    snprintf(network, sizeof network, "%s/net.onnx", (const char *)*state);
    assert_string_equal(c->network, network);
    assert_string_equal(c->info.name, "my-Enc_1");
    assert_string_equal(c->info.feature_files[0], "aud_my-Enc_1.npy");
    assert_null(c->info.feature_files[1]);
    assert_int_equal(c->info.kind, SYNCTALK_ENCODER_CUSTOM);
    assert_int_equal(c->info.vector, 8192);
    assert_int_equal(c->info.rank, 2);
    assert_int_equal(c->info.shape[0], 16);
    assert_int_equal(c->info.shape[1], 512);
    assert_int_equal(c->info.fps, 20);
    assert_false(c->info.measures);
    assert_int_equal(c->form.input, ST_WINDOW_FILTER_BANKS);
    assert_int_equal(c->form.window, 67);
    assert_int_equal(c->form.hop, 10);
    assert_int_equal(c->form.vectors, 2);
    assert_int_equal(c->form.before, 5120);
    assert_int_equal(c->form.after, 5600);
    assert_string_equal(c->form.sound, "chunk");
    assert_string_equal(c->form.result, "out");
    assert_int_equal(c->form.constant_count, 3);
    assert_string_equal(c->form.constants[0].name, "offset");
    assert_int_equal(c->form.constants[0].type, ST_ONNX_I64);
    assert_true(c->form.constants[0].value == 100);
    assert_int_equal(c->form.constants[1].rank, 4);
    assert_int_equal(c->form.constants[1].dims[2], 512);
    assert_true(c->form.constants[1].value == 0);
    assert_int_equal(c->form.constants[2].type, ST_ONNX_I32);
    assert_int_equal(c->form.constants[2].rank, 0);

    ST_OK(st_custom_encoder_read(c, write_json(*state, "plain.json", good), err));
    assert_int_equal(c->info.rank, 1);
    assert_int_equal(c->info.shape[0], 512);
    assert_int_equal(c->form.vectors, 1);
    assert_true(c->form.scale == 1);
    assert_int_equal(c->form.before, 0);
    assert_string_equal(c->form.sound, "");
    free(c);
}

struct fault {
    const char *from, *to; /* of `good` */
    const char *says;
};

static const struct fault bad_descriptions[] = {
    {"{\"network\"", "[\"network\"", "not JSON"},
    {"25}", "25", "not JSON"},
    {"25}", "25} x", "not JSON"},
    {"\"fps\": 25", "\"fps\": 25, \"fps\": 25", "not JSON"},
    {"\"n.onnx\"", "\"\"", "\"network\""},
    {"\"n.onnx\"", "7", "\"network\" is 7"},
    {"\"n.onnx\"", "\"../n.onnx\"", "same folder"},
    {"\"n.onnx\"", "\".hidden\"", "same folder"},
    {"\"n.onnx\"", "\"a\\u0000b\"", "not JSON"},
    {"\"network\"", "\"netwrok\"", "\"netwrok\" is not a key that is known: network"},
    {"\"network\": \"n.onnx\", ", "", "\"network\" is not there"},
    {"\"waveform\"", "\"mel\"", "\"waveform\" or \"filter_banks\""},
    {"\"input\": \"waveform\", ", "", "\"input\" is not there"},
    {"4096", "0", "\"window\" is 0"},
    {"4096", "960001", "1 to 960000"},
    {"4096", "9223372036854775807", "1 to 960000"},
    {"4096", "99999999999999999999", "not JSON"},
    {"4096", "4096.5", "\"window\" is 4096.5"},
    {"4096", "\"4096\"", "\"window\""},
    {"640", "0", "\"hop\" is 0"},
    {"640", "-640", "\"hop\" is -640"},
    {"640", "4480", "1 to 4096"}, /* past the window: sound between would not be heard */
    {"640", "500", "a multiple of 640 samples"},
    {"\"fps\": 25", "\"fps\": 0", "\"fps\" is 0"},
    {"\"fps\": 25", "\"fps\": 101", "1 to 100"},
    {"\"fps\": 25", "\"fps\": 30", "a multiple of 1600 samples"},
    {"\"fps\": 25", "\"fps\": null", "\"fps\" is null"},
    {"512", "0", "\"vector\" is 0"},
    {"512", "65537", "1 to 65536"},
    {"512", "512, \"shape\": [512]", "product is 512"},
    {"512", "512, \"shape\": [2, 255]", "product is 512"},
    {"512", "512, \"shape\": [-2, -256]", "product is 512"},
    {"512", "512, \"shape\": \"2x256\"", "product is 512"},
    {"512", "512, \"before\": -1", "\"before\""},
    {"512", "512, \"after\": 160001", "0 to 160000"},
    {"512", "512, \"scale\": 0", "\"scale\" is 0"},
    {"512", "512, \"scale\": \"1\"", "\"scale\""},
    {"512", "512, \"normalise\": 1", "\"normalise\" is 1"},
    {"512", "512, \"input_name\": 5", "\"input_name\" is 5"},
    {"512", "512, \"output_name\": \"\"", "\"output_name\""},
    {"512", "512, \"constants\": []", "\"constants\""},
    {"512", "512, \"constants\": {\"a\": 5}", "\"a\" is 5"},
    {"512", "512, \"constants\": {\"a\": {}}", "\"type\" is not there"},
    {"512", "512, \"constants\": {\"a\": {\"type\": \"bool\"}}", "\"type\" is \"bool\""},
    {"512", "512, \"constants\": {\"a\": {\"type\": \"int64\"}}", "\"shape\" is not there"},
    {"512", "512, \"constants\": {\"a\": {\"type\": \"int64\", \"shape\": [0]}}", "\"shape\""},
    {"512", "512, \"constants\": {\"a\": {\"type\": \"int64\", \"shape\": [65536, 65536, 65536]}}",
     "16777216 elements"},
    {"512", "512, \"constants\": {\"a\": {\"type\": \"int64\", \"shape\": [], \"value\": 0.5}}",
     "\"value\" is 0.5"},
    {"512", "512, \"constants\": {\"a\": {\"type\": \"float32\", \"shape\": [], \"value\": 1e300}}",
     "\"value\""},
    {"512", "512, \"constants\": {\"a\": {\"type\": \"int64\", \"shape\": [], \"fill\": 1}}",
     "\"fill\" is not a key"},
};

/* Guards: a description that is taken although it cannot be meant, sizes that run away, and
 * sentences that do not name the key. */
static void test_faults(void **state)
{
    struct st_custom_encoder *custom = malloc(sizeof *custom);

    assert_non_null(custom);
    for (size_t i = 0; i < sizeof bad_descriptions / sizeof *bad_descriptions; i++) {
        const struct fault *f = &bad_descriptions[i];
        char text[1024];
        synctalk_error error = {0};
        const char *at = strstr(good, f->from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, f->to,
                 at + strlen(f->from));
        const char *path = write_json(*state, "bad.json", text);
        if (st_custom_encoder_read(custom, path, &error) != SYNCTALK_E_FORMAT)
            fail_msg("taken: %s", text);
        if (!strstr(error.message, f->says) || !strstr(error.message, "bad.json"))
            fail_msg("\"%s\" says nothing of \"%s\"", error.message, f->says);
    }
    assert_int_equal(st_custom_encoder_read(custom, write_json(*state, "bad.json", ""), NULL),
                     SYNCTALK_E_FORMAT);
    assert_int_equal(st_custom_encoder_read(custom, write_json(*state, "bad.json", "3"), NULL),
                     SYNCTALK_E_FORMAT);
    assert_int_equal(st_custom_encoder_read(custom, "/no/such.json", NULL), SYNCTALK_E_MISSING);
    assert_int_equal(st_custom_encoder_read(custom, write_json(*state, "ave.json", good), NULL),
                     SYNCTALK_E_FORMAT);
    assert_int_equal(st_custom_encoder_read(custom, write_json(*state, "enc.txt", good), NULL),
                     SYNCTALK_E_FORMAT);
    char *big = calloc(1, 70000);
    assert_non_null(big);
    memset(big, ' ', 69999);
    assert_int_equal(st_custom_encoder_read(custom, write_json(*state, "bad.json", big), NULL),
                     SYNCTALK_E_FORMAT);
    free(big);
    free(custom);
}

/* Guards: memory read past a description that ends early or holds other bytes. */
static void test_damage(void **state)
{
    struct st_custom_encoder *custom = malloc(sizeof *custom);
    char text[sizeof good];
    uint64_t seed = 9;

    assert_non_null(custom);
    for (size_t length = 0; length + 1 < sizeof good; length++) {
        snprintf(text, sizeof text, "%.*s", (int)length, good);
        assert_int_equal(st_custom_encoder_read(custom, write_json(*state, "cut.json", text), NULL),
                         SYNCTALK_E_FORMAT);
    }
    for (int i = 0; i < 300; i++) {
        memcpy(text, good, sizeof good);
        for (uint64_t n = 1 + st_random_next(&seed) % 3; n > 0; n--)
            text[st_random_next(&seed) % (sizeof good - 1)] =
                (char)(1 + st_random_next(&seed) % 255);
        const synctalk_status st =
            st_custom_encoder_read(custom, write_json(*state, "bits.json", text), NULL);
        assert_true(st == SYNCTALK_OK || st == SYNCTALK_E_FORMAT);
    }
    free(custom);
}

/* Guards: a name that leads out of the models' folder, or hides an encoder that is built in. */
static void test_names(void **state)
{
    (void)state;
    static const char *const refused[] = {"",     "a/b", "..",     "a.b",   "-a",  "ä",
                                          "auto", "ave", "hubert", "wenet", "a b", NULL};
    char name[ST_ENCODER_NAME + 1];

    assert_true(st_encoder_name_is_own("phonemes-2_B"));
    assert_false(st_encoder_name_is_own(NULL));
    for (size_t i = 0; refused[i]; i++)
        assert_false(st_encoder_name_is_own(refused[i]));
    memset(name, 'n', sizeof name);
    name[ST_ENCODER_NAME] = '\0';
    assert_false(st_encoder_name_is_own(name));
    name[ST_ENCODER_NAME - 1] = '\0';
    assert_true(st_encoder_name_is_own(name));
}

/* A network that takes [?, dims] and gives averages over `kernel`. */
static void write_network(const char *dir, const char *name, int rank, const size_t *dims,
                          int sides, const int64_t *kernel)
{
    struct st_onnx *onnx;
    char path[4200];
    size_t out[4] = {0};
    const struct st_onnx_attribute attributes[] = {
        {.name = "kernel_shape", .count = sides, .ints = {kernel[0], kernel[1]}},
        {.name = "strides", .count = sides, .ints = {kernel[0], kernel[1]}},
        {0},
    };

    for (int i = 0; i < rank; i++)
        out[i] = i < rank - sides ? dims[i] : dims[i] / (size_t)kernel[i - (rank - sides)];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    ST_OK(st_onnx_create(&onnx, "averages", err));
    st_onnx_input(onnx, "x", rank, dims);
    st_onnx_node(onnx, "AveragePool", "y", (const char *[]){"x", NULL}, attributes);
    st_onnx_output(onnx, "y", rank, out);
    ST_OK(st_onnx_write(onnx, path, true, err));
    st_onnx_destroy(&onnx);
}

static void write_waveform_network(const char *dir)
{
    write_network(dir, "n.onnx", 2, (const size_t[]){1, WINDOW}, 1, (const int64_t[]){8, 0});
}

/* Guards: windows, hop and zeros of a waveform; vectors that depend on the pushes. */
static void test_waveform(void **state)
{
    ST_NEED_ONNX_RUNTIME();
    static float pcm[20000];
    uint64_t seed = 3;
    size_t vectors, again;
    struct st_encoder *encoder;

    for (size_t i = 0; i < 20000; i++)
        pcm[i] = st_random_unit(&seed) - 0.5f;
    write_waveform_network(*state);
    const char *path = write_json(
        *state, "wave.json",
        "{\"network\": \"n.onnx\", \"input\": \"waveform\", \"window\": 4096, \"hop\": 640,"
        " \"vector\": 512, \"fps\": 25, \"before\": 320, \"after\": 100, \"scale\": 4}");
    ST_OK(st_encoder_open(&encoder, SYNCTALK_ENCODER_CUSTOM, path, &options, err));
    float *got = encode_all(encoder, pcm, 20000, 0, &vectors);
    assert_int_equal(vectors, 1 + (320 + 20000 + 100 - WINDOW + HOP - 1) / HOP);
    for (size_t v = 0; v < vectors; v++)
        for (size_t k = 0; k < 512; k++) {
            double mean = 0;
            for (int j = 0; j < 8; j++) {
                int64_t at = (int64_t)(v * HOP + k * 8) + j - 320;
                mean += at < 0 || at >= 20000 ? 0 : (double)pcm[at] * 4 / 8;
            }
            assert_true(fabs(got[v * 512 + k] - mean) <= 1e-6);
        }
    float *pieces = encode_all(encoder, pcm, 20000, 5, &again);
    assert_int_equal(again, vectors);
    assert_memory_equal(pieces, got, vectors * 512 * sizeof *got);
    free(pieces);
    free(got);
    got = encode_all(encoder, pcm, 1, 0, &vectors); /* shorter than a window: zeros fill it */
    assert_int_equal(vectors, 1);
    free(got);
    st_encoder_close(&encoder);
}

/* Guards: filter banks the wrong way round, and several vectors of one run. */
static void test_filter_banks(void **state)
{
    ST_NEED_ONNX_RUNTIME();
    static float pcm[16000];
    uint64_t seed = 4;
    size_t vectors, rows;
    struct st_encoder *encoder;
    struct st_fbank *fbank;
    static float x[16000], bank[100 * ST_FBANK_BANDS];

    for (size_t i = 0; i < 16000; i++) {
        pcm[i] = st_random_unit(&seed) - 0.5f;
        x[i] = st_fbank_sample(pcm[i]);
    }
    write_network(*state, "rows.onnx", 3, (const size_t[]){1, 64, 80}, 2, (const int64_t[]){2, 5});
    const char *path = write_json(
        *state, "rows.json",
        "{\"network\": \"rows.onnx\", \"input\": \"filter_banks\", \"window\": 64, \"hop\": 8,"
        " \"vector\": 256, \"fps\": 25}");
    ST_OK(st_encoder_open(&encoder, SYNCTALK_ENCODER_CUSTOM, path, &options, err));
    float *got = encode_all(encoder, pcm, 16000, 0, &vectors);
    ST_OK(st_fbank_create(&fbank, err));
    ST_OK(st_fbank_push(fbank, x, 16000, err));
    rows = st_fbank_pull(fbank, bank, 100);
    st_fbank_destroy(&fbank);
    assert_int_equal(rows, 98);
    /* Windows at 0, 8, ... 40; the last has 58 rows, and 2 of its 8 new ones are sound. */
    assert_int_equal(vectors, 5 * 2 + 1);
    for (size_t v = 0; v < vectors; v++)
        for (size_t k = 0; k < 256; k++) {
            const size_t at = v % 2 * 256 + k, row = v / 2 * 8 + at / 16 * 2, band = at % 16 * 5;
            double mean = 0;
            for (size_t j = 0; j < 10; j++)
                mean += row + j / 5 < rows
                            ? (double)bank[(row + j / 5) * ST_FBANK_BANDS + band + j % 5] / 10
                            : 0;
            assert_true(fabs(got[v * 256 + k] - mean) <= 1e-4);
        }
    free(got);
    st_encoder_close(&encoder);
}

static void refuse(const char *path, synctalk_status status, const char *says)
{
    struct st_encoder *encoder;
    synctalk_error error = {0};
    if (st_encoder_open(&encoder, SYNCTALK_ENCODER_CUSTOM, path, &options, &error) != status)
        fail_msg("not %d: %s", status, error.message);
    assert_null(encoder);
    if (!strstr(error.message, says))
        fail_msg("\"%s\" says nothing of \"%s\"", error.message, says);
}

/* Guards: a network that is run although it is another than the description says. */
static void test_unfit_networks(void **state)
{
    ST_NEED_ONNX_RUNTIME();
    static const struct fault faults[] = {
        {"4096", "4000", "[1, 4000]"},
        {"\"waveform\"", "\"filter_banks\"", "[1, 4096, 80]"},
        {"512,", "512, \"input_name\": \"sound\",", "\"x\"; its inputs are: x [?, 1, 4096]"},
        {"512,", "512, \"output_name\": \"z\",", "no output \"z\"; its outputs are: y"},
        {"512,", "512, \"constants\": {\"n\": {\"type\": \"int64\", \"shape\": [1]}},",
         "no input \"n\""},
        {"512,", "512, \"constants\": {\"x\": {\"type\": \"float32\", \"shape\": [1]}},",
         "its input \"x\""},
        {"512,", "512, \"constants\": {\"x\": {\"type\": \"float32\", \"shape\": [1, 1, 4096]}},",
         "no input for the sound"},
        {"n.onnx", "absent.onnx", "absent.onnx"},
    };
    write_waveform_network(*state);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char text[512];
        const char *at = strstr(good, faults[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, faults[i].to,
                 at + strlen(faults[i].from));
        refuse(write_json(*state, "unfit.json", text),
               i == 7 ? SYNCTALK_E_MISSING : SYNCTALK_E_MODEL, faults[i].says);
    }
}

/* Guards: memory read past what a network gave. */
static void test_another_result(void **state)
{
    ST_NEED_ONNX_RUNTIME();
    static const float pcm[8000];
    static float vectors[2 * 2048];
    struct st_encoder *encoder;
    struct st_encoder_stream *stream;
    synctalk_error error = {0};
    size_t got;

    write_waveform_network(*state);
    const char *path = write_json(
        *state, "more.json",
        "{\"network\": \"n.onnx\", \"input\": \"waveform\", \"window\": 4096, \"hop\": 640,"
        " \"vector\": 2048, \"fps\": 25, \"normalise\": true}");
    ST_OK(st_encoder_open(&encoder, SYNCTALK_ENCODER_CUSTOM, path, &options, err));
    assert_true(st_encoder_describe(encoder)->measures);
    ST_OK(st_encoder_stream_open(&stream, encoder, err));
    ST_OK(st_encoder_stream_measure(stream, pcm, 8000, err));
    ST_OK(st_encoder_stream_push(stream, pcm, 8000, err));
    assert_int_equal(st_encoder_stream_pull(stream, vectors, 2, &got, &error), SYNCTALK_E_MODEL);
    assert_non_null(strstr(error.message, "512 numbers where 1 vectors of 2048"));
    st_encoder_stream_close(&stream);
    st_encoder_close(&encoder);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_keys),       cmocka_unit_test(test_faults),
        cmocka_unit_test(test_names),          cmocka_unit_test(test_damage),
        cmocka_unit_test(test_waveform),       cmocka_unit_test(test_filter_banks),
        cmocka_unit_test(test_unfit_networks), cmocka_unit_test(test_another_result),
    };
    return cmocka_run_group_tests_name("encoder custom", tests, setup, teardown);
}
