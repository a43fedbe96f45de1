/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "fail.h"

#define COOKIE "synctalk-session"

bool guard_is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, address, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* Not the token itself: what a browser keeps should not open anything but this server, and not
 * after the token was changed. */
void guard_begin(struct server *server)
{
    static const char purpose[] = "synctalk session";
    const char *token = server->options->token;
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned count = 0;
    if (!token)
        return;
    HMAC(EVP_sha256(), token, (int)strlen(token), (const unsigned char *)purpose,
         sizeof purpose - 1, bytes, &count);
    hex_of(server->session, bytes, count);
}

void guard_cookie(const struct server *server, char *text, size_t size)
{
    snprintf(text, size, COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=604800",
             server->session);
}

static bool rate_is_kept(struct request *request)
{
    struct timespec now;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *from = info ? info->client_addr : NULL;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const double at = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    if (from && from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;
        return rate_allows(&request->server->rate, &v6->sin6_addr, 8, at); /* a host has a /64 */
    }
    if (from && from->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;
        return rate_allows(&request->server->rate, &v4->sin_addr, sizeof v4->sin_addr, at);
    }
    return true;
}

/* Without a token nothing tells the user's own page from another site's, which a name that was
 * made to lead here could serve. So the name must be one of this machine. */
static bool host_is_local(const char *host)
{
    char name[64];
    if (!host)
        return false;
    if (host[0] == '[') {
        const char *end = strchr(host, ']');
        if (!end || (size_t)(end - host) >= sizeof name)
            return false;
        snprintf(name, sizeof name, "%.*s", (int)(end - host - 1), host + 1);
        return guard_is_loopback(name);
    }
    const size_t length = strcspn(host, ":");
    if (length >= sizeof name)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)length, host);
    return strcasecmp(name, "localhost") == 0 || guard_is_loopback(name);
}

/* A browser says which site a request comes from; another site's may not change anything.
 *
 * Behind a proxy that hands on another Host, a browser's own word counts: Sec-Fetch-Site compares
 * the page with the address that it asked, and no page can set it. A page whose name was made to
 * lead here is of that site, too; so it counts where there is a token only, which such a page has
 * not: cookies are of the name under which they were set. */
static bool origin_is_own(const struct request *request)
{
    const char *origin = request_header(request, "Origin");
    const char *host = request_header(request, "Host");
    const char *site = request_header(request, "Sec-Fetch-Site");
    if (!origin)
        return true;
    const char *name = strstr(origin, "://");
    if (name && host && strcasecmp(name + 3, host) == 0)
        return true;
    return request->server->options->token && site && strcmp(site, "same-origin") == 0;
}

/* A field of a header, fit to be shown. */
static const char *shown(char text[80], const char *field)
{
    snprintf(text, 80, "%s", field ? field : "");
    for (char *at = text; *at; at++) {
        if (*at < 0x20 || *at > 0x7e)
            *at = '?';
    }
    return text;
}

static int refuse_origin(struct request *request)
{
    char origin[80];
    char host[80];
    server_fail(&request->err, SYNCTALK_E_ARG,
                "a page of %s may not send requests to this server, which was asked as %s; where "
                "both are the same site, the proxy between them has to hand on the Host that it is "
                "asked for (nginx: proxy_set_header Host $http_host), and the server needs a token "
                "(--token-file)",
                shown(origin, request_header(request, "Origin")),
                shown(host, request_header(request, "Host")));
    return MHD_HTTP_FORBIDDEN;
}

static bool token_is_right(const struct request *request)
{
    const struct server *server = request->server;
    const char *said = request_header(request, "Authorization");
    const char *cookie = MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, COOKIE);
    if (!server->options->token)
        return true;
    if (said && strncasecmp(said, "Bearer ", 7) == 0)
        return same_secret(said + 7, server->options->token);
    return cookie && same_secret(cookie, server->session);
}

static int refuse(struct request *request, int status, const char *sentence)
{
    server_fail(&request->err, SYNCTALK_E_ARG, "%s", sentence);
    return status;
}

int guard_check(struct request *request, const char *method, const char **code)
{
    const bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    *code = "too_many_requests";
    if (!rate_is_kept(request))
        return refuse(request, MHD_HTTP_TOO_MANY_REQUESTS,
                      "more requests came from this address than may in a second (--max-rate)");
    *code = "forbidden";
    if (!request->server->options->token && !host_is_local(request_header(request, "Host")))
        return refuse(request, MHD_HTTP_FORBIDDEN,
                      "a server without a token (--token-file) answers under the names of this "
                      "machine only, such as localhost");
    if (!reads && !origin_is_own(request))
        return refuse_origin(request);
    *code = "unauthorized";
    if (request->route && !request->route->open && !token_is_right(request))
        return refuse(request, MHD_HTTP_UNAUTHORIZED,
                      "this server asks for its token: Authorization: Bearer TOKEN");
    *code = NULL;
    return 0;
}
