/* SPDX-License-Identifier: Apache-2.0 */
/* Text from strangers, and what is told of a job in work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/fail.h"
#include "server/ids.h"
#include "server/live.h"
#include "server/rate.h"
#include "server/text.h"

static void test_utf8(void **state)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\xc3\xa4",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80",
                                       "\xed\x9f\xbf",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",         "\xc3",         "\xc0\x80",
                                      "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xff",         "a\xe2\x82",    "\xf0\x8f\xbf\xbf"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(text_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(text_is_utf8(bad[i], strlen(bad[i])));
    assert_false(text_is_utf8("a\0b", 3));
}

static void expect_name(const char *from, const char *expected)
{
    char name[8];
    text_clean_name(name, sizeof name, from);
    assert_string_equal(name, expected);
}

static void test_names(void **state)
{
    (void)state;
    expect_name(NULL, "file");
    expect_name("", "file");
    expect_name("../..", "..");
    expect_name("/etc/pw", "pw");
    expect_name("C:\\a\\b.w", "b.w");
    expect_name("a\nb\x1b\x7f", "a?b??");
    expect_name("\xc2\x9b", "?"); /* a C1 control */
    expect_name("12345678", "1234567");
    expect_name("123456\xc3\xa4", "123456"); /* not half a character */
    expect_name("\xff\xfe", "??");
}

static void test_numbers(void **state)
{
    static const char *const bad[] = {"",   "-1",  "+1",  " 1",
                                      "1 ", "0x1", "101", "9999999999999999999"};
    int64_t number = -1;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(text_to_number(bad[i], 100, &number));
    assert_true(text_to_number("100", 100, &number));
    assert_int_equal(number, 100);
    assert_true(text_to_number("9223372036854775807", INT64_MAX, &number));
    assert_false(text_to_number("9223372036854775808", INT64_MAX, &number));
}

static void test_replacing(void **state)
{
    char text[16] = "/a/b and /a/b";
    (void)state;
    text_replace(text, sizeof text, "/a/b", "x");
    assert_string_equal(text, "x and x");
    text_replace(text, sizeof text, "x", "longer name");
    assert_string_equal(text, "longer name and"); /* cut to fit */
    text_replace(text, sizeof text, "", "y");
    assert_string_equal(text, "longer name and");
    snprintf(text, sizeof text, "x 45678901234\xc3\xa4"); /* not half a character */
    text_replace(text, sizeof text, "x", "xx");
    assert_string_equal(text, "xx 45678901234");
    snprintf(text, sizeof text, "x 456789012\xc3\xa4y");
    text_replace(text, sizeof text, "x", "abc");
    assert_string_equal(text, "abc 456789012\xc3\xa4");
}

/* Guards: a sentence with a long name that is cut inside a character, is no UTF-8 then, and cannot
 * be sent: the connection is closed without an answer. */
static void test_sentences_that_are_cut(void **state)
{
    char name[640];
    (void)state;
    for (size_t odd = 0; odd < 4; odd++) {
        synctalk_error err = {0};
        size_t length = odd;
        memset(name, 'a', odd);
        for (; length + 4 < sizeof name; length += 4)
            memcpy(name + length, "\xf0\x9f\x98\x80", 5);
        assert_int_equal(server_fail(&err, SYNCTALK_E_ARG, "%s: none", name), SYNCTALK_E_ARG);
        length = strlen(err.message);
        assert_true(length > sizeof err.message - 8 && length < sizeof err.message);
        assert_true(text_is_utf8(err.message, length));
        assert_string_equal(err.message + length - 3, "...");
    }
}

static void test_ids(void **state)
{
    char id[ID_SIZE];
    (void)state;
    id_make(id, "upload");
    assert_true(id_is_well_formed(id, strlen(id)));
    assert_false(id_is_well_formed("", 0));
    assert_false(id_is_well_formed("a/b", 3));
    assert_false(id_is_well_formed("..", 2));
    assert_false(id_is_well_formed("A", 1));
    assert_true(same_secret("abc", "abc"));
    assert_false(same_secret("abc", "abd"));
    assert_false(same_secret("abc", "abcd"));
}

/* Whatever is told: percent never falls, and comes to 100. */
static void test_progress(void **state)
{
    static const synctalk_progress told[] = {
        {.stage = "dataset", .done = 5, .total = 10},
        {.stage = "sound", .done = 9},
        {.stage = "faces", .done = 1, .total = 2},
        {.stage = "features", .done = 3, .total = 3},
        {.stage = "frames", .done = 0, .total = 100},
        {.stage = "frames", .done = 50, .total = 100},
        {.stage = "sound", .done = 1, .total = 9},
        {.stage = "frames", .done = 100, .total = 100},
        {.stage = "unheard of", .done = 1, .total = 2},
        {.stage = "finish", .done = 1, .total = 1},
    };
    struct live live;
    double before = 0;
    (void)state;
    live_begin(&live, "video-1");
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        live_update(&live, &told[i], (double)i);
        assert_true(live.percent >= before && live.percent <= 100);
        before = live.percent;
    }
    assert_true(before == 100);
    live_begin(&live, "video-2");
    live_update(&live, &told[4], 10);
    live_update(&live, &told[5], 12);
    assert_true(live.fps == 25);
    assert_true(live.eta == 2);
}

static void test_rate(void **state)
{
    static struct rate rate;
    int allowed = 0;
    (void)state;
    rate_begin(&rate, 10);
    for (int i = 0; i < 30; i++)
        allowed += rate_allows(&rate, "a", 1, 1);
    assert_int_equal(allowed, 10);
    assert_true(rate_allows(&rate, "b", 1, 1)); /* another address */
    assert_false(rate_allows(&rate, "a", 1, 1.05));
    assert_true(rate_allows(&rate, "a", 1, 1.15));
    rate_end(&rate);
    rate_begin(&rate, 0);
    for (int i = 0; i < 1000; i++)
        assert_true(rate_allows(&rate, "a", 1, 1));
    rate_end(&rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8),    cmocka_unit_test(test_names),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_replacing),
        cmocka_unit_test(test_ids),     cmocka_unit_test(test_progress),
        cmocka_unit_test(test_rate),    cmocka_unit_test(test_sentences_that_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
