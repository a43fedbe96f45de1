/* SPDX-License-Identifier: Apache-2.0 */
#include "models/unet_net.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "models/unet_wiring.h"
#include "nn/net.h"

#define IMAGE_CHANNELS 6
#define OUT_CHANNELS 3
#define AREA ((size_t)ST_UNET_SIDE * ST_UNET_SIDE)

/* The table of units lists the audio side first, then the image side. Of that x1 is never kept:
 * see unet.h. */
#define FIRST_KEPT_OF_IMAGE ST_HELD_X2
#define LAST_KEPT_OF_IMAGE ST_HELD_X6

struct st_unet_net {
    struct st_unet_form form;
    struct st_net *net; /* owned */
    int held[ST_HELD_COUNT];
    int audio_end, x1_end, image_end; /* steps */
};

struct st_unet_net_worker {
    const struct st_unet_net *unet; /* borrowed */
    struct st_net_run *run;         /* owned */
};

/* Values of the net under construction. */
struct wires {
    int image, audio, last;
    int held[ST_HELD_COUNT];
};

static int unit_input(struct st_net *net, const struct st_unet_unit *unit, const struct wires *w)
{
    switch (unit->source) {
    case ST_READ_IMAGE:
        return w->image;
    case ST_READ_AUDIO:
        return w->audio;
    case ST_READ_JOIN:
        return st_net_concat(net, w->held[unit->with], w->held[ST_HELD_AUDIO]);
    case ST_READ_RAISE:
        return st_net_concat(net, st_net_upsample(net, w->last), w->held[unit->with]);
    case ST_READ_LAST:
        break;
    }
    return w->last;
}

static struct st_conv make_conv(const struct st_part *part, const struct st_folded *folded)
{
    return (struct st_conv){
        .channels = (int)part->K,
        .kernel = (int)part->kernel,
        .stride_h = 1,
        .stride_w = 1,
        .pad = (int)part->kernel / 2,
        .relu = true,
        .add = ST_NET_NONE,
        .weights = folded->weights,
        .bias = folded->bias,
    };
}

static int add_unit(struct st_net *net, const struct st_unet_unit *unit,
                    const struct st_part *parts, const struct st_folded *folded, int x)
{
    struct st_conv first = make_conv(&parts[0], &folded[0]);
    if (unit->kind == ST_UNIT_DENSE) {
        first.stride_h = unit->stride_h;
        first.stride_w = unit->stride_w;
        first.pad = unit->pad;
        return st_net_conv(net, x, &first);
    }
    if (unit->kind == ST_UNIT_HEAD) {
        first.relu = false;
        return st_net_conv(net, x, &first);
    }
    struct st_conv across = make_conv(&parts[1], &folded[1]);
    struct st_conv back = make_conv(&parts[2], &folded[2]);
    across.depthwise = true;
    across.stride_h = unit->stride_h;
    across.stride_w = unit->stride_w;
    back.relu = false;
    back.add = unit->residual ? x : ST_NET_NONE;
    return st_net_conv(net, st_net_conv_depthwise(net, x, &first, &across), &back);
}

static synctalk_status build_unit(struct st_net *net, const struct st_unet_unit *unit,
                                  const struct st_weights *weights, struct wires *w,
                                  synctalk_error *err)
{
    struct st_part parts[ST_UNET_PARTS];
    struct st_folded folded[ST_UNET_PARTS] = {{0}};
    synctalk_status st = SYNCTALK_OK;
    size_t count = st_unet_unit_parts(unit, parts);
    for (size_t i = 0; !st && i < count; i++)
        st = st_part_load(&folded[i], &parts[i], weights, err);
    if (!st) {
        w->last = add_unit(net, unit, parts, folded, unit_input(net, unit, w));
        w->held[unit->hold] = w->last;
    }
    for (size_t i = 0; i < count; i++)
        st_folded_free(&folded[i]);
    return st;
}

synctalk_status st_unet_net_open(struct st_unet_net **out, const struct st_weights *weights,
                                 const struct st_unet_form *form, const struct st_kernels *kernels,
                                 synctalk_error *err)
{
    assert(form->encoder != SYNCTALK_ENCODER_AUTO);
    *out = NULL;
    struct st_unet_net *unet = calloc(1, sizeof *unet);
    if (!unet)
        return st_fail_memory(err, "the UNet", sizeof *unet);
    unet->form = *form;
    synctalk_status st = st_net_create(&unet->net, kernels, 1, NULL, err);
    if (st)
        goto done;

    const size_t *dims = form->audio_dims;
    struct wires w = {.last = ST_NET_NONE};
    w.image = st_net_input(unet->net, IMAGE_CHANNELS, ST_UNET_SIDE, ST_UNET_SIDE);
    w.audio =
        st_net_pack(unet->net, st_net_input(unet->net, (int)dims[0], (int)dims[1], (int)dims[2]));
    struct st_unet_unit unit;
    for (size_t i = 0; st_unet_unit_at(form, i, &unit); i++) {
        if (unit.source == ST_READ_IMAGE)
            unet->audio_end = st_net_step_count(unet->net);
        if (unit.source == ST_READ_JOIN)
            unet->image_end = st_net_step_count(unet->net);
        if ((st = build_unit(unet->net, &unit, weights, &w, err)))
            goto done;
        if (unit.hold == ST_HELD_X1)
            unet->x1_end = st_net_step_count(unet->net);
    }
    memcpy(unet->held, w.held, sizeof unet->held);
    st_net_output(unet->net, w.last, true);
    if ((st = st_net_finish(unet->net, err)))
        goto done;

    *out = unet;
    unet = NULL;
done:
    st_unet_net_close(&unet);
    return st;
}

void st_unet_net_close(struct st_unet_net **unet)
{
    if (!unet || !*unet)
        return;
    st_net_destroy(&(*unet)->net);
    free(*unet);
    *unet = NULL;
}

synctalk_status st_unet_net_worker_open(struct st_unet_net_worker **out,
                                        const struct st_unet_net *unet, synctalk_error *err)
{
    *out = NULL;
    struct st_unet_net_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return st_fail_memory(err, "a UNet worker", sizeof *worker);
    worker->unet = unet;
    synctalk_status st = st_net_run_create(&worker->run, unet->net, err);
    if (st)
        st_unet_net_worker_close(&worker);
    *out = worker;
    return st;
}

void st_unet_net_worker_close(struct st_unet_net_worker **worker)
{
    if (!worker || !*worker)
        return;
    st_net_run_destroy(&(*worker)->run);
    free(*worker);
    *worker = NULL;
}

/* Copy the held values [first, last] to the block `to`, or out of the block `from`; the
 * other is NULL. */
static void move_held(const struct st_unet_net_worker *worker, int first, int last, void *to,
                      const void *from)
{
    size_t at = 0;
    for (int i = first; i <= last; i++) {
        size_t bytes;
        unsigned char *value = st_net_run_value(worker->run, worker->unet->held[i], &bytes);
        if (to)
            memcpy((unsigned char *)to + at, value, bytes);
        else
            memcpy(value, (const unsigned char *)from + at, bytes);
        at += st_align_size(bytes);
    }
}

static size_t held_bytes(const struct st_unet_net *unet, int first, int last)
{
    size_t total = 0;
    for (int i = first; i <= last; i++)
        total += st_align_size(st_net_bytes(unet->net, unet->held[i]));
    return total;
}

size_t st_unet_net_image_bytes(const struct st_unet_net *unet)
{
    return held_bytes(unet, FIRST_KEPT_OF_IMAGE, LAST_KEPT_OF_IMAGE);
}

size_t st_unet_net_audio_bytes(const struct st_unet_net *unet)
{
    return held_bytes(unet, ST_HELD_AUDIO, ST_HELD_AUDIO);
}

synctalk_status st_unet_net_run_audio(struct st_unet_net_worker *worker, const float *audio,
                                      void *audio_side, synctalk_error *err)
{
    const float *const inputs[] = {NULL, audio};
    synctalk_status st =
        st_net_run_stretch(worker->run, 0, worker->unet->audio_end, inputs, NULL, err);
    if (!st)
        move_held(worker, ST_HELD_AUDIO, ST_HELD_AUDIO, audio_side, NULL);
    return st;
}

synctalk_status st_unet_net_run_image(struct st_unet_net_worker *worker, const float *image,
                                      void *image_side, synctalk_error *err)
{
    const struct st_unet_net *unet = worker->unet;
    const float *const inputs[] = {image, NULL};
    synctalk_status st =
        st_net_run_stretch(worker->run, unet->audio_end, unet->image_end, inputs, NULL, err);
    if (!st && image_side)
        move_held(worker, FIRST_KEPT_OF_IMAGE, LAST_KEPT_OF_IMAGE, image_side, NULL);
    return st;
}

synctalk_status st_unet_net_load_image(struct st_unet_net_worker *worker, const float *image,
                                       const void *image_side, synctalk_error *err)
{
    const struct st_unet_net *unet = worker->unet;
    const float *const inputs[] = {image, NULL};
    synctalk_status st =
        st_net_run_stretch(worker->run, unet->audio_end, unet->x1_end, inputs, NULL, err);
    if (!st)
        move_held(worker, FIRST_KEPT_OF_IMAGE, LAST_KEPT_OF_IMAGE, NULL, image_side);
    return st;
}

synctalk_status st_unet_net_run_rest(struct st_unet_net_worker *worker, const void *audio_side,
                                     float *out, synctalk_error *err)
{
    const struct st_unet_net *unet = worker->unet;
    float *const outputs[] = {out};
    move_held(worker, ST_HELD_AUDIO, ST_HELD_AUDIO, NULL, audio_side);
    return st_net_run_stretch(worker->run, unet->image_end, st_net_step_count(unet->net), NULL,
                              outputs, err);
}

synctalk_status st_unet_net_run(struct st_unet_net_worker *worker, const float *image,
                                const float *audio, float *out, synctalk_error *err)
{
    const float *const inputs[] = {image, audio};
    float *const outputs[] = {out};
    return st_net_run_execute(worker->run, inputs, outputs, err);
}
