/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: the queue, who works on what, how far, and how each ended.
 *
 * What lasts is in the store; progress is not, and lives here as long as the work. Whoever
 * changes a state changes the store first: a state that was told is never taken back, but for
 * one: work that a server did not end is queued again.
 */
#ifndef SERVER_JOBS_H
#define SERVER_JOBS_H

#include <jansson.h>

#include "events.h"
#include "folders.h"
#include "live.h"
#include "store.h"
#include "synctalk/progress.h"

struct jobs;

/* Jobs that were in work when the server before this one ended are queued again, and what they
 * left in videos/ is removed. `workers` threads will call jobs_take(). */
synctalk_status jobs_open(struct jobs **out, struct store *store, const struct folders *folders,
                          int workers, synctalk_error *err);
void jobs_close(struct jobs **jobs); /* NULL-safe; no thread is inside */
/* Streams to touch when a state changes; set before the first worker runs. */
void jobs_tell(struct jobs *jobs, struct events *events);

/* See store_job_add(). */
synctalk_status jobs_add(struct jobs *jobs, const struct new_job *job, char id[ID_SIZE],
                         bool *again, synctalk_error *err);
/* It ends as cancelled. E_EXISTS: it has ended already. */
synctalk_status jobs_cancel(struct jobs *jobs, const char *id, synctalk_error *err);
/* Cancelled if it has not ended, and gone with its files. */
synctalk_status jobs_remove(struct jobs *jobs, const char *id, synctalk_error *err);

/* How far a job in work is; false where it is in none. */
bool jobs_live(struct jobs *jobs, const char *id, struct live *live);
struct store *jobs_store(const struct jobs *jobs);

/* As the API shows it; the reference is the caller's. *state may be NULL. */
synctalk_status jobs_describe(struct jobs *jobs, const char *id, json_t **json,
                              enum job_state *state, synctalk_error *err);
/* An array, the newest first; see store_jobs_list(). *next: what to give as `below` for the
 * following page, 0 when there is none. */
synctalk_status jobs_list(struct jobs *jobs, int64_t below, enum job_state state, int limit,
                          json_t **array, int64_t *next, synctalk_error *err);

/* ---- for the thread of a worker; `slot` < workers names it ---- */

struct job {
    char id[ID_SIZE];
    json_t *request; /* owns */
};

/* Wait for a job. false: the server stops. */
bool jobs_take(struct jobs *jobs, int slot, struct job *job);
void job_free(struct job *job);
void jobs_progress(struct jobs *jobs, int slot, const synctalk_progress *progress);
/* Whether its job is to be stopped: it was cancelled, or removed. */
bool jobs_unwanted(struct jobs *jobs, int slot);
bool jobs_stopping(struct jobs *jobs);
/* The work has ended so; where it was cancelled before, its files are removed. `end->now` is
 * filled here. */
void jobs_end(struct jobs *jobs, int slot, struct job_end *end);
/* The server stops, and the work has not ended: it is queued again. */
void jobs_return(struct jobs *jobs, int slot);
/* Every jobs_take() returns false. */
void jobs_stop(struct jobs *jobs);

/* ---- for the one that keeps house ---- */

/* Remove jobs that ended before `before`, and files of no job. */
synctalk_status jobs_sweep(struct jobs *jobs, int64_t before, synctalk_error *err);
/* Remove the job that ended longest ago; *found is false where none has ended. */
synctalk_status jobs_remove_oldest(struct jobs *jobs, bool *found, synctalk_error *err);

#endif /* SERVER_JOBS_H */
