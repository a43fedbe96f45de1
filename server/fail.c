/* SPDX-License-Identifier: Apache-2.0 */
#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

synctalk_status server_fail(synctalk_error *err, synctalk_status status, const char *format, ...)
{
    va_list args;
    if (!err)
        return status;
    err->status = status;
    va_start(args, format);
    const int need = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (need >= (int)sizeof err->message) {
        size_t end = sizeof err->message - 4;
        while (end > 0 && ((unsigned char)err->message[end] & 0xc0) == 0x80)
            end--; /* not inside a character: what is no UTF-8 cannot be sent */
        memcpy(err->message + end, "...", 4);
    }
    return status;
}

bool server_is_full(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

synctalk_status server_fail_errno(synctalk_error *err, const char *verb, const char *path)
{
    const bool full = server_is_full(errno);
    char reason[128];
    const char *said = strerror_r(errno, reason, sizeof reason);
    return server_fail(err, full ? SERVER_E_FULL : SYNCTALK_E_IO, "%s: cannot %s: %s%s", path, verb,
                       said, full ? "; the disk of the server is full" : "");
}

synctalk_status server_fail_memory(synctalk_error *err, const char *what)
{
    return server_fail(err, SYNCTALK_E_MEMORY, "no memory for %s", what);
}

const char *server_code_of(synctalk_status status)
{
    if (status == SERVER_E_FULL)
        return "insufficient_storage";
    switch (status) {
    case SYNCTALK_E_ARG:
        return "invalid_argument";
    case SYNCTALK_E_MEMORY:
        return "out_of_memory";
    case SYNCTALK_E_IO:
        return "io";
    case SYNCTALK_E_MISSING:
        return "missing";
    case SYNCTALK_E_FORMAT:
        return "bad_file";
    case SYNCTALK_E_MODEL:
        return "bad_model";
    case SYNCTALK_E_EXISTS:
        return "exists";
    case SYNCTALK_E_UNSUPPORTED:
        return "unsupported";
    case SYNCTALK_E_CANCELLED:
        return "cancelled";
    default:
        return "internal";
    }
}
