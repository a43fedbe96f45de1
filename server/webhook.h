/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks: how a job ended is told to an address that its request named.
 *
 * One thread sends, several at a time, and holds up nobody: what is due is read from the store,
 * and a job ends whether it could be told or not. A receiver hears of a job at least once, under
 * the same webhook-id each time. Only webhook*.c know libcurl.
 *
 * Where a delivery may go is judged of the address that is about to be connected to, not of a
 * name: what a name leads to may differ from one look to the next.
 */
#ifndef SERVER_WEBHOOK_H
#define SERVER_WEBHOOK_H

#include "jobs.h"
#include "server.h"

struct webhooks;

/* Deliveries that the server before this one was sending are due again. Borrowed until
 * webhooks_close(). E_ARG: the secret is none. */
synctalk_status webhooks_open(struct webhooks **out, const struct server_options *options,
                              struct jobs *jobs, synctalk_error *err);
/* NULL-safe. What is being sent is due again in the next server. */
void webhooks_close(struct webhooks **webhooks);

/* Whether `text` is an address that webhooks of this server may go to, as far as it tells by
 * itself; then `url` is the form in which it is asked for. E_ARG with a sentence. */
synctalk_status webhook_check(char url[WEBHOOK_URL], const char *text,
                              const struct server_webhooks *options, synctalk_error *err);

#endif /* SERVER_WEBHOOK_H */
