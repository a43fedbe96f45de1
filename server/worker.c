/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "fail.h"
#include "worker_start.h"

#define LOOK_MS 50       /* between two looks at whether a job is still wanted */
#define STOP_SECONDS 5.0 /* in which a worker that is told to stop has stopped */

struct leader {
    struct workers *owner;
    int slot;
    pthread_t thread;
    bool running;
    struct process process;
    struct job job; /* in work */
};

struct workers {
    const struct server_options *options;
    const struct folders *folders;
    struct jobs *jobs;
    int count;
    struct leader *leaders; /* owns; [count] */
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void log_line(const struct leader *leader, synctalk_log_level level, const char *message)
{
    char line[1024];
    if (!leader->owner->options->log)
        return;
    snprintf(line, sizeof line, "%s%s%s", leader->job.id, *leader->job.id ? ": " : "", message);
    leader->owner->options->log(level, line);
}

static void fail(struct leader *leader, const char *code, const char *message)
{
    struct job_end end = {.state = JOB_FAILED, .code = code, .message = message};
    log_line(leader, SYNCTALK_LOG_INFO, message);
    jobs_end(leader->owner->jobs, leader->slot, &end);
}

static void complete(struct leader *leader, json_t *result)
{
    const json_int_t bytes = json_integer_value(json_object_get(result, "all_bytes"));
    json_object_del(result, "all_bytes");
    char *text = json_dumps(result, JSON_COMPACT);
    struct job_end end = {.state = JOB_COMPLETED, .result = text, .bytes = bytes};
    if (text) {
        log_line(leader, SYNCTALK_LOG_INFO, "completed");
        jobs_end(leader->owner->jobs, leader->slot, &end);
    } else {
        fail(leader, "out_of_memory", "no memory for the result of a video");
    }
    free(text);
}

/* What a worker that died did wrong, as far as can be told. */
static void fail_dead(struct leader *leader, int status)
{
    const struct server_limits *limits = &leader->owner->options->limits;
    char message[400];
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        snprintf(message, sizeof message,
                 "the video took more than %d minutes of processor time, which is as much as may "
                 "be (--max-job-minutes)",
                 limits->job_minutes);
    else if (WIFSIGNALED(status))
        snprintf(
            message, sizeof message,
            "the process that made the video was ended by signal %d (%s): a file is damaged in "
            "a way that was not foreseen, or needs more memory than the %d MB that may be used "
            "(--job-memory-mb)",
            WTERMSIG(status), sigdescr_np(WTERMSIG(status)), limits->job_memory_mb);
    else
        snprintf(message, sizeof message,
                 "the process that made the video ended before it was made");
    fail(leader, "worker_died", message);
}

static void hear_progress(struct leader *leader, const json_t *told)
{
    const char *stage = json_string_value(json_object_get(told, "stage"));
    const synctalk_progress progress = {
        .stage = stage ? stage : "",
        .done = json_integer_value(json_object_get(told, "done")),
        .total = json_integer_value(json_object_get(told, "total")),
    };
    jobs_progress(leader->owner->jobs, leader->slot, &progress);
}

/* What the worker said; true when with that the job has ended. */
static bool hear(struct leader *leader, json_t *word)
{
    json_t *told;
    if ((told = json_object_get(word, "progress"))) {
        hear_progress(leader, told);
    } else if ((told = json_object_get(word, "log"))) {
        const char *message = json_string_value(json_object_get(told, "message"));
        const int level = (int)json_integer_value(json_object_get(told, "level"));
        log_line(leader, (synctalk_log_level)level, message ? message : "");
    } else if ((told = json_object_get(word, "done"))) {
        complete(leader, told);
        return true;
    } else if ((told = json_object_get(word, "failed"))) {
        const char *code = json_string_value(json_object_get(told, "code"));
        const char *message = json_string_value(json_object_get(told, "message"));
        if (jobs_stopping(leader->owner->jobs) && !jobs_unwanted(leader->owner->jobs, leader->slot))
            jobs_return(leader->owner->jobs, leader->slot);
        else
            fail(leader, code ? code : "internal", message ? message : "");
        return true;
    }
    return false;
}

/* A worker that does not stop when it is told, or is silent for as long as a job may take, is
 * killed. */
static bool is_lost(const struct leader *leader, double told_to_stop, double heard)
{
    const double now = seconds();
    if (told_to_stop > 0)
        return now - told_to_stop > STOP_SECONDS;
    return now - heard > 60.0 * leader->owner->options->limits.job_minutes;
}

static void end_lost(struct leader *leader, bool was_told)
{
    process_end(&leader->process, true);
    if (!was_told)
        fail(leader, "worker_died",
             "the process that made the video gave no sign of life any more");
    else if (jobs_unwanted(leader->owner->jobs, leader->slot))
        fail(leader, "cancelled", "stopped"); /* what is written about it is not changed by that */
    else
        jobs_return(leader->owner->jobs, leader->slot);
}

static void follow(struct leader *leader)
{
    struct jobs *jobs = leader->owner->jobs;
    double told_to_stop = 0;
    double heard = seconds();
    for (;;) {
        json_t *word = NULL;
        const enum line_result result = lines_read(&leader->process.lines, LOOK_MS, &word);
        if (result == LINE_THERE) {
            heard = seconds();
            const bool ended = hear(leader, word);
            json_decref(word);
            if (ended)
                return;
        } else if (result == LINE_END) {
            fail_dead(leader, process_end(&leader->process, false));
            return;
        }
        if (told_to_stop == 0 && (jobs_unwanted(jobs, leader->slot) || jobs_stopping(jobs))) {
            told_to_stop = seconds();
            lines_write(leader->process.fd, json_pack("{s:b}", "stop", 1));
        }
        if (is_lost(leader, told_to_stop, heard)) {
            end_lost(leader, told_to_stop > 0);
            return;
        }
    }
}

static bool ensure_process(struct leader *leader, synctalk_error *err)
{
    bool files = false;
    if (leader->process.pid > 0)
        return true;
    if (process_start(&leader->process, leader->owner->options, leader->owner->folders, NULL,
                      &files, err))
        return false;
    if (!files)
        log_line(leader, SYNCTALK_LOG_WARNING,
                 "this kernel has no landlock: worker processes have no network, but can read what "
                 "the server can");
    return true;
}

static void work(struct leader *leader)
{
    synctalk_error err = {0};
    json_t *request = leader->job.request;
    json_t *id = json_string(leader->job.id);
    if (!request || json_object_set_new(request, "id", id) != 0) {
        fail(leader, "internal", "the request of this video cannot be read any more");
        return;
    }
    if (!ensure_process(leader, &err)) {
        fail(leader, server_code_of(err.status), err.message);
        return;
    }
    if (!lines_write(leader->process.fd, json_incref(request)))
        fail_dead(leader, process_end(&leader->process, false));
    else
        follow(leader);
}

static void *lead(void *user)
{
    struct leader *leader = user;
    synctalk_error err = {0};
    /* Before the first job comes, so that it need not wait. */
    if (!ensure_process(leader, &err))
        log_line(leader, SYNCTALK_LOG_WARNING, err.message);
    while (jobs_take(leader->owner->jobs, leader->slot, &leader->job)) {
        work(leader);
        job_free(&leader->job);
        leader->job.id[0] = '\0';
    }
    process_end(&leader->process, true);
    return NULL;
}

synctalk_status workers_open(struct workers **out, const struct server_options *options,
                             struct jobs *jobs, const struct folders *folders, synctalk_error *err)
{
    struct workers *workers = calloc(1, sizeof *workers);
    *out = NULL;
    if (!workers ||
        !(workers->leaders = calloc((size_t)options->workers, sizeof *workers->leaders))) {
        free(workers);
        return server_fail_memory(err, "the workers");
    }
    workers->options = options;
    workers->folders = folders;
    workers->jobs = jobs;
    workers->count = options->workers;
    *out = workers;
    for (int i = 0; i < workers->count; i++) {
        struct leader *leader = &workers->leaders[i];
        leader->owner = workers;
        leader->slot = i;
        leader->process.fd = -1;
        if (pthread_create(&leader->thread, NULL, lead, leader) != 0) {
            jobs_stop(jobs);
            workers_close(out);
            return server_fail(err, SYNCTALK_E_LIBRARY, "no thread for a worker");
        }
        leader->running = true;
    }
    return SYNCTALK_OK;
}

void workers_close(struct workers **workers)
{
    if (!workers || !*workers)
        return;
    for (int i = 0; i < (*workers)->count; i++) {
        if ((*workers)->leaders[i].running)
            pthread_join((*workers)->leaders[i].thread, NULL);
    }
    free((*workers)->leaders);
    free(*workers);
    *workers = NULL;
}
