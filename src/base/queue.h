/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded queue of pointers between threads.
 *
 * Nothing spins: a full push and an empty pop sleep. The queue never owns what it
 * carries; whoever closes a pipeline drains it with st_queue_try_pop().
 */
#ifndef ST_BASE_QUEUE_H
#define ST_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "synctalk/status.h"

struct st_queue;

synctalk_status st_queue_create(struct st_queue **out, size_t capacity, synctalk_error *err);
void st_queue_destroy(struct st_queue **queue); /* NULL-safe; no thread may be inside */

/* Wait for room, then add. False once the queue is closed: the caller keeps `item`. */
bool st_queue_push(struct st_queue *queue, void *item);

/* Wait for an item. False when the queue is closed and empty, or aborted. */
bool st_queue_pop(struct st_queue *queue, void **item);

/* Take an item if there is one, whatever the state. */
bool st_queue_try_pop(struct st_queue *queue, void **item);

/* No more pushes; pops go on until the queue is empty. */
void st_queue_close(struct st_queue *queue);

/* Everyone inside returns false at once; items stay for st_queue_try_pop(). */
void st_queue_abort(struct st_queue *queue);

#endif /* ST_BASE_QUEUE_H */
