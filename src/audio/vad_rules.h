/* SPDX-License-Identifier: Apache-2.0 */
/* From probabilities of speech to segments, and from segments to a timeline.
 *
 * Chunk k is the samples [512 k, 512 k + 512) at 16 kHz; one probability each. The rules
 * and their parameters are those of Silero VAD. Segments come out one behind, because
 * padding looks at the neighbour; nothing grows with the recording but what is handed out.
 */
#ifndef ST_AUDIO_VAD_RULES_H
#define ST_AUDIO_VAD_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synctalk/status.h"

#define ST_VAD_HZ 16000
#define ST_VAD_CHUNK 512 /* samples, 32 ms */

struct st_vad_params {
    double threshold;   /* a chunk at or above it is speech; leaving takes 0.15 less */
    int min_speech_ms;  /* shorter segments are dropped, before padding */
    int min_silence_ms; /* shorter gaps do not end a segment */
    int speech_pad_ms;  /* added on both sides */
};

/* Samples [start, end). */
struct st_vad_segment {
    int64_t start, end;
};

/* Private but for its size: it lives on its caller's stack. */
struct st_vad_rules {
    double threshold, leave;
    int64_t min_speech, min_silence, pad; /* samples */
    int64_t chunks;                       /* seen */
    int64_t start, end;                   /* of the segment in work; end -1: not in sight */
    bool in_speech;
    bool held;                  /* `last` waits for its neighbour */
    struct st_vad_segment last; /* its start is padded, its end is not */
};

void st_vad_rules_init(struct st_vad_rules *rules, const struct st_vad_params *params);

/* The next chunk's probability. True: *out is finished. */
bool st_vad_rules_push(struct st_vad_rules *rules, float probability, struct st_vad_segment *out);

/* The recording has `samples`; what is left, at most 2, into `out`. Returns how many. */
size_t st_vad_rules_finish(struct st_vad_rules *rules, int64_t samples,
                           struct st_vad_segment out[2]);

/* A stretch of the timeline. */
struct st_vad_span {
    int64_t start, end; /* samples, [start, end) */
    bool speech;
};

/* Spans that cover [0, samples) without gap or overlap, kinds in turn. A silence shorter
 * than `min_silence` samples becomes speech, also at the ends; where there is no speech at
 * all the whole is one silence. `segments` are in order. */
struct st_vad_timeline {
    struct st_vad_span *spans; /* owned */
    size_t count;
};

synctalk_status st_vad_timeline_make(struct st_vad_timeline *out,
                                     const struct st_vad_segment *segments, size_t count,
                                     int64_t samples, int64_t min_silence, synctalk_error *err);
void st_vad_timeline_free(struct st_vad_timeline *timeline); /* safe on a zeroed struct */

#endif /* ST_AUDIO_VAD_RULES_H */
