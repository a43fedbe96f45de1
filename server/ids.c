/* SPDX-License-Identifier: Apache-2.0 */
#include "ids.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hex_of(char *text, const unsigned char *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * count] = '\0';
}

void id_make(char id[ID_SIZE], const char *kind)
{
    unsigned char bytes[12];
    char hex[2 * sizeof bytes + 1];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        abort(); /* the system has no randomness: nothing that follows would be safe */
    hex_of(hex, bytes, sizeof bytes);
    snprintf(id, ID_SIZE, "%.8s-%s", kind, hex);
}

bool id_is_well_formed(const char *text, size_t length)
{
    if (length == 0 || length >= ID_SIZE)
        return false;
    for (size_t i = 0; i < length; i++) {
        const char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

void sha256_text(char text[SHA256_TEXT], const void *bytes, size_t size)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(bytes, size, digest);
    hex_of(text, digest, sizeof digest);
}

/* Of equal length by hashing first, so that not even the length shows. */
bool same_secret(const char *a, const char *b)
{
    unsigned char first[SHA256_DIGEST_LENGTH];
    unsigned char second[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)a, strlen(a), first);
    SHA256((const unsigned char *)b, strlen(b), second);
    return CRYPTO_memcmp(first, second, sizeof first) == 0;
}
