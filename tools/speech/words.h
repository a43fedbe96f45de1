/* SPDX-License-Identifier: Apache-2.0 */
/* The word lists of the sentences, one list for each letter A..Z, NULL where unused; each
 * list ends with NULL. List Z has the whole sentences.
 */
#ifndef SPEECH_WORDS_H
#define SPEECH_WORDS_H

extern const char *const *const words_english[26];
extern const char *const *const words_german[26];

#endif /* SPEECH_WORDS_H */
