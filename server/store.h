/* SPDX-License-Identifier: Apache-2.0 */
/* What lasts: one SQLite file, written ahead (WAL), each change on disk before it is answered.
 *
 * Only store*.c know SQLite. Any thread may call; one is inside at a time.
 * Times are whole seconds since 1970. Text in rows is owned by the store and borrowed until
 * the callback returns, unless said.
 */
#ifndef SERVER_STORE_H
#define SERVER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "ids.h"
#include "synctalk/status.h"

struct store;

/* FOLDER/synctalk.db, made or brought to this program's form. E_FORMAT: it is damaged, or a
 * newer program's. */
synctalk_status store_open(struct store **out, const char *folder, synctalk_error *err);
void store_close(struct store **store); /* NULL-safe */
/* For the one that keeps house: make FOLDER/reserve again where it was given up. What it takes is
 * room in which removals can be written down when the disk is full. */
void store_keep_reserve(struct store *store);

/* ---- uploads ---- */

#define UPLOAD_NAME 256 /* bytes of a name, terminator included */

struct upload_row {
    char id[ID_SIZE];
    char name[UPLOAD_NAME];   /* as the client calls it: shown, and never a path */
    int64_t length;           /* announced or received, bytes; -1 = not known yet */
    char sha256[SHA256_TEXT]; /* "" until all of it is there */
    int64_t created;
};

synctalk_status store_upload_add(struct store *store, const struct upload_row *row,
                                 synctalk_error *err);
/* All is there: `bytes` of content `sha256`. */
synctalk_status store_upload_end(struct store *store, const char *id, const char *sha256,
                                 int64_t bytes, synctalk_error *err);
/* E_MISSING: no such upload. */
synctalk_status store_upload_get(struct store *store, const char *id, struct upload_row *row,
                                 synctalk_error *err);
synctalk_status store_upload_remove(struct store *store, const char *id, synctalk_error *err);
/* Those made before `before` whose content no waiting or working job needs. */
synctalk_status store_uploads_expire(struct store *store, int64_t before, synctalk_error *err);
/* The oldest of those whose content no waiting or working job needs, after `skip` others; "" when
 * there is none. */
synctalk_status store_upload_oldest_unused(struct store *store, int64_t skip, char id[ID_SIZE],
                                           synctalk_error *err);
/* Whether an upload or a waiting or working job has this content. */
synctalk_status store_content_is_used(struct store *store, const char *sha256, bool *used,
                                      synctalk_error *err);

/* ---- webhooks ---- */

#define WEBHOOK_URL 2048 /* bytes of an address, terminator included */

enum delivery_state {
    DELIVERY_WAITING, /* for the end of its job, or for its next try */
    DELIVERY_SENDING,
    DELIVERY_DONE,
    DELIVERY_FAILED, /* it is not tried again */
    DELIVERY_STATES
};

const char *delivery_state_name(enum delivery_state state);

struct delivery {
    char job[ID_SIZE];
    char url[WEBHOOK_URL];
    int64_t tries; /* this one included */
};

/* How a try ended. */
struct delivery_end {
    enum delivery_state state;
    int64_t due;       /* of the next try, where there is one */
    int64_t answer;    /* HTTP status, or 0 */
    const char *fault; /* a sentence, or NULL */
};

/* Of the deliveries whose job has ended the one that has been due longest at `now` is sent from
 * now on; *found. One that a server did not end is due again in the next. */
synctalk_status store_delivery_take(struct store *store, int64_t now, struct delivery *delivery,
                                    bool *found, synctalk_error *err);
/* Nothing where its job is gone, and it with that. */
synctalk_status store_delivery_end(struct store *store, const char *job,
                                   const struct delivery_end *end, synctalk_error *err);
/* All that were being sent; for a server that starts. */
synctalk_status store_deliveries_return(struct store *store, synctalk_error *err);

/* ---- jobs ---- */

enum job_state {
    JOB_QUEUED,
    JOB_IN_PROGRESS,
    JOB_COMPLETED,
    JOB_FAILED,
    JOB_CANCELLED,
    JOB_STATES
};

const char *job_state_name(enum job_state state);
bool job_state_named(enum job_state *state, const char *name);
static inline bool job_state_is_end(enum job_state state)
{
    return state != JOB_QUEUED && state != JOB_IN_PROGRESS;
}

struct job_row {
    int64_t number; /* rises from job to job, whatever was removed */
    const char *id;
    enum job_state state;
    const char *request;                /* JSON; see request.h */
    int64_t created, started, finished; /* 0 = not yet */
    const char *code, *message;         /* of a failure, else NULL */
    const char *result;                 /* JSON, of a video made, else NULL */
    int64_t bytes;                      /* of the files made */
    const char *webhook;                /* address to tell the end to, or NULL; and of that: */
    enum delivery_state delivery;
    int64_t tries, due, answer;
    const char *fault; /* of the last try, or NULL */
};

struct new_job {
    const char *id;
    const char *key;           /* of the client, by which it may ask again; or NULL */
    const char *request;       /* JSON */
    const char *audio, *video; /* ids of uploads; the second or NULL */
    const char *webhook;       /* address to tell the end to, or NULL */
    int64_t now;
    int most_waiting;
};

/* Waits from now on. `id` becomes that of the job with this key where there is one, and *again
 * true. E_MISSING: an upload is not there or not whole; E_EXISTS: too many wait. */
synctalk_status store_job_add(struct store *store, const struct new_job *job, char id[ID_SIZE],
                              bool *again, synctalk_error *err);

typedef void job_visitor(void *user, const struct job_row *row);

/* The visitor is called once, or E_MISSING. */
synctalk_status store_job_get(struct store *store, const char *id, job_visitor *visit, void *user,
                              synctalk_error *err);
/* The newest first, at most `limit`, of numbers below `below` (0: from the newest on), of
 * `state` or, JOB_STATES, of any. */
synctalk_status store_jobs_list(struct store *store, int64_t below, enum job_state state, int limit,
                                job_visitor *visit, void *user, synctalk_error *err);
/* The one that has waited longest is in progress from `now` on, and visited; *found. After a
 * failure it waits on and *found is false, but it may have been visited. */
synctalk_status store_job_take(struct store *store, int64_t now, job_visitor *visit, void *user,
                               bool *found, synctalk_error *err);

/* How a job ended. */
struct job_end {
    enum job_state state;
    const char *code, *message, *result; /* or NULL */
    int64_t bytes;
    int64_t now;
};

/* *changed is false where it had ended before, or is gone: nothing is written then. */
synctalk_status store_job_end(struct store *store, const char *id, const struct job_end *end,
                              bool *changed, synctalk_error *err);
/* Back into its place in the queue. */
synctalk_status store_job_return(struct store *store, const char *id, synctalk_error *err);
/* All that were in progress; for a server that starts. *count of them. */
synctalk_status store_jobs_return(struct store *store, int64_t *count, synctalk_error *err);
synctalk_status store_job_remove(struct store *store, const char *id, synctalk_error *err);

/* Jobs that wait before number `number`. */
synctalk_status store_jobs_before(struct store *store, int64_t number, int64_t *count,
                                  synctalk_error *err);
synctalk_status store_jobs_count(struct store *store, int64_t counts[JOB_STATES],
                                 synctalk_error *err);
/* The oldest that has ended, before `before` (0: ever); "" when there is none. */
synctalk_status store_job_oldest_end(struct store *store, int64_t before, char id[ID_SIZE],
                                     synctalk_error *err);
/* Bytes of all videos and their companions. */
synctalk_status store_jobs_bytes(struct store *store, int64_t *bytes, synctalk_error *err);

#endif /* SERVER_STORE_H */
