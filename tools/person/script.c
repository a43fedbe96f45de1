/* SPDX-License-Identifier: Apache-2.0 */
#include "person/script.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "speech/sentences.h"
#include "speech/speech.h"
#include "speech/track.h"

#define SECONDS_MAX 7200.0
#define PAUSE_SHORT 0.15 /* seconds beyond the silence that sentences end in */
#define PAUSE_LONG 1.0

struct script {
    float *samples; /* owned [count] */
    size_t count;
    struct track *track;       /* NULL when nothing is said */
    struct viseme_span *spans; /* owned */
    size_t span_count;
};

static synctalk_status find_voice(const struct speech_voice **out, const char *name,
                                  enum speech_language language, synctalk_error *err)
{
    size_t count;
    const struct speech_voice *voices = speech_voices(&count);
    if (name) {
        *out = speech_voice_find(name);
        return *out ? SYNCTALK_OK : st_fail(err, SYNCTALK_E_ARG, "no voice is called \"%s\"", name);
    }
    for (size_t i = 0; i < count; i++) {
        if (voices[i].language == language && voices[i].female && !voices[i].held_out &&
            speech_engine_present(voices[i].engine)) {
            *out = voices + i;
            return SYNCTALK_OK;
        }
    }
    return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                   "this build has no voice for %s; install flite or espeak-ng",
                   language == SPEECH_GERMAN ? "German" : "English");
}

/* `all` becomes `all`, a pause, and `next`, which is freed. */
static synctalk_status append(struct speech *all, struct speech *next, double pause,
                              synctalk_error *err)
{
    struct speech joined;
    if (all->count == 0) {
        *all = *next;
        *next = (struct speech){0};
        return SYNCTALK_OK;
    }
    synctalk_status st = speech_join(&joined, all, pause, next, err);
    speech_free(next);
    if (st)
        return st;
    speech_free(all);
    *all = joined;
    return SYNCTALK_OK;
}

static synctalk_status say_all(struct speech *all, const struct script_settings *s,
                               synctalk_error *err)
{
    synctalk_status st;
    struct speech_synth *synth = NULL;
    const struct speech_voice *voices[SPEECH_LANGUAGES] = {NULL, NULL};
    if (s->english &&
        (st = find_voice(&voices[SPEECH_ENGLISH], s->english_voice, SPEECH_ENGLISH, err)))
        return st;
    if (s->german && (st = find_voice(&voices[SPEECH_GERMAN], s->german_voice, SPEECH_GERMAN, err)))
        return st;
    if ((st = speech_open(&synth, err)))
        return st;
    for (uint64_t n = s->first_sentence;; n++) {
        char text[SENTENCE_MAX];
        struct speech next = {0};
        uint32_t luck = (uint32_t)n * 3;
        enum speech_language language =
            s->german && (!s->english || n % 2) ? SPEECH_GERMAN : SPEECH_ENGLISH;
        struct speech_manner manner = {mixf(0.88f, 1.08f, hash_unit(s->seed, luck)), 1};
        double pause =
            PAUSE_SHORT + (PAUSE_LONG - PAUSE_SHORT) * (double)hash_unit(s->seed, luck + 1);
        sentence_make(text, language, n);
        if ((st = speech_say(synth, voices[language], text, &manner, &next, err)))
            break;
        double now = all->count ? speech_seconds(all) : 0;
        bool fits = now + pause + speech_seconds(&next) <= s->seconds;
        if (!fits && all->count) {
            speech_free(&next);
            break;
        }
        /* A film too short for one sentence gets its beginning. */
        if ((st = append(all, &next, pause, err)) || !fits)
            break;
    }
    speech_close(&synth);
    return st;
}

synctalk_status script_create(struct script **out, const struct script_settings *s,
                              synctalk_error *err)
{
    synctalk_status st;
    struct speech all = {0};
    struct script *script = NULL;
    *out = NULL;
    if (!(s->seconds > 0 && s->seconds <= SECONDS_MAX))
        return st_fail(err, SYNCTALK_E_ARG,
                       "%.3g seconds of film; more than 0 and at most %.0f are needed", s->seconds,
                       SECONDS_MAX);
    if (!s->silent && (st = say_all(&all, s, err)))
        goto done;
    if (!(script = calloc(1, sizeof *script))) {
        st = st_fail_memory(err, "a script", sizeof *script);
        goto done;
    }
    script->count = (size_t)(s->seconds * SPEECH_HZ + 0.5);
    if (!(script->samples = calloc(script->count, sizeof *script->samples))) {
        st = st_fail_memory(err, "a script's sound", script->count * sizeof *script->samples);
        goto done;
    }
    st = SYNCTALK_OK;
    if (all.count > 0) {
        size_t said = all.count < script->count ? all.count : script->count;
        memcpy(script->samples, all.samples, said * sizeof *script->samples);
        if ((st = track_create(&script->track, all.spans, all.span_count, err)))
            goto done;
        script->spans = all.spans;
        script->span_count = all.span_count;
        all.spans = NULL;
    }
    *out = script;
    script = NULL;

done:
    speech_free(&all);
    script_free(&script);
    return st;
}

void script_free(struct script **script)
{
    struct script *s = *script;
    if (!s)
        return;
    free(s->samples);
    free(s->spans);
    track_destroy(&s->track);
    free(s);
    *script = NULL;
}

const float *script_samples(const struct script *script, size_t *count)
{
    *count = script->count;
    return script->samples;
}

void script_rest(struct mouth_shape *out)
{
    *out = (struct mouth_shape){.closed = 1, .tongue_tip = 0.3f, .tongue_back = 0.1f};
}

void script_mouth(const struct script *script, double seconds, struct mouth_shape *out)
{
    struct mouth m;
    if (!script->track) {
        script_rest(out);
        return;
    }
    track_at(script->track, seconds, &m);
    *out = (struct mouth_shape){.jaw = m.part[MOUTH_JAW],
                                .width = m.part[MOUTH_WIDTH],
                                .round = m.part[MOUTH_ROUND],
                                .closed = m.part[MOUTH_CLOSED],
                                .teeth = m.part[MOUTH_TEETH],
                                .tongue_tip = m.part[MOUTH_TONGUE_TIP],
                                .tongue_back = m.part[MOUTH_TONGUE_BACK],
                                .upper_raise = m.part[MOUTH_UPPER_RAISE],
                                .lower_tuck = m.part[MOUTH_LOWER_TUCK]};
}

float script_speaking(const struct script *script, double seconds)
{
    float sum = 0;
    float all = 0;
    for (int i = -12; i <= 12; i++) {
        float weight = bell((float)i, 6.5f);
        all += weight;
        if (script->span_count > 0 &&
            viseme_at(script->spans, script->span_count, seconds + 0.05 * i) != VISEME_SIL)
            sum += weight;
    }
    return sum / all;
}
