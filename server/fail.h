/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of the server, in the form that the library's have. */
#ifndef SERVER_FAIL_H
#define SERVER_FAIL_H

#include "synctalk/status.h"

/* Fill `err` (may be NULL) with a formatted sentence; returns `status`. */
synctalk_status server_fail(synctalk_error *err, synctalk_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "PATH: cannot VERB: strerror(errno)" */
synctalk_status server_fail_errno(synctalk_error *err, const char *verb, const char *path);

synctalk_status server_fail_memory(synctalk_error *err, const char *what);

/* "invalid_argument" ...: the word that stands for a status in an answer; static. */
const char *server_code_of(synctalk_status status);

#endif /* SERVER_FAIL_H */
