/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "live.h"

struct jobs {
    struct store *store;
    const struct folders *folders;
    struct events *events; /* NULL until jobs_tell() */
    pthread_mutex_t lock;  /* around what follows; the store has a lock of its own below it */
    pthread_cond_t change; /* a job waits, or the server stops */
    bool stopping;
    int workers;
    struct live *live; /* owns; [workers] */
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct live *live_of(struct jobs *jobs, const char *id)
{
    for (int i = 0; i < jobs->workers; i++) {
        if (strcmp(jobs->live[i].id, id) == 0)
            return &jobs->live[i];
    }
    return NULL;
}

static void see_state(void *user, const struct job_row *row)
{
    *(enum job_state *)user = row->state;
}

/* Files of no job, and those of one that did not complete and is not in work; ".ID.mp4.x.part" is
 * one that was being written. */
static void sweep_video(void *user, const char *name, int64_t bytes)
{
    struct jobs *jobs = user;
    enum job_state state = JOB_FAILED;
    char id[ID_SIZE];
    char below[320];
    (void)bytes;
    const bool temporary = name[0] == '.';
    const char *begin = name + temporary;
    snprintf(id, sizeof id, "%.*s", (int)strcspn(begin, "."), begin);
    const synctalk_status st = store_job_get(jobs->store, id, see_state, &state, NULL);
    const bool known = st == SYNCTALK_OK && (state == JOB_COMPLETED && !temporary);
    if (known || (st && st != SYNCTALK_E_MISSING) || live_of(jobs, id))
        return;
    snprintf(below, sizeof below, "videos/%s", name);
    unlink(folders_below(jobs->folders, below).text);
}

static synctalk_status sweep_videos(struct jobs *jobs, synctalk_error *err)
{
    pthread_mutex_lock(&jobs->lock);
    synctalk_status st = folders_list(jobs->folders, "videos", sweep_video, jobs, err);
    pthread_mutex_unlock(&jobs->lock);
    return st;
}

synctalk_status jobs_open(struct jobs **out, struct store *store, const struct folders *folders,
                          int workers, synctalk_error *err)
{
    synctalk_status st;
    int64_t returned = 0;
    struct jobs *jobs = calloc(1, sizeof *jobs);
    *out = NULL;
    if (!jobs || !(jobs->live = calloc((size_t)workers, sizeof *jobs->live))) {
        free(jobs);
        return server_fail_memory(err, "the jobs");
    }
    jobs->store = store;
    jobs->folders = folders;
    jobs->workers = workers;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->change, NULL);
    if ((st = store_jobs_return(store, &returned, err)) || (st = sweep_videos(jobs, err)))
        jobs_close(&jobs);
    *out = jobs;
    return st;
}

void jobs_close(struct jobs **jobs)
{
    if (!jobs || !*jobs)
        return;
    pthread_cond_destroy(&(*jobs)->change);
    pthread_mutex_destroy(&(*jobs)->lock);
    free((*jobs)->live);
    free(*jobs);
    *jobs = NULL;
}

void jobs_tell(struct jobs *jobs, struct events *events)
{
    jobs->events = events;
}

struct store *jobs_store(const struct jobs *jobs)
{
    return jobs->store;
}

static void touch(struct jobs *jobs, const char *id)
{
    if (jobs->events)
        events_touch(jobs->events, id);
}

/* `id` has left the queue, and those behind it move up. */
static void touch_queue(struct jobs *jobs, const char *id)
{
    touch(jobs, id);
    if (jobs->events)
        events_moved(jobs->events);
}

synctalk_status jobs_add(struct jobs *jobs, const struct new_job *job, char id[ID_SIZE],
                         bool *again, synctalk_error *err)
{
    synctalk_status st = store_job_add(jobs->store, job, id, again, err);
    if (!st) {
        pthread_mutex_lock(&jobs->lock);
        pthread_cond_signal(&jobs->change);
        pthread_mutex_unlock(&jobs->lock);
    }
    return st;
}

bool jobs_live(struct jobs *jobs, const char *id, struct live *live)
{
    pthread_mutex_lock(&jobs->lock);
    const struct live *known = live_of(jobs, id);
    if (known)
        *live = *known;
    pthread_mutex_unlock(&jobs->lock);
    return known != NULL;
}

static void mark_unwanted(struct jobs *jobs, const char *id)
{
    pthread_mutex_lock(&jobs->lock);
    struct live *live = live_of(jobs, id);
    if (live)
        live->unwanted = true;
    pthread_mutex_unlock(&jobs->lock);
}

synctalk_status jobs_cancel(struct jobs *jobs, const char *id, synctalk_error *err)
{
    struct job_end end = {.state = JOB_CANCELLED, .now = time(NULL)};
    enum job_state state = JOB_CANCELLED;
    bool changed = false;
    synctalk_status st;
    if ((st = store_job_get(jobs->store, id, see_state, &state, err)) ||
        (st = store_job_end(jobs->store, id, &end, &changed, err)))
        return st;
    if (!changed)
        return server_fail(err, SYNCTALK_E_EXISTS, "%s: has ended before, as %s", id,
                           job_state_name(state));
    mark_unwanted(jobs, id);
    touch_queue(jobs, id);
    return SYNCTALK_OK;
}

synctalk_status jobs_remove(struct jobs *jobs, const char *id, synctalk_error *err)
{
    enum job_state state;
    synctalk_status st;
    if ((st = store_job_get(jobs->store, id, see_state, &state, err)) ||
        (st = store_job_remove(jobs->store, id, err)))
        return st;
    mark_unwanted(jobs, id);
    folders_remove_video(jobs->folders, id);
    touch_queue(jobs, id);
    return SYNCTALK_OK;
}

static void copy_job(void *user, const struct job_row *row)
{
    struct job *job = user;
    snprintf(job->id, sizeof job->id, "%s", row->id);
    job->request = json_loads(row->request, 0, NULL);
}

void job_free(struct job *job)
{
    json_decref(job->request);
    job->request = NULL;
}

bool jobs_take(struct jobs *jobs, int slot, struct job *job)
{
    bool found = false;
    *job = (struct job){.request = NULL};
    pthread_mutex_lock(&jobs->lock);
    while (!jobs->stopping && !found) {
        if (store_job_take(jobs->store, time(NULL), copy_job, job, &found, NULL) || !found) {
            /* Also after a store that failed, and may have shown the job: it is asked again in a
             * second. */
            job_free(job);
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += 1;
            pthread_cond_timedwait(&jobs->change, &jobs->lock, &until);
        }
    }
    if (found)
        live_begin(&jobs->live[slot], job->id);
    pthread_mutex_unlock(&jobs->lock);
    if (found)
        touch_queue(jobs, job->id);
    return found;
}

void jobs_progress(struct jobs *jobs, int slot, const synctalk_progress *progress)
{
    pthread_mutex_lock(&jobs->lock);
    live_update(&jobs->live[slot], progress, seconds());
    pthread_mutex_unlock(&jobs->lock);
    touch(jobs, jobs->live[slot].id); /* the id is this thread's to change */
}

bool jobs_unwanted(struct jobs *jobs, int slot)
{
    pthread_mutex_lock(&jobs->lock);
    const bool unwanted = jobs->live[slot].unwanted;
    pthread_mutex_unlock(&jobs->lock);
    return unwanted;
}

bool jobs_stopping(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    const bool stopping = jobs->stopping;
    pthread_mutex_unlock(&jobs->lock);
    return stopping;
}

static void leave(struct jobs *jobs, int slot, char id[ID_SIZE])
{
    pthread_mutex_lock(&jobs->lock);
    snprintf(id, ID_SIZE, "%s", jobs->live[slot].id);
    jobs->live[slot].id[0] = '\0';
    pthread_mutex_unlock(&jobs->lock);
}

void jobs_end(struct jobs *jobs, int slot, struct job_end *end)
{
    char id[ID_SIZE];
    bool changed = false;
    end->now = time(NULL);
    synctalk_status st;
    /* A disk that is full now may not be so soon; a server that ends meanwhile leaves the job to
     * the next one. */
    while ((st = store_job_end(jobs->store, jobs->live[slot].id, end, &changed, NULL)) &&
           !jobs_stopping(jobs))
        sleep(1);
    leave(jobs, slot, id);
    /* What is written about a job and what lies in the folder agree: no video without its row. */
    if (!st && (!changed || end->state != JOB_COMPLETED))
        folders_remove_video(jobs->folders, id);
    touch(jobs, id);
}

void jobs_return(struct jobs *jobs, int slot)
{
    char id[ID_SIZE];
    leave(jobs, slot, id);
    store_job_return(jobs->store, id, NULL);
    touch(jobs, id);
}

void jobs_stop(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->stopping = true;
    pthread_cond_broadcast(&jobs->change);
    pthread_mutex_unlock(&jobs->lock);
}

synctalk_status jobs_sweep(struct jobs *jobs, int64_t before, synctalk_error *err)
{
    synctalk_status st;
    char id[ID_SIZE];
    while (!(st = store_job_oldest_end(jobs->store, before, id, err)) && *id) {
        if ((st = jobs_remove(jobs, id, err)))
            return st;
    }
    return st ? st : sweep_videos(jobs, err);
}

synctalk_status jobs_remove_oldest(struct jobs *jobs, bool *found, synctalk_error *err)
{
    char id[ID_SIZE];
    synctalk_status st = store_job_oldest_end(jobs->store, 0, id, err);
    *found = !st && *id;
    return *found ? jobs_remove(jobs, id, err) : st;
}
