/* SPDX-License-Identifier: Apache-2.0 */
#include "worker_start.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "settings_json.h"

#define START_SECONDS 60 /* in which a worker is ready, however busy the machine */
#define END_MS 2000      /* in which one has ended that is not to be killed */
#define LOOK_MS 5        /* between two looks at whether it has */

/* Variables that a worker keeps: where libraries are, and how a sanitizer is to behave. */
static const char *const kept[] = {"LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS",
                                   "UBSAN_OPTIONS", "LSAN_OPTIONS"};
#define KEPT (sizeof kept / sizeof *kept)

static void add_path(json_t *paths, const char *path)
{
    if (path && *path)
        json_array_append_new(paths, json_string(path));
}

/* Links out of a folder lead to files that a worker must be shown by themselves. */
static void add_links(json_t *paths, const char *folder, int depth)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[FOLDER_PATH];
        if (entry->d_name[0] == '.')
            continue;
        const int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (length < 0 || (size_t)length >= sizeof path)
            continue;
        if (entry->d_type == DT_LNK)
            add_path(paths, path);
        if (depth > 1 && (entry->d_type == DT_LNK || entry->d_type == DT_DIR))
            add_links(paths, path, depth - 1);
    }
    if (dir)
        closedir(dir);
}

static void add_project(json_t *paths, const char *root)
{
    static const char *const below[] = {"dataset", "checkpoint", "model"};
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        char path[FOLDER_PATH];
        const int length = snprintf(path, sizeof path, "%s/%s", root, below[i]);
        if (length < 0 || (size_t)length >= sizeof path)
            continue;
        add_path(paths, path);
        add_links(paths, path, 2);
    }
}

static json_t *reads_of(const struct server_options *options, const struct folders *folders)
{
    const synctalk_settings *s = options->settings;
    const char *const files[] = {s->models,    s->features,    s->detector, s->landmarks,
                                 s->mean_face, s->onnxruntime, s->vad_model};
    json_t *paths = json_array();
    char folder[FOLDER_PATH];
    add_project(paths, s->root);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        add_path(paths, files[i]);
    for (size_t n = 0; synctalk_models_folder(s, n, folder, sizeof folder); n++) {
        add_path(paths, folder);
        add_links(paths, folder, 1);
    }
    add_path(paths, folders_below(folders, "uploads").text);
    return paths;
}

static json_t *first_line(const struct server_options *options, const struct folders *folders)
{
    json_t *writes = json_array();
    synctalk_settings settings = *options->settings;
    struct path analysis = folders_below(folders, "analysis");
    if (!settings.analysis_cache)
        settings.analysis_cache = analysis.text;
    add_path(writes, settings.analysis_cache);
    add_path(writes, folders_below(folders, "videos").text);
    return json_pack("{s:o, s:o, s:o, s:s?, s:s, s:i, s:i, s:i}", "settings",
                     settings_to_json(&settings), "reads", reads_of(options, folders), "writes",
                     writes, "more_models", settings.more_models, "state", folders->state,
                     "memory_mb", options->limits.job_memory_mb, "file_mb",
                     options->limits.video_mb, "job_minutes", options->limits.job_minutes);
}

static void set_environment(char *variables[KEPT + 1], char texts[KEPT][1024])
{
    size_t count = 0;
    for (size_t i = 0; i < KEPT; i++) {
        const char *value = getenv(kept[i]);
        if (!value)
            continue;
        const int length = snprintf(texts[count], sizeof texts[count], "%s=%s", kept[i], value);
        if (length > 0 && (size_t)length < sizeof texts[count]) {
            variables[count] = texts[count];
            count++;
        }
    }
    variables[count] = NULL;
}

/* Descriptors but 0, 1, 2 and the socket, which becomes 3, are closed in it. */
static int spawn(pid_t *pid, int socket)
{
    char name[] = "synctalk";
    char role[] = SERVER_WORKER;
    char *const arguments[] = {name, role, NULL};
    char texts[KEPT][1024];
    char *variables[KEPT + 1];
    posix_spawn_file_actions_t actions;
    set_environment(variables, texts);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    int bad = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    bad = bad ? bad : posix_spawn_file_actions_adddup2(&actions, 2, 1);
    bad = bad ? bad : posix_spawn_file_actions_adddup2(&actions, socket, 3);
    bad = bad ? bad : posix_spawn_file_actions_addclosefrom_np(&actions, 4);
    bad = bad ? bad : posix_spawn(pid, "/proc/self/exe", &actions, NULL, arguments, variables);
    posix_spawn_file_actions_destroy(&actions);
    return bad;
}

static synctalk_status wait_ready(struct process *process, bool *files, synctalk_error *err)
{
    json_t *word = NULL;
    const enum line_result result = lines_read(&process->lines, START_SECONDS * 1000, &word);
    const json_t *ready = json_object_get(word, "ready");
    const char *broken = json_string_value(json_object_get(word, "broken"));
    synctalk_status st = SYNCTALK_OK;
    *files = json_is_true(json_object_get(ready, "files"));
    if (broken)
        st = server_fail(err, SYNCTALK_E_UNSUPPORTED, "%s", broken);
    else if (result != LINE_THERE || !ready)
        st = server_fail(err, SYNCTALK_E_LIBRARY, "a worker process did not start");
    json_decref(word);
    return st;
}

synctalk_status process_start(struct process *process, const struct server_options *options,
                              const struct folders *folders, const json_t *start, bool *files,
                              synctalk_error *err)
{
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return server_fail_errno(err, "make", "a socket to a worker");
    /* Were it 3 itself, the copy to 3 would keep its close-on-exec mark. */
    int other = fcntl(sockets[1], F_DUPFD_CLOEXEC, 4);
    const int bad = other < 0 ? errno : spawn(&process->pid, other);
    close(sockets[1]);
    if (other >= 0)
        close(other);
    process->fd = sockets[0];
    lines_begin(&process->lines, process->fd);
    if (bad) {
        errno = bad;
        process->pid = 0;
        process_end(process, true);
        errno = bad;
        return server_fail_errno(err, "start", "a worker process");
    }
    synctalk_status st = SYNCTALK_OK;
    json_t *first = first_line(options, folders);
    if (first && start)
        json_object_update(first, (json_t *)start);
    if (!lines_write(process->fd, first))
        st = server_fail(err, SYNCTALK_E_LIBRARY, "a worker process ended as it was started");
    if (!st)
        st = wait_ready(process, files, err);
    if (st)
        process_end(process, true);
    return st;
}

/* One that has closed its socket, or has lost it, ends; what does not is not what it should be. */
static bool ends_by_itself(pid_t pid, int *status)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    for (int waited = 0; waited < END_MS; waited += LOOK_MS) {
        const pid_t ended = waitpid(pid, status, WNOHANG);
        if (ended == pid || (ended < 0 && errno != EINTR))
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

int process_end(struct process *process, bool kill_it)
{
    int status = 0;
    if (process->fd >= 0)
        close(process->fd);
    process->fd = -1;
    if (process->pid > 0) {
        if (kill_it || !ends_by_itself(process->pid, &status)) {
            kill(process->pid, SIGKILL);
            while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
                ;
        }
    }
    process->pid = 0;
    return status;
}
