/* SPDX-License-Identifier: Apache-2.0 */
/* What every command shares towards its user: exit codes, sentences on stderr, text from
 * files made safe to print, interruption.
 */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum exit_code {
    EXIT_GOOD = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_INTERRUPTED = 130,
};

/* "synctalk: SENTENCE" or "synctalk COMMAND: SENTENCE" on stderr. */
void say(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A copy in which bytes that are not UTF-8, and characters that steer a terminal, are
 * '?'. Names inside a stranger's file pass here before they are printed. malloc'ed; NULL
 * without memory. */
char *clean_text(const char *text);
void print_clean(FILE *file, const char *text);

/* A JSON string of clean_text(); a JSON null for NULL. The caller owns the reference. */
json_t *json_clean(const char *text);

/* One object on one line, flushed. Takes the reference; NULL counts as no memory. */
void print_json_line(FILE *file, json_t *object);

/* "1.5 MB" into `buf`; powers of 1000. */
const char *format_bytes(char *buf, size_t size, long long bytes);

double now_seconds(void); /* monotonic */

/* From here on SIGINT, SIGTERM and SIGHUP set a flag instead of ending the process; the
 * third one ends it at once. */
void interruption_catch(void);
bool interruption_seen(void);

#endif /* CLI_CONSOLE_H */
