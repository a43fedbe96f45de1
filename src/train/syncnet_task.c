/* SPDX-License-Identifier: Apache-2.0 */
/* A batch is made of anchors and, for each, a frame up to a second away: its window is the
 * one that a network which only knows the voice, and not the moment, would take for right. */
#include "train/syncnet_task.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "models/train_models.h"
#include "train/losses.h"
#include "train/task_parts.h"

#define FARTHEST 25       /* frames of a shift at most */
#define MOST_MEASURED 256 /* held-out frames, the first of them */
#define SHIFT 3           /* purpose of a stream of random numbers; sampler.c has the others */

enum { FACE, SOUND };

struct task {
    struct st_task front;
    struct st_sample anchors[ST_LOSS_BATCH_MAX]; /* from the sampler */
    int64_t moments[ST_LOSS_BATCH_MAX];
    size_t window; /* numbers */
    size_t vector; /* numbers of an output */
};

static void load_turn(void *context, size_t n, int worker)
{
    struct task *t = context;
    (void)worker;
    st_crop_planes(st_crops_at(&t->front.data->crops, t->moments[n]), false,
                   st_train_net_input(t->front.net, FACE) + n * ST_TASK_PICTURE);
    st_windows_copy(&t->front.data->windows, t->moments[n], false,
                    st_train_net_input(t->front.net, SOUND) + n * t->window);
}

/* A frame ST_APART to FARTHEST from `anchor`. There is one on one side at least. */
static int64_t draw_shifted(const struct task *t, int64_t anchor, uint64_t place)
{
    struct st_random random = st_random_stream((uint64_t)t->front.settings->seed, SHIFT, place);
    const int64_t shift = ST_APART + (int64_t)st_random_below(&random, FARTHEST - ST_APART + 1);
    const bool back = st_random_below(&random, 2) == 1;
    for (int64_t far = shift; far >= ST_APART; far--) {
        const int64_t first = back ? anchor - far : anchor + far;
        const int64_t second = back ? anchor + far : anchor - far;
        if (first >= 0 && first < t->front.data->train)
            return first;
        if (second >= 0 && second < t->front.data->train)
            return second;
    }
    return anchor < ST_APART ? anchor + ST_APART : anchor - ST_APART;
}

static synctalk_status take_step(struct st_task *task, int64_t epoch, int64_t step,
                                 struct st_terms *losses, synctalk_error *err)
{
    struct task *t = (struct task *)task;
    synctalk_status st;
    double matching;
    double shifted;
    const int anchors = st_sampler_batch(&t->front.sampler, epoch, step, t->anchors);
    const int N = 2 * anchors;
    int64_t *moments = t->moments;

    for (int i = 0; i < anchors; i++) {
        const int64_t place = (epoch * task->steps + step) * anchors + i;
        *moments++ = t->anchors[i].target;
        *moments++ = draw_shifted(t, t->anchors[i].target, (uint64_t)place);
    }
    st_pool_for(t->front.pool, (size_t)N, load_turn, t);
    if ((st = st_train_net_forward(task->net, N, ST_TRAIN_BATCH, err)))
        return st;
    st_loss_contrast(N, t->vector, st_train_net_output(task->net, FACE),
                     st_train_net_output(task->net, SOUND), t->moments,
                     st_train_net_output_gradient(task->net, FACE),
                     st_train_net_output_gradient(task->net, SOUND), &matching, &shifted);
    losses->count = 0;
    st_terms_add(losses, "loss", matching + shifted);
    st_terms_add(losses, "matching", matching);
    st_terms_add(losses, "shifted", shifted);
    return st_train_net_backward(task->net, err);
}

/* Vectors of `count` held-out frames into faces and sounds [count, vector]. */
static synctalk_status look_at_held(struct task *t, int count, float *faces, float *sounds,
                                    const synctalk_callbacks *callbacks, synctalk_error *err)
{
    for (int k = 0; k < count; k += t->front.batch) {
        const int N = count - k < t->front.batch ? count - k : t->front.batch;
        const size_t numbers = (size_t)N * t->vector;
        synctalk_status st = st_task_held_turn(callbacks, k, count, err);
        if (st)
            return st;
        for (int n = 0; n < N; n++)
            t->moments[n] = t->front.data->train + k + n;
        st_pool_for(t->front.pool, (size_t)N, load_turn, t);
        if ((st = st_train_net_forward(t->front.net, N, ST_TRAIN_RUNNING, err)))
            return st;
        memcpy(faces + (size_t)k * t->vector, st_train_net_output(t->front.net, FACE),
               numbers * sizeof *faces);
        memcpy(sounds + (size_t)k * t->vector, st_train_net_output(t->front.net, SOUND),
               numbers * sizeof *sounds);
    }
    return SYNCTALK_OK;
}

static double cosine(const float *a, const float *b, size_t size)
{
    double sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* How often a frame fits its own window better than one that is shifted. */
static void judge(struct st_terms *scores, const float *faces, const float *sounds, int count,
                  size_t size)
{
    double matching = 0;
    double shifted = 0;
    int64_t right = 0;
    int64_t pairs = 0;
    for (int i = 0; i < count; i++) {
        const float *face = faces + (size_t)i * size;
        const double own = cosine(face, sounds + (size_t)i * size, size);
        matching += own / count;
        for (int j = 0; j < count; j++) {
            if (abs(i - j) < ST_APART || abs(i - j) > FARTHEST)
                continue;
            const double other = cosine(face, sounds + (size_t)j * size, size);
            shifted += other;
            right += own > other;
            pairs++;
        }
    }
    if (pairs == 0)
        return;
    st_terms_add(scores, "accuracy", 100.0 * (double)right / (double)pairs);
    st_terms_add(scores, "matching", matching);
    st_terms_add(scores, "shifted", shifted / (double)pairs);
}

static synctalk_status measure(struct st_task *task, const synctalk_callbacks *callbacks,
                               struct st_terms *scores, synctalk_error *err)
{
    struct task *t = (struct task *)task;
    const int count = st_task_held(task, MOST_MEASURED);
    const size_t bytes = (size_t)count * t->vector * sizeof(float);

    scores->count = 0;
    if (count <= ST_APART)
        return SYNCTALK_OK;
    float *faces = calloc(1, bytes);
    float *sounds = calloc(1, bytes);
    synctalk_status st = SYNCTALK_OK;
    if (!faces || !sounds)
        st = st_fail_memory(err, "held-out vectors", 2 * bytes);
    else if (!(st = look_at_held(t, count, faces, sounds, callbacks, err)))
        judge(scores, faces, sounds, count, t->vector);
    free(faces);
    free(sounds);
    return st;
}

static void build(struct st_train_net *net, const struct st_unet_form *form)
{
    st_train_syncnet_build(net, form, false);
}

static const struct st_task_desc syncnet_desc = {
    .kind = "syncnet",
    .score = "held-out accuracy",
    .unit = "%",
    .build = build,
    .fits = st_train_syncnet_recognise,
    .step = take_step,
    .measure = measure,
};

static synctalk_status open_sampler(struct task *t, synctalk_error *err)
{
    const synctalk_train_settings *s = t->front.settings;
    const int64_t least = 2 * ST_APART + 1;
    const int64_t samples = s->samples_per_epoch ? s->samples_per_epoch : t->front.data->train;
    if (s->batch < 4)
        return st_fail(err, SYNCTALK_E_ARG,
                       "--batch %d: a SyncNet compares the samples of a step with each other, so "
                       "4 is the least",
                       s->batch);
    if (t->front.data->train < least)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: %" PRId64 " frames to train on, at least %" PRId64
                       " are needed: sound is shifted by up to a second",
                       t->front.data->dataset.folder, t->front.data->train, least);
    return st_sampler_open(&t->front.sampler, (uint64_t)s->seed, t->front.data->train,
                           samples / 2 > 2 ? samples / 2 : 2, s->batch / 2, false,
                           t->front.data->dataset.folder, err);
}

synctalk_status st_syncnet_task_open(struct st_task **out, const synctalk_train_settings *settings,
                                     enum st_train_precision precision,
                                     const struct st_train_data *data,
                                     const struct st_kernels *kernels, struct st_pool *pool,
                                     synctalk_error *err)
{
    synctalk_status st;
    struct st_task *task;
    struct task *t = calloc(1, sizeof *t);

    *out = NULL;
    if (!t)
        return st_fail_memory(err, "a training", sizeof *t);
    task = &t->front;
    st_task_begin(task, &syncnet_desc, settings, data, pool);
    if ((st = open_sampler(t, err)))
        goto done;
    task->steps = task->sampler.steps;
    task->batch = 2 * task->sampler.batch;
    if ((st = st_task_open_net(task, precision, kernels, err)))
        goto done;
    t->window = st_train_net_input_size(task->net, SOUND);
    t->vector = st_train_net_output_size(task->net, FACE);
    *out = task;
    t = NULL;

done:
    task = t ? &t->front : NULL;
    st_syncnet_task_close(&task);
    return st;
}

void st_syncnet_task_close(struct st_task **task)
{
    if (!task || !*task)
        return;
    st_task_end(*task);
    free(*task);
    *task = NULL;
}
