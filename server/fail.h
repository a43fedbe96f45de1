/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of the server, in the form that the library's have. */
#ifndef SERVER_FAIL_H
#define SERVER_FAIL_H

#include <stdbool.h>

#include "synctalk/status.h"

/* A status of the server alone: there is no room on the disk. Its value is none of the library's.
 */
#define SERVER_E_FULL ((synctalk_status)-100)

/* Fill `err` (may be NULL) with a formatted sentence; returns `status`. */
synctalk_status server_fail(synctalk_error *err, synctalk_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "PATH: cannot VERB: strerror(errno)"; E_IO, or E_FULL where that is why. */
synctalk_status server_fail_errno(synctalk_error *err, const char *verb, const char *path);

/* Whether `error`, an errno, says that there is no room: on the disk, or for this user, or below
 * the largest size that the system lets a file have. */
bool server_is_full(int error);

synctalk_status server_fail_memory(synctalk_error *err, const char *what);

/* "invalid_argument" ...: the word that stands for a status in an answer; static. */
const char *server_code_of(synctalk_status status);

#endif /* SERVER_FAIL_H */
