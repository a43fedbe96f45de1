/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "store_sql.h"

/* No waiting or working job needs it. */
#define UNUSED                                       \
    "(sha256 IS NULL OR sha256 NOT IN ("             \
    " SELECT audio FROM jobs WHERE state <= 1 UNION" \
    " SELECT video FROM jobs WHERE state <= 1 AND video IS NOT NULL))"

synctalk_status store_upload_add(struct store *store, const struct upload_row *row,
                                 synctalk_error *err)
{
    store_lock(store);
    synctalk_status st = sql_run(store, err, NULL, NULL,
                                 "INSERT INTO uploads (id, name, length, created) "
                                 "VALUES (?, ?, ?, ?)",
                                 "ttii", row->id, row->name, row->length, row->created);
    store_unlock(store);
    return st;
}

synctalk_status store_upload_end(struct store *store, const char *id, const char *sha256,
                                 int64_t bytes, synctalk_error *err)
{
    store_lock(store);
    synctalk_status st =
        sql_run(store, err, NULL, NULL, "UPDATE uploads SET sha256 = ?, length = ? WHERE id = ?",
                "tit", sha256, bytes, id);
    if (!st && sql_changes(store) == 0)
        st = server_fail(err, SYNCTALK_E_MISSING, "%s: no such upload", id);
    store_unlock(store);
    return st;
}

static void read_upload(void *user, sqlite3_stmt *row)
{
    struct upload_row *upload = user;
    sql_copy_text(upload->id, sizeof upload->id, row, 0);
    sql_copy_text(upload->name, sizeof upload->name, row, 1);
    upload->length = sqlite3_column_int64(row, 2);
    sql_copy_text(upload->sha256, sizeof upload->sha256, row, 3);
    upload->created = sqlite3_column_int64(row, 4);
}

synctalk_status store_upload_get(struct store *store, const char *id, struct upload_row *row,
                                 synctalk_error *err)
{
    memset(row, 0, sizeof *row);
    store_lock(store);
    synctalk_status st =
        sql_run(store, err, read_upload, row,
                "SELECT id, name, length, sha256, created FROM uploads WHERE id = ?", "t", id);
    store_unlock(store);
    if (!st && !*row->id)
        st = server_fail(err, SYNCTALK_E_MISSING, "%s: no such upload", id);
    return st;
}

synctalk_status store_upload_remove(struct store *store, const char *id, synctalk_error *err)
{
    store_lock(store);
    synctalk_status st;
    do
        st = sql_run(store, err, NULL, NULL, "DELETE FROM uploads WHERE id = ?", "t", id);
    while (st == SERVER_E_FULL && store_give_up_reserve(store));
    store_unlock(store);
    return st;
}

synctalk_status store_uploads_expire(struct store *store, int64_t before, synctalk_error *err)
{
    store_lock(store);
    synctalk_status st;
    do
        st = sql_run(store, err, NULL, NULL, "DELETE FROM uploads WHERE created < ? AND " UNUSED,
                     "i", before);
    while (st == SERVER_E_FULL && store_give_up_reserve(store));
    store_unlock(store);
    return st;
}

static void read_id(void *user, sqlite3_stmt *row)
{
    sql_copy_text(user, ID_SIZE, row, 0);
}

synctalk_status store_upload_oldest_unused(struct store *store, int64_t skip, char id[ID_SIZE],
                                           synctalk_error *err)
{
    id[0] = '\0';
    store_lock(store);
    synctalk_status st =
        sql_run(store, err, read_id, id,
                "SELECT id FROM uploads WHERE " UNUSED " ORDER BY created, rowid LIMIT 1 OFFSET ?",
                "i", skip);
    store_unlock(store);
    return st;
}

synctalk_status store_content_is_used(struct store *store, const char *sha256, bool *used,
                                      synctalk_error *err)
{
    int64_t count = 0;
    store_lock(store);
    synctalk_status st =
        sql_run(store, err, sql_read_integer, &count,
                "SELECT EXISTS (SELECT 1 FROM uploads WHERE sha256 = ?1) OR EXISTS ("
                " SELECT 1 FROM jobs WHERE state <= 1 AND (audio = ?1 OR video = ?1))",
                "t", sha256);
    store_unlock(store);
    *used = count != 0;
    return st;
}
