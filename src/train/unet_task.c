/* SPDX-License-Identifier: Apache-2.0 */
#include "train/unet_task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "models/train_models.h"
#include "train/lips.h"
#include "train/losses.h"
#include "train/task_parts.h"

#define MOST_MEASURED 128 /* held-out frames, spread evenly where there are more */
#define SHOWN 4           /* frames of a picture */
#define PERFECT_DB 99.0   /* instead of the infinity of two equal pictures */

enum { IMAGE, AUDIO };

struct task {
    struct st_task front;
    struct st_vgg *vgg;   /* owns; or NULL */
    struct st_sync *sync; /* owns; or NULL */
    struct st_sample samples[ST_LOSS_BATCH_MAX];
    float *target; /* owns; [batch, 3, 320, 320] */
    size_t audio;  /* numbers of a window */

    struct st_region *lips;                          /* owns; of every training frame; or NULL */
    struct st_region sample_lips[ST_LOSS_BATCH_MAX]; /* of the batch */

    /* Of held-out frames, as generation sees them. */
    int held;        /* frames */
    int64_t *frames; /* owns; [2 * held]: the frames, then the far ones they are drawn from */
    uint8_t *pixels; /* owns; [2 * held, 320, 320, 3] their crops, bicubic */
    int first;       /* of those that are measured together */
    bool self;       /* drawn from themselves */
    struct {
        double l1, whole, mouth;
    } measured[ST_LOSS_BATCH_MAX];
};

/* Inputs and target of sample n. */
static void load_turn(void *context, size_t n, int worker)
{
    struct task *t = context;
    const struct st_sample *sample = &t->samples[n];
    const uint8_t *crop = st_crops_at(&t->front.data->crops, sample->target);
    float *image = st_train_net_input(t->front.net, IMAGE) + n * 2 * ST_TASK_PICTURE;
    float *audio = st_train_net_input(t->front.net, AUDIO) + n * t->audio;
    (void)worker;
    st_crop_planes(st_crops_at(&t->front.data->crops, sample->other), false, image);
    st_crop_planes(crop, true, image + ST_TASK_PICTURE);
    st_crop_planes(crop, false, t->target + n * ST_TASK_PICTURE);
    st_windows_copy(&t->front.data->windows, sample->target, false, audio);
}

static synctalk_status add_losses(struct task *t, int N, struct st_terms *losses,
                                  synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    const synctalk_train_settings *s = t->front.settings;
    const struct st_pixel_loss pixels = {s->mouth_weight, s->mouth_temporal, s->lips_weight,
                                         t->sample_lips};
    const float *prediction = st_train_net_output(t->front.net, 0);
    float *gradient = st_train_net_output_gradient(t->front.net, 0);
    struct st_pixel_values values;
    double perceptual = 0;
    double sync = 0;

    memset(gradient, 0, (size_t)N * ST_TASK_PICTURE * sizeof *gradient);
    for (int n = 0; t->lips && n < N; n++)
        t->sample_lips[n] = t->lips[t->samples[n].target];
    st_loss_pixels(&pixels, t->front.pool, N, prediction, t->target, gradient, &values);
    if (t->vgg)
        st =
            st_vgg_add(t->vgg, s->vgg_weight, N, prediction, t->target, gradient, &perceptual, err);
    if (!st && t->sync)
        st = st_sync_add(t->sync, s->sync_weight, N, prediction,
                         st_train_net_input(t->front.net, AUDIO), gradient, &sync, err);
    if (st)
        return st;

    losses->count = 0;
    st_terms_add(losses, "loss",
                 values.l1 + s->mouth_weight * values.mouth + s->mouth_temporal * values.temporal +
                     s->lips_weight * values.lips + s->vgg_weight * perceptual +
                     s->sync_weight * sync);
    st_terms_add(losses, "l1", values.l1);
    if (s->mouth_weight > 0)
        st_terms_add(losses, "mouth", values.mouth);
    if (s->lips_weight > 0)
        st_terms_add(losses, "lips", values.lips);
    if (s->mouth_temporal > 0)
        st_terms_add(losses, "temporal", values.temporal);
    if (t->vgg)
        st_terms_add(losses, "vgg", perceptual);
    if (t->sync)
        st_terms_add(losses, "sync", sync);
    return SYNCTALK_OK;
}

static synctalk_status take_step(struct st_task *task, int64_t epoch, int64_t step,
                                 struct st_terms *losses, synctalk_error *err)
{
    struct task *t = (struct task *)task;
    synctalk_status st;
    const int N = st_sampler_batch(&t->front.sampler, epoch, step, t->samples);

    st_pool_for(t->front.pool, (size_t)N, load_turn, t);
    if ((st = st_train_net_forward(task->net, N, ST_TRAIN_BATCH, err)) ||
        (st = add_losses(t, N, losses, err)))
        return st;
    return st_train_net_backward(task->net, err);
}

/* PSNR in 8 bit, truncated as generation truncates, over a rectangle, both ends included. */
static double psnr(const float *prediction, const uint8_t *target, int top, int bottom, int left,
                   int right)
{
    int64_t sum = 0;
    for (size_t c = 0; c < 3; c++)
        for (int y = top; y <= bottom; y++)
            for (int x = left; x <= right; x++) {
                const size_t i = (size_t)y * ST_INNER_SIDE + (size_t)x;
                const float level = prediction[c * ST_INNER_PIXELS + i] * 255.0f;
                const int got = level > 0.0f ? level < 255.0f ? (int)level : 255 : 0;
                const int64_t d = got - target[i * 3 + c];
                sum += d * d;
            }
    const double count = 3.0 * (bottom - top + 1) * (right - left + 1);
    return sum ? fmin(PERFECT_DB, 10 * log10(65025.0 * count / (double)sum)) : PERFECT_DB;
}

static const uint8_t *held_crop(const struct task *t, int k)
{
    return t->pixels + (size_t)k * ST_INNER_BYTES;
}

static void load_held_turn(void *context, size_t n, int worker)
{
    struct task *t = context;
    const int k = t->first + (int)n;
    float *image = st_train_net_input(t->front.net, IMAGE) + n * 2 * ST_TASK_PICTURE;
    (void)worker;
    st_crop_planes(held_crop(t, t->self ? k : t->held + k), false, image);
    st_crop_planes(held_crop(t, k), true, image + ST_TASK_PICTURE);
    st_crop_planes(held_crop(t, k), false, t->target + n * ST_TASK_PICTURE);
    st_windows_copy(&t->front.data->windows, t->frames[k], true,
                    st_train_net_input(t->front.net, AUDIO) + n * t->audio);
}

static void measure_turn(void *context, size_t n, int worker)
{
    struct task *t = context;
    const float *p = st_train_net_output(t->front.net, 0) + n * ST_TASK_PICTURE;
    const float *y = t->target + n * ST_TASK_PICTURE;
    const uint8_t *crop = held_crop(t, t->first + (int)n);
    double sum = 0;
    (void)worker;
    for (size_t i = 0; i < ST_TASK_PICTURE; i++)
        sum += (double)fabsf(p[i] - y[i]);
    t->measured[n].l1 = sum / (double)ST_TASK_PICTURE;
    t->measured[n].whole = psnr(p, crop, ST_MASK_TOP, ST_MASK_BOTTOM, ST_MASK_LEFT, ST_MASK_RIGHT);
    t->measured[n].mouth =
        psnr(p, crop, ST_MOUTH_TOP, ST_MOUTH_BOTTOM, ST_MOUTH_LEFT, ST_MOUTH_RIGHT);
}

struct means {
    double l1, whole, mouth;
};

/* As many held-out frames as a batch holds, from t->first on. */
static synctalk_status measure_some(struct task *t, bool self, struct means *means,
                                    synctalk_error *err)
{
    const int left = t->held - t->first;
    const int N = left < t->front.batch ? left : t->front.batch;
    t->self = self;
    st_pool_for(t->front.pool, (size_t)N, load_held_turn, t);
    synctalk_status st = st_train_net_forward(t->front.net, N, ST_TRAIN_RUNNING, err);
    if (st)
        return st;
    st_pool_for(t->front.pool, (size_t)N, measure_turn, t);
    for (int n = 0; n < N; n++) {
        means->l1 += t->measured[n].l1 / t->held;
        means->whole += t->measured[n].whole / t->held;
        means->mouth += t->measured[n].mouth / t->held;
    }
    return SYNCTALK_OK;
}

static synctalk_status measure(struct st_task *task, const synctalk_callbacks *callbacks,
                               struct st_terms *scores, synctalk_error *err)
{
    struct task *t = (struct task *)task;
    synctalk_status st;
    struct means far = {0};
    struct means self = {0};

    scores->count = 0;
    if (t->held == 0)
        return SYNCTALK_OK;
    for (t->first = 0; t->first < t->held; t->first += task->batch) {
        if ((st = st_task_held_turn(callbacks, t->first, t->held, err)) ||
            (st = measure_some(t, false, &far, err)) || (st = measure_some(t, true, &self, err)))
            return st;
    }
    st_progress(callbacks, "held out", t->held, t->held, 0);
    st_terms_add(scores, "other_mouth", far.mouth);
    st_terms_add(scores, "other", far.whole);
    st_terms_add(scores, "self_mouth", self.mouth);
    st_terms_add(scores, "self", self.whole);
    st_terms_add(scores, "l1", far.l1);
    return SYNCTALK_OK;
}

/* Cut the crops that every measurement uses. */
static synctalk_status open_held(struct task *t, const struct st_kernels *kernels,
                                 synctalk_error *err)
{
    const struct st_train_data *data = t->front.data;
    const int64_t held = data->frames - data->train;
    t->held = st_task_held(&t->front, MOST_MEASURED);
    if (t->held == 0)
        return SYNCTALK_OK;
    const size_t count = 2 * (size_t)t->held;
    t->frames = malloc(count * sizeof *t->frames);
    t->pixels = malloc(count * ST_INNER_BYTES);
    if (!t->frames || !t->pixels)
        return st_fail_memory(err, "held-out frames", count * ST_INNER_BYTES);
    for (int k = 0; k < t->held; k++) {
        t->frames[k] = data->train + k * held / t->held;
        t->frames[t->held + k] = st_train_data_reference(data, t->frames[k]);
    }
    t->front.bytes += count * ST_INNER_BYTES;
    return st_crops_cut_cubic(t->pixels, t->frames, count, &data->dataset, kernels, t->front.pool,
                              err);
}

/* Planes in [0, 1] into the square at (column, row) of a picture of such squares. */
static void paint(struct st_picture *picture, int column, int row, const float *planes)
{
    for (size_t y = 0; y < ST_INNER_SIDE; y++) {
        uint8_t *to = picture->data + ((size_t)row * ST_INNER_SIDE + y) * picture->stride +
                      (size_t)column * ST_INNER_SIDE * 3;
        for (size_t x = 0; x < (size_t)ST_INNER_SIDE * 3; x++) {
            const size_t i = x % 3 * ST_INNER_PIXELS + y * ST_INNER_SIDE + x / 3;
            const float level = planes[i] * 255.0f;
            to[x] = level > 0.0f ? level < 255.0f ? (uint8_t)level : 255 : 0;
        }
    }
}

/* Columns: frames, held out where any are. Rows: the masked crop that goes in, the target,
 * what came out. */
static synctalk_status draw_picture(struct st_task *task, const char *path, synctalk_error *err)
{
    struct task *t = (struct task *)task;
    const struct st_train_data *data = t->front.data;
    const int64_t held = data->frames - data->train;
    const int64_t first = held ? data->train : 0;
    const int64_t frames = held ? held : data->frames;
    const int columns = frames < SHOWN ? (int)frames : SHOWN;
    struct st_picture picture = {0};

    synctalk_status st =
        st_picture_resize(&picture, columns * ST_INNER_SIDE, 3 * ST_INNER_SIDE, err);
    for (int c = 0; c < columns && !st; c++) {
        const int64_t frame = first + c * frames / columns;
        int64_t other = st_train_data_reference(data, frame);
        if (other == frame)
            other = (frame + 1) % data->train;
        t->samples[0] = (struct st_sample){.target = frame, .other = other};
        load_turn(t, 0, 0);
        if ((st = st_train_net_forward(task->net, 1, ST_TRAIN_RUNNING, err)))
            break;
        paint(&picture, c, 0, st_train_net_input(task->net, IMAGE) + ST_TASK_PICTURE);
        paint(&picture, c, 1, t->target);
        paint(&picture, c, 2, st_train_net_output(task->net, 0));
    }
    if (!st)
        st = st_png_write(&picture, path, 1, err);
    st_picture_free(&picture);
    return st;
}

static const struct st_task_desc unet_desc = {
    .kind = "unet",
    .score = "held-out mouth PSNR",
    .unit = "dB",
    .build = st_train_unet_build,
    .fits = st_task_fits_unet,
    .step = take_step,
    .measure = measure,
    .picture = draw_picture,
    .describe = st_task_describe_unet,
};

synctalk_status st_unet_task_open(struct st_task **out, const synctalk_train_settings *settings,
                                  enum st_train_precision precision, const char *syncnet,
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
    st_task_begin(task, &unet_desc, settings, data, pool);
    if ((st = st_sampler_open(&task->sampler, (uint64_t)settings->seed, data->train,
                              settings->samples_per_epoch, settings->batch,
                              settings->mouth_temporal > 0, data->dataset.folder, err)))
        goto done;
    task->steps = task->sampler.steps;
    task->batch = task->sampler.batch;
    if ((st = st_task_open_net(task, precision, kernels, err)))
        goto done;
    t->audio = st_train_net_input_size(task->net, AUDIO);
    t->target = st_alloc_aligned((size_t)task->batch * ST_TASK_PICTURE * sizeof *t->target);
    if (!t->target) {
        st = st_fail_memory(err, "a batch",
                            (size_t)task->batch * ST_TASK_PICTURE * sizeof *t->target);
        goto done;
    }
    task->bytes = (size_t)task->batch * ST_TASK_PICTURE * sizeof *t->target;
    if ((settings->lips_weight > 0 &&
         (st = st_lips_open(&t->lips, &data->dataset, data->train, err))) ||
        (st = open_held(t, kernels, err)))
        goto done;
    if (settings->vgg) {
        if ((st = st_vgg_open(&t->vgg, settings->vgg, kernels, pool, task->batch, err)))
            goto done;
        task->bytes += st_vgg_bytes(t->vgg);
    }
    if (syncnet) {
        if ((st = st_sync_open(&t->sync, syncnet, &data->form, kernels, pool, task->batch, err)))
            goto done;
        task->bytes += st_sync_bytes(t->sync);
    }
    *out = task;
    t = NULL;

done:
    task = t ? &t->front : NULL;
    st_unet_task_close(&task);
    return st;
}

void st_unet_task_close(struct st_task **task)
{
    if (!task || !*task)
        return;
    struct task *t = (struct task *)*task;
    st_sync_close(&t->sync);
    st_vgg_close(&t->vgg);
    st_task_end(*task);
    free(t->target);
    free(t->lips);
    free(t->frames);
    free(t->pixels);
    free(t);
    *task = NULL;
}
