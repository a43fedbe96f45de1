/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: the function that detects a fault writes the sentence, those that pass it on
 * return the status untouched.
 */
#ifndef ST_BASE_ERROR_H
#define ST_BASE_ERROR_H

#include "synctalk/status.h"

/* Fill `err` (may be NULL) with a formatted sentence; returns `status`. A sentence that
 * does not fit is cut at a character boundary and ends in "...". */
synctalk_status st_fail(synctalk_error *err, synctalk_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "no memory for WHAT (N bytes); ..." with the remedy that the manual gives. */
synctalk_status st_fail_memory(synctalk_error *err, const char *what, unsigned long long bytes);

/* `path`: strerror(errno_value), as E_MISSING for ENOENT and ENOTDIR, else E_IO.
 * `verb` says what was tried: "open", "write". */
synctalk_status st_fail_errno(synctalk_error *err, int errno_value, const char *verb,
                              const char *path);

#endif /* ST_BASE_ERROR_H */
