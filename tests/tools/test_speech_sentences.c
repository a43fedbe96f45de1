/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences: different, whole, the same again; and with them every phoneme of every voice
 * has a viseme and is met.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "speech/sentences.h"
#include "speech/speech.h"
#include "support/support.h"

#define ENGLISH 400
#define GERMAN 200

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void check_language(enum speech_language language, size_t count)
{
    char(*all)[SENTENCE_MAX] = malloc(count * sizeof *all), again[SENTENCE_MAX];
    assert_non_null(all);
    for (size_t i = 0; i < count; i++) {
        sentence_make(all[i], language, i);
        sentence_make(again, language, i);
        assert_string_equal(all[i], again);
        size_t length = strlen(all[i]);
        assert_true(length >= 12 && length < SENTENCE_MAX - 1);
        assert_null(strpbrk(all[i], "$^"));
        assert_null(strstr(all[i], "  "));
        assert_non_null(strchr(".?", all[i][length - 1]));
        assert_false(all[i][0] >= 'a' && all[i][0] <= 'z');
    }
    qsort(all, count, sizeof *all, compare);
    for (size_t i = 1; i < count; i++)
        assert_string_not_equal(all[i - 1], all[i]);
    free(all);
}

static void test_text(void **state)
{
    (void)state;
    check_language(SPEECH_ENGLISH, ENGLISH);
    check_language(SPEECH_GERMAN, GERMAN);
    for (int language = 0; language < SPEECH_LANGUAGES; language++) {
        size_t count = 0;
        while (sentence_demo((enum speech_language)language, count))
            count++;
        assert_true(count >= 4);
        struct sentence_pair pair = sentence_demo_pair((enum speech_language)language);
        assert_true(pair.first && pair.second && pair.pause_s == 2.0);
    }
}

/* Every phoneme a voice says is counted in `met`, a string of names between blanks. */
static void say_all(struct speech_synth *synth, const char *name, size_t count, char *met,
                    size_t room)
{
    const struct speech_voice *voice = speech_voice_find(name);
    const struct speech_manner fast = {2, 1};
    assert_non_null(voice);
    snprintf(met, room, " ");
    for (size_t i = 0; i < count; i++) {
        char text[SENTENCE_MAX];
        struct speech speech;
        sentence_make(text, voice->language, i);
        ST_OK(speech_say(synth, voice, text, &fast, &speech, err));
        for (size_t k = 0; k < speech.phoneme_count; k++) {
            char key[SPEECH_NAME_MAX + 2];
            snprintf(key, sizeof key, " %s ", speech.phonemes[k].name);
            size_t used = strlen(met);
            if (!strstr(met, key))
                snprintf(met + used, room - used, "%s ", speech.phonemes[k].name);
        }
        speech_free(&speech);
    }
}

static void need_all(const char *voice, const char *met, const char *const *names)
{
    for (; *names; names++) {
        char key[SPEECH_NAME_MAX + 2];
        snprintf(key, sizeof key, " %s ", *names);
        if (!strstr(met, key))
            fail_msg("%s never says \"%s\"; it says%s", voice, *names, met);
    }
}

static void need_engine(enum speech_engine engine)
{
    if (speech_engine_present(engine))
        return;
    fprintf(stderr, "skipped: this build has no %s\n", speech_engine_name(engine));
    skip();
}

static void test_flite(void **state)
{
    static const char *const names[] = {
        "pau", "aa", "ae", "ah", "ao", "aw", "ax", "ay", "b", "ch", "d", "dh", "eh", "er",
        "ey",  "f",  "g",  "hh", "ih", "iy", "jh", "k",  "l", "m",  "n", "ng", "ow", "oy",
        "p",   "r",  "s",  "sh", "t",  "th", "uh", "uw", "v", "w",  "y", "z",  "zh", NULL};
    char met[1000];
    need_engine(SPEECH_FLITE);
    say_all(*state, "flite/kal16", ENGLISH, met, sizeof met);
    need_all("flite", met, names);
}

static void test_espeak_english(void **state)
{
    static const char *const names[] = {"p",  "b",  "m",  "f",  "v",  "T",  "D",  "t",  "d",  "n",
                                        "l",  "s",  "z",  "S",  "Z",  "tS", "dZ", "k",  "g",  "N",
                                        "h",  "r",  "w",  "j",  "3:", "3",  "i:", "I",  "E",  "a",
                                        "A@", "O:", "U",  "u:", "V",  "@",  "eI", "aI", "OI", "aU",
                                        "oU", "@L", "e@", "o@", "0",  NULL};
    char met[1000];
    need_engine(SPEECH_ESPEAK);
    say_all(*state, "espeak/en-us+m3", ENGLISH, met, sizeof met);
    need_all("espeak en-us", met, names);
    say_all(*state, "espeak/en+m1", ENGLISH / 4, met, sizeof met);
    say_all(*state, "espeak/en-gb-x-rp+f1", ENGLISH / 4, met, sizeof met);
}

static void test_espeak_german(void **state)
{
    static const char *const names[] = {
        "p",  "b", "m",  "f", "v",  "t",  "d", "n",  "l", "s", "z",  "S",  "ts", "pF", "dZ",
        "k",  "g", "N",  "h", "r",  "R",  "x", "C",  "j", "3", "i:", "I",  "e:", "E",  "a",
        "A:", "O", "o:", "U", "u:", "y:", "y", "Y:", "W", "@", "aI", "OY", "aU", NULL};
    char met[1000];
    need_engine(SPEECH_ESPEAK);
    say_all(*state, "espeak/de+f2", GERMAN, met, sizeof met);
    need_all("espeak de", met, names);
}

/* One synthesiser for all tests, so that one that fails leaves the others theirs. */
static int open_synth(void **state)
{
    struct speech_synth *synth = NULL;
    if (speech_open(&synth, NULL))
        return -1;
    *state = synth;
    return 0;
}

static int close_synth(void **state)
{
    struct speech_synth *synth = *state;
    speech_close(&synth);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_flite),
        cmocka_unit_test(test_espeak_english),
        cmocka_unit_test(test_espeak_german),
    };
    return cmocka_run_group_tests(tests, open_synth, close_synth);
}
