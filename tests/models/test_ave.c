/* SPDX-License-Identifier: Apache-2.0 */
/* AVE: equal to recorded vectors, to the same bytes however windows are batched; faulty
 * weights refused by name. The first argument limits the instruction sets. */
#include "models/ave.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/model_support.h"

#define WINDOW ((size_t)ST_AVE_BANDS * ST_AVE_STEPS)

static struct st_kernels kernels; /* set once by main() */

static void open_both(struct st_ave **ave, struct st_ave_worker **worker,
                      const struct st_weights *weights)
{
    ST_OK(st_ave_open(ave, weights, &kernels, err));
    ST_OK(st_ave_worker_open(worker, *ave, err));
}

static void test_recorded_vectors(void **state)
{
    (void)state;
    ST_NEED_SHARED(weights_path, "reference/ave/ave_random.pth");
    ST_NEED_SHARED(arrays_path, "reference/ave/ave_random.npz");
    struct st_weights *weights, *arrays;
    struct st_ave *ave;
    struct st_ave_worker *worker;
    ST_OK(st_weights_open(&weights, weights_path, err));
    open_both(&ave, &worker, weights);
    st_weights_close(&weights);

    size_t mel_count, count;
    ST_OK(st_weights_open(&arrays, arrays_path, err));
    float *mel = st_test_f32(arrays, "mel", &mel_count);
    float *want = st_test_f32(arrays, "out", &count);
    st_weights_close(&arrays);
    assert_int_equal(mel_count / WINDOW, count / ST_AVE_VECTOR);
    float *got = malloc(count * sizeof *got);
    assert_non_null(got);
    ST_OK(st_ave_run(worker, mel_count / WINDOW, mel, got, err));
    double off = st_max_difference(got, want, count);
    if (!(off < 1e-5))
        fail_msg("off by %g", off);
    free(got);
    free(want);
    free(mel);
    st_ave_worker_close(&worker);
    st_ave_close(&ave);
}

static void test_random_has_published_keys(void **state)
{
    (void)state;
    ST_NEED_SHARED(path, "reference/ave/ave.keys.txt");
    struct st_weights *weights;
    ST_OK(st_ave_random(&weights, 1, err));
    st_test_same_keys(weights, path);
    st_weights_close(&weights);
}

/* 37 windows are two batches and five alone; a vector must not depend on how many windows
 * a stream happened to hand over at a time, nor on the prefix of the names. */
static void test_any_count_gives_same_bytes(void **state)
{
    (void)state;
    enum { N = 37 };
    uint64_t seed = 1;
    struct st_weights *weights, *prefixed;
    struct st_ave *ave, *twin;
    struct st_ave_worker *worker, *twin_worker;
    ST_OK(st_ave_random(&weights, 9, err));
    prefixed = st_test_edited(weights, "audio_encoder.", ST_EDIT_NONE, NULL);
    open_both(&ave, &worker, weights);
    open_both(&twin, &twin_worker, prefixed);
    st_weights_close(&prefixed);
    st_weights_close(&weights);

    float *mel = malloc(N * WINDOW * sizeof *mel);
    float *all = malloc((size_t)N * ST_AVE_VECTOR * sizeof *all);
    float *one = malloc(ST_AVE_VECTOR * sizeof *one);
    assert_true(mel && all && one);
    for (size_t i = 0; i < N * WINDOW; i++)
        mel[i] = 8 * st_random_unit(&seed) - 4;
    ST_OK(st_ave_run(worker, N, mel, all, err));
    float largest = 0;
    for (size_t i = 0; i < N; i++) {
        ST_OK(st_ave_run(twin_worker, 1, mel + i * WINDOW, one, err));
        assert_memory_equal(one, all + i * ST_AVE_VECTOR, ST_AVE_VECTOR * sizeof *one);
        for (size_t j = 0; j < ST_AVE_VECTOR; j++)
            largest = fmaxf(largest, fabsf(one[j]));
    }
    assert_true(isfinite(largest) && largest > 0.01F);
    assert_memory_not_equal(all, all + ST_AVE_VECTOR, ST_AVE_VECTOR * sizeof *one);
    free(one);
    free(all);
    free(mel);
    st_ave_worker_close(&twin_worker);
    st_ave_worker_close(&worker);
    st_ave_close(&twin);
    st_ave_close(&ave);
}

static void test_faulty_weights(void **state)
{
    (void)state;
    static const struct {
        enum st_test_edit edit;
        const char *name, *phrase;
    } cases[] = {
        {ST_EDIT_DROP, "0.conv_block.0.weight", "not an AVE audio encoder"},
        {ST_EDIT_DROP, "11.conv_block.1.running_var", "11.conv_block.1.running_var"},
        {ST_EDIT_RESHAPE, "6.conv_block.0.weight", "129"},
        {ST_EDIT_NAN, "12.conv_block.0.bias", "finite"},
    };
    struct st_weights *good;
    ST_OK(st_ave_random(&good, 9, err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct st_ave *ave;
        synctalk_error error = {0};
        struct st_weights *bad = st_test_edited(good, "", cases[i].edit, cases[i].name);
        assert_int_equal(st_ave_open(&ave, bad, &kernels, &error), SYNCTALK_E_MODEL);
        assert_null(ave);
        if (!strstr(error.message, cases[i].phrase))
            fail_msg("does not say \"%s\": %s", cases[i].phrase, error.message);
        st_weights_close(&bad);
    }
    st_weights_close(&good);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest golden[] = {
        cmocka_unit_test(test_recorded_vectors),
        cmocka_unit_test(test_random_has_published_keys),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_count_gives_same_bytes),
        cmocka_unit_test(test_faulty_weights),
    };
    bool only_golden = argc > 2 && strcmp(argv[2], "golden") == 0;
    st_kernels_init(&kernels, st_test_cpu_mask(argc, argv));
    return only_golden ? cmocka_run_group_tests(golden, NULL, NULL)
                       : cmocka_run_group_tests(tests, NULL, NULL);
}
