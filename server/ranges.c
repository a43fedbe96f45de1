/* SPDX-License-Identifier: Apache-2.0 */
#include "ranges.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Digits at *at, which moves past them; a number too large for any file is the largest there
 * is. false: there are none. */
static bool digits(const char **at, int64_t *number)
{
    const char *begin = *at;
    int64_t value = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        const int digit = **at - '0';
        value = value > (INT64_MAX - digit) / 10 ? INT64_MAX : value * 10 + digit;
    }
    *number = value;
    return *at > begin;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* The last `count` bytes. */
static struct range suffix(int64_t count, int64_t size)
{
    if (count == 0 || size == 0)
        return (struct range){.kind = RANGE_UNSATISFIABLE};
    return (struct range){RANGE_PART, count < size ? size - count : 0, size - 1};
}

struct range range_parse(const char *text, int64_t size)
{
    const struct range whole = {.kind = RANGE_WHOLE};
    struct range range = {.kind = RANGE_PART, .last = INT64_MAX};
    if (!text || strncasecmp(text, "bytes=", 6) != 0)
        return whole;
    const char *at = skip_blanks(text + 6);
    const bool has_first = digits(&at, &range.first);
    if (*at++ != '-')
        return whole;
    const bool has_last = digits(&at, &range.last);
    if (*skip_blanks(at) || (!has_first && !has_last))
        return whole;
    if (!has_first)
        return suffix(range.last, size);
    if (!has_last)
        range.last = INT64_MAX;
    if (range.last < range.first)
        return whole;
    if (range.first >= size)
        return (struct range){.kind = RANGE_UNSATISFIABLE};
    if (range.last >= size)
        range.last = size - 1;
    return range;
}
