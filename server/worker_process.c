/* SPDX-License-Identifier: Apache-2.0 */
/* The other side of worker.c: a process that makes videos and opens what strangers sent.
 *
 * It is told its settings and where it may read and write, shuts itself in, and then takes one
 * job after the other. The person of the last job stays loaded. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fail.h"
#include "folders.h"
#include "lines.h"
#include "person_files.h"
#include "question_work.h"
#include "sandbox.h"
#include "server.h"
#include "settings_json.h"
#include "text.h"

#define CHANNEL 3 /* the descriptor it is started with */

struct worker {
    struct lines lines;
    json_t *start; /* owns; what it was told at first, and what settings borrow */
    synctalk_settings base;
    struct folders folders;  /* paths only */
    synctalk_person *person; /* of the last job, or NULL */
    char *person_key;        /* owns; by which the next job knows it */
    json_t *job;             /* owns; in work, or NULL */
    bool stop;               /* the job is to be stopped */
    bool gone;               /* the server is */
};

static void tell(struct worker *w, const char *what, json_t *value)
{
    if (!lines_write(CHANNEL, json_pack("{s:o}", what, value)))
        w->gone = true;
}

static void on_progress(void *user, const synctalk_progress *progress)
{
    tell(user, "progress",
         json_pack("{s:s, s:I, s:I}", "stage", progress->stage, "done", (json_int_t)progress->done,
                   "total", (json_int_t)progress->total));
}

/* Nothing but the wish to stop comes while a job is in work. */
static int on_cancelled(void *user)
{
    struct worker *w = user;
    json_t *word = NULL;
    const enum line_result result = lines_read(&w->lines, 0, &word);
    w->gone = w->gone || result == LINE_END;
    w->stop = w->stop || result == LINE_THERE;
    json_decref(word);
    return w->stop || w->gone;
}

/* A sentence names files as they lie here; the client knows them by the names it gave. */
static void name_as_the_client(struct worker *w, char *sentence, size_t size)
{
    static const char *const files[] = {"audio", "video"};
    char root[FOLDER_PATH + 2];
    for (size_t i = 0; i < 2; i++) {
        const json_t *file = json_object_get(w->job, files[i]);
        const char *sha256 = json_string_value(json_object_get(file, "sha256"));
        const char *name = json_string_value(json_object_get(file, "name"));
        if (sha256 && name)
            text_replace(sentence, size, folders_content(&w->folders, sha256).text, name);
    }
    snprintf(root, sizeof root, "%s/", w->folders.state);
    text_replace(sentence, size, root, "");
    if (w->base.root[0] == '/') {
        snprintf(root, sizeof root, "%s/", w->base.root);
        text_replace(sentence, size, root, "");
    }
}

static void on_log(void *user, synctalk_log_level level, const char *message)
{
    char sentence[sizeof((synctalk_error *)0)->message];
    if (level == SYNCTALK_LOG_DEBUG)
        return;
    snprintf(sentence, sizeof sentence, "%s", message);
    name_as_the_client(user, sentence, sizeof sentence);
    tell(user, "log", json_pack("{s:i, s:s}", "level", (int)level, "message", sentence));
}

/* Settings of the job over those of the server, with the paths of this machine. */
static synctalk_status settle(struct worker *w, synctalk_settings *settings, struct path paths[3],
                              synctalk_error *err)
{
    const json_t *video = json_object_get(w->job, "video");
    const char *id = json_string_value(json_object_get(w->job, "id"));
    *settings = w->base;
    synctalk_status st = settings_from_json(settings, json_object_get(w->job, "settings"), err);
    if (st)
        return st;
    if (video) {
        const char *sha256 = json_string_value(json_object_get(video, "sha256"));
        paths[0] = folders_content(&w->folders, sha256 ? sha256 : "");
        settings->video = paths[0].text;
    }
    settings->overwrite = 1; /* what a server that was killed may have left */
    if (settings->mode == SYNCTALK_MODE_CLIPS) {
        paths[1] = folders_video(&w->folders, id, VIDEO_EDL);
        paths[2] = folders_video(&w->folders, id, VIDEO_VAD);
        settings->edl = paths[1].text;
        settings->vad_plot = paths[2].text;
        settings->vad_plot_title =
            json_string_value(json_object_get(json_object_get(w->job, "audio"), "name"));
    }
    return SYNCTALK_OK;
}

/* All by which synctalk_person_open() could differ: the settings, but for those of this job's
 * sound and output, and the person's files, which may have been trained or preprocessed anew.
 * malloc'ed. */
static char *key_of(const synctalk_settings *settings)
{
    synctalk_settings same = *settings;
    same.edl = NULL;
    same.vad_plot = NULL;
    same.vad_plot_title = NULL;
    same.start_frame = 0;
    json_t *json = settings_to_json(&same);
    char files[32];
    snprintf(files, sizeof files, "%016" PRIx64,
             person_files_state(settings->root, settings->model ? settings->model : ""));
    char *key = json && json_object_set_new(json, "files", json_string(files)) == 0
                    ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS)
                    : NULL;
    json_decref(json);
    return key;
}

static synctalk_status load(struct worker *w, const synctalk_settings *settings,
                            const synctalk_callbacks *callbacks, synctalk_error *err)
{
    char *key = key_of(settings);
    if (w->person && key && w->person_key && strcmp(key, w->person_key) == 0) {
        free(key);
        return SYNCTALK_OK;
    }
    synctalk_person_close(&w->person);
    free(w->person_key);
    w->person_key = key;
    return synctalk_person_open(&w->person, settings, callbacks, err);
}

static json_t *result_of(struct worker *w, const synctalk_settings *settings,
                         const synctalk_report *report)
{
    const char *id = json_string_value(json_object_get(w->job, "id"));
    const int64_t video = file_bytes(folders_video(&w->folders, id, VIDEO_MP4).text);
    const int64_t edl = file_bytes(folders_video(&w->folders, id, VIDEO_EDL).text);
    const int64_t vad = file_bytes(folders_video(&w->folders, id, VIDEO_VAD).text);
    const json_int_t all = video + edl + vad;
    const double length = report->fps > 0 ? (double)report->frames / report->fps : 0;
    return json_pack("{s:I, s:f, s:i, s:i, s:f, s:f, s:f, s:I, s:I, s:b, s:b}", "frames",
                     (json_int_t)report->frames, "fps", report->fps, "width", report->width,
                     "height", report->height, "seconds", length, "audio_seconds",
                     report->audio_seconds, "wall_seconds", report->seconds, "bytes",
                     (json_int_t)video, "all_bytes", all, "edit_list", settings->edl != NULL,
                     "speech_plot", settings->vad_plot && vad > 0);
}

static synctalk_status make(struct worker *w, json_t **result, synctalk_error *err)
{
    synctalk_settings settings;
    struct path paths[3];
    synctalk_report report;
    synctalk_status st;
    const synctalk_callbacks callbacks = {
        .user = w, .progress = on_progress, .cancelled = on_cancelled, .log = on_log};
    const char *id = json_string_value(json_object_get(w->job, "id"));
    const json_t *audio = json_object_get(w->job, "audio");
    const char *sha256 = json_string_value(json_object_get(audio, "sha256"));

    if (!id || !sha256)
        return server_fail(err, SYNCTALK_E_ARG, "the job names no sound");
    struct path sound = folders_content(&w->folders, sha256);
    struct path output = folders_video(&w->folders, id, VIDEO_MP4);
    if ((st = sandbox_limit_time((int)json_integer_value(json_object_get(w->start, "job_minutes")),
                                 err)) ||
        (st = settle(w, &settings, paths, err)) || (st = load(w, &settings, &callbacks, err)))
        return st;
    st = synctalk_generate(w->person, &settings, sound.text, output.text, &callbacks, &report, err);
    if (st == SYNCTALK_E_UNSUPPORTED && settings.vad_plot) { /* a build without charts */
        settings.vad_plot = NULL;
        st = synctalk_generate(w->person, &settings, sound.text, output.text, &callbacks, &report,
                               err);
    }
    *result = st ? NULL : result_of(w, &settings, &report);
    return st;
}

static void tell_part(void *user, const char *what, json_t *value)
{
    tell(user, what, value);
}

static void work(struct worker *w)
{
    synctalk_error err = {0};
    json_t *result = NULL;
    w->stop = false;
    const char *program = json_string_value(json_object_get(w->start, "program"));
    synctalk_status st;
    if (program) {
        st = question_speak(program, w->job, CHANNEL, &err);
        w->gone = true;
    } else if (json_object_get(w->job, "ask")) {
        st = question_work(&w->base, &w->folders, w->job, tell_part, w, &result, &err);
    } else {
        st = make(w, &result, &err);
    }
    if (!st) {
        tell(w, "done", result);
        return;
    }
    name_as_the_client(w, err.message, sizeof err.message);
    tell(w, "failed", json_pack("{s:s, s:s}", "code", server_code_of(st), "message", err.message));
}

/* From wherever they lie: inside, they could not be opened. Without ONNX Runtime there are videos
 * that need none, and those that do are told so. */
static void load_libraries(const struct worker *w)
{
    synctalk_machine_load_onnxruntime(w->base.onnxruntime, NULL, 0, NULL);
}

/* The first line: what to work with, and where. */
static synctalk_status begin(struct worker *w, synctalk_error *err)
{
    bool files = true;
    synctalk_status st;
    if (lines_read(&w->lines, -1, &w->start) != LINE_THERE)
        return server_fail(err, SYNCTALK_E_ARG, "%s is started by the server only", SERVER_WORKER);
    synctalk_settings_init(&w->base);
    w->base.more_models = json_string_value(json_object_get(w->start, "more_models"));
    snprintf(w->folders.state, sizeof w->folders.state, "%s",
             json_string_value(json_object_get(w->start, "state")));
    if ((st = settings_from_json(&w->base, json_object_get(w->start, "settings"), err)))
        return st;
    const json_t *reads = json_object_get(w->start, "reads");
    const json_t *writes = json_object_get(w->start, "writes");
    const char *program = json_string_value(json_object_get(w->start, "program"));
    if (!program)
        load_libraries(w);
    if ((st = sandbox_limit((int)json_integer_value(json_object_get(w->start, "memory_mb")),
                            (int)json_integer_value(json_object_get(w->start, "file_mb")), err)) ||
        (st = program ? sandbox_enter_as(program, reads, writes, err)
                      : sandbox_enter(reads, writes, &files, err)))
        return st;
    tell(w, "ready", json_pack("{s:b}", "files", files));
    return SYNCTALK_OK;
}

static int work_on(struct worker *w)
{
    synctalk_error err = {0};
    lines_begin(&w->lines, CHANNEL);
    if (begin(w, &err)) {
        tell(w, "broken", json_string(err.message));
        return 1;
    }
    while (!w->gone && lines_read(&w->lines, -1, &w->job) == LINE_THERE) {
        if (json_object_get(w->job, "id") ||
            json_object_get(w->job, "ask")) /* else the wish to stop came too late */
            work(w);
        json_decref(w->job);
        w->job = NULL;
    }
    return w->gone; /* in the midst of something */
}

int server_worker_main(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* whatever ends the server ends this, too */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* the server says when to end */
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a video that is too long is a failed write */
    struct worker *w = calloc(1, sizeof *w);
    const int code = w ? work_on(w) : 1;
    /* Not exit(): what runs there, such as the search for leaks, is not possible inside. */
    _exit(code);
}
