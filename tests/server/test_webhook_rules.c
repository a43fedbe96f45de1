/* SPDX-License-Identifier: Apache-2.0 */
/* Where webhooks may go, and how they are signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "server/public_address.h"
#include "server/webhook.h"
#include "server/webhook_sign.h"

static bool is_public(const char *text)
{
    struct sockaddr_storage any = {0};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    char host[64];
    const bool dotted = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
    if (dotted)
        memcpy(&any, &v4, sizeof v4);
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        memcpy(&any, &v6, sizeof v6);
    else
        fail_msg("%s is no address", text);
    const bool found = address_is_public((const struct sockaddr *)&any);
    snprintf(host, sizeof host, dotted ? "%s" : "[%s]", text);
    assert_int_equal(host_is_private(host), !found); /* both say the same */
    return found;
}

/* Guards: a network whose first or last address is let through, or that takes a neighbour along. */
static void test_networks_from_their_first_to_their_last_address(void **state)
{
    static const char *const inside[][2] = {
        {"0.0.0.0", "0.255.255.255"},
        {"10.0.0.0", "10.255.255.255"},
        {"100.64.0.0", "100.127.255.255"},
        {"127.0.0.0", "127.255.255.255"},
        {"169.254.0.0", "169.254.255.255"},
        {"172.16.0.0", "172.31.255.255"},
        {"192.0.0.0", "192.0.0.255"},
        {"192.0.2.0", "192.0.2.255"},
        {"192.88.99.0", "192.88.99.255"},
        {"192.168.0.0", "192.168.255.255"},
        {"198.18.0.0", "198.19.255.255"},
        {"198.51.100.0", "198.51.100.255"},
        {"203.0.113.0", "203.0.113.255"},
        {"224.0.0.0", "255.255.255.255"},
        {"::", "::1"},
        {"::ffff:8.8.8.8", "::ffff:127.0.0.1"},
        {"::8.8.8.8", "64:ff9b::8.8.8.8"},
        {"64:ff9b:1::", "100::1"},
        {"2001::", "2001:1ff:ffff::"},
        {"2001:db8::", "2001:db8:ffff::"},
        {"2002::", "2002:ffff:ffff::"},
        {"3fff::", "3fff:fff:ffff::"},
        {"fc00::", "fdff:ffff::"},
        {"fe80::", "febf:ffff::"},
        {"fec0::1", "feff::1"},
        {"ff00::", "ffff:ffff::"},
        {"4000::", "1fff:ffff::"},
    };
    static const char *const outside[] = {
        "1.0.0.0",         "9.255.255.255",   "11.0.0.0",       "100.63.255.255",
        "100.128.0.0",     "126.255.255.255", "128.0.0.0",      "169.253.255.255",
        "169.255.0.0",     "172.15.255.255",  "172.32.0.0",     "191.255.255.255",
        "192.0.1.0",       "192.0.3.0",       "192.88.98.255",  "192.88.100.0",
        "192.167.255.255", "192.169.0.0",     "198.17.255.255", "198.20.0.0",
        "198.51.99.255",   "198.51.101.0",    "203.0.112.255",  "203.0.114.0",
        "223.255.255.255", "2000::",          "2001:200::",     "2001:db7:ffff::",
        "2001:db9::",      "2003::1",         "2606:4700::1",   "3ffe:ffff::",
        "3fff:1000::",
    };
    (void)state;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        for (size_t k = 0; k < 2; k++) {
            if (is_public(inside[i][k]))
                fail_msg("%s was let through", inside[i][k]);
        }
    }
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        if (!is_public(outside[i]))
            fail_msg("%s was refused", outside[i]);
    }
}

static void test_other_families_and_names(void **state)
{
    const struct sockaddr local = {.sa_family = AF_UNIX};
    (void)state;
    assert_false(address_is_public(&local));
    assert_false(host_is_private("localhost"));
    assert_false(host_is_private("127.0.0.1.example.org"));
}

/* Guards: an address whose host libcurl decodes to bytes that are no text, which is kept, and
 * with which no list of videos can be sent any more. */
static void test_what_is_decoded_is_judged(void **state)
{
    static const char *const bad[] = {"https://a%ff.example/", "https://a%c3%a4.example/",
                                      "https://a%ff/", "https://%80/x"};
    const struct server_webhooks options = {.secret = "0123456789abcdef", .allow_private = true};
    char url[WEBHOOK_URL];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(webhook_check(url, bad[i], &options, NULL), SYNCTALK_E_ARG);
    assert_int_equal(webhook_check(url, "https://%61.example/%ff?%ff#x", &options, NULL),
                     SYNCTALK_OK);
    assert_string_equal(url, "https://a.example/%ff?%ff");
}

/* The example of the specification; that it says what HMAC-SHA256 does was checked with another
 * implementation. */
static void test_a_signature_that_is_known(void **state)
{
    struct webhook_key key;
    char signature[WEBHOOK_SIGNATURE];
    (void)state;
    assert_int_equal(webhook_key_read(&key, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", NULL),
                     SYNCTALK_OK);
    assert_int_equal(key.count, 24);
    assert_int_equal(webhook_sign(signature, &key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                                  "{\"test\": 2432232314}", NULL),
                     SYNCTALK_OK);
    assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void test_secrets(void **state)
{
    struct webhook_key key;
    char longest[WEBHOOK_KEY_MOST + 2];
    (void)state;
    memset(longest, 'a', sizeof longest);
    longest[WEBHOOK_KEY_MOST + 1] = '\0';
    assert_int_equal(webhook_key_read(&key, longest, NULL), SYNCTALK_E_ARG);
    longest[WEBHOOK_KEY_MOST] = '\0';
    assert_int_equal(webhook_key_read(&key, longest, NULL), SYNCTALK_OK);
    assert_int_equal(key.count, WEBHOOK_KEY_MOST);
    assert_int_equal(webhook_key_read(&key, "0123456789abcdef", NULL), SYNCTALK_OK);
    assert_int_equal(webhook_key_read(&key, "0123456789abcde", NULL), SYNCTALK_E_ARG);
    assert_int_equal(webhook_key_read(&key, "whsec_", NULL), SYNCTALK_E_ARG);
    assert_int_equal(webhook_key_read(&key, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", NULL),
                     SYNCTALK_E_ARG);
    assert_int_equal(webhook_key_read(&key, "whsec_MfKQ9r8GKYqrTwjUPD8ILA==", NULL), SYNCTALK_OK);
    assert_int_equal(key.count, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks_from_their_first_to_their_last_address),
        cmocka_unit_test(test_other_families_and_names),
        cmocka_unit_test(test_a_signature_that_is_known),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_what_is_decoded_is_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
