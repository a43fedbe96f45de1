/* SPDX-License-Identifier: Apache-2.0 */
/* Text from strangers. */
#ifndef SERVER_TEXT_H
#define SERVER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Well-formed UTF-8 without NUL, as RFC 3629 has it. */
bool text_is_utf8(const char *text, size_t length);

/* The last part of a file's name as a client gave it, fit to be shown: what is not UTF-8 and
 * control characters become '?', a name that is too long is cut between characters. `from` may
 * be NULL: "file". */
void text_clean_name(char *to, size_t size, const char *from);

/* Decimal digits alone, at most `most`. */
bool text_to_number(const char *text, int64_t most, int64_t *number);

/* `text` with every `from` replaced by `to`; cut to fit its `size` bytes, between characters. */
void text_replace(char *text, size_t size, const char *from, const char *to);

#endif /* SERVER_TEXT_H */
