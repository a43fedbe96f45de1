/* SPDX-License-Identifier: Apache-2.0 */
/* Errors, files, queues and sequences. */
#include "support/support.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/queue.h"
#include "base/sequence.h"

static void a_long_sentence_is_cut_between_characters(void **state)
{
    (void)state;
    synctalk_error err;
    char text[600];
    for (int shift = 0; shift < 4; shift++) {
        memset(text, 'x', sizeof text);
        for (size_t i = (size_t)shift; i + 2 < sizeof text; i += 2)
            memcpy(text + i, "\xC3\xA9", 2); /* e acute */
        text[sizeof text - 1] = '\0';
        assert_int_equal(st_fail(&err, SYNCTALK_E_IO, "%s", text), SYNCTALK_E_IO);
        size_t n = strlen(err.message);
        assert_true(n < sizeof err.message && n > sizeof err.message - 6);
        assert_string_equal(err.message + n - 3, "...");
        unsigned char last = (unsigned char)err.message[n - 4];
        assert_true(last == 'x' || (last & 0xC0) == 0x80); /* a whole character */
    }
    assert_int_equal(st_fail(NULL, SYNCTALK_E_ARG, "ignored"), SYNCTALK_E_ARG);
}

static void sizes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    size_t out = 7;
    assert_false(st_mul_size(SIZE_MAX / 2, 3, &out));
    assert_false(st_add_size(SIZE_MAX, 1, &out));
    assert_true(st_mul_size(6, 7, &out));
    assert_int_equal(out, 42);
    assert_null(st_alloc_aligned(SIZE_MAX - 3));
    void *block = st_alloc_aligned(1);
    assert_int_equal((uintptr_t)block % ST_ALIGNMENT, 0);
    free(block);
    assert_null(st_alloc_large(SIZE_MAX - 3));
    assert_null(st_alloc_large(SIZE_MAX / 2));
    unsigned char *large = st_alloc_large(((size_t)3 << 20) + 5);
    assert_non_null(large);
    assert_int_equal((uintptr_t)large % ST_ALIGNMENT, 0);
    for (size_t i = 0; i < ((size_t)3 << 20) + 5; i++)
        assert_true(large[i] == 0);
    free(large);
}

static size_t files_in(const char *folder)
{
    struct st_names names;
    ST_OK(st_list_dir(&names, folder, err));
    size_t n = names.count;
    st_names_free(&names);
    return n;
}

static void output_appears_whole_or_not_at_all(void **state)
{
    (void)state;
    char *folder = st_scratch_create();
    char path[ST_PATH_MAX];
    struct st_output out;
    synctalk_error e;

    ST_OK(st_path_join(path, folder, "x.bin", err));
    ST_OK(st_output_open(&out, path, false, err));
    ST_OK(st_output_write(&out, "half", 4, err));
    assert_false(st_path_is_file(path));
    st_output_close(&out);
    assert_int_equal(files_in(folder), 0);

    ST_OK(st_output_open(&out, path, false, err));
    ST_OK(st_output_write(&out, "whole", 5, err));
    ST_OK(st_output_commit(&out, false, err));
    assert_true(st_path_is_file(path));
    assert_int_equal(files_in(folder), 1);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 5);
    assert_true(info.st_mode & S_IRUSR);

    assert_int_equal(st_output_open(&out, path, false, &e), SYNCTALK_E_EXISTS);
    assert_non_null(strstr(e.message, path));
    ST_OK(st_output_open(&out, path, true, err));
    ST_OK(st_output_commit(&out, true, err));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 0);

    assert_int_equal(st_output_open(&out, folder, true, &e), SYNCTALK_E_ARG);
    assert_int_equal(st_output_open(&out, "/dev/null", true, &e), SYNCTALK_E_ARG);
    ST_OK(st_path_join(path, folder, "no/such/folder/x", err));
    assert_int_equal(st_output_open(&out, path, true, &e), SYNCTALK_E_MISSING);
    assert_int_equal(st_output_open(&out, "", true, &e), SYNCTALK_E_ARG);
    assert_int_equal(files_in(folder), 1);
    st_scratch_remove(folder);
}

/* A file that appears under the target's name while the output is being made was once
 * overwritten by the rename at the end. */
/* Guards gigabytes of temporary files that killed processes left, and those of live ones. */
static void a_sweep_takes_what_nobody_holds(void **state)
{
    (void)state;
    char *folder = st_scratch_create();
    char path[ST_PATH_MAX];
    char other[ST_PATH_MAX];
    struct st_output held;

    ST_OK(st_path_join(path, folder, "x.bin", err));
    ST_OK(st_path_join(other, folder, "y.bin", err));
    for (int i = 0; i < 2; i++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct st_output lost;
            _exit(st_output_open(&lost, i ? other : path, false, NULL) != SYNCTALK_OK);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    ST_OK(st_output_open(&held, path, false, err));
    assert_int_equal(files_in(folder), 3);
    ST_OK(st_output_sweep(path, err));
    assert_int_equal(files_in(folder), 2);
    ST_OK(st_output_commit(&held, false, err));
    assert_true(st_path_is_file(path));
    ST_OK(st_output_sweep(other, err));
    assert_int_equal(files_in(folder), 1);
    st_scratch_remove(folder);
}

static void a_target_that_appears_meanwhile_is_kept(void **state)
{
    (void)state;
    char *folder = st_scratch_create();
    char path[ST_PATH_MAX];
    struct st_output out;
    synctalk_error e;

    ST_OK(st_path_join(path, folder, "x", err));
    ST_OK(st_output_open(&out, path, false, err));
    st_write_file(path, "theirs", 6);
    assert_int_equal(st_output_commit(&out, false, &e), SYNCTALK_E_EXISTS);
    assert_int_equal(files_in(folder), 1);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 6);
    st_scratch_remove(folder);
}

static void a_full_disk_is_told_by_the_final_name(void **state)
{
    (void)state;
    char *folder = st_scratch_create();
    char path[ST_PATH_MAX];
    struct st_output out;
    synctalk_error e;
    struct rlimit was;
    static uint8_t block[1 << 16];

    ST_OK(st_path_join(path, folder, "big.bin", err));
    ST_OK(st_output_open(&out, path, false, err));
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    struct rlimit little = {.rlim_cur = 100000, .rlim_max = was.rlim_max};
    setrlimit(RLIMIT_FSIZE, &little);
    ST_OK(st_output_write(&out, block, sizeof block, err));
    synctalk_status st = st_output_write(&out, block, sizeof block, &e);
    setrlimit(RLIMIT_FSIZE, &was);
    assert_int_equal(st, SYNCTALK_E_IO);
    assert_non_null(strstr(e.message, "big.bin: cannot write"));
    st_output_close(&out);
    assert_int_equal(files_in(folder), 0);
    st_scratch_remove(folder);
}

static void maps_refuse_what_is_no_file(void **state)
{
    (void)state;
    char *folder = st_scratch_create();
    char path[ST_PATH_MAX];
    struct st_mapping map;
    synctalk_error e;

    assert_int_equal(st_map_file(&map, folder, &e), SYNCTALK_E_IO);
    assert_non_null(strstr(e.message, "folder"));
    ST_OK(st_path_join(path, folder, "absent", err));
    assert_int_equal(st_map_file(&map, path, &e), SYNCTALK_E_MISSING);
    ST_OK(st_path_join(path, folder, "fifo", err));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(st_map_file(&map, path, &e), SYNCTALK_E_IO); /* and does not hang */
    ST_OK(st_path_join(path, folder, "empty", err));
    st_write_file(path, "", 0);
    ST_OK(st_map_file(&map, path, err));
    assert_int_equal(map.size, 0);
    st_unmap_file(&map);
    st_unmap_file(NULL);
    st_scratch_remove(folder);
}

#define ITEMS 2000

struct relay {
    struct st_queue *in;
    struct st_sequence *out;
};

static void *relay_main(void *arg)
{
    struct relay *relay = arg;
    void *item;
    while (st_queue_pop(relay->in, &item))
        st_sequence_put(relay->out, *(int64_t *)item, item);
    return NULL;
}

static void items_leave_a_sequence_in_order(void **state)
{
    (void)state;
    static int64_t numbers[16];
    struct relay relay;
    struct st_queue *free_slots;
    pthread_t threads[3];

    ST_OK(st_queue_create(&free_slots, 16, err));
    ST_OK(st_queue_create(&relay.in, 16, err));
    ST_OK(st_sequence_create(&relay.out, 16, err));
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, relay_main, &relay);
    for (int i = 0; i < 16; i++)
        st_queue_push(free_slots, &numbers[i]);

    int64_t next = 0;
    for (int64_t i = 0; i < ITEMS + 16; i++) {
        void *slot;
        if (i < ITEMS && st_queue_try_pop(free_slots, &slot)) {
            *(int64_t *)slot = i;
            assert_true(st_queue_push(relay.in, slot));
            continue;
        }
        i--;
        void *item;
        enum st_sequence_result result = st_sequence_next(relay.out, 1000, &item);
        assert_int_equal(result, ST_SEQUENCE_ITEM);
        assert_int_equal(*(int64_t *)item, next);
        if (++next == ITEMS)
            break;
        st_queue_push(free_slots, item);
    }
    void *none;
    assert_int_equal(st_sequence_next(relay.out, 1, &none), ST_SEQUENCE_WAIT);
    st_sequence_abort(relay.out);
    assert_int_equal(st_sequence_next(relay.out, 1000, &none), ST_SEQUENCE_ABORTED);
    st_queue_close(relay.in);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    st_sequence_destroy(&relay.out);
    st_queue_destroy(&relay.in);
    st_queue_destroy(&free_slots);
}

static void *pop_main(void *arg)
{
    void *item;
    return st_queue_pop(arg, &item) ? arg : NULL;
}

static void closing_and_aborting_wake_those_who_wait(void **state)
{
    (void)state;
    int item;
    void *got;
    for (int abort = 0; abort < 2; abort++) {
        struct st_queue *queue;
        pthread_t thread;
        void *result;
        ST_OK(st_queue_create(&queue, 1, err));
        pthread_create(&thread, NULL, pop_main, queue);
        if (abort)
            st_queue_abort(queue);
        else
            st_queue_close(queue);
        pthread_join(thread, &result);
        assert_null(result);
        assert_false(st_queue_push(queue, &item));
        st_queue_destroy(&queue);
    }
    struct st_queue *queue;
    ST_OK(st_queue_create(&queue, 2, err));
    assert_true(st_queue_push(queue, &item));
    st_queue_close(queue);
    assert_true(st_queue_pop(queue, &got)); /* what was in before goes on */
    assert_false(st_queue_pop(queue, &got));
    st_queue_destroy(&queue);
    st_queue_destroy(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_sentence_is_cut_between_characters),
        cmocka_unit_test(sizes_that_do_not_fit_are_refused),
        cmocka_unit_test(output_appears_whole_or_not_at_all),
        cmocka_unit_test(a_sweep_takes_what_nobody_holds),
        cmocka_unit_test(a_target_that_appears_meanwhile_is_kept),
        cmocka_unit_test(a_full_disk_is_told_by_the_final_name),
        cmocka_unit_test(maps_refuse_what_is_no_file),
        cmocka_unit_test(items_leave_a_sequence_in_order),
        cmocka_unit_test(closing_and_aborting_wake_those_who_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
