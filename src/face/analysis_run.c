/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a video: the calling thread decodes, another one detects and writes, so that both
 * cores have work and the callbacks stay on the caller's thread.
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/queue.h"
#include "face/analysis_impl.h"
#include "face/sight.h"

#define PICTURES 3 /* one decoded into, one looked at, one between them */
#define PROGRESS_NS 100000000

struct run {
    struct st_face_file *file;
    const struct st_analysis_settings *settings;
    struct st_tracker *tracker;
    struct st_face_totals totals;
    void *state; /* room for the tracker's */
    struct st_queue *unused;
    struct st_queue *full;
    struct st_picture pictures[PICTURES];
    atomic_llong done; /* frames */
    struct st_sight_desk sights;

    /* The other thread's, until it is joined. */
    synctalk_status status;
    synctalk_error error;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void count_found(struct st_face_totals *totals, const struct st_tracked *tracked, int64_t n)
{
    const struct st_face *face = &tracked->face;
    const struct st_landmark_layout *layout = st_landmark_layout(tracked->landmarks.count);
    const struct st_point *points = tracked->landmarks.points;
    int side = (int)fminf(face->right - face->left, face->bottom - face->top);
    /* Two coordinates cut to integers may be farther apart than they were, by less than one. */
    int crop = (int)(points[layout->right].x - points[layout->left].x) + 1;

    totals->found++;
    totals->last_found = n;
    if (totals->first_found < 0)
        totals->first_found = n;
    if (totals->smallest_at < 0 || side < totals->smallest_side) {
        totals->smallest_side = side;
        totals->smallest_at = n;
    }
    if (crop > ST_PICTURE_MAX_SIDE)
        crop = ST_PICTURE_MAX_SIDE;
    if (crop > totals->largest_side)
        totals->largest_side = crop;
    if (tracked->jumped) {
        totals->jumps++;
        if (totals->first_jump < 0)
            totals->first_jump = n;
    }
}

static void count(struct st_face_totals *totals, const struct st_tracked *tracked)
{
    const int64_t n = totals->frames++;
    if (tracked->found)
        count_found(totals, tracked, n);
    else if (totals->first_missing < 0)
        totals->first_missing = n;
    if (n == 0 || tracked->score < totals->worst_score)
        totals->worst_score = tracked->score;
    if (n == 0 || tracked->score > totals->best_score)
        totals->best_score = tracked->score;
    if (tracked->faces > totals->most_faces)
        totals->most_faces = tracked->faces;
}

static synctalk_status keep(struct run *run, const struct st_tracked *tracked, synctalk_error *err)
{
    struct st_face_record record = {
        .faces = tracked->faces,
        .score = tracked->score,
        .left = tracked->face.left,
        .top = tracked->face.top,
        .right = tracked->face.right,
        .bottom = tracked->face.bottom,
    };
    bool block_ends;
    record.flags = (tracked->found ? ST_FACE_FOUND : 0u) | (tracked->begins ? ST_FACE_BEGINS : 0u) |
                   (tracked->jumped ? ST_FACE_JUMPED : 0u);
    memcpy(record.points, tracked->landmarks.points,
           sizeof *record.points * (size_t)tracked->landmarks.count);
    count(&run->totals, tracked);
    record.last = run->totals.last_found;
    st_face_file_append(run->file, &record, &run->totals, &block_ends);
    if (!block_ends)
        return SYNCTALK_OK;
    st_tracker_save(run->tracker, run->state);
    return st_face_file_end_block(run->file, run->state, err);
}

/* The other thread. It ends with the queue of full pictures, by a failure, or where a frame
 * without a face is one. */
static void *look(void *argument)
{
    struct run *run = argument;
    const bool all_must = run->settings->no_face == ST_NO_FACE_FAIL;
    struct st_tracked tracked = {0};
    void *item;

    while (!run->status && st_queue_pop(run->full, &item)) {
        run->status = st_tracker_next(run->tracker, item, &tracked, &run->error);
        if (!run->status)
            st_sight_desk_offer(&run->sights, run->totals.frames, item,
                                tracked.found ? &tracked.landmarks : NULL);
        if (!run->status)
            run->status = keep(run, &tracked, &run->error);
        if (!run->status)
            atomic_fetch_add(&run->done, 1);
        st_queue_push(run->unused, item);
        if (all_must && !tracked.found)
            break;
    }
    st_queue_abort(run->unused);
    return NULL;
}

/* The calling thread's part. */
static synctalk_status decode(struct run *run, const struct st_analysis_view *view,
                              const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const int fps = run->settings->fps;
    int64_t told_ns = now_ns();
    synctalk_status st;

    for (int64_t n = run->totals.frames; n < view->frames; n++) {
        void *item;
        if (st_cancelled(callbacks))
            return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
        if (now_ns() - told_ns >= PROGRESS_NS) {
            st_progress(callbacks, "faces", atomic_load(&run->done), view->frames, fps);
            told_ns = now_ns();
        }
        st_sight_desk_show(&run->sights, now_ns(), false, callbacks);
        if (!st_queue_pop(run->unused, &item))
            return SYNCTALK_OK; /* the other thread has ended, and knows why */
        if ((st = view->read(view->video, n, item, err)))
            return st;
        st_queue_push(run->full, item);
    }
    return SYNCTALK_OK;
}

static synctalk_status prepare(struct run *run, const struct st_analysis_view *view,
                               synctalk_error *err)
{
    synctalk_status st;
    if ((st = st_tracker_create_with(&run->tracker, &view->finder, &run->settings->tracker, err)))
        return st;
    const size_t size = st_tracker_state_size(run->tracker);
    if (!(run->state = malloc(size)))
        return st_fail_memory(err, "following a face", size);
    if ((st = st_face_file_begin(run->file, view->points, size, err)))
        return st;
    const void *state = st_face_file_state(run->file);
    if (state && st_tracker_restore(run->tracker, state, size, NULL) != SYNCTALK_OK &&
        (st = st_face_file_reset(run->file, err)))
        return st;
    run->totals = *st_face_file_totals(run->file);
    atomic_store(&run->done, run->totals.frames);

    if ((st = st_queue_create(&run->unused, PICTURES, err)) ||
        (st = st_queue_create(&run->full, PICTURES, err)))
        return st;
    for (int i = 0; i < PICTURES; i++) {
        if ((st = st_picture_resize(&run->pictures[i], view->width, view->height, err)))
            return st;
        st_queue_push(run->unused, &run->pictures[i]);
    }
    return SYNCTALK_OK;
}

synctalk_status st_analysis_run(struct st_face_file *file, const struct st_analysis_view *view,
                                const struct st_analysis_settings *settings,
                                const synctalk_callbacks *callbacks, synctalk_error *err)
{
    struct run run = {.file = file, .settings = settings};
    pthread_t thread;
    synctalk_status st;

    st_sight_desk_begin(&run.sights, view->frames, callbacks);
    if ((st = prepare(&run, view, err)))
        goto done;
    if (pthread_create(&thread, NULL, look, &run) != 0) {
        st = st_fail(err, SYNCTALK_E_MEMORY, "cannot start the thread that looks for faces");
        goto done;
    }
    if ((st = decode(&run, view, callbacks, err)))
        st_queue_abort(run.full);
    else
        st_queue_close(run.full);
    pthread_join(thread, NULL);
    if (!st && (st = run.status))
        st_fail(err, st, "%s", run.error.message);
    st_sight_desk_show(&run.sights, now_ns(), true, callbacks);
    if (!st)
        st_progress(callbacks, "faces", atomic_load(&run.done), view->frames, settings->fps);

done:
    st_sight_desk_end(&run.sights);
    for (int i = 0; i < PICTURES; i++)
        st_picture_free(&run.pictures[i]);
    st_queue_destroy(&run.full);
    st_queue_destroy(&run.unused);
    st_tracker_destroy(&run.tracker);
    free(run.state);
    return st;
}
