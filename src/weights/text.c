/* SPDX-License-Identifier: Apache-2.0 */
#include "weights/text.h"

#include <stdint.h>

/* Read one character at `at`; returns its bytes, 0 where it is malformed. */
static size_t read_character(const uint8_t *at, size_t left, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t value = at[0];
    size_t bytes = value < 0x80             ? 1
                   : (value & 0xe0) == 0xc0 ? 2
                   : (value & 0xf0) == 0xe0 ? 3
                   : (value & 0xf8) == 0xf0 ? 4
                                            : 0;
    if (bytes == 0 || bytes > left)
        return 0;
    if (bytes > 1)
        value &= 0x7fu >> bytes;
    for (size_t i = 1; i < bytes; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (at[i] & 0x3fu);
    }
    bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < least[bytes] || value > 0x10ffff || surrogate)
        return 0;
    *character = value;
    return bytes;
}

static bool check(const char *text, size_t length, bool controls)
{
    const uint8_t *at = (const uint8_t *)text;
    while (length > 0) {
        uint32_t c;
        size_t bytes = read_character(at, length, &c);
        bool control = bytes && (c < 0x20 || (c >= 0x7f && c <= 0x9f));
        if (bytes == 0 || c == 0 || (control && !controls))
            return false;
        at += bytes;
        length -= bytes;
    }
    return true;
}

bool st_text_is_utf8(const char *text, size_t length)
{
    return check(text, length, true);
}

bool st_text_is_name(const char *text, size_t length)
{
    return check(text, length, false);
}
