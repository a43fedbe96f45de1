/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void st_log(const synctalk_callbacks *callbacks, synctalk_log_level level, const char *format, ...)
{
    if (!callbacks || !callbacks->log)
        return;
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    callbacks->log(callbacks->user, level, message);
}
