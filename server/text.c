/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <stdio.h>
#include <string.h>

/* Bytes of the character at `at`, or 0 where there is none. Table 3-7 of the Unicode standard. */
static size_t character(const unsigned char *at, size_t left)
{
    const unsigned first = at[0];
    if (first < 0x80)
        return first != 0;
    size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                    : first >= 0xe0 && first <= 0xef ? 3
                    : first >= 0xf0 && first <= 0xf4 ? 4
                                                     : 0;
    if (length == 0 || length > left)
        return 0;
    const unsigned second = at[1];
    const unsigned least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (second < least || second > most)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

bool text_is_utf8(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text;
    while (length > 0) {
        const size_t step = character(at, length);
        if (step == 0)
            return false;
        at += step;
        length -= step;
    }
    return true;
}

void text_clean_name(char *to, size_t size, const char *from)
{
    size_t used = 0;
    const char *slash = from ? strrchr(from, '/') : NULL;
    const char *at = slash ? slash + 1 : from;
    const char *back = at ? strrchr(at, '\\') : NULL;
    at = back ? back + 1 : at;
    if (!at || !*at)
        at = "file";
    for (size_t left = strlen(at); left > 0;) {
        const unsigned char first = (unsigned char)*at;
        size_t step = character((const unsigned char *)at, left);
        /* C1 controls are two bytes, the first 0xc2. */
        const bool control = first < 0x20 || first == 0x7f ||
                             (first == 0xc2 && step == 2 && (unsigned char)at[1] < 0xa0);
        const bool replaced = step == 0 || control;
        step = step == 0 ? 1 : step;
        if (used + (replaced ? 1 : step) >= size)
            break;
        if (replaced)
            to[used++] = '?';
        else
            for (size_t i = 0; i < step; i++)
                to[used++] = at[i];
        at += step;
        left -= step;
    }
    to[used] = '\0';
}

bool text_to_number(const char *text, int64_t most, int64_t *number)
{
    int64_t value = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > (most - (*text - '0')) / 10)
            return false;
        value = value * 10 + (*text - '0');
    }
    *number = value;
    return true;
}

/* Half a character at the end, which a cut has left, goes. */
static void drop_half(char *text)
{
    size_t end = strlen(text);
    const size_t length = end;
    while (end > 0 && ((unsigned char)text[end - 1] & 0xc0) == 0x80)
        end--;
    end -= end > 0;
    if (character((const unsigned char *)text + end, length - end) != length - end)
        text[end] = '\0';
}

void text_replace(char *text, size_t size, const char *from, const char *to)
{
    const size_t old_length = strlen(from);
    const size_t new_length = strlen(to);
    if (old_length == 0)
        return;
    for (char *at = strstr(text, from); at; at = strstr(at + new_length, from)) {
        char rest[1024];
        snprintf(rest, sizeof rest, "%s", at + old_length);
        const size_t before = (size_t)(at - text);
        if (snprintf(at, size - before, "%s%s", to, rest) >= (int)(size - before))
            drop_half(text);
        if (before + new_length >= size)
            return;
    }
}
