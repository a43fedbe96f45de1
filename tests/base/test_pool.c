/* SPDX-License-Identifier: Apache-2.0 */
/* The pool: every turn once, whoever takes it, and results that do not depend on that. */
#include <pthread.h>
#include <string.h>

#include "base/pool.h"
#include "support/support.h"

#define TURNS 1000

struct tally {
    int turns[TURNS];
    int busy[ST_POOL_WORKERS_MAX]; /* a worker in two turns at once would show here */
    int workers;
    int overlaps;
};

static void count_turn(void *context, size_t index, int worker)
{
    struct tally *tally = context;
    if (worker < 0 || worker >= tally->workers || tally->busy[worker]++ != 0)
        __atomic_fetch_add(&tally->overlaps, 1, __ATOMIC_RELAXED);
    tally->turns[index]++;
    tally->busy[worker]--;
}

static void every_turn_runs_once(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 7, TURNS};
    for (int workers = 1; workers <= 5; workers++) {
        struct st_pool *pool;
        ST_OK(st_pool_create(&pool, workers, err));
        assert_int_equal(st_pool_workers(pool), workers);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            struct tally tally = {.workers = workers};
            st_pool_for(pool, counts[c], count_turn, &tally);
            assert_int_equal(tally.overlaps, 0);
            for (size_t i = 0; i < TURNS; i++)
                assert_int_equal(tally.turns[i], i < counts[c]);
        }
        st_pool_destroy(&pool);
        assert_null(pool);
    }
}

/* Two turns that wait for each other end only if two threads are in the loop. */
struct meeting {
    pthread_barrier_t barrier;
    int met;
};

static void meet(void *context, size_t index, int worker)
{
    struct meeting *meeting = context;
    (void)index;
    (void)worker;
    pthread_barrier_wait(&meeting->barrier);
    __atomic_fetch_add(&meeting->met, 1, __ATOMIC_RELAXED);
}

static void turns_run_at_the_same_time(void **state)
{
    (void)state;
    struct meeting meeting = {.met = 0};
    struct st_pool *pool;
    ST_OK(st_pool_create(&pool, 3, err));
    pthread_barrier_init(&meeting.barrier, NULL, 3);
    for (int i = 0; i < 20; i++)
        st_pool_for(pool, 3, meet, &meeting);
    assert_int_equal(meeting.met, 60);
    pthread_barrier_destroy(&meeting.barrier);
    st_pool_destroy(&pool);
}

/* What one loop wrote, the next one reads, in whatever thread. */
static void double_neighbour(void *context, size_t index, int worker)
{
    unsigned(*rows)[64] = context;
    (void)worker;
    rows[1][index] = rows[0][(index + 1) % 64] * 2 + 1;
}

static void loops_see_what_came_before(void **state)
{
    (void)state;
    struct st_pool *pool;
    ST_OK(st_pool_create(&pool, 4, err));
    unsigned rows[2][64], alone[2][64];
    for (unsigned i = 0; i < 64; i++)
        rows[0][i] = alone[0][i] = i;
    for (int round = 0; round < 500; round++) {
        st_pool_for(pool, 64, double_neighbour, rows);
        memcpy(rows[0], rows[1], sizeof rows[0]);
        for (size_t i = 0; i < 64; i++)
            double_neighbour(alone, i, 0);
        memcpy(alone[0], alone[1], sizeof alone[0]);
    }
    assert_memory_equal(rows[0], alone[0], sizeof rows[0]);
    st_pool_destroy(&pool);
}

static bool at_the_third(void *user)
{
    return ++*(int *)user >= 3;
}

static int turns_of(const struct tally *tally)
{
    int sum = 0;
    for (int i = 0; i < TURNS; i++)
        sum += tally->turns[i];
    return sum;
}

/* Guards: a loop of long turns that runs to its end though nobody waits for it, and a loop after
 * it, on what it left out. */
static void what_is_stopped_begins_no_turn(void **state)
{
    (void)state;
    for (int workers = 1; workers <= 2; workers++) {
        struct st_pool *pool;
        struct tally tally = {.workers = workers};
        int asked = 0;
        const struct st_stop stop = {at_the_third, &asked};
        ST_OK(st_pool_create(&pool, workers, err));
        st_pool_set_stop(pool, &stop);
        st_pool_for(pool, TURNS, count_turn, &tally);
        if (workers == 1)
            assert_int_equal(turns_of(&tally), 2);
        while (!st_pool_stopped(pool))
            st_pool_for(pool, TURNS, count_turn, &tally);
        const int turns = turns_of(&tally);
        st_pool_for(pool, TURNS, count_turn, &tally);
        assert_int_equal(turns_of(&tally), turns);
        assert_int_equal(asked, 3);
        st_pool_set_stop(pool, NULL);
        assert_false(st_pool_stopped(pool));
        st_pool_for(pool, TURNS, count_turn, &tally);
        assert_int_equal(turns_of(&tally), turns + TURNS);
        st_pool_destroy(&pool);
    }
}

static void numbers_of_workers_are_bounded(void **state)
{
    (void)state;
    struct st_pool *pool;
    synctalk_error error;
    assert_int_equal(st_pool_create(&pool, 0, &error), SYNCTALK_E_ARG);
    assert_null(pool);
    assert_int_equal(st_pool_create(&pool, ST_POOL_WORKERS_MAX + 1, &error), SYNCTALK_E_ARG);
    assert_non_null(strstr(error.message, "257"));
    st_pool_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_turn_runs_once),
        cmocka_unit_test(turns_run_at_the_same_time),
        cmocka_unit_test(loops_see_what_came_before),
        cmocka_unit_test(what_is_stopped_begins_no_turn),
        cmocka_unit_test(numbers_of_workers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
