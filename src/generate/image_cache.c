/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/image_cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "generate/plan.h"

#define MOST_ENTRIES ((size_t)1 << 16)
#define NO_ENTRY SIZE_MAX

enum state {
    VACANT,  /* the block is there, what is in it is nobody's */
    AWAITED, /* somebody has the ticket to fill it */
    FILLED,
    FAILED, /* it was never filled; vacant once the last ticket is done */
};

struct entry {
    void *block; /* owned */
    int64_t source, next_use;
    int tickets; /* not done yet */
    bool pictured;
    enum state state;
};

struct st_image_cache {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t filled, ended;
    struct entry *entries; /* owned; [room] */
    size_t room, count;    /* entries from `count` on have no block yet */
    size_t side_bytes;
    bool pictures;       /* blocks have room for them */
    bool running, keeps; /* a run; for one that follows */
    struct st_image_cache_counts counts;
};

synctalk_status st_image_cache_create(struct st_image_cache **out, synctalk_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return st_fail_memory(err, "a cache", sizeof **out);
    pthread_mutex_init(&(*out)->lock, NULL);
    pthread_cond_init(&(*out)->filled, NULL);
    pthread_cond_init(&(*out)->ended, NULL);
    return SYNCTALK_OK;
}

/* All but the first `keep` entries. */
static void drop(struct st_image_cache *cache, size_t keep)
{
    while (cache->count > keep)
        free(cache->entries[--cache->count].block);
}

void st_image_cache_destroy(struct st_image_cache **cache)
{
    if (!cache || !*cache)
        return;
    drop(*cache, 0);
    pthread_cond_destroy(&(*cache)->filled);
    pthread_cond_destroy(&(*cache)->ended);
    pthread_mutex_destroy(&(*cache)->lock);
    free((*cache)->entries);
    free(*cache);
    *cache = NULL;
}

/* Without memory for the list of entries the cache has no room, and nothing is kept. */
static void make_room(struct st_image_cache *cache, size_t room)
{
    struct entry *entries = room ? realloc(cache->entries, room * sizeof *entries) : NULL;
    if (!entries) {
        drop(cache, 0);
        free(cache->entries);
        room = 0;
    }
    cache->entries = entries;
    cache->room = room;
}

static bool holds_pictures(const struct st_image_cache *cache, size_t bytes,
                           const struct st_image_sizes *sizes, bool keep)
{
    if (sizes->both == 0)
        return false;
    if (cache->count > 0)
        return cache->side_bytes == sizes->both;
    return keep && (size_t)sizes->sources <= bytes / sizes->both;
}

bool st_image_cache_begin(struct st_image_cache *cache, size_t bytes,
                          const struct st_image_sizes *sizes, bool keep)
{
    assert(sizes->side > 0 && sizes->sources >= 0);
    pthread_mutex_lock(&cache->lock);
    while (cache->running && cache->keeps)
        pthread_cond_wait(&cache->ended, &cache->lock);
    const bool mine = !cache->running;
    if (mine) {
        cache->pictures = holds_pictures(cache, bytes, sizes, keep);
        const size_t side_bytes = cache->pictures ? sizes->both : sizes->side;
        const size_t fit = bytes / side_bytes;
        const size_t room = fit < MOST_ENTRIES ? fit : MOST_ENTRIES;
        cache->running = true;
        cache->keeps = keep;
        cache->counts = (struct st_image_cache_counts){0};
        drop(cache, cache->side_bytes == side_bytes ? room : 0);
        cache->side_bytes = side_bytes;
        if (room != cache->room)
            make_room(cache, room);
    }
    pthread_mutex_unlock(&cache->lock);
    return mine;
}

void st_image_cache_end(struct st_image_cache *cache, int64_t frames,
                        struct st_image_cache_counts *counts)
{
    pthread_mutex_lock(&cache->lock);
    assert(cache->running);
    cache->counts.bytes = cache->count * cache->side_bytes;
    if (counts)
        *counts = cache->counts;
    for (size_t i = 0; i < cache->count; i++) {
        struct entry *entry = &cache->entries[i];
        assert(entry->tickets == 0 && (entry->state == VACANT || entry->state == FILLED));
        if (entry->next_use != ST_PLAN_NEVER)
            entry->next_use -= frames;
    }
    if (!cache->keeps)
        make_room(cache, 0);
    cache->running = false;
    pthread_cond_broadcast(&cache->ended);
    pthread_mutex_unlock(&cache->lock);
}

static size_t find(const struct st_image_cache *cache, int64_t source)
{
    for (size_t i = 0; i < cache->count; i++) {
        const struct entry *entry = &cache->entries[i];
        if (entry->source == source && (entry->state == AWAITED || entry->state == FILLED))
            return i;
    }
    return NO_ENTRY;
}

/* An entry with a block for a side that comes back in `next_use`, or NO_ENTRY. */
static size_t place(struct st_image_cache *cache, int64_t next_use)
{
    size_t farthest = NO_ENTRY;
    if (next_use == ST_PLAN_NEVER)
        return NO_ENTRY;
    for (size_t i = 0; i < cache->count; i++) {
        const struct entry *entry = &cache->entries[i];
        if (entry->tickets > 0)
            continue;
        if (entry->state == VACANT)
            return i;
        if (farthest == NO_ENTRY || entry->next_use > cache->entries[farthest].next_use)
            farthest = i;
    }
    if (cache->count < cache->room) {
        void *block = aligned_alloc(ST_ALIGNMENT, st_align_size(cache->side_bytes));
        if (block) {
            cache->entries[cache->count] = (struct entry){.block = block};
            return cache->count++;
        }
        cache->room = cache->count; /* no memory: what there is has to do */
    }
    const bool worth = farthest != NO_ENTRY && cache->entries[farthest].next_use > next_use;
    return worth ? farthest : NO_ENTRY;
}

struct st_image_ticket st_image_cache_ask(struct st_image_cache *cache, int64_t source,
                                          int64_t next_use)
{
    struct st_image_ticket ticket = {.what = ST_IMAGE_LOAD};

    pthread_mutex_lock(&cache->lock);
    cache->counts.asked++;
    ticket.entry = find(cache, source);
    if (ticket.entry != NO_ENTRY) {
        cache->counts.loaded++;
    } else {
        ticket.entry = place(cache, next_use);
        ticket.what = ticket.entry == NO_ENTRY ? ST_IMAGE_RUN : ST_IMAGE_FILL;
    }
    if (ticket.what != ST_IMAGE_RUN) {
        struct entry *entry = &cache->entries[ticket.entry];
        entry->tickets++;
        entry->next_use = next_use;
        if (ticket.what == ST_IMAGE_FILL) {
            entry->source = source;
            entry->state = AWAITED;
            entry->pictured = false;
        }
        ticket.pictured = entry->pictured;
    }
    pthread_mutex_unlock(&cache->lock);
    return ticket;
}

bool st_image_cache_keep_picture(struct st_image_cache *cache, struct st_image_ticket *ticket)
{
    assert(ticket->what == ST_IMAGE_FILL);
    pthread_mutex_lock(&cache->lock);
    ticket->pictured = cache->pictures;
    cache->entries[ticket->entry].pictured = cache->pictures;
    pthread_mutex_unlock(&cache->lock);
    return ticket->pictured;
}

void *st_image_cache_block(struct st_image_cache *cache, const struct st_image_ticket *ticket)
{
    if (ticket->what == ST_IMAGE_RUN)
        return NULL;
    pthread_mutex_lock(&cache->lock);
    while (ticket->what == ST_IMAGE_LOAD && cache->entries[ticket->entry].state == AWAITED)
        pthread_cond_wait(&cache->filled, &cache->lock);
    const struct entry *entry = &cache->entries[ticket->entry];
    void *block = entry->state == FAILED ? NULL : entry->block;
    pthread_mutex_unlock(&cache->lock);
    return block;
}

void st_image_cache_done(struct st_image_cache *cache, struct st_image_ticket *ticket, bool filled)
{
    if (ticket->what == ST_IMAGE_RUN)
        return;
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = &cache->entries[ticket->entry];
    if (ticket->what == ST_IMAGE_FILL) {
        entry->state = filled ? FILLED : FAILED;
        pthread_cond_broadcast(&cache->filled);
    }
    entry->tickets--;
    if (entry->tickets == 0 && (entry->state == FAILED || entry->next_use == ST_PLAN_NEVER))
        entry->state = VACANT;
    pthread_mutex_unlock(&cache->lock);
    *ticket = (struct st_image_ticket){.what = ST_IMAGE_RUN};
}
