/* SPDX-License-Identifier: Apache-2.0 */
/* Speech with known mouth shapes: text in, sound and the times of its phonemes out, from
 * two synthesisers behind one interface. Either may be absent from a build; asking for one
 * of its voices then ends in E_UNSUPPORTED with a sentence.
 *
 *     speech_open - speech_say for each sentence - speech_free - speech_close
 *
 * Threads: the libraries keep state of their own, so a process holds one open synthesiser
 * and uses it from one thread. Work in parallel means several processes.
 *
 * The same sentence gives the same bytes, whatever was said before. For that flite's voices
 * reseed rand(), and espeak-ng speaks in a child process (fork: cheap as long as the caller
 * is small, so speak before allocating much).
 *
 * Times are seconds from the first sample and are corrected for the known errors of each
 * synthesiser (see flite.c and espeak.c).
 */
#ifndef SPEECH_SPEECH_H
#define SPEECH_SPEECH_H

#include <stdbool.h>
#include <stddef.h>

#include "speech/sentences.h"
#include "speech/visemes.h"
#include "synctalk/status.h"

enum speech_engine { SPEECH_FLITE, SPEECH_ESPEAK, SPEECH_ENGINES };

#define SPEECH_HZ 16000
#define SPEECH_TEXT_MAX 2000    /* bytes of UTF-8 in one call */
#define SPEECH_EDGE_SECONDS 0.2 /* at least this much silence at both ends */

/* A voice. Those held out are for judging only: nothing is ever trained on them. */
struct speech_voice {
    const char *name; /* "flite/slt", "espeak/de+f2" */
    const char *id;   /* the engine's own name */
    enum speech_engine engine;
    enum speech_language language;
    enum phoneme_set phonemes;
    bool female;
    bool held_out;
};

/* How to say it. */
struct speech_manner {
    float rate;  /* 1 = the voice's own; 0.5..2. Sensible: 0.8..1.3 for flite, 0.7..1.5 */
    float pitch; /* factor on the voice's own, 0.5..2; flite/rms and flite/awb have one only */
};

struct speech_phoneme {
    char name[SPEECH_NAME_MAX];
    struct viseme_sequence sequence;
    double start_s, end_s;
    double hold_s; /* lips and tongue stay until here: a stop's release, else end_s */
};

/* Spoken text. Phonemes (and spans, which are phonemes with their diphthongs split) follow
 * each other without gap or overlap from 0 to count / SPEECH_HZ; first and last are pauses. */
struct speech {
    float *samples; /* [count] owned, mono, full scale 1 */
    size_t count;
    struct speech_phoneme *phonemes; /* owned */
    size_t phoneme_count;
    struct viseme_span *spans; /* owned */
    size_t span_count;
};

struct speech_synth;

/* All voices, of absent engines too; static. */
const struct speech_voice *speech_voices(size_t *count);
const struct speech_voice *speech_voice_find(const char *name); /* NULL: no such voice */
bool speech_engine_present(enum speech_engine engine);
const char *speech_engine_name(enum speech_engine engine);

synctalk_status speech_open(struct speech_synth **out, synctalk_error *err);
void speech_close(struct speech_synth **synth); /* NULL-safe both ways */

/* E_UNSUPPORTED: the engine is absent, or met a phoneme that no table names. `manner` NULL
 * is rate and pitch 1. On failure *out is zeroed. */
synctalk_status speech_say(struct speech_synth *synth, const struct speech_voice *voice,
                           const char *text, const struct speech_manner *manner, struct speech *out,
                           synctalk_error *err);
void speech_free(struct speech *speech); /* NULL-safe, zeroes */

/* `first`, silence, `second` as one; the pauses that meet become one phoneme, longer than
 * `pause_s` by the edges of both. */
synctalk_status speech_join(struct speech *out, const struct speech *first, double pause_s,
                            const struct speech *second, synctalk_error *err);

double speech_seconds(const struct speech *speech);

#endif /* SPEECH_SPEECH_H */
