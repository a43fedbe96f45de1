/* SPDX-License-Identifier: Apache-2.0 */
/* One of two ways to compute the same network: stages of our own, or a net of oneDNN's. */
#include "models/unet.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "kernels/kernels.h"
#include "models/unet_net.h"
#include "models/unet_recipe.h"
#include "models/unet_stages.h"
#include "models/unet_wiring.h"
#include "synctalk/machine.h"

#define IMAGE_CHANNELS 6
#define OUT_CHANNELS 3
#define AREA ((size_t)ST_UNET_SIDE * ST_UNET_SIDE)

/* Owns the one of the two that is there. */
struct st_unet {
    struct st_unet_form form;
    struct st_unet_stages *stages;
    struct st_unet_net *net;
};

struct st_unet_worker {
    const struct st_unet *unet; /* borrowed */
    struct st_unet_stages_worker *stages;
    struct st_unet_net_worker *net;
};

synctalk_status st_unet_open(struct st_unet **out, const struct st_weights *weights,
                             const struct st_unet_form *form, const struct st_kernels *kernels,
                             synctalk_error *err)
{
    struct st_unet_recipe recipe;
    assert(form->encoder != SYNCTALK_ENCODER_AUTO);
    st_unet_recipe_uniform(&recipe, form, ST_ELEMENT_F32);
    return st_unet_open_as(out, weights, form, &recipe, kernels, err);
}

/* Ours where there are kernels for this CPU; then they are faster (docs/SPEED.md). */
static bool has_stages(unsigned flags)
{
    return st_pixel_kernels_have(flags, ST_ELEMENT_F32);
}

synctalk_status st_unet_open_as(struct st_unet **out, const struct st_weights *weights,
                                const struct st_unet_form *form,
                                const struct st_unet_recipe *recipe,
                                const struct st_kernels *kernels, synctalk_error *err)
{
    *out = NULL;
    struct st_unet *unet = calloc(1, sizeof *unet);
    if (!unet)
        return st_fail_memory(err, "the UNet", sizeof *unet);
    unet->form = *form;
    synctalk_status st =
        has_stages(kernels->flags)
            ? st_unet_stages_open(&unet->stages, weights, form, recipe, kernels, err)
            : st_unet_net_open(&unet->net, weights, form, kernels, err);
    if (st)
        st_unet_close(&unet);
    *out = unet;
    return st;
}

void st_unet_close(struct st_unet **unet)
{
    if (!unet || !*unet)
        return;
    st_unet_stages_close(&(*unet)->stages);
    st_unet_net_close(&(*unet)->net);
    free(*unet);
    *unet = NULL;
}

const struct st_unet_form *st_unet_form(const struct st_unet *unet)
{
    return &unet->form;
}

synctalk_status st_unet_worker_open(struct st_unet_worker **out, const struct st_unet *unet,
                                    synctalk_error *err)
{
    *out = NULL;
    struct st_unet_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return st_fail_memory(err, "a UNet worker", sizeof *worker);
    worker->unet = unet;
    synctalk_status st = unet->stages
                             ? st_unet_stages_worker_open(&worker->stages, unet->stages, err)
                             : st_unet_net_worker_open(&worker->net, unet->net, err);
    if (st)
        st_unet_worker_close(&worker);
    *out = worker;
    return st;
}

void st_unet_worker_close(struct st_unet_worker **worker)
{
    if (!worker || !*worker)
        return;
    st_unet_stages_worker_close(&(*worker)->stages);
    st_unet_net_worker_close(&(*worker)->net);
    free(*worker);
    *worker = NULL;
}

size_t st_unet_image_side_bytes(const struct st_unet *unet)
{
    return unet->stages ? st_unet_stages_image_bytes(unet->stages)
                        : st_unet_net_image_bytes(unet->net);
}

size_t st_unet_audio_side_bytes(const struct st_unet *unet)
{
    return unet->stages ? st_unet_stages_audio_bytes(unet->stages)
                        : st_unet_net_audio_bytes(unet->net);
}

synctalk_status st_unet_run_audio_side(struct st_unet_worker *worker, const float *audio,
                                       void *audio_side, synctalk_error *err)
{
    if (worker->net)
        return st_unet_net_run_audio(worker->net, audio, audio_side, err);
    st_unet_stages_run_audio(worker->stages, audio, audio_side);
    return SYNCTALK_OK;
}

synctalk_status st_unet_run_image_side(struct st_unet_worker *worker, const float *image,
                                       void *image_side, synctalk_error *err)
{
    if (worker->net)
        return st_unet_net_run_image(worker->net, image, image_side, err);
    st_unet_stages_run_image(worker->stages, image, image_side);
    return SYNCTALK_OK;
}

synctalk_status st_unet_load_image_side(struct st_unet_worker *worker, const float *image,
                                        const void *image_side, synctalk_error *err)
{
    if (worker->net)
        return st_unet_net_load_image(worker->net, image, image_side, err);
    st_unet_stages_load_image(worker->stages, image, image_side);
    return SYNCTALK_OK;
}

synctalk_status st_unet_run_rest(struct st_unet_worker *worker, const void *audio_side, float *out,
                                 synctalk_error *err)
{
    if (worker->net)
        return st_unet_net_run_rest(worker->net, audio_side, out, err);
    st_unet_stages_run_rest(worker->stages, audio_side, out);
    return SYNCTALK_OK;
}

static synctalk_status run_one(struct st_unet_worker *worker, const float *image,
                               const float *audio, float *out, synctalk_error *err)
{
    if (worker->net)
        return st_unet_net_run(worker->net, image, audio, out, err);
    st_unet_stages_run_audio(worker->stages, audio, NULL);
    st_unet_stages_run_image(worker->stages, image, NULL);
    st_unet_stages_run_rest(worker->stages, NULL, out);
    return SYNCTALK_OK;
}

synctalk_status st_unet_run(struct st_unet_worker *worker, size_t N, const float *image,
                            const float *audio, float *out, synctalk_error *err)
{
    const size_t *dims = worker->unet->form.audio_dims;
    const size_t audio_size = dims[0] * dims[1] * dims[2];
    for (size_t n = 0; n < N; n++) {
        synctalk_status st = run_one(worker, image + n * IMAGE_CHANNELS * AREA,
                                     audio + n * audio_size, out + n * OUT_CHANNELS * AREA, err);
        if (st)
            return st;
    }
    return SYNCTALK_OK;
}

synctalk_status st_unet_random(struct st_weights **out, bool narrow, synctalk_encoder encoder,
                               uint64_t seed, synctalk_error *err)
{
    *out = NULL;
    if (encoder == SYNCTALK_ENCODER_AUTO)
        return st_fail(err, SYNCTALK_E_ARG,
                       "random weights need to know their encoder: ave, hubert or wenet");
    const struct st_unet_form form = {.narrow = narrow, .encoder = encoder};
    struct st_weights *weights = NULL;
    struct st_part parts[ST_UNET_PARTS];
    struct st_unet_unit unit;
    uint64_t state = seed;
    synctalk_status st = st_weights_create(&weights, "random weights", err);
    if (!st)
        st = st_weights_add_metadata(weights, ST_UNET_ENCODER_KEY, st_unet_encoder_name(encoder),
                                     err);
    for (size_t i = 0; !st && st_unet_unit_at(&form, i, &unit); i++) {
        size_t count = st_unet_unit_parts(&unit, parts);
        for (size_t j = 0; !st && j < count; j++)
            st = st_part_random(&parts[j], weights, &state, err);
    }
    if (st)
        st_weights_close(&weights);
    *out = weights;
    return st;
}
