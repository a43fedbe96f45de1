/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "store_sql.h"

/* Each brings a database of the form before it to the next; user_version counts them. */
static const char *const migrations[] = {
    "CREATE TABLE uploads ("
    " id TEXT PRIMARY KEY, name TEXT NOT NULL, length INTEGER NOT NULL, sha256 TEXT,"
    " created INTEGER NOT NULL);"
    "CREATE INDEX uploads_by_content ON uploads (sha256);"
    "CREATE TABLE jobs ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, key TEXT UNIQUE,"
    " state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4), request TEXT NOT NULL,"
    " audio TEXT NOT NULL, video TEXT, created INTEGER NOT NULL,"
    " started INTEGER NOT NULL DEFAULT 0, finished INTEGER NOT NULL DEFAULT 0,"
    " code TEXT, message TEXT, result TEXT, bytes INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX jobs_by_state ON jobs (state, number);"
    "CREATE INDEX jobs_by_end ON jobs (finished);",

    "CREATE TABLE deliveries ("
    " job TEXT PRIMARY KEY, url TEXT NOT NULL,"
    " stage INTEGER NOT NULL DEFAULT 0 CHECK (stage BETWEEN 0 AND 3),"
    " tries INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 0,"
    " answer INTEGER NOT NULL DEFAULT 0, fault TEXT);"
    "CREATE INDEX deliveries_by_due ON deliveries (stage, due);"
    "CREATE TRIGGER jobs_take_deliveries_along AFTER DELETE ON jobs BEGIN"
    " DELETE FROM deliveries WHERE job = OLD.id; END;",
};

#define RESERVE_BYTES 1000000
#define BUSY_MS 10000 /* for which another program that looks into the database is waited for */

#define FORM ((int)(sizeof migrations / sizeof *migrations))

void store_lock(struct store *store)
{
    pthread_mutex_lock(&store->lock);
}

void store_unlock(struct store *store)
{
    pthread_mutex_unlock(&store->lock);
}

static synctalk_status fail(struct store *store, synctalk_error *err)
{
    const int code = sqlite3_errcode(store->db);
    const int system = sqlite3_system_errno(store->db);
    synctalk_status st = SYNCTALK_E_IO;
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        st = SYNCTALK_E_FORMAT;
    else if (code == SQLITE_NOMEM)
        st = SYNCTALK_E_MEMORY;
    else if (code == SQLITE_FULL || (code == SQLITE_IOERR && server_is_full(system)))
        return server_fail(
            err, SERVER_E_FULL,
            "the database of jobs cannot be written: the disk of the server is full");
    return server_fail(err, st, "the database of jobs: %s", sqlite3_errmsg(store->db));
}

static int bind(sqlite3_stmt *statement, const char *types, va_list values)
{
    int code = SQLITE_OK;
    for (int i = 0; types[i] && code == SQLITE_OK; i++) {
        if (types[i] == 't')
            code = sqlite3_bind_text(statement, i + 1, va_arg(values, const char *), -1,
                                     SQLITE_TRANSIENT);
        else
            code = sqlite3_bind_int64(statement, i + 1, va_arg(values, int64_t));
    }
    return code;
}

synctalk_status sql_run(struct store *store, synctalk_error *err, row_visitor *visit, void *user,
                        const char *sql, const char *types, ...)
{
    synctalk_status st = SYNCTALK_OK;
    sqlite3_stmt *statement = NULL;
    va_list values;

    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return fail(store, err);
    va_start(values, types);
    int code = bind(statement, types, values);
    va_end(values);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW && visit)
            visit(user, statement);
    }
    if (code != SQLITE_DONE)
        st = fail(store, err);
    sqlite3_finalize(statement);
    return st;
}

int64_t sql_changes(struct store *store)
{
    return sqlite3_changes64(store->db);
}

void sql_read_integer(void *user, sqlite3_stmt *row)
{
    *(int64_t *)user = sqlite3_column_int64(row, 0);
}

void sql_copy_text(char *to, size_t size, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    snprintf(to, size, "%s", text ? text : "");
}

synctalk_status sql_exec(struct store *store, const char *sql, synctalk_error *err)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? SYNCTALK_OK
                                                                       : fail(store, err);
}

/* In one transaction: a program that is killed here finds the old form or the new one. */
static synctalk_status migrate(struct store *store, const char *path, synctalk_error *err)
{
    synctalk_status st;
    int64_t form = 0;
    char version[64];

    if ((st = sql_exec(store, "BEGIN IMMEDIATE", err)) ||
        (st = sql_run(store, err, sql_read_integer, &form, "PRAGMA user_version", "")))
        return st;
    if (form > FORM)
        return server_fail(
            err, SYNCTALK_E_FORMAT,
            "%s: a newer synctalk wrote it (form %lld, this one knows %d); use that, "
            "or another --state",
            path, (long long)form, FORM);
    for (; form < FORM && !st; form++)
        st = sql_exec(store, migrations[form], err);
    snprintf(version, sizeof version, "PRAGMA user_version = %d; COMMIT", FORM);
    return st ? st : sql_exec(store, version, err);
}

synctalk_status store_open(struct store **out, const char *folder, synctalk_error *err)
{
    synctalk_status st;
    char path[4096];
    struct store *store = calloc(1, sizeof *store);

    *out = NULL;
    if (!store)
        return server_fail_memory(err, "the database of jobs");
    pthread_mutex_init(&store->lock, NULL);
    const int length = snprintf(path, sizeof path, "%s/synctalk.db", folder);
    if (length < 0 || (size_t)length >= sizeof path) {
        st = server_fail(err, SYNCTALK_E_ARG, "--state %s: the path is too long", folder);
        goto done;
    }
    if (sqlite3_open_v2(path, &store->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK) {
        st = server_fail(err, SYNCTALK_E_IO, "%s: %s", path,
                         store->db ? sqlite3_errmsg(store->db) : "no memory");
        goto done;
    }
    sqlite3_busy_timeout(store->db, BUSY_MS);
    snprintf(store->reserve, sizeof store->reserve, "%s/reserve", folder);
    store_keep_reserve(store);
    if ((st = sql_exec(store,
                       "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                       "PRAGMA trusted_schema = OFF",
                       err)) ||
        (st = migrate(store, path, err)))
        goto done;
    *out = store;
    store = NULL;

done:
    store_close(&store);
    return st;
}

void store_keep_reserve(struct store *store)
{
    if (access(store->reserve, F_OK) == 0)
        return;
    const int fd = open(store->reserve, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (posix_fallocate(fd, 0, RESERVE_BYTES) != 0)
        unlink(store->reserve);
    close(fd);
}

bool store_give_up_reserve(struct store *store)
{
    return unlink(store->reserve) == 0;
}

void store_close(struct store **store)
{
    if (!store || !*store)
        return;
    sqlite3_close((*store)->db);
    pthread_mutex_destroy(&(*store)->lock);
    free(*store);
    *store = NULL;
}
