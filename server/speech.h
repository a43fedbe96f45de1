/* SPDX-License-Identifier: Apache-2.0 */
/* A sentence that is typed, spoken by espeak-ng where that is installed. The program runs as a
 * question (question.h): shut in, with nothing of the project in sight, bounded in time, memory and
 * output. */
#ifndef SERVER_SPEECH_H
#define SERVER_SPEECH_H

#include <limits.h>

#include "question.h"

#define SPEECH_CHARACTERS 2000 /* of a text, at most */
#define SPEECH_VOICE 32        /* bytes of a voice's name, terminator included */

struct speech {
    char program[PATH_MAX]; /* absolute; "" = it is not installed */
};

/* Look for espeak-ng in the folders of PATH. */
void speech_find(struct speech *speech);

/* E_ARG: the text is empty or too long, the voice has no name that could be one. */
synctalk_status speech_check(const char *text, const char *voice, synctalk_error *err);

/* What to ask for a WAV file (speech_end() makes it whole), and for the list of voices. */
struct question_order speech_order(const struct speech *speech, const char *text,
                                   const char *voice);
struct question_order speech_voices_order(const struct speech *speech);

/* It was written without knowing its length: put that into the head. False: it is no such file, or
 * nothing was said. */
bool speech_end(unsigned char *wav, size_t size);

/* [{"id", "name"}] of what the program lists, by name. */
json_t *speech_voices(const unsigned char *text, size_t size);

#endif /* SERVER_SPEECH_H */
