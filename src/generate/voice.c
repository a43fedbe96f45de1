/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/voice.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "generate/model_files.h"
#include "media/audio_reader.h"
#include "models/networks.h"
#include "models/vad.h"

#define READ_SAMPLES 4096 /* a multiple of ST_VOICE_SOUND_ITEM */
#define PULL 64

_Static_assert(READ_SAMPLES <= ST_VAD_PUSH_MOST, "one read is one push");

/* One run: what st_voice_find() holds on the way. */
struct search {
    struct st_voice *voice;
    struct st_vad *vad;             /* owned */
    struct st_audio_reader *reader; /* owned */
    struct st_vad_rules rules;
    float item_low, item_high; /* of the item of sound in work */
    double item_sum;
    int item_samples;
    bool trace;   /* the chunks are kept */
    size_t heard; /* chunks whose probability is there */
};

_Static_assert(SYNCTALK_VAD_HZ == ST_VAD_HZ && SYNCTALK_VAD_CHUNK == ST_VAD_CHUNK,
               "the public header says what the rules count by");

static synctalk_status open_named(struct st_vad **vad, const synctalk_vad_settings *settings,
                                  const char *path, const synctalk_callbacks *callbacks,
                                  synctalk_error *err)
{
    synctalk_status st = st_vad_open(vad, path, settings->onnxruntime, err);
    if (!st)
        st_log(callbacks, SYNCTALK_LOG_INFO, "speech is found by Silero VAD, %s", path);
    return st;
}

/* Silero where its file is; in the automatic choice the built-in detector stands in for a
 * file that is absent, or that needs a library which is. */
static synctalk_status open_detector(struct st_vad **vad, const synctalk_vad_settings *settings,
                                     const synctalk_callbacks *callbacks, synctalk_error *err)
{
    char path[ST_PATH_MAX];
    synctalk_error why = {0};
    const synctalk_settings places = {
        .root = settings->root, .models = settings->models, .more_models = settings->more_models};
    const synctalk_network *network = st_network_named("vad");

    if (settings->vad == SYNCTALK_VAD_BUILTIN) {
        st_log(callbacks, SYNCTALK_LOG_INFO, "speech is found by the built-in detector");
        return st_vad_open(vad, NULL, NULL, err);
    }
    if (settings->vad_model)
        return open_named(vad, settings, settings->vad_model, callbacks, err);
    synctalk_status st = st_find_shared(path, &places, network->files, network->purpose, &why);
    if (!st)
        st = open_named(vad, settings, path, callbacks, &why);
    if (!st)
        return SYNCTALK_OK;
    if (settings->vad == SYNCTALK_VAD_SILERO ||
        (st != SYNCTALK_E_MISSING && st != SYNCTALK_E_UNSUPPORTED))
        return st_fail(err, st, "%s", why.message);
    if (st == SYNCTALK_E_MISSING)
        st_log(callbacks, SYNCTALK_LOG_INFO,
               "speech is found by the built-in detector, since %s is in no folder of shared "
               "networks",
               network->files[0]);
    else
        st_log(callbacks, SYNCTALK_LOG_INFO, "speech is found by the built-in detector, since %s",
               why.message);
    return st_vad_open(vad, NULL, NULL, err);
}

/* Room for `more` segments. */
static synctalk_status reserve(struct st_voice *voice, size_t more, synctalk_error *err)
{
    size_t bytes;
    if (voice->capacity - voice->count >= more)
        return SYNCTALK_OK;
    const size_t capacity = voice->capacity ? voice->capacity * 2 : 64;
    struct st_vad_segment *grown = NULL;
    if (!st_mul_size(capacity, sizeof *grown, &bytes) || !(grown = realloc(voice->segments, bytes)))
        return st_fail_memory(err, "segments of speech", (unsigned long long)capacity);
    voice->segments = grown;
    voice->capacity = capacity;
    return SYNCTALK_OK;
}

/* The chunk into which sample `at` falls; those before it are there. NULL without memory. */
static synctalk_vad_chunk *chunk_of(struct st_voice *voice, int64_t at)
{
    const size_t index = (size_t)(at / ST_VAD_CHUNK);
    size_t bytes;
    if (index >= voice->chunk_capacity) {
        const size_t capacity = voice->chunk_capacity ? voice->chunk_capacity * 2 : 1024;
        synctalk_vad_chunk *grown = NULL;
        if (!st_mul_size(capacity, sizeof *grown, &bytes) ||
            !(grown = realloc(voice->chunks, bytes)))
            return NULL;
        voice->chunks = grown;
        voice->chunk_capacity = capacity;
    }
    if (index == voice->chunk_count)
        voice->chunks[voice->chunk_count++] = (synctalk_vad_chunk){0, 0};
    return &voice->chunks[index];
}

/* Before their probabilities come: a chunk is there when it is heard. */
static synctalk_status trace_peaks(struct search *s, const float *samples, size_t count,
                                   synctalk_error *err)
{
    for (size_t i = 0; i < count && s->trace; i++) {
        synctalk_vad_chunk *chunk = chunk_of(s->voice, s->voice->samples + (int64_t)i);
        if (!chunk)
            return st_fail_memory(err, "the chunks of a sound", s->voice->chunk_capacity);
        if (isfinite(samples[i]))
            chunk->peak = fmaxf(chunk->peak, fabsf(samples[i]));
    }
    return SYNCTALK_OK;
}

/* Probabilities that are ready, through the rules. */
static synctalk_status drain(struct search *s, synctalk_error *err)
{
    float p[PULL];
    size_t got;
    while ((got = st_vad_pull(s->vad, p, PULL)) > 0) {
        synctalk_status st = reserve(s->voice, got, err);
        if (st)
            return st;
        for (size_t i = 0; i < got; i++) {
            struct st_voice *voice = s->voice;
            voice->count += st_vad_rules_push(&s->rules, p[i], &voice->segments[voice->count]);
            if (voice->probability)
                st_lane_add(voice->probability, p[i], p[i], (double)p[i]);
            if (s->trace)
                voice->chunks[s->heard++].probability = p[i];
        }
    }
    return SYNCTALK_OK;
}

static void end_item(struct search *s)
{
    if (s->item_samples > 0)
        st_lane_add(s->voice->sound, s->item_low, s->item_high, s->item_sum / s->item_samples);
    s->item_samples = 0;
}

static void trace_sound(struct search *s, const float *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const float x = isfinite(samples[i]) ? samples[i] : 0.0f;
        s->voice->peak = fmaxf(s->voice->peak, fabsf(x));
        if (!s->voice->sound)
            continue;
        if (s->item_samples == 0) {
            s->item_low = s->item_high = x;
            s->item_sum = 0;
        }
        s->item_low = fminf(s->item_low, x);
        s->item_high = fmaxf(s->item_high, x);
        s->item_sum += (double)x * (double)x;
        if (++s->item_samples == ST_VOICE_SOUND_ITEM)
            end_item(s);
    }
}

static synctalk_status read_all(struct search *s, const synctalk_callbacks *callbacks,
                                synctalk_error *err)
{
    synctalk_status st;
    float samples[READ_SAMPLES];
    size_t got;
    unsigned reads = 0;

    do {
        if ((st = st_audio_reader_read(s->reader, samples, READ_SAMPLES, &got, err)) ||
            (st = trace_peaks(s, samples, got, err)) ||
            (st = got > 0 ? st_vad_push(s->vad, samples, got, err) : st_vad_finish(s->vad, err)) ||
            (st = drain(s, err)))
            return st;
        trace_sound(s, samples, got);
        s->voice->samples += (int64_t)got;
        if (reads++ % 64 == 0)
            st_progress(callbacks, "sound", s->voice->samples, 0, 0);
        if (st_cancelled(callbacks))
            return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
    } while (got > 0);
    if (s->voice->sound)
        end_item(s);
    st_progress(callbacks, "sound", s->voice->samples, s->voice->samples, 0);
    return SYNCTALK_OK;
}

static synctalk_status conclude(struct search *s, const synctalk_vad_settings *settings,
                                const char *audio, const synctalk_callbacks *callbacks,
                                synctalk_error *err)
{
    struct st_voice *voice = s->voice;
    if (voice->samples == 0)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: the sound has no samples", audio);
    const int64_t damaged = st_audio_reader_damaged(s->reader);
    if (damaged > 0)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s: %" PRId64 " damaged parts of the sound were skipped", audio, damaged);
    synctalk_status st = reserve(voice, 2, err);
    if (st)
        return st;
    voice->count += st_vad_rules_finish(&s->rules, voice->samples, &voice->segments[voice->count]);
    return st_vad_timeline_make(&voice->timeline, voice->segments, voice->count, voice->samples,
                                llrint(settings->min_silence_duration * ST_VAD_HZ), err);
}

synctalk_status st_voice_find(struct st_voice *out, const synctalk_vad_settings *settings,
                              const char *audio, bool trace, const synctalk_callbacks *callbacks,
                              synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    struct search s = {.voice = out, .trace = settings->trace != 0};

    if (trace && (!(out->sound = calloc(1, sizeof *out->sound)) ||
                  !(out->probability = calloc(1, sizeof *out->probability))))
        st = st_fail_memory(err, "the plot of a sound", sizeof *out->sound);
    if (st || (st = st_audio_reader_open(&s.reader, audio, ST_VAD_HZ, 1, err)) ||
        (st = open_detector(&s.vad, settings, callbacks, err)))
        goto done;
    out->detector = st_vad_name(s.vad);
    st_vad_rules_init(&s.rules, &(struct st_vad_params){
                                    .threshold = settings->vad_threshold,
                                    .min_speech_ms = settings->min_speech_ms,
                                    .min_silence_ms = settings->min_silence_ms,
                                    .speech_pad_ms = settings->speech_pad_ms,
                                });
    if (!(st = read_all(&s, callbacks, err)))
        st = conclude(&s, settings, audio, callbacks, err);
done:
    st_vad_close(&s.vad);
    st_audio_reader_close(&s.reader);
    if (st)
        st_voice_free(out);
    return st;
}

void st_voice_free(struct st_voice *voice)
{
    if (!voice)
        return;
    free(voice->segments);
    st_vad_timeline_free(&voice->timeline);
    free(voice->sound);
    free(voice->probability);
    free(voice->chunks);
    *voice = (struct st_voice){0};
}
