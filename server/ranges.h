/* SPDX-License-Identifier: Apache-2.0 */
/* The header field Range (RFC 9110, section 14). */
#ifndef SERVER_RANGES_H
#define SERVER_RANGES_H

#include <stdint.h>

enum range_kind {
    RANGE_WHOLE,         /* no range, several, another unit, or not well-formed: all is sent */
    RANGE_PART,          /* first ... last */
    RANGE_UNSATISFIABLE, /* well-formed, and nothing of it is there */
};

struct range {
    enum range_kind kind;
    int64_t first, last; /* of a part: 0 <= first <= last < size */
};

/* Of a representation of `size` >= 0 bytes; `text` may be NULL. */
struct range range_parse(const char *text, int64_t size);

#endif /* SERVER_RANGES_H */
