/* SPDX-License-Identifier: Apache-2.0 */
/* Items that arrive out of order and leave in order.
 *
 * Item i may arrive once no more than `capacity` items are missing before it; whoever
 * hands out the numbers keeps to that (a pool of `capacity` slots does by itself).
 */
#ifndef ST_BASE_SEQUENCE_H
#define ST_BASE_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synctalk/status.h"

struct st_sequence;

enum st_sequence_result { ST_SEQUENCE_ITEM, ST_SEQUENCE_WAIT, ST_SEQUENCE_ABORTED };

synctalk_status st_sequence_create(struct st_sequence **out, size_t capacity, synctalk_error *err);
void st_sequence_destroy(struct st_sequence **sequence); /* NULL-safe; no thread inside */

/* Item number `index`, counted from 0; never waits. */
void st_sequence_put(struct st_sequence *sequence, int64_t index, void *item);

/* The next item in order. WAIT when it has not come within `wait_ms`. */
enum st_sequence_result st_sequence_next(struct st_sequence *sequence, int wait_ms, void **item);

/* next() returns ABORTED from now on. */
void st_sequence_abort(struct st_sequence *sequence);

#endif /* ST_BASE_SEQUENCE_H */
