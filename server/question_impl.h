/* SPDX-License-Identifier: Apache-2.0 */
/* Between question.c (who asks, who waits), question_lead.c (the process) and question_stream.c
 * (events). */
#ifndef SERVER_QUESTION_IMPL_H
#define SERVER_QUESTION_IMPL_H

#include <pthread.h>

#include "question.h"

struct question {
    struct questions *owner;
    struct question *next; /* of those that wait */
    struct question_order order;
    struct MHD_Connection *connection;
    int socket; /* of the connection; valid while that is asleep */

    /* Under the owner's lock, until `ended`; then nothing of it changes any more. */
    int holders; /* asker, leader, queue */
    bool asleep, unwanted, ended;
    json_t *word; /* owns; the latest that it told on the way, or NULL */
    json_t *result, *parts;
    char code[32]; /* "" = it succeeded */
    char message[sizeof((synctalk_error *)0)->message];
    unsigned char *bytes; /* owns */
    size_t size;
};

struct questions {
    const struct server_options *options;
    const struct folders *folders;
    pthread_mutex_t lock;
    pthread_cond_t there; /* a question waits, or it is the end */
    struct question *first;
    int waiting; /* of them */
    int living;  /* questions that someone holds */
    bool stopping;
    int leaders;
    pthread_t threads[QUESTIONS_AT_ONCE];
};

/* Under the lock. */
void question_wake(struct question *question);

/* Start a process, have it answer, end it. */
void question_lead(struct question *question);
/* For question_lead(): what is heard. */
void question_tell(struct question *question, json_t *word); /* takes */
bool question_is_wanted(struct question *question);
void question_fail(struct question *question, const char *code, const char *message);

#endif /* SERVER_QUESTION_IMPL_H */
