/* SPDX-License-Identifier: Apache-2.0 */
#include "weights/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)64 * 1024)
#define PIECE_ALIGNMENT 16u

struct st_arena_block {
    struct st_arena_block *next;
    _Alignas(PIECE_ALIGNMENT) uint8_t bytes[];
};

static struct st_arena_block *new_block(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct st_arena_block))
        return NULL;
    return calloc(1, sizeof(struct st_arena_block) + size);
}

void *st_arena_alloc(struct st_arena *arena, size_t size)
{
    if (size > SIZE_MAX - PIECE_ALIGNMENT)
        return NULL;
    if (size == 0)
        size = 1;
    size = (size + (PIECE_ALIGNMENT - 1)) & ~(size_t)(PIECE_ALIGNMENT - 1);

    if (size > BLOCK_BYTES / 4) {
        /* A block of its own, behind the one that small pieces still come from. */
        struct st_arena_block *own = new_block(size);
        if (!own)
            return NULL;
        if (arena->blocks) {
            own->next = arena->blocks->next;
            arena->blocks->next = own;
        } else {
            arena->blocks = own;
        }
        return own->bytes;
    }
    if (arena->capacity - arena->used < size) {
        struct st_arena_block *block = new_block(BLOCK_BYTES);
        if (!block)
            return NULL;
        block->next = arena->blocks;
        arena->blocks = block;
        arena->used = 0;
        arena->capacity = BLOCK_BYTES;
    }
    void *piece = arena->blocks->bytes + arena->used;
    arena->used += size;
    return piece;
}

char *st_arena_text(struct st_arena *arena, const void *bytes, size_t length)
{
    char *text = length < SIZE_MAX ? st_arena_alloc(arena, length + 1) : NULL;
    if (text && length)
        memcpy(text, bytes, length);
    return text;
}

void st_arena_free(struct st_arena *arena)
{
    while (arena->blocks) {
        struct st_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    *arena = (struct st_arena){0};
}
