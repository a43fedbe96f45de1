/* SPDX-License-Identifier: Apache-2.0 */
#include "hear/corpus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "hear/random.h"
#include "speech/sentences.h"

#define UTTERANCES_MAX 65536
#define VOICES_MAX 128
#define LONGEST_PAUSE_S 1.2

struct maker {
    struct speech_synth *synth; /* borrowed */
    struct hear_corpus *corpus; /* owned */
    size_t capacity;
    struct st_random random;
    uint64_t sentence; /* number of the next */
};

static void free_utterance(struct hear_utterance *utterance)
{
    free(utterance->samples);
    free(utterance->spans);
    track_destroy(&utterance->track);
}

void hear_corpus_free(struct hear_corpus **corpus)
{
    if (!corpus || !*corpus)
        return;
    for (size_t i = 0; i < (*corpus)->count; i++)
        free_utterance(&(*corpus)->utterances[i]);
    free((*corpus)->utterances);
    free(*corpus);
    *corpus = NULL;
}

/* Of the sounding parts alone: pauses would make a level depend on their share. */
static double sounding_rms(const struct speech *speech)
{
    double sum = 0;
    size_t count = 0;
    for (size_t k = 0; k < speech->span_count; k++) {
        const struct viseme_span *span = &speech->spans[k];
        if (span->viseme == VISEME_SIL)
            continue;
        size_t end = (size_t)(span->end_s * SPEECH_HZ);
        for (size_t i = (size_t)(span->start_s * SPEECH_HZ); i < end && i < speech->count; i++) {
            sum += (double)speech->samples[i] * (double)speech->samples[i];
            count++;
        }
    }
    return count ? sqrt(sum / (double)count) : 0;
}

/* Moves the spans out of `speech`. */
static synctalk_status take(struct hear_utterance *utterance, struct speech *speech,
                            const struct speech_voice *voice, synctalk_error *err)
{
    synctalk_status st = track_create(&utterance->track, speech->spans, speech->span_count, err);
    if (st)
        return st;
    utterance->samples = malloc(speech->count * sizeof *utterance->samples);
    if (!utterance->samples)
        return st_fail_memory(err, "speech", speech->count * sizeof *utterance->samples);
    for (size_t i = 0; i < speech->count; i++)
        utterance->samples[i] =
            (int16_t)lrint(fmin(fmax((double)speech->samples[i], -1), 1) * INT16_MAX);
    utterance->voice = voice;
    utterance->count = speech->count;
    utterance->rms = sounding_rms(speech);
    utterance->spans = speech->spans;
    utterance->span_count = speech->span_count;
    speech->spans = NULL;
    return SYNCTALK_OK;
}

static synctalk_status grow(struct maker *maker, synctalk_error *err)
{
    struct hear_corpus *corpus = maker->corpus;
    if (corpus->count < maker->capacity)
        return SYNCTALK_OK;
    if (corpus->count >= UTTERANCES_MAX)
        return st_fail(err, SYNCTALK_E_ARG, "a corpus has at most %d utterances; ask for less time",
                       UTTERANCES_MAX);
    size_t capacity = maker->capacity ? 2 * maker->capacity : 64;
    void *moved = realloc(corpus->utterances, capacity * sizeof *corpus->utterances);
    if (!moved)
        return st_fail_memory(err, "a list of utterances", capacity * sizeof *corpus->utterances);
    corpus->utterances = moved;
    maker->capacity = capacity;
    return SYNCTALK_OK;
}

static synctalk_status say_next(struct maker *maker, const struct speech_voice *voice,
                                const struct speech_manner *manner, struct speech *out,
                                synctalk_error *err)
{
    char text[SENTENCE_MAX];
    sentence_make(text, voice->language, maker->sentence++);
    return speech_say(maker->synth, voice, text, manner, out, err);
}

/* One more utterance of the voice. */
static synctalk_status add(struct maker *maker, const struct speech_voice *voice,
                           const struct speech_manner *manner, synctalk_error *err)
{
    synctalk_status st;
    struct speech first = {0}, second = {0}, both = {0};
    struct hear_utterance utterance = {0};
    double pause_s = hear_between(&maker->random, 0, LONGEST_PAUSE_S);

    if ((st = grow(maker, err)) || !maker->corpus->utterances ||
        (st = say_next(maker, voice, manner, &first, err)) ||
        (st = say_next(maker, voice, manner, &second, err)) ||
        (st = speech_join(&both, &first, pause_s, &second, err)) ||
        (st = take(&utterance, &both, voice, err)))
        goto done;
    maker->corpus->utterances[maker->corpus->count++] = utterance;
    maker->corpus->seconds += (double)utterance.count / SPEECH_HZ;
    utterance = (struct hear_utterance){0};

done:
    free_utterance(&utterance);
    speech_free(&first);
    speech_free(&second);
    speech_free(&both);
    return st;
}

struct choice {
    const struct speech_voice *voices[VOICES_MAX];
    size_t count;
};

/* Those that the plan may use; of one engine and language where these are not negative. */
static void choose(struct choice *choice, const struct hear_plan *plan, int engine, int language)
{
    size_t count;
    const struct speech_voice *voices = speech_voices(&count);
    choice->count = 0;
    for (size_t i = 0; i < count && choice->count < VOICES_MAX; i++) {
        const struct speech_voice *voice = &voices[i];
        if (voice->held_out != plan->held_out || (engine >= 0 && (int)voice->engine != engine) ||
            (language >= 0 && (int)voice->language != language) ||
            (plan->omit && strcmp(plan->omit, voice->name) == 0))
            continue;
        choice->voices[choice->count++] = voice;
    }
}

static synctalk_status make_held_out(struct maker *maker, const struct hear_plan *plan,
                                     synctalk_error *err)
{
    static const struct speech_manner own = {1, 1};
    struct choice choice;
    choose(&choice, plan, -1, -1);
    for (size_t i = 0; i < choice.count; i++) {
        double until = maker->corpus->seconds + plan->minutes * 60;
        while (maker->corpus->seconds < until) {
            synctalk_status st = add(maker, choice.voices[i], &own, err);
            if (st)
                return st;
        }
    }
    return SYNCTALK_OK;
}

/* A rate and a pitch within what each synthesiser says well. */
static struct speech_manner draw_manner(struct st_random *random, enum speech_engine engine)
{
    if (engine == SPEECH_FLITE)
        return (struct speech_manner){.rate = (float)(1 / hear_between(random, 0.8, 1.3)),
                                      .pitch = (float)exp2(hear_between(random, -0.3, 0.3))};
    return (struct speech_manner){.rate = (float)(hear_between(random, 120, 260) / 175),
                                  .pitch = (float)exp2(hear_between(random, -0.6, 0.6))};
}

static synctalk_status make_training(struct maker *maker, const struct hear_plan *plan,
                                     synctalk_error *err)
{
    double spoken[SPEECH_ENGINES] = {0};
    struct hear_corpus *corpus = maker->corpus;
    while (corpus->seconds < plan->minutes * 60) {
        enum speech_engine engine =
            spoken[SPEECH_FLITE] <= spoken[SPEECH_ESPEAK] ? SPEECH_FLITE : SPEECH_ESPEAK;
        int language = engine == SPEECH_FLITE || st_random_below(&maker->random, 2) ? SPEECH_ENGLISH
                                                                                    : SPEECH_GERMAN;
        struct choice choice;
        choose(&choice, plan, (int)engine, language);
        if (choice.count == 0)
            return st_fail(err, SYNCTALK_E_ARG, "no voice of %s is left to learn from",
                           speech_engine_name(engine));
        const struct speech_voice *voice =
            choice.voices[st_random_below(&maker->random, choice.count)];
        struct speech_manner manner = draw_manner(&maker->random, engine);
        double before = corpus->seconds;
        synctalk_status st = add(maker, voice, &manner, err);
        if (st)
            return st;
        spoken[engine] += corpus->seconds - before;
    }
    return SYNCTALK_OK;
}

synctalk_status hear_corpus_make(struct hear_corpus **out, struct speech_synth *synth,
                                 const struct hear_plan *plan, synctalk_error *err)
{
    struct maker maker = {.synth = synth,
                          .random = st_random_stream(plan->seed, plan->held_out, 0)};

    *out = NULL;
    maker.sentence = plan->held_out ? SENTENCE_HELD_OUT + plan->seed % 1000 * 1000
                                    : plan->seed % 10 * (SENTENCE_HELD_OUT / 10);
    for (int i = 0; i < SPEECH_ENGINES; i++)
        if (!speech_engine_present((enum speech_engine)i))
            return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                           "this build is without %s; install its development files and set the "
                           "build up again",
                           speech_engine_name((enum speech_engine)i));
    if (!(maker.corpus = calloc(1, sizeof *maker.corpus)))
        return st_fail_memory(err, "a corpus", sizeof *maker.corpus);
    synctalk_status st =
        plan->held_out ? make_held_out(&maker, plan, err) : make_training(&maker, plan, err);
    if (st)
        hear_corpus_free(&maker.corpus);
    *out = maker.corpus;
    return st;
}

/* FNV-1a, 64 bits. */
static uint64_t mix(uint64_t digest, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        digest = (digest ^ bytes[i]) * 0x100000001b3u;
    return digest;
}

uint64_t hear_corpus_digest(const struct hear_corpus *corpus)
{
    uint64_t digest = 0xcbf29ce484222325u;
    for (size_t i = 0; i < corpus->count; i++) {
        const struct hear_utterance *utterance = &corpus->utterances[i];
        digest = mix(digest, utterance->samples, utterance->count * sizeof *utterance->samples);
        for (size_t k = 0; k < utterance->span_count; k++) {
            const struct viseme_span *span = &utterance->spans[k];
            digest = mix(digest, &span->viseme, sizeof span->viseme);
            digest = mix(digest, &span->start_s, sizeof span->start_s);
            digest = mix(digest, &span->end_s, sizeof span->end_s);
        }
    }
    return digest;
}
