/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "models/silero.h"
#include "models/vad.h"
#include "models/vad_support.h"

static const char *weights_file = "models/silero_vad_16k_v6.safetensors";
static const char *onnx_file = "models/silero_vad_16k_op15.onnx";

static size_t segments_of(struct st_vad_segment *out, const float *p, size_t count, int64_t samples,
                          double threshold)
{
    struct st_vad_rules rules;
    size_t found = 0;
    st_vad_rules_init(&rules, &(struct st_vad_params){threshold, 250, 100, 30});
    for (size_t i = 0; i < count; i++)
        found += st_vad_rules_push(&rules, p[i], &out[found]);
    return found + st_vad_rules_finish(&rules, samples, &out[found]);
}

static void expect_same_segments(const float *a, const float *b, size_t count, int64_t samples,
                                 double threshold)
{
    struct st_vad_segment x[256];
    struct st_vad_segment y[256];
    const size_t found = segments_of(x, a, count, samples, threshold);
    assert_int_equal(found, segments_of(y, b, count, samples, threshold));
    assert_memory_equal(x, y, found * sizeof *x);
}

/* What the network in `file` makes of two recordings is within `bound` of the reference,
 * and leads to the same segments. */
static void expect_reference(const char *file, const char *library, double bound)
{
    static const char *const recordings[][2] = {
        {"media/audio/talk_hb.wav", "reference/vad/silero_talk_hb_probs.npy"},
        {"media/audio/jan-pause-deutsch.mp3", "reference/vad/silero_german_pauses_probs.npy"},
    };
    for (size_t i = 0; i < 2; i++) {
        struct st_weights *wanted;
        size_t samples, count, want_count;
        const char *sound = st_shared(recordings[i][0]);
        const char *reference = st_shared(recordings[i][1]);
        assert_non_null(sound);
        assert_non_null(reference);
        float *pcm = vad_read_sound(sound, &samples);
        float *got = vad_all(file, library, pcm, samples, 0, &count);
        ST_OK(st_weights_open(&wanted, reference, err));
        float *want = st_test_f32(wanted, st_weights_at(wanted, 0)->name, &want_count);
        assert_int_equal(count, want_count);
        const double worst = st_max_difference(got, want, count);
        print_message("%s: %zu probabilities, largest difference %.2g\n", recordings[i][0], count,
                      worst);
        assert_true(worst <= bound);
        for (double threshold = 0.1; threshold < 0.95; threshold += 0.1)
            expect_same_segments(got, want, count, (int64_t)samples, threshold);
        st_weights_close(&wanted);
        free(want);
        free(got);
        free(pcm);
    }
}

/* Guards: a gate, a pad or a state that is not the published network's. */
static void test_golden(void **state)
{
    (void)state;
    ST_NEED_SHARED(file, weights_file);
    expect_reference(file, NULL, 1e-5);
}

/* Guards: segments of a sound that differ from the published ones though each step passed. */
static void test_burst(void **state)
{
    (void)state;
    ST_NEED_SHARED(file, weights_file);
    ST_NEED_SHARED(sound, "reference/vad/burst.npy");
    ST_NEED_SHARED(list, "reference/vad/silero_segments.json");
    struct st_weights *set;
    struct st_vad_segment found[64];
    size_t samples, chunks, i;
    json_t *entry;
    const json_t *want = NULL;

    ST_OK(st_weights_open(&set, sound, err));
    float *pcm = st_test_f32(set, st_weights_at(set, 0)->name, &samples);
    st_weights_close(&set);
    float *p = vad_all(file, NULL, pcm, samples, 0, &chunks);
    const size_t count = segments_of(found, p, chunks, (int64_t)samples, 0.5);

    json_t *json = json_load_file(list, 0, NULL);
    json_array_foreach(
        json_object_get(json, "more"), i,
        entry) if (strcmp(json_string_value(json_object_get(entry, "audio")), "burst.npy") == 0)
        want = json_object_get(entry, "segments");
    assert_non_null(want);
    assert_int_equal(count, json_array_size(want));
    for (size_t k = 0; k < count; k++) {
        const json_t *pair = json_array_get(want, k);
        assert_int_equal(found[k].start, json_integer_value(json_array_get(pair, 0)));
        assert_int_equal(found[k].end, json_integer_value(json_array_get(pair, 1)));
    }
    json_decref(json);
    free(p);
    free(pcm);
}

/* Guards: tensors of the ONNX file that are taken for others. */
static void test_onnx(void **state)
{
    (void)state;
    ST_NEED_SHARED(file, onnx_file);
    struct st_vad *vad;
    ST_OK(st_vad_open(&vad, file, "/no library is needed", err));
    assert_string_equal(st_vad_name(vad), "silero");
    st_vad_close(&vad);
    expect_reference(file, "/no library is needed", 1e-5);
}

/* The file with one tensor's name changed, which ONNX Runtime does not mind. */
static void rename_tensor(const char *from, const char *to)
{
    static const char name[] = "model.stft.forward_basis_buffer";
    struct st_mapping map;
    size_t renamed = 0;
    ST_OK(st_map_file(&map, from, err));
    uint8_t *copy = malloc(map.size);
    assert_non_null(copy);
    memcpy(copy, map.data, map.size);
    for (uint8_t *at = copy;
         (at = memmem(at, map.size - (size_t)(at - copy), name, sizeof name - 1)) != NULL;) {
        *at = 'M';
        renamed++;
    }
    assert_in_range(renamed, 2, 8); /* where it is made and where it is used */
    st_write_file(to, copy, map.size);
    free(copy);
    st_unmap_file(&map);
}

/* Guards: an ONNX file with names of its own through ONNX Runtime, with its ports in another
 * order. Its probabilities are not within 1e-5; see models/silero.h. */
static void test_onnx_runtime(void **state)
{
    (void)state;
    ST_NEED_SHARED(file, onnx_file);
    char path[4200];
    char *folder = st_scratch_create();
    struct st_vad *vad;
    synctalk_error error = {0};

    snprintf(path, sizeof path, "%s/silero.onnx", folder);
    rename_tensor(file, path);
    synctalk_status st = st_vad_open(&vad, path, NULL, &error);
    st_vad_close(&vad);
    if (!st)
        expect_reference(path, NULL, 1e-4);
    st_scratch_remove(folder);
    if (st == SYNCTALK_E_UNSUPPORTED) {
        fprintf(stderr, "SKIPPED: %s\n", error.message);
        skip();
    }
    assert_int_equal(st, SYNCTALK_OK);
}

/* A network of random weights in a file below `folder`. */
static const char *random_file(const char *folder, char path[4200])
{
    struct st_weights *weights;
    snprintf(path, 4200, "%s/silero.safetensors", folder);
    ST_OK(st_silero_random(&weights, 3, err));
    ST_OK(st_weights_write_safetensors(weights, path, ST_F32, NULL, NULL, true, err));
    st_weights_close(&weights);
    return path;
}

/* Guards: probabilities that depend on how the sound was cut into pushes, in either
 * detector; a count that is not ceil(samples / 512). */
static void test_chunks(void **state)
{
    char path[4200];
    const char *const files[] = {NULL, random_file(*state, path)};
    const size_t samples = 50001;
    float *pcm = malloc(samples * sizeof *pcm);
    uint64_t seed = 2;
    assert_non_null(pcm);
    for (size_t i = 0; i < samples; i++)
        pcm[i] = (st_random_unit(&seed) - 0.5f) * (i % 9000 < 4500 ? 0.5f : 0.01f);
    for (size_t f = 0; f < 2; f++) {
        size_t count, again;
        float *want = vad_all(files[f], NULL, pcm, samples, 0, &count);
        assert_int_equal(count, 98);
        for (uint64_t trial = 1; trial < 6; trial++) {
            float *got = vad_all(files[f], NULL, pcm, samples, trial, &again);
            assert_int_equal(again, count);
            assert_memory_equal(got, want, count * sizeof *want);
            free(got);
        }
        free(want);
        for (size_t few = 0; few < 1600; few += few < 4 ? 1 : 509) {
            free(vad_all(files[f], NULL, pcm, few, 0, &count));
            assert_int_equal(count, (few + 511) / 512);
        }
    }
    free(pcm);
}

/* Guards: samples that are no numbers, or absurd, which would stay in a state for ever. */
static void test_absurd_samples(void **state)
{
    char path[4200];
    const char *const files[] = {NULL, random_file(*state, path)};
    const size_t samples = 40000;
    float *pcm = malloc(samples * sizeof *pcm);
    float *tame = malloc(samples * sizeof *tame); /* what they count as */
    uint64_t seed = 2;
    assert_true(pcm && tame);
    for (size_t i = 0; i < samples; i++) {
        const float x = st_random_unit(&seed) * 0.1f;
        const bool absurd = i >= 8000 && i % 2 == 0;
        pcm[i] = !absurd ? x : i % 3 == 0 ? NAN : i % 3 == 1 ? -INFINITY : 3e38f;
        tame[i] = !absurd ? x : i % 3 == 2 ? 32.0f : 0.0f;
    }
    for (size_t f = 0; f < 2; f++) {
        size_t count, again;
        float *p = vad_all(files[f], NULL, pcm, samples, 0, &count);
        float *want = vad_all(files[f], NULL, tame, samples, 0, &again);
        assert_int_equal(count, again);
        assert_memory_equal(p, want, count * sizeof *p);
        for (size_t i = 0; i < count; i++)
            assert_true(p[i] >= 0 && p[i] <= 1);
        free(want);
        free(p);
    }
    free(tame);
    free(pcm);
}

static void expect_refused(const char *path, synctalk_status status, const char *says)
{
    struct st_vad *vad;
    synctalk_error error = {0};
    assert_int_equal(st_vad_open(&vad, path, NULL, &error), status);
    assert_null(vad);
    if (!strstr(error.message, says) || !strstr(error.message, path))
        fail_msg("\"%s\" does not say %s and %s", error.message, path, says);
}

/* Guards: a file that is no network, or another one, that is read all the same. */
static void test_wrong_files(void **state)
{
    char path[4200];
    struct st_weights *weights;
    const size_t dims[] = {258, 1, 255};
    float *data = calloc((size_t)258 * 255, sizeof *data);
    assert_non_null(data);

    snprintf(path, sizeof path, "%s/absent.safetensors", (const char *)*state);
    expect_refused(path, SYNCTALK_E_MISSING, "");
    snprintf(path, sizeof path, "%s/text.safetensors", (const char *)*state);
    st_write_file(path, "hello, world, hello", 19);
    expect_refused(path, SYNCTALK_E_FORMAT, "");
    snprintf(path, sizeof path, "%s/other.safetensors", (const char *)*state);
    ST_OK(st_weights_create(&weights, "other", err));
    ST_OK(st_weights_add_f32(weights, "x", 1, dims, data, err));
    ST_OK(st_weights_write_safetensors(weights, path, ST_F32, NULL, NULL, true, err));
    expect_refused(path, SYNCTALK_E_MODEL, "not a Silero VAD");
    ST_OK(st_weights_add_f32(weights, "stft_conv.weight", 3, dims, data, err));
    ST_OK(st_weights_write_safetensors(weights, path, ST_F32, NULL, NULL, true, err));
    expect_refused(path, SYNCTALK_E_MODEL, "256");
    st_weights_close(&weights);
    free(data);
}

/* Guards a sentence that does not say which file is damaged. */
static void test_file_with_nan(void **state)
{
    static const float sound[4 * ST_VAD_CHUNK];
    char path[4200];
    struct st_weights *whole, *damaged;
    struct st_vad *vad;
    synctalk_error error = {0};
    ST_OK(st_weights_open(&whole, random_file(*state, path), err));
    ST_OK(st_weights_create(&damaged, "damaged", err));
    for (size_t i = 0; i < st_weights_count(whole); i++) {
        const struct st_tensor *t = st_weights_at(whole, i);
        float *values = malloc(t->count * sizeof *values);
        assert_non_null(values);
        st_tensor_to_f32(t, values);
        values[0] = NAN;
        ST_OK(st_weights_add_f32(damaged, t->name, t->rank, t->dims, values, err));
        free(values);
    }
    snprintf(path, sizeof path, "%s/nan.safetensors", (const char *)*state);
    ST_OK(st_weights_write_safetensors(damaged, path, ST_F32, NULL, NULL, true, err));
    st_weights_close(&whole);
    st_weights_close(&damaged);
    ST_OK(st_vad_open(&vad, path, NULL, err));
    assert_int_equal(st_vad_push(vad, sound, sizeof sound / sizeof *sound, &error),
                     SYNCTALK_E_MODEL);
    if (strncmp(error.message, path, strlen(path)) != 0)
        fail_msg("%s", error.message);
    st_vad_close(&vad);
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
    const struct CMUnitTest golden[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_onnx),
        cmocka_unit_test(test_onnx_runtime),
    };
    const struct CMUnitTest unit[] = {
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_absurd_samples),
        cmocka_unit_test(test_wrong_files),
        cmocka_unit_test(test_file_with_nan),
    };
    if (argc > 1 && strcmp(argv[1], "golden") == 0)
        return cmocka_run_group_tests(golden, NULL, NULL);
    return cmocka_run_group_tests(unit, setup, teardown);
}
