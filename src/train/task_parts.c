/* SPDX-License-Identifier: Apache-2.0 */
#include "train/task_parts.h"

#include "base/error.h"
#include "base/log.h"
#include "models/train_models.h"

void st_task_begin(struct st_task *task, const struct st_task_desc *desc,
                   const synctalk_train_settings *settings, const struct st_train_data *data,
                   struct st_pool *pool)
{
    task->desc = desc;
    task->settings = settings;
    task->data = data;
    task->pool = pool;
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
