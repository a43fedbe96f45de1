/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors of a net that learns, from and to checkpoints. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "models/train_models.h"

#define NAME_MAX_BYTES 512

static float *data_of(struct st_train_net *net, const struct st_train_tensor *t)
{
    bool statistic = t->kind == ST_TRAIN_RUNNING_MEAN || t->kind == ST_TRAIN_RUNNING_VAR;
    float *block = statistic ? st_train_net_statistics(net) : st_train_net_parameters(net);
    return block + t->offset;
}

/* Some tools drop the counters, and some keep them as another type. */
static int64_t counter_value(const struct st_tensor *tensor)
{
    int64_t value = 0;
    float rounded = 0;
    if (!tensor || tensor->count != 1)
        return 0;
    if (tensor->dtype == ST_I64) {
        memcpy(&value, tensor->data, sizeof value);
        return value;
    }
    st_tensor_to_f32(tensor, &rounded);
    return rounded >= 0 && rounded < 0x1p53F ? (int64_t)rounded : 0;
}

static synctalk_status load_one(struct st_train_net *net, const struct st_train_tensor *t,
                                const struct st_weights *weights, const char *name,
                                synctalk_error *err)
{
    if (t->kind == ST_TRAIN_BATCHES) {
        st_train_net_counters(net)[t->offset] = counter_value(st_weights_find(weights, name));
        return SYNCTALK_OK;
    }
    float *data = data_of(net, t);
    synctalk_status st = st_weights_take_f32(weights, name, t->rank, t->dims, data, err);
    for (size_t i = 0; !st && i < t->count; i++)
        if (!isfinite(data[i]))
            st = st_fail(err, SYNCTALK_E_MODEL,
                         "%s: element %zu of %s is not a finite number; take another checkpoint",
                         st_weights_path(weights), i, name);
    return st;
}

synctalk_status st_train_load(struct st_train_net *net, const struct st_weights *weights,
                              const char *prefix, synctalk_error *err)
{
    size_t count;
    const struct st_train_tensor *tensors = st_train_net_tensors(net, &count);
    char name[NAME_MAX_BYTES];
    synctalk_status st = SYNCTALK_OK;
    for (size_t i = 0; !st && i < count; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, tensors[i].name);
        st = load_one(net, &tensors[i], weights, name, err);
    }
    return st;
}

synctalk_status st_train_save(struct st_train_net *net, struct st_weights *weights,
                              const char *without, synctalk_error *err)
{
    size_t count;
    const struct st_train_tensor *t = st_train_net_tensors(net, &count);
    synctalk_status st = SYNCTALK_OK;
    for (size_t i = 0; !st && i < count; i++) {
        if (without && strncmp(t[i].name, without, strlen(without)) == 0)
            continue;
        if (t[i].kind == ST_TRAIN_BATCHES)
            st = st_weights_add_i64(weights, t[i].name, t[i].rank, t[i].dims,
                                    st_train_net_counters(net) + t[i].offset, err);
        else
            st = st_weights_add_f32(weights, t[i].name, t[i].rank, t[i].dims, data_of(net, &t[i]),
                                    err);
    }
    return st;
}
