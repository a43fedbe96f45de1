/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values, one a line, over a socket between the server and a worker process. */
#ifndef SERVER_LINES_H
#define SERVER_LINES_H

#include <jansson.h>
#include <stdbool.h>

#define LINE_MOST 65536 /* bytes; who sends more is not believed */

struct lines {
    int fd; /* borrowed */
    size_t used, taken;
    char buffer[LINE_MOST];
};

enum line_result { LINE_NONE, LINE_THERE, LINE_END };

void lines_begin(struct lines *lines, int fd);
/* Wait at most `wait_ms` (-1: for ever) for a value; *value is the caller's. LINE_END: the
 * other side is gone, or sent what is no line of JSON. */
enum line_result lines_read(struct lines *lines, int wait_ms, json_t **value);
/* Takes the reference; false when the other side is gone, or without memory. */
bool lines_write(int fd, json_t *value);

#endif /* SERVER_LINES_H */
