/* SPDX-License-Identifier: Apache-2.0 */
/* Visemes and the mouth's movement, on spans made up here: no synthesiser needed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "speech/track.h"
#include "support/support.h"

#define SPANS_MAX 200

struct script {
    struct viseme_span spans[SPANS_MAX];
    size_t count;
};

static void add(struct script *script, enum viseme viseme, double seconds)
{
    assert_true(script->count < SPANS_MAX);
    double start = script->count ? script->spans[script->count - 1].end_s : 0;
    script->spans[script->count++] =
        (struct viseme_span){viseme, start, start + seconds, start + seconds};
}

static double end_of(const struct script *script)
{
    return script->spans[script->count - 1].end_s;
}

static struct track *animate(const struct script *script)
{
    struct track *track;
    ST_OK(track_create(&track, script->spans, script->count, err));
    return track;
}

static struct mouth at(const struct track *track, double seconds)
{
    struct mouth mouth;
    track_at(track, seconds, &mouth);
    return mouth;
}

/* Phonemes of 25 to 185 ms in any order, pauses among them, closures that end early. */
static struct script gibberish(uint64_t seed)
{
    struct script script = {0};
    add(&script, VISEME_SIL, 0.2);
    for (int i = 0; i < 120; i++) {
        enum viseme viseme = (enum viseme)(st_random_next(&seed) % VISEME_COUNT);
        double length = 0.025 + 0.16 * (double)st_random_unit(&seed);
        if (viseme == VISEME_SIL)
            length = 0.05 + 0.7 * (double)st_random_unit(&seed);
        add(&script, viseme, length);
        struct viseme_span *span = &script.spans[script.count - 1];
        if (viseme == VISEME_PP)
            span->hold_s = span->start_s + length * (double)st_random_unit(&seed);
    }
    add(&script, VISEME_SIL, 0.2);
    return script;
}

static void test_names(void **state)
{
    (void)state;
    struct viseme_sequence sequence;
    assert_int_equal(viseme_of(&sequence, PHONEMES_FLITE, "ay"), 0);
    assert_int_equal(sequence.count, 2);
    assert_int_equal(sequence.visemes[0], VISEME_AA);
    assert_int_equal(sequence.visemes[1], VISEME_IY);
    assert_int_equal(viseme_of(&sequence, PHONEMES_ESPEAK_DE, "pF"), 0);
    assert_int_equal(sequence.visemes[1], VISEME_FF);
    assert_int_equal(viseme_of(&sequence, PHONEMES_ESPEAK_DE, "3"), 0);
    assert_int_equal(sequence.visemes[0], VISEME_AX);
    assert_int_equal(viseme_of(&sequence, PHONEMES_ESPEAK_US, "3"), 0);
    assert_int_equal(sequence.visemes[0], VISEME_RR);
    assert_int_equal(viseme_of(&sequence, PHONEMES_ESPEAK_US, "qq"), -1);
    assert_int_equal(viseme_of(&sequence, PHONEMES_FLITE, "tS"), -1);
}

static void test_shapes(void **state)
{
    (void)state;
    for (int v = 0; v < VISEME_COUNT; v++) {
        const struct viseme_shape *shape = &viseme_shapes[v];
        assert_non_null(shape->name);
        for (int p = 0; p < MOUTH_PARTS; p++) {
            float low = p == MOUTH_WIDTH ? -1.0f : 0.0f;
            assert_true(shape->target[p] >= low && shape->target[p] <= 1.0f);
        }
        assert_true(shape->jaw > 0 && shape->lips > 0 && shape->tongue > 0);
    }
    assert_true(mouth_opening(viseme_shapes[VISEME_AA].target) > 0.8f);
    assert_true(mouth_opening(viseme_shapes[VISEME_SIL].target) == 0);
    assert_true(mouth_opening(viseme_shapes[VISEME_PP].target) == 0);
    assert_true(mouth_opening(viseme_shapes[VISEME_FF].target) < 0.05f);
}

static void test_lookup(void **state)
{
    (void)state;
    struct script script = {0};
    add(&script, VISEME_SIL, 0.2);
    add(&script, VISEME_AA, 0.1);
    add(&script, VISEME_PP, 0.1);
    assert_int_equal(viseme_at(script.spans, script.count, 0), VISEME_SIL);
    assert_int_equal(viseme_at(script.spans, script.count, 0.21), VISEME_AA);
    assert_int_equal(viseme_at(script.spans, script.count, 0.39), VISEME_PP);
    assert_int_equal(viseme_at(script.spans, script.count, 0.41), VISEME_SIL);
    assert_int_equal(viseme_at(script.spans, script.count, -1), VISEME_SIL);
    assert_int_equal(viseme_at(script.spans, 0, 0.1), VISEME_SIL);
}

/* Between open vowels a weighted mean never closes the lips: each p, b, m, f and v must
 * show a frame with contact, wherever the frames fall. */
static void test_contact(void **state)
{
    (void)state;
    int closures = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct script script = gibberish(seed);
        struct track *track = animate(&script);
        for (size_t i = 0; i < script.count; i++) {
            const struct viseme_span *span = &script.spans[i];
            if (span->viseme != VISEME_PP && span->viseme != VISEME_FF)
                continue;
            int part = span->viseme == VISEME_PP ? MOUTH_CLOSED : MOUTH_LOWER_TUCK;
            for (int phase = 0; phase < 8; phase++) {
                float most = 0, opening = 1;
                for (int frame = 0; frame / 25.0 < end_of(&script); frame++) {
                    double t = (frame + phase / 8.0) / 25;
                    if (t < span->start_s - 0.05 || t > span->end_s + 0.03)
                        continue;
                    struct mouth mouth = at(track, t);
                    most = fmaxf(most, mouth.part[part]);
                    opening = fminf(opening, mouth.opening);
                }
                if (most < 0.999f || opening > 0.06f)
                    fail_msg("seed %d span %zu phase %d: contact %g, opening %g", (int)seed, i,
                             phase, (double)most, (double)opening);
            }
            closures++;
        }
        track_destroy(&track);
    }
    assert_true(closures > 200);
}

static void test_rest(void **state)
{
    (void)state;
    int pauses = 0;
    for (uint64_t seed = 100; seed < 120; seed++) {
        struct script script = gibberish(seed);
        struct track *track = animate(&script);
        for (size_t i = 0; i < script.count; i++) {
            const struct viseme_span *span = &script.spans[i];
            if (span->viseme != VISEME_SIL || span->end_s - span->start_s < 0.2)
                continue;
            for (double t = span->start_s + 0.056; t < span->end_s - 0.116; t += 0.01)
                assert_true(at(track, t).opening < 0.002f);
            pauses++;
        }
        track_destroy(&track);
    }
    assert_true(pauses > 50);
}

/* What the demo is judged by: the mouth of a two-second pause is shut in nearly all of it. */
static void test_long_pause(void **state)
{
    (void)state;
    struct script script = {0};
    add(&script, VISEME_AA, 0.3);
    add(&script, VISEME_SIL, 2.0 + 0.4); /* the edges of both sentences are silent too */
    add(&script, VISEME_AA, 0.3);
    struct track *track = animate(&script);
    for (int frame = 0; frame < 50; frame++)
        assert_true(at(track, 0.5 + frame / 25.0).opening == 0);
    assert_true(at(track, 0.2).opening > 0.5f && at(track, 2.8).opening > 0.5f);
    track_destroy(&track);
}

/* A short pause is not closed in: that would be chewing. */
static void test_short_pause(void **state)
{
    (void)state;
    struct script script = {0};
    add(&script, VISEME_AA, 0.3);
    add(&script, VISEME_SIL, 0.08);
    add(&script, VISEME_AA, 0.3);
    struct track *track = animate(&script);
    for (double t = 0.25; t < 0.45; t += 0.01)
        assert_true(at(track, t).part[MOUTH_CLOSED] < 0.01f && at(track, t).opening > 0.1f);
    track_destroy(&track);
}

/* When `part` first is `share` of the way to what it is in the middle of the span. */
static double onset(const struct track *track, const struct viseme_span *span, int part,
                    float share)
{
    float full = at(track, (span->start_s + span->end_s) / 2).part[part];
    for (double t = span->start_s - 0.4; t < span->end_s; t += 0.001)
        if (at(track, t).part[part] >= share * full)
            return t;
    return span->end_s;
}

/* Mouths move before they sound; a mouth in step with its sound looks late. */
static void test_lead(void **state)
{
    (void)state;
    static const enum viseme vowels[] = {VISEME_AA, VISEME_EH, VISEME_OO};
    for (size_t i = 0; i < sizeof vowels / sizeof vowels[0]; i++) {
        struct script script = {0};
        add(&script, VISEME_SIL, 0.6);
        add(&script, vowels[i], 0.3);
        add(&script, VISEME_SIL, 0.6);
        struct track *track = animate(&script);
        double begins = 0.6 - onset(track, &script.spans[1], MOUTH_JAW, 0.02f);
        double half = 0.6 - onset(track, &script.spans[1], MOUTH_JAW, 0.5f);
        if (begins < 0.08 || begins > 0.12 || half < 0.01 || half > 0.06)
            fail_msg("%s begins %.3f s and is half there %.3f s before its sound",
                     viseme_shapes[vowels[i]].name, begins, half);
        track_destroy(&track);
    }
}

static float round_before(enum viseme between)
{
    struct script script = {0};
    add(&script, VISEME_AX, 0.2);
    add(&script, VISEME_KK, 0.08);
    add(&script, between, 0.08);
    add(&script, VISEME_UU, 0.2);
    struct track *track = animate(&script);
    float round = at(track, 0.24).part[MOUTH_ROUND]; /* in the k, 120 ms ahead of the u */
    track_destroy(&track);
    return round;
}

static void test_rounding(void **state)
{
    (void)state;
    float free_lips = round_before(VISEME_DD);
    assert_true(free_lips > 0.3f);
    assert_true(round_before(VISEME_PP) < 0.3f * free_lips);
    assert_true(round_before(VISEME_FF) < 0.3f * free_lips);
}

/* Sampled every 5 ms: no steps, no corners, and no more turns of the jaw than sounds. */
static void test_smooth(void **state)
{
    (void)state;
    const double step = 0.005;
    for (uint64_t seed = 200; seed < 206; seed++) {
        struct script script = gibberish(seed);
        struct track *track = animate(&script);
        size_t turns = 0;
        float slope_before = 0, fastest = 0, sharpest = 0;
        for (double t = 0; t < end_of(&script); t += step) {
            struct mouth before = at(track, t - step), now = at(track, t);
            struct mouth after = at(track, t + step);
            for (int p = 0; p < MOUTH_PARTS; p++) {
                float low = p == MOUTH_WIDTH ? -1.0f : 0.0f;
                assert_true(now.part[p] >= low - 1e-5f && now.part[p] <= 1.00001f);
                float slope = after.part[p] - now.part[p];
                float turn = slope - (now.part[p] - before.part[p]);
                fastest = fmaxf(fastest, fabsf(slope));
                if (p != MOUTH_CLOSED && p != MOUTH_LOWER_TUCK)
                    sharpest = fmaxf(sharpest, fabsf(turn));
            }
            float slope = after.part[MOUTH_JAW] - now.part[MOUTH_JAW];
            if (fabsf(slope) > 5e-5f) {
                turns += slope * slope_before < 0;
                slope_before = slope;
            }
        }
        if (fastest > 0.18f || sharpest > 0.028f || turns > script.count)
            fail_msg("moves by %g in 5 ms, turns by %g, jaw turns %zu times", (double)fastest,
                     (double)sharpest, turns);
        track_destroy(&track);
    }
}

static void test_same_twice(void **state)
{
    (void)state;
    struct script script = gibberish(7);
    struct track *a = animate(&script), *b = animate(&script);
    for (double t = -0.1; t < end_of(&script) + 0.1; t += 0.0037) {
        struct mouth one = at(a, t), two = at(b, t);
        assert_memory_equal(&one, &two, sizeof one);
    }
    track_destroy(&a);
    track_destroy(&b);
}

static void test_nothing(void **state)
{
    (void)state;
    struct script script = {0};
    struct track *track = animate(&script);
    assert_true(at(track, 0).opening == 0 && at(track, 0).part[MOUTH_CLOSED] == 1);
    track_destroy(&track);
    track_destroy(&track);

    synctalk_error err = {0};
    add(&script, VISEME_SIL, NAN);
    assert_int_equal(track_create(&track, script.spans, 1, &err), SYNCTALK_E_ARG);
    script.spans[0].end_s = 1e9;
    assert_int_equal(track_create(&track, script.spans, 1, &err), SYNCTALK_E_ARG);
    assert_null(track);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),       cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_lookup),      cmocka_unit_test(test_contact),
        cmocka_unit_test(test_rest),        cmocka_unit_test(test_long_pause),
        cmocka_unit_test(test_short_pause), cmocka_unit_test(test_lead),
        cmocka_unit_test(test_rounding),    cmocka_unit_test(test_smooth),
        cmocka_unit_test(test_same_twice),  cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
