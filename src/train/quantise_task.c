/* SPDX-License-Identifier: Apache-2.0 */
#include "train/quantise_task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "models/train_models.h"
#include "models/tune.h"
#include "models/unet_calibration_file.h"
#include "models/unet_clip.h"
#include "train/folder.h"
#include "train/losses.h"
#include "train/task_parts.h"

#define LOOKED_AT 16 /* frames for ranges and the side file, as generate/precision.c takes */
#define COMPARED 3
#define TARGET_DB 45.0
#define MOST_MEASURED 72
#define RANGE_RATE 20.0 /* times the learning rate: the logarithms of ranges */
#define BEST_DB 120.0

/* A frame as generation sees it. */
struct view {
    float *image, *audio; /* owned */
    const uint8_t *crop;
};

/* One worker's pictures; owned. */
struct desk {
    float *image, *audio, *out, *want, *dout;
    struct st_unet_worker *teacher;
};

struct task {
    struct st_task front;
    const struct st_kernels *kernels; /* borrowed */
    struct st_tune *tune;
    struct st_weights *first;        /* the checkpoint; owned, as all below */
    struct st_unet *teacher, *exact; /* of it, for steps and for measurements */
    struct st_unet_recipe recipe;
    struct desk *desks; /* [workers] */
    struct st_sample samples[ST_LOSS_BATCH_MAX];
    double losses[ST_LOSS_BATCH_MAX];
    int N;

    int64_t *frames; /* [LOOKED_AT + held] */
    uint8_t *pixels; /* of them, bicubic */
    struct view *views;
    int looked, held;
};

static size_t audio_size(const struct task *t)
{
    return (size_t)t->front.data->form.window * t->front.data->form.vector;
}

/* Half of the samples say what another frame says. */
static void load_sample(const struct task *t, const struct st_sample *sample, size_t n,
                        struct desk *desk)
{
    const uint8_t *crop = st_crops_at(&t->front.data->crops, sample->target);
    st_crop_planes(crop, false, desk->image);
    st_crop_planes(crop, true, desk->image + ST_TASK_PICTURE);
    st_windows_copy(&t->front.data->windows, n % 2 ? sample->other : sample->target, true,
                    desk->audio);
}

static double squared(const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < ST_TASK_PICTURE; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum / (double)ST_TASK_PICTURE;
}

static void step_turn(void *context, size_t n, int worker)
{
    struct task *t = context;
    struct desk *desk = &t->desks[worker];
    const float share = 2.0F / ((float)ST_TASK_PICTURE * (float)t->N);
    synctalk_error err;
    load_sample(t, &t->samples[n], n, desk);
    t->losses[n] = NAN;
    if (st_unet_run(desk->teacher, 1, desk->image, desk->audio, desk->want, &err))
        return;
    st_tune_forward(t->tune, worker, desk->image, desk->audio, desk->out);
    for (size_t i = 0; i < ST_TASK_PICTURE; i++)
        desk->dout[i] = share * (desk->out[i] - desk->want[i]);
    t->losses[n] = squared(desk->out, desk->want);
    st_tune_backward(t->tune, worker, n, desk->dout);
}

static synctalk_status take_step(struct st_task *task, int64_t epoch, int64_t step,
                                 struct st_terms *losses, synctalk_error *err)
{
    struct task *t = (struct task *)task;
    double sum = 0;
    (void)err;
    t->N = st_sampler_batch(&task->sampler, epoch, step, t->samples);
    st_tune_pack(t->tune);
    st_pool_for(task->pool, (size_t)t->N, step_turn, t);
    st_tune_reduce(t->tune, (size_t)t->N);
    for (int n = 0; n < t->N; n++)
        sum += t->losses[n] / t->N;
    losses->count = 0;
    st_terms_add(losses, "loss", sum);
    return SYNCTALK_OK;
}

static double decibels(double square)
{
    return square > 0 ? fmin(-10 * log10(square), BEST_DB) : BEST_DB;
}

/* Of the mouth region, against the true crop, in 8 bit as generation writes it. */
static double mouth_db(const float *out, const uint8_t *crop)
{
    int64_t sum = 0;
    for (size_t c = 0; c < 3; c++)
        for (size_t y = ST_MOUTH_TOP; y <= ST_MOUTH_BOTTOM; y++)
            for (size_t x = ST_MOUTH_LEFT; x <= ST_MOUTH_RIGHT; x++) {
                const size_t i = y * ST_INNER_SIDE + x;
                const int64_t off =
                    (int64_t)(out[c * ST_INNER_PIXELS + i] * 255.0F) - crop[i * 3 + c];
                sum += off * off;
            }
    const double count =
        3.0 * (ST_MOUTH_BOTTOM - ST_MOUTH_TOP + 1) * (ST_MOUTH_RIGHT - ST_MOUTH_LEFT + 1);
    return decibels((double)sum / (65025.0 * count));
}

/* The network as it stands, as a checkpoint would hold it. */
static synctalk_status as_weights(struct task *t, struct st_weights **out, synctalk_error *err)
{
    synctalk_status st = st_weights_create(out, "the network in training", err);
    return st ? st : st_train_save(t->front.net, *out, NULL, err);
}

/* Networks that take turns in measuring. */
struct measuring {
    struct st_unet *unets[3]; /* bytes, its own f32, the first checkpoint's f32 */
    struct st_unet_worker *workers[3];
    float *out[3];
};

static synctalk_status open_measuring(struct measuring *m, struct task *t,
                                      const struct st_weights *weights, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    const struct st_unet_form *form = &t->front.data->form;
    struct st_unet_recipe bytes = t->recipe; /* the ranges stay the task's */
    struct st_unet_recipe plain;
    st_unet_recipe_uniform(&plain, form, ST_ELEMENT_F32);
    for (size_t i = 0; i < bytes.count; i++)
        bytes.elements[i] = ST_ELEMENT_U8;
    if ((st = st_unet_open_as(&m->unets[0], weights, form, &bytes, t->kernels, err)) ||
        (st = st_unet_open_as(&m->unets[1], weights, form, &plain, t->kernels, err)))
        return st;
    for (int i = 0; !st && i < 3; i++) {
        st = st_unet_worker_open(&m->workers[i], i < 2 ? m->unets[i] : t->exact, err);
        m->out[i] = st_alloc_aligned(ST_TASK_PICTURE * sizeof(float));
        if (!st && !m->out[i])
            st = st_fail_memory(err, "a picture", ST_TASK_PICTURE * sizeof(float));
    }
    return st;
}

static void close_measuring(struct measuring *m)
{
    for (int i = 0; i < 3; i++) {
        st_unet_worker_close(&m->workers[i]);
        free(m->out[i]);
    }
    st_unet_close(&m->unets[0]);
    st_unet_close(&m->unets[1]);
}

static synctalk_status measure_views(struct task *t, struct measuring *m,
                                     const synctalk_callbacks *callbacks, struct st_terms *scores,
                                     synctalk_error *err)
{
    synctalk_status st;
    const int count = t->held ? t->held : t->looked, first = t->held ? t->looked : 0;
    double own = 0, far = 0, worst = BEST_DB, after = 0, before = 0;
    for (int i = 0; i < count; i++) {
        const struct view *v = &t->views[first + i];
        if ((st = st_task_held_turn(callbacks, i, count, err)))
            return st;
        for (int k = 0; k < 3; k++)
            if ((st = st_unet_run(m->workers[k], 1, v->image, v->audio, m->out[k], err)))
                return st;
        const double db = decibels(squared(m->out[0], m->out[1]));
        own += db / count;
        worst = fmin(worst, db);
        far += decibels(squared(m->out[0], m->out[2])) / count;
        after += mouth_db(m->out[0], v->crop) / count;
        before += mouth_db(m->out[2], v->crop) / count;
    }
    st_terms_add(scores, "int8_from_f32", own);
    st_terms_add(scores, "int8_from_f32_worst", worst);
    st_terms_add(scores, "int8_from_first", far);
    st_terms_add(scores, "self_mouth_int8", after);
    st_terms_add(scores, "self_mouth_first", before);
    return SYNCTALK_OK;
}

static synctalk_status measure(struct st_task *task, const synctalk_callbacks *callbacks,
                               struct st_terms *scores, synctalk_error *err)
{
    struct task *t = (struct task *)task;
    struct measuring m = {{0}, {0}, {0}};
    struct st_weights *weights = NULL;
    synctalk_status st;
    scores->count = 0;
    st_tune_give(t->tune, &t->recipe);
    if (!(st = as_weights(t, &weights, err)) && !(st = open_measuring(&m, t, weights, err)))
        st = measure_views(t, &m, callbacks, scores, err);
    close_measuring(&m);
    st_weights_close(&weights);
    return st;
}

/* The side file of a checkpoint: the ranges that it learnt with, and what this CPU makes of
 * them. */
static synctalk_status write_beside(struct st_task *task, const char *checkpoint,
                                    synctalk_error *err)
{
    struct task *t = (struct task *)task;
    const struct st_unet_form *form = &task->data->form;
    struct st_unet_calibration_file file = {.recipe = t->recipe}; /* ranges stay the task's */
    struct st_unet_calibration entry = {.flags = t->kernels->flags, .target_db = TARGET_DB};
    const float *images[LOOKED_AT], *sounds[LOOKED_AT];
    struct st_weights *weights = NULL;
    char path[ST_PATH_MAX];
    synctalk_status st;
    for (int i = 0; i < t->looked; i++) {
        images[i] = t->views[i].image;
        sounds[i] = t->views[i].audio;
    }
    const struct st_unet_samples samples = {(size_t)t->looked, images, sounds, NULL};
    const int stem = (int)(strrchr(checkpoint, '.') - checkpoint);
    if ((st = st_path_format(path, err, "%.*s.precision.json", stem, checkpoint)) ||
        (st = st_hash_file(file.checkpoint, checkpoint, err)) ||
        (st = st_weights_open(&weights, checkpoint, err)) ||
        (st = st_unet_calibrate(&entry, &file.recipe, weights, form, t->kernels, &samples, COMPARED,
                                err)))
        goto done;
    st_unet_calibration_add(&file, &entry);
    st = st_unet_calibration_write(&file, path, form, err);
done:
    st_weights_close(&weights);
    return st;
}

static synctalk_status describe(struct st_task *task, struct st_weights *weights,
                                synctalk_error *err)
{
    synctalk_status st = st_task_describe_unet(task, weights, err);
    return st ? st : st_weights_add_metadata(weights, ST_QUANTISED_KEY, "int8", err);
}

static const struct st_task_desc quantise_desc = {
    .kind = "int8",
    .score = "int8 from f32",
    .unit = "dB",
    .files = "quantize",
    .build = st_train_unet_build,
    .fits = st_task_fits_unet,
    .step = take_step,
    .measure = measure,
    .beside = write_beside,
    .describe = describe,
};

/* Frames that ranges are found on, of those that are trained on; then those that are held out,
 * all as generation cuts them. */
static synctalk_status open_views(struct task *t, synctalk_error *err)
{
    const struct st_train_data *data = t->front.data;
    const int64_t held = data->frames - data->train;
    t->looked = data->train < LOOKED_AT ? (int)data->train : LOOKED_AT;
    t->held = st_task_held(&t->front, MOST_MEASURED);
    const size_t count = (size_t)t->looked + (size_t)t->held;
    t->frames = malloc(count * sizeof *t->frames);
    t->pixels = malloc(count * ST_INNER_BYTES);
    t->views = calloc(count, sizeof *t->views);
    if (!t->frames || !t->pixels || !t->views)
        return st_fail_memory(err, "frames to compare", count * ST_INNER_BYTES);
    for (int i = 0; i < t->looked; i++)
        t->frames[i] = i * data->train / t->looked;
    for (int i = 0; i < t->held; i++)
        t->frames[t->looked + i] = data->train + i * held / t->held;
    synctalk_status st = st_crops_cut_cubic(t->pixels, t->frames, count, &data->dataset, t->kernels,
                                            t->front.pool, err);
    for (size_t i = 0; !st && i < count; i++) {
        struct view *v = &t->views[i];
        v->crop = t->pixels + i * ST_INNER_BYTES;
        v->image = st_alloc_aligned(2 * ST_TASK_PICTURE * sizeof(float));
        v->audio = st_alloc_aligned(audio_size(t) * sizeof(float));
        if (!v->image || !v->audio)
            return st_fail_memory(err, "frames to compare", 2 * ST_TASK_PICTURE * sizeof(float));
        st_crop_planes(v->crop, false, v->image);
        st_crop_planes(v->crop, true, v->image + ST_TASK_PICTURE);
        st_windows_copy(&data->windows, t->frames[i], true, v->audio);
    }
    return st;
}

static synctalk_status open_ranges(struct task *t, synctalk_error *err)
{
    const struct st_unet_form *form = &t->front.data->form;
    const float *images[LOOKED_AT], *sounds[LOOKED_AT];
    synctalk_status st;
    for (int i = 0; i < t->looked; i++) {
        images[i] = t->views[i].image;
        sounds[i] = t->views[i].audio;
    }
    const struct st_unet_samples samples = {(size_t)t->looked, images, sounds, NULL};
    st_unet_recipe_uniform(&t->recipe, form, ST_ELEMENT_F32);
    if ((st = st_unet_recipe_alloc(&t->recipe, form, err)) ||
        (st = st_unet_find_ranges(&t->recipe, t->first, form, t->kernels, &samples, COMPARED, err)))
        return st;
    st_tune_take(t->tune, &t->recipe);
    return SYNCTALK_OK;
}

/* The teacher of steps is as fast as it may be: bf16 is 60 dB from f32, and what is learnt 45. */
static synctalk_status open_teacher(struct task *t, synctalk_error *err)
{
    const struct st_unet_form *form = &t->front.data->form;
    const int workers = st_pool_workers(t->front.pool);
    struct st_unet_recipe recipe;
    synctalk_status st;
    const bool fast = st_pixel_kernels_have(t->kernels->flags, ST_ELEMENT_BF16);
    st_unet_recipe_uniform(&recipe, form, fast ? ST_ELEMENT_BF16 : ST_ELEMENT_F32);
    if ((st = st_unet_open_as(&t->teacher, t->first, form, &recipe, t->kernels, err)))
        return st;
    st_unet_recipe_uniform(&recipe, form, ST_ELEMENT_F32);
    if ((st = st_unet_open_as(&t->exact, t->first, form, &recipe, t->kernels, err)))
        return st;
    t->desks = calloc((size_t)workers, sizeof *t->desks);
    if (!t->desks)
        return st_fail_memory(err, "a batch", sizeof *t->desks);
    for (int i = 0; i < workers; i++) {
        struct desk *d = &t->desks[i];
        d->image = st_alloc_aligned(2 * ST_TASK_PICTURE * sizeof(float));
        d->audio = st_alloc_aligned(audio_size(t) * sizeof(float));
        d->out = st_alloc_aligned(ST_TASK_PICTURE * sizeof(float));
        d->want = st_alloc_aligned(ST_TASK_PICTURE * sizeof(float));
        d->dout = st_alloc_aligned(ST_TASK_PICTURE * sizeof(float));
        if (!d->image || !d->audio || !d->out || !d->want || !d->dout)
            return st_fail_memory(err, "a batch", 5 * ST_TASK_PICTURE * sizeof(float));
        if ((st = st_unet_worker_open(&d->teacher, t->teacher, err)))
            return st;
    }
    return SYNCTALK_OK;
}

static synctalk_status open_all(struct task *t, synctalk_error *err)
{
    synctalk_status st;
    struct st_task *task = &t->front;
    const synctalk_train_settings *settings = task->settings;
    const struct st_train_data *data = task->data;
    if ((st = st_sampler_open(&task->sampler, (uint64_t)settings->seed, data->train,
                              settings->samples_per_epoch, settings->batch, false,
                              data->dataset.folder, err)))
        return st;
    task->steps = task->sampler.steps;
    task->batch = 1; /* the net only holds the parameters */
    if ((st = st_task_open_net(task, ST_TRAIN_F32, t->kernels, err)))
        return st;
    task->batch = task->sampler.batch;
    if ((st = st_weights_open(&t->first, settings->warm_start, err)) ||
        (st = st_tune_open(&t->tune, task->net, &data->form, t->kernels, task->pool, task->batch,
                           err)) ||
        (st = open_views(t, err)) || (st = open_ranges(t, err)) || (st = open_teacher(t, err)))
        return st;
    task->extra = st_tune_ranges(t->tune);
    task->extra_gradients = st_tune_range_gradients(t->tune);
    task->extra_count = st_tune_range_count(t->tune);
    task->extra_rate = RANGE_RATE;
    task->bytes = st_tune_bytes(t->tune);
    return SYNCTALK_OK;
}

synctalk_status st_quantise_task_open(struct st_task **out, const synctalk_train_settings *settings,
                                      const struct st_train_data *data,
                                      const struct st_kernels *kernels, struct st_pool *pool,
                                      synctalk_error *err)
{
    struct task *t = calloc(1, sizeof *t);
    *out = NULL;
    if (!t)
        return st_fail_memory(err, "a training", sizeof *t);
    st_task_begin(&t->front, &quantise_desc, settings, data, pool);
    t->kernels = kernels;
    struct st_task *task = &t->front;
    synctalk_status st = open_all(t, err);
    if (!st) {
        *out = task;
        task = NULL;
    }
    st_quantise_task_close(&task);
    return st;
}

void st_quantise_task_close(struct st_task **task)
{
    if (!task || !*task)
        return;
    struct task *t = (struct task *)*task;
    for (int i = 0; t->desks && i < st_pool_workers(t->front.pool); i++) {
        struct desk *d = &t->desks[i];
        st_unet_worker_close(&d->teacher);
        free(d->image);
        free(d->audio);
        free(d->out);
        free(d->want);
        free(d->dout);
    }
    for (int i = 0; t->views && i < t->looked + t->held; i++) {
        free(t->views[i].image);
        free(t->views[i].audio);
    }
    free(t->desks);
    free(t->views);
    free(t->frames);
    free(t->pixels);
    st_unet_close(&t->teacher);
    st_unet_close(&t->exact);
    st_unet_recipe_free(&t->recipe);
    st_tune_close(&t->tune);
    st_weights_close(&t->first);
    st_task_end(*task);
    free(t);
    *task = NULL;
}
