/* SPDX-License-Identifier: Apache-2.0 */
/* espeak-ng: formant voices in English and German.
 *
 * An event marks the start of a phoneme, with two exceptions that are put right here: for
 * voiceless stops it marks the release, and vowels after m, n, l, r are reported late. Both
 * errors shrink as the rate grows. Easy to get wrong: a name of 8 bytes has no terminator; the
 * phase of its voice and its flutter go on from one sentence to the next, through
 * espeak_Terminate() too, hence the child process.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <espeak-ng/speak_lib.h>

#include "base/error.h"
#include "speech/engine.h"

#define NORMAL_WPM 175
#define CLOSURE_S 0.039   /* of a voiceless stop after a pause, at NORMAL_WPM */
#define LATE_VOWEL_S 0.02 /* at NORMAL_WPM */
#define QUIET 32          /* of 32768: nothing sounds */

struct collector {
    struct raw_speech *raw;
    bool failed;
};

/* espeak-ng calls this with pieces of sound and the events that fall into them. */
static int receive(short *wave, int count, espeak_EVENT *events)
{
    struct collector *collector = events->user_data;
    if (!collector)
        return 0;
    struct raw_speech *raw = collector->raw;
    for (; events->type != espeakEVENT_LIST_TERMINATED; events++)
        if (events->type == espeakEVENT_PHONEME)
            collector->failed |=
                raw_add_phoneme(raw, events->id.string, (double)events->sample / raw->hz) != 0;
    if (wave && count > 0)
        collector->failed |= raw_add_samples(raw, wave, (size_t)count) != 0;
    return collector->failed;
}

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

static bool is_pause(const struct raw_phoneme *phoneme)
{
    return phoneme->name[0] == '_';
}

/* Silent seconds right before a time. */
static double quiet_before(const struct raw_speech *raw, double seconds)
{
    size_t end = (size_t)fmax(0, floor(seconds * raw->hz));
    if (end > raw->count)
        end = raw->count;
    size_t i = end;
    while (i > 0 && abs(raw->samples[i - 1]) <= QUIET)
        i--;
    return (double)(end - i) / raw->hz;
}

/* Drop the marks that are no sounds, and "(en)" around a foreign word; what was before them
 * lasts on. */
static void drop_marks(struct raw_speech *raw)
{
    size_t kept = 0;
    for (size_t i = 0; i < raw->phoneme_count; i++) {
        const char *name = raw->phonemes[i].name;
        if (name[0] == '(' || (name[0] == '_' && name[1] && strcmp(name, "_:") != 0))
            continue;
        raw->phonemes[kept++] = raw->phonemes[i];
    }
    raw->phoneme_count = kept;
}

/* Seconds by which phoneme i begins before its event. `slow` = NORMAL_WPM / words a minute;
 * `previous_s` is the length of the phoneme before, of which some must be left. */
static double early(const struct raw_speech *raw, size_t i, double slow, double previous_s)
{
    static const char *const stops[] = {"p", "t", "k", "tS", "ts", "pF", "t2", NULL};
    static const char *const voiced_stops[] = {"b", "d", "g", NULL};
    static const char *const slow_sounds[] = {"m", "n", "l", "r", NULL};
    const struct raw_phoneme *phoneme = &raw->phonemes[i];
    const struct raw_phoneme *before = i ? &raw->phonemes[i - 1] : NULL;
    double quiet = quiet_before(raw, phoneme->start_s);

    if (is_one_of(phoneme->name, stops)) {
        if (!before || is_pause(before))
            return fmin(CLOSURE_S * slow, previous_s);
        if (quiet < 0.005) /* a voice with noise or echo in its silence */
            return fmin(CLOSURE_S * slow, 0.4 * previous_s);
        return fmin(fmin(quiet, 0.07 * slow), 0.8 * previous_s);
    }
    if (is_pause(phoneme) && before && !is_pause(before)) {
        bool stop = is_one_of(before->name, stops) || is_one_of(before->name, voiced_stops);
        return stop ? 0 : fmin(quiet, 0.6 * previous_s);
    }
    if (before && strchr("aeiouyAEIOUVWY@03", phoneme->name[0]) &&
        is_one_of(before->name, slow_sounds))
        return fmin(LATE_VOWEL_S * slow, 0.4 * previous_s);
    return 0;
}

static void correct(struct raw_speech *raw, int wpm)
{
    double slow = (double)NORMAL_WPM / wpm, previous_start = 0;
    drop_marks(raw);
    for (size_t i = 0; i < raw->phoneme_count; i++) {
        struct raw_phoneme *phoneme = &raw->phonemes[i];
        double event = phoneme->start_s;
        double start = event - early(raw, i, slow, event - previous_start);
        if (strcmp(phoneme->name, "p") == 0 || strcmp(phoneme->name, "pF") == 0)
            phoneme->hold_s = event;
        phoneme->start_s = fmax(start, i ? raw->phonemes[i - 1].start_s : 0);
        previous_start = phoneme->start_s;
    }
}

/* Runs in a child process and leaves everything to its end: espeak_Terminate() after a
 * second espeak_Initialize() in one process waits for ever (1.51). */
static synctalk_status say_espeak(void *state, const struct speech_voice *voice, const char *text,
                                  const struct speech_manner *manner, struct raw_speech *raw,
                                  synctalk_error *err)
{
    (void)state;
    struct collector collector = {.raw = raw};
    int wpm = (int)lround(NORMAL_WPM * (double)manner->rate);
    /* Fifty steps of pitch are an octave. */
    int pitch = (int)lround(50 + 50 * log2((double)manner->pitch));

    raw->hz = espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, NULL,
                                espeakINITIALIZE_PHONEME_EVENTS | espeakINITIALIZE_DONT_EXIT);
    if (raw->hz <= 0)
        return st_fail(err, SYNCTALK_E_LIBRARY,
                       "espeak-ng does not start: is its data (espeak-ng-data) installed?");
    espeak_SetSynthCallback(receive);
    if (espeak_SetVoiceByName(voice->id) != EE_OK)
        return st_fail(err, SYNCTALK_E_LIBRARY, "espeak-ng does not have its voice \"%s\"",
                       voice->id);
    espeak_SetParameter(espeakRATE, wpm, 0);
    espeak_SetParameter(espeakPITCH, pitch, 0);
    srand(1); /* NOLINT(cert-msc32-c,cert-msc51-cpp): sameness is the purpose */
    espeak_ERROR failed = espeak_Synth(text, strlen(text) + 1, 0, POS_CHARACTER, 0,
                                       espeakCHARS_UTF8, NULL, &collector);
    if (collector.failed)
        return st_fail_memory(err, "speech", sizeof *raw->samples * raw->count);
    if (failed != EE_OK || raw->count == 0)
        return st_fail(err, SYNCTALK_E_ARG, "espeak-ng makes no sound of the text \"%.80s\"", text);
    correct(raw, wpm);
    return SYNCTALK_OK;
}

const struct engine_desc engine_espeak = {"espeak-ng", true, NULL, NULL, say_espeak};
