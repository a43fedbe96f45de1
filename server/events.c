/* SPDX-License-Identifier: Apache-2.0 */
#include "events.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail.h"

#define MOVE_SECONDS 0.1        /* between two tellings of moves */
#define RETRY "retry: 2000\n\n" /* ms after which a browser comes again */

struct stream {
    struct events *owner;
    struct stream *next, **at; /* in the owner's list */
    struct MHD_Connection *connection;
    char id[ID_SIZE];
    bool asleep;  /* its connection is suspended */
    bool touched; /* there may be something to tell */
    bool beat;    /* a sign of life is due */
    bool last;    /* what is in `text` ends it */
    char *text;   /* owns; being sent, or NULL */
    size_t length, sent;
};

struct events {
    pthread_mutex_t lock; /* around the list and what is in the streams but `text` */
    struct stream *first;
    int count;
    bool stopping;
    bool moved;  /* and nobody was told yet */
    double told; /* when moves were last; seconds, monotonic */
    events_describe *describe;
    void *user;
};

synctalk_status events_open(struct events **out, events_describe *describe, void *user,
                            synctalk_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return server_fail_memory(err, "streams of events");
    pthread_mutex_init(&(*out)->lock, NULL);
    (*out)->describe = describe;
    (*out)->user = user;
    return SYNCTALK_OK;
}

void events_close(struct events **events)
{
    if (!events || !*events)
        return;
    pthread_mutex_destroy(&(*events)->lock);
    free(*events);
    *events = NULL;
}

/* Under the lock. A sleeping connection cannot end, so it is there to be woken. */
static void wake(struct stream *stream)
{
    if (!stream->asleep)
        return;
    stream->asleep = false;
    MHD_resume_connection(stream->connection);
}

/* Under the lock. */
static void touch(struct events *events, const char *id)
{
    for (struct stream *at = events->first; at; at = at->next) {
        if (id && strcmp(at->id, id) != 0)
            continue;
        at->touched = true;
        wake(at);
    }
}

void events_touch(struct events *events, const char *id)
{
    pthread_mutex_lock(&events->lock);
    touch(events, id);
    pthread_mutex_unlock(&events->lock);
}

static void tell_moves(struct events *events)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const double time = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    if (time - events->told < MOVE_SECONDS)
        return;
    events->told = time;
    events->moved = false;
    touch(events, NULL);
}

void events_moved(struct events *events)
{
    pthread_mutex_lock(&events->lock);
    events->moved = true;
    tell_moves(events);
    pthread_mutex_unlock(&events->lock);
}

void events_tick(struct events *events)
{
    pthread_mutex_lock(&events->lock);
    if (events->moved)
        tell_moves(events);
    pthread_mutex_unlock(&events->lock);
}

void events_beat(struct events *events)
{
    pthread_mutex_lock(&events->lock);
    for (struct stream *at = events->first; at; at = at->next) {
        at->beat = true;
        wake(at);
    }
    pthread_mutex_unlock(&events->lock);
}

void events_stop(struct events *events)
{
    pthread_mutex_lock(&events->lock);
    events->stopping = true;
    for (struct stream *at = events->first; at; at = at->next)
        wake(at);
    pthread_mutex_unlock(&events->lock);
}

int events_count(struct events *events)
{
    pthread_mutex_lock(&events->lock);
    const int count = events->count;
    pthread_mutex_unlock(&events->lock);
    return count;
}

enum what { NOTHING, STATE, BEAT, STOP };

/* What to say next; with nothing, the connection goes to sleep before the lock is given up, so
 * that no touch is missed. */
static enum what choose(struct stream *stream)
{
    enum what what = NOTHING;
    pthread_mutex_lock(&stream->owner->lock);
    if (stream->owner->stopping)
        what = STOP;
    else if (stream->touched)
        what = STATE;
    else if (stream->beat)
        what = BEAT;
    if (what == NOTHING) {
        stream->asleep = true;
        MHD_suspend_connection(stream->connection);
    } else {
        stream->touched = false;
        stream->beat = false;
    }
    pthread_mutex_unlock(&stream->owner->lock);
    return what;
}

/* false: there is nothing to say any more. */
static bool compose(struct stream *stream, enum what what)
{
    struct events *events = stream->owner;
    char *state = NULL;
    int length = -1;
    if (what == BEAT) {
        length = asprintf(&stream->text, ":\n\n");
    } else {
        state = events->describe(events->user, stream->id, &stream->last);
        if (!state)
            return false;
        length = asprintf(&stream->text, "event: %s\ndata: %s\n\n",
                          stream->last ? "end" : "progress", state);
    }
    free(state);
    if (length < 0) {
        stream->text = NULL;
        return false;
    }
    stream->length = (size_t)length;
    stream->sent = 0;
    return true;
}

static ssize_t read_stream(void *user, uint64_t position, char *to, size_t room)
{
    struct stream *stream = user;
    (void)position;
    if (!stream->text) {
        if (stream->last)
            return MHD_CONTENT_READER_END_OF_STREAM;
        const enum what what = choose(stream);
        if (what == NOTHING)
            return 0;
        if (what == STOP || !compose(stream, what))
            return MHD_CONTENT_READER_END_OF_STREAM;
    }
    const size_t left = stream->length - stream->sent;
    const size_t step = left < room ? left : room;
    memcpy(to, stream->text + stream->sent, step);
    stream->sent += step;
    if (stream->sent == stream->length) {
        free(stream->text);
        stream->text = NULL;
    }
    return (ssize_t)step;
}

static void free_stream(void *user)
{
    struct stream *stream = user;
    struct events *events = stream->owner;
    pthread_mutex_lock(&events->lock);
    *stream->at = stream->next;
    if (stream->next)
        stream->next->at = stream->at;
    events->count--;
    pthread_mutex_unlock(&events->lock);
    free(stream->text);
    free(stream);
}

struct MHD_Response *events_response(struct events *events, struct MHD_Connection *connection,
                                     const char *id)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    stream->owner = events;
    stream->connection = connection;
    stream->touched = true;
    snprintf(stream->id, sizeof stream->id, "%s", id);
    stream->text = strdup(RETRY);
    stream->length = stream->text ? strlen(RETRY) : 0;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, read_stream, stream, free_stream);
    if (!response) {
        free(stream->text);
        free(stream);
        return NULL;
    }
    pthread_mutex_lock(&events->lock);
    stream->next = events->first;
    stream->at = &events->first;
    if (stream->next)
        stream->next->at = &stream->next;
    events->first = stream;
    events->count++;
    pthread_mutex_unlock(&events->lock);
    return response;
}
