/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/fbank.h"
#include "support/support.h"

#define BEFORE 5120 /* zeros around the recording, as the reference has them */
#define AFTER 5600

/* All rows of `count` samples; seed 0: 16 000 at a time, else random sizes. malloc'ed. */
static float *rows_of(const float *x, size_t count, uint64_t seed, size_t *F)
{
    struct st_fbank *fbank;
    size_t capacity = count / ST_FBANK_HOP + 1;
    float *rows = malloc(capacity * ST_FBANK_BANDS * sizeof *rows);

    assert_non_null(rows);
    ST_OK(st_fbank_create(&fbank, err));
    *F = 0;
    for (size_t at = 0; at < count;) {
        size_t n = seed ? st_random_next(&seed) % 3000 : ST_FBANK_PUSH_MAX;
        n = n < count - at ? n : count - at;
        ST_OK(st_fbank_push(fbank, x + at, n, err));
        at += n;
        size_t got;
        size_t most = seed ? 1 + st_random_next(&seed) % 9 : 1000;
        while ((got = st_fbank_pull(fbank, rows + *F * ST_FBANK_BANDS,
                                    most < capacity - *F ? most : capacity - *F)) > 0)
            *F += got;
    }
    assert_int_equal(st_fbank_pull(fbank, rows, 1), 0);
    st_fbank_destroy(&fbank);
    assert_null(fbank);
    return rows;
}

/* Guards: Kaldi's filter banks, step by step: mean, pre-emphasis, window, bands, floor. */
static void test_golden(void **state)
{
    (void)state;
    ST_NEED_SHARED(path, "reference/encoders/wenet_standin.npz");
    struct st_weights *file;
    size_t samples, values, F, again;

    ST_OK(st_weights_open(&file, path, err));
    float *pcm = st_test_f32(file, "pcm", &samples);
    float *want = st_test_f32(file, "fbank", &values);
    st_weights_close(&file);
    float *x = calloc(BEFORE + samples + AFTER, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < samples; i++)
        x[BEFORE + i] = st_fbank_sample(pcm[i]);

    float *got = rows_of(x, BEFORE + samples + AFTER, 0, &F);
    assert_int_equal(F * ST_FBANK_BANDS, values);
    double worst = st_max_difference(got, want, values);
    print_message("filter banks: largest difference %.2g\n", worst);
    assert_true(worst <= 1e-3);

    float *pieces = rows_of(x, BEFORE + samples + AFTER, 3, &again);
    assert_int_equal(again, F);
    assert_memory_equal(pieces, got, values * sizeof *got);
    free(pieces);
    free(got);
    free(x);
    free(want);
    free(pcm);
}

/* One value of one row, in doubles and by the definition: every bin under every triangle. */
static double restated(const float *x, int band)
{
    const double pi = acos(-1.0);
    double frame[400], mean = 0, energy = 0;
    const double low = 1127 * log(1 + 20 / 700.0), high = 1127 * log(1 + 8000 / 700.0);
    const double left = low + band * (high - low) / 81;
    const double centre = low + (band + 1) * (high - low) / 81;
    const double right = low + (band + 2) * (high - low) / 81;

    for (int n = 0; n < 400; n++)
        mean += x[n] / 400.0;
    for (int n = 0; n < 400; n++) {
        double before = x[n ? n - 1 : 0] - mean;
        frame[n] = (x[n] - mean - 0.97 * before) * pow(0.5 - 0.5 * cos(2 * pi * n / 399), 0.85);
    }
    for (int k = 0; k < 256; k++) {
        double mel = 1127 * log(1 + k * 31.25 / 700), re = 0, im = 0;
        if (mel <= left || mel >= right)
            continue;
        for (int n = 0; n < 400; n++) {
            re += frame[n] * cos(2 * pi * k * n / 512);
            im -= frame[n] * sin(2 * pi * k * n / 512);
        }
        double weight =
            mel <= centre ? (mel - left) / (centre - left) : (right - mel) / (right - centre);
        energy += weight * (re * re + im * im);
    }
    return log(energy > 1.1920928955078125e-07 ? energy : 1.1920928955078125e-07);
}

/* Guards: a wrong triangle or window where no reference is at hand. */
static void test_definition(void **state)
{
    (void)state;
    float x[400 + 5 * 160];
    uint64_t seed = 5;
    size_t F;

    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = 2000 * sinf(0.02f * (float)i) + 300 * (st_random_unit(&seed) - 0.5f) + 50;
    float *rows = rows_of(x, sizeof x / sizeof *x, 0, &F);
    assert_int_equal(F, 6);
    for (size_t row = 0; row < F; row++)
        for (int band = 0; band < ST_FBANK_BANDS; band++)
            assert_true(fabs(rows[row * ST_FBANK_BANDS + (size_t)band] -
                             restated(x + row * 160, band)) <= 1e-3);
    free(rows);
}

/* Guards: a window too many or too few at the end; NaN or infinities in a row. */
static void test_edges(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 399, 400, 401, 559, 560, 561, 16000};
    static const int64_t rows[] = {0, 0, 0, 1, 1, 1, 2, 2, 98};
    float *x = calloc(20000, sizeof *x);
    size_t F;

    assert_non_null(x);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        free(rows_of(x, lengths[i], 0, &F));
        assert_int_equal(F, rows[i]);
        assert_int_equal(st_fbank_count((int64_t)lengths[i]), rows[i]);
    }
    x[7] = NAN;
    x[300] = INFINITY;
    float *got = rows_of(x, 4000, 0, &F);
    for (size_t i = 0; i < F * ST_FBANK_BANDS; i++)
        assert_true(isfinite(got[i]));
    free(got);
    assert_true(st_fbank_sample(1) == 32767 && st_fbank_sample(-1) == -32767);
    assert_true(st_fbank_sample(2) == 32767 && st_fbank_sample(-2) == -32768);
    assert_true(st_fbank_sample(0.9f / 32767) == 0 && st_fbank_sample(-0.9f / 32767) == 0);
    assert_true(st_fbank_sample(NAN) == 0);
    free(x);
}

/* Guards: a buffer overrun where the caller does not pull. */
static void test_misuse(void **state)
{
    (void)state;
    struct st_fbank *fbank;
    float *x = calloc(ST_FBANK_PUSH_MAX + 1, sizeof *x);

    assert_non_null(x);
    ST_OK(st_fbank_create(&fbank, err));
    ST_OK(st_fbank_push(fbank, x, ST_FBANK_PUSH_MAX, err));
    assert_int_equal(st_fbank_push(fbank, x, ST_FBANK_PUSH_MAX, NULL), SYNCTALK_E_ARG);
    st_fbank_destroy(&fbank);
    st_fbank_destroy(&fbank);
    st_fbank_destroy(NULL);
    free(x);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_misuse),
    };
    const struct CMUnitTest golden[] = {
        cmocka_unit_test(test_golden),
    };
    if (argc > 1 && strcmp(argv[1], "golden") == 0)
        return cmocka_run_group_tests(golden, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
