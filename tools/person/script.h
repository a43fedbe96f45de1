/* SPDX-License-Identifier: Apache-2.0 */
/* What a person says, and what the mouth does at any time of it. */
#ifndef PERSON_SCRIPT_H
#define PERSON_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "person/rig.h"

struct script_settings {
    double seconds;
    uint32_t seed;
    bool silent;          /* nothing is said: the mouth rests */
    bool english, german; /* sentences of either, or of both in turn */
    /* Voices of tools/speech by name; NULL takes the language's first woman. */
    const char *english_voice, *german_voice;
    uint64_t first_sentence;
};

struct script;

/* E_UNSUPPORTED for a voice whose engine this build lacks. */
synctalk_status script_create(struct script **out, const struct script_settings *settings,
                              synctalk_error *err);
void script_free(struct script **script);

/* The sound, exactly as long as was asked for; borrowed. */
const float *script_samples(const struct script *script, size_t *count);
/* Of a mouth that says nothing. */
void script_rest(struct mouth_shape *out);
void script_mouth(const struct script *script, double seconds, struct mouth_shape *out);
/* 0 in pauses .. 1 in speech, softly. */
float script_speaking(const struct script *script, double seconds);

#endif /* PERSON_SCRIPT_H */
