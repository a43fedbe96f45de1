/* SPDX-License-Identifier: Apache-2.0 */
#include "question.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail.h"
#include "question_impl.h"

#define STOP_LOOKS 200 /* 10 ms apart, for whoever waits to be told that the server stops */

/* Under the lock. A sleeping connection cannot end, so it is there to be woken. */
void question_wake(struct question *question)
{
    if (!question->asleep)
        return;
    question->asleep = false;
    MHD_resume_connection(question->connection);
}

/* Under the lock; by the last of them it is freed. */
static void let_go(struct question *question)
{
    if (--question->holders > 0)
        return;
    question->owner->living--;
    json_decref(question->order.ask);
    json_decref(question->order.start);
    json_decref(question->word);
    json_decref(question->result);
    json_decref(question->parts);
    free(question->bytes);
    free(question);
}

void question_fail(struct question *question, const char *code, const char *message)
{
    snprintf(question->code, sizeof question->code, "%s", code);
    snprintf(question->message, sizeof question->message, "%s", message);
}

static struct question *take(struct questions *questions)
{
    struct question *question = NULL;
    pthread_mutex_lock(&questions->lock);
    while (!questions->first && !questions->stopping)
        pthread_cond_wait(&questions->there, &questions->lock);
    if (!questions->stopping) {
        question = questions->first;
        questions->first = question->next;
        questions->waiting--;
    }
    pthread_mutex_unlock(&questions->lock);
    return question;
}

static void end(struct question *question)
{
    struct questions *questions = question->owner;
    pthread_mutex_lock(&questions->lock);
    question->ended = true;
    question_wake(question);
    let_go(question);
    pthread_mutex_unlock(&questions->lock);
}

static void *lead(void *user)
{
    struct questions *questions = user;
    struct question *question;
    while ((question = take(questions))) {
        if (question_is_wanted(question))
            question_lead(question);
        end(question);
    }
    return NULL;
}

/* POLLRDHUP: the client has closed its side, and does not wait any more. MHD does not look at
 * connections that sleep. */
static bool is_gone(const struct question *question)
{
    struct pollfd look = {.fd = question->socket, .events = POLLRDHUP};
    return question->asleep && poll(&look, 1, 0) > 0 &&
           (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

bool question_is_wanted(struct question *question)
{
    pthread_mutex_lock(&question->owner->lock);
    question->unwanted = question->unwanted || is_gone(question);
    const bool wanted = !question->unwanted && !question->owner->stopping;
    pthread_mutex_unlock(&question->owner->lock);
    if (!wanted)
        question_fail(question, "cancelled", "stopped");
    return wanted;
}

void question_tell(struct question *question, json_t *word)
{
    pthread_mutex_lock(&question->owner->lock);
    json_decref(question->word);
    question->word = word;
    question_wake(question);
    pthread_mutex_unlock(&question->owner->lock);
}

synctalk_status questions_open(struct questions **out, const struct server_options *options,
                               const struct folders *folders, synctalk_error *err)
{
    struct questions *questions = calloc(1, sizeof *questions);
    *out = questions;
    if (!questions)
        return server_fail_memory(err, "questions about files");
    questions->options = options;
    questions->folders = folders;
    pthread_mutex_init(&questions->lock, NULL);
    pthread_cond_init(&questions->there, NULL);
    for (; questions->leaders < QUESTIONS_AT_ONCE; questions->leaders++) {
        if (pthread_create(&questions->threads[questions->leaders], NULL, lead, questions) != 0) {
            questions_close(out);
            return server_fail(err, SYNCTALK_E_LIBRARY, "no thread for questions about files");
        }
    }
    return SYNCTALK_OK;
}

int questions_count(struct questions *questions)
{
    pthread_mutex_lock(&questions->lock);
    const int living = questions->living;
    pthread_mutex_unlock(&questions->lock);
    return living;
}

/* MHD, which is stopped next, cuts off those that were woken and have no answer yet. */
static void wait_answered(struct questions *questions)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000000L};
    for (int looks = 0; looks < STOP_LOOKS && questions_count(questions) > 0; looks++)
        nanosleep(&pause, NULL);
}

void questions_stop(struct questions *questions)
{
    if (!questions)
        return;
    pthread_mutex_lock(&questions->lock);
    questions->stopping = true;
    pthread_cond_broadcast(&questions->there);
    while (questions->first) {
        struct question *question = questions->first;
        questions->first = question->next;
        question_fail(question, "cancelled", "the server is being stopped");
        question->ended = true;
        question_wake(question);
        let_go(question);
    }
    pthread_mutex_unlock(&questions->lock);
    /* Those in work are woken by their leaders, which look at `stopping`. */
    for (int i = 0; i < questions->leaders; i++)
        pthread_join(questions->threads[i], NULL);
    questions->leaders = 0;
    wait_answered(questions);
}

void questions_close(struct questions **questions)
{
    if (!questions || !*questions)
        return;
    questions_stop(*questions);
    pthread_cond_destroy(&(*questions)->there);
    pthread_mutex_destroy(&(*questions)->lock);
    free(*questions);
    *questions = NULL;
}

static synctalk_status add(struct questions *questions, struct question *question,
                           synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    pthread_mutex_lock(&questions->lock);
    struct question **last = &questions->first;
    while (*last)
        last = &(*last)->next;
    if (questions->stopping) {
        st = server_fail(err, SYNCTALK_E_CANCELLED, "the server is being stopped");
    } else if (questions->waiting >= QUESTIONS_WAITING) {
        st = server_fail(err, SYNCTALK_E_EXISTS,
                         "%d questions about files wait already; ask again later",
                         questions->waiting);
    } else {
        *last = question;
        question->holders++;
        questions->waiting++;
        pthread_cond_signal(&questions->there);
    }
    pthread_mutex_unlock(&questions->lock);
    return st;
}

synctalk_status question_ask(struct question **out, struct questions *questions,
                             const struct question_order *order, struct MHD_Connection *connection,
                             synctalk_error *err)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct question *question = calloc(1, sizeof *question);
    *out = NULL;
    if (!question) {
        json_decref(order->ask);
        json_decref(order->start);
        return server_fail_memory(err, "a question about a file");
    }
    pthread_mutex_lock(&questions->lock);
    questions->living++;
    pthread_mutex_unlock(&questions->lock);
    question->owner = questions;
    question->order = *order;
    question->connection = connection;
    question->socket = info ? info->connect_fd : -1;
    question->holders = 1;
    question->parts = json_array();
    const synctalk_status st = question->order.ask && question->parts
                                   ? add(questions, question, err)
                                   : server_fail_memory(err, "a question about a file");
    if (st)
        question_release(&question);
    *out = question;
    return st;
}

bool question_wait(struct question *question)
{
    pthread_mutex_lock(&question->owner->lock);
    const bool sleeps = !question->ended;
    if (sleeps) {
        question->asleep = true;
        MHD_suspend_connection(question->connection);
    }
    pthread_mutex_unlock(&question->owner->lock);
    return sleeps;
}

void question_release(struct question **question)
{
    if (!question || !*question)
        return;
    struct questions *questions = (*question)->owner;
    pthread_mutex_lock(&questions->lock);
    (*question)->unwanted = true;
    let_go(*question);
    pthread_mutex_unlock(&questions->lock);
    *question = NULL;
}

struct question_answer question_answer(const struct question *question)
{
    const bool good = *question->code == '\0';
    return (struct question_answer){
        .code = good ? NULL : question->code,
        .message = good ? NULL : question->message,
        .result = question->result,
        .parts = question->parts,
        .bytes = question->bytes,
        .size = question->size,
    };
}
