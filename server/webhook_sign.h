/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of what is sent, as Standard Webhooks has them: a receiver that knows the secret can
 * tell that this server sent it, when, and that nothing was changed.
 * (https://www.standardwebhooks.com, "Signature scheme", symmetric.)
 */
#ifndef SERVER_WEBHOOK_SIGN_H
#define SERVER_WEBHOOK_SIGN_H

#include <stdint.h>

#include "synctalk/status.h"

#define WEBHOOK_KEY_LEAST 16 /* bytes */
#define WEBHOOK_KEY_MOST 1024
#define WEBHOOK_SIGNATURE 48 /* bytes of "v1," and a signature, terminator included */

struct webhook_key {
    unsigned char bytes[WEBHOOK_KEY_MOST];
    int count;
};

/* "whsec_" and base64 stands for the bytes behind it, any other text for its own. E_ARG: it is
 * neither, or too short to be a secret. */
synctalk_status webhook_key_read(struct webhook_key *key, const char *secret, synctalk_error *err);

/* Of message `id`, sent at `time` (seconds since 1970) with `body`. E_MEMORY. */
synctalk_status webhook_sign(char signature[WEBHOOK_SIGNATURE], const struct webhook_key *key,
                             const char *id, int64_t time, const char *body, synctalk_error *err);

#endif /* SERVER_WEBHOOK_SIGN_H */
