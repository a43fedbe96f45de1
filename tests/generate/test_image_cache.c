/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs, who keeps, who loads, who waits; what is thrown out; what is given back. */
#include "generate/image_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "generate/plan.h"
#include "support/support.h"

#define SIDE 256

static struct st_image_cache *begin(size_t sides)
{
    struct st_image_cache *cache;
    ST_OK(st_image_cache_create(&cache, err));
    assert_true(
        st_image_cache_begin(cache, sides * SIDE, &(struct st_image_sizes){.side = SIDE}, false));
    return cache;
}

static void end(struct st_image_cache *cache, int64_t asked, int64_t loaded, size_t sides)
{
    struct st_image_cache_counts counts;
    st_image_cache_end(cache, 0, &counts);
    assert_int_equal(counts.asked, asked);
    assert_int_equal(counts.loaded, loaded);
    assert_int_equal(counts.bytes, sides * SIDE);
    st_image_cache_destroy(&cache);
}

/* Ask for a side, and fill or check it as a worker would; true where it was loaded. */
static bool use(struct st_image_cache *cache, int64_t source, int64_t next_use)
{
    struct st_image_ticket ticket = st_image_cache_ask(cache, source, next_use);
    const bool loads = ticket.what == ST_IMAGE_LOAD;
    unsigned char *block = st_image_cache_block(cache, &ticket);
    unsigned char side[SIDE];
    memset(side, (int)source, sizeof side);
    if (loads)
        assert_memory_equal(block, side, SIDE);
    else if (ticket.what == ST_IMAGE_FILL)
        memcpy(block, side, SIDE);
    else
        assert_null(block);
    st_image_cache_done(cache, &ticket, true);
    assert_int_equal(ticket.what, ST_IMAGE_RUN);
    return loads;
}

static void what_never_comes_back_is_not_stored(void **state)
{
    (void)state;
    struct st_image_cache *cache = begin(4);
    for (int64_t i = 0; i < 50; i++)
        assert_false(use(cache, i, ST_PLAN_NEVER));
    end(cache, 50, 0, 0);
}

static void what_has_come_back_for_the_last_time_makes_room(void **state)
{
    (void)state;
    struct st_image_cache *cache = begin(1);
    assert_false(use(cache, 7, 1));
    assert_true(use(cache, 7, ST_PLAN_NEVER));
    assert_false(use(cache, 8, 9)); /* in its place, though 9 is far */
    assert_true(use(cache, 8, ST_PLAN_NEVER));
    assert_false(use(cache, 7, ST_PLAN_NEVER));
    end(cache, 5, 2, 1);
}

static void the_farthest_return_goes(void **state)
{
    (void)state;
    struct st_image_cache *cache = begin(2);
    use(cache, 1, 10);
    use(cache, 2, 30);
    use(cache, 3, 40); /* farther than both: not kept */
    assert_true(use(cache, 2, 30));
    use(cache, 4, 20); /* instead of 2 */
    assert_true(use(cache, 1, 50));
    assert_true(use(cache, 4, 51));
    assert_false(use(cache, 2, 60));
    assert_false(use(cache, 3, ST_PLAN_NEVER));
    end(cache, 9, 3, 2);
}

/* A walk to and fro over more frames than there is room for: no policy can load more than it
 * keeps at each turn. Caught here: least recently used, which in a cycle loads nothing. */
static void a_cycle_longer_than_the_cache_still_gains(void **state)
{
    (void)state;
    struct st_plan plan = {.frames = 4000, .sources = 50, .at_end = SYNCTALK_AT_END_WRAP};
    struct st_image_cache *cache = begin(20);
    int64_t loaded = 0;
    for (int64_t i = 0; i < plan.frames; i++) {
        const int64_t source = st_plan_at(&plan, i).source;
        loaded += use(cache, source, st_plan_next_use(&plan, i, source));
    }
    assert_true(loaded >= 79 * 19); /* of each turn after the first: nearly all that is kept */
    end(cache, plan.frames, loaded, 20);
}

static void without_room_all_is_run(void **state)
{
    (void)state;
    struct st_image_cache *cache = begin(0);
    assert_false(use(cache, 1, 2));
    assert_false(use(cache, 1, 3));
    end(cache, 2, 0, 0);
}

static void a_ticket_keeps_its_entry(void **state)
{
    (void)state;
    struct st_image_cache *cache = begin(1);
    struct st_image_ticket first = st_image_cache_ask(cache, 1, 100);
    assert_int_equal(first.what, ST_IMAGE_FILL);
    assert_false(use(cache, 2, 3)); /* sooner, but 1 is still to be filled */
    memset(st_image_cache_block(cache, &first), 1, SIDE);
    st_image_cache_done(cache, &first, true);
    struct st_image_ticket load = st_image_cache_ask(cache, 1, 100);
    assert_false(use(cache, 2, 4)); /* and now to be loaded */
    assert_non_null(st_image_cache_block(cache, &load));
    st_image_cache_done(cache, &load, true);
    assert_false(use(cache, 2, 5));
    assert_true(use(cache, 2, 6));
    end(cache, 6, 2, 1);
}

/* The worker failed, or the run was stopped before it came to it. */
static void what_was_never_filled_is_run_by_those_who_wait(void **state)
{
    (void)state;
    struct st_image_cache *cache = begin(2);
    struct st_image_ticket fill = st_image_cache_ask(cache, 1, 5);
    struct st_image_ticket load = st_image_cache_ask(cache, 1, 6);
    assert_int_equal(load.what, ST_IMAGE_LOAD);
    st_image_cache_done(cache, &fill, false);
    assert_null(st_image_cache_block(cache, &load));
    st_image_cache_done(cache, &load, false);
    assert_false(use(cache, 1, 7)); /* anew */
    assert_true(use(cache, 1, 8));
    end(cache, 4, 2, 1);
}

struct herd {
    struct st_image_cache *cache;
    struct st_image_ticket tickets[8];
    atomic_int next, run;
};

static void *herd_member(void *arg)
{
    struct herd *herd = arg;
    /* Those who wait come first. */
    struct st_image_ticket *ticket = &herd->tickets[7 - atomic_fetch_add(&herd->next, 1)];
    unsigned char *block = st_image_cache_block(herd->cache, ticket);
    if (ticket->what == ST_IMAGE_FILL) {
        atomic_fetch_add(&herd->run, 1);
        memset(block, 42, SIDE);
    } else if (block[0] != 42 || block[SIDE - 1] != 42) {
        atomic_fetch_add(&herd->run, 100);
    }
    st_image_cache_done(herd->cache, ticket, true);
    return NULL;
}

static void of_a_herd_one_runs(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct herd herd = {.cache = begin(3)};
        pthread_t threads[8];
        for (int i = 0; i < 8; i++)
            herd.tickets[i] = st_image_cache_ask(herd.cache, 9, 100 + i);
        for (int i = 0; i < 8; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, herd_member, &herd), 0);
        for (int i = 0; i < 8; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(atomic_load(&herd.run), 1);
        end(herd.cache, 8, 7, 1);
    }
}

/* Blocks hold pictures where another run follows and all frames find room, and then on as long as
 * any are held; a picture is there once whoever fills the side said so. */
static void pictures_are_kept_where_all_find_room(void **state)
{
    (void)state;
    struct st_image_cache *cache;
    struct st_image_sizes sizes = {.side = SIDE, .both = 3 * SIDE, .sources = 3};
    ST_OK(st_image_cache_create(&cache, err));
    for (int kept = 0; kept < 4; kept++) {
        const size_t room = kept == 1 ? 8 * SIDE : 9 * SIDE;
        const bool holds = kept >= 2; /* not the last of all, then too little room, then held */
        assert_true(st_image_cache_begin(cache, room, &sizes, kept == 1 || kept == 2));
        for (int64_t source = 0; source < 2; source++) {
            struct st_image_ticket ticket = st_image_cache_ask(cache, source, 100 + source);
            assert_int_equal(ticket.what, kept == 3 ? ST_IMAGE_LOAD : ST_IMAGE_FILL);
            assert_int_equal(ticket.pictured, kept == 3 && source == 0);
            if (kept < 3 && source == 0)
                assert_int_equal(st_image_cache_keep_picture(cache, &ticket), holds);
            st_image_cache_done(cache, &ticket, true);
        }
        st_image_cache_end(cache, 0, NULL);
        if (kept == 1) { /* of another size: all are given back */
            assert_true(st_image_cache_begin(cache, 4 * SIDE,
                                             &(struct st_image_sizes){.side = 2 * SIDE}, false));
            st_image_cache_end(cache, 0, NULL);
        }
    }
    st_image_cache_destroy(&cache);
}

static void the_next_run_finds_what_was_kept(void **state)
{
    (void)state;
    struct st_image_cache_counts counts;
    struct st_image_cache *cache = begin(2);
    assert_false(st_image_cache_begin(cache, SIDE, &(struct st_image_sizes){.side = SIDE},
                                      false)); /* one run at a time */
    st_image_cache_end(cache, 0, NULL);
    assert_true(
        st_image_cache_begin(cache, 2 * SIDE, &(struct st_image_sizes){.side = SIDE}, true));
    use(cache, 1, 100);
    use(cache, 2, 101);
    st_image_cache_end(cache, 100, NULL);

    assert_true(
        st_image_cache_begin(cache, 2 * SIDE, &(struct st_image_sizes){.side = SIDE}, true));
    assert_true(use(cache, 1, 5));
    assert_true(use(cache, 2, ST_PLAN_NEVER));
    st_image_cache_end(cache, 100, NULL);

    /* What was kept for longest away goes, as counted from the new run's begin. */
    assert_true(st_image_cache_begin(cache, SIDE, &(struct st_image_sizes){.side = SIDE}, true));
    use(cache, 1, 105);
    st_image_cache_end(cache, 100, NULL);
    assert_true(st_image_cache_begin(cache, SIDE, &(struct st_image_sizes){.side = SIDE}, true));
    use(cache, 2, 50);
    assert_true(use(cache, 1, 105));
    st_image_cache_end(cache, 100, NULL);

    /* Less room: one block is given back. Another size: all are. */
    assert_true(st_image_cache_begin(cache, SIDE, &(struct st_image_sizes){.side = SIDE}, true));
    st_image_cache_end(cache, 0, &counts);
    assert_int_equal(counts.bytes, SIDE);
    assert_true(
        st_image_cache_begin(cache, 4 * SIDE, &(struct st_image_sizes){.side = 2 * SIDE}, true));
    assert_int_equal(st_image_cache_ask(cache, 1, ST_PLAN_NEVER).what, ST_IMAGE_RUN);
    st_image_cache_end(cache, 0, &counts);
    assert_int_equal(counts.bytes, 0);
    st_image_cache_destroy(&cache);
    assert_null(cache);
}

struct follower {
    struct st_image_cache *cache;
    atomic_bool began;
};

static void *follow(void *arg)
{
    struct follower *f = arg;
    const bool mine =
        st_image_cache_begin(f->cache, SIDE, &(struct st_image_sizes){.side = SIDE}, false);
    atomic_store(&f->began, true);
    return mine ? f : NULL;
}

/* Guards the next video of a batch, which is begun while the last one still draws: without its
 * turn it would do without what is kept for it. */
static void who_was_announced_waits_for_its_turn(void **state)
{
    (void)state;
    struct follower f = {.cache = begin(0)};
    pthread_t thread;
    void *mine;
    st_image_cache_end(f.cache, 0, NULL);
    assert_true(st_image_cache_begin(f.cache, SIDE, &(struct st_image_sizes){.side = SIDE}, true));
    use(f.cache, 1, 100);
    assert_int_equal(pthread_create(&thread, NULL, follow, &f), 0);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    assert_false(atomic_load(&f.began));
    st_image_cache_end(f.cache, 100, NULL);
    pthread_join(thread, &mine);
    assert_ptr_equal(mine, &f);
    assert_true(use(f.cache, 1, ST_PLAN_NEVER));
    end(f.cache, 1, 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_never_comes_back_is_not_stored),
        cmocka_unit_test(what_has_come_back_for_the_last_time_makes_room),
        cmocka_unit_test(the_farthest_return_goes),
        cmocka_unit_test(a_cycle_longer_than_the_cache_still_gains),
        cmocka_unit_test(without_room_all_is_run),
        cmocka_unit_test(a_ticket_keeps_its_entry),
        cmocka_unit_test(what_was_never_filled_is_run_by_those_who_wait),
        cmocka_unit_test(of_a_herd_one_runs),
        cmocka_unit_test(pictures_are_kept_where_all_find_room),
        cmocka_unit_test(the_next_run_finds_what_was_kept),
        cmocka_unit_test(who_was_announced_waits_for_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
