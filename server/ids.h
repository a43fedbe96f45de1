/* SPDX-License-Identifier: Apache-2.0 */
/* Names of uploads and jobs: random, so that knowing one says nothing of another. */
#ifndef SERVER_IDS_H
#define SERVER_IDS_H

#include <stdbool.h>
#include <stddef.h>

#define ID_SIZE 40     /* bytes of an id, terminator included */
#define SHA256_TEXT 65 /* 64 hexadecimal digits and the terminator */

/* "KIND-" and 24 random hexadecimal digits; kind has at most 8 letters. */
void id_make(char id[ID_SIZE], const char *kind);

/* Lower-case letters, digits and '-', one at least, fewer than ID_SIZE. What a request names
 * is looked up under this form only. */
bool id_is_well_formed(const char *text, size_t length);

void hex_of(char *text, const unsigned char *bytes, size_t count); /* 2 * count + 1 bytes */

/* SHA-256 of the content `bytes`, in hexadecimal. */
void sha256_text(char text[SHA256_TEXT], const void *bytes, size_t size);

/* Whether both texts are equal, in a time that does not tell where they differ. */
bool same_secret(const char *a, const char *b);

#endif /* SERVER_IDS_H */
