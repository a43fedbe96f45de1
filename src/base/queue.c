/* SPDX-License-Identifier: Apache-2.0 */
#include "base/queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/error.h"

struct st_queue {
    pthread_mutex_t lock;
    pthread_cond_t not_full, not_empty;
    size_t capacity, count, head;
    bool closed, aborted;
    void *items[]; /* ring of `capacity` */
};

synctalk_status st_queue_create(struct st_queue **out, size_t capacity, synctalk_error *err)
{
    *out = NULL;
    struct st_queue *queue = calloc(1, sizeof *queue + capacity * sizeof queue->items[0]);
    if (!queue)
        return st_fail_memory(err, "a queue", capacity * sizeof(void *));
    /* On Linux these three cannot fail for default attributes. */
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->not_full, NULL);
    pthread_cond_init(&queue->not_empty, NULL);
    queue->capacity = capacity;
    *out = queue;
    return SYNCTALK_OK;
}

void st_queue_destroy(struct st_queue **queue)
{
    if (!queue || !*queue)
        return;
    pthread_cond_destroy(&(*queue)->not_empty);
    pthread_cond_destroy(&(*queue)->not_full);
    pthread_mutex_destroy(&(*queue)->lock);
    free(*queue);
    *queue = NULL;
}

bool st_queue_push(struct st_queue *queue, void *item)
{
    pthread_mutex_lock(&queue->lock);
    while (!queue->closed && !queue->aborted && queue->count == queue->capacity)
        pthread_cond_wait(&queue->not_full, &queue->lock);
    bool open = !queue->closed && !queue->aborted;
    if (open) {
        queue->items[(queue->head + queue->count) % queue->capacity] = item;
        queue->count++;
        pthread_cond_signal(&queue->not_empty);
    }
    pthread_mutex_unlock(&queue->lock);
    return open;
}

/* Caller holds the lock and has seen count > 0. */
static void *take(struct st_queue *queue)
{
    void *item = queue->items[queue->head];
    queue->head = (queue->head + 1) % queue->capacity;
    queue->count--;
    pthread_cond_signal(&queue->not_full);
    return item;
}

bool st_queue_pop(struct st_queue *queue, void **item)
{
    pthread_mutex_lock(&queue->lock);
    while (!queue->aborted && !queue->closed && queue->count == 0)
        pthread_cond_wait(&queue->not_empty, &queue->lock);
    bool got = !queue->aborted && queue->count > 0;
    if (got)
        *item = take(queue);
    pthread_mutex_unlock(&queue->lock);
    return got;
}

bool st_queue_try_pop(struct st_queue *queue, void **item)
{
    pthread_mutex_lock(&queue->lock);
    bool got = queue->count > 0;
    if (got)
        *item = take(queue);
    pthread_mutex_unlock(&queue->lock);
    return got;
}

static void end(struct st_queue *queue, bool *flag)
{
    pthread_mutex_lock(&queue->lock);
    *flag = true;
    pthread_cond_broadcast(&queue->not_full);
    pthread_cond_broadcast(&queue->not_empty);
    pthread_mutex_unlock(&queue->lock);
}

void st_queue_close(struct st_queue *queue)
{
    end(queue, &queue->closed);
}

void st_queue_abort(struct st_queue *queue)
{
    end(queue, &queue->aborted);
}
