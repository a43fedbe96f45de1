/* SPDX-License-Identifier: Apache-2.0 */
/* Between store*.c: statements with bound values. */
#ifndef SERVER_STORE_SQL_H
#define SERVER_STORE_SQL_H

#include <pthread.h>
#include <sqlite3.h>

#include "store.h"

struct store {
    sqlite3 *db;          /* owns */
    pthread_mutex_t lock; /* held around each call and each transaction */
    char reserve[4096];   /* path of the file that holds room for removals */
};

typedef void row_visitor(void *user, sqlite3_stmt *row);

/* One statement. `types` has a letter for each value that follows: 't' const char *, NULL as
 * NULL; 'i' int64_t. The visitor (may be NULL) sees each row. The lock is held. */
synctalk_status sql_run(struct store *store, synctalk_error *err, row_visitor *visit, void *user,
                        const char *sql, const char *types, ...);
/* Statements without values. */
synctalk_status sql_exec(struct store *store, const char *sql, synctalk_error *err);
int64_t sql_changes(struct store *store);

void store_lock(struct store *store);
void store_unlock(struct store *store);

/* For a removal that found no room to be written down: false, where there is no reserve to give up
 * for it. The lock is held. */
bool store_give_up_reserve(struct store *store);

/* A visitor for one integer: user is int64_t *. */
void sql_read_integer(void *user, sqlite3_stmt *row);
/* Column as text, copied and cut to `size`; "" for NULL. */
void sql_copy_text(char *to, size_t size, sqlite3_stmt *row, int column);

#endif /* SERVER_STORE_SQL_H */
