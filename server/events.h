/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of server-sent events: each follows one job, and tells its whole state whenever that
 * changed. A stream that has nothing to say holds no thread: its connection sleeps until it is
 * touched. (WHATWG HTML, "Server-sent events".)
 */
#ifndef SERVER_EVENTS_H
#define SERVER_EVENTS_H

#include <microhttpd.h>
#include <stdbool.h>

#include "ids.h"
#include "synctalk/status.h"

struct events;

/* The state of a job as one line of text, malloc'ed; NULL where it is gone. *last: it will not
 * change any more. */
typedef char *events_describe(void *user, const char *id, bool *last);

synctalk_status events_open(struct events **out, events_describe *describe, void *user,
                            synctalk_error *err);
void events_close(struct events **events); /* NULL-safe; no stream is there any more */

/* The state of `id` may have changed. */
void events_touch(struct events *events, const char *id);
/* The places of all that wait may have. Where many do so in a row, streams are told of some: a
 * thousand jobs that are cancelled would else be told a thousand times in each of a thousand
 * streams. */
void events_moved(struct events *events);
/* For the one that keeps house, often: of moves that were not told yet. */
void events_tick(struct events *events);
/* A sign of life in every stream: a client that is gone is noticed so. */
void events_beat(struct events *events);
/* Every stream comes to its end. */
void events_stop(struct events *events);
int events_count(struct events *events);

/* A response that is the stream of `id` on `connection`; NULL without memory. */
struct MHD_Response *events_response(struct events *events, struct MHD_Connection *connection,
                                     const char *id);

#endif /* SERVER_EVENTS_H */
