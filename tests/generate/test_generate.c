/* SPDX-License-Identifier: Apache-2.0 */
/* The whole way, sound to finished file, through the public calls on a tiny project. */
#include "support/support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "generate/project.h"
#include "synctalk/synctalk.h"

static void settings_for(synctalk_settings *s, const struct project *p)
{
    synctalk_settings_init(s);
    s->precision = SYNCTALK_PRECISION_F32; /* nothing is found out first */
    s->root = p->root;
    s->model = PROJECT_PERSON;
    s->features = p->features;
    s->x264_preset = SYNCTALK_X264_ULTRAFAST;
    s->encoder_threads = 2;
}

/* The finished file's bytes; malloc'ed. */
static uint8_t *bytes_of(const char *path, size_t *size)
{
    struct st_mapping map;
    ST_OK(st_map_file(&map, path, err));
    uint8_t *copy = malloc(map.size);
    assert_non_null(copy);
    memcpy(copy, map.data, map.size);
    *size = map.size;
    st_unmap_file(&map);
    return copy;
}

static void count_images(void *user, const synctalk_stats *stats)
{
    synctalk_stats *kept = user;
    *kept = *stats;
    kept->stages = NULL;
}

/* One file, to and fro over seven source frames, with so much cache and so many workers. */
static uint8_t *make_with(const struct project *p, int threads, int cache_mb, int first,
                          synctalk_stats *stats, size_t *size)
{
    synctalk_settings s;
    synctalk_person *person;
    synctalk_report report;
    const synctalk_callbacks callbacks = {.user = stats, .stats = count_images};
    settings_for(&s, p);
    s.threads = threads;
    s.cache_mb = cache_mb;
    s.overwrite = 1;
    s.start_frame = first;
    ST_OK(synctalk_person_open(&person, &s, NULL, err));
    ST_OK(synctalk_generate(person, &s, p->sound, p->output, &callbacks, &report, err));
    assert_int_equal(report.frames, 20);
    assert_int_equal(report.threads, threads);
    assert_int_equal(report.width, 130);
    synctalk_person_close(&person);
    return bytes_of(p->output, size);
}

/* Nor on what was kept of source frames that come back, whether all of them have room or few. */
static void the_file_does_not_depend_on_the_number_of_workers(void **state)
{
    (void)state;
    struct project p;
    uint8_t *first = NULL;
    size_t first_size = 0;
    const int cache_mbs[] = {0, 512, 9};
    const int64_t most_loaded[] = {0, 13, 12};

    project_create(&p, 130, 98, 20);
    for (int c = 0; c < 3; c++) {
        for (int threads = 1; threads <= 4; threads *= 2) {
            synctalk_stats stats = {0};
            size_t size;
            uint8_t *bytes = make_with(&p, threads, cache_mbs[c], 3, &stats, &size);
            assert_int_equal(stats.images, 20);
            assert_true(stats.images_loaded <= most_loaded[c]);
            assert_true(c == 0 || stats.images_loaded > 0);
            assert_true(stats.cache_bytes <= cache_mbs[c] * 1000000LL);
            if (!first) {
                first = bytes;
                first_size = size;
                continue;
            }
            assert_int_equal(size, first_size);
            assert_memory_equal(bytes, first, size);
            free(bytes);
        }
    }
    free(first);
    project_remove(&p);
}

/* The second of two videos of one person finds what the first has kept for it, and is the file
 * that it is alone. */
static void a_video_that_follows_finds_what_was_kept(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    synctalk_person *person;
    synctalk_stats stats = {0};
    const synctalk_callbacks callbacks = {.user = &stats, .stats = count_images};
    size_t size;
    size_t alone_size;

    project_create(&p, 130, 98, 5);
    settings_for(&s, &p);
    s.overwrite = 1;
    ST_OK(synctalk_person_open(&person, &s, NULL, err));
    ST_OK(synctalk_generate(person, &s, p.sound, p.output, &callbacks, NULL, err));
    assert_int_equal(stats.cache_bytes, 0); /* no frame comes back */
    uint8_t *alone = bytes_of(p.output, &alone_size);
    s.more_follow = 1;
    ST_OK(synctalk_generate(person, &s, p.sound, p.output, &callbacks, NULL, err));
    assert_int_equal(stats.images_loaded, 0);
    assert_true(stats.cache_bytes > 0);
    s.more_follow = 0;
    ST_OK(synctalk_generate(person, &s, p.sound, p.output, &callbacks, NULL, err));
    assert_int_equal(stats.images_loaded, 5);
    uint8_t *bytes = bytes_of(p.output, &size);
    assert_int_equal(size, alone_size);
    assert_memory_equal(bytes, alone, size);
    free(bytes);
    free(alone);
    synctalk_person_close(&person);
    project_remove(&p);
}

/* What a batch keeps of a frame is all of it: once it was drawn its file is not looked at again,
 * and the next video is byte for byte what it is alone. Also with an odd last row and column. */
static void a_kept_frame_is_not_read_again(void **state)
{
    (void)state;
    static const int sizes[][2] = {{130, 98}, {131, 97}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct project p;
        synctalk_settings s;
        synctalk_person *person;
        size_t size, alone_size;

        project_create(&p, sizes[i][0], sizes[i][1], 5);
        settings_for(&s, &p);
        s.overwrite = 1;
        ST_OK(synctalk_person_open(&person, &s, NULL, err));
        ST_OK(synctalk_generate(person, &s, p.sound, p.output, NULL, NULL, err));
        uint8_t *alone = bytes_of(p.output, &alone_size);
        s.more_follow = 1;
        ST_OK(synctalk_generate(person, &s, p.sound, p.output, NULL, NULL, err));
        for (int frame = 0; frame < 5; frame++) {
            char path[ST_PATH_MAX];
            ST_OK(st_path_format(path, err, "%s/dataset/" PROJECT_PERSON "/full_body_img/%d.jpg",
                                 p.root, frame));
            assert_int_equal(unlink(path), 0);
        }
        for (s.more_follow = 1; s.more_follow >= 0; s.more_follow--) {
            ST_OK(synctalk_generate(person, &s, p.sound, p.output, NULL, NULL, err));
            uint8_t *bytes = bytes_of(p.output, &size);
            assert_int_equal(size, alone_size);
            assert_memory_equal(bytes, alone, size);
            free(bytes);
        }
        free(alone);
        synctalk_person_close(&person);
        project_remove(&p);
    }
}

static void keep_stats(void *user, const synctalk_stats *stats)
{
    synctalk_stats *kept = user;
    assert_int_equal(kept->frames, 0); /* told once */
    double alone = 0;
    for (size_t i = 0; i < stats->stage_count; i++) {
        const synctalk_stage *stage = &stats->stages[i];
        if (strcmp(stage->thread, "writer") == 0)
            alone += stage->seconds;
        if (strcmp(stage->name, "crop") == 0)
            assert_int_equal(stage->times, stats->frames);
    }
    /* One thread, from the call's begin to its end. */
    assert_true(alone > 0 && alone <= stats->seconds);
    assert_true(alone > 0.5 * stats->seconds);
    *kept = *stats;
    kept->stages = NULL;
}

static void the_time_of_a_video_is_told(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    synctalk_person *person;
    synctalk_stats kept = {0};

    project_create(&p, 130, 98, 20);
    settings_for(&s, &p);
    s.threads = 2;
    const synctalk_callbacks callbacks = {.user = &kept, .stats = keep_stats};
    ST_OK(synctalk_person_open(&person, &s, NULL, err));
    ST_OK(synctalk_generate(person, &s, p.sound, p.output, &callbacks, NULL, err));
    assert_int_equal(kept.frames, 20);
    assert_true(kept.fps == 25 && kept.cores >= 1);
    assert_true(kept.first_frame > 0 && kept.first_frame < kept.seconds);
    assert_true(kept.busy > 0 && kept.busy <= 1);
    assert_non_null(kept.busiest);
    assert_non_null(kept.longest);
    synctalk_person_close(&person);
    project_remove(&p);
}

static void one_person_serves_many_sounds_and_settings(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    synctalk_person *person;
    synctalk_report report;

    project_create(&p, 131, 99, 12);
    settings_for(&s, &p);
    ST_OK(synctalk_person_open(&person, &s, NULL, err));
    assert_int_equal(synctalk_person_frames(person), PROJECT_SOURCES);
    const int blends[] = {SYNCTALK_BLEND_NONE, SYNCTALK_BLEND_EDGE, SYNCTALK_BLEND_FACE};
    for (int i = 0; i < 3; i++) {
        char out[ST_PATH_MAX];
        ST_OK(st_path_format(out, err, "%s/out/%d.mp4", p.root, i));
        s.blend = blends[i];
        s.loop_back = i == 1;
        s.frames_per_core = i;
        s.colour_match = i == 2;
        s.max_lines = i == 2 ? 48 : 0;
        ST_OK(synctalk_generate(person, &s, p.sound, out, NULL, &report, err));
        assert_int_equal(report.frames, 12);
        assert_int_equal(report.height, i == 2 ? 48 : 98);
        assert_int_equal(report.width % 2, 0);
        assert_true(st_path_is_file(out));
    }
    synctalk_person_close(&person);
    synctalk_person_close(&person);
    project_remove(&p);
}

struct stopper {
    int polls_left;
};

static int stop_after(void *user)
{
    struct stopper *stopper = user;
    return stopper->polls_left-- <= 0;
}

static void stopping_at_any_moment_leaves_nothing(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    synctalk_person *person;
    bool finished = false;

    project_create(&p, 130, 98, 6);
    settings_for(&s, &p);
    ST_OK(synctalk_person_open(&person, &s, NULL, err));
    for (int polls = 0; polls < 1000 && !finished; polls++) {
        struct stopper stopper = {.polls_left = polls};
        synctalk_callbacks callbacks = {.user = &stopper, .cancelled = stop_after};
        synctalk_error e;
        synctalk_status st = synctalk_generate(person, &s, p.sound, p.output, &callbacks, NULL, &e);
        finished = st == SYNCTALK_OK;
        if (!finished) {
            assert_int_equal(st, SYNCTALK_E_CANCELLED);
            assert_int_equal(project_outputs(&p), 0);
        }
    }
    assert_true(finished);
    assert_int_equal(project_outputs(&p), 1);
    synctalk_person_close(&person);
    project_remove(&p);
}

/* AAC has no such rate: the message spoke of the video's size, and named that. */
static void a_very_slow_sound_is_heard_all_the_same(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    synctalk_person *person;
    synctalk_report report;
    project_create(&p, 130, 98, 6);
    settings_for(&s, &p);
    ST_OK(synctalk_person_open(&person, &s, NULL, err));
    project_write_wav(p.sound, 2000, 3000);
    ST_OK(synctalk_generate(person, &s, p.sound, p.output, NULL, &report, err));
    assert_int_equal(report.frames, 38);
    assert_int_equal(project_outputs(&p), 1);
    synctalk_person_close(&person);
    project_remove(&p);
}

static void a_full_disk_leaves_nothing_and_is_told(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    synctalk_person *person;
    struct rlimit was;
    synctalk_error e;

    project_create(&p, 130, 98, 30);
    settings_for(&s, &p);
    ST_OK(synctalk_person_open(&person, &s, NULL, err));
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    for (rlim_t limit = 0; limit < 12000; limit += 3000) {
        struct rlimit little = {.rlim_cur = limit, .rlim_max = was.rlim_max};
        setrlimit(RLIMIT_FSIZE, &little);
        synctalk_status st = synctalk_generate(person, &s, p.sound, p.output, NULL, NULL, &e);
        setrlimit(RLIMIT_FSIZE, &was);
        assert_int_equal(st, SYNCTALK_E_IO);
        assert_non_null(strstr(e.message, "video.mp4"));
        assert_int_equal(project_outputs(&p), 0);
    }
    synctalk_person_close(&person);
    project_remove(&p);
}

static void an_output_that_is_there_is_kept(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    synctalk_person *person;
    synctalk_error e;

    project_create(&p, 130, 98, 4);
    settings_for(&s, &p);
    ST_OK(synctalk_person_open(&person, &s, NULL, err));
    st_write_file(p.output, "mine", 4);
    assert_int_equal(synctalk_generate(person, &s, p.sound, p.output, NULL, NULL, &e),
                     SYNCTALK_E_EXISTS);
    assert_non_null(strstr(e.message, "video.mp4"));
    s.overwrite = 1;
    ST_OK(synctalk_generate(person, &s, p.sound, p.output, NULL, NULL, err));
    synctalk_person_close(&person);
    project_remove(&p);
}

static void refuse(synctalk_person *person, synctalk_settings *s, const struct project *p,
                   const char *sound, synctalk_status status, const char *words)
{
    synctalk_error e = {0};
    synctalk_status st = synctalk_generate(person, s, sound, p->output, NULL, NULL, &e);
    if (st != status || !strstr(e.message, words))
        fail_msg("wanted %d with \"%s\", got %d: %s", status, words, st, e.message);
    assert_int_equal(project_outputs(p), 0);
}

static void bad_requests_are_told(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    synctalk_person *person;
    char path[ST_PATH_MAX];

    project_create(&p, 130, 98, 4);
    settings_for(&s, &p);
    ST_OK(synctalk_person_open(&person, &s, NULL, err));
    s.start_frame = PROJECT_SOURCES;
    refuse(person, &s, &p, p.sound, SYNCTALK_E_ARG, "tiny has frames 0 to 6");
    s.start_frame = -1;
    refuse(person, &s, &p, p.sound, SYNCTALK_E_ARG, "start-frame is -1");
    s.start_frame = 0;
    s.crf = 99;
    refuse(person, &s, &p, p.sound, SYNCTALK_E_ARG, "crf is 99");
    s.crf = 18;
    refuse(person, &s, &p, "", SYNCTALK_E_ARG, "--audio");
    ST_OK(st_path_join(path, p.root, "none.wav", err));
    refuse(person, &s, &p, path, SYNCTALK_E_MISSING, "none.wav");
    project_write_wav(path, 16000, 0);
    refuse(person, &s, &p, path, SYNCTALK_E_FORMAT, "none.wav");
    project_write_wav(path, 16000, 100);
    refuse(person, &s, &p, path, SYNCTALK_E_FORMAT, "less than half a frame");
    s.features = path;
    refuse(person, &s, &p, p.sound, SYNCTALK_E_FORMAT, "none.wav");
    s.features = NULL;
    refuse(person, &s, &p, p.sound, SYNCTALK_E_ARG, "--features");
    synctalk_person_close(&person);

    synctalk_error e;
    s.mode = SYNCTALK_MODE_CLIPS;
    assert_int_equal(synctalk_person_open(&person, &s, NULL, &e), SYNCTALK_E_MISSING);
    s.mode = SYNCTALK_MODE_TRAINING;
    assert_int_equal(synctalk_person_open(&person, &s, NULL, &e), SYNCTALK_E_MISSING);
    assert_non_null(strstr(e.message, "audio_visual_encoder"));
    s.encoder = SYNCTALK_ENCODER_WENET;
    s.features = p.features;
    assert_int_equal(synctalk_person_open(&person, &s, NULL, &e), SYNCTALK_E_ARG);
    assert_non_null(strstr(e.message, "ave"));
    assert_null(person);
    project_remove(&p);
}

static void a_sound_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    synctalk_person *person;
    synctalk_error e;

    project_create(&p, 130, 98, 20);
    project_write_wav(p.sound, 16000, 2 * 16000 + 1);
    project_write_features(&p, 60);
    settings_for(&s, &p);
    s.max_seconds = 2;
    ST_OK(synctalk_person_open(&person, &s, NULL, err));
    assert_int_equal(synctalk_generate(person, &s, p.sound, p.output, NULL, NULL, &e),
                     SYNCTALK_E_ARG);
    assert_non_null(strstr(e.message, "2 seconds"));
    assert_int_equal(project_outputs(&p), 0);
    project_write_wav(p.sound, 16000, 2 * 16000);
    ST_OK(synctalk_generate(person, &s, p.sound, p.output, NULL, NULL, err));
    synctalk_person_close(&person);
    project_remove(&p);
}

static void persons_are_listed(void **state)
{
    (void)state;
    struct project p;
    synctalk_settings s;
    synctalk_people *people;
    char path[ST_PATH_MAX];
    synctalk_error e;

    project_create(&p, 130, 98, 20);
    settings_for(&s, &p);
    /* Without a checkpoint, or not to be seen: no persons. */
    ST_OK(st_path_format(path, err, "%s/checkpoint/nobody", p.root));
    assert_int_equal(mkdir(path, 0700), 0);
    ST_OK(st_path_format(path, err, "%s/checkpoint/.hidden", p.root));
    assert_int_equal(mkdir(path, 0700), 0);
    ST_OK(st_path_format(path, err, "%s/dataset/%s/core_clips", p.root, PROJECT_PERSON));
    assert_int_equal(mkdir(path, 0700), 0);
    ST_OK(st_path_format(path, err, "%s/dataset/%s/core_clips/talk1", p.root, PROJECT_PERSON));
    assert_int_equal(mkdir(path, 0700), 0);
    ST_OK(synctalk_people_list(&people, &s, err));
    assert_int_equal(synctalk_people_count(people), 1);
    const synctalk_person_info person = synctalk_people_at(people, 0);
    assert_string_equal(person.name, PROJECT_PERSON);
    assert_int_equal(person.frames, PROJECT_SOURCES);
    assert_int_equal(person.clips, 1);
    assert_string_equal(synctalk_people_at(people, 1).name, "");
    synctalk_people_free(&people);
    ST_OK(synctalk_people_frame(&s, PROJECT_SOURCES - 1, path, sizeof path, err));
    assert_int_equal(access(path, R_OK), 0);
    assert_int_equal(synctalk_people_frame(&s, PROJECT_SOURCES, path, sizeof path, &e),
                     SYNCTALK_E_MISSING);
    assert_int_equal(synctalk_people_frame(&s, 0, path, 10, &e), SYNCTALK_E_ARG);
    s.model = "../" PROJECT_PERSON;
    assert_int_equal(synctalk_people_frame(&s, 0, path, sizeof path, &e), SYNCTALK_E_ARG);
    s.root = "/nowhere";
    assert_int_equal(synctalk_people_list(&people, &s, &e), SYNCTALK_E_MISSING);
    assert_null(people);
    project_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_does_not_depend_on_the_number_of_workers),
        cmocka_unit_test(a_video_that_follows_finds_what_was_kept),
        cmocka_unit_test(a_kept_frame_is_not_read_again),
        cmocka_unit_test(a_very_slow_sound_is_heard_all_the_same),
        cmocka_unit_test(the_time_of_a_video_is_told),
        cmocka_unit_test(one_person_serves_many_sounds_and_settings),
        cmocka_unit_test(stopping_at_any_moment_leaves_nothing),
        cmocka_unit_test(a_full_disk_leaves_nothing_and_is_told),
        cmocka_unit_test(an_output_that_is_there_is_kept),
        cmocka_unit_test(bad_requests_are_told),
        cmocka_unit_test(a_sound_that_is_too_long_is_refused),
        cmocka_unit_test(persons_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
