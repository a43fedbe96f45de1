/* SPDX-License-Identifier: Apache-2.0 */
/* The store: states change once, keys are held to, a database of another program is refused. */
#include "support/support.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/folders.h"
#include "server/store.h"
#include "server/uploads.h"

#define GOOD(call) assert_int_equal(call, SYNCTALK_OK)

struct world {
    char *folder; /* owns */
    struct store *store;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->folder = st_scratch_create();
    GOOD(store_open(&w->store, w->folder, NULL));
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    store_close(&w->store);
    st_scratch_remove(w->folder);
    free(w);
    return 0;
}

static void open_again(struct world *w)
{
    store_close(&w->store);
    GOOD(store_open(&w->store, w->folder, NULL));
}

static void add_upload(struct world *w, const char *id, const char *sha256)
{
    struct upload_row row = {.length = 3, .created = 100};
    snprintf(row.id, sizeof row.id, "%s", id);
    snprintf(row.name, sizeof row.name, "name");
    GOOD(store_upload_add(w->store, &row, NULL));
    if (sha256)
        GOOD(store_upload_end(w->store, id, sha256, 3, NULL));
}

static synctalk_status add_job(struct world *w, const char *id, const char *key, bool *again,
                               char got[ID_SIZE])
{
    const struct new_job job = {
        .id = id, .key = key, .request = "{}", .audio = "upload-1", .now = 1, .most_waiting = 3};
    return store_job_add(w->store, &job, got, again, NULL);
}

static void note(void *user, const struct job_row *row)
{
    char *log = user;
    const size_t used = strlen(log);
    snprintf(log + used, 256 - used, "%s %s; ", row->id, job_state_name(row->state));
}

static void expect_jobs(struct world *w, const char *expected)
{
    char log[256] = "";
    GOOD(store_jobs_list(w->store, 0, JOB_STATES, 100, note, log, NULL));
    assert_string_equal(log, expected);
}

static void test_jobs_go_through_their_states(void **state)
{
    struct world *w = *state;
    char id[ID_SIZE];
    char log[256] = "";
    bool flag;
    const struct job_end done = {.state = JOB_COMPLETED, .result = "{}", .bytes = 7, .now = 5};
    const struct job_end cancelled = {.state = JOB_CANCELLED, .now = 6};

    add_upload(w, "upload-1", "aa");
    GOOD(add_job(w, "video-1", NULL, &flag, id));
    GOOD(add_job(w, "video-2", NULL, &flag, id));
    GOOD(store_job_take(w->store, 2, note, log, &flag, NULL));
    assert_true(flag);
    assert_string_equal(log, "video-1 in_progress; ");
    open_again(w); /* what is written lasts */
    expect_jobs(w, "video-2 queued; video-1 in_progress; ");
    GOOD(store_job_end(w->store, "video-1", &done, &flag, NULL));
    assert_true(flag);
    GOOD(store_job_end(w->store, "video-1", &cancelled, &flag, NULL));
    assert_false(flag); /* an end is an end */
    GOOD(store_job_end(w->store, "video-2", &cancelled, &flag, NULL));
    assert_true(flag);
    expect_jobs(w, "video-2 cancelled; video-1 completed; ");
    GOOD(store_job_take(w->store, 2, note, log, &flag, NULL));
    assert_false(flag);
}

static void test_what_was_in_work_keeps_its_place(void **state)
{
    struct world *w = *state;
    char id[ID_SIZE];
    char log[256] = "";
    bool flag;
    int64_t count = 0;
    add_upload(w, "upload-1", "aa");
    GOOD(add_job(w, "video-1", NULL, &flag, id));
    GOOD(add_job(w, "video-2", NULL, &flag, id));
    GOOD(store_job_take(w->store, 2, note, log, &flag, NULL));
    open_again(w);
    GOOD(store_jobs_return(w->store, &count, NULL));
    assert_int_equal(count, 1);
    log[0] = '\0';
    GOOD(store_job_take(w->store, 3, note, log, &flag, NULL));
    assert_string_equal(log, "video-1 in_progress; ");
}

static void test_a_key_makes_one_job(void **state)
{
    struct world *w = *state;
    char id[ID_SIZE];
    bool again;
    add_upload(w, "upload-1", "aa");
    GOOD(add_job(w, "video-1", "key", &again, id));
    assert_false(again);
    GOOD(add_job(w, "video-2", "key", &again, id));
    assert_true(again);
    assert_string_equal(id, "video-1");
    expect_jobs(w, "video-1 queued; ");
}

static void test_refusals(void **state)
{
    struct world *w = *state;
    char id[ID_SIZE];
    bool again;
    assert_int_equal(add_job(w, "video-1", NULL, &again, id), SYNCTALK_E_MISSING);
    add_upload(w, "upload-1", NULL); /* not whole */
    assert_int_equal(add_job(w, "video-1", NULL, &again, id), SYNCTALK_E_MISSING);
    GOOD(store_upload_end(w->store, "upload-1", "aa", 3, NULL));
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "video-%d", i);
        GOOD(add_job(w, name, NULL, &again, id));
    }
    assert_int_equal(add_job(w, "video-4", NULL, &again, id), SYNCTALK_E_EXISTS);
}

static void test_uploads_of_waiting_jobs_stay(void **state)
{
    struct world *w = *state;
    struct upload_row row;
    char id[ID_SIZE];
    bool flag;
    bool used;
    const struct job_end end = {.state = JOB_FAILED, .now = 6};
    add_upload(w, "upload-1", "aa");
    add_upload(w, "upload-2", "bb");
    add_upload(w, "upload-3", NULL);
    GOOD(add_job(w, "video-1", NULL, &flag, id));
    GOOD(store_uploads_expire(w->store, 200, NULL));
    GOOD(store_upload_get(w->store, "upload-1", &row, NULL));
    assert_int_equal(store_upload_get(w->store, "upload-2", &row, NULL), SYNCTALK_E_MISSING);
    assert_int_equal(store_upload_get(w->store, "upload-3", &row, NULL), SYNCTALK_E_MISSING);
    GOOD(store_upload_remove(w->store, "upload-1", NULL));
    GOOD(store_content_is_used(w->store, "aa", &used, NULL));
    assert_true(used); /* by the job */
    GOOD(store_job_end(w->store, "video-1", &end, &flag, NULL));
    GOOD(store_content_is_used(w->store, "aa", &used, NULL));
    assert_false(used);
}

static void expect_oldest(struct world *w, int64_t skip, const char *expected)
{
    char id[ID_SIZE];
    GOOD(store_upload_oldest_unused(w->store, skip, id, NULL));
    assert_string_equal(id, expected);
}

static void test_the_oldest_upload_that_no_job_needs(void **state)
{
    struct world *w = *state;
    char id[ID_SIZE];
    bool flag;
    const struct job_end end = {.state = JOB_FAILED, .now = 6};
    expect_oldest(w, 0, "");
    add_upload(w, "upload-1", "aa");
    add_upload(w, "upload-3", "aa"); /* the same content */
    add_upload(w, "upload-2", NULL);
    add_upload(w, "upload-4", "bb");
    expect_oldest(w, 0, "upload-1");
    expect_oldest(w, 2, "upload-2");
    GOOD(add_job(w, "video-1", NULL, &flag, id));
    expect_oldest(w, 0, "upload-2");
    expect_oldest(w, 1, "upload-4");
    expect_oldest(w, 2, "");
    GOOD(store_job_end(w->store, "video-1", &end, &flag, NULL));
    expect_oldest(w, 0, "upload-1");
}

static void note_webhook(void *user, const struct job_row *row)
{
    snprintf(user, 256, "%s %s %d %d %d %s", row->webhook ? row->webhook : "none",
             delivery_state_name(row->delivery), (int)row->tries, (int)row->due, (int)row->answer,
             row->fault ? row->fault : "-");
}

static void expect_webhook(struct world *w, const char *job, const char *expected)
{
    char log[256] = "";
    GOOD(store_job_get(w->store, job, note_webhook, log, NULL));
    assert_string_equal(log, expected);
}

/* Guards: a delivery that is lost or doubled by a server that ends in its midst, or that stays
 * when its job goes. */
static void test_deliveries(void **state)
{
    struct world *w = *state;
    char id[ID_SIZE];
    bool flag;
    struct delivery delivery = {.tries = 0};
    const struct job_end end = {.state = JOB_COMPLETED, .now = 5};
    const struct new_job job = {.id = "video-1",
                                .key = "k",
                                .request = "{}",
                                .audio = "upload-1",
                                .webhook = "https://h/",
                                .now = 1,
                                .most_waiting = 3};
    const struct delivery_end later = {DELIVERY_WAITING, 50, 500, "no"};
    const struct delivery_end done = {DELIVERY_DONE, 0, 204, NULL};

    add_upload(w, "upload-1", "aa");
    GOOD(store_job_add(w->store, &job, id, &flag, NULL));
    GOOD(store_job_add(w->store, &job, id, &flag, NULL)); /* the same key: no second one */
    assert_true(flag);
    GOOD(add_job(w, "video-2", NULL, &flag, id));
    expect_webhook(w, "video-1", "https://h/ waiting 0 0 0 -");
    expect_webhook(w, "video-2", "none waiting 0 0 0 -");
    GOOD(store_delivery_take(w->store, 9, &delivery, &flag, NULL));
    assert_false(flag); /* the job has not ended */
    GOOD(store_job_end(w->store, "video-1", &end, &flag, NULL));
    GOOD(store_job_end(w->store, "video-2", &end, &flag, NULL));
    GOOD(store_delivery_take(w->store, 9, &delivery, &flag, NULL));
    assert_true(flag);
    assert_string_equal(delivery.job, "video-1");
    assert_string_equal(delivery.url, "https://h/");
    assert_int_equal(delivery.tries, 1);
    GOOD(store_delivery_take(w->store, 9, &delivery, &flag, NULL));
    assert_false(flag); /* it is on its way */
    open_again(w);
    GOOD(store_deliveries_return(w->store, NULL));
    GOOD(store_delivery_take(w->store, 9, &delivery, &flag, NULL));
    assert_true(flag && delivery.tries == 2);
    GOOD(store_delivery_end(w->store, "video-1", &later, NULL));
    expect_webhook(w, "video-1", "https://h/ waiting 2 50 500 no");
    GOOD(store_delivery_take(w->store, 49, &delivery, &flag, NULL));
    assert_false(flag);
    GOOD(store_delivery_take(w->store, 50, &delivery, &flag, NULL));
    assert_true(flag && delivery.tries == 3);
    GOOD(store_delivery_end(w->store, "video-1", &done, NULL));
    expect_webhook(w, "video-1", "https://h/ delivered 3 0 204 -");
    GOOD(store_job_remove(w->store, "video-1", NULL));
    GOOD(store_job_add(w->store, &job, id, &flag, NULL)); /* nothing of it is left in the way */
    expect_webhook(w, "video-1", "https://h/ waiting 0 0 0 -");
}

/* The first form of the database, with a job in it, as the program that knew no more wrote it. */
static void test_an_older_database_is_brought_up_to_date(void **state)
{
    struct world *w = *state;
    char path[128];
    sqlite3 *db = NULL;
    bool flag;
    char id[ID_SIZE];
    add_upload(w, "upload-1", "aa");
    GOOD(add_job(w, "video-1", NULL, &flag, id));
    store_close(&w->store);
    snprintf(path, sizeof path, "%s/synctalk.db", w->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TRIGGER jobs_take_deliveries_along;"
                                  "DROP TABLE deliveries; PRAGMA user_version = 1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    GOOD(store_open(&w->store, w->folder, NULL));
    expect_jobs(w, "video-1 queued; ");
    expect_webhook(w, "video-1", "none waiting 0 0 0 -");
    GOOD(store_job_remove(w->store, "video-1", NULL));
}

static void *commit_later(void *db)
{
    usleep(300000);
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    return NULL;
}

/* Guards: requests that fail since someone looks into the database with a tool of his own. */
static void test_another_program_is_waited_for(void **state)
{
    struct world *w = *state;
    char path[128];
    sqlite3 *db = NULL;
    pthread_t thread;
    snprintf(path, sizeof path, "%s/synctalk.db", w->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(pthread_create(&thread, NULL, commit_later, db), 0);
    add_upload(w, "upload-1", "aa");
    pthread_join(thread, NULL);
    sqlite3_close(db);
}

/* No file grows from now on, or as ever. */
static void let_files_grow(struct world *w, bool may)
{
    char path[128];
    struct stat info;
    struct rlimit limit;
    snprintf(path, sizeof path, "%s/synctalk.db-wal", w->folder);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = may ? limit.rlim_max : (rlim_t)info.st_size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Guards: a video that two workers make, since one took it though that found no room to be written
 * down, and that the second removes when it is told that the first has ended it. */
static void test_what_is_taken_without_room_is_not_taken(void **state)
{
    struct world *w = *state;
    char id[ID_SIZE];
    char log[256] = "";
    bool flag;
    struct delivery delivery = {.tries = 0};
    const struct job_end end = {.state = JOB_CANCELLED, .now = 5};
    const struct new_job told = {.id = "video-2",
                                 .request = "{}",
                                 .audio = "upload-1",
                                 .webhook = "https://h/",
                                 .now = 1,
                                 .most_waiting = 3};
    signal(SIGXFSZ, SIG_IGN);
    add_upload(w, "upload-1", "aa");
    GOOD(add_job(w, "video-1", NULL, &flag, id));
    GOOD(store_job_add(w->store, &told, id, &flag, NULL));
    GOOD(store_job_end(w->store, "video-2", &end, &flag, NULL));
    let_files_grow(w, false);
    flag = true;
    assert_int_not_equal(store_job_take(w->store, 2, note, log, &flag, NULL), SYNCTALK_OK);
    assert_false(flag);
    flag = true;
    assert_int_not_equal(store_delivery_take(w->store, 9, &delivery, &flag, NULL), SYNCTALK_OK);
    assert_false(flag);
    let_files_grow(w, true);
    log[0] = '\0';
    GOOD(store_job_take(w->store, 2, note, log, &flag, NULL));
    assert_true(flag);
    assert_string_equal(log, "video-1 in_progress; ");
    GOOD(store_delivery_take(w->store, 9, &delivery, &flag, NULL));
    assert_true(flag && delivery.tries == 1);
}

/* In the folder of `w`, for what is announced or goes on. */
struct sending {
    struct folders folders;
    struct uploads *uploads;
    struct upload *upload;
    struct upload_row row;
};

static void open_uploads(struct sending *s, struct world *w)
{
    memset(s, 0, sizeof *s);
    GOOD(folders_open(&s->folders, w->folder, NULL));
    GOOD(uploads_open(&s->uploads, &s->folders, w->store, 1000, NULL));
}

static void close_uploads(struct sending *s)
{
    uploads_close(&s->uploads);
    folders_close(&s->folders);
}

static void send_all(struct sending *s, const char *text)
{
    GOOD(upload_begin(&s->upload, s->uploads, "a", (int64_t)strlen(text), &s->row, NULL));
    GOOD(upload_write(s->upload, text, strlen(text), NULL));
}

/* Guards: an upload that was sent whole when there was no room to write that down, and that could
 * not be ended, gone on with or sent again afterwards. */
static void test_an_upload_whose_end_finds_no_room(void **state)
{
    struct world *w = *state;
    struct sending s;
    char id[ID_SIZE];
    signal(SIGXFSZ, SIG_IGN);
    open_uploads(&s, w);
    for (int i = 0; i < 2; i++) { /* the second time, the content is there already */
        send_all(&s, "sound");
        let_files_grow(w, false);
        assert_int_not_equal(upload_end(s.upload, &s.row, NULL), SYNCTALK_OK);
        let_files_grow(w, true);
        upload_close(&s.upload, true);
        snprintf(id, sizeof id, "%s", s.row.id);
        GOOD(store_upload_get(w->store, id, &s.row, NULL));
        assert_int_equal(uploads_offset(s.uploads, &s.row), 5);
        GOOD(upload_resume(&s.upload, s.uploads, s.row.id, 5, NULL));
        GOOD(upload_end(s.upload, &s.row, NULL));
        upload_close(&s.upload, true);
        assert_int_equal(file_bytes(folders_content(&s.folders, s.row.sha256).text), 5);
        assert_int_not_equal(access(folders_incoming(&s.folders, s.row.id).text, F_OK), 0);
    }
    close_uploads(&s);
}

/* Guards: an upload that is refused for ever, since a server was killed when its content had taken
 * its place and that was not written down yet. */
static void test_an_upload_whose_server_was_killed_at_its_end(void **state)
{
    struct world *w = *state;
    struct sending s;
    open_uploads(&s, w);
    send_all(&s, "sound");
    upload_close(&s.upload, true);
    assert_int_equal(rename(folders_incoming(&s.folders, s.row.id).text,
                            folders_content(&s.folders, "abc").text),
                     0);
    GOOD(uploads_sweep(s.uploads, 0, NULL));
    assert_int_equal(uploads_offset(s.uploads, &s.row), 0);
    assert_int_not_equal(upload_resume(&s.upload, s.uploads, s.row.id, 5, NULL), SYNCTALK_OK);
    GOOD(upload_resume(&s.upload, s.uploads, s.row.id, 0, NULL));
    GOOD(upload_write(s.upload, "sound", 5, NULL));
    GOOD(upload_end(s.upload, &s.row, NULL));
    upload_close(&s.upload, true);
    assert_int_equal(file_bytes(folders_content(&s.folders, s.row.sha256).text), 5);
    close_uploads(&s);
}

static void test_a_newer_database_is_refused(void **state)
{
    struct world *w = *state;
    char path[128];
    sqlite3 *db = NULL;
    synctalk_error err = {0};
    store_close(&w->store);
    snprintf(path, sizeof path, "%s/synctalk.db", w->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(store_open(&w->store, w->folder, &err), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(err.message, "newer"));
    assert_null(w->store);
}

static void test_a_damaged_database_is_refused(void **state)
{
    struct world *w = *state;
    char path[128];
    synctalk_error err = {0};
    store_close(&w->store);
    snprintf(path, sizeof path, "%s/synctalk.db", w->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 4096; i++)
        fputs("no database ", file);
    fclose(file);
    assert_int_equal(store_open(&w->store, w->folder, &err), SYNCTALK_E_FORMAT);
    assert_null(w->store);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_jobs_go_through_their_states),
        CASE(test_what_was_in_work_keeps_its_place),
        CASE(test_a_key_makes_one_job),
        CASE(test_refusals),
        CASE(test_uploads_of_waiting_jobs_stay),
        CASE(test_the_oldest_upload_that_no_job_needs),
        CASE(test_a_newer_database_is_refused),
        CASE(test_a_damaged_database_is_refused),
        CASE(test_deliveries),
        CASE(test_an_upload_whose_end_finds_no_room),
        CASE(test_an_upload_whose_server_was_killed_at_its_end),
        CASE(test_what_is_taken_without_room_is_not_taken),
        CASE(test_another_program_is_waited_for),
        CASE(test_an_older_database_is_brought_up_to_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
