/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/vad_builtin.h"
#include "support/support.h"

#define CHUNKS 400
#define SAMPLES (CHUNKS * ST_VAD_CHUNK)

/* All probabilities of `chunks` whole chunks. */
static void detect(const float *samples, size_t chunks, float *p)
{
    struct st_vad_builtin *vad;
    size_t count = 0;
    ST_OK(st_vad_builtin_create(&vad, err));
    for (size_t i = 0; i < chunks; i++) {
        bool ready = st_vad_builtin_push(vad, samples + i * ST_VAD_CHUNK, &p[count]);
        assert_int_equal(ready, i >= ST_VAD_BUILTIN_DELAY);
        count += ready;
    }
    float spare;
    while (st_vad_builtin_flush(vad, count < chunks ? &p[count] : &spare))
        count++;
    assert_int_equal(count, chunks);
    assert_false(st_vad_builtin_flush(vad, &spare));
    st_vad_builtin_destroy(&vad);
    assert_null(vad);
    st_vad_builtin_destroy(&vad);
    for (size_t i = 0; i < chunks; i++)
        assert_true(p[i] >= 0 && p[i] <= 1);
}

static float gauss(uint64_t *seed)
{
    float sum = -6;
    for (int i = 0; i < 12; i++)
        sum += st_random_unit(seed);
    return sum;
}

static float *noise(float level)
{
    uint64_t seed = 9;
    float *samples = malloc(SAMPLES * sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < SAMPLES; i++)
        samples[i] = level * gauss(&seed);
    return samples;
}

/* A vowel: harmonics of 120 Hz that fall off, in syllables of a quarter of a second. */
static void add_voice(float *samples, size_t from, size_t to, float level)
{
    for (size_t i = from; i < to; i++) {
        const double t = (double)i / ST_VAD_HZ;
        double sum = 0;
        for (int k = 1; k < 25; k++)
            sum += sin(2 * M_PI * (120.0 + 10.0 * sin(3 * t)) * k * t) / k;
        samples[i] += level * (float)(sum * (0.6 + 0.4 * sin(2 * M_PI * 4 * t)));
    }
}

static float largest(const float *p, size_t from, size_t to)
{
    float most = 0;
    for (size_t i = from; i < to; i++)
        most = fmaxf(most, p[i]);
    return most;
}

static double part_above(const float *p, size_t from, size_t to)
{
    size_t count = 0;
    for (size_t i = from; i < to; i++)
        count += p[i] >= 0.5f;
    return (double)count / (double)(to - from);
}

/* Guards: speech found in steady sound without any: digital silence, noise at any level,
 * noise that begins late, mains hum. */
static void test_no_speech(void **state)
{
    (void)state;
    float p[CHUNKS];
    for (int level = 0; level < 5; level++) {
        float *samples = noise(level ? powf(10, (float)-level) : 0);
        detect(samples, CHUNKS, p);
        assert_true(largest(p, 0, CHUNKS) < 0.5f);
        memset(samples, 0, SAMPLES / 4 * sizeof *samples);
        detect(samples, CHUNKS, p);
        assert_true(largest(p, 0, CHUNKS) < 0.5f);
        free(samples);
    }
    float *samples = noise(0.003f);
    for (size_t i = 0; i < SAMPLES; i++)
        for (int k = 1; k < 12; k++)
            samples[i] += (float)(0.05 / k * sin(2 * M_PI * 100 * k * (double)i / ST_VAD_HZ));
    detect(samples, CHUNKS, p);
    assert_true(largest(p, 0, CHUNKS) < 0.5f);
    free(samples);
}

/* Guards: speech that is missed, or not left again, at levels 40 dB apart. */
static void test_speech(void **state)
{
    (void)state;
    float p[CHUNKS];
    for (int level = 0; level < 3; level++) {
        float *samples = noise(0.003f * powf(10, (float)-level));
        add_voice(samples, 100 * ST_VAD_CHUNK, 200 * ST_VAD_CHUNK, 0.1f * powf(10, (float)-level));
        detect(samples, CHUNKS, p);
        assert_true(part_above(p, 102, 198) > 0.95);
        assert_true(largest(p, 0, 95) < 0.5f);
        assert_true(largest(p, 215, CHUNKS) < 0.5f);
        free(samples);
    }
}

/* Guards: a noise floor that was learnt too high from speech at the very beginning, or that
 * sticks to an old one when the room gets louder. */
static void test_noise_moves(void **state)
{
    (void)state;
    float p[CHUNKS];
    float *samples = noise(0.003f);
    add_voice(samples, 0, 100 * ST_VAD_CHUNK, 0.1f);
    detect(samples, CHUNKS, p);
    assert_true(part_above(p, 30, 98) > 0.9);
    assert_true(largest(p, 115, CHUNKS) < 0.5f);
    free(samples);

    samples = noise(0.01f);
    for (size_t i = 0; i < SAMPLES / 3; i++)
        samples[i] *= 0.1f;
    detect(samples, CHUNKS, p);
    assert_true(largest(p, CHUNKS / 3 + 80, CHUNKS) < 0.5f);
    free(samples);
}

/* Guards: recordings of fewer chunks than the delay, whose probabilities came out short. */
static void test_short(void **state)
{
    (void)state;
    float p[CHUNKS];
    float *samples = noise(0.01f);
    for (size_t chunks = 0; chunks < 25; chunks++)
        detect(samples, chunks, p);
    free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_speech),
        cmocka_unit_test(test_speech),
        cmocka_unit_test(test_noise_moves),
        cmocka_unit_test(test_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
