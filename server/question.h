/* SPDX-License-Identifier: Apache-2.0 */
/* What a client asks about a file and waits for: where a sound has speech, where a video has its
 * face. It is answered by a worker process of its own, shut in like those that make videos, so
 * that a hostile file ends its question and nothing else. A client that goes ends it, too.
 *
 * While there is no answer the connection sleeps and holds no thread of MHD's: the route's
 * answer() asks and returns, and is called again when there is one.
 */
#ifndef SERVER_QUESTION_H
#define SERVER_QUESTION_H

#include <jansson.h>
#include <microhttpd.h>

#include "folders.h"
#include "server.h"

#define QUESTIONS_AT_ONCE 2 /* each a process */
#define QUESTIONS_WAITING 16

struct questions;

synctalk_status questions_open(struct questions **out, const struct server_options *options,
                               const struct folders *folders, synctalk_error *err);
/* Every question ends as it is; whoever waits is woken. Before MHD is stopped. NULL-safe. */
void questions_stop(struct questions *questions);
/* After MHD was stopped. NULL-safe. */
void questions_close(struct questions **questions);

/* Those that are asked and whose askers have no whole answer yet. */
int questions_count(struct questions *questions);

struct question_order {
    json_t *ask;      /* taken; the line that the process is told, its "ask" names the work */
    json_t *start;    /* taken; replaces fields of the line it is started with; may be NULL */
    int seconds;      /* that it may take once it has begun */
    size_t most_raw;  /* > 0: it answers with bytes until its end, at most so many */
    size_t most_part; /* values that it may answer with piece by piece */
};

struct question;

/* E_EXISTS: too many are asked. The order is taken also then. */
synctalk_status question_ask(struct question **out, struct questions *questions,
                             const struct question_order *order, struct MHD_Connection *connection,
                             synctalk_error *err);
/* Send the connection to sleep until there is an answer; false: it is there. */
bool question_wait(struct question *question);
/* The asker lets go; a question without an answer is not wanted any more. NULL-safe. */
void question_release(struct question **question);

/* What became of it, borrowed. */
struct question_answer {
    const char *code, *message; /* both NULL where it succeeded */
    json_t *result;             /* an object; NULL of one that answers with bytes */
    json_t *parts;              /* array of what came piece by piece */
    const unsigned char *bytes;
    size_t size;
};
struct question_answer question_answer(const struct question *question);

/* A stream of server-sent events: "progress" for what it tells on the way, of which a slow client
 * gets the latest, and "end" with the result or {"error": ...}. Takes the asker's part of the
 * question, also without memory, where it is NULL. */
struct MHD_Response *question_response(struct question **question);

#endif /* SERVER_QUESTION_H */
