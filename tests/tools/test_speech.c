/* SPDX-License-Identifier: Apache-2.0 */
/* Both synthesisers through the one interface: times that cover the sound and agree with
 * it, the same bytes twice, refusals in words.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "speech/sentences.h"
#include "speech/speech.h"
#include "speech/track.h"
#include "speech/wav.h"
#include "support/support.h"

static void need_engine(enum speech_engine engine)
{
    if (speech_engine_present(engine))
        return;
    fprintf(stderr, "skipped: this build has no %s\n", speech_engine_name(engine));
    skip();
}

/* One synthesiser for all tests, so that one that fails leaves the others theirs. */
struct fixture {
    struct speech_synth *synth;
};

static int open_synth(void **state)
{
    static struct fixture fixture;
    *state = &fixture;
    return speech_open(&fixture.synth, NULL) ? -1 : 0;
}

static int close_synth(void **state)
{
    struct fixture *fixture = *state;
    speech_close(&fixture->synth);
    return 0;
}

static struct speech_synth *synth_of(void **state)
{
    return ((struct fixture *)*state)->synth;
}

static struct speech say(struct speech_synth *synth, const char *voice, const char *text,
                         float rate, float pitch)
{
    struct speech speech;
    struct speech_manner manner = {rate, pitch};
    ST_OK(speech_say(synth, speech_voice_find(voice), text, &manner, &speech, err));
    return speech;
}

static void check_times(const struct speech *speech)
{
    double at = 0;
    for (size_t i = 0; i < speech->phoneme_count; i++) {
        const struct speech_phoneme *phoneme = &speech->phonemes[i];
        assert_true(fabs(phoneme->start_s - at) < 1e-9 && phoneme->end_s > phoneme->start_s);
        assert_true(phoneme->hold_s >= phoneme->start_s && phoneme->hold_s <= phoneme->end_s);
        assert_true(phoneme->name[0] && memchr(phoneme->name, 0, SPEECH_NAME_MAX));
        at = phoneme->end_s;
    }
    assert_true(fabs(at - speech_seconds(speech)) < 1e-9);
    at = 0;
    for (size_t i = 0; i < speech->span_count; i++) {
        assert_true(fabs(speech->spans[i].start_s - at) < 1e-9);
        assert_true(speech->spans[i].end_s > at);
        at = speech->spans[i].end_s;
    }
    assert_true(fabs(at - speech_seconds(speech)) < 1e-9);

    const struct viseme_span *first = speech->spans, *last = first + speech->span_count - 1;
    assert_true(speech->span_count > 2);
    assert_true(first->viseme == VISEME_SIL && first->end_s >= SPEECH_EDGE_SECONDS - 1e-9);
    assert_true(last->viseme == VISEME_SIL &&
                last->end_s - last->start_s >= SPEECH_EDGE_SECONDS - 1e-4);
    for (size_t i = 0; i < speech->count; i++)
        assert_true(fabsf(speech->samples[i]) <= 1.3f);
}

static void check_voices(struct speech_synth *synth, enum speech_engine engine)
{
    static const float rates[] = {0.8f, 1.0f, 1.4f};
    size_t count, said = 0;
    const struct speech_voice *voices = speech_voices(&count);
    for (size_t i = 0; i < count; i++) {
        if (voices[i].engine != engine)
            continue;
        char text[SENTENCE_MAX];
        sentence_make(text, voices[i].language, 50 + i);
        struct speech speech = say(synth, voices[i].name, text, rates[i % 3], 1.1f);
        check_times(&speech);
        speech_free(&speech);
        said++;
    }
    assert_true(said >= 4);
}

static void test_flite_times(void **state)
{
    need_engine(SPEECH_FLITE);
    check_voices(synth_of(state), SPEECH_FLITE);
}

static void test_espeak_times(void **state)
{
    need_engine(SPEECH_ESPEAK);
    check_voices(synth_of(state), SPEECH_ESPEAK);
}

static double energy(const struct speech *speech, double from, double to)
{
    size_t a = (size_t)(fmax(from, 0) * SPEECH_HZ), b = (size_t)(to * SPEECH_HZ);
    double sum = 0;
    for (size_t i = a; i < b && i < speech->count; i++)
        sum += (double)speech->samples[i] * (double)speech->samples[i];
    return b > a ? sum / (double)(b - a) : 0;
}

static bool is_vowel(enum viseme viseme)
{
    return viseme == VISEME_AA || viseme == VISEME_EH || viseme == VISEME_OO;
}

#define SHIFTS 17 /* of the labels against the sound: -40 ms .. 40 ms in steps of 5 */

static double shift_of(int i)
{
    return 0.005 * (i - SHIFTS / 2);
}

struct loudness {
    double vowel, pause, held;
    double closure[SHIFTS];
    int vowels, closures, pauses;
};

/* Middles of open vowels and of pauses, and the closures of p if the labels were shifted. */
static void measure(struct loudness *loudness, const struct speech *speech)
{
    for (size_t i = 0; i < speech->phoneme_count; i++) {
        const struct speech_phoneme *phoneme = &speech->phonemes[i];
        double start = phoneme->start_s, length = phoneme->end_s - start;
        double held = phoneme->hold_s - start;
        if (is_vowel(phoneme->sequence.visemes[0])) {
            loudness->vowel += energy(speech, start + 0.2 * length, start + 0.8 * length);
            loudness->vowels++;
        } else if (phoneme->sequence.visemes[0] == VISEME_SIL) {
            loudness->pause += energy(speech, start + 0.2 * length, start + 0.8 * length);
            loudness->pauses++;
        } else if (strcmp(phoneme->name, "p") == 0) {
            for (int k = 0; k < SHIFTS; k++)
                loudness->closure[k] += energy(speech, start + 0.2 * held + shift_of(k),
                                               start + 0.9 * held + shift_of(k));
            loudness->held += held;
            loudness->closures++;
        }
    }
}

/* Labels that have slipped against the sound show here first: the closures of p are quiet
 * where the labels say, and would be louder if the labels were earlier or later. */
static void check_alignment(struct speech_synth *synth, const char *voice, double closure_share)
{
    struct loudness loudness = {0};
    enum speech_language language = speech_voice_find(voice)->language;
    for (uint64_t i = 0; i < 12; i++) {
        char text[SENTENCE_MAX];
        sentence_make(text, language, 300 + i);
        struct speech speech = say(synth, voice, text, 1, 1);
        measure(&loudness, &speech);
        speech_free(&speech);
    }
    assert_true(loudness.vowels > 30 && loudness.closures > 5 && loudness.pauses >= 24);
    double vowel = loudness.vowel / loudness.vowels;
    double closure = loudness.closure[SHIFTS / 2] / loudness.closures / vowel;
    double pause = loudness.pause / loudness.pauses / vowel;
    double held = loudness.held / loudness.closures;
    int best = 0;
    for (int k = 1; k < SHIFTS; k++)
        if (loudness.closure[k] < loudness.closure[best])
            best = k;
    if (closure > closure_share || pause > 0.02 || held < 0.03 || fabs(shift_of(best)) > 0.0175)
        fail_msg("%s: energy of closures (%.3f s) %.4f, of pauses %.4f of the vowels'; closures "
                 "are quietest %.3f s after their labels",
                 voice, held, closure, pause, shift_of(best));
}

static void test_flite_alignment(void **state)
{
    need_engine(SPEECH_FLITE);
    check_alignment(synth_of(state), "flite/slt", 0.015);
    check_alignment(synth_of(state), "flite/rms", 0.015);
    check_alignment(synth_of(state), "flite/kal16", 0.015);
}

/* espeak-ng reports the release of p, not its closure. */
static void test_espeak_alignment(void **state)
{
    need_engine(SPEECH_ESPEAK);
    check_alignment(synth_of(state), "espeak/en-us+m3", 0.002);
    check_alignment(synth_of(state), "espeak/de+f2", 0.002);
    check_alignment(synth_of(state), "espeak/en-gb-x-rp+klatt", 0.002);
}

static void check_same(const struct speech *a, const struct speech *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->phoneme_count, b->phoneme_count);
    assert_memory_equal(a->samples, b->samples, a->count * sizeof *a->samples);
    for (size_t i = 0; i < a->phoneme_count; i++) {
        assert_string_equal(a->phonemes[i].name, b->phonemes[i].name);
        assert_true(a->phonemes[i].start_s == b->phonemes[i].start_s);
        assert_true(a->phonemes[i].hold_s == b->phonemes[i].hold_s);
    }
}

static void test_foreign_word(void **state)
{
    need_engine(SPEECH_ESPEAK);
    struct speech speech = say(synth_of(state), "espeak/de+m3",
                               "Das ist ein Sneaker, Amy said, we always threw nothing.", 1, 1);
    check_times(&speech);
    speech_free(&speech);
}

/* The statistical voices draw random numbers, and espeak-ng remembers what it said before:
 * both must not be heard. */
static void check_repeats(struct speech_synth *synth, const char *const *voices)
{
    for (; *voices; voices++) {
        const char *text = "This sentence is spoken twice.";
        struct speech first = say(synth, *voices, text, 1.1f, 0.9f);
        struct speech between = say(synth, *voices, "Something else, much slower!", 0.7f, 1.3f);
        struct speech second = say(synth, *voices, text, 1.1f, 0.9f);
        check_same(&first, &second);
        speech_free(&first);
        speech_free(&between);
        speech_free(&second);
    }
}

static void test_flite_repeats(void **state)
{
    static const char *const voices[] = {"flite/slt", "flite/rms", "flite/awb", "flite/kal16",
                                         NULL};
    need_engine(SPEECH_FLITE);
    check_repeats(synth_of(state), voices);
}

static void test_espeak_repeats(void **state)
{
    static const char *const voices[] = {"espeak/en-us+m3", "espeak/de+klatt", "espeak/en+f4",
                                         "espeak/en-us+Annie", NULL};
    need_engine(SPEECH_ESPEAK);
    check_repeats(synth_of(state), voices);
}

static const char *any_voice(void)
{
    return speech_engine_present(SPEECH_ESPEAK) ? "espeak/en-us+m3" : "flite/kal16";
}

static void need_any(void)
{
    if (!speech_engine_present(SPEECH_ESPEAK))
        need_engine(SPEECH_FLITE);
}

/* Another process, or the same one after closing, says the same. */
static void test_reopens(void **state)
{
    struct fixture *fixture = *state;
    need_any();
    struct speech first = say(fixture->synth, any_voice(), "Once more.", 1, 1);
    speech_close(&fixture->synth);
    ST_OK(speech_open(&fixture->synth, err));
    struct speech second = say(fixture->synth, any_voice(), "Once more.", 1, 1);
    check_same(&first, &second);
    speech_free(&first);
    speech_free(&second);
}

static void test_manner(void **state)
{
    need_any();
    struct speech_synth *synth = synth_of(state);
    const char *text = "How long does it take to say all of this?";
    struct speech slow = say(synth, any_voice(), text, 0.7f, 1);
    struct speech fast = say(synth, any_voice(), text, 1.4f, 1);
    struct speech high = say(synth, any_voice(), text, 1.4f, 1.4f);
    assert_true((double)slow.count > 1.4 * (double)fast.count);
    assert_true(high.count == fast.count
                    ? memcmp(high.samples, fast.samples, high.count * sizeof(float)) != 0
                    : true);
    speech_free(&slow);
    speech_free(&fast);
    speech_free(&high);
}

static void test_join(void **state)
{
    need_any();
    struct speech_synth *synth = synth_of(state);
    struct sentence_pair pair = sentence_demo_pair(SPEECH_ENGLISH);
    struct speech a = say(synth, any_voice(), pair.first, 1, 1);
    struct speech b = say(synth, any_voice(), pair.second, 1, 1), both;
    ST_OK(speech_join(&both, &a, pair.pause_s, &b, err));
    check_times(&both);
    assert_int_equal(both.count, a.count + b.count + (size_t)(pair.pause_s * SPEECH_HZ));
    assert_int_equal(both.phoneme_count, a.phoneme_count + b.phoneme_count - 1);
    struct track *track;
    ST_OK(track_create(&track, both.spans, both.span_count, err));
    for (int frame = 0; frame < 50; frame++) {
        struct mouth mouth;
        track_at(track, speech_seconds(&a) + frame / 25.0, &mouth);
        assert_true(mouth.opening == 0);
    }
    track_destroy(&track);
    synctalk_error err = {0};
    speech_free(&both);
    assert_int_equal(speech_join(&both, &a, -1, &b, &err), SYNCTALK_E_ARG);
    speech_free(&a);
    speech_free(&b);
}

static void test_refuses(void **state)
{
    struct speech_synth *synth = synth_of(state), *none = NULL;
    synctalk_error err = {0};
    struct speech speech;
    struct speech_manner manner = {1, 1};
    size_t count;
    const struct speech_voice *voices = speech_voices(&count);
    assert_null(speech_voice_find("flite/nobody"));
    for (size_t i = 0; i < count; i++)
        if (!speech_engine_present(voices[i].engine))
            assert_int_equal(speech_say(synth, &voices[i], "a", NULL, &speech, &err),
                             SYNCTALK_E_UNSUPPORTED);
    const struct speech_voice *voice = speech_voice_find(any_voice());
    need_engine(voice->engine);
    char *text = calloc(SPEECH_TEXT_MAX + 2, 1);
    assert_non_null(text);
    assert_int_equal(speech_say(synth, voice, text, NULL, &speech, &err), SYNCTALK_E_ARG);
    memset(text, 'a', SPEECH_TEXT_MAX + 1);
    assert_int_equal(speech_say(synth, voice, text, NULL, &speech, &err), SYNCTALK_E_ARG);
    free(text);
    manner.rate = NAN;
    assert_int_equal(speech_say(synth, voice, "a", &manner, &speech, &err), SYNCTALK_E_ARG);
    manner = (struct speech_manner){1, 3};
    assert_int_equal(speech_say(synth, voice, "a", &manner, &speech, &err), SYNCTALK_E_ARG);
    assert_non_null(strstr(err.message, "pitch"));
    assert_null(speech.samples);
    speech_close(&none);
}

static void test_voices(void **state)
{
    (void)state;
    size_t count, held_out = 0, german = 0, female = 0;
    const struct speech_voice *voices = speech_voices(&count);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(speech_voice_find(voices[i].name), &voices[i]); /* no name twice */
        held_out += voices[i].held_out;
        german += voices[i].language == SPEECH_GERMAN && !voices[i].held_out;
        female += voices[i].female && !voices[i].held_out;
        /* A variant is held out in every language or in none. */
        const char *variant = strchr(voices[i].name, '+');
        for (size_t k = 0; variant && k < i; k++) {
            const char *other = strchr(voices[k].name, '+');
            if (other && strcmp(variant, other) == 0)
                assert_int_equal(voices[i].held_out, voices[k].held_out);
        }
    }
    assert_true(held_out >= 5 && german >= 4 && female >= 4 && count - held_out > 20);
}

static void test_wav(void **state)
{
    (void)state;
    static const float samples[] = {0, 0.5f, -0.5f, 2.0f, -2.0f};
    static const unsigned char want[] = {0, 0, 0, 0x40, 0, 0xc0, 0xff, 0x7f, 0, 0x80};
    unsigned char got[60];
    char *folder = st_scratch_create(), path[512];
    snprintf(path, sizeof path, "%s/a.wav", folder);
    ST_OK(wav_write(path, samples, 5, SPEECH_HZ, err));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(got, 1, sizeof got, file), 54);
    fclose(file);
    assert_memory_equal(got, "RIFF", 4);
    assert_memory_equal(got + 24, "\x80\x3e\0\0", 4);
    assert_memory_equal(got + 40, "\x0a\0\0\0", 4);
    assert_memory_equal(got + 44, want, sizeof want);
    st_scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flite_times),
        cmocka_unit_test(test_espeak_times),
        cmocka_unit_test(test_flite_alignment),
        cmocka_unit_test(test_espeak_alignment),
        cmocka_unit_test(test_flite_repeats),
        cmocka_unit_test(test_espeak_repeats),
        cmocka_unit_test(test_foreign_word),
        cmocka_unit_test(test_reopens),
        cmocka_unit_test(test_manner),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_voices),
        cmocka_unit_test(test_wav),
    };
    return cmocka_run_group_tests(tests, open_synth, close_synth);
}
