/* SPDX-License-Identifier: Apache-2.0 */
#include "public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct network {
    uint32_t begin;
    int bits;
};

#define V4(a, b, c, d) \
    (((uint32_t)(a) << 24) | ((uint32_t)(b) << 16) | ((uint32_t)(c) << 8) | (uint32_t)(d))

/* Source: IANA, "IPv4 Special-Purpose Address Registry", and multicast and what is above it. */
static const struct network special4[] = {
    {V4(0, 0, 0, 0), 8},       /* this network, and the unspecified address */
    {V4(10, 0, 0, 0), 8},      /* private */
    {V4(100, 64, 0, 0), 10},   /* shared by customers of a provider */
    {V4(127, 0, 0, 0), 8},     /* loopback */
    {V4(169, 254, 0, 0), 16},  /* link-local, and where clouds keep a machine's secrets */
    {V4(172, 16, 0, 0), 12},   /* private */
    {V4(192, 0, 0, 0), 24},    /* protocol assignments */
    {V4(192, 0, 2, 0), 24},    /* documentation */
    {V4(192, 88, 99, 0), 24},  /* relays of 6to4 */
    {V4(192, 168, 0, 0), 16},  /* private */
    {V4(198, 18, 0, 0), 15},   /* benchmarks */
    {V4(198, 51, 100, 0), 24}, /* documentation */
    {V4(203, 0, 113, 0), 24},  /* documentation */
    {V4(224, 0, 0, 0), 3},     /* multicast, reserved, broadcast */
};

/* The first 32 bits. Only 2000::/3 is given out to be routed everywhere, and of it not these.
 * Source: IANA, "IPv6 Special-Purpose Address Registry". */
static const struct network special6[] = {
    {0x20010000, 23}, /* protocol assignments, among them Teredo */
    {0x20010db8, 32}, /* documentation */
    {0x20020000, 16}, /* 6to4: an IPv4 address is inside */
    {0x3fff0000, 20}, /* documentation */
};

static bool is_in(uint32_t bits, const struct network *network)
{
    return ((bits ^ network->begin) >> (32 - network->bits)) == 0;
}

static bool is_public4(uint32_t address)
{
    for (size_t i = 0; i < sizeof special4 / sizeof *special4; i++) {
        if (is_in(address, &special4[i]))
            return false;
    }
    return true;
}

static bool is_public6(const struct in6_addr *address)
{
    uint32_t head;
    memcpy(&head, address->s6_addr, sizeof head);
    head = ntohl(head);
    if (head >> 29 != 1)
        return false;
    for (size_t i = 0; i < sizeof special6 / sizeof *special6; i++) {
        if (is_in(head, &special6[i]))
            return false;
    }
    return true;
}

bool address_is_public(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    switch (address->sa_family) {
    case AF_INET:
        memcpy(&v4, address, sizeof v4);
        return is_public4(ntohl(v4.sin_addr.s_addr));
    case AF_INET6:
        memcpy(&v6, address, sizeof v6);
        return is_public6(&v6.sin6_addr);
    default:
        return false;
    }
}

bool host_is_private(const char *host)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    const bool bracket = *host == '[';
    const size_t length = bracket ? strcspn(host + 1, "]") : strlen(host);
    if (length >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)length, host + bracket);
    if (inet_pton(AF_INET, text, &v4) == 1)
        return !is_public4(ntohl(v4.s_addr));
    return inet_pton(AF_INET6, text, &v6) == 1 && !is_public6(&v6);
}
