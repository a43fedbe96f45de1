/* SPDX-License-Identifier: Apache-2.0 */
#include "console.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Bytes of the printable UTF-8 character at `s`; 0 where there is none. Overlong forms,
 * surrogates and both control ranges count as none. */
static size_t printable_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return s[0] >= 0x20 && s[0] != 0x7f;
    size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    unsigned code = s[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0u) != 0x80u)
            return 0;
        code = code << 6 | (s[i] & 0x3fu);
    }
    static const unsigned least[] = {0, 0, 0xa0, 0x800, 0x10000};
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code >= least[length] && code <= 0x10ffff && !surrogate ? length : 0;
}

char *clean_text(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return NULL;
    for (size_t i = 0; copy[i];) {
        size_t length = printable_length((const unsigned char *)copy + i);
        if (length == 0)
            copy[i] = '?';
        i += length ? length : 1;
    }
    return copy;
}

void print_clean(FILE *file, const char *text)
{
    char *copy = clean_text(text);
    fputs(copy ? copy : "?", file);
    free(copy);
}

json_t *json_clean(const char *text)
{
    if (!text)
        return json_null();
    char *copy = clean_text(text);
    json_t *string = copy ? json_string(copy) : NULL;
    free(copy);
    return string;
}

void print_json_line(FILE *file, json_t *object)
{
    if (!object) {
        say(NULL, "no memory for a line of JSON");
        return;
    }
    json_dumpf(object, file, JSON_COMPACT | JSON_REAL_PRECISION(6));
    fputc('\n', file);
    fflush(file);
    json_decref(object);
}

void say(const char *command, const char *format, ...)
{
    char sentence[2048];
    va_list args;
    va_start(args, format);
    /* clang 14 does not see va_start() here. NOLINTNEXTLINE(clang-analyzer-valist.*) */
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);

    fprintf(stderr, "synctalk%s%s: ", command ? " " : "", command ? command : "");
    print_clean(stderr, sentence);
    fputc('\n', stderr);
}

const char *format_bytes(char *buf, size_t size, long long bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    snprintf(buf, size, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return buf;
}

double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static volatile sig_atomic_t interruptions; /* what a handler may touch, and nothing more */

static void on_signal(int number)
{
    (void)number;
    if (interruptions >= 2)
        _exit(EXIT_INTERRUPTED);
    interruptions = interruptions + 1;
}

void interruption_catch(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        struct sigaction before;
        sigemptyset(&action.sa_mask);
        bool ignored = sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN;
        /* nohup's wish stays. A script's shell ignores SIGINT for what runs behind it, but
         * whoever sends one to this process alone means it. */
        if (numbers[i] != SIGHUP || !ignored)
            sigaction(numbers[i], &action, NULL);
    }
}

bool interruption_seen(void)
{
    return interruptions > 0;
}
