/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of a file: fixed cases of RFC 9110, and for made-up texts what holds of every answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "server/ranges.h"

static void expect(const char *text, int64_t size, enum range_kind kind, int64_t first,
                   int64_t last)
{
    const struct range got = range_parse(text, size);
    if (got.kind != kind || (kind == RANGE_PART && (got.first != first || got.last != last)))
        fail_msg("%s of %lld: kind %d, %lld-%lld", text ? text : "none", (long long)size, got.kind,
                 (long long)got.first, (long long)got.last);
}

static void test_cases(void **state)
{
    (void)state;
    expect(NULL, 10, RANGE_WHOLE, 0, 0);
    expect("bytes=0-0", 1, RANGE_PART, 0, 0);
    expect("BYTES=2-", 10, RANGE_PART, 2, 9);
    expect("bytes= 2-3 ", 10, RANGE_PART, 2, 3);
    expect("bytes=-3", 10, RANGE_PART, 7, 9);
    expect("bytes=-30", 10, RANGE_PART, 0, 9);
    expect("bytes=9-99", 10, RANGE_PART, 9, 9);
    expect("bytes=0-18446744073709551616", 10, RANGE_PART, 0, 9);
    expect("bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0);
    expect("bytes=9223372036854775808-", 10, RANGE_UNSATISFIABLE, 0, 0);
    expect("bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0);
    expect("bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0);
    expect("bytes=-5", 0, RANGE_UNSATISFIABLE, 0, 0);
    expect("bytes=3-2", 10, RANGE_WHOLE, 0, 0);
    expect("bytes=0-1,4-5", 10, RANGE_WHOLE, 0, 0);
    expect("bytes=+1-2", 10, RANGE_WHOLE, 0, 0);
    expect("bytes", 10, RANGE_WHOLE, 0, 0);
    expect("", 10, RANGE_WHOLE, 0, 0);
}

static void test_any_first_and_last(void **state)
{
    (void)state;
    char text[64];
    for (int64_t size = 0; size <= 6; size++) {
        for (int first = 0; first <= 8; first++) {
            for (int last = 0; last <= 8; last++) {
                snprintf(text, sizeof text, "bytes=%d-%d", first, last);
                if (last < first)
                    expect(text, size, RANGE_WHOLE, 0, 0);
                else if (first >= size)
                    expect(text, size, RANGE_UNSATISFIABLE, 0, 0);
                else
                    expect(text, size, RANGE_PART, first, last < size ? last : size - 1);
            }
        }
    }
}

/* Whatever the text: a part lies inside the file. */
static void test_made_up_texts(void **state)
{
    static const char alphabet[] = "bytes=0123456789-, \t;x";
    (void)state;
    uint32_t seed = 1;
    for (int i = 0; i < 200000; i++) {
        char text[32] = "bytes=";
        const size_t length = 6 + (seed >> 8) % 20;
        for (size_t k = (i & 1) ? 6 : 0; k < length; k++) {
            seed = seed * 1664525u + 1013904223u;
            text[k] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        text[length] = '\0';
        seed = seed * 1664525u + 1013904223u;
        const int64_t size = (seed >> 16) % 1000;
        const struct range got = range_parse(text, size);
        if (got.kind == RANGE_PART && !(got.first >= 0 && got.first <= got.last && got.last < size))
            fail_msg("%s of %lld: %lld-%lld", text, (long long)size, (long long)got.first,
                     (long long)got.last);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_any_first_and_last),
        cmocka_unit_test(test_made_up_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
