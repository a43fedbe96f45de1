/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask: rate, origin, token. */
#ifndef SERVER_GUARD_H
#define SERVER_GUARD_H

#include "http.h"

/* Whether `address` is one that only this machine reaches. */
bool guard_is_loopback(const char *address);

/* 0, or the status of a refusal; *code and request->err say why. request->route may be NULL. */
int guard_check(struct request *request, const char *method, const char **code);

/* The cookie that stands for the token; `text` of `size` bytes. */
void guard_cookie(const struct server *server, char *text, size_t size);

/* Before the first request. */
void guard_begin(struct server *server);

#endif /* SERVER_GUARD_H */
