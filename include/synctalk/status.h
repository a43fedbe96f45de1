/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file status.h
 * Errors are values: every fallible call returns a synctalk_status, and fills the
 * caller's synctalk_error, if one is given, with one sentence meant for a person.
 */
#ifndef SYNCTALK_STATUS_H
#define SYNCTALK_STATUS_H

#include "synctalk/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One list makes the enum, its names and the manual's table. Values are ABI. */
#define SYNCTALK_STATUS_LIST(X)                                                                   \
    X(SYNCTALK_OK, 0, "success")                                                                  \
    X(SYNCTALK_E_ARG, -1, "an argument or option is outside its documented range")                \
    X(SYNCTALK_E_MEMORY, -2, "out of memory")                                                     \
    X(SYNCTALK_E_IO, -3, "the operating system refused a read or write")                          \
    X(SYNCTALK_E_MISSING, -4, "a file or folder that is needed is not there")                     \
    X(SYNCTALK_E_FORMAT, -5, "a file is not what its name or header says, or is damaged")         \
    X(SYNCTALK_E_MODEL, -6, "weights lack a tensor, or one has another shape than needed")        \
    X(SYNCTALK_E_EXISTS, -7, "the output exists already")                                         \
    X(SYNCTALK_E_UNSUPPORTED, -8, "what was asked for is not available in this build or machine") \
    X(SYNCTALK_E_CANCELLED, -9, "the caller asked to stop")                                       \
    X(SYNCTALK_E_LIBRARY, -10, "a library underneath failed in a way it should not")              \
    X(SYNCTALK_E_DIVERGED, -11, "training came to a number that is not finite")

typedef enum synctalk_status {
#define SYNCTALK_X(name, value, text) name = (value),
    SYNCTALK_STATUS_LIST(SYNCTALK_X)
#undef SYNCTALK_X
} synctalk_status;

/** Caller-owned; the last failure's status and sentence. */
typedef struct synctalk_error {
    synctalk_status status;
    char message[508]; /**< UTF-8, NUL-terminated, one sentence, no trailing newline */
} synctalk_error;

/** Static English text of a status; never NULL, never to be freed. */
SYNCTALK_API const char *synctalk_status_text(synctalk_status status);

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_STATUS_H */
