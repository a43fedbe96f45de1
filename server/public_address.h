/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses are of the Internet at large, and not of this machine or its networks. */
#ifndef SERVER_PUBLIC_ADDRESS_H
#define SERVER_PUBLIC_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Whether `address` is IPv4 or IPv6 that is routed everywhere. What is not, or leads to an IPv4
 * address by way of another form (mapped, 6to4, NAT64, Teredo), is refused as a whole. */
bool address_is_public(const struct sockaddr *address);

/* Whether `host`, of a URL, is written as numbers ("10.0.0.1", "[::1]") of an address that is not
 * public. false of names: where they lead is known when they are asked for. */
bool host_is_private(const char *host);

#endif /* SERVER_PUBLIC_ADDRESS_H */
