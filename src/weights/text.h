/* SPDX-License-Identifier: Apache-2.0 */
/* What names from files must be before they are kept or printed. */
#ifndef ST_WEIGHTS_TEXT_H
#define ST_WEIGHTS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Well-formed UTF-8 (RFC 3629) without a zero byte. */
bool st_text_is_utf8(const char *text, size_t length);
/* The same, and no control character, so that it can be printed to a terminal. */
bool st_text_is_name(const char *text, size_t length);

#endif /* ST_WEIGHTS_TEXT_H */
