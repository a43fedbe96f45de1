/* SPDX-License-Identifier: Apache-2.0 */
/* Things to say: sentences made from templates and word lists, without end, and a few fixed
 * ones for showing. English and German meet every phoneme of their voices.
 */
#ifndef SPEECH_SENTENCES_H
#define SPEECH_SENTENCES_H

#include <stddef.h>
#include <stdint.h>

enum speech_language { SPEECH_ENGLISH, SPEECH_GERMAN, SPEECH_LANGUAGES };

#define SENTENCE_MAX 400 /* bytes, terminator included */
/* Numbers from here on are for judging: nothing is trained on them. */
#define SENTENCE_HELD_OUT 1000000

/* Sentence `number` of a language: the same on every machine; UTF-8. */
void sentence_make(char out[SENTENCE_MAX], enum speech_language language, uint64_t number);

/* Fixed ones, NULL beyond the last. */
const char *sentence_demo(enum speech_language language, size_t index);

/* Two sentences with `pause_s` between them, for speech_join(). */
struct sentence_pair {
    const char *first, *second;
    double pause_s;
};

struct sentence_pair sentence_demo_pair(enum speech_language language);

#endif /* SPEECH_SENTENCES_H */
