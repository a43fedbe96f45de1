/* SPDX-License-Identifier: Apache-2.0 */
#include "train/train.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/log.h"
#include "models/unet_wiring.h"
#include "train/data.h"
#include "train/folder.h"
#include "train/lips.h"
#include "train/quantise_task.h"
#include "train/run.h"
#include "train/syncnet_task.h"
#include "train/unet_task.h"

/* Everything that a training opens; zeroed, it closes cleanly. */
struct scene {
    const synctalk_train_settings *settings;
    const synctalk_callbacks *callbacks;
    struct st_kernels kernels;
    enum st_train_precision precision;
    struct st_pool *pool;
    struct st_train_data data;
    char syncnet[ST_PATH_MAX]; /* "" = none */
    json_t *identity;          /* owns */
};

#define QUANTISE_EPOCH 128  /* samples */
#define QUANTISE_WARM_UP 10 /* steps */

static const char *const schedules[] = {"constant", "cosine", "step"};

/* Auto is bf16 for what was measured to end within 0.2 dB of f32 (docs/TRAINING.md): a UNet
 * whose loss is L1 alone. */
static synctalk_status choose_precision(struct scene *s, bool unet, synctalk_error *err)
{
    const synctalk_train_settings *settings = s->settings;
    const bool proven = unet && !settings->vgg && !settings->syncnet;
    if (settings->precision == SYNCTALK_TRAIN_AUTO) {
        s->precision = proven && st_train_precision_usable(&s->kernels, ST_TRAIN_BF16)
                           ? ST_TRAIN_BF16
                           : ST_TRAIN_F32;
        return SYNCTALK_OK;
    }
    s->precision = settings->precision == SYNCTALK_TRAIN_BF16 ? ST_TRAIN_BF16 : ST_TRAIN_F32;
    if (!st_train_precision_usable(&s->kernels, s->precision))
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "--precision bf16: this processor has no bf16 arithmetic, or --cpu-mask "
                       "forbids it; use --precision f32");
    return SYNCTALK_OK;
}

/* What is in a file that a run depends on: FNV-1a over its words. */
static synctalk_status key_of_file(char key[24], const char *path, synctalk_error *err)
{
    struct st_mapping map;
    uint64_t hash = 0xcbf29ce484222325u;
    synctalk_status st = st_map_file(&map, path, err);
    if (st)
        return st;
    for (size_t i = 0; i < map.size; i += sizeof(uint64_t)) {
        const size_t left = map.size - i;
        uint64_t word = 0;
        memcpy(&word, map.data + i, left < sizeof word ? left : sizeof word);
        hash = (hash ^ word) * 0x100000001b3u;
        hash ^= hash >> 29;
    }
    snprintf(key, 24, "%016" PRIx64, hash);
    st_unmap_file(&map);
    return SYNCTALK_OK;
}

static synctalk_status note_file(json_t *identity, const char *name, const char *path,
                                 synctalk_error *err)
{
    char key[24] = "none";
    synctalk_status st = path && *path ? key_of_file(key, path, err) : SYNCTALK_OK;
    if (!st && json_object_set_new(identity, name, json_string(key)))
        st = st_fail_memory(err, "a training's settings", 0);
    return st;
}

/* Where the lips are, which the landmarks say: a crop does not show what moved there. */
static synctalk_status note_lips(struct scene *s, synctalk_error *err)
{
    struct st_region *lips;
    char key[24];
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, a number at a time */
    synctalk_status st = st_lips_open(&lips, &s->data.dataset, s->data.train, err);
    if (st)
        return st;
    for (int64_t i = 0; i < s->data.train; i++) {
        const int sides[] = {lips[i].left, lips[i].right, lips[i].top, lips[i].bottom};
        for (int k = 0; k < 4; k++)
            hash = (hash ^ (uint64_t)sides[k]) * 0x100000001b3u;
    }
    free(lips);
    snprintf(key, sizeof key, "%016" PRIx64, hash);
    return json_object_set_new(s->identity, "lips", json_string(key))
               ? st_fail_memory(err, "a training's settings", 0)
               : SYNCTALK_OK;
}

/* All that decides which numbers come out, under the names of the options. */
static synctalk_status identify(struct scene *s, bool with_terms, synctalk_error *err)
{
    synctalk_status st;
    const synctalk_train_settings *t = s->settings;
    char data[24];
    snprintf(data, sizeof data, "%016" PRIx64, s->data.key);
    s->identity =
        json_pack("{s:s, s:s, s:s, s:i, s:f, s:i, s:i, s:f, s:s, s:i, s:s}", "data", data,
                  "encoder", s->data.form.hears, "width", s->data.form.narrow ? "narrow" : "full",
                  "samples-per-epoch", t->samples_per_epoch, "holdout", t->holdout, "seed", t->seed,
                  "batch", t->batch, "lr", t->lr, "schedule", schedules[t->schedule], "warm-up",
                  t->warm_up, "precision", s->precision == ST_TRAIN_BF16 ? "bf16" : "f32");
    if (!s->identity)
        return st_fail_memory(err, "a training's settings", 0);
    if (t->average > 0)
        json_object_set_new(s->identity, "average", json_real(t->average));
    /* With a constant rate a run may be made longer; with another its course would change. */
    if (t->schedule != SYNCTALK_SCHEDULE_CONSTANT)
        json_object_set_new(s->identity, "epochs", json_integer(t->epochs));
    if (!with_terms)
        return note_file(s->identity, "warm-start", t->warm_start, err);
    json_object_set_new(s->identity, "mouth-weight", json_real(t->mouth_weight));
    if (t->lips_weight > 0) {
        json_object_set_new(s->identity, "lips-weight", json_real(t->lips_weight));
        if ((st = note_lips(s, err)))
            return st;
    }
    json_object_set_new(s->identity, "mouth-temporal", json_real(t->mouth_temporal));
    if (t->vgg)
        json_object_set_new(s->identity, "vgg-weight", json_real(t->vgg_weight));
    if (*s->syncnet)
        json_object_set_new(s->identity, "sync-weight", json_real(t->sync_weight));
    if ((st = note_file(s->identity, "vgg", t->vgg, err)) ||
        (st = note_file(s->identity, "syncnet", s->syncnet, err)))
        return st;
    return note_file(s->identity, "warm-start", t->warm_start, err);
}

static synctalk_status folder_of(char *path, const synctalk_train_settings *settings,
                                 const char *kind, synctalk_error *err)
{
    char parent[ST_PATH_MAX];
    synctalk_status st = st_path_join(parent, settings->root, kind, err);
    return st ? st : st_path_join(path, parent, settings->model, err);
}

/* The file of the sync term, "" for none. */
static synctalk_status find_syncnet(struct scene *s, synctalk_error *err)
{
    synctalk_status st;
    char folder[ST_PATH_MAX];
    int64_t number = -1;
    const char *said = s->settings->syncnet;

    if (!said || strcmp(said, "auto") != 0)
        return st_path_format(s->syncnet, err, "%s", said ? said : "");
    if ((st = folder_of(folder, s->settings, "syncnet_ckpt", err)))
        return st;
    if (st_path_is_dir(folder) && (st = st_highest_checkpoint(folder, &number, err)))
        return st;
    if (number < 0) {
        st_log(s->callbacks, SYNCTALK_LOG_INFO, "no SyncNet in %s: trained without a sync term",
               folder);
        return SYNCTALK_OK;
    }
    if ((st = st_path_format(s->syncnet, err, "%s/%" PRId64 ".pth", folder, number)))
        return st;
    if (!st_path_is_file(s->syncnet) &&
        (st = st_path_format(s->syncnet, err, "%s/%" PRId64 ".safetensors", folder, number)))
        return st;
    st_log(s->callbacks, SYNCTALK_LOG_INFO, "sync term: %s", s->syncnet);
    return SYNCTALK_OK;
}

static synctalk_status open_scene(struct scene *s, bool unet, synctalk_error *err)
{
    synctalk_status st;
    const int threads = s->settings->threads;

    if ((st = st_check_name(s->settings->model, err)))
        return st;
    if (s->settings->resume && s->settings->restart)
        return st_fail(err, SYNCTALK_E_ARG,
                       "--resume and --restart contradict each other: give one of them");
    st_kernels_init(&s->kernels, s->settings->cpu_mask);
    if ((st = choose_precision(s, unet, err)) ||
        (st = st_pool_create(&s->pool, threads ? threads : st_cpu_cores(), err)))
        return st;
    return st_train_data_open(&s->data, s->settings, s->pool, s->callbacks, err);
}

static void close_scene(struct scene *s)
{
    json_decref(s->identity);
    st_train_data_close(&s->data);
    st_pool_destroy(&s->pool);
}

static void tell_plan(const struct scene *s, const struct st_task *task)
{
    const int64_t held = s->data.frames - s->data.train;
    st_log(s->callbacks, SYNCTALK_LOG_INFO,
           "%" PRId64 " frames to train on, %" PRId64 " held out; %" PRId64
           " steps of %d an epoch, %s width, %s, %d workers; networks hold %.0f MB",
           s->data.train, held, task->steps, task->batch, s->data.form.narrow ? "narrow" : "full",
           s->precision == ST_TRAIN_BF16 ? "bf16" : "f32", st_pool_workers(s->pool),
           1e-6 * (double)(st_train_net_bytes(task->net) + task->bytes));
}

/* What decides a fine-tune for bytes; the other settings of learning do not count. */
static synctalk_status identify_quantise(struct scene *s, synctalk_error *err)
{
    const synctalk_train_settings *t = s->settings;
    char data[24];
    snprintf(data, sizeof data, "%016" PRIx64, s->data.key);
    s->identity =
        json_pack("{s:s, s:s, s:s, s:f, s:i, s:i, s:i, s:f, s:i}", "data", data, "encoder",
                  s->data.form.hears, "width", s->data.form.narrow ? "narrow" : "full", "holdout",
                  t->holdout, "seed", t->seed, "batch", t->batch, "quantize-samples",
                  t->quantize_samples, "quantize-lr", t->quantize_lr, "cpu", (int)s->kernels.flags);
    return s->identity ? note_file(s->identity, "warm-start", t->warm_start, err)
                       : st_fail_memory(err, "a training's settings", 0);
}

/* Short epochs, so that there is something to see and to choose from. */
static void quantise_settings(synctalk_train_settings *to, const synctalk_train_settings *from,
                              const char *start)
{
    const int samples = from->quantize_samples;
    *to = *from;
    to->warm_start = start;
    to->samples_per_epoch = samples < QUANTISE_EPOCH ? samples : QUANTISE_EPOCH;
    to->epochs = (samples + to->samples_per_epoch - 1) / to->samples_per_epoch;
    to->lr = from->quantize_lr;
    to->schedule = SYNCTALK_SCHEDULE_COSINE;
    to->warm_up = QUANTISE_WARM_UP;
    to->average = 0;
}

static synctalk_status quantise(const synctalk_train_settings *asked,
                                const synctalk_callbacks *callbacks, synctalk_train_report *report,
                                synctalk_error *err)
{
    synctalk_status st;
    synctalk_train_settings settings;
    struct scene scene = {.settings = asked, .callbacks = callbacks};
    struct st_task *task = NULL;
    char folder[ST_PATH_MAX], start[ST_PATH_MAX];

    if ((st = st_check_name(asked->model, err)) ||
        (st = folder_of(folder, asked, "checkpoint", err)) ||
        (st = asked->warm_start ? st_path_format(start, err, "%s", asked->warm_start)
                                : st_highest_trained(folder, start, err)))
        return st;
    quantise_settings(&settings, asked, start);
    scene.settings = &settings;
    st_log(callbacks, SYNCTALK_LOG_INFO, "fine-tuning %s for bytes", start);
    if ((st = open_scene(&scene, true, err)))
        goto done;
    scene.precision = ST_TRAIN_F32;
    if ((st = identify_quantise(&scene, err)) ||
        (st =
             st_quantise_task_open(&task, &settings, &scene.data, &scene.kernels, scene.pool, err)))
        goto done;
    tell_plan(&scene, task);
    st = st_run(task, &settings, folder, scene.identity, scene.pool, callbacks, report, err);

done:
    st_quantise_task_close(&task);
    close_scene(&scene);
    return st;
}

synctalk_status st_train(const synctalk_train_settings *settings,
                         const synctalk_callbacks *callbacks, synctalk_train_report *report,
                         synctalk_error *err)
{
    if (settings->quantize)
        return quantise(settings, callbacks, report, err);
    synctalk_status st;
    struct scene scene = {.settings = settings, .callbacks = callbacks};
    struct st_task *task = NULL;
    char folder[ST_PATH_MAX];

    if ((st = open_scene(&scene, true, err)) || (st = find_syncnet(&scene, err)) ||
        (st = folder_of(folder, settings, "checkpoint", err)) ||
        (st = identify(&scene, true, err)) ||
        (st = st_unet_task_open(&task, settings, scene.precision,
                                *scene.syncnet ? scene.syncnet : NULL, &scene.data, &scene.kernels,
                                scene.pool, err)))
        goto done;
    tell_plan(&scene, task);
    st = st_run(task, settings, folder, scene.identity, scene.pool, callbacks, report, err);

done:
    st_unet_task_close(&task);
    close_scene(&scene);
    return st;
}

synctalk_status st_train_syncnet(const synctalk_train_settings *settings,
                                 const synctalk_callbacks *callbacks, synctalk_train_report *report,
                                 synctalk_error *err)
{
    synctalk_status st;
    struct scene scene = {.settings = settings, .callbacks = callbacks};
    struct st_task *task = NULL;
    char folder[ST_PATH_MAX];

    if ((st = open_scene(&scene, false, err)) ||
        (st = folder_of(folder, settings, "syncnet_ckpt", err)) ||
        (st = identify(&scene, false, err)) ||
        (st = st_syncnet_task_open(&task, settings, scene.precision, &scene.data, &scene.kernels,
                                   scene.pool, err)))
        goto done;
    tell_plan(&scene, task);
    st = st_run(task, settings, folder, scene.identity, scene.pool, callbacks, report, err);

done:
    st_syncnet_task_close(&task);
    close_scene(&scene);
    return st;
}
