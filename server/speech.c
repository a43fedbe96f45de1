/* SPDX-License-Identifier: Apache-2.0 */
#include "speech.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

#define PROGRAM "espeak-ng"
#define SECONDS 60             /* that it may take */
#define MOST (64u << 20)       /* bytes of a sound: some 25 minutes */
#define MOST_VOICES (1u << 20) /* bytes of the list */
#define MEMORY_MB 1000
#define HEAD 44 /* bytes of the head that it writes */

static bool is_program(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

void speech_find(struct speech *speech)
{
    const char *at = getenv("PATH");
    char path[PATH_MAX];
    speech->program[0] = '\0';
    while (at && *at) {
        const size_t length = strcspn(at, ":");
        const int made = snprintf(path, sizeof path, "%.*s/%s", (int)length, at, PROGRAM);
        if (*at == '/' && made > 0 && (size_t)made < sizeof path && is_program(path) &&
            realpath(path, speech->program))
            return;
        at += length + (at[length] == ':');
    }
    speech->program[0] = '\0';
}

/* Also what only separates words counts; RFC 3629 makes every character one byte that is no
 * continuation. */
static size_t characters_of(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* As espeak-ng names them: "de", "en-gb", "cmn-latn-pinyin", "en-us+f3". Never an option. */
static bool is_voice(const char *voice)
{
    const size_t length = strlen(voice);
    return length > 0 && length < SPEECH_VOICE && voice[0] != '-' &&
           strspn(voice, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+") ==
               length;
}

synctalk_status speech_check(const char *text, const char *voice, synctalk_error *err)
{
    if (!text || text[strspn(text, " \t\r\n")] == '\0')
        return server_fail(err, SYNCTALK_E_ARG, "text: a sentence is needed");
    const size_t count = characters_of(text);
    if (count > SPEECH_CHARACTERS)
        return server_fail(err, SYNCTALK_E_ARG,
                           "text: it has %zu characters, and %d are as many as may be", count,
                           SPEECH_CHARACTERS);
    if (!voice || !is_voice(voice))
        return server_fail(err, SYNCTALK_E_ARG,
                           "voice: the id of a voice is needed; /v1/voices lists them");
    return SYNCTALK_OK;
}

/* It sees its own data and libraries, and nothing of the project. */
static json_t *start_of(const struct speech *speech)
{
    return json_pack("{s:s, s:[s, s], s:[], s:i}", "program", speech->program, "reads",
                     "/usr/share/espeak-ng-data", "/usr/local/share/espeak-ng-data", "writes",
                     "memory_mb", MEMORY_MB);
}

struct question_order speech_order(const struct speech *speech, const char *text, const char *voice)
{
    return (struct question_order){
        .ask = json_pack("{s:s, s:s, s:[s, s, s, s, s, s]}", "ask", "speak", "text", text,
                         "arguments", "-v", voice, "-b", "1", "--stdin", "--stdout"),
        .start = start_of(speech),
        .seconds = SECONDS,
        .most_raw = MOST,
    };
}

struct question_order speech_voices_order(const struct speech *speech)
{
    return (struct question_order){
        .ask = json_pack("{s:s, s:[s]}", "ask", "speak", "arguments", "--voices"),
        .start = start_of(speech),
        .seconds = SECONDS,
        .most_raw = MOST_VOICES,
    };
}

static void put32(unsigned char *at, size_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

bool speech_end(unsigned char *wav, size_t size)
{
    if (size <= HEAD || size > MOST + HEAD || memcmp(wav, "RIFF", 4) != 0 ||
        memcmp(wav + 8, "WAVEfmt ", 8) != 0 || memcmp(wav + 36, "data", 4) != 0)
        return false;
    put32(wav + 4, size - 8);
    put32(wav + 40, size - HEAD);
    return true;
}

static int by_name(const void *a, const void *b)
{
    const json_t *const *x = a;
    const json_t *const *y = b;
    return strcmp(json_string_value(json_object_get(*x, "name")),
                  json_string_value(json_object_get(*y, "name")));
}

static json_t *sorted(json_t *voices)
{
    const size_t count = json_array_size(voices);
    json_t **rows = calloc(count + 1, sizeof(json_t *));
    json_t *array = json_array();
    for (size_t i = 0; i < count && rows; i++)
        rows[i] = json_array_get(voices, i);
    if (rows)
        qsort(rows, count, sizeof(json_t *), by_name);
    for (size_t i = 0; i < count && rows; i++)
        json_array_append(array, rows[i]);
    free(rows);
    json_decref(voices);
    return array;
}

/* Lines of "priority language age/gender name file others", blanks in the name being '_'. */
json_t *speech_voices(const unsigned char *text, size_t size)
{
    json_t *voices = json_array();
    const char *at = (const char *)text;
    const char *end = at + size;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const size_t length = (size_t)((stop ? stop : end) - at);
        char line[256];
        char id[64];
        char name[64];
        snprintf(line, sizeof line, "%.*s", (int)(length < sizeof line ? length : 0), at);
        if (sscanf(line, "%*s %63s %*s %63s", id, name) == 2 && is_voice(id)) {
            for (char *blank = name; (blank = strchr(blank, '_'));)
                *blank = ' ';
            json_array_append_new(voices, json_pack("{s:s, s:s}", "id", id, "name", name));
        }
        at += length + 1;
    }
    return sorted(voices);
}
