/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void lines_begin(struct lines *lines, int fd)
{
    lines->fd = fd;
    lines->used = 0;
    lines->taken = 0;
}

/* The first line in the buffer becomes a value. */
static enum line_result take(struct lines *lines, json_t **value)
{
    char *begin = lines->buffer + lines->taken;
    const char *end = memchr(begin, '\n', lines->used - lines->taken);
    if (!end)
        return LINE_NONE;
    *value = json_loadb(begin, (size_t)(end - begin), JSON_DECODE_ANY, NULL);
    lines->taken += (size_t)(end - begin) + 1;
    return *value ? LINE_THERE : LINE_END;
}

enum line_result lines_read(struct lines *lines, int wait_ms, json_t **value)
{
    *value = NULL;
    for (;;) {
        const enum line_result result = take(lines, value);
        if (result != LINE_NONE)
            return result;
        memmove(lines->buffer, lines->buffer + lines->taken, lines->used - lines->taken);
        lines->used -= lines->taken;
        lines->taken = 0;
        if (lines->used == sizeof lines->buffer)
            return LINE_END;
        struct pollfd wait = {.fd = lines->fd, .events = POLLIN};
        const int there = poll(&wait, 1, wait_ms);
        if (there == 0 || (there < 0 && errno == EINTR))
            return LINE_NONE;
        const ssize_t got =
            read(lines->fd, lines->buffer + lines->used, sizeof lines->buffer - lines->used);
        if (got <= 0)
            return LINE_END;
        lines->used += (size_t)got;
    }
}

/* write() and not send(): a worker may not use the socket calls. SIGPIPE is ignored. */
static bool write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        const ssize_t written = write(fd, text, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        text += written;
        size -= (size_t)written;
    }
    return true;
}

bool lines_write(int fd, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    bool good = false;
    json_decref(value);
    if (text) {
        const size_t length = strlen(text);
        text[length] = '\n'; /* in the place of its end: one write, one line */
        good = length < LINE_MOST && write_all(fd, text, length + 1);
    }
    free(text);
    return good;
}
