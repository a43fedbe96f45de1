/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sequence.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"

struct st_sequence {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    size_t capacity;
    int64_t next;
    bool aborted;
    void *items[]; /* item i waits in slot i % capacity */
};

synctalk_status st_sequence_create(struct st_sequence **out, size_t capacity, synctalk_error *err)
{
    *out = NULL;
    struct st_sequence *sequence = calloc(1, sizeof *sequence + capacity * sizeof(void *));
    if (!sequence)
        return st_fail_memory(err, "a sequence", capacity * sizeof(void *));
    pthread_condattr_t monotonic; /* a changed clock must not stretch a wait */
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&sequence->lock, NULL);
    pthread_cond_init(&sequence->arrived, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sequence->capacity = capacity;
    *out = sequence;
    return SYNCTALK_OK;
}

void st_sequence_destroy(struct st_sequence **sequence)
{
    if (!sequence || !*sequence)
        return;
    pthread_cond_destroy(&(*sequence)->arrived);
    pthread_mutex_destroy(&(*sequence)->lock);
    free(*sequence);
    *sequence = NULL;
}

void st_sequence_put(struct st_sequence *sequence, int64_t index, void *item)
{
    pthread_mutex_lock(&sequence->lock);
    assert(index >= sequence->next && index < sequence->next + (int64_t)sequence->capacity);
    void **slot = &sequence->items[(size_t)index % sequence->capacity];
    assert(!*slot);
    *slot = item;
    if (index == sequence->next)
        pthread_cond_signal(&sequence->arrived);
    pthread_mutex_unlock(&sequence->lock);
}

static struct timespec deadline_in(int wait_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += wait_ms / 1000;
    at.tv_nsec += (long)(wait_ms % 1000) * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    return at;
}

enum st_sequence_result st_sequence_next(struct st_sequence *sequence, int wait_ms, void **item)
{
    enum st_sequence_result result = ST_SEQUENCE_ITEM;
    struct timespec deadline = deadline_in(wait_ms);

    pthread_mutex_lock(&sequence->lock);
    void **slot = &sequence->items[(size_t)sequence->next % sequence->capacity];
    while (!sequence->aborted && !*slot && result == ST_SEQUENCE_ITEM)
        if (pthread_cond_timedwait(&sequence->arrived, &sequence->lock, &deadline) == ETIMEDOUT)
            result = ST_SEQUENCE_WAIT;
    if (sequence->aborted) {
        result = ST_SEQUENCE_ABORTED;
    } else if (*slot) {
        *item = *slot;
        *slot = NULL;
        sequence->next++;
        result = ST_SEQUENCE_ITEM;
    }
    pthread_mutex_unlock(&sequence->lock);
    return result;
}

void st_sequence_abort(struct st_sequence *sequence)
{
    pthread_mutex_lock(&sequence->lock);
    sequence->aborted = true;
    pthread_cond_broadcast(&sequence->arrived);
    pthread_mutex_unlock(&sequence->lock);
}
