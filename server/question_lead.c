/* SPDX-License-Identifier: Apache-2.0 */
/* A question's process, from the server's side. It is ended with its question, whatever it does:
 * the next one begins with a fresh process, which nothing that was in a file has touched. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "question_impl.h"
#include "worker_start.h"

#define LOOK_MS 50 /* between two looks at whether it is still wanted */
#define BLOCK 65536

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void fail_dead(struct question *question, int status)
{
    char message[400];
    if (WIFSIGNALED(status))
        snprintf(message, sizeof message,
                 "the process that opened the file was ended by signal %d (%s): the file is "
                 "damaged in a way that was not foreseen, or needs more memory or time than it "
                 "may have",
                 WTERMSIG(status), sigdescr_np(WTERMSIG(status)));
    else
        snprintf(message, sizeof message, "the process that opened the file ended too early");
    question_fail(question, "worker_died", message);
}

/* Still wanted, and in time? A sentence says what is wrong else. */
static bool may_go_on(struct question *question, double began)
{
    char message[200];
    if (!question_is_wanted(question))
        return false;
    if (seconds() - began <= question->order.seconds)
        return true;
    snprintf(message, sizeof message, "this took more than %d seconds, which is as much as may be",
             question->order.seconds);
    question_fail(question, "too_large", message);
    return false;
}

/* True when with that it has ended. */
static bool hear(struct question *question, json_t *word)
{
    json_t *told;
    if ((told = json_object_get(word, "told"))) {
        question_tell(question, json_incref(told));
    } else if ((told = json_object_get(word, "part"))) {
        if (json_array_size(question->parts) + json_array_size(told) > question->order.most_part ||
            json_array_extend(question->parts, told) != 0) {
            question_fail(question, "internal", "the answer is longer than it may be");
            return true;
        }
    } else if ((told = json_object_get(word, "done"))) {
        question->result = json_incref(told);
        return true;
    } else if ((told = json_object_get(word, "failed"))) {
        const char *code = json_string_value(json_object_get(told, "code"));
        const char *message = json_string_value(json_object_get(told, "message"));
        question_fail(question, code ? code : "internal", message ? message : "");
        return true;
    }
    return false;
}

/* The process lives on where this ends without an answer from it; it is not waited for. */
static void follow(struct question *question, struct process *process)
{
    const double began = seconds();
    while (may_go_on(question, began)) {
        json_t *word = NULL;
        const enum line_result result = lines_read(&process->lines, LOOK_MS, &word);
        if (result == LINE_END) {
            fail_dead(question, process_end(process, false));
            return;
        }
        const bool ended = result == LINE_THERE && hear(question, word);
        json_decref(word);
        if (ended)
            return;
    }
}

/* One more block of bytes; 0 at the end, -1 after a sentence, 1 otherwise. */
static int read_block(struct question *question, int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, LOOK_MS) <= 0)
        return 1;
    if (question->size >= question->order.most_raw) {
        question_fail(question, "too_large", "what was made is longer than it may be");
        return -1;
    }
    unsigned char *grown = realloc(question->bytes, question->size + BLOCK);
    if (!grown) {
        question_fail(question, "out_of_memory", "no memory for what was made");
        return -1;
    }
    question->bytes = grown;
    const ssize_t got = read(fd, question->bytes + question->size, BLOCK);
    if (got > 0)
        question->size += (size_t)got;
    return got > 0 || (got < 0 && errno == EINTR) ? 1 : 0;
}

static void hear_failure(struct question *question)
{
    json_t *word =
        json_loadb((const char *)question->bytes, question->size, JSON_DISABLE_EOF_CHECK, NULL);
    if (!word || !hear(question, word))
        question_fail(question, "worker_died", "what was begun ended too early");
    json_decref(word);
}

static void follow_raw(struct question *question, struct process *process)
{
    const double began = seconds();
    int more = 1;
    while (more > 0) {
        if (!may_go_on(question, began))
            return;
        more = read_block(question, process->fd);
    }
    if (more < 0)
        return;
    const int status = process_end(process, false);
    if (WIFSIGNALED(status))
        fail_dead(question, status);
    else if (status != 0 && question->size > 0)
        hear_failure(question); /* of the worker process; a program's own is silent */
}

void question_lead(struct question *question)
{
    bool files = false;
    struct process process = {.fd = -1};
    synctalk_error err = {0};
    if (process_start(&process, question->owner->options, question->owner->folders,
                      question->order.start, &files, &err)) {
        question_fail(question, server_code_of(err.status), err.message);
        return;
    }
    if (!lines_write(process.fd, json_incref(question->order.ask)))
        fail_dead(question, process_end(&process, false));
    else if (question->order.most_raw > 0)
        follow_raw(question, &process);
    else
        follow(question, &process);
    process_end(&process, true);
}
