/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4), by libcrypto. */
#ifndef ST_BASE_HASH_H
#define ST_BASE_HASH_H

#include <stddef.h>

#include "synctalk/status.h"

#define ST_HASH_TEXT 65 /* hexadecimal, terminator included */

struct st_hash;
synctalk_status st_hash_create(struct st_hash **out, synctalk_error *err);
void st_hash_add(struct st_hash *hash, const void *data, size_t size);
/* Lower-case hexadecimal of all that was added; the hash is destroyed. `text` holds
 * ST_HASH_TEXT bytes. */
void st_hash_end(struct st_hash **hash, char *text);
void st_hash_destroy(struct st_hash **hash); /* NULL-safe */

/* Of a file's bytes. E_MISSING, E_IO. */
synctalk_status st_hash_file(char *text, const char *path, synctalk_error *err);

#endif /* ST_BASE_HASH_H */
