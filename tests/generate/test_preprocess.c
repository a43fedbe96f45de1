/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets from videos, with a stand-in for the analysis: a face that walks to the right, is
 * not seen in two frames, and needs no network. What is held here is everything else: the
 * files, their bytes after any kill, whose folder it is, what is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "face/analysis.h"
#include "face/dataset.h"
#include "generate/preprocess_sound.h"
#include "media/video_writer.h"
#include "media_support.h"
#include "support/support.h"

#include "onnx/onnx_support.h"
#include "synctalk/preprocess.h"
#include "weights/npy.h"
#include "weights/weights.h"

#define FRAMES 23
#define MISSING_FIRST 5
#define MISSING_END 7

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
    *out = calloc(1, sizeof **out);
    assert_non_null(*out);
    (*out)->summary = (struct st_analysis_summary){
        .frames = st_video_reader_info(reader)->frames,
        .found = st_video_reader_info(reader)->frames - (MISSING_END - MISSING_FIRST),
        .first_missing = MISSING_FIRST,
        .jumps = 1,
        .first_jump = 9,
        .smallest_side = 30,
        .smallest_at = 2,
        .largest_side = 32,
        .worst_score = 0.25f,
        .best_score = 0.875f,
        .points = 106,
    };
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
    (void)err;
    assert_true(frame >= 0 && frame < analysis->summary.frames);
    analysed->found = frame < MISSING_FIRST || frame >= MISSING_END;
    analysed->draw = true;
    analysed->landmarks.count = 106;
    for (int i = 0; i < 106; i++)
        analysed->landmarks.points[i] =
            (struct st_point){20.9f + (float)frame + (float)(i % 10), -0.9f + (float)(i / 4)};
    const struct st_landmark_layout *layout = st_landmark_layout(106);
    analysed->landmarks.points[layout->left].x = 12.5f;
    analysed->landmarks.points[layout->right].x = 44.5f;
    return SYNCTALK_OK;
}

/* A project with the stand-in's "networks", and a video beside it. */
struct scene {
    char *dir;
    char root[ST_PATH_MAX];
    char video[ST_PATH_MAX];
    synctalk_settings settings;
    synctalk_preprocess_job job;
    int warnings;
    char warned[2048]; /* all warnings */
};

static void join(char *path, const char *dir, const char *name)
{
    ST_OK(st_path_join(path, dir, name, err));
}

static int set_up(void **state)
{
    static const char *const networks[] = {"scrfd_2.5g_kps.onnx", "landmarks_106.onnx"};
    char path[ST_PATH_MAX];
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->dir = st_scratch_create();
    join(s->root, s->dir, "project");
    join(s->video, s->dir, "anna.mp4");
    assert_int_equal(mkdir(s->root, 0700), 0);
    join(path, s->root, "model");
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < 2; i++) {
        ST_OK(st_path_format(path, err, "%s/model/%s", s->root, networks[i]));
        st_write_file(path, networks[i], strlen(networks[i]));
    }
    struct st_video_writer_settings video = small_video(s->video);
    video_write(&video, FRAMES);
    synctalk_settings_init(&s->settings);
    s->settings.root = s->root;
    synctalk_preprocess_init(&s->job);
    s->job.video = s->video;
    s->job.name = "anna";
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    st_scratch_remove(s->dir);
    free(s);
    return 0;
}

static void on_log(void *user, synctalk_log_level level, const char *message)
{
    struct scene *s = user;
    if (level != SYNCTALK_LOG_WARNING)
        return;
    s->warnings++;
    strncat(s->warned, message, sizeof s->warned - strlen(s->warned) - 1);
}

static synctalk_status go(struct scene *s, synctalk_preprocess_report *report,
                          synctalk_error *error)
{
    const synctalk_callbacks callbacks = {.user = s, .log = on_log};
    s->warnings = 0;
    s->warned[0] = '\0';
    return synctalk_preprocess(&s->settings, &s->job, &callbacks, report, error);
}

static void dataset_path(char *path, const struct scene *s, const char *name)
{
    ST_OK(st_path_format(path, err, "%s/dataset/%s/%s", s->root, s->job.name, name));
}

/* One hash of all names and bytes below dataset/NAME, hidden ones too. */
static void add_folder(struct st_hash *hash, const char *folder, size_t *files)
{
    struct st_names names;
    ST_OK(st_list_dir(&names, folder, err));
    for (size_t i = 0; i < names.count; i++) {
        char path[ST_PATH_MAX];
        char text[ST_HASH_TEXT];
        join(path, folder, names.names[i]);
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
    char folder[ST_PATH_MAX];
    struct st_hash *hash = NULL;
    size_t files = 0;
    ST_OK(st_hash_create(&hash, err));
    ST_OK(st_path_format(folder, err, "%s/dataset/%s", s->root, s->job.name));
    add_folder(hash, folder, &files);
    st_hash_end(&hash, text);
    return files;
}

static json_t *read_info(const struct scene *s)
{
    char path[ST_PATH_MAX];
    dataset_path(path, s, "info.json");
    json_t *info = json_load_file(path, 0, NULL);
    assert_non_null(info);
    return info;
}

static void give_encoder(const struct scene *s)
{
    char from[ST_PATH_MAX];
    char to[ST_PATH_MAX];
    ST_OK(st_path_format(from, err, "%s/data/audio_visual_encoder.safetensors",
                         getenv("ST_TEST_SOURCE")));
    ST_OK(st_path_format(to, err, "%s/model/audio_visual_encoder.safetensors", s->root));
    assert_int_equal(symlink(from, to), 0);
}

static void test_whole(void **state)
{
    struct scene *s = *state;
    synctalk_preprocess_report report;
    char path[ST_PATH_MAX];
    char text[ST_HASH_TEXT];
    struct st_dataset dataset;
    struct st_mapping map;
    struct st_picture sheet = {0};

    give_encoder(s);
    synctalk_error error = {0};
    assert_int_equal(go(s, &report, &error), SYNCTALK_OK);
    assert_int_equal(s->warnings, 0);
    assert_int_equal(report.frames, FRAMES);
    assert_int_equal(report.written, FRAMES);
    assert_int_equal(report.found, FRAMES - 2);
    assert_int_equal(report.first_missing, MISSING_FIRST);
    assert_int_equal(report.width, 64);
    assert_int_equal(report.height, 48);
    assert_int_equal(report.points, 106);
    assert_true(report.vectors > 20 && report.vectors < 30);
    assert_false(report.complete_before);
    /* frames, landmarks, aud.wav, aud_ave.npy, contact.png, info.json; nothing else is left */
    assert_int_equal(digest(s, text), 2 * FRAMES + 4);

    ST_OK(st_path_format(path, err, "%s/dataset/anna", s->root));
    ST_OK(st_dataset_open(&dataset, path, NULL, err));
    assert_int_equal(dataset.frames, FRAMES);
    assert_int_equal(dataset.boxes[0].side, 32);
    st_dataset_close(&dataset);

    dataset_path(path, s, "landmarks/3.lms");
    ST_OK(st_map_file(&map, path, err));
    assert_memory_equal(map.data, "23 0\n12 0\n", 10); /* 23.9 and -0.9, truncated */
    st_unmap_file(&map);

    dataset_path(path, s, "aud.wav");
    ST_OK(st_map_file(&map, path, err));
    assert_true(map.size > 44 + 2 * 14000 && map.size < 44 + 2 * 17000);
    assert_memory_equal(map.data, "RIFF", 4);
    assert_int_equal(map.data[40] + 256 * map.data[41], map.size - 44);
    st_unmap_file(&map);

    dataset_path(path, s, "contact.png");
    ST_OK(st_png_read(&sheet, path, err));
    assert_int_equal(sheet.width, 5 * (64 + 4) + 4);
    assert_int_equal(sheet.height, 5 * (48 + 4) + 4);
    st_picture_free(&sheet);
}

static void test_info(void **state)
{
    struct scene *s = *state;
    char sha[ST_HASH_TEXT];
    synctalk_error error = {0};
    give_encoder(s);
    assert_int_equal(go(s, NULL, &error), SYNCTALK_OK);
    json_t *info = read_info(s);
    const json_t *source = json_object_get(info, "source");
    const json_t *networks = json_object_get(info, "networks");
    assert_true(json_is_true(json_object_get(info, "complete")));
    assert_string_equal(json_string_value(json_object_get(source, "file")), "anna.mp4");
    ST_OK(st_hash_file(sha, s->video, err));
    assert_string_equal(json_string_value(json_object_get(source, "sha256")), sha);
    assert_int_equal(json_integer_value(json_object_get(info, "frames")), FRAMES);
    assert_int_equal(json_integer_value(json_object_get(info, "fps")), 25);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(networks, "encoder"), "file")),
        "audio_visual_encoder.safetensors");
    json_decref(info);
}

/* A dataset whose making was killed once ended with half a picture under its name, or with a
 * temporary file that nobody swept. The child kills itself at its k-th report of progress. */
struct bomb {
    int left;
};

static void on_progress(void *user, const synctalk_progress *progress)
{
    struct bomb *bomb = user;
    (void)progress;
    if (bomb->left-- == 0)
        raise(SIGKILL);
}

static bool killed_at(const struct scene *s, int k)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct bomb bomb = {.left = k};
        const synctalk_callbacks callbacks = {.user = &bomb, .progress = on_progress};
        synctalk_status st = synctalk_preprocess(&s->settings, &s->job, &callbacks, NULL, NULL);
        _exit(st ? 1 : 0);
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
    synctalk_error error = {0};
    int kills = 0;

    give_encoder(s);
    assert_int_equal(go(s, NULL, &error), SYNCTALK_OK);
    digest(s, whole);

    s->job.name = "killed";
    for (int k = 0; killed_at(s, k); k += 1 + k / 3)
        kills++;
    assert_true(kills > 8);
    /* "name" is in info.json: take the comparison under one name. */
    s->job.name = "anna";
    s->job.restart = 1;
    assert_true(killed_at(s, 12));
    s->job.restart = 0;
    dataset_path(path, s, "full_body_img/.3.jpg.0123abcd.part");
    st_write_file(path, "half", 4);
    dataset_path(path, s, ".info.json.0123abcd.part");
    st_write_file(path, "half", 4);
    assert_true(killed_at(s, 17));
    assert_int_equal(go(s, NULL, &error), SYNCTALK_OK);
    digest(s, after);
    assert_string_equal(after, whole);
}

/* Stops once more frames than one batch were written. */
static void watch_frames(void *user, const synctalk_progress *progress)
{
    bool *stop = user;
    *stop = *stop || (strcmp(progress->stage, "frames") == 0 && progress->done == FRAMES - 2);
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
    synctalk_error error = {0};
    synctalk_preprocess_report report;
    const synctalk_callbacks callbacks = {
        .user = &stop, .progress = watch_frames, .cancelled = ask_to_stop};
    assert_int_equal(synctalk_preprocess(&s->settings, &s->job, &callbacks, NULL, &error),
                     SYNCTALK_E_CANCELLED);
    json_t *info = read_info(s);
    assert_true(json_is_false(json_object_get(info, "complete")));
    json_decref(info);
    /* Nothing under a hidden name is left, and what was finished is there. */
    dataset_path(path, s, "landmarks");
    ST_OK(st_list_dir(&names, path, err));
    assert_true(names.count >= 10 && names.count < FRAMES && names.names[0][0] != '.');
    int64_t left = FRAMES - (int64_t)names.count;
    st_names_free(&names);
    assert_int_equal(go(s, &report, &error), SYNCTALK_OK);
    assert_int_equal(report.written, left);
}

static void test_there_already(void **state)
{
    struct scene *s = *state;
    synctalk_preprocess_report first;
    synctalk_preprocess_report second;
    char path[ST_PATH_MAX];
    synctalk_error error = {0};
    assert_int_equal(go(s, &first, &error), SYNCTALK_OK);
    assert_int_equal(go(s, &second, &error), SYNCTALK_OK);
    assert_true(second.complete_before);
    assert_int_equal(second.written, 0);
    assert_int_equal(second.frames, first.frames);
    assert_int_equal(second.first_jump, first.first_jump);
    assert_true(second.audio_seconds == first.audio_seconds);

    /* A file that went missing since is made again. */
    dataset_path(path, s, "full_body_img/4.jpg");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(go(s, &second, &error), SYNCTALK_OK);
    assert_false(second.complete_before);
    assert_int_equal(second.written, 1);
}

/* The encoder's network is brought after the frames were made. */
static void test_features_later(void **state)
{
    struct scene *s = *state;
    char together[ST_HASH_TEXT];
    char later[ST_HASH_TEXT];
    synctalk_preprocess_report report;
    synctalk_error error = {0};

    assert_int_equal(go(s, &report, &error), SYNCTALK_OK);
    assert_int_equal(report.vectors, 0);
    assert_int_equal(s->warnings, 1);
    assert_non_null(strstr(s->warned, "audio_visual_encoder"));
    give_encoder(s);
    assert_int_equal(go(s, &report, &error), SYNCTALK_OK);
    assert_true(report.vectors > 0);
    assert_int_equal(report.written, 0);
    digest(s, later);
    s->job.restart = 1;
    assert_int_equal(go(s, &report, &error), SYNCTALK_OK);
    digest(s, together);
    assert_string_equal(later, together);
}

static void test_no_sound(void **state)
{
    struct scene *s = *state;
    synctalk_preprocess_report report;
    synctalk_error error = {0};
    struct st_video_writer_settings video = small_video(s->video);
    video.audio_hz = 0;
    video_write(&video, 4);
    give_encoder(s);
    assert_int_equal(go(s, &report, &error), SYNCTALK_OK);
    assert_true(report.audio_seconds == 0 && report.vectors == 0 && report.frames == 4);
    assert_non_null(strstr(s->warned, "no sound"));
}

/* A recorder that starts its microphone before or after its camera: the sound was once taken
 * from its own beginning, and the mouth trained on words that come later. */
static void test_sound_begins_with_the_picture(void **state)
{
    struct scene *s = *state;
    static const double starts[] = {0, 0.25, -0.25, 1e6};
    static const int64_t more[] = {0, -4000, 4000, 0}; /* a broken clock moves nothing */
    float samples[16000];
    char from[ST_PATH_MAX];
    char to[ST_PATH_MAX];

    for (int i = 0; i < 16000; i++)
        samples[i] = tone(i, 16000, 0);
    join(from, s->dir, "sound.wav");
    join(to, s->dir, "aud.wav");
    wav_write(from, WAV_S16, 16000, 1, samples, 16000);
    for (size_t k = 0; k < 4; k++) {
        int64_t count = 0;
        struct st_mapping map;
        ST_OK(st_preprocess_sound_write(from, starts[k], to, NULL, &count, err));
        assert_int_equal(count, 16000 + more[k]);
        ST_OK(st_map_file(&map, to, err));
        assert_int_equal(map.size, 44 + 2 * count);
        int64_t silent = more[k] > 0 ? more[k] : 0;
        int64_t dropped = more[k] < 0 ? -more[k] : 0;
        for (int64_t i = 0; i < count; i++) {
            const uint8_t *at = map.data + 44 + 2 * i;
            int value = (int16_t)(uint16_t)(at[0] | at[1] << 8);
            double want = i < silent ? 0 : 32767.0 * (double)samples[i - silent + dropped];
            if (fabs(value - want) > 2)
                fail_msg("start %g: sample %d is %d, want %g", starts[k], (int)i, value, want);
        }
        st_unmap_file(&map);
    }
    synctalk_error error = {0};
    int64_t count;
    assert_int_equal(st_preprocess_sound_write(from, 2, to, NULL, &count, &error),
                     SYNCTALK_E_FORMAT);
}

static void test_frame_rate(void **state)
{
    struct scene *s = *state;
    synctalk_preprocess_report report;
    synctalk_error error = {0};
    s->settings.encoder = SYNCTALK_ENCODER_WENET;
    assert_int_equal(go(s, &report, &error), SYNCTALK_OK);
    assert_int_equal(report.fps, 20);
    assert_in_range(report.frames, FRAMES * 20 / 25, FRAMES * 20 / 25 + 1);
    s->job.name = "ten";
    s->job.fps = 10;
    assert_int_equal(go(s, &report, &error), SYNCTALK_OK);
    assert_int_equal(report.fps, 10);
    assert_non_null(strstr(s->warned, "10 frames a second"));
}

static void set_time(const char *path, time_t seconds)
{
    const struct utimbuf times = {seconds, seconds};
    assert_int_equal(utime(path, &times), 0);
}

/* Guards: frames at one rate and vectors at another, from which nothing could be learnt; and
 * features made again that are there, or kept although the sound is newer. */
static void test_wenet_dataset(void **state)
{
    ST_NEED_SHARED(network, "reference/encoders/wenet_standin.onnx");
    ST_NEED_ONNX_RUNTIME();
    struct scene *s = *state;
    char path[ST_PATH_MAX], sound[ST_PATH_MAX];
    struct st_weights *features;
    synctalk_preprocess_report report;
    synctalk_error error = {0};

    ST_OK(st_path_format(path, err, "%s/model/encoder.onnx", s->root));
    assert_int_equal(symlink(network, path), 0);
    s->settings.encoder = SYNCTALK_ENCODER_WENET;
    assert_int_equal(go(s, &report, &error), SYNCTALK_OK);
    assert_int_equal(report.fps, 20);
    assert_in_range(report.vectors, report.frames - 2, report.frames + 2);
    ST_OK(st_path_format(path, err, "%s/dataset/anna/aud_wenet.npy", s->root));
    ST_OK(st_path_format(sound, err, "%s/dataset/anna/aud.wav", s->root));
    ST_OK(st_weights_open(&features, path, err));
    assert_int_equal(st_weights_at(features, 0)->rank, 3);
    assert_int_equal(st_weights_at(features, 0)->dims[0], report.vectors);
    assert_int_equal(st_weights_at(features, 0)->dims[1], 16);
    assert_int_equal(st_weights_at(features, 0)->dims[2], 512);
    st_weights_close(&features);

    set_time(sound, 1000000);
    set_time(path, 1000000);
    assert_int_equal(go(s, &report, &error), SYNCTALK_OK);
    assert_int_equal(report.complete_before, 1);
    set_time(sound, 1000001);
    assert_int_equal(go(s, &report, &error), SYNCTALK_OK);
    assert_int_equal(report.complete_before, 0);
    assert_int_equal(report.written, 0);

    /* Features of another encoder that somebody put there count as they are. */
    give_encoder(s);
    ST_OK(st_path_format(path, err, "%s/dataset/anna/aud_ave.npy", s->root));
    const size_t vector = 512;
    struct st_npy_writer writer;
    ST_OK(st_npy_writer_open(&writer, path, true, 1, &vector, err));
    ST_OK(st_npy_writer_rows(&writer, (const float[2 * 512]){0}, 2, err));
    ST_OK(st_npy_writer_commit(&writer, true, err));
    s->settings.encoder = SYNCTALK_ENCODER_AVE;
    s->job.fps = 20;
    assert_int_equal(go(s, &report, &error), SYNCTALK_OK);
    assert_int_equal(report.complete_before, 1);
    assert_int_equal(report.vectors, 2);
}

static void refused(struct scene *s, synctalk_status status, const char *words)
{
    synctalk_error error = {0};
    assert_int_equal(go(s, NULL, &error), status);
    if (!strstr(error.message, words))
        fail_msg("\"%s\" does not say \"%s\"", error.message, words);
}

/* Whose dataset is it? Nothing that was not made by the very same work is touched. */
static void test_other_datasets(void **state)
{
    struct scene *s = *state;
    char path[ST_PATH_MAX];
    char before[ST_HASH_TEXT];
    char after[ST_HASH_TEXT];
    synctalk_error error = {0};

    assert_int_equal(go(s, NULL, &error), SYNCTALK_OK);
    digest(s, before);
    s->settings.face = "left";
    refused(s, SYNCTALK_E_EXISTS, "--restart");
    digest(s, after);
    assert_string_equal(after, before);
    s->job.restart = 1;
    assert_int_equal(go(s, NULL, &error), SYNCTALK_OK);
    s->job.restart = 0;

    struct st_video_writer_settings video = small_video(s->video);
    video_write(&video, 5);
    refused(s, SYNCTALK_E_EXISTS, "another video");
    s->job.restart = 1;
    assert_int_equal(go(s, NULL, &error), SYNCTALK_OK);
    assert_int_equal(digest(s, after), 2 * 5 + 3);

    /* A dataset of other tools has no info.json, and is not replaced by --restart either. */
    dataset_path(path, s, "info.json");
    assert_int_equal(unlink(path), 0);
    digest(s, before);
    refused(s, SYNCTALK_E_EXISTS, "not made by this command");
    st_write_file(path, "{\"made_by\": \"another\"}", 22);
    refused(s, SYNCTALK_E_EXISTS, "not made by this command");
    assert_int_equal(unlink(path), 0);
    digest(s, after);
    assert_string_equal(after, before);

    /* Pictures alone, or a sound alone, are somebody's too. */
    s->job.name = "half";
    ST_OK(st_path_format(path, err, "%s/dataset/half", s->root));
    assert_int_equal(mkdir(path, 0700), 0);
    dataset_path(path, s, "aud.wav");
    st_write_file(path, "mine", 4);
    refused(s, SYNCTALK_E_EXISTS, "not made by this command");
    assert_true(st_path_is_file(path));
}

static void test_two_at_once(void **state)
{
    struct scene *s = *state;
    char path[ST_PATH_MAX];
    synctalk_error error = {0};
    assert_int_equal(go(s, NULL, &error), SYNCTALK_OK);
    ST_OK(st_path_format(path, err, "%s/dataset/anna", s->root));
    int lock = open(path, O_RDONLY | O_DIRECTORY);
    assert_true(lock >= 0 && flock(lock, LOCK_EX) == 0);
    refused(s, SYNCTALK_E_EXISTS, "another process");
    close(lock);
}

static void test_refusals(void **state)
{
    struct scene *s = *state;
    char path[ST_PATH_MAX];

    s->job.name = "../anna";
    refused(s, SYNCTALK_E_ARG, "one folder");
    s->job.name = NULL;
    refused(s, SYNCTALK_E_ARG, "--name");
    s->job.name = "anna";
    s->job.fps = 101;
    refused(s, SYNCTALK_E_ARG, "101");
    s->job.fps = 0;
    s->settings.no_face = SYNCTALK_NO_FACE_PASS;
    refused(s, SYNCTALK_E_ARG, "hold or fail");
    s->settings.no_face = SYNCTALK_NO_FACE_HOLD;
    s->job.video = s->dir;
    refused(s, SYNCTALK_E_IO, "a folder");
    join(path, s->dir, "absent.mp4");
    s->job.video = path;
    refused(s, SYNCTALK_E_MISSING, "absent.mp4");
    s->job.video = s->video;
    s->settings.detector = path;
    refused(s, SYNCTALK_E_MISSING, "absent.mp4");
    s->settings.detector = NULL;
    s->settings.root = path;
    refused(s, SYNCTALK_E_MISSING, "absent");
    s->settings.root = s->root;
    st_write_file(s->video, "text", 4);
    refused(s, SYNCTALK_E_FORMAT, "anna.mp4");
    ST_OK(st_path_format(path, err, "%s/dataset/anna", s->root));
    assert_false(st_path_is_dir(path)); /* no folder was left behind */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_info, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancelled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_there_already, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_features_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_sound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sound_begins_with_the_picture, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_frame_rate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wenet_dataset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_datasets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
