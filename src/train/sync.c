/* SPDX-License-Identifier: Apache-2.0 */
/* The sync term: a SyncNet, held fixed, looks at predictions beside the windows that they
 * were drawn for. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "models/train_models.h"
#include "nn/train_net.h"
#include "train/losses.h"

enum { FACE, AUDIO };

struct st_sync {
    struct st_train_net *net; /* owns */
    int batch;
    size_t face, audio; /* numbers of a sample's inputs */
    size_t size;        /* of a vector */
};

synctalk_status st_sync_open(struct st_sync **out, const char *path,
                             const struct st_unet_form *form, const struct st_kernels *kernels,
                             struct st_pool *pool, int batch, synctalk_error *err)
{
    synctalk_status st;
    struct st_weights *weights = NULL;
    struct st_sync *sync = calloc(1, sizeof *sync);
    const struct st_train_settings settings = {
        .kernels = kernels, .pool = pool, .batch = batch, .fixed = true};

    *out = NULL;
    if (!sync)
        return st_fail_memory(err, "the sync term", sizeof *sync);
    sync->batch = batch;
    if ((st = st_weights_open(&weights, path, err)) ||
        (st = st_train_syncnet_recognise(weights, form, err)) ||
        (st = st_train_net_create(&sync->net, &settings, err)))
        goto done;
    st_train_syncnet_build(sync->net, form, true);
    if ((st = st_train_net_finish(sync->net, err)) ||
        (st = st_train_load(sync->net, weights, "", err)))
        goto done;
    sync->face = st_train_net_input_size(sync->net, FACE);
    sync->audio = st_train_net_input_size(sync->net, AUDIO);
    sync->size = st_train_net_output_size(sync->net, FACE);
    *out = sync;
    sync = NULL;

done:
    st_weights_close(&weights);
    st_sync_close(&sync);
    return st;
}

void st_sync_close(struct st_sync **sync)
{
    if (!sync || !*sync)
        return;
    st_train_net_destroy(&(*sync)->net);
    free(*sync);
    *sync = NULL;
}

size_t st_sync_bytes(const struct st_sync *sync)
{
    return st_train_net_bytes(sync->net);
}

synctalk_status st_sync_add(struct st_sync *sync, double weight, int N, const float *prediction,
                            const float *audio, float *gradient, double *value, synctalk_error *err)
{
    synctalk_status st;
    const size_t numbers = (size_t)N * sync->face;

    *value = 0;
    memcpy(st_train_net_input(sync->net, FACE), prediction, numbers * sizeof *prediction);
    memcpy(st_train_net_input(sync->net, AUDIO), audio, (size_t)N * sync->audio * sizeof *audio);
    if ((st = st_train_net_forward(sync->net, N, ST_TRAIN_RUNNING, err)))
        return st;
    for (int n = 0; n < N; n++) {
        const size_t at = (size_t)n * sync->size;
        const float *face = st_train_net_output(sync->net, FACE) + at;
        const float *sound = st_train_net_output(sync->net, AUDIO) + at;
        float *dface = st_train_net_output_gradient(sync->net, FACE) + at;
        double cosine = 0;
        double slope;
        for (size_t i = 0; i < sync->size; i++)
            cosine += (double)face[i] * (double)sound[i];
        *value += st_sync_loss(cosine, &slope) / N;
        const float scale = (float)(weight * slope / N);
        for (size_t i = 0; i < sync->size; i++)
            dface[i] = scale * sound[i];
        memset(st_train_net_output_gradient(sync->net, AUDIO) + at, 0, sync->size * sizeof *dface);
    }
    if ((st = st_train_net_backward(sync->net, err)))
        return st;
    const float *back = st_train_net_input_gradient(sync->net, FACE);
    for (size_t i = 0; i < numbers; i++)
        gradient[i] += back[i];
    return SYNCTALK_OK;
}
