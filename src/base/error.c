/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *synctalk_status_text(synctalk_status status)
{
    switch (status) {
#define SYNCTALK_X(name, value, text) \
    case name:                        \
        return text;
        SYNCTALK_STATUS_LIST(SYNCTALK_X)
#undef SYNCTALK_X
    }
    return "unknown status";
}

synctalk_status st_fail(synctalk_error *err, synctalk_status status, const char *format, ...)
{
    if (!err)
        return status;

    va_list args;
    va_start(args, format);
    int need = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);

    if (need >= (int)sizeof err->message) {
        size_t end = sizeof err->message - 4;
        while (end > 0 && ((unsigned char)err->message[end] & 0xC0u) == 0x80u)
            end--; /* do not cut inside a UTF-8 sequence */
        memcpy(err->message + end, "...", 4);
    }
    err->status = status;
    return status;
}

synctalk_status st_fail_memory(synctalk_error *err, const char *what, unsigned long long bytes)
{
    return st_fail(err, SYNCTALK_E_MEMORY,
                   "no memory for %s (%llu bytes): close other programs or use --preset low_memory",
                   what, bytes);
}

synctalk_status st_fail_errno(synctalk_error *err, int errno_value, const char *verb,
                              const char *path)
{
    char text[128];
    const char *reason = strerror_r(errno_value, text, sizeof text);
    synctalk_status status = errno_value == ENOENT || errno_value == ENOTDIR ? SYNCTALK_E_MISSING
                             : errno_value == ENOMEM                         ? SYNCTALK_E_MEMORY
                             : errno_value == EEXIST                         ? SYNCTALK_E_EXISTS
                                                                             : SYNCTALK_E_IO;
    return st_fail(err, status, "%s: cannot %s: %s", path, verb, reason);
}
