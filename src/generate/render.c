/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/render.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/queue.h"
#include "base/sequence.h"
#include "generate/fade.h"

#define SOUND_CHUNK 1024 /* sample frames handed to the writer in one step */
#define POLL_MS 50       /* how long the writer sleeps between looks at `cancelled` */
#define PROGRESS_NS 100000000LL

/* One frame on its way. */
struct slot {
    int64_t index;
    struct st_plan_frame plan;
    struct st_frame frame;
    struct st_frame other; /* where it fades */
    float *audio;          /* [audio_dims] of the UNet, where the face is redrawn; owns */
};

/* What a worker owns for itself. */
struct worker {
    struct pipeline *pipeline;
    pthread_t thread;
    bool running;
    struct st_unet_worker *unet;
    struct st_redraw *redraw;
    float *input;            /* [6, 320, 320] */
    float *prediction;       /* [3, 320, 320] */
    struct st_picture spare; /* where clips fade: what is moved is drawn in here */
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

    pthread_mutex_t lock; /* guards the two below */
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
}

static unsigned wanted_of(const struct st_render *r, bool sync)
{
    if (!sync)
        return 0;
    return ST_FRAME_FACE | (r->redraw.blend == SYNCTALK_BLEND_FACE ? ST_FRAME_LANDMARKS : 0u) |
           (r->parsing ? ST_FRAME_PARSING : 0u);
}

static synctalk_status read_frame(struct pipeline *p, struct slot *slot, synctalk_error *err)
{
    const struct st_render *r = p->render;
    struct st_plan_frame *plan = &slot->plan;
    bool draw;
    synctalk_status st;

    *plan = st_plan_at(r->plan, slot->index);
    if ((st = st_frame_reader_read(r->frames, plan->source, wanted_of(r, plan->sync), &slot->frame,
                                   err)))
        return st;
    draw = slot->frame.draw;
    if (plan->fades) {
        if ((st = st_frame_reader_read(r->frames, plan->other, wanted_of(r, plan->other_sync),
                                       &slot->other, err)))
            return st;
        draw = draw || slot->other.draw;
    }
    return draw ? st_feature_source_window(r->features, plan->window, slot->audio, err)
                : SYNCTALK_OK;
}

static void *reader_main(void *arg)
{
    struct pipeline *p = arg;
    synctalk_error error = {0};
    void *item;

    for (int64_t i = 0; i < p->render->plan->frames && st_queue_pop(p->unused, &item); i++) {
        struct slot *slot = item;
        slot->index = i;
        synctalk_status st = read_frame(p, slot, &error);
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

/* Redraw the face in `frame` to fit the window `audio`, where it is to be redrawn. */
static synctalk_status draw_frame(struct worker *w, struct st_frame *frame, const float *audio,
                                  synctalk_error *err)
{
    if (!frame->draw)
        return SYNCTALK_OK;
    st_redraw_crop(w->redraw, &frame->picture, &frame->box, w->input);
    synctalk_status st = st_unet_run(w->unet, 1, w->input, audio, w->prediction, err);
    if (!st)
        st_redraw_paste(w->redraw, &frame->picture, w->prediction, &frame->landmarks,
                        frame->has_parsing ? &frame->parsing : NULL);
    return st;
}

/* Lay the other finished picture over the frame. */
static void fade_frame(struct worker *w, struct slot *slot)
{
    const struct st_plan_frame *plan = &slot->plan;
    const struct st_fade fade = {.weight = plan->weight,
                                 .moves = plan->moves,
                                 .move = plan->move,
                                 .other_move = plan->other_move};
    struct st_picture *picture = &slot->frame.picture;

    st_fade_pictures(plan->moves ? &w->spare : picture, picture, &slot->other.picture, &fade);
    if (plan->moves) {
        const struct st_picture finished = w->spare;
        w->spare = *picture;
        *picture = finished;
    }
}

static synctalk_status draw_slot(struct worker *w, struct slot *slot, synctalk_error *err)
{
    synctalk_status st = draw_frame(w, &slot->frame, slot->audio, err);
    if (st || !slot->plan.fades)
        return st;
    if (!(st = draw_frame(w, &slot->other, slot->audio, err)))
        fade_frame(w, slot);
    return st;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    synctalk_error error = {0};
    void *item;

    while (st_queue_pop(w->pipeline->work, &item)) {
        struct slot *slot = item;
        synctalk_status st = draw_slot(w, slot, &error);
        if (st) {
            give_up(w->pipeline, st, &error);
            break;
        }
        st_sequence_put(w->pipeline->done, slot->index, slot);
    }
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

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* The calling thread's part: frames in order, and their sound, into the file. */
static synctalk_status write_frames(struct pipeline *p, const synctalk_callbacks *callbacks,
                                    synctalk_error *err)
{
    const struct st_render *r = p->render;
    const int64_t rate = st_audio_reader_info(r->sound)->rate_hz;
    int64_t given = 0;
    int64_t told_ns = now_ns();
    synctalk_status st;

    for (int64_t i = 0; i < r->plan->frames;) {
        void *item;
        if (st_cancelled(callbacks))
            return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
        if (now_ns() - told_ns >= PROGRESS_NS) {
            st_progress(callbacks, "frames", i, r->plan->frames, r->fps);
            told_ns = now_ns();
        }
        enum st_sequence_result result = st_sequence_next(p->done, POLL_MS, &item);
        if (result == ST_SEQUENCE_ABORTED)
            return SYNCTALK_OK; /* the status is the pipeline's */
        if (result == ST_SEQUENCE_WAIT)
            continue;
        struct slot *slot = item;
        if ((st = st_video_writer_frame(r->writer, slot->frame.picture.data,
                                        slot->frame.picture.stride, err)))
            return st;
        i++;
        st_queue_push(p->unused, slot);
        if ((st = write_sound(r, i * rate / r->fps, &given, err)))
            return st;
    }
    st_progress(callbacks, "frames", r->plan->frames, r->plan->frames, r->fps);
    return write_sound(r, -1, &given, err);
}

static synctalk_status make_worker(struct worker *w, struct pipeline *p, synctalk_error *err)
{
    const struct st_render *r = p->render;
    const size_t plane = (size_t)ST_UNET_SIDE * ST_UNET_SIDE * sizeof(float);
    synctalk_status st;

    w->pipeline = p;
    if ((st = st_unet_worker_open(&w->unet, r->unet, err)) ||
        (st = st_redraw_create(&w->redraw, &r->redraw, r->info->largest_side, r->kernels, err)))
        return st;
    w->input = st_alloc_aligned(6 * plane);
    w->prediction = st_alloc_aligned(3 * plane);
    if (!w->input || !w->prediction)
        return st_fail_memory(err, "a frame worker", 9 * plane);
    return r->plan->clips ? st_picture_resize(&w->spare, r->info->width, r->info->height, err)
                          : SYNCTALK_OK;
}

static synctalk_status make_pipeline(struct pipeline *p, synctalk_error *err)
{
    const struct st_render *r = p->render;
    const struct st_unet_form *form = st_unet_form(r->unet);
    const size_t audio = form->audio_dims[0] * form->audio_dims[1] * form->audio_dims[2];
    synctalk_status st;

    if ((st = st_queue_create(&p->unused, (size_t)r->slots, err)) ||
        (st = st_queue_create(&p->work, (size_t)r->slots, err)) ||
        (st = st_sequence_create(&p->done, (size_t)r->slots, err)))
        return st;
    p->slots = calloc((size_t)r->slots, sizeof *p->slots);
    p->workers = calloc((size_t)r->workers, sizeof *p->workers);
    if (!p->slots || !p->workers)
        return st_fail_memory(err, "the render pipeline", (size_t)r->slots * sizeof *p->slots);
    for (int i = 0; i < r->slots; i++) {
        struct slot *slot = &p->slots[i];
        if (!(slot->audio = st_alloc_aligned(audio * sizeof(float))))
            return st_fail_memory(err, "an audio window", audio * sizeof(float));
        if ((st = st_picture_resize(&slot->frame.picture, r->info->width, r->info->height, err)) ||
            (r->plan->clips &&
             (st = st_picture_resize(&slot->other.picture, r->info->width, r->info->height, err))))
            return st;
        st_queue_push(p->unused, slot);
    }
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
    for (int i = 0; p->workers && i < p->render->workers; i++) {
        struct worker *w = &p->workers[i];
        st_unet_worker_close(&w->unet);
        st_redraw_destroy(&w->redraw);
        free(w->input);
        free(w->prediction);
        st_picture_free(&w->spare);
    }
    for (int i = 0; p->slots && i < p->render->slots; i++) {
        st_frame_free(&p->slots[i].frame);
        st_frame_free(&p->slots[i].other);
        free(p->slots[i].audio);
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
    st = p.status;
    if (st && err)
        *err = p.error;

done:
    free_pipeline(&p);
    return st;
}
