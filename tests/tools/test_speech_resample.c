/* SPDX-License-Identifier: Apache-2.0 */
/* The resampler against tones, whose resampled form is known exactly. */
#include <math.h>
#include <stdlib.h>

#include "speech/resample.h"
#include "support/support.h"

#define SECONDS 0.5
#define EDGE 400 /* output samples at either end where the tone's beginning rings */

static float *tone(double hz, int rate, size_t count)
{
    float *samples = malloc(count * sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < count; i++)
        samples[i] = (float)sin(2 * M_PI * hz * (double)i / rate + 0.3);
    return samples;
}

/* Largest difference in the middle from the same tone (scaled by `gain`) at the new rate. */
static double error_of(double hz, int from, int to, double gain)
{
    size_t count = (size_t)(SECONDS * from), out_count;
    float *in = tone(hz, from, count), *out;
    ST_OK(speech_resample(&out, &out_count, in, count, from, to, err));
    assert_int_equal(out_count, (count * (size_t)to + (size_t)from - 1) / (size_t)from);
    double worst = 0;
    for (size_t i = EDGE; i + EDGE < out_count; i++) {
        double want = gain * sin(2 * M_PI * hz * (double)i / to + 0.3);
        worst = fmax(worst, fabs((double)out[i] - want));
    }
    free(in);
    free(out);
    return worst;
}

static void test_passes(void **state)
{
    (void)state;
    static const double tones[] = {50, 440, 1000, 3000, 5555, 7000, 7200};
    for (size_t i = 0; i < sizeof tones / sizeof tones[0]; i++)
        assert_true(error_of(tones[i], 22050, 16000, 1) < 3e-4);
    assert_true(error_of(3500, 8000, 16000, 1) < 3e-4);
    assert_true(error_of(1000, 16000, 16000, 1) < 3e-4);
    assert_true(error_of(3000, 44100, 16000, 1) < 3e-4);
}

/* What lies above half the new rate would come back as a false tone. */
static void test_stops(void **state)
{
    (void)state;
    static const double tones[] = {8000, 8100, 8500, 9500, 10900};
    for (size_t i = 0; i < sizeof tones / sizeof tones[0]; i++)
        assert_true(error_of(tones[i], 22050, 16000, 0) < 1e-4);
    assert_true(error_of(12000, 44100, 16000, 0) < 1e-4);
}

static void test_edges(void **state)
{
    (void)state;
    synctalk_error refusal = {0};
    float one = 0.5f, *out;
    size_t count;
    assert_int_equal(speech_resample(&out, &count, &one, 1, 0, 16000, &refusal), SYNCTALK_E_ARG);
    assert_int_equal(speech_resample(&out, &count, &one, 1, 16000, 400000, &refusal),
                     SYNCTALK_E_ARG);
    assert_null(out);
    ST_OK(speech_resample(&out, &count, &one, 0, 22050, 16000, err));
    assert_int_equal(count, 0);
    free(out);
    ST_OK(speech_resample(&out, &count, &one, 1, 22050, 16000, err));
    assert_int_equal(count, 1);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes),
        cmocka_unit_test(test_stops),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
