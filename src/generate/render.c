/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/render.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/queue.h"
#include "base/sequence.h"
#include "generate/draw.h"

#define SOUND_CHUNK 1024 /* sample frames handed to the writer in one step */
#define POLL_MS 50       /* how long the writer sleeps between looks at `cancelled` */
#define PROGRESS_NS 100000000LL

/* One frame on its way. */
struct slot {
    int64_t index;
    struct st_drawing drawing;
};

/* What a worker owns for itself. */
struct worker {
    struct pipeline *pipeline;
    pthread_t thread;
    bool running;
    struct st_drawer *drawer;   /* owns */
    struct st_stopwatch *watch; /* `own`, or NULL: off */
    struct st_stopwatch own;
};

struct pipeline {
    const struct st_render *render;
    struct slot *slots;       /* [render->slots] */
    struct worker *workers;   /* [render->workers] */
    struct st_queue *unused;  /* writer -> reader */
    struct st_queue *work;    /* reader -> workers */
    struct st_sequence *done; /* workers -> writer */
    pthread_t reader;
    bool reader_running;

    pthread_mutex_t lock; /* guards the three below */
    int64_t drawn;        /* frames */
    synctalk_status status;
    synctalk_error error;
};

/* The first failure is the one that is told; everyone is sent home. `error` is the
 * failing thread's own. */
static void give_up(struct pipeline *p, synctalk_status status, const synctalk_error *error)
{
    pthread_mutex_lock(&p->lock);
    if (p->status == SYNCTALK_OK) {
        p->status = status;
        p->error = *error;
    }
    pthread_mutex_unlock(&p->lock);
    st_queue_abort(p->unused);
    st_queue_abort(p->work);
    st_sequence_abort(p->done);
    st_feature_source_stop(p->render->features);
    st_frame_reader_stop(p->render->frames);
}

static unsigned wanted_of(const struct st_render *r, bool sync)
{
    if (!sync)
        return 0;
    return ST_FRAME_FACE | (r->redraw.blend == SYNCTALK_BLEND_FACE ? ST_FRAME_LANDMARKS : 0u) |
           (r->parsing ? ST_FRAME_PARSING : 0u);
}

/* Ask the cache for the image side of a frame that is drawn. */
static void ask_cache(const struct st_render *r, int64_t i, int64_t source, bool draw,
                      struct st_image_ticket *ticket)
{
    if (!r->cache || !draw)
        return;
    int64_t next = st_plan_next_use(r->plan, i, source);
    if (next == ST_PLAN_NEVER && r->more_follow)
        next = st_plan_next_video_use(r->plan, source);
    *ticket = st_image_cache_ask(r->cache, source, next);
}

/* A fade mixes pictures; all else may stay planes. */
static unsigned wanted_of_frame(const struct st_render *r, const struct st_plan_frame *plan)
{
    return wanted_of(r, plan->sync) | (plan->fades ? 0u : ST_FRAME_PLANES);
}

static synctalk_status read_frame(struct pipeline *p, struct st_drawing *drawing,
                                  struct st_stopwatch *watch, synctalk_error *err)
{
    const struct st_render *r = p->render;
    struct st_plan_frame *plan = &drawing->plan;
    bool draw;
    synctalk_status st;

    const bool known = plan->sync && r->info->all_drawn; /* before it is read */
    unsigned wanted = wanted_of_frame(r, plan);
    if (known)
        ask_cache(r, plan->window, plan->source, true, &drawing->ticket);
    if (drawing->ticket.what == ST_IMAGE_LOAD && drawing->ticket.pictured)
        wanted |= ST_FRAME_KEPT;
    st = st_frame_reader_read(r->frames, plan->source, wanted, &drawing->frame, err);
    st_lap(watch, ST_STAGE_DECODE);
    if (st)
        return st;
    draw = drawing->frame.draw;
    if (!known)
        ask_cache(r, plan->window, plan->source, draw, &drawing->ticket);
    if (drawing->ticket.what == ST_IMAGE_FILL && drawing->frame.has_planes && r->picture_at > 0)
        st_image_cache_keep_picture(r->cache, &drawing->ticket);
    if (plan->fades) {
        st = st_frame_reader_read(r->frames, plan->other, wanted_of(r, plan->other_sync),
                                  &drawing->other, err);
        st_lap(watch, ST_STAGE_DECODE);
        if (st)
            return st;
        ask_cache(r, plan->window, plan->other, drawing->other.draw, &drawing->other_ticket);
        draw = draw || drawing->other.draw;
    }
    if (!draw)
        return SYNCTALK_OK;
    st = st_feature_source_window(r->features, plan->window, drawing->audio, err);
    st_lap(watch, ST_STAGE_HEAR);
    return st;
}

static void *reader_main(void *arg)
{
    struct pipeline *p = arg;
    struct st_stopwatch *watch = p->render->stats ? &p->render->stats->reader : NULL;
    synctalk_error error = {0};
    void *item;

    st_stopwatch_start(watch);
    st_frame_reader_watch(p->render->frames, watch);
    for (int64_t i = 0; i < p->render->plan->frames && st_queue_pop(p->unused, &item); i++) {
        struct slot *slot = item;
        st_lap(watch, ST_STAGE_WAIT_ROOM);
        slot->index = i;
        slot->drawing.plan = st_plan_at(p->render->plan, i);
        synctalk_status st = read_frame(p, &slot->drawing, watch, &error);
        if (st) {
            give_up(p, st, &error);
            return NULL;
        }
        if (!st_queue_push(p->work, slot))
            return NULL;
    }
    st_queue_close(p->work);
    return NULL;
}

static void count_drawn(struct pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    const bool last = ++p->drawn == p->render->plan->frames;
    pthread_mutex_unlock(&p->lock);
    if (last && p->render->drawn)
        p->render->drawn(p->render->context);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    synctalk_error error = {0};
    void *item;

    st_stopwatch_start(w->watch);
    while (st_queue_pop(w->pipeline->work, &item)) {
        struct slot *slot = item;
        st_lap(w->watch, ST_STAGE_WAIT_WORK);
        synctalk_status st = st_drawer_draw(w->drawer, &slot->drawing, &error);
        if (st) {
            give_up(w->pipeline, st, &error);
            break;
        }
        st_sequence_put(w->pipeline->done, slot->index, slot);
        count_drawn(w->pipeline);
    }
    st_lap(w->watch, ST_STAGE_WAIT_WORK);
    return NULL;
}

/* Hand over the sound up to `until` sample frames from the beginning; all that is left
 * when `until` < 0. *given counts what was handed over. */
static synctalk_status write_sound(const struct st_render *r, int64_t until, int64_t *given,
                                   synctalk_error *err)
{
    float samples[2 * SOUND_CHUNK];
    while (until < 0 || *given < until) {
        size_t got;
        int64_t want = until < 0 ? SOUND_CHUNK : until - *given;
        size_t capacity = want < SOUND_CHUNK ? (size_t)want : SOUND_CHUNK;
        synctalk_status st = st_audio_reader_read(r->sound, samples, capacity, &got, err);
        if (st || got == 0)
            return st;
        if ((st = st_video_writer_audio(r->writer, samples, got, err)))
            return st;
        *given += (int64_t)got;
    }
    return SYNCTALK_OK;
}

/* Callbacks, of which the caller may ask much or nothing. */
static synctalk_status tell(const struct st_render *r, const synctalk_callbacks *callbacks,
                            int64_t frames, int64_t *told_ns, synctalk_error *err)
{
    if (st_cancelled(callbacks))
        return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
    if (st_wall_ns() - *told_ns >= PROGRESS_NS) {
        st_progress(callbacks, "frames", frames, r->plan->frames, r->fps);
        *told_ns = st_wall_ns();
    }
    return SYNCTALK_OK;
}

static synctalk_status write_picture(struct st_video_writer *writer,
                                     const struct st_drawing *drawing, synctalk_error *err)
{
    const struct st_picture *picture = &drawing->frame.picture;
    const struct st_planes *video = &drawing->video;
    if (!drawing->frame.has_planes)
        return st_video_writer_frame(writer, picture->data, picture->stride, err);
    const uint8_t *const data[] = {video->data[0], video->data[1], video->data[2]};
    return st_video_writer_planes(writer, data, video->stride, err);
}

/* The calling thread's part: frames in order, and their sound, into the file. */
static synctalk_status write_frames(struct pipeline *p, const synctalk_callbacks *callbacks,
                                    synctalk_error *err)
{
    const struct st_render *r = p->render;
    struct st_stopwatch *watch = r->stats ? &r->stats->writer : NULL;
    const int64_t rate = st_audio_reader_info(r->sound)->rate_hz;
    int64_t given = 0;
    int64_t told_ns = st_wall_ns();
    synctalk_status st;

    for (int64_t i = 0; i < r->plan->frames;) {
        void *item;
        if ((st = tell(r, callbacks, i, &told_ns, err)))
            return st;
        st_lap(watch, ST_STAGE_TELL);
        enum st_sequence_result result = st_sequence_next(p->done, POLL_MS, &item);
        st_lap(watch, ST_STAGE_WAIT_WORK);
        if (result == ST_SEQUENCE_ABORTED)
            return SYNCTALK_OK; /* the status is the pipeline's */
        if (result == ST_SEQUENCE_WAIT)
            continue;
        if (r->stats && i == 0)
            r->stats->first_frame_ns = st_wall_ns();
        struct slot *slot = item;
        if ((st = write_picture(r->writer, &slot->drawing, err)))
            return st;
        i++;
        st_queue_push(p->unused, slot);
        st = write_sound(r, i * rate / r->fps, &given, err);
        st_lap(watch, ST_STAGE_SOUND);
        if (st)
            return st;
    }
    st_progress(callbacks, "frames", r->plan->frames, r->plan->frames, r->fps);
    return write_sound(r, -1, &given, err);
}

static synctalk_status make_worker(struct worker *w, struct pipeline *p, synctalk_error *err)
{
    const struct st_render *r = p->render;
    w->pipeline = p;
    w->watch = r->stats ? &w->own : NULL;
    const struct st_drawer_settings settings = {
        .unet = r->unet,
        .kernels = r->kernels,
        .info = r->info,
        .cache = r->cache,
        .picture_at = r->picture_at,
        .redraw = r->redraw,
        .fades = r->plan->clips != NULL,
        .watch = w->watch,
    };
    return st_drawer_create(&w->drawer, &settings, err);
}

static synctalk_status make_slot(struct slot *slot, struct pipeline *p, synctalk_error *err)
{
    const struct st_render *r = p->render;
    const struct st_unet_form *form = st_unet_form(r->unet);
    const size_t audio = form->audio_dims[0] * form->audio_dims[1] * form->audio_dims[2];

    slot->drawing.audio = st_alloc_aligned(audio * sizeof(float));
    if (!slot->drawing.audio)
        return st_fail_memory(err, "an audio window", audio * sizeof(float));
    st_queue_push(p->unused, slot);
    return SYNCTALK_OK;
}

static synctalk_status make_pipeline(struct pipeline *p, synctalk_error *err)
{
    const struct st_render *r = p->render;
    synctalk_status st;

    if ((st = st_queue_create(&p->unused, (size_t)r->slots, err)) ||
        (st = st_queue_create(&p->work, (size_t)r->slots, err)) ||
        (st = st_sequence_create(&p->done, (size_t)r->slots, err)))
        return st;
    p->slots = calloc((size_t)r->slots, sizeof *p->slots);
    p->workers = calloc((size_t)r->workers, sizeof *p->workers);
    if (!p->slots || !p->workers)
        return st_fail_memory(err, "the render pipeline", (size_t)r->slots * sizeof *p->slots);
    for (int i = 0; i < r->slots; i++)
        if ((st = make_slot(&p->slots[i], p, err)))
            return st;
    for (int i = 0; i < r->workers; i++)
        if ((st = make_worker(&p->workers[i], p, err)))
            return st;
    return SYNCTALK_OK;
}

static synctalk_status start(pthread_t *thread, bool *running, void *(*entry)(void *), void *arg,
                             synctalk_error *err)
{
    int code = pthread_create(thread, NULL, entry, arg);
    *running = code == 0;
    if (code)
        return st_fail(err, SYNCTALK_E_MEMORY, "cannot start a thread: %s", strerror(code));
    return SYNCTALK_OK;
}

static void free_pipeline(struct pipeline *p)
{
    for (int i = 0; p->workers && i < p->render->workers; i++)
        st_drawer_destroy(&p->workers[i].drawer);
    for (int i = 0; p->slots && i < p->render->slots; i++) {
        struct st_drawing *drawing = &p->slots[i].drawing;
        if (p->render->cache) { /* of frames that were never drawn */
            st_image_cache_done(p->render->cache, &drawing->ticket, false);
            st_image_cache_done(p->render->cache, &drawing->other_ticket, false);
        }
        st_frame_free(&drawing->frame);
        st_frame_free(&drawing->other);
        st_planes_free(&drawing->video);
        free(drawing->audio);
    }
    free(p->workers);
    free(p->slots);
    st_sequence_destroy(&p->done);
    st_queue_destroy(&p->work);
    st_queue_destroy(&p->unused);
    pthread_mutex_destroy(&p->lock);
}

synctalk_status st_render(const struct st_render *render, const synctalk_callbacks *callbacks,
                          synctalk_error *err)
{
    struct pipeline p = {.render = render};
    synctalk_error error = {0};
    synctalk_status st;

    pthread_mutex_init(&p.lock, NULL);
    if ((st = make_pipeline(&p, err)))
        goto done;
    st = start(&p.reader, &p.reader_running, reader_main, &p, &error);
    for (int i = 0; !st && i < render->workers; i++)
        st = start(&p.workers[i].thread, &p.workers[i].running, worker_main, &p.workers[i], &error);
    if (!st)
        st = write_frames(&p, callbacks, &error);
    if (st)
        give_up(&p, st, &error);

    /* All frames written, or all queues aborted: everyone is on the way out. */
    if (p.reader_running)
        pthread_join(p.reader, NULL);
    for (int i = 0; i < render->workers; i++)
        if (p.workers[i].running)
            pthread_join(p.workers[i].thread, NULL);
    for (int i = 0; render->stats && i < render->workers; i++)
        st_stopwatch_add(&render->stats->worker, &p.workers[i].own);
    st = p.status;
    if (st && err)
        *err = p.error;

done:
    free_pipeline(&p);
    return st;
}
