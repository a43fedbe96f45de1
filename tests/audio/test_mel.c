/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/mel.h"
#include "support/support.h"

/* All rows of `count` samples, pushed `step` at a time (0: random sizes). malloc'ed. */
static float *rows_of(const float *pcm, size_t count, size_t step, uint64_t seed, size_t *T)
{
    struct st_mel *mel;
    size_t capacity = count / ST_MEL_HOP + 32;
    float *rows = malloc(capacity * ST_MEL_BANDS * sizeof *rows);

    assert_non_null(rows);
    ST_OK(st_mel_create(&mel, err));
    *T = 0;
    for (size_t at = 0; at < count;) {
        size_t n = step ? step : st_random_next(&seed) % 3000;
        n = n < count - at ? n : count - at;
        ST_OK(st_mel_push(mel, pcm + at, n, err));
        at += n;
        size_t got;
        size_t most = step ? 4 : 1 + st_random_next(&seed) % 9;
        while ((got = st_mel_pull(mel, rows + *T * ST_MEL_BANDS, most)) > 0)
            *T += got;
    }
    ST_OK(st_mel_finish(mel, err));
    *T += st_mel_pull(mel, rows + *T * ST_MEL_BANDS, capacity - *T);
    assert_int_equal(st_mel_pull(mel, rows, 1), 0);
    st_mel_destroy(&mel);
    assert_null(mel);
    return rows;
}

/* Guards: the published spectrogram, step by step: scale, band areas, padding, floor. */
static void test_golden(void **state)
{
    (void)state;
    ST_NEED_SHARED(path, "reference/audio/mel_talk_hb_6s.npz");
    struct st_weights *file;
    size_t samples, values, T;

    ST_OK(st_weights_open(&file, path, err));
    float *pcm = st_test_f32(file, "pcm", &samples);
    float *want = st_test_f32(file, "mel", &values);
    float *got = rows_of(pcm, samples, 16000, 0, &T);

    assert_int_equal(T * ST_MEL_BANDS, values);
    double worst = st_max_difference(got, want, values);
    print_message("mel: largest difference %.2g\n", worst);
    assert_true(worst <= 1e-3);
    free(got);
    free(want);
    free(pcm);
    st_weights_close(&file);
}

/* Guards: rows that depend on how the sound was cut into pushes. */
static void test_chunks(void **state)
{
    (void)state;
    const size_t count = 50001;
    float *pcm = malloc(count * sizeof *pcm);
    uint64_t seed = 3;
    size_t T, again;

    assert_non_null(pcm);
    for (size_t i = 0; i < count; i++)
        pcm[i] = st_random_unit(&seed) - 0.5f;
    float *want = rows_of(pcm, count, 16000, 0, &T);
    assert_int_equal(T, 1 + count / 200);
    for (uint64_t trial = 1; trial <= 8; trial++) {
        float *got = rows_of(pcm, count, trial == 1 ? 1 : 0, trial, &again);
        assert_int_equal(again, T);
        assert_memory_equal(got, want, T * ST_MEL_BANDS * sizeof *want);
        free(got);
    }
    free(want);
    free(pcm);
}

/* Guards: recordings around the shortest length, and none at all. */
static void test_lengths(void **state)
{
    (void)state;
    static const float silence[4001];
    static const size_t lengths[] = {0, 1, 199, 200, 3199, 3200, 3201, 3399, 3400, 4001};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t T, n = lengths[i] < 3200 ? 3200 : lengths[i];
        float *rows = rows_of(silence, lengths[i], 777, 0, &T);
        assert_int_equal(T, 1 + n / 200);
        for (size_t k = 0; k < T * ST_MEL_BANDS; k++)
            assert_true(rows[k] == -4.0f);
        free(rows);
    }
}

/* A cosine is loudest in the band around it and the dB scale moves by 20 dB = 1.6 for a
 * factor of ten: guards the mapping of bands to hertz where no reference data is. */
static void test_tone(void **state)
{
    (void)state;
    const size_t count = 16000;
    float *pcm = malloc(count * sizeof *pcm);
    size_t T, band[2];
    float level[2];

    assert_non_null(pcm);
    for (int quiet = 0; quiet < 2; quiet++) {
        for (size_t i = 0; i < count; i++)
            pcm[i] = (quiet ? 0.03f : 0.3f) * cosf(2 * 3.14159265f * 440.0f * (float)i / 16000.0f);
        float *rows = rows_of(pcm, count, 16000, 0, &T);
        const float *row = rows + 40 * ST_MEL_BANDS;
        band[quiet] = 0;
        for (size_t b = 0; b < ST_MEL_BANDS; b++)
            if (row[b] > row[band[quiet]])
                band[quiet] = b;
        level[quiet] = row[band[quiet]];
        free(rows);
    }
    /* 440 Hz = 6.6 mel between 0.825 and 45.25 mel, 81 steps: edge 10.5. */
    assert_in_range(band[0], 9, 10);
    assert_int_equal(band[0], band[1]);
    assert_true(fabsf(level[0] - level[1] - 1.6f) < 1e-3f);
    free(pcm);
}

/* Guards: NaN and infinity in float files reaching a network. */
static void test_not_finite(void **state)
{
    (void)state;
    float pcm[4000] = {0};
    size_t T;
    pcm[1000] = NAN;
    pcm[2000] = INFINITY;
    pcm[3000] = 3e38f;
    float *rows = rows_of(pcm, 4000, 4000, 0, &T);
    for (size_t k = 0; k < T * ST_MEL_BANDS; k++)
        assert_true(rows[k] >= -4.0f && rows[k] <= 4.0f);
    free(rows);
}

/* Guards: the count at T = 384, one less than exact arithmetic gives, and windows past the
 * end of the rows. */
static void test_windows(void **state)
{
    (void)state;
    assert_int_equal(st_mel_window_count(384), 116);
    assert_int_equal(st_mel_window_count(17), 2);
    assert_int_equal(st_mel_window_count(481), 147);
    assert_int_equal(st_mel_window_count(0), 0);
    for (int64_t T = 17; T < 5000; T++) {
        int64_t n = st_mel_window_count(T);
        int64_t exact = (T - 16) * 5 / 16 + 2;
        assert_true(n == exact || ((T - 16) % 16 == 0 && n == exact - 1));
        for (int64_t i = n > 4 ? n - 4 : 0; i < n; i++) {
            int64_t start = st_mel_window_start(i, T);
            assert_true(start >= 0 && start + 16 <= T);
            assert_true(start == 16 * i / 5 || start == T - 16);
        }
    }
}

/* Guards: writing past the sample buffer when rows are not pulled. */
static void test_misuse(void **state)
{
    (void)state;
    static const float pcm[16001];
    struct st_mel *mel;
    synctalk_error error;

    ST_OK(st_mel_create(&mel, err));
    assert_int_equal(st_mel_push(mel, pcm, 16001, &error), SYNCTALK_E_ARG);
    ST_OK(st_mel_push(mel, pcm, 16000, err));
    assert_int_equal(st_mel_push(mel, pcm, 16000, &error), SYNCTALK_E_ARG);
    ST_OK(st_mel_finish(mel, err));
    assert_int_equal(st_mel_finish(mel, &error), SYNCTALK_E_ARG);
    assert_int_equal(st_mel_push(mel, pcm, 1, &error), SYNCTALK_E_ARG);
    st_mel_destroy(&mel);
    st_mel_destroy(&mel);
    st_mel_destroy(NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest golden[] = {cmocka_unit_test(test_golden)};
    const struct CMUnitTest unit[] = {
        cmocka_unit_test(test_chunks),  cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_tone),    cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_windows), cmocka_unit_test(test_misuse),
    };
    if (argc > 1 && strcmp(argv[1], "golden") == 0)
        return cmocka_run_group_tests_name("mel golden", golden, NULL, NULL);
    return cmocka_run_group_tests_name("mel", unit, NULL, NULL);
}
