/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_run.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "synctalk/synctalk.h"

#define AHEAD 50 /* frames before its end, the next item is begun */

struct sentence {
    synctalk_log_level level;
    char *text; /* owned */
};

/* An item in work. */
struct work {
    struct batch_run *run;
    size_t index;
    bool begun, threaded, near_end, ended;
    pthread_t thread;
    synctalk_settings settings;
    struct sentence *said; /* owns; before it was told of */
    size_t said_count;
    struct batch_result result;
};

struct batch_run {
    synctalk_person *person;
    const struct batch *batch;
    struct progress *progress;
    synctalk_settings settings;
    pthread_mutex_t lock; /* guards all below, and `progress` while items are in work */
    pthread_cond_t changed;
    size_t next, told; /* items: to be begun; whose voice is heard */
    struct work works[2];
};

struct batch_run *batch_run_open(const struct args *args, synctalk_person *person,
                                 const struct batch *batch, struct progress *progress)
{
    struct batch_run *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->person = person;
    run->batch = batch;
    run->progress = progress;
    run->settings = args->settings;
    pthread_mutex_init(&run->lock, NULL);
    pthread_cond_init(&run->changed, NULL);
    return run;
}

static void on_progress(void *user, const synctalk_progress *now)
{
    struct work *work = user;
    struct batch_run *run = work->run;
    pthread_mutex_lock(&run->lock);
    if (strcmp(now->stage, "frames") == 0 && now->total - now->done <= AHEAD && !work->near_end) {
        work->near_end = true;
        pthread_cond_broadcast(&run->changed);
    }
    if (run->told == work->index)
        run->progress->callbacks.progress(run->progress, now);
    pthread_mutex_unlock(&run->lock);
}

static int on_cancelled(void *user)
{
    const struct work *work = user;
    return work->run->progress->callbacks.cancelled(work->run->progress);
}

/* For when it is told of; false without memory. */
static bool keep(struct work *work, synctalk_log_level level, const char *message)
{
    struct sentence *said = realloc(work->said, (work->said_count + 1) * sizeof *said);
    if (!said)
        return false;
    work->said = said;
    char *text = strdup(message);
    if (!text)
        return false;
    said[work->said_count++] = (struct sentence){level, text};
    return true;
}

/* However much it is: an edit list has a line for each clip. */
static void on_log(void *user, synctalk_log_level level, const char *message)
{
    struct work *work = user;
    struct batch_run *run = work->run;
    pthread_mutex_lock(&run->lock);
    if (run->told == work->index || !keep(work, level, message))
        run->progress->callbacks.log(run->progress, level, message);
    pthread_mutex_unlock(&run->lock);
}

static void forget_said(struct work *work)
{
    for (size_t i = 0; i < work->said_count; i++)
        free(work->said[i].text);
    free(work->said);
    work->said = NULL;
    work->said_count = 0;
}

/* The item has ended but for this: it may wait until it is told of. */
static void on_stats(void *user, const synctalk_stats *stats)
{
    struct work *work = user;
    struct batch_run *run = work->run;
    pthread_mutex_lock(&run->lock);
    while (run->told != work->index)
        pthread_cond_wait(&run->changed, &run->lock);
    run->progress->callbacks.stats(run->progress, stats);
    pthread_mutex_unlock(&run->lock);
}

static void *make(void *arg)
{
    struct work *work = arg;
    struct batch_run *run = work->run;
    struct batch_result *result = &work->result;
    const synctalk_callbacks callbacks = {
        .user = work,
        .progress = on_progress,
        .cancelled = on_cancelled,
        .log = on_log,
        .stats = run->progress->callbacks.stats ? on_stats : NULL,
    };
    const synctalk_status status =
        synctalk_generate(run->person, &work->settings, result->item->audio, result->item->output,
                          &callbacks, &result->report, &result->error);
    pthread_mutex_lock(&run->lock);
    result->status = status;
    work->ended = true;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

static bool is_left(const struct batch_run *run)
{
    return run->next < run->batch->count;
}

/* Under the lock. */
static void begin(struct batch_run *run)
{
    struct work *work = &run->works[run->next % 2];
    *work = (struct work){.run = run, .index = run->next++, .begun = true};
    work->result.item = &run->batch->items[work->index];
    work->settings = run->settings;
    work->settings.more_follow = is_left(run);
    work->threaded = pthread_create(&work->thread, NULL, make, work) == 0;
}

/* The item's voice is heard from here on. Under the lock. */
static void tell_of(struct batch_run *run, struct work *work)
{
    const struct batch_item *item = work->result.item;
    run->told = work->index;
    progress_item(run->progress, work->index + 1, run->batch->count, item->audio, item->output);
    for (size_t i = 0; i < work->said_count; i++)
        run->progress->callbacks.log(run->progress, work->said[i].level, work->said[i].text);
    forget_said(work);
    pthread_cond_broadcast(&run->changed);
}

/* With one frame in flight there is no memory for two items. */
static bool may_begin_another(const struct batch_run *run, const struct work *work)
{
    return work->near_end && is_left(run) && run->next == work->index + 1 &&
           run->settings.frames_per_core > 0;
}

void batch_run_next(struct batch_run *run, struct batch_result *result)
{
    pthread_mutex_lock(&run->lock);
    const size_t index = run->works[0].begun ? run->told + 1 : 0;
    struct work *work = &run->works[index % 2];
    if (run->next == index)
        begin(run); /* it can say nothing before the lock is given back */
    tell_of(run, work);
    if (!work->threaded) {
        pthread_mutex_unlock(&run->lock);
        make(work);
        pthread_mutex_lock(&run->lock);
    }
    while (!work->ended) { /* of one begun ahead the end may be near by now */
        if (may_begin_another(run, work))
            begin(run);
        else
            pthread_cond_wait(&run->changed, &run->lock);
    }
    pthread_mutex_unlock(&run->lock);
    if (work->threaded)
        pthread_join(work->thread, NULL);
    work->threaded = false;
    *result = work->result;
}

void batch_run_close(struct batch_run **run)
{
    if (!run || !*run)
        return;
    struct batch_run *r = *run;
    for (size_t i = 0; i < 2; i++) {
        struct work *work = &r->works[i];
        if (work->threaded) {
            pthread_mutex_lock(&r->lock);
            r->told = work->index; /* or its stats wait for ever */
            pthread_cond_broadcast(&r->changed);
            pthread_mutex_unlock(&r->lock);
            pthread_join(work->thread, NULL);
        }
        forget_said(work);
    }
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
    *run = NULL;
}
