/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of deliveries: one for each job that was asked for with a webhook. They come and go with
 * their jobs, and are due from its end on. */
#include "store_sql.h"

const char *delivery_state_name(enum delivery_state state)
{
    static const char *const names[DELIVERY_STATES] = {"waiting", "sending", "delivered", "failed"};
    return names[state];
}

struct taking {
    struct delivery *delivery;
    bool found;
};

static void read_delivery(void *user, sqlite3_stmt *row)
{
    struct taking *taking = user;
    sql_copy_text(taking->delivery->job, sizeof taking->delivery->job, row, 0);
    sql_copy_text(taking->delivery->url, sizeof taking->delivery->url, row, 1);
    taking->delivery->tries = sqlite3_column_int64(row, 2);
    taking->found = true;
}

synctalk_status store_delivery_take(struct store *store, int64_t now, struct delivery *delivery,
                                    bool *found, synctalk_error *err)
{
    struct taking taking = {delivery, false};
    store_lock(store);
    synctalk_status st =
        sql_run(store, err, read_delivery, &taking,
                "UPDATE deliveries SET stage = 1, tries = tries + 1 WHERE job = ("
                " SELECT job FROM deliveries JOIN jobs ON id = job"
                " WHERE stage = 0 AND due <= ? AND state >= 2 ORDER BY due, number LIMIT 1)"
                " RETURNING job, url, tries",
                "i", now);
    store_unlock(store);
    *found = !st && taking.found; /* the row is told before it is on disk */
    return st;
}

synctalk_status store_delivery_end(struct store *store, const char *job,
                                   const struct delivery_end *end, synctalk_error *err)
{
    store_lock(store);
    synctalk_status st =
        sql_run(store, err, NULL, NULL,
                "UPDATE deliveries SET stage = ?, due = ?, answer = ?, fault = ? WHERE job = ?",
                "iiitt", (int64_t)end->state, end->due, end->answer, end->fault, job);
    store_unlock(store);
    return st;
}

synctalk_status store_deliveries_return(struct store *store, synctalk_error *err)
{
    store_lock(store);
    synctalk_status st =
        sql_run(store, err, NULL, NULL, "UPDATE deliveries SET stage = 0 WHERE stage = 1", "");
    store_unlock(store);
    return st;
}
