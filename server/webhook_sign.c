/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook_sign.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

#define PREFIX "whsec_"

/* EVP_DecodeBlock() counts the bytes that '=' stands for. */
static int padding_of(const char *base64, size_t length)
{
    return (length > 0 && base64[length - 1] == '=') + (length > 1 && base64[length - 2] == '=');
}

synctalk_status webhook_key_read(struct webhook_key *key, const char *secret, synctalk_error *err)
{
    const size_t prefix = strlen(PREFIX);
    const bool coded = strncmp(secret, PREFIX, prefix) == 0;
    const char *text = coded ? secret + prefix : secret;
    const size_t length = strlen(text);
    key->count = 0;
    if (length > WEBHOOK_KEY_MOST)
        return server_fail(err, SYNCTALK_E_ARG,
                           "the secret of webhooks is longer than %d characters", WEBHOOK_KEY_MOST);
    if (!coded) {
        memcpy(key->bytes, text, length);
        key->count = (int)length;
    } else {
        key->count = EVP_DecodeBlock(key->bytes, (const unsigned char *)text, (int)length) -
                     padding_of(text, length);
        if (length == 0 || key->count < 0)
            return server_fail(err, SYNCTALK_E_ARG,
                               "the secret of webhooks: what is behind " PREFIX " is not base64");
    }
    if (key->count < WEBHOOK_KEY_LEAST)
        return server_fail(err, SYNCTALK_E_ARG,
                           "the secret of webhooks has %d bytes; at least %d are needed so that it "
                           "cannot be guessed",
                           key->count, WEBHOOK_KEY_LEAST);
    return SYNCTALK_OK;
}

synctalk_status webhook_sign(char signature[WEBHOOK_SIGNATURE], const struct webhook_key *key,
                             const char *id, int64_t time, const char *body, synctalk_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned char base64[WEBHOOK_SIGNATURE - 3]; /* of 32 bytes, exactly */
    char *signed_text = NULL;
    const int length = asprintf(&signed_text, "%s.%" PRId64 ".%s", id, time, body);
    if (length < 0)
        return server_fail_memory(err, "a signature");
    const bool good = HMAC(EVP_sha256(), key->bytes, key->count, (const unsigned char *)signed_text,
                           (size_t)length, digest, NULL) != NULL;
    free(signed_text);
    if (!good)
        return server_fail_memory(err, "a signature");
    EVP_EncodeBlock(base64, digest, SHA256_DIGEST_LENGTH);
    snprintf(signature, WEBHOOK_SIGNATURE, "v1,%s", (const char *)base64);
    return SYNCTALK_OK;
}
