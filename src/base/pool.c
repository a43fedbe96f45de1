/* SPDX-License-Identifier: Apache-2.0 */
/* One mutex guards everything. Turns are long against a lock, so each is claimed under it;
 * a late worker finds the loop done and goes back to sleep.
 */
#include "base/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct worker {
    struct st_pool *pool;
    pthread_t thread;
    int number; /* 1...; the caller is 0 */
};

struct st_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    st_pool_turn turn; /* of the loop that runs */
    void *context;
    size_t next, count;         /* turns claimed, and in all */
    size_t running;             /* turns claimed and not finished */
    const struct st_stop *stop; /* borrowed, or NULL; the caller's thread alone asks */
    bool stopped;
    bool ending;
    int workers, started; /* threads started: workers - 1 when complete */
    struct worker list[]; /* [workers - 1] */
};

/* Caller holds the lock, which is free while a turn runs. */
static void take_turns(struct st_pool *pool, int worker)
{
    while (pool->next < pool->count) {
        size_t index = pool->next++;
        st_pool_turn turn = pool->turn;
        void *context = pool->context;
        pool->running++;
        pthread_mutex_unlock(&pool->lock);
        const bool stops = worker == 0 && st_stop_asked(pool->stop);
        if (!stops)
            turn(context, index, worker);
        pthread_mutex_lock(&pool->lock);
        pool->running--;
        if (stops) {
            pool->stopped = true;
            pool->next = pool->count;
        }
    }
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct st_pool *pool = worker->pool;
    pthread_mutex_lock(&pool->lock);
    while (!pool->ending) {
        take_turns(pool, worker->number);
        if (pool->running == 0)
            pthread_cond_signal(&pool->done);
        if (!pool->ending)
            pthread_cond_wait(&pool->work, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

synctalk_status st_pool_create(struct st_pool **out, int workers, synctalk_error *err)
{
    *out = NULL;
    if (workers < 1 || workers > ST_POOL_WORKERS_MAX)
        return st_fail(err, SYNCTALK_E_ARG, "%d threads asked for, 1 to %d are possible", workers,
                       ST_POOL_WORKERS_MAX);
    size_t size = sizeof(struct st_pool) + (size_t)(workers - 1) * sizeof(struct worker);
    struct st_pool *pool = calloc(1, size);
    if (!pool)
        return st_fail_memory(err, "a pool of threads", size);
    /* On Linux these three cannot fail for default attributes. */
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->workers = workers;

    synctalk_status st = SYNCTALK_OK;
    while (pool->started < workers - 1) {
        struct worker *worker = &pool->list[pool->started];
        *worker = (struct worker){.pool = pool, .number = pool->started + 1};
        int error = pthread_create(&worker->thread, NULL, work, worker);
        if (error) {
            st = st_fail(err, SYNCTALK_E_MEMORY, "cannot start thread %d of %d: %s",
                         pool->started + 2, workers, strerror(error));
            goto done;
        }
        pool->started++;
    }
    *out = pool;
    pool = NULL;
done:
    st_pool_destroy(&pool);
    return st;
}

void st_pool_destroy(struct st_pool **pool)
{
    if (!pool || !*pool)
        return;
    struct st_pool *p = *pool;
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->started; i++)
        pthread_join(p->list[i].thread, NULL);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p);
    *pool = NULL;
}

int st_pool_workers(const struct st_pool *pool)
{
    return pool->workers;
}

void st_pool_for(struct st_pool *pool, size_t count, st_pool_turn turn, void *context)
{
    pthread_mutex_lock(&pool->lock);
    assert(pool->running == 0);
    pool->turn = turn;
    pool->context = context;
    pool->count = count;
    pool->next = pool->stopped ? count : 0;
    if (count > 1)
        pthread_cond_broadcast(&pool->work);
    take_turns(pool, 0);
    while (pool->running > 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    pool->count = 0;
    pool->next = 0;
    pthread_mutex_unlock(&pool->lock);
}

void st_pool_set_stop(struct st_pool *pool, const struct st_stop *stop)
{
    pthread_mutex_lock(&pool->lock);
    assert(pool->running == 0);
    pool->stop = stop;
    pool->stopped = false;
    pthread_mutex_unlock(&pool->lock);
}

bool st_pool_stopped(struct st_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    const bool stopped = pool->stopped;
    pthread_mutex_unlock(&pool->lock);
    return stopped;
}
