/* SPDX-License-Identifier: Apache-2.0 */
/* Clips from videos, with a stand-in for the analysis: which videos become which clips, their
 * bytes after any kill, what is told of each, and whose files are never touched.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "face/analysis.h"
#include "face/dataset.h"
#include "generate/clip_info.h"
#include "generate/frame_source.h"
#include "media/video_writer.h"
#include "media_support.h"
#include "support/support.h"
#include "synctalk/preprocess.h"

#define TALK_FRAMES 23 /* more than are written at once */
#define IDLE_FRAMES 6
#define REPORTS 8

/* Stand-in for face/analysis.c. */
struct st_analysis {
    struct st_analysis_summary summary;
};

synctalk_status st_analysis_open(struct st_analysis **out,
                                 const struct st_analysis_settings *settings,
                                 const synctalk_callbacks *callbacks, synctalk_error *err)
{
    struct st_video_reader *reader = NULL;
    const struct st_video_settings video = {.fps = settings->fps};
    synctalk_status st = st_video_reader_open(&reader, settings->video, &video, callbacks, err);
    *out = NULL;
    if (st)
        return st;
    if (settings->cache) {
        char path[ST_PATH_MAX];
        (void)mkdir(settings->cache, 0700);
        assert_int_equal(st_path_join(path, settings->cache, "seen", err), SYNCTALK_OK);
        st_write_file(path, "x", 1);
    }
    *out = calloc(1, sizeof **out);
    assert_non_null(*out);
    (*out)->summary.frames = st_video_reader_info(reader)->frames;
    (*out)->summary.found = (*out)->summary.frames - 1;
    (*out)->summary.points = 106;
    st_video_reader_close(&reader);
    return SYNCTALK_OK;
}

void st_analysis_close(struct st_analysis **analysis)
{
    free(*analysis);
    *analysis = NULL;
}

const struct st_analysis_summary *st_analysis_summary(const struct st_analysis *analysis)
{
    return &analysis->summary;
}

synctalk_status st_analysis_frame(const struct st_analysis *analysis, int64_t frame,
                                  struct st_analysed *analysed, synctalk_error *err)
{
    const struct st_landmark_layout *layout = st_landmark_layout(106);
    (void)err;
    assert_true(frame >= 0 && frame < analysis->summary.frames);
    analysed->found = frame > 0;
    analysed->draw = true;
    analysed->landmarks.count = 106;
    for (int i = 0; i < 106; i++)
        analysed->landmarks.points[i] =
            (struct st_point){20 + (float)frame + (float)(i % 10), (float)(i / 4)};
    analysed->landmarks.points[layout->left].x = 12;
    analysed->landmarks.points[layout->right].x = 44;
    return SYNCTALK_OK;
}

struct told {
    char name[64];
    char message[512];
    synctalk_clip_report report;
};

/* core_clips/anna with a talk and an idle clip, and the stand-in's "networks". */
struct scene {
    char *root;
    char videos[ST_PATH_MAX];
    char clips[ST_PATH_MAX];
    synctalk_settings settings;
    synctalk_clips_job job;
    synctalk_clips_report all;
    synctalk_error error;
    struct told told[REPORTS];
    size_t count;
    char warned[2048];
};

static void make_folder(char *path, const char *dir, const char *name)
{
    ST_OK(st_path_join(path, dir, name, err));
    assert_int_equal(mkdir(path, 0700), 0);
}

static void write_video(const struct scene *s, const char *name, int frames)
{
    char path[ST_PATH_MAX];
    ST_OK(st_path_join(path, s->videos, name, err));
    struct st_video_writer_settings video = small_video(path);
    video.audio_hz = 0;
    video_write(&video, frames);
}

static void on_clip(void *user, const synctalk_clip_report *clip)
{
    struct scene *s = user;
    assert_in_range(s->count, 0, REPORTS - 1);
    struct told *told = &s->told[s->count++];
    snprintf(told->name, sizeof told->name, "%s", clip->name);
    snprintf(told->message, sizeof told->message, "%s", clip->message ? clip->message : "");
    told->report = *clip;
}

static int set_up(void **state)
{
    static const char *const networks[] = {"scrfd_2.5g_kps.onnx", "landmarks_106.onnx"};
    char path[ST_PATH_MAX];
    char models[ST_PATH_MAX];
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->root = st_scratch_create();
    make_folder(path, s->root, "core_clips");
    make_folder(s->videos, path, "anna");
    ST_OK(st_path_format(s->clips, err, "%s/dataset/anna/core_clips", s->root));
    make_folder(models, s->root, "model");
    for (size_t i = 0; i < 2; i++) {
        ST_OK(st_path_join(path, models, networks[i], err));
        st_write_file(path, networks[i], strlen(networks[i]));
    }
    write_video(s, "02,08s talk.mp4", TALK_FRAMES);
    write_video(s, "AD2_silence_2s.MP4", IDLE_FRAMES);
    synctalk_settings_init(&s->settings);
    s->settings.root = s->root;
    s->settings.model = "anna";
    synctalk_clips_init(&s->job);
    s->job.each = on_clip;
    s->job.user = s;
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    st_scratch_remove(s->root);
    free(s);
    return 0;
}

static void on_log(void *user, synctalk_log_level level, const char *message)
{
    struct scene *s = user;
    if (level == SYNCTALK_LOG_WARNING)
        strncat(s->warned, message, sizeof s->warned - strlen(s->warned) - 1);
}

static synctalk_status go(struct scene *s)
{
    const synctalk_callbacks callbacks = {.user = s, .log = on_log};
    s->count = 0;
    s->warned[0] = '\0';
    s->error.message[0] = '\0';
    return synctalk_preprocess_clips(&s->settings, &s->job, &callbacks, &s->all, &s->error);
}

static void good(struct scene *s)
{
    if (go(s))
        fail_msg("%s", s->error.message);
}

static synctalk_status verify(struct scene *s)
{
    s->job.verify = 1;
    synctalk_status st = go(s);
    s->job.verify = 0;
    return st;
}

static void expect(const struct scene *s, size_t n, const char *name, synctalk_clip_state state,
                   const char *words)
{
    assert_true(n < s->count);
    assert_string_equal(s->told[n].name, name);
    assert_int_equal(s->told[n].report.state, state);
    if (!strstr(s->told[n].message, words))
        fail_msg("\"%s\" does not say \"%s\"", s->told[n].message, words);
}

static void refused(struct scene *s, synctalk_status status, const char *words)
{
    assert_int_equal(go(s), status);
    assert_int_equal(s->count, 0);
    if (!strstr(s->error.message, words))
        fail_msg("\"%s\" does not say \"%s\"", s->error.message, words);
}

static void clip_path(char *path, const struct scene *s, const char *name)
{
    ST_OK(st_path_format(path, err, "%s/%s", s->clips, name));
}

/* One hash of all names and bytes below a folder, hidden ones too. */
static void add_folder(struct st_hash *hash, const char *folder, size_t *files)
{
    struct st_names names;
    ST_OK(st_list_dir(&names, folder, err));
    for (size_t i = 0; i < names.count; i++) {
        char path[ST_PATH_MAX];
        char text[ST_HASH_TEXT];
        ST_OK(st_path_join(path, folder, names.names[i], err));
        st_hash_add(hash, names.names[i], strlen(names.names[i]) + 1);
        if (st_path_is_dir(path)) {
            add_folder(hash, path, files);
            continue;
        }
        ST_OK(st_hash_file(text, path, err));
        st_hash_add(hash, text, sizeof text);
        ++*files;
    }
    st_names_free(&names);
}

static size_t digest(const struct scene *s, char *text)
{
    struct st_hash *hash = NULL;
    size_t files = 0;
    ST_OK(st_hash_create(&hash, err));
    add_folder(hash, s->clips, &files);
    st_hash_end(&hash, text);
    return files;
}

static void test_whole(void **state)
{
    struct scene *s = *state;
    char path[ST_PATH_MAX];
    char text[ST_HASH_TEXT];
    struct st_dataset dataset;
    struct st_clip_info info;
    struct st_mapping map;

    good(s);
    assert_string_equal(s->warned, "");
    assert_int_equal(s->all.clips, 2);
    assert_int_equal(s->all.talk, 1);
    assert_int_equal(s->all.silence, 1);
    assert_int_equal(s->all.whole, 2);
    assert_int_equal(s->all.written, TALK_FRAMES + IDLE_FRAMES);
    assert_int_equal(s->all.frames, TALK_FRAMES + IDLE_FRAMES);
    assert_int_equal(s->count, 2);
    expect(s, 0, "02,08s talk", SYNCTALK_CLIP_MADE, "");
    expect(s, 1, "AD2_silence_2s", SYNCTALK_CLIP_MADE, "");
    assert_true(s->told[0].report.talk && !s->told[1].report.talk);
    assert_int_equal(s->told[0].report.found, TALK_FRAMES - 1);
    /* frames, landmarks, two info.txt; nothing else is left */
    assert_int_equal(digest(s, text), 2 * (TALK_FRAMES + IDLE_FRAMES) + 2);

    clip_path(path, s, "02,08s talk");
    ST_OK(st_dataset_open(&dataset, path, NULL, err));
    assert_int_equal(dataset.frames, TALK_FRAMES);
    st_dataset_close(&dataset);
    ST_OK(st_clip_info_read(&info, path, err));
    assert_true(info.any && info.complete);
    assert_string_equal(info.source, "02,08s talk.mp4");
    assert_int_equal(info.kind, ST_CLIP_TALK);
    assert_int_equal(info.frames, TALK_FRAMES);
    assert_int_equal(info.fps, 25);
    assert_int_equal(info.width, 64);
    assert_int_equal(info.height, 48);
    ST_OK(st_path_join(path, s->videos, "02,08s talk.mp4", err));
    ST_OK(st_hash_file(text, path, err));
    assert_string_equal(info.sha256, text);

    clip_path(path, s, "AD2_silence_2s/info.txt");
    ST_OK(st_map_file(&map, path, err));
    assert_non_null(memmem(map.data, map.size, "\ntype: silence\nfps: 25\nframes: 6\n", 33));
    st_unmap_file(&map);
}

/* The child kills itself at its k-th report of progress. */
static void on_progress(void *user, const synctalk_progress *progress)
{
    int *left = user;
    (void)progress;
    if ((*left)-- == 0)
        raise(SIGKILL);
}

static bool killed_at(const struct scene *s, int k)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const synctalk_callbacks callbacks = {.user = &k, .progress = on_progress};
        synctalk_clips_job job = s->job;
        job.each = NULL;
        _exit(synctalk_preprocess_clips(&s->settings, &job, &callbacks, NULL, NULL) ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void test_killed(void **state)
{
    struct scene *s = *state;
    char whole[ST_HASH_TEXT];
    char after[ST_HASH_TEXT];
    char path[ST_PATH_MAX];
    int kills = 0;

    good(s);
    digest(s, whole);
    ST_OK(st_path_format(path, err, "%s/dataset", s->root));
    st_scratch_remove(strdup(path));
    for (int k = 0; killed_at(s, k); k += 1 + k / 3)
        kills++;
    assert_true(kills > 6);
    digest(s, after);
    assert_string_equal(after, whole);

    ST_OK(st_path_format(path, err, "%s/dataset", s->root));
    st_scratch_remove(strdup(path));
    assert_true(killed_at(s, 19));
    clip_path(path, s, "02,08s talk/full_body_img/.3.jpg.part");
    st_write_file(path, "half", 4);
    assert_int_equal(verify(s), SYNCTALK_OK);
    expect(s, 0, "02,08s talk", SYNCTALK_CLIP_PARTIAL, "not whole");
    expect(s, 1, "AD2_silence_2s", SYNCTALK_CLIP_MISSING, "");
    good(s);
    assert_in_range(s->told[0].report.written, 1, TALK_FRAMES - 1);
    digest(s, after);
    assert_string_equal(after, whole);
}

static void watch_frames(void *user, const synctalk_progress *progress)
{
    bool *stop = user;
    *stop = *stop || (strcmp(progress->stage, "frames") == 0 && progress->done == TALK_FRAMES - 2);
}

static int ask_to_stop(void *user)
{
    return *(bool *)user;
}

static void test_cancelled(void **state)
{
    struct scene *s = *state;
    bool stop = false;
    char path[ST_PATH_MAX];
    struct st_names names;
    const synctalk_callbacks callbacks = {
        .user = &stop, .progress = watch_frames, .cancelled = ask_to_stop};
    assert_int_equal(synctalk_preprocess_clips(&s->settings, &s->job, &callbacks, NULL, &s->error),
                     SYNCTALK_E_CANCELLED);
    clip_path(path, s, "02,08s talk/landmarks");
    ST_OK(st_list_dir(&names, path, err));
    assert_true(names.count >= 10 && names.count < TALK_FRAMES && names.names[0][0] != '.');
    const int64_t left = TALK_FRAMES - (int64_t)names.count;
    st_names_free(&names);
    good(s);
    assert_int_equal(s->told[0].report.written, left);
}

/* Frames of a clip that was begun are numbered without a hole: a video once would have been
 * made of them as if they were all. */
static void test_begun_is_not_used(void **state)
{
    struct scene *s = *state;
    char path[ST_PATH_MAX];
    struct st_clip_info info;
    struct st_frame_source *source = NULL;

    good(s);
    ST_OK(st_frame_source_open_clips(&source, s->clips, NULL, err));
    st_frame_source_close(&source);
    clip_path(path, s, "02,08s talk");
    ST_OK(st_clip_info_read(&info, path, err));
    info.complete = false;
    ST_OK(st_clip_info_write(&info, path, err));
    assert_int_equal(st_frame_source_open_clips(&source, s->clips, NULL, &s->error),
                     SYNCTALK_E_FORMAT);
    assert_non_null(strstr(s->error.message, "02,08s talk: the clip is not whole"));
    assert_null(source);
}

static void test_verify(void **state)
{
    struct scene *s = *state;
    char path[ST_PATH_MAX];

    /* Needs no network, and makes nothing. */
    s->settings.detector = "/nonexistent";
    assert_int_equal(verify(s), SYNCTALK_OK);
    assert_int_equal(s->all.missing, 2);
    expect(s, 0, "02,08s talk", SYNCTALK_CLIP_MISSING, "");
    ST_OK(st_path_format(path, err, "%s/dataset", s->root));
    assert_false(st_path_is_dir(path));
    s->settings.detector = NULL;

    good(s);
    assert_int_equal(verify(s), SYNCTALK_OK);
    assert_int_equal(s->all.missing, 0);
    assert_int_equal(s->all.whole, 2);
    expect(s, 1, "AD2_silence_2s", SYNCTALK_CLIP_THERE, "");
    assert_int_equal(s->told[1].report.frames, IDLE_FRAMES);
    s->job.fps = 20;
    assert_int_equal(verify(s), SYNCTALK_OK);
    expect(s, 1, "AD2_silence_2s", SYNCTALK_CLIP_CHANGED, "frame rate");
    s->job.fps = 0;

    clip_path(path, s, "02,08s talk/landmarks/7.lms");
    assert_int_equal(unlink(path), 0);
    write_video(s, "AD2_silence_2s.MP4", IDLE_FRAMES + 1);
    assert_int_equal(verify(s), SYNCTALK_OK);
    assert_int_equal(s->all.missing, 2);
    expect(s, 0, "02,08s talk", SYNCTALK_CLIP_PARTIAL, "gone");
    expect(s, 1, "AD2_silence_2s", SYNCTALK_CLIP_CHANGED, "source");

    /* The hole is filled; what is of another source is left alone without being asked. */
    good(s);
    expect(s, 0, "02,08s talk", SYNCTALK_CLIP_MADE, "");
    assert_int_equal(s->told[0].report.written, 1);
    expect(s, 1, "AD2_silence_2s", SYNCTALK_CLIP_FAILED, "--restart");
    assert_int_equal(s->all.failed, 1);
    s->job.restart = 1;
    good(s);
    s->job.restart = 0;
    expect(s, 1, "AD2_silence_2s", SYNCTALK_CLIP_MADE, "");
    assert_int_equal(s->told[1].report.frames, IDLE_FRAMES + 1);

    /* A clip whose video is gone still counts. */
    ST_OK(st_path_join(path, s->videos, "02,08s talk.mp4", err));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(verify(s), SYNCTALK_OK);
    expect(s, 0, "02,08s talk", SYNCTALK_CLIP_THERE, "");
    assert_null(s->told[0].report.source);
    assert_int_equal(s->all.missing, 0);
}

/* Trees of published tools have no info.txt that is known here: their frames once would have
 * been taken for leftovers. */
static void test_clips_of_others(void **state)
{
    struct scene *s = *state;
    char before[ST_HASH_TEXT];
    char after[ST_HASH_TEXT];
    char path[ST_PATH_MAX];

    good(s);
    clip_path(path, s, "02,08s talk/info.txt");
    st_write_file(path, "2.08 seconds", 12);
    digest(s, before);
    assert_int_equal(verify(s), SYNCTALK_OK);
    expect(s, 0, "02,08s talk", SYNCTALK_CLIP_FOREIGN, "");
    assert_int_equal(s->told[0].report.frames, TALK_FRAMES);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(verify(s), SYNCTALK_OK);
    expect(s, 0, "02,08s talk", SYNCTALK_CLIP_FOREIGN, "");
    st_write_file(path, "2.08 seconds", 12);
    s->job.restart = 1;
    good(s);
    s->job.restart = 0;
    expect(s, 0, "02,08s talk", SYNCTALK_CLIP_FOREIGN, "");
    digest(s, after);
    assert_string_equal(after, before);

    clip_path(path, s, "02,08s talk/full_body_img/4.jpg");
    assert_int_equal(unlink(path), 0);
    digest(s, before);
    assert_int_equal(verify(s), SYNCTALK_OK);
    expect(s, 0, "02,08s talk", SYNCTALK_CLIP_PARTIAL, "not whole");
    good(s);
    expect(s, 0, "02,08s talk", SYNCTALK_CLIP_FAILED, "not made by this command");
    digest(s, after);
    assert_string_equal(after, before);
}

/* Before any work: not a file is made when one name is wrong. */
static void test_names(void **state)
{
    struct scene *s = *state;
    char path[ST_PATH_MAX];
    char from[ST_PATH_MAX];

    write_video(s, "AA_walk.mp4", 2);
    refused(s, SYNCTALK_E_FORMAT, "AA_walk.mp4: the name does not tell");
    ST_OK(st_path_format(path, err, "%s/dataset", s->root));
    assert_false(st_path_is_dir(path));
    ST_OK(st_path_join(from, s->videos, "AA_walk.mp4", err));
    ST_OK(st_path_join(path, s->videos, "02,08s talk.mov", err));
    assert_int_equal(rename(from, path), 0);
    refused(s, SYNCTALK_E_ARG, "02,08s talk.mov and 02,08s talk.mp4 would both");
    ST_OK(st_path_join(from, s->videos, "a\ntalk.mov", err));
    assert_int_equal(rename(path, from), 0);
    refused(s, SYNCTALK_E_ARG, "control character");
    assert_int_equal(unlink(from), 0);
    ST_OK(st_path_join(path, s->videos, "notes.txt", err));
    st_write_file(path, "x", 1);
    ST_OK(st_path_join(path, s->videos, ".hidden.mp4", err));
    st_write_file(path, "x", 1);
    good(s);
    assert_int_equal(s->all.clips, 2);
}

static void test_refusals(void **state)
{
    struct scene *s = *state;
    char path[ST_PATH_MAX];

    s->settings.model = "bob";
    refused(s, SYNCTALK_E_MISSING, "core_clips/bob: no clip");
    s->settings.model = "../anna";
    refused(s, SYNCTALK_E_ARG, "one folder");
    s->settings.model = NULL;
    refused(s, SYNCTALK_E_ARG, "--model");
    s->settings.model = "anna";
    s->settings.root = "/nonexistent";
    refused(s, SYNCTALK_E_MISSING, "--root");
    s->settings.root = s->root;
    s->job.fps = 101;
    refused(s, SYNCTALK_E_ARG, "101");
    s->job.fps = 0;
    s->settings.no_face = SYNCTALK_NO_FACE_PASS;
    refused(s, SYNCTALK_E_ARG, "hold or fail");
    s->settings.no_face = SYNCTALK_NO_FACE_HOLD;
    s->settings.detector = "/nonexistent/net.onnx";
    refused(s, SYNCTALK_E_MISSING, "net.onnx");
    s->settings.detector = NULL;

    /* One bad video does not stop the others, and leaves no folder. */
    ST_OK(st_path_join(path, s->videos, "02,08s talk.mp4", err));
    st_write_file(path, "text", 4);
    good(s);
    expect(s, 0, "02,08s talk", SYNCTALK_CLIP_FAILED, "02,08s talk.mp4");
    expect(s, 1, "AD2_silence_2s", SYNCTALK_CLIP_MADE, "");
    clip_path(path, s, "02,08s talk");
    assert_false(st_path_is_dir(path));

    ST_OK(st_path_join(path, s->videos, "02,08s talk.mp4", err));
    assert_int_equal(unlink(path), 0);
    good(s);
    assert_non_null(strstr(s->warned, "no talk clip"));

    clip_path(path, s, "AD2_silence_2s");
    const int lock = open(path, O_RDONLY | O_DIRECTORY);
    assert_true(lock >= 0 && flock(lock, LOCK_EX) == 0);
    good(s);
    expect(s, 0, "AD2_silence_2s", SYNCTALK_CLIP_FAILED, "another process");
    close(lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancelled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_begun_is_not_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verify, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clips_of_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
