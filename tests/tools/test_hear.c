/* SPDX-License-Identifier: Apache-2.0 */
/* What the audio encoder is taught with: corpus, labels, augmentation, mini-batches, loss. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/pool.h"
#include "hear/heads.h"
#include "hear/lessons.h"
#include "hear/random.h"
#include "hear/score.h"
#include "kernels/kernels.h"
#include "support/support.h"

#define GRID_HZ 100
#define FRAME (SPEECH_HZ / GRID_HZ)

static bool engines_present(void)
{
    return speech_engine_present(SPEECH_FLITE) && speech_engine_present(SPEECH_ESPEAK);
}

static struct speech_synth *synth;      /* one for all: a process opens espeak-ng only once */
static struct hear_corpus *two_minutes; /* to learn from; NULL without synthesisers */

static int open_synth(void **state)
{
    struct hear_plan plan = {.minutes = 2, .seed = 1};
    (void)state;
    ST_OK(speech_open(&synth, err));
    if (engines_present())
        ST_OK(hear_corpus_make(&two_minutes, synth, &plan, err));
    return 0;
}

static int close_synth(void **state)
{
    (void)state;
    hear_corpus_free(&two_minutes);
    speech_close(&synth);
    return 0;
}

#define NEED_ENGINES()                                                         \
    do {                                                                       \
        if (!engines_present()) {                                              \
            fprintf(stderr, "skipped: flite or espeak-ng is not installed\n"); \
            skip();                                                            \
        }                                                                      \
    } while (0)

static struct hear_corpus *make_corpus(double minutes, bool held_out, uint64_t seed)
{
    struct hear_corpus *corpus;
    struct hear_plan plan = {.minutes = minutes, .held_out = held_out, .seed = seed};
    ST_OK(hear_corpus_make(&corpus, synth, &plan, err));
    return corpus;
}

static uint64_t digest_of(double minutes, bool held_out, uint64_t seed)
{
    struct hear_corpus *corpus = make_corpus(minutes, held_out, seed);
    uint64_t digest = hear_corpus_digest(corpus);
    hear_corpus_free(&corpus);
    return digest;
}

/* Guards against an encoder that nobody can make a second time. */
static void test_same_plan_same_corpus(void **state)
{
    (void)state;
    NEED_ENGINES();
    assert_true(digest_of(0.7, false, 3) == digest_of(0.7, false, 3));
    assert_true(digest_of(0.7, false, 3) != digest_of(0.7, false, 4));
    assert_true(digest_of(0.01, true, 3) == digest_of(0.01, true, 3));
}

/* Guards against judging by voices that were learnt from. */
static void test_held_out_voices_stay_out(void **state)
{
    (void)state;
    NEED_ENGINES();
    const struct hear_corpus *learn = two_minutes;
    struct hear_corpus *judge = make_corpus(0.01, true, 1);
    size_t german = 0;
    assert_true(learn->seconds >= 120 && learn->seconds < 150);
    for (size_t i = 0; i < learn->count; i++) {
        assert_false(learn->utterances[i].voice->held_out);
        german += learn->utterances[i].voice->language == SPEECH_GERMAN;
    }
    assert_true(german > 0);
    for (size_t i = 0; i < judge->count; i++)
        assert_true(judge->utterances[i].voice->held_out);
    assert_true(judge->count >= 13);
    hear_corpus_free(&judge);
}

static void test_omitted_voice_is_silent(void **state)
{
    (void)state;
    NEED_ENGINES();
    struct hear_corpus *corpus;
    struct hear_plan plan = {.minutes = 2, .seed = 1, .omit = "flite/slt"};
    ST_OK(hear_corpus_make(&corpus, synth, &plan, err));
    for (size_t i = 0; i < corpus->count; i++)
        assert_string_not_equal(corpus->utterances[i].voice->name, "flite/slt");
    hear_corpus_free(&corpus);
}

/* Correlation of two series, the second read `lag` steps later. */
static double correlate(const double *x, const double *y, size_t count, long lag)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
    for (size_t i = 0; i < count; i++) {
        long k = (long)i + lag;
        if (k < 0 || (size_t)k >= count)
            continue;
        n += 1;
        sx += x[i];
        sy += y[k];
        sxx += x[i] * x[i];
        syy += y[k] * y[k];
        sxy += x[i] * y[k];
    }
    return (sxy - sx * sy / n) / sqrt((sxx - sx * sx / n) * (syy - sy * sy / n));
}

/* Guards against labels that are late, early or of another utterance: loud sounds are those
 * of open mouths, so level and opening rise and fall together; lips are first. */
static void test_labels_follow_the_sound(void **state)
{
    (void)state;
    NEED_ENGINES();
    const struct hear_corpus *corpus = two_minutes;
    size_t count = 0, capacity = (size_t)(corpus->seconds * GRID_HZ) + corpus->count;
    double *level = calloc(capacity, sizeof *level), *opening = calloc(capacity, sizeof *opening);
    assert_true(level && opening);
    for (size_t u = 0; u < corpus->count; u++) {
        const struct hear_utterance *utterance = &corpus->utterances[u];
        for (size_t i = 0; (i + 1) * FRAME <= utterance->count; i++) {
            struct hear_target target;
            double energy = 1;
            for (size_t k = i * FRAME; k < (i + 1) * FRAME; k++)
                energy += utterance->samples[k] * (double)utterance->samples[k];
            hear_target_at(&target, utterance, ((double)i + 0.5) / GRID_HZ, 1);
            level[count] = log10(energy);
            opening[count++] = (double)target.mouth[HEAR_MOUTH_NOW][HEAR_OPENING];
        }
    }
    long best = 0;
    for (long lag = -30; lag <= 30; lag++)
        if (correlate(level, opening, count, lag) > correlate(level, opening, count, best))
            best = lag;
    double highest = correlate(level, opening, count, best);
    print_message("level and opening: %.3f, opening %ld ms before\n", highest, -best * 10);
    assert_true(highest > 0.5);
    assert_true(best <= 1 && best >= -8);
    free(level);
    free(opening);
}

/* Guards against labels of the wrong instant: a click in silence is heard evenly by the
 * first and the second half of the window whose middle it is in. */
static void test_window_middle(void **state)
{
    (void)state;
    enum { COUNT = 32000, CLICK = 16040 };
    float *sound = calloc(COUNT, sizeof *sound), *windows;
    double *middles, nearest = 1;
    size_t count, at = 0;
    assert_non_null(sound);
    sound[CLICK] = 1;
    ST_OK(hear_windows(&windows, &middles, &count, sound, COUNT, err));
    for (size_t w = 0; w < count; w++) {
        double off = fabs(middles[w] - (double)CLICK / SPEECH_HZ);
        if (off < nearest) {
            nearest = off;
            at = w;
        }
    }
    double weight = 0, moment = 0;
    for (int step = 0; step < ST_AVE_STEPS; step++) {
        double heard = (double)windows[at * WINDOW_FLOATS + 40 * ST_AVE_STEPS + (size_t)step] + 4;
        weight += heard;
        moment += heard * step;
    }
    double centre_s = middles[at] + (moment / weight - 7.5) * 0.0125;
    assert_true(fabs(centre_s - (double)CLICK / SPEECH_HZ) < 0.004);
    assert_true(nearest < 0.025);
    free(sound);
    free(windows);
    free(middles);
}

/* Something like speech: noise in bursts of a fifth of a second. */
static void make_bursts(float *sound, size_t count, double level)
{
    struct st_random random = {5};
    for (size_t i = 0; i < count; i++)
        sound[i] = i / 3200 % 2 ? (float)(level * hear_between(&random, -1, 1)) : 0;
}

static double lag_of(const float *a, const float *b, size_t count, int reach)
{
    double best = -1;
    int at = 0;
    for (int lag = -reach; lag <= reach; lag++) {
        double sum = 0;
        for (size_t i = (size_t)reach; i < count - (size_t)reach; i++)
            sum += (double)a[i] * (double)b[(long)i + lag];
        if (sum > best) {
            best = sum;
            at = lag;
        }
    }
    return at;
}

/* Guards against augmentation that leaves [-1, 1], is not a number, or moves speech away from
 * its labels. */
static void test_augmentation_is_bounded(void **state)
{
    (void)state;
    struct augmenter *augmenter;
    float *sound = malloc((AUGMENT_HISTORY + AUGMENT_COUNT) * sizeof *sound);
    float *out = malloc(AUGMENT_COUNT * sizeof *out);
    struct st_random random = {1};
    assert_true(sound && out);
    make_bursts(sound, AUGMENT_HISTORY + AUGMENT_COUNT, 0.5);
    ST_OK(augmenter_create(&augmenter, err));
    for (int k = 0; k < 120; k++) {
        struct augment_recipe recipe;
        augment_draw(&recipe, &random);
        assert_true(recipe.speed > 0.84 && recipe.speed < 1.19);
        assert_true(recipe.snr_db >= 0 && recipe.snr_db <= 40);
        assert_true(recipe.gain_db >= -30 && recipe.gain_db <= 6);
        augment_sound(augmenter, &recipe, sound, sound, 0.3, out);
        double energy = 0;
        for (size_t i = 0; i < AUGMENT_COUNT; i++) {
            assert_true(fabsf(out[i]) <= 1); /* false for NaN, too */
            energy += (double)out[i] * (double)out[i];
        }
        assert_true(energy > 0);
        if (k < 30) {
            double lag = lag_of(sound + AUGMENT_HISTORY, out, AUGMENT_COUNT, 40);
            assert_true(fabs(lag) <= 8); /* half a millisecond: the filters' own */
        }
    }
    augment_sound(augmenter, &augment_nothing, sound, NULL, 0.3, out);
    assert_memory_equal(out, sound + AUGMENT_HISTORY, AUGMENT_COUNT * sizeof *out);
    augmenter_destroy(&augmenter);
    free(sound);
    free(out);
}

static void test_noise_has_its_level(void **state)
{
    (void)state;
    static const enum augment_noise kinds[] = {NOISE_WHITE, NOISE_PINK, NOISE_HUM, NOISE_BABBLE};
    struct augmenter *augmenter;
    float *sound = calloc(AUGMENT_HISTORY + AUGMENT_COUNT, sizeof *sound);
    float *babble = malloc(AUGMENT_COUNT * sizeof *babble);
    float *out = malloc(AUGMENT_COUNT * sizeof *out);
    assert_true(sound && babble && out);
    make_bursts(babble, AUGMENT_COUNT, 0.9);
    ST_OK(augmenter_create(&augmenter, err));
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct augment_recipe recipe = augment_nothing;
        recipe.noise = kinds[k];
        recipe.snr_db = 20;
        recipe.seed = k;
        augment_sound(augmenter, &recipe, sound, babble, 0.1, out);
        double energy = 0;
        for (size_t i = 0; i < AUGMENT_COUNT; i++)
            energy += (double)out[i] * (double)out[i];
        assert_true(fabs(sqrt(energy / AUGMENT_COUNT) - 0.01) < 1e-4);
    }
    augmenter_destroy(&augmenter);
    free(sound);
    free(babble);
    free(out);
}

/* Guards against lessons that depend on the number of workers. */
static void test_lessons_are_repeatable(void **state)
{
    (void)state;
    NEED_ENGINES();
    enum { COUNT = 32 };
    const struct hear_corpus *corpus = two_minutes;
    float *mel[3];
    struct hear_target *targets[3];
    for (int k = 0; k < 3; k++) {
        struct st_pool *pool;
        struct lessons *lessons;
        mel[k] = calloc(COUNT * WINDOW_FLOATS, sizeof **mel);
        targets[k] = calloc(COUNT, sizeof **targets);
        assert_true(mel[k] && targets[k]);
        ST_OK(st_pool_create(&pool, 1 + k, err));
        struct lesson_settings settings = {.corpus = corpus, .pool = pool, .seed = 9};
        ST_OK(lessons_create(&lessons, &settings, err));
        ST_OK(lessons_fill(lessons, k == 2 ? 8 : 7, COUNT, mel[k], targets[k], err));
        assert_int_equal(lessons_fill(lessons, 0, 3, mel[k], targets[k], NULL), SYNCTALK_E_ARG);
        lessons_destroy(&lessons);
        st_pool_destroy(&pool);
    }
    assert_memory_equal(mel[0], mel[1], COUNT * WINDOW_FLOATS * sizeof **mel);
    assert_memory_equal(targets[0], targets[1], COUNT * sizeof **targets);
    assert_memory_not_equal(mel[0], mel[2], COUNT * WINDOW_FLOATS * sizeof **mel);
    for (size_t i = 0; i < COUNT * WINDOW_FLOATS; i++)
        assert_true(fabsf(mel[0][i]) <= 4);
    for (int k = 0; k < 3; k++) {
        free(mel[k]);
        free(targets[k]);
    }
}

/* The window of a lesson is heard where its labels say: in plain lessons, loud where the
 * mouth is open. Guards against places in clip and utterance that drift apart. */
static void test_lessons_keep_labels_with_sound(void **state)
{
    (void)state;
    NEED_ENGINES();
    enum { COUNT = 800 };
    const struct hear_corpus *corpus = two_minutes;
    struct st_pool *pool;
    struct lessons *lessons;
    float *mel = malloc(sizeof *mel * COUNT * WINDOW_FLOATS);
    struct hear_target *targets = malloc(COUNT * sizeof *targets);
    double level[COUNT], speech[COUNT];
    assert_true(mel && targets);
    ST_OK(st_pool_create(&pool, 1, err));
    struct lesson_settings settings = {.corpus = corpus, .pool = pool, .plain = true};
    ST_OK(lessons_create(&lessons, &settings, err));
    ST_OK(lessons_fill(lessons, 0, COUNT, mel, targets, err));
    for (size_t i = 0; i < COUNT; i++) {
        double sum = 0;
        for (size_t band = 0; band < ST_AVE_BANDS; band++)
            for (size_t step = 7; step < 9; step++)
                sum += (double)mel[i * WINDOW_FLOATS + band * ST_AVE_STEPS + step];
        level[i] = sum;
        speech[i] = (double)targets[i].speech;
    }
    double together = correlate(level, speech, COUNT, 0);
    print_message("level of the middle and speech: %.3f\n", together);
    assert_true(together > 0.8);
    lessons_destroy(&lessons);
    st_pool_destroy(&pool);
    free(mel);
    free(targets);
}

static void test_gradient_of_the_loss(void **state)
{
    (void)state;
    enum { COUNT = 3 };
    struct hear_target targets[COUNT] = {
        {.visemes = {VISEME_PP, VISEME_AA, VISEME_SIL},
         .mouth = {{0.5f, -0.2f, 0.1f}},
         .speech = 1},
        {.visemes = {VISEME_SIL, VISEME_SIL, VISEME_AX}},
        {.visemes = {VISEME_UU, VISEME_UU, VISEME_UU}, .mouth = {{0.1f, -0.7f, 0.9f}}, .speech = 1},
    };
    float answers[COUNT * HEAD_COUNT], gradient[COUNT * HEAD_COUNT], unused[COUNT * HEAD_COUNT];
    struct st_random random = {3};
    for (size_t i = 0; i < COUNT * HEAD_COUNT; i++)
        answers[i] = (float)hear_between(&random, -2, 2);
    head_loss(answers, targets, COUNT, gradient);
    for (size_t i = 0; i < COUNT * HEAD_COUNT; i++) {
        float was = answers[i], low = was - 0.0625f, high = was + 0.0625f;
        answers[i] = high;
        double up = head_loss(answers, targets, COUNT, unused);
        answers[i] = low;
        double slope = (up - head_loss(answers, targets, COUNT, NULL)) / (double)(high - low);
        answers[i] = was;
        assert_true(fabs(slope - (double)gradient[i]) < 2e-4);
    }
}

static void test_area_under_the_curve(void **state)
{
    (void)state;
    const float scores[] = {1, 2, 3, 4, 4, 6};
    const bool apart[] = {false, false, false, true, true, true};
    const bool mixed[] = {false, true, false, true, false, true};
    assert_true(fabs(score_auc(scores, apart, 6) - 1) < 1e-12);
    /* Pairs in order: 1 of 2, 2.5 of 4, 3 of 6, of nine. */
    assert_true(fabs(score_auc(scores, mixed, 6) - 6.5 / 9) < 1e-12);
    assert_true(isnan(score_auc(scores, apart, 3)));
}

/* Guards against shipping an encoder that does not open, is too large, or hears nothing: a
 * linear probe of its features tells speech from pauses of voices that it never met. */
static void test_shipped_encoder_hears(void **state)
{
    (void)state;
    NEED_ENGINES();
    char path[ST_PATH_MAX];
    struct st_weights *weights;
    struct st_ave *ave;
    struct st_ave_worker *worker;
    struct st_kernels kernels;
    struct stat info;
    ST_OK(st_path_format(path, err, "%s/data/audio_visual_encoder.safetensors",
                         getenv("ST_TEST_SOURCE")));
    assert_int_equal(stat(path, &info), 0);
    assert_true(info.st_size <= 6 << 20);
    st_kernels_init(&kernels, st_cpu_flags());
    ST_OK(st_weights_open(&weights, path, err));
    ST_OK(st_ave_open(&ave, weights, &kernels, err));
    ST_OK(st_ave_worker_open(&worker, ave, err));

    struct hear_corpus *corpus = make_corpus(0.01, true, 1);
    size_t count = 0, capacity = (size_t)(corpus->seconds * 25) + 3 * corpus->count;
    float *features = malloc(sizeof *features * capacity * ST_AVE_VECTOR);
    float *scores = malloc(sizeof *scores * capacity);
    bool *speech = malloc(sizeof *speech * capacity);
    assert_true(features && scores && speech);
    for (size_t u = 0; u < corpus->count; u++) {
        const struct hear_utterance *utterance = &corpus->utterances[u];
        float *sound = malloc(sizeof *sound * utterance->count), *windows;
        double *middles;
        size_t some;
        assert_non_null(sound);
        for (size_t i = 0; i < utterance->count; i++)
            sound[i] = (float)utterance->samples[i] / INT16_MAX;
        ST_OK(hear_windows(&windows, &middles, &some, sound, utterance->count, err));
        assert_true(count + some <= capacity);
        ST_OK(st_ave_run(worker, some, windows, features + count * ST_AVE_VECTOR, err));
        for (size_t i = 0; i < some; i++) {
            struct hear_target target;
            hear_target_at(&target, utterance, middles[i], 1);
            speech[count++] = target.speech > 0;
        }
        free(sound);
        free(windows);
        free(middles);
    }
    assert_int_equal(score_probe(scores, features, speech, count), 0);
    double area = score_auc(scores + count / 2, speech + count / 2, count - count / 2);
    print_message("speech from pauses: %.4f\n", area);
    assert_true(area > 0.97);
    double squares = 0;
    for (size_t i = 0; i < count * ST_AVE_VECTOR; i++)
        squares += (double)features[i] * (double)features[i];
    assert_true(fabs(sqrt(squares / (double)(count * ST_AVE_VECTOR)) - 0.8) < 0.1);
    free(features);
    free(scores);
    free(speech);
    hear_corpus_free(&corpus);
    st_ave_worker_close(&worker);
    st_ave_close(&ave);
    st_weights_close(&weights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_plan_same_corpus),
        cmocka_unit_test(test_held_out_voices_stay_out),
        cmocka_unit_test(test_omitted_voice_is_silent),
        cmocka_unit_test(test_labels_follow_the_sound),
        cmocka_unit_test(test_window_middle),
        cmocka_unit_test(test_augmentation_is_bounded),
        cmocka_unit_test(test_noise_has_its_level),
        cmocka_unit_test(test_lessons_are_repeatable),
        cmocka_unit_test(test_lessons_keep_labels_with_sound),
        cmocka_unit_test(test_gradient_of_the_loss),
        cmocka_unit_test(test_area_under_the_curve),
        cmocka_unit_test(test_shipped_encoder_hears),
    };
    return cmocka_run_group_tests(tests, open_synth, close_synth);
}
