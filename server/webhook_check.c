/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "public_address.h"
#include "webhook.h"

static synctalk_status refuse(synctalk_error *err, const char *why)
{
    return server_fail(err, SYNCTALK_E_ARG, "webhook: %s", why);
}

static bool is_plain(const char *text)
{
    size_t length = 0;
    for (; text[length]; length++) {
        if (text[length] < 0x21 || text[length] > 0x7e || length + 1 >= WEBHOOK_URL)
            return false;
    }
    return length > 0;
}

static bool part_is(CURLU *parts, CURLUPart part, const char *value)
{
    char *text = NULL;
    const bool same =
        curl_url_get(parts, part, &text, 0) == CURLUE_OK && value && strcmp(text, value) == 0;
    curl_free(text);
    return same;
}

static bool has(CURLU *parts, CURLUPart part)
{
    char *text = NULL;
    const bool there = curl_url_get(parts, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return there;
}

/* libcurl has written numbers in any form ("0x7f000001", "127.1") as dotted ones. */
static bool leads_inside(CURLU *parts)
{
    char *host = NULL;
    const bool inside =
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && host_is_private(host);
    curl_free(host);
    return inside;
}

static synctalk_status check_parts(CURLU *parts, const char *text,
                                   const struct server_webhooks *options, synctalk_error *err)
{
    if (curl_url_set(parts, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        return refuse(err, "no address that can be read; it has the form https://HOST/PATH");
    if (!part_is(parts, CURLUPART_SCHEME, "https") &&
        !(options->allow_private && part_is(parts, CURLUPART_SCHEME, "http")))
        return refuse(err, "an address that begins with https:// is needed");
    if (has(parts, CURLUPART_USER) || has(parts, CURLUPART_PASSWORD) ||
        has(parts, CURLUPART_ZONEID))
        return refuse(err, "an address without a user, a password or a zone is needed");
    if (!options->allow_private && leads_inside(parts))
        return refuse(err, "this is an address of a machine or of a network of its own, to which "
                           "this server sends nothing (--webhook-allow-private)");
    return curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK
               ? SYNCTALK_OK
               : server_fail_memory(err, "the address of a webhook");
}

synctalk_status webhook_check(char url[WEBHOOK_URL], const char *text,
                              const struct server_webhooks *options, synctalk_error *err)
{
    char *whole = NULL;
    if (!options->secret)
        return refuse(err, "this server was started without a secret to sign with "
                           "(--webhook-secret-file), and sends none");
    if (!text || !is_plain(text))
        return server_fail(err, SYNCTALK_E_ARG,
                           "webhook: an address of at most %d ASCII characters is needed",
                           WEBHOOK_URL - 1);
    CURLU *parts = curl_url();
    synctalk_status st = parts ? check_parts(parts, text, options, err)
                               : server_fail_memory(err, "the address of a webhook");
    if (!st && curl_url_get(parts, CURLUPART_URL, &whole, 0) != CURLUE_OK)
        st = server_fail_memory(err, "the address of a webhook");
    if (!st && strlen(whole) >= WEBHOOK_URL)
        st = refuse(err, "the address is too long");
    if (!st && !is_plain(whole)) /* libcurl has decoded what was written as %XX in the host */
        st = refuse(err, "the name of the host has bytes that are no ASCII characters");
    if (!st)
        snprintf(url, WEBHOOK_URL, "%s", whole);
    curl_free(whole);
    curl_url_cleanup(parts);
    return st;
}
