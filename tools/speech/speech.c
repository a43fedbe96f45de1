/* SPDX-License-Identifier: Apache-2.0 */
/* From what a synthesiser delivers to speech: 16 kHz, silence at both ends, phonemes that
 * cover the wave without gap.
 */
#include "speech/speech.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "speech/engine.h"
#include "speech/resample.h"

#define SHORTEST_S 0.001 /* phonemes below this are joined to their neighbour */

static const struct engine_desc *const engines[SPEECH_ENGINES] = {
#if SPEECH_HAVE_FLITE
    [SPEECH_FLITE] = &engine_flite,
#else
    [SPEECH_FLITE] = NULL,
#endif
#if SPEECH_HAVE_ESPEAK
    [SPEECH_ESPEAK] = &engine_espeak,
#else
    [SPEECH_ESPEAK] = NULL,
#endif
};

struct speech_synth {
    void *states[SPEECH_ENGINES]; /* owned; NULL where absent */
};

bool speech_engine_present(enum speech_engine engine)
{
    return engines[engine] != NULL;
}

const char *speech_engine_name(enum speech_engine engine)
{
    return engine == SPEECH_FLITE ? "flite" : "espeak-ng";
}

synctalk_status speech_open(struct speech_synth **out, synctalk_error *err)
{
    *out = NULL;
    struct speech_synth *synth = calloc(1, sizeof *synth);
    if (!synth)
        return st_fail_memory(err, "a synthesiser", sizeof *synth);
    for (int i = 0; i < SPEECH_ENGINES; i++) {
        if (!engines[i] || !engines[i]->open)
            continue;
        synctalk_status status = engines[i]->open(&synth->states[i], err);
        if (status) {
            speech_close(&synth);
            return status;
        }
    }
    *out = synth;
    return SYNCTALK_OK;
}

void speech_close(struct speech_synth **synth)
{
    if (!synth || !*synth)
        return;
    for (int i = 0; i < SPEECH_ENGINES; i++)
        if (engines[i] && engines[i]->close)
            engines[i]->close((*synth)->states[i]);
    free(*synth);
    *synth = NULL;
}

void speech_free(struct speech *speech)
{
    if (!speech)
        return;
    free(speech->samples);
    free(speech->phonemes);
    free(speech->spans);
    *speech = (struct speech){0};
}

double speech_seconds(const struct speech *speech)
{
    return (double)speech->count / SPEECH_HZ;
}

static bool is_pause(const struct viseme_sequence *sequence)
{
    return sequence->visemes[0] == VISEME_SIL;
}

static const struct viseme_sequence silence = {1, {VISEME_SIL, VISEME_SIL, VISEME_SIL}, {1, 1, 1}};

/* Split diphthongs into spans, three a phoneme at most. */
static synctalk_status make_spans(struct speech *speech, synctalk_error *err)
{
    size_t room;
    if (!st_mul_size(speech->phoneme_count, 3 * sizeof *speech->spans, &room))
        return st_fail_memory(err, "visemes", SIZE_MAX);
    free(speech->spans);
    speech->span_count = 0;
    speech->spans = malloc(room ? room : 1);
    if (!speech->spans)
        return st_fail_memory(err, "visemes", room);
    for (size_t i = 0; i < speech->phoneme_count; i++) {
        const struct speech_phoneme *phoneme = &speech->phonemes[i];
        double length = phoneme->end_s - phoneme->start_s, start = phoneme->start_s;
        for (int k = 0; k < phoneme->sequence.count; k++) {
            bool last = k + 1 == phoneme->sequence.count;
            double share = (double)phoneme->sequence.ends[k];
            double end = last ? phoneme->end_s : phoneme->start_s + share * length;
            double hold = k == 0 ? fmin(phoneme->hold_s, end) : end;
            speech->spans[speech->span_count++] =
                (struct viseme_span){phoneme->sequence.visemes[k], start, end, hold};
            start = end;
        }
    }
    return SYNCTALK_OK;
}

/* Append one phoneme; pauses that meet become one, and one too short to be anything is
 * swallowed by the one before. */
static void append(struct speech *speech, const struct speech_phoneme *phoneme)
{
    if (speech->phoneme_count) {
        struct speech_phoneme *before = &speech->phonemes[speech->phoneme_count - 1];
        if (phoneme->end_s - phoneme->start_s < SHORTEST_S ||
            (is_pause(&phoneme->sequence) && is_pause(&before->sequence))) {
            if (before->hold_s >= before->end_s)
                before->hold_s = phoneme->end_s;
            before->end_s = phoneme->end_s;
            return;
        }
    }
    speech->phonemes[speech->phoneme_count++] = *phoneme;
}

static double limit(double x, double low, double high)
{
    return fmin(fmax(x, low), high);
}

/* Phonemes on the clock of `speech`, whose sound begins `lead_s` before the raw one. */
static synctalk_status place_phonemes(struct speech *speech, const struct raw_speech *raw,
                                      const struct speech_voice *voice, double lead_s,
                                      synctalk_error *err)
{
    double end = speech_seconds(speech), raw_end = (double)raw->count / raw->hz;
    double first = raw->phoneme_count ? limit(raw->phonemes[0].start_s, 0, raw_end) : raw_end;
    struct speech_phoneme pause = {.name = "", .sequence = silence};

    speech->phonemes = calloc(raw->phoneme_count + 2, sizeof *speech->phonemes);
    if (!speech->phonemes)
        return st_fail_memory(err, "phonemes", (raw->phoneme_count + 2) * sizeof *speech->phonemes);
    snprintf(pause.name, sizeof pause.name, "%s", voice->engine == SPEECH_FLITE ? "pau" : "_");
    pause.end_s = pause.hold_s = lead_s + first;
    append(speech, &pause);
    for (size_t i = 0; i < raw->phoneme_count; i++) {
        const struct raw_phoneme *from = &raw->phonemes[i];
        double next = i + 1 < raw->phoneme_count ? from[1].start_s : raw_end;
        struct speech_phoneme phoneme = {0};
        if (viseme_of(&phoneme.sequence, voice->phonemes, from->name))
            return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                           "%s says the phoneme \"%s\", which the table of visemes does not have",
                           voice->name, from->name);
        memcpy(phoneme.name, from->name, sizeof phoneme.name);
        phoneme.start_s = lead_s + limit(from->start_s, 0, raw_end);
        phoneme.end_s = lead_s + limit(next, 0, raw_end);
        phoneme.hold_s = phoneme.end_s;
        if (from->hold_s > 0)
            phoneme.hold_s = limit(lead_s + from->hold_s, phoneme.start_s, phoneme.end_s);
        append(speech, &phoneme);
    }
    pause.start_s = lead_s + raw_end;
    pause.end_s = pause.hold_s = end;
    append(speech, &pause);
    speech->phonemes[speech->phoneme_count - 1].end_s = end;
    return make_spans(speech, err);
}

static bool is_raw_pause(const struct raw_phoneme *phoneme)
{
    return phoneme->name[0] == '_' || strcmp(phoneme->name, "pau") == 0;
}

/* Seconds of pause that the raw sound has already at its beginning and end. */
static void edges(const struct raw_speech *raw, double *lead_s, double *trail_s)
{
    double end = (double)raw->count / raw->hz;
    size_t first = 0, last = raw->phoneme_count;
    while (first < last && is_raw_pause(&raw->phonemes[first]))
        first++;
    while (last > first && is_raw_pause(&raw->phonemes[last - 1]))
        last--;
    *lead_s = first < raw->phoneme_count ? limit(raw->phonemes[first].start_s, 0, end) : end;
    *trail_s = last < raw->phoneme_count ? end - limit(raw->phonemes[last].start_s, 0, end) : 0;
}

/* The sound at SPEECH_HZ with silence put before and after it. */
static synctalk_status place_sound(struct speech *speech, const struct raw_speech *raw, size_t lead,
                                   size_t trail, synctalk_error *err)
{
    synctalk_status status = SYNCTALK_OK;
    float *whole = malloc((raw->count ? raw->count : 1) * sizeof *whole), *placed = NULL;
    size_t count = 0;
    if (!whole)
        return st_fail_memory(err, "speech", raw->count * sizeof *whole);
    for (size_t i = 0; i < raw->count; i++)
        whole[i] = (float)raw->samples[i] / 32768.0f;
    if (raw->hz == SPEECH_HZ) {
        placed = whole;
        whole = NULL;
        count = raw->count;
    } else if ((status =
                    speech_resample(&placed, &count, whole, raw->count, raw->hz, SPEECH_HZ, err))) {
        goto done;
    }
    speech->samples = calloc(lead + count + trail, sizeof *speech->samples);
    if (!speech->samples) {
        status = st_fail_memory(err, "speech", (lead + count + trail) * sizeof(float));
        goto done;
    }
    memcpy(speech->samples + lead, placed, count * sizeof *placed);
    speech->count = lead + count + trail;
done:
    free(whole);
    free(placed);
    return status;
}

static synctalk_status check(const struct speech_voice *voice, const char *text,
                             const struct speech_manner *manner, synctalk_error *err)
{
    if (!speech_engine_present(voice->engine))
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "the voice %s needs %s, which was not there when this was built",
                       voice->name, speech_engine_name(voice->engine));
    if (!text[0] || strnlen(text, SPEECH_TEXT_MAX + 1) > SPEECH_TEXT_MAX)
        return st_fail(err, SYNCTALK_E_ARG, "a text to say has 1 to %d bytes", SPEECH_TEXT_MAX);
    if (!(manner->rate >= 0.5f && manner->rate <= 2.0f))
        return st_fail(err, SYNCTALK_E_ARG, "the rate is %g: it must be 0.5 to 2",
                       (double)manner->rate);
    if (!(manner->pitch >= 0.5f && manner->pitch <= 2.0f))
        return st_fail(err, SYNCTALK_E_ARG, "the pitch is %g: it must be 0.5 to 2",
                       (double)manner->pitch);
    return SYNCTALK_OK;
}

synctalk_status speech_say(struct speech_synth *synth, const struct speech_voice *voice,
                           const char *text, const struct speech_manner *manner, struct speech *out,
                           synctalk_error *err)
{
    static const struct speech_manner usual = {1, 1};
    struct raw_speech raw = {0};
    struct speech speech = {0};
    double lead_s, trail_s;
    *out = speech;
    synctalk_status status = check(voice, text, manner ? manner : &usual, err);
    if (status)
        return status;
    const struct engine_desc *engine = engines[voice->engine];
    void *state = synth->states[voice->engine];
    if (!manner)
        manner = &usual;
    status = engine->remembers ? say_apart(engine, state, voice, text, manner, &raw, err)
                               : engine->say(state, voice, text, manner, &raw, err);
    if (status)
        goto done;
    edges(&raw, &lead_s, &trail_s);
    size_t lead = (size_t)ceil(fmax(0, SPEECH_EDGE_SECONDS - lead_s) * SPEECH_HZ);
    size_t trail = (size_t)ceil(fmax(0, SPEECH_EDGE_SECONDS - trail_s) * SPEECH_HZ);
    if ((status = place_sound(&speech, &raw, lead, trail, err)))
        goto done;
    if ((status = place_phonemes(&speech, &raw, voice, (double)lead / SPEECH_HZ, err)))
        goto done;
    *out = speech;
    speech = (struct speech){0};
done:
    raw_free(&raw);
    speech_free(&speech);
    return status;
}

static void append_moved(struct speech *speech, const struct speech *from, double by_s)
{
    for (size_t i = 0; i < from->phoneme_count; i++) {
        struct speech_phoneme phoneme = from->phonemes[i];
        phoneme.start_s += by_s;
        phoneme.end_s += by_s;
        phoneme.hold_s += by_s;
        append(speech, &phoneme);
    }
}

synctalk_status speech_join(struct speech *out, const struct speech *first, double pause_s,
                            const struct speech *second, synctalk_error *err)
{
    struct speech joined = {0};
    synctalk_status status = SYNCTALK_OK;
    *out = joined;
    if (!(pause_s >= 0 && pause_s <= 3600))
        return st_fail(err, SYNCTALK_E_ARG, "a pause of %g s: it must be 0 to 3600", pause_s);
    size_t pause = (size_t)lround(pause_s * SPEECH_HZ);
    size_t count = first->count + pause + second->count;
    size_t phonemes = first->phoneme_count + second->phoneme_count + 1;
    joined.samples = calloc(count ? count : 1, sizeof *joined.samples);
    joined.phonemes = calloc(phonemes, sizeof *joined.phonemes);
    if (!joined.samples || !joined.phonemes) {
        status = st_fail_memory(err, "speech", count * sizeof *joined.samples);
        goto done;
    }
    joined.count = count;
    if (first->count)
        memcpy(joined.samples, first->samples, first->count * sizeof *joined.samples);
    if (second->count)
        memcpy(joined.samples + first->count + pause, second->samples,
               second->count * sizeof *joined.samples);
    double gap_end = (double)(first->count + pause) / SPEECH_HZ;
    struct speech_phoneme gap = {.name = "_", .sequence = silence};
    gap.start_s = speech_seconds(first);
    gap.end_s = gap.hold_s = gap_end;
    append_moved(&joined, first, 0);
    append(&joined, &gap);
    append_moved(&joined, second, gap_end);
    if ((status = make_spans(&joined, err)))
        goto done;
    *out = joined;
    joined = (struct speech){0};
done:
    speech_free(&joined);
    return status;
}
