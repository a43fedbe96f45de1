/* SPDX-License-Identifier: Apache-2.0 */
/* strtod() will not do: its decimal point is the locale's, and it takes "nan", "inf" and
 * hexadecimal. */
#include "face/number.h"

#include <math.h>
#include <stddef.h>

#define DIGITS_MAX 18 /* significant ones that count; a double holds no more */
#define EXPONENT_MAX 400

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\0';
}

void st_text_skip_blanks(struct st_text *text)
{
    while (text->at < text->end && is_blank(*text->at))
        text->at++;
}

static bool take(struct st_text *text, char c)
{
    if (text->at == text->end || *text->at != c)
        return false;
    text->at++;
    return true;
}

static bool take_digit(struct st_text *text, int *digit)
{
    if (text->at == text->end || *text->at < '0' || *text->at > '9')
        return false;
    *digit = *text->at++ - '0';
    return true;
}

/* Digits, of which the first DIGITS_MAX are added to *value; *scale counts powers of ten
 * still missing from it. Returns how many digits there were. */
static size_t take_digits(struct st_text *text, double *value, int *used, int *scale, bool fraction)
{
    size_t count = 0;
    int digit;
    for (; take_digit(text, &digit); count++) {
        bool counts = *used < DIGITS_MAX;
        if (counts) {
            *value = *value * 10 + digit;
            *used += *value != 0;
        }
        *scale += (counts ? 0 : 1) - (fraction ? 1 : 0);
    }
    return count;
}

static bool take_exponent(struct st_text *text, int *exponent)
{
    bool minus = take(text, '-');
    bool any = false;
    int value = 0;
    int digit;
    if (!minus)
        (void)take(text, '+');
    for (; take_digit(text, &digit); any = true)
        value = value < EXPONENT_MAX ? value * 10 + digit : value;
    *exponent = minus ? -value : value;
    return any;
}

bool st_text_number(struct st_text *text, double *number)
{
    double value = 0;
    int used = 0;
    int scale = 0;
    int exponent = 0;

    bool minus = take(text, '-');
    if (!minus)
        (void)take(text, '+');
    size_t digits = take_digits(text, &value, &used, &scale, false);
    if (take(text, '.'))
        digits += take_digits(text, &value, &used, &scale, true);
    if (digits == 0)
        return false;
    if ((take(text, 'e') || take(text, 'E')) && !take_exponent(text, &exponent))
        return false;
    if (text->at < text->end && !is_blank(*text->at))
        return false;
    scale += exponent;
    /* Dividing by an exact power of ten rounds once; multiplying by its inverse twice. */
    value = scale < 0 ? value / pow(10, -scale) : value * pow(10, scale);
    *number = minus ? -value : value;
    return true;
}
