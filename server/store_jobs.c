/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of jobs. A state changes by an UPDATE that names the state it leaves, so of two threads
 * that end a job one wins and the other is told. */
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "store_sql.h"

#define COLUMNS                                                                             \
    "number, id, state, request, created, started, finished, code, message, result, bytes," \
    " url, stage, tries, due, answer, fault FROM jobs LEFT JOIN deliveries ON job = id"
/* What is known of a job where its row is changed: the table of deliveries is not at hand. */
#define RETURNED                                                                            \
    "number, id, state, request, created, started, finished, code, message, result, bytes," \
    " NULL, 0, 0, 0, 0, NULL"

static const char *const state_names[JOB_STATES] = {"queued", "in_progress", "completed", "failed",
                                                    "cancelled"};

const char *job_state_name(enum job_state state)
{
    return state_names[state];
}

bool job_state_named(enum job_state *state, const char *name)
{
    for (int i = 0; i < JOB_STATES; i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *state = (enum job_state)i;
            return true;
        }
    }
    return false;
}

struct visit {
    job_visitor *visitor;
    void *user;
    int64_t count;
};

static const char *column(sqlite3_stmt *row, int n)
{
    return (const char *)sqlite3_column_text(row, n);
}

static void read_job(void *user, sqlite3_stmt *row)
{
    struct visit *visit = user;
    const struct job_row job = {
        .number = sqlite3_column_int64(row, 0),
        .id = column(row, 1),
        .state = (enum job_state)sqlite3_column_int(row, 2),
        .request = column(row, 3),
        .created = sqlite3_column_int64(row, 4),
        .started = sqlite3_column_int64(row, 5),
        .finished = sqlite3_column_int64(row, 6),
        .code = column(row, 7),
        .message = column(row, 8),
        .result = column(row, 9),
        .bytes = sqlite3_column_int64(row, 10),
        .webhook = column(row, 11),
        .delivery = (enum delivery_state)sqlite3_column_int(row, 12),
        .tries = sqlite3_column_int64(row, 13),
        .due = sqlite3_column_int64(row, 14),
        .answer = sqlite3_column_int64(row, 15),
        .fault = column(row, 16),
    };
    visit->count++;
    visit->visitor(visit->user, &job);
}

static void read_id(void *user, sqlite3_stmt *row)
{
    sql_copy_text(user, ID_SIZE, row, 0);
}

static void read_sha(void *user, sqlite3_stmt *row)
{
    sql_copy_text(user, SHA256_TEXT, row, 0);
}

/* The content of a whole upload. */
static synctalk_status content_of(struct store *store, const char *upload, char sha[SHA256_TEXT],
                                  synctalk_error *err)
{
    sha[0] = '\0';
    synctalk_status st =
        sql_run(store, err, read_sha, sha, "SELECT sha256 FROM uploads WHERE id = ?", "t", upload);
    if (!st && !*sha)
        st = server_fail(err, SYNCTALK_E_MISSING,
                         "%s: no such upload, or not all of it is there yet", upload);
    return st;
}

static synctalk_status insert(struct store *store, const struct new_job *job, synctalk_error *err)
{
    synctalk_status st;
    char audio[SHA256_TEXT];
    char video[SHA256_TEXT] = "";
    int64_t waiting = 0;

    if ((st = content_of(store, job->audio, audio, err)) ||
        (job->video && (st = content_of(store, job->video, video, err))) ||
        (st = sql_run(store, err, sql_read_integer, &waiting,
                      "SELECT count(*) FROM jobs WHERE state = ?", "i", (int64_t)JOB_QUEUED)))
        return st;
    if (waiting >= job->most_waiting)
        return server_fail(err, SYNCTALK_E_EXISTS,
                           "%lld jobs wait, which is as many as may (--max-queue); try again later",
                           (long long)waiting);
    if ((st = sql_run(store, err, NULL, NULL,
                      "INSERT INTO jobs (id, key, state, request, audio, video, created)"
                      " VALUES (?, ?, 0, ?, ?, ?, ?)",
                      "ttttti", job->id, job->key, job->request, audio, *video ? video : NULL,
                      job->now)))
        return st;
    return job->webhook
               ? sql_run(store, err, NULL, NULL, "INSERT INTO deliveries (job, url) VALUES (?, ?)",
                         "tt", job->id, job->webhook)
               : SYNCTALK_OK;
}

/* Both rows, or none. */
static synctalk_status insert_whole(struct store *store, const struct new_job *job,
                                    synctalk_error *err)
{
    synctalk_status st = sql_exec(store, "BEGIN IMMEDIATE", err);
    if (st)
        return st;
    if (!(st = insert(store, job, err)))
        st = sql_exec(store, "COMMIT", err);
    if (st)
        sql_exec(store, "ROLLBACK", NULL);
    return st;
}

synctalk_status store_job_add(struct store *store, const struct new_job *job, char id[ID_SIZE],
                              bool *again, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    char known[ID_SIZE] = "";

    store_lock(store);
    if (job->key)
        st =
            sql_run(store, err, read_id, known, "SELECT id FROM jobs WHERE key = ?", "t", job->key);
    *again = *known != '\0';
    if (!st && !*again)
        st = insert_whole(store, job, err);
    store_unlock(store);
    snprintf(id, ID_SIZE, "%s", *again ? known : job->id);
    return st;
}

synctalk_status store_job_get(struct store *store, const char *id, job_visitor *visit, void *user,
                              synctalk_error *err)
{
    struct visit visiting = {visit, user, 0};
    store_lock(store);
    synctalk_status st =
        sql_run(store, err, read_job, &visiting, "SELECT " COLUMNS " WHERE id = ?", "t", id);
    store_unlock(store);
    if (!st && visiting.count == 0)
        st = server_fail(err, SYNCTALK_E_MISSING, "%s: no such video", id);
    return st;
}

synctalk_status store_jobs_list(struct store *store, int64_t below, enum job_state state, int limit,
                                job_visitor *visit, void *user, synctalk_error *err)
{
    struct visit visiting = {visit, user, 0};
    store_lock(store);
    synctalk_status st = sql_run(store, err, read_job, &visiting,
                                 "SELECT " COLUMNS " WHERE (?1 = 0 OR number < ?1)"
                                 " AND (?2 = 5 OR state = ?2) ORDER BY number DESC LIMIT ?3",
                                 "iii", below, (int64_t)state, (int64_t)limit);
    store_unlock(store);
    return st;
}

synctalk_status store_job_take(struct store *store, int64_t now, job_visitor *visit, void *user,
                               bool *found, synctalk_error *err)
{
    struct visit visiting = {visit, user, 0};
    store_lock(store);
    synctalk_status st = sql_run(store, err, read_job, &visiting,
                                 "UPDATE jobs SET state = 1, started = ? WHERE number = ("
                                 " SELECT number FROM jobs WHERE state = 0 ORDER BY number LIMIT 1)"
                                 " RETURNING " RETURNED,
                                 "i", now);
    store_unlock(store);
    *found = !st && visiting.count > 0; /* the row is told before it is on disk */
    return st;
}

synctalk_status store_job_end(struct store *store, const char *id, const struct job_end *end,
                              bool *changed, synctalk_error *err)
{
    store_lock(store);
    synctalk_status st =
        sql_run(store, err, NULL, NULL,
                "UPDATE jobs SET state = ?, code = ?, message = ?, result = ?, bytes = ?,"
                " finished = ? WHERE id = ? AND state <= 1",
                "itttiit", (int64_t)end->state, end->code, end->message, end->result, end->bytes,
                end->now, id);
    *changed = !st && sql_changes(store) > 0;
    store_unlock(store);
    return st;
}

synctalk_status store_job_return(struct store *store, const char *id, synctalk_error *err)
{
    store_lock(store);
    synctalk_status st =
        sql_run(store, err, NULL, NULL,
                "UPDATE jobs SET state = 0, started = 0 WHERE id = ? AND state = 1", "t", id);
    store_unlock(store);
    return st;
}

synctalk_status store_jobs_return(struct store *store, int64_t *count, synctalk_error *err)
{
    store_lock(store);
    synctalk_status st = sql_run(store, err, NULL, NULL,
                                 "UPDATE jobs SET state = 0, started = 0 WHERE state = 1", "");
    *count = st ? 0 : sql_changes(store);
    store_unlock(store);
    return st;
}

synctalk_status store_job_remove(struct store *store, const char *id, synctalk_error *err)
{
    store_lock(store);
    synctalk_status st;
    do
        st = sql_run(store, err, NULL, NULL, "DELETE FROM jobs WHERE id = ?", "t", id);
    while (st == SERVER_E_FULL && store_give_up_reserve(store));
    store_unlock(store);
    return st;
}

synctalk_status store_jobs_before(struct store *store, int64_t number, int64_t *count,
                                  synctalk_error *err)
{
    store_lock(store);
    synctalk_status st =
        sql_run(store, err, sql_read_integer, count,
                "SELECT count(*) FROM jobs WHERE state = 0 AND number < ?", "i", number);
    store_unlock(store);
    return st;
}

static void read_count(void *user, sqlite3_stmt *row)
{
    int64_t *counts = user;
    const int state = sqlite3_column_int(row, 0);
    if (state >= 0 && state < JOB_STATES)
        counts[state] = sqlite3_column_int64(row, 1);
}

synctalk_status store_jobs_count(struct store *store, int64_t counts[JOB_STATES],
                                 synctalk_error *err)
{
    memset(counts, 0, JOB_STATES * sizeof *counts);
    store_lock(store);
    synctalk_status st = sql_run(store, err, read_count, counts,
                                 "SELECT state, count(*) FROM jobs GROUP BY state", "");
    store_unlock(store);
    return st;
}

synctalk_status store_job_oldest_end(struct store *store, int64_t before, char id[ID_SIZE],
                                     synctalk_error *err)
{
    id[0] = '\0';
    store_lock(store);
    synctalk_status st = sql_run(store, err, read_id, id,
                                 "SELECT id FROM jobs WHERE state >= 2 AND (?1 = 0 OR"
                                 " finished < ?1) ORDER BY finished, number LIMIT 1",
                                 "i", before);
    store_unlock(store);
    return st;
}

synctalk_status store_jobs_bytes(struct store *store, int64_t *bytes, synctalk_error *err)
{
    store_lock(store);
    synctalk_status st = sql_run(store, err, sql_read_integer, bytes,
                                 "SELECT coalesce(sum(bytes), 0) FROM jobs", "");
    store_unlock(store);
    return st;
}
