/* SPDX-License-Identifier: Apache-2.0 */
/* What a synthesiser hands to speech.c: its own sound at its own rate, and where each
 * phoneme starts. Private to this folder.
 */
#ifndef SPEECH_ENGINE_H
#define SPEECH_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "speech/speech.h"

struct raw_phoneme {
    char name[SPEECH_NAME_MAX];
    double start_s;
    double hold_s; /* end of a closure, or 0: not known */
};

/* Starts rise or stay equal; each phoneme lasts until the next, the last to the end. */
struct raw_speech {
    int16_t *samples; /* owned */
    size_t count, capacity;
    int hz;
    struct raw_phoneme *phonemes; /* owned */
    size_t phoneme_count, phoneme_capacity;
};

struct engine_desc {
    const char *name;
    bool remembers; /* what it said before is heard: say_apart() */
    /* Both NULL for an engine that is ready without. */
    synctalk_status (*open)(void **state, synctalk_error *err);
    void (*close)(void *state);
    /* Fill a zeroed `raw`; the caller frees it also on failure. */
    synctalk_status (*say)(void *state, const struct speech_voice *voice, const char *text,
                           const struct speech_manner *manner, struct raw_speech *raw,
                           synctalk_error *err);
};

extern const struct engine_desc engine_flite;
extern const struct engine_desc engine_espeak;

/* engine->say() in a child process, which has the state of the parent and takes its own with
 * it when it ends. */
synctalk_status say_apart(const struct engine_desc *engine, void *state,
                          const struct speech_voice *voice, const char *text,
                          const struct speech_manner *manner, struct raw_speech *raw,
                          synctalk_error *err);

/* Append; 0, or -1 without memory. A name may lack its terminator at 8 bytes. */
int raw_add_samples(struct raw_speech *raw, const int16_t *samples, size_t count);
int raw_add_phoneme(struct raw_speech *raw, const char name[], double start_s);
void raw_free(struct raw_speech *raw);

#endif /* SPEECH_ENGINE_H */
