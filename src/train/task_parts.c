/* SPDX-License-Identifier: Apache-2.0 */
#include "train/task_parts.h"

#include "base/error.h"
#include "base/log.h"
#include "models/train_models.h"
#include "models/unet_wiring.h"

void st_task_begin(struct st_task *task, const struct st_task_desc *desc,
                   const synctalk_train_settings *settings, const struct st_train_data *data,
                   struct st_pool *pool)
{
    task->desc = desc;
    task->settings = settings;
    task->data = data;
    task->pool = pool;
}

synctalk_status st_task_describe_unet(struct st_task *task, struct st_weights *weights,
                                      synctalk_error *err)
{
    char note[ST_UNET_EAR + 24];
    st_unet_form_note(&task->data->form, note);
    return st_weights_add_metadata(weights, ST_UNET_ENCODER_KEY, note, err);
}

synctalk_status st_task_fits_unet(const struct st_weights *weights, const struct st_unet_form *want,
                                  synctalk_error *err)
{
    struct st_unet_form form;
    const struct st_unet_ear ear = {want->hears, want->vector};
    synctalk_status st = st_unet_recognise_for(&form, weights, &ear, err);
    if (st || form.narrow == want->narrow)
        return st;
    return st_fail(err, SYNCTALK_E_ARG, "%s is of %s width: begin from it with --width %s",
                   st_weights_path(weights), form.narrow ? "narrow" : "full",
                   form.narrow ? "narrow" : "full");
}

static synctalk_status warm_start(const struct st_task *task, synctalk_error *err)
{
    struct st_weights *weights = NULL;
    synctalk_status st = st_weights_open(&weights, task->settings->warm_start, err);
    if (!st)
        st = task->desc->fits(weights, &task->data->form, err);
    if (!st)
        st = st_train_load(task->net, weights, "", err);
    st_weights_close(&weights);
    return st;
}

synctalk_status st_task_open_net(struct st_task *task, enum st_train_precision precision,
                                 const struct st_kernels *kernels, synctalk_error *err)
{
    const struct st_train_settings settings = {
        .kernels = kernels, .pool = task->pool, .batch = task->batch, .precision = precision};
    synctalk_status st = st_train_net_create(&task->net, &settings, err);
    if (st)
        return st;
    task->desc->build(task->net, &task->data->form);
    if ((st = st_train_net_finish(task->net, err)))
        return st;
    st_train_net_init(task->net, (uint64_t)task->settings->seed);
    return task->settings->warm_start ? warm_start(task, err) : SYNCTALK_OK;
}

int st_task_held(const struct st_task *task, int most)
{
    const int64_t held = task->data->frames - task->data->train;
    return held < most ? (int)held : most;
}

synctalk_status st_task_held_turn(const synctalk_callbacks *callbacks, int done, int held,
                                  synctalk_error *err)
{
    st_progress(callbacks, "held out", done, held, 0);
    return st_cancelled(callbacks) ? st_fail(err, SYNCTALK_E_CANCELLED, "stopped") : SYNCTALK_OK;
}

void st_task_end(struct st_task *task)
{
    st_train_net_destroy(&task->net);
    st_sampler_close(&task->sampler);
}
