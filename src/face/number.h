/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in text files, the same in every locale. */
#ifndef ST_FACE_NUMBER_H
#define ST_FACE_NUMBER_H

#include <stdbool.h>

/* Unread text of one line, borrowed. */
struct st_text {
    const char *at, *end;
};

void st_text_skip_blanks(struct st_text *text); /* space, tab, CR, NUL */

/* [+-]digits[.digits][e[+-]digits], ended by a blank or the end of the line. */
bool st_text_number(struct st_text *text, double *number);

#endif /* ST_FACE_NUMBER_H */
