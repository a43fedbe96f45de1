/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is given out in pieces and freed at once, for what a parser builds. */
#ifndef ST_WEIGHTS_ARENA_H
#define ST_WEIGHTS_ARENA_H

#include <stddef.h>

struct st_arena_block;

/* Zero it first. Owns all that it gave out. */
struct st_arena {
    struct st_arena_block *blocks;
    size_t used, capacity; /* of the newest block, bytes */
};

/* Zeroed, on a 16-byte boundary, valid until st_arena_free(); NULL without memory. */
void *st_arena_alloc(struct st_arena *arena, size_t size);
/* `length` bytes and a NUL. */
char *st_arena_text(struct st_arena *arena, const void *bytes, size_t length);
void st_arena_free(struct st_arena *arena); /* zeroes it */

#endif /* ST_WEIGHTS_ARENA_H */
