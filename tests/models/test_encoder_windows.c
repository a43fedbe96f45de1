/* SPDX-License-Identifier: Apache-2.0 */
/* Which windows of mel the encoder "ave" cuts, and in what order its vectors come. The
 * network is replaced: its "vector" is the window's own first numbers, so that every
 * vector tells where it was cut, and an hour of sound takes no time.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audio/mel.h"
#include "models/ave.h"
#include "models/encoder_support.h"

struct st_ave {
    int unused;
};

struct st_ave_worker {
    int unused;
};

synctalk_status st_ave_open(struct st_ave **out, const struct st_weights *weights,
                            const struct st_kernels *kernels, synctalk_error *err)
{
    (void)weights;
    (void)kernels;
    (void)err;
    *out = calloc(1, sizeof **out);
    return *out ? SYNCTALK_OK : SYNCTALK_E_MEMORY;
}

void st_ave_close(struct st_ave **ave)
{
    free(*ave);
    *ave = NULL;
}

synctalk_status st_ave_worker_open(struct st_ave_worker **out, const struct st_ave *ave,
                                   synctalk_error *err)
{
    (void)ave;
    (void)err;
    *out = calloc(1, sizeof **out);
    return *out ? SYNCTALK_OK : SYNCTALK_E_MEMORY;
}

void st_ave_worker_close(struct st_ave_worker **worker)
{
    free(*worker);
    *worker = NULL;
}

/* The last number is the size of the batch: it must not depend on the pushes. */
synctalk_status st_ave_run(struct st_ave_worker *worker, size_t N, const float *mel, float *out,
                           synctalk_error *err)
{
    (void)worker;
    (void)err;
    assert_in_range(N, 1, ST_AVE_BATCH);
    for (size_t i = 0; i < N; i++) {
        memcpy(out + i * ST_AVE_VECTOR, mel + i * ST_AVE_BANDS * ST_AVE_STEPS,
               ST_AVE_VECTOR * sizeof *out);
        out[i * ST_AVE_VECTOR + ST_AVE_VECTOR - 1] = (float)N;
    }
    return SYNCTALK_OK;
}

struct fixture {
    struct st_encoder *encoder;
    float *pcm;
    size_t count;
    char *dir;
};

/* Mel of `count` samples, all at once. */
static float *mel_of(const float *pcm, size_t count, int64_t *T)
{
    struct st_mel *mel;
    float *rows = malloc((count / 200 + 40) * ST_MEL_BANDS * sizeof *rows);
    assert_non_null(rows);
    ST_OK(st_mel_create(&mel, err));
    *T = 0;
    for (size_t at = 0; at < count; at += 16000) {
        ST_OK(st_mel_push(mel, pcm + at, count - at < 16000 ? count - at : 16000, err));
        *T += (int64_t)st_mel_pull(mel, rows + *T * ST_MEL_BANDS, 100);
    }
    ST_OK(st_mel_finish(mel, err));
    *T += (int64_t)st_mel_pull(mel, rows + *T * ST_MEL_BANDS, 100);
    st_mel_destroy(&mel);
    return rows;
}

static void check_length(const struct fixture *f, size_t count)
{
    int64_t T;
    size_t vectors;
    float *rows = mel_of(f->pcm, count, &T);
    float *got = encode_all(f->encoder, f->pcm, count, 0, &vectors);

    /* The published formulas, written out again. */
    assert_int_equal(T, 1 + (int64_t)(count < 3200 ? 3200 : count) / 200);
    double frames = (double)(T - 16);
    frames /= 80.0;
    frames *= 25.0;
    int64_t n = (int64_t)floor(frames) + 2;
    assert_int_equal(vectors, n + 2);

    for (int64_t j = 0; j < n + 2; j++) {
        int64_t i = j == 0 ? 0 : j == n + 1 ? n - 1 : j - 1;
        int64_t start = i * 16 / 5;
        if (start + 16 > T)
            start = T - 16;
        const float *vector = got + j * ST_AVE_VECTOR;
        for (int k = 0; k < ST_AVE_VECTOR - 1; k++)
            if (!(vector[k] == rows[(start + k % 16) * ST_MEL_BANDS + k / 16]))
                fail_msg("%zu samples: vector %d of %d is not window %d", count, (int)j,
                         (int)vectors, (int)i);
    }
    free(got);
    free(rows);
}

/* Guards: one vector too many or too few for some length (the picture would freeze or the
 * sound be cut), a last window past the end, vectors out of order. */
static void test_every_length(void **state)
{
    const struct fixture *f = *state;
    for (size_t tenths = 1; tenths <= 600; tenths += tenths < 100 ? 1 : 7)
        check_length(f, tenths * 1600);
    for (size_t T = 380; T < 390; T++) /* 384: one less than exact arithmetic */
        for (size_t extra = 0; extra < 3; extra++)
            check_length(f, (T - 1) * 200 + extra * 99);
    check_length(f, 960000);
    check_length(f, 1);
}

/* Guards: vectors that depend on how the sound was cut into pushes, batches included. */
static void test_chunks(void **state)
{
    const struct fixture *f = *state;
    static const size_t lengths[] = {1600, 40000, 123457};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t vectors, again;
        float *want = encode_all(f->encoder, f->pcm, lengths[i], 0, &vectors);
        for (uint64_t seed = 1; seed <= 12; seed++) {
            float *got = encode_all(f->encoder, f->pcm, lengths[i], seed, &again);
            assert_int_equal(again, vectors);
            assert_memory_equal(got, want, vectors * ST_AVE_VECTOR * sizeof *want);
            free(got);
        }
        free(want);
    }
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct st_weights *weights;
    uint64_t seed = 1;
    char path[4200];

    assert_non_null(f);
    f->count = 960000;
    f->pcm = malloc(f->count * sizeof *f->pcm);
    assert_non_null(f->pcm);
    for (size_t i = 0; i < f->count; i++)
        f->pcm[i] = st_random_unit(&seed) - 0.5f;

    f->dir = st_scratch_create();
    snprintf(path, sizeof path, "%s/any.safetensors", f->dir);
    ST_OK(st_weights_create(&weights, "any", err));
    ST_OK(st_weights_add_f32(weights, "x", 1, (const size_t[]){1}, (const float[]){0}, err));
    ST_OK(st_weights_write_safetensors(weights, path, ST_F32, NULL, NULL, true, err));
    st_weights_close(&weights);
    ST_OK(st_encoder_open(&f->encoder, SYNCTALK_ENCODER_AVE, path, &(struct st_encoder_options){0},
                          err));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    st_encoder_close(&f->encoder);
    st_scratch_remove(f->dir);
    free(f->pcm);
    free(f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_chunks),
    };
    return cmocka_run_group_tests_name("encoder windows", tests, setup, teardown);
}
