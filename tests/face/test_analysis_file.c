/* SPDX-License-Identifier: Apache-2.0 */
/* What an analysis keeps: stopped, killed, damaged, locked and out of memory. Whatever happens to
 * the file, the next analysis gives what one without it gives.
 */
#include "support/support.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "face/fake_film.h"

#define FRAMES 150

static atomic_long calls_left = -1; /* allocations until one fails; negative: none does */

static bool fails(void)
{
    return atomic_load(&calls_left) >= 0 && atomic_fetch_sub(&calls_left, 1) == 0;
}

/* Names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c) */

static void stage(struct fake_scene *scene, int n)
{
    scene->faces[0].x = 80 + 15 * sinf(0.11f * (float)n);
    scene->faces[0].present = n % 60 < 50;
    scene->background = n / 77;
}

static struct fake_film the_film(void)
{
    struct fake_film film = fake_film(FRAMES);
    film.stage = stage;
    film.noise = 0.5f;
    return film;
}

static synctalk_status analyse(struct st_analysis **out, struct fake_film *film,
                               const struct fake_place *place, struct fake_talk *talk,
                               synctalk_error *err)
{
    const struct st_analysis_parts parts = fake_parts(film);
    const synctalk_callbacks callbacks = fake_callbacks(talk);
    return st_analysis_open_with(out, &place->settings, &parts, &callbacks, err);
}

/* What the film must give, and the file that it must leave. */
struct truth {
    struct fake_place place;
    struct st_analysed frames[FRAMES];
    unsigned char *file; /* owned */
    size_t size;
};

static unsigned char *read_file(const char *path, size_t *size)
{
    struct st_mapping map;
    ST_OK(st_map_file(&map, path, err));
    unsigned char *data = malloc(map.size + 1);
    assert_non_null(data);
    *size = map.size;
    if (map.size)
        memcpy(data, map.data, map.size);
    st_unmap_file(&map);
    return data;
}

static void learn(struct truth *truth)
{
    struct fake_film film = the_film();
    struct fake_talk talk = {0};
    struct st_analysis *analysis = NULL;
    fake_place_create(&truth->place);
    truth->place.settings.tracker.smooth = true;
    ST_OK(analyse(&analysis, &film, &truth->place, &talk, err));
    memset(truth->frames, 0, sizeof truth->frames);
    for (int i = 0; i < FRAMES; i++)
        ST_OK(st_analysis_frame(analysis, i, &truth->frames[i], err));
    st_analysis_close(&analysis);
    truth->file = read_file(fake_place_kept(&truth->place), &truth->size);
}

static void unlearn(struct truth *truth)
{
    free(truth->file);
    fake_place_remove(&truth->place);
}

/* Analyse with what lies in the cache now; returns the frames that were read. */
static int assert_truth(const struct truth *truth)
{
    struct fake_film film = the_film();
    struct fake_talk talk = {0};
    struct st_analysis *analysis = NULL;
    struct st_analysed got;
    ST_OK(analyse(&analysis, &film, &truth->place, &talk, err));
    assert_int_equal(st_analysis_summary(analysis)->frames, FRAMES);
    assert_int_equal(st_analysis_summary(analysis)->found, 130);
    for (int i = 0; i < FRAMES; i++) {
        memset(&got, 0, sizeof got);
        ST_OK(st_analysis_frame(analysis, i, &got, err));
        assert_memory_equal(&got, &truth->frames[i], sizeof got);
    }
    st_analysis_close(&analysis);
    return film.reads;
}

static void assert_same_file(const struct truth *truth)
{
    size_t size;
    unsigned char *file = read_file(fake_place_kept(&truth->place), &size);
    assert_int_equal(size, truth->size);
    assert_memory_equal(file, truth->file, size);
    free(file);
}

static void an_analysis_that_was_cancelled_goes_on(void **state)
{
    struct truth truth;
    (void)state;
    learn(&truth);
    for (int64_t poll = 1; poll < 160; poll += 13) {
        struct fake_film film = the_film();
        struct fake_talk talk = {.cancel_at_poll = poll};
        struct st_analysis *analysis = NULL;
        synctalk_error why = {0};
        char path[ST_PATH_MAX];
        snprintf(path, sizeof path, "%s", fake_place_kept(&truth.place));
        unlink(path);
        synctalk_status st = analyse(&analysis, &film, &truth.place, &talk, &why);
        if (st == SYNCTALK_OK) {
            assert_true(poll > FRAMES);
            st_analysis_close(&analysis);
            break;
        }
        assert_int_equal(st, SYNCTALK_E_CANCELLED);
        assert_null(analysis);
        assert_int_equal(film.closed, 1);
        if (!st_path_is_file(path))
            st_write_file(path, "", 0);
        int reads = assert_truth(&truth);
        /* The frame in hand may be past the block's end, or not yet. */
        assert_true(reads == FRAMES || (film.reads >= 64 && reads == FRAMES - 64) ||
                    (film.reads >= 128 && reads == FRAMES - 128));
        assert_true(film.reads < 68 || reads < FRAMES);
        assert_same_file(&truth);
    }
    unlearn(&truth);
}

/* The same bytes as from one that was left alone. */
static void an_analysis_that_was_killed_goes_on(void **state)
{
    struct truth truth;
    (void)state;
    learn(&truth);
    char *kept = strdup(fake_place_kept(&truth.place));
    for (int64_t frame = 0; frame < FRAMES; frame += 29) {
        unlink(kept);
        for (int64_t at = frame; at < FRAMES; at += 60) {
            int how = 0;
            pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                struct fake_film film = the_film();
                struct fake_talk talk = {0};
                struct st_analysis *analysis = NULL;
                film.exit_at = at;
                (void)analyse(&analysis, &film, &truth.place, &talk, NULL);
                _exit(1);
            }
            assert_true(waitpid(child, &how, 0) == child);
            assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 7);
        }
        (void)assert_truth(&truth);
        assert_same_file(&truth);
        assert_int_equal(assert_truth(&truth), 0);
    }
    free(kept);
    unlearn(&truth);
}

/* Any file under the right name: cut off at every kind of place, bytes changed, longer, empty. */
static void a_damaged_file_is_never_trusted(void **state)
{
    struct truth truth;
    (void)state;
    learn(&truth);
    char *kept = strdup(fake_place_kept(&truth.place));
    unsigned char *bad = malloc(2 * truth.size);
    uint64_t random = 4;
    assert_non_null(bad);
    for (int i = 0; i < 90; i++) {
        size_t size = truth.size;
        memcpy(bad, truth.file, size);
        memcpy(bad + size, truth.file, size);
        if (i < 30) {
            size = i < 15 ? (size_t)i * 8 : (size_t)(st_random_next(&random) % truth.size);
        } else if (i < 35) {
            size += (size_t)(st_random_next(&random) % truth.size); /* a tail is of no interest */
        } else if (i < 40) {
            memset(bad + st_random_next(&random) % size, 0, 1000);
        } else {
            size_t at = (size_t)(st_random_next(&random) % (i < 60 ? 200 : size));
            bad[at] ^= (unsigned char)(1u << (i % 8));
        }
        st_write_file(kept, bad, size);
        int reads = assert_truth(&truth);
        assert_true(i >= 30 && i < 35 ? reads == 0 : reads > 0);
        if (i < 30 || i >= 35)
            assert_same_file(&truth);
    }
    free(bad);
    free(kept);
    unlearn(&truth);
}

/* Whole blocks with right sums, but not in their places. */
static void blocks_and_files_do_not_change_places(void **state)
{
    struct truth truth;
    struct truth other;
    (void)state;
    learn(&truth);
    learn(&other);
    const size_t record = offsetof(struct st_face_record, points) + 98 * sizeof(struct st_point);
    const size_t block = (truth.size - 120 + (3 * 64 - FRAMES) * record) / 3;
    char *kept = strdup(fake_place_kept(&truth.place));
    unsigned char *bad = malloc(truth.size);
    assert_non_null(bad);
    assert_int_equal(truth.size, 120 + 3 * block - (3 * 64 - FRAMES) * record);
    memcpy(bad, truth.file, truth.size);
    memcpy(bad + 120, truth.file + 120 + block, block);
    memcpy(bad + 120 + block, truth.file + 120, block);
    st_write_file(kept, bad, truth.size);
    assert_int_equal(assert_truth(&truth), FRAMES);

    memcpy(bad + 120, truth.file + 120, 2 * block);
    memcpy(bad + 120 + 2 * block, truth.file + 120, truth.size - 120 - 2 * block);
    st_write_file(kept, bad, truth.size);
    assert_int_equal(assert_truth(&truth), FRAMES - 128);

    memcpy(bad, truth.file, truth.size);
    memcpy(bad + 120, truth.file + 120 + record, record);
    memcpy(bad + 120 + record, truth.file + 120, record);
    st_write_file(kept, bad, truth.size);
    assert_int_equal(assert_truth(&truth), FRAMES);

    /* The analysis of another video under this one's name. */
    st_write_file(other.place.video, "another", 7);
    unlink(fake_place_kept(&other.place));
    (void)assert_truth(&other);
    free(other.file);
    other.file = read_file(fake_place_kept(&other.place), &other.size);
    st_write_file(kept, other.file, other.size);
    assert_int_equal(assert_truth(&truth), FRAMES);
    assert_same_file(&truth);
    assert_int_equal(other.size, truth.size);
    memcpy(other.file, truth.file, 120);
    st_write_file(kept, other.file, other.size);
    assert_int_equal(assert_truth(&truth), FRAMES);
    assert_same_file(&truth);
    free(bad);
    free(kept);
    unlearn(&truth);
    unlearn(&other);
}

static void a_file_that_changes_in_use_is_noticed(void **state)
{
    struct truth truth;
    struct fake_film film = the_film();
    struct fake_talk talk = {0};
    struct st_analysis *analysis = NULL;
    struct st_analysed got;
    synctalk_error why = {0};
    (void)state;
    learn(&truth);
    ST_OK(analyse(&analysis, &film, &truth.place, &talk, err));
    int fd = open(fake_place_kept(&truth.place), O_RDWR);
    assert_true(fd >= 0);
    off_t byte = 120 + (off_t)offsetof(struct st_face_record, points) + 1;
    unsigned char other = truth.file[byte] ^ 1;
    assert_int_equal(pwrite(fd, &other, 1, byte), 1);
    assert_int_equal(st_analysis_frame(analysis, 0, &got, &why), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "frame 0 is damaged"));
    assert_int_equal(ftruncate(fd, 5000), 0);
    assert_int_equal(st_analysis_frame(analysis, 100, &got, &why), SYNCTALK_E_FORMAT);
    close(fd);
    st_analysis_close(&analysis);
    unlearn(&truth);
}

/* Two at once on one video mixed their blocks. */
static void works_unnamed_while_another_process_has_the_file(void **state)
{
    struct truth truth;
    struct fake_talk talk = {0};
    (void)state;
    learn(&truth);
    char *kept = strdup(fake_place_kept(&truth.place));
    for (int shared = 0; shared < 2; shared++) {
        struct fake_film film = the_film();
        struct st_analysis *analysis = NULL;
        struct st_analysed got;
        /* Half a file, in the hands of one who writes it, or of one who reads it. */
        st_write_file(kept, truth.file, truth.size / 2);
        int fd = open(kept, O_RDWR);
        assert_int_equal(flock(fd, shared ? LOCK_SH : LOCK_EX), 0);
        ST_OK(analyse(&analysis, &film, &truth.place, &talk, err));
        assert_non_null(strstr(talk.warnings, "the analysis is not kept: "));
        assert_non_null(strstr(talk.warnings, "another process"));
        assert_int_equal(film.reads, FRAMES);
        for (int i = 0; i < FRAMES; i++) {
            memset(&got, 0, sizeof got);
            ST_OK(st_analysis_frame(analysis, i, &got, err));
            assert_memory_equal(&got, &truth.frames[i], sizeof got);
        }
        st_analysis_close(&analysis);
        struct stat info;
        assert_int_equal(fstat(fd, &info), 0);
        assert_int_equal(info.st_size, truth.size / 2);
        close(fd);
    }
    free(kept);
    unlearn(&truth);
}

static void readers_share_a_complete_file(void **state)
{
    struct truth truth;
    struct fake_talk talk = {0};
    struct fake_film film = the_film();
    struct st_analysis *analysis = NULL;
    (void)state;
    learn(&truth);
    ST_OK(analyse(&analysis, &film, &truth.place, &talk, err));
    assert_int_equal(assert_truth(&truth), 0);
    st_analysis_close(&analysis);
    unlearn(&truth);
}

static void a_cache_that_cannot_be_written_is_no_failure(void **state)
{
    struct truth truth;
    char folder[ST_PATH_MAX];
    (void)state;
    learn(&truth);
    ST_OK(st_path_join(folder, truth.place.detector, "cache", err));
    truth.place.settings.cache = folder; /* below a file */
    assert_int_equal(assert_truth(&truth), FRAMES);
    char *kept = strdup(fake_place_kept(&truth.place));
    truth.place.settings.cache = truth.place.cache;
    unlink(kept);
    assert_int_equal(mkdir(kept, 0777), 0); /* a folder in its place */
    assert_int_equal(assert_truth(&truth), FRAMES);
    assert_int_equal(rmdir(kept), 0);
    assert_int_equal(symlink(truth.place.detector, kept), 0); /* or a link elsewhere */
    assert_int_equal(assert_truth(&truth), FRAMES);
    size_t size;
    unsigned char *detector = read_file(truth.place.detector, &size);
    assert_int_equal(size, strlen("a detector"));
    assert_memory_equal(detector, "a detector", size);
    free(detector);
    free(kept);
    unlearn(&truth);
}

/* A disk that is full is told with the file's name, and what was whole stays of use. */
static void a_full_disk_is_told(void **state)
{
    struct truth truth;
    int how = 0;
    (void)state;
    learn(&truth);
    char *kept = strdup(fake_place_kept(&truth.place));
    unlink(kept);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct fake_film film = the_film();
        struct fake_talk talk = {0};
        struct st_analysis *analysis = NULL;
        synctalk_error why = {0};
        struct rlimit limit = {.rlim_cur = truth.size / 2, .rlim_max = truth.size / 2};
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        synctalk_status st = analyse(&analysis, &film, &truth.place, &talk, &why);
        _exit(st == SYNCTALK_E_IO && strstr(why.message, kept) ? 0 : 1);
    }
    assert_true(waitpid(child, &how, 0) == child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    assert_int_equal(assert_truth(&truth), FRAMES - 64);
    assert_same_file(&truth);
    free(kept);
    unlearn(&truth);
}

/* The n-th allocation fails, for every n: an error, or a result without a kept file. */
static void memory_may_run_out_anywhere(void **state)
{
    struct truth truth;
    int failed = 0;
    (void)state;
    learn(&truth);
    char *kept = strdup(fake_place_kept(&truth.place));
    for (long n = 0;; n++) {
        struct fake_film film = the_film();
        struct fake_talk talk = {0};
        struct st_analysis *analysis = NULL;
        synctalk_error why = {0};
        unlink(kept);
        atomic_store(&calls_left, n);
        synctalk_status st = analyse(&analysis, &film, &truth.place, &talk, &why);
        const bool all = atomic_load(&calls_left) >= 0;
        atomic_store(&calls_left, -1);
        assert_true(st == SYNCTALK_OK || st == SYNCTALK_E_MEMORY);
        assert_int_equal(st == SYNCTALK_OK, analysis != NULL);
        failed += st != SYNCTALK_OK;
        st_analysis_close(&analysis);
        if (all)
            break;
    }
    assert_true(failed > 5);
    (void)assert_truth(&truth);
    free(kept);
    unlearn(&truth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_analysis_that_was_cancelled_goes_on),
        cmocka_unit_test(an_analysis_that_was_killed_goes_on),
        cmocka_unit_test(a_damaged_file_is_never_trusted),
        cmocka_unit_test(blocks_and_files_do_not_change_places),
        cmocka_unit_test(a_file_that_changes_in_use_is_noticed),
        cmocka_unit_test(works_unnamed_while_another_process_has_the_file),
        cmocka_unit_test(readers_share_a_complete_file),
        cmocka_unit_test(a_cache_that_cannot_be_written_is_no_failure),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
