/* SPDX-License-Identifier: Apache-2.0 */
/* The audio encoder while it learns, and its file once it has. Needs no synthesiser: windows
 * are noise, and so are labels.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/pool.h"
#include "hear/hearing.h"
#include "hear/random.h"
#include "kernels/kernels.h"
#include "support/support.h"

#define COUNT 8
#define STEPS 25

struct bench {
    struct st_pool *pool;
    struct hearing *hearing;
    float mel[COUNT * WINDOW_FLOATS];
    struct hear_target targets[COUNT];
};

static struct hearing *open_hearing(struct st_pool *pool, const char *from)
{
    struct hearing *hearing;
    struct hearing_settings settings = {.pool = pool, .batch = COUNT, .seed = 1, .from = from};
    ST_OK(hearing_create(&hearing, &settings, err));
    return hearing;
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct st_random random = {1};
    assert_non_null(bench);
    ST_OK(st_pool_create(&bench->pool, 1, err));
    bench->hearing = open_hearing(bench->pool, NULL);
    for (size_t i = 0; i < COUNT * WINDOW_FLOATS; i++)
        bench->mel[i] = (float)hear_between(&random, -4, 4);
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < HEAR_SOUNDS; k++)
            bench->targets[i].visemes[k] = (enum viseme)st_random_below(&random, VISEME_COUNT);
        bench->targets[i].mouth[HEAR_MOUTH_NOW][HEAR_OPENING] = (float)i / COUNT;
        bench->targets[i].speech = (float)(i % 2);
    }
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    hearing_destroy(&bench->hearing);
    st_pool_destroy(&bench->pool);
    free(bench);
    return 0;
}

static double teach(struct bench *bench, int steps)
{
    double loss = 0;
    for (int i = 0; i < steps; i++)
        ST_OK(hearing_step(bench->hearing, bench->mel, bench->targets, COUNT, 1e-3, &loss, err));
    return loss;
}

/* Guards against a gradient that reaches nothing, or goes uphill. */
static void test_eight_windows_are_learnt(void **state)
{
    struct bench *bench = *state;
    double first = teach(bench, 1), last = teach(bench, STEPS);
    print_message("loss from %.3f to %.3f\n", first, last);
    assert_true(last < 0.3 * first);
}

/* Guards against a file that the program refuses, or hears differently with. */
static void test_saved_encoder_is_the_learnt_one(void **state)
{
    struct bench *bench = *state;
    char *folder = st_scratch_create(), full[ST_PATH_MAX], slim[ST_PATH_MAX];
    float *features = malloc(sizeof *features * COUNT * ST_AVE_VECTOR);
    float *answers = malloc(sizeof *answers * COUNT * HEAD_COUNT);
    float *again = malloc(sizeof *again * COUNT * ST_AVE_VECTOR);
    float *answered = malloc(sizeof *answered * COUNT * HEAD_COUNT);
    assert_true(features && answers && again && answered);
    ST_OK(st_path_join(full, folder, "full.safetensors", err));
    ST_OK(st_path_join(slim, folder, "slim.safetensors", err));
    teach(bench, STEPS);
    ST_OK(hearing_listen(bench->hearing, bench->mel, COUNT, features, answers, err));
    ST_OK(hearing_save(bench->hearing, full, true, err));
    ST_OK(hearing_save(bench->hearing, slim, false, err));

    const char *const paths[] = {full, slim};
    const double bounds[] = {1e-4, 2e-2}; /* f16 has 11 bits, through 13 layers */
    for (int k = 0; k < 2; k++) {
        struct st_weights *weights;
        struct st_ave *ave;
        struct st_ave_worker *worker;
        struct st_kernels kernels;
        st_kernels_init(&kernels, st_cpu_flags());
        ST_OK(st_weights_open(&weights, paths[k], err));
        assert_int_equal(st_weights_find(weights, HEAD_NAME ".weight") != NULL, k == 0);
        ST_OK(st_ave_open(&ave, weights, &kernels, err));
        ST_OK(st_ave_worker_open(&worker, ave, err));
        ST_OK(st_ave_run(worker, COUNT, bench->mel, again, err));
        double off = st_max_difference(features, again, COUNT * ST_AVE_VECTOR);
        print_message("%s: features differ by %.1e\n", k ? "f16" : "f32", off);
        assert_true(off < bounds[k]);
        st_ave_worker_close(&worker);
        st_ave_close(&ave);
        st_weights_close(&weights);
    }

    struct hearing *other = open_hearing(bench->pool, full);
    ST_OK(hearing_listen(other, bench->mel, COUNT, again, answered, err));
    assert_true(st_max_difference(features, again, COUNT * ST_AVE_VECTOR) < 1e-5);
    assert_true(st_max_difference(answers, answered, COUNT * HEAD_COUNT) < 1e-5);
    hearing_destroy(&other);
    struct hearing_settings settings = {.pool = bench->pool, .batch = COUNT, .from = slim};
    assert_int_equal(hearing_create(&other, &settings, NULL), SYNCTALK_E_MODEL);
    assert_null(other);
    free(features);
    free(answers);
    free(again);
    free(answered);
    st_scratch_remove(folder);
}

/* Guards against features whose size was changed in one place and not in the other. */
static void test_scaled_features_give_the_same_answers(void **state)
{
    struct bench *bench = *state;
    float features[2][COUNT * ST_AVE_VECTOR], answers[2][COUNT * HEAD_COUNT];
    teach(bench, 3);
    ST_OK(hearing_listen(bench->hearing, bench->mel, COUNT, features[0], answers[0], err));
    hearing_scale(bench->hearing, 2.5f);
    ST_OK(hearing_listen(bench->hearing, bench->mel, COUNT, features[1], answers[1], err));
    for (size_t i = 0; i < COUNT * ST_AVE_VECTOR; i++)
        features[0][i] *= 2.5f;
    assert_true(st_max_difference(features[0], features[1], COUNT * ST_AVE_VECTOR) < 1e-4);
    assert_true(st_max_difference(answers[0], answers[1], COUNT * HEAD_COUNT) < 1e-4);
}

static void test_loss_without_a_number_stops(void **state)
{
    struct bench *bench = *state;
    synctalk_error err = {0};
    double loss;
    bench->mel[17] = NAN;
    synctalk_status st =
        hearing_step(bench->hearing, bench->mel, bench->targets, COUNT, 1e-3, &loss, &err);
    assert_int_equal(st, SYNCTALK_E_DIVERGED);
    assert_non_null(strstr(err.message, "step 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_eight_windows_are_learnt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_saved_encoder_is_the_learnt_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scaled_features_give_the_same_answers, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_loss_without_a_number_stops, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
