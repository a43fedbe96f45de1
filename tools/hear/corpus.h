/* SPDX-License-Identifier: Apache-2.0 */
/* Speech to learn from, and to be judged by: synthesised anew each time, in memory, the
 * same for the same plan. A minute costs 2.4 MB and about half a second.
 */
#ifndef HEAR_CORPUS_H
#define HEAR_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "speech/speech.h"
#include "speech/track.h"
#include "synctalk/status.h"

/* Two sentences of one voice with a pause between them. */
struct hear_utterance {
    const struct speech_voice *voice; /* static */
    int16_t *samples;                 /* [count] at SPEECH_HZ, owned */
    size_t count;
    struct viseme_span *spans; /* [span_count] owned */
    size_t span_count;
    struct track *track; /* owned */
    double rms;          /* of the samples that are not in a pause, full scale 1 */
};

struct hear_corpus {
    struct hear_utterance *utterances; /* [count] owned */
    size_t count;
    double seconds; /* in all */
};

struct hear_plan {
    double minutes;   /* of speech, at least; with voices held out: of each voice */
    bool held_out;    /* the voices and sentences kept for judging, else those for training */
    uint64_t seed;    /* which sentences, and how they are said */
    const char *omit; /* voice to do without, or NULL */
};

/* Training: half of the time from each synthesiser, half of espeak-ng's in German, each in
 * voices, rates and pitches drawn at random. Held out: every voice alike, as it speaks by
 * itself. E_UNSUPPORTED where a synthesiser is absent from the build. */
synctalk_status hear_corpus_make(struct hear_corpus **out, struct speech_synth *synth,
                                 const struct hear_plan *plan, synctalk_error *err);
void hear_corpus_free(struct hear_corpus **corpus); /* NULL-safe both ways */

/* Same samples, same labels? For the test of sameness and for the record. */
uint64_t hear_corpus_digest(const struct hear_corpus *corpus);

#endif /* HEAR_CORPUS_H */
