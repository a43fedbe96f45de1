/* SPDX-License-Identifier: Apache-2.0 */
/* Times are those of chunk borders: a segment ends where the chunk began that fell below
 * the threshold, not where the silence had lasted long enough.
 */
#include "audio/vad_rules.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

#define HYSTERESIS 0.15
#define LEAST_LEAVE 0.01
#define NOT_IN_SIGHT (-1)

static int64_t samples_of(int ms)
{
    return (int64_t)ms * ST_VAD_HZ / 1000;
}

void st_vad_rules_init(struct st_vad_rules *rules, const struct st_vad_params *params)
{
    const double leave = params->threshold - HYSTERESIS;
    *rules = (struct st_vad_rules){
        .threshold = params->threshold,
        .leave = leave > LEAST_LEAVE ? leave : LEAST_LEAVE,
        .min_speech = samples_of(params->min_speech_ms),
        .min_silence = samples_of(params->min_silence_ms),
        .pad = samples_of(params->speech_pad_ms),
        .end = NOT_IN_SIGHT,
    };
}

/* A segment is known to begin at `start`, or the recording to end there with `last` true:
 * the one before it can be padded and leaves. */
static bool hand_over(struct st_vad_rules *rules, int64_t *start, struct st_vad_segment *out)
{
    if (!rules->held) {
        *start = *start > rules->pad ? *start - rules->pad : 0;
        return false;
    }
    const int64_t gap = *start - rules->last.end;
    const int64_t share = gap < 2 * rules->pad ? gap / 2 : rules->pad;
    *out = rules->last;
    out->end += share;
    *start -= share;
    rules->held = false;
    return true;
}

/* Keep [start, end) if it is long enough. True: *out is the one before it. */
static bool keep(struct st_vad_rules *rules, int64_t start, int64_t end, struct st_vad_segment *out)
{
    if (end - start <= rules->min_speech)
        return false;
    bool handed = hand_over(rules, &start, out);
    rules->last = (struct st_vad_segment){start, end};
    rules->held = true;
    return handed;
}

bool st_vad_rules_push(struct st_vad_rules *rules, float probability, struct st_vad_segment *out)
{
    const int64_t now = rules->chunks++ * ST_VAD_CHUNK;
    const double p = (double)probability;

    if (p >= rules->threshold) {
        rules->end = NOT_IN_SIGHT;
        if (!rules->in_speech) {
            rules->in_speech = true;
            rules->start = now;
        }
        return false;
    }
    if (!rules->in_speech || !(p < rules->leave))
        return false;
    if (rules->end == NOT_IN_SIGHT)
        rules->end = now;
    if (now - rules->end < rules->min_silence)
        return false;
    bool handed = keep(rules, rules->start, rules->end, out);
    rules->in_speech = false;
    rules->end = NOT_IN_SIGHT;
    return handed;
}

size_t st_vad_rules_finish(struct st_vad_rules *rules, int64_t samples,
                           struct st_vad_segment out[2])
{
    size_t count = 0;
    if (rules->in_speech && keep(rules, rules->start, samples, &out[count]))
        count++;
    rules->in_speech = false;
    if (rules->held) {
        out[count] = rules->last;
        out[count].end += rules->pad;
        if (out[count].end > samples)
            out[count].end = samples;
        count++;
    }
    rules->held = false;
    return count;
}

/* Append a span, or make the last one longer where the kind is the same. */
static void add_span(struct st_vad_timeline *line, int64_t start, int64_t end, bool speech)
{
    if (end <= start)
        return;
    if (line->count > 0 && line->spans[line->count - 1].speech == speech)
        line->spans[line->count - 1].end = end;
    else
        line->spans[line->count++] = (struct st_vad_span){start, end, speech};
}

synctalk_status st_vad_timeline_make(struct st_vad_timeline *out,
                                     const struct st_vad_segment *segments, size_t count,
                                     int64_t samples, int64_t min_silence, synctalk_error *err)
{
    size_t most;
    int64_t at = 0;

    *out = (struct st_vad_timeline){NULL, 0};
    if (!st_mul_size(count, 2, &most) || !(out->spans = calloc(most + 1, sizeof *out->spans)))
        return st_fail_memory(err, "a timeline of speech", (unsigned long long)count);
    for (size_t i = 0; i < count; i++) {
        add_span(out, at, segments[i].start, segments[i].start - at < min_silence);
        add_span(out, segments[i].start, segments[i].end, true);
        at = segments[i].end;
    }
    add_span(out, at, samples, count > 0 && samples - at < min_silence);
    return SYNCTALK_OK;
}

void st_vad_timeline_free(struct st_vad_timeline *timeline)
{
    if (!timeline)
        return;
    free(timeline->spans);
    *timeline = (struct st_vad_timeline){NULL, 0};
}
