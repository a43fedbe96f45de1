/* SPDX-License-Identifier: Apache-2.0 */
/* A fixed number of workers for loops whose turns are independent.
 *
 * Which worker runs which turn is left open, so a turn may depend on its index alone;
 * then the result is the same, bit for bit, for any number of workers. Nothing spins:
 * workers without a loop sleep, and so does the caller once its own share is done.
 */
#ifndef ST_BASE_POOL_H
#define ST_BASE_POOL_H

#include <stddef.h>

#include "base/stop.h"
#include "synctalk/status.h"

#define ST_POOL_WORKERS_MAX 256

struct st_pool;

/* `workers` counts the calling thread: 1 starts no thread. */
synctalk_status st_pool_create(struct st_pool **out, int workers, synctalk_error *err);
void st_pool_destroy(struct st_pool **pool); /* NULL-safe; no loop is running */
int st_pool_workers(const struct st_pool *pool);

/* One turn: `worker` in [0, workers) is the same for no two turns that run at once, so it
 * may index scratch memory. */
typedef void (*st_pool_turn)(void *context, size_t index, int worker);

/* turn(context, i, worker) for every i in [0, count); returns when all are done, and all
 * that they wrote is seen. One loop at a time; not from inside a turn. */
void st_pool_for(struct st_pool *pool, size_t count, st_pool_turn turn, void *context);

/* From now on the thread that calls st_pool_for() asks `stop` (borrowed; NULL: nobody) before each
 * of its turns. Once it is to stop, turns that no worker has begun are left out, of that loop and
 * all later ones, until this is called again: what loops wrote is then to be thrown away. */
void st_pool_set_stop(struct st_pool *pool, const struct st_stop *stop);
bool st_pool_stopped(struct st_pool *pool);

#endif /* ST_BASE_POOL_H */
