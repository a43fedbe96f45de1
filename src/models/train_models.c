/* SPDX-License-Identifier: Apache-2.0 */
/* UNet, AVE and SyncNet as layers that learn; all tables but SyncNet's are those that
 * inference reads.
 */
#include "models/train_models.h"

#include <assert.h>
#include <stdio.h>

#include "base/error.h"
#include "models/chain.h"
#include "models/unet_wiring.h"

#define IMAGE_CHANNELS 6
#define FACE_CHANNELS 3
#define LEAKY 0.01F
#define FACE "face_encoder."
#define AUDIO "audio_encoder."

/* What a part leaves open. */
struct setting {
    int stride_h, stride_w, pad;
    bool depthwise;
    float slope;
    int add;
};

static int add_part(struct st_train_net *net, int x, const struct st_part *part,
                    const struct setting *setting)
{
    int y = st_train_conv(net, x,
                          &(struct st_train_conv){.name = part->conv,
                                                  .channels = (int)part->K,
                                                  .kernel = (int)part->kernel,
                                                  .stride_h = setting->stride_h,
                                                  .stride_w = setting->stride_w,
                                                  .pad = setting->pad,
                                                  .depthwise = setting->depthwise,
                                                  .bias = part->bias});
    if (!part->norm[0])
        return y;
    return st_train_norm(
        net, y,
        &(struct st_train_norm){.name = part->norm, .slope = setting->slope, .add = setting->add});
}

/* Values of the UNet under construction. */
struct wires {
    int image, audio, last;
    int held[ST_HELD_COUNT];
};

static int unit_input(struct st_train_net *net, const struct st_unet_unit *unit,
                      const struct wires *w)
{
    switch (unit->source) {
    case ST_READ_IMAGE:
        return w->image;
    case ST_READ_AUDIO:
        return w->audio;
    case ST_READ_JOIN:
        return st_train_concat(net, w->held[unit->with], w->held[ST_HELD_AUDIO]);
    case ST_READ_RAISE:
        return st_train_concat(net, st_train_upsample(net, w->last), w->held[unit->with]);
    case ST_READ_LAST:
        break;
    }
    return w->last;
}

static int add_unit(struct st_train_net *net, const struct st_unet_unit *unit, int x)
{
    struct st_part parts[ST_UNET_PARTS];
    struct setting plain = {.stride_h = 1, .stride_w = 1, .add = ST_TRAIN_NONE};
    st_unet_unit_parts(unit, parts);
    if (unit->kind == ST_UNIT_HEAD)
        return add_part(net, x, &parts[0], &plain);

    struct setting strided = plain;
    strided.stride_h = unit->stride_h;
    strided.stride_w = unit->stride_w;
    strided.pad = unit->pad;
    if (unit->kind == ST_UNIT_DENSE)
        return add_part(net, x, &parts[0], &strided);

    strided.depthwise = true;
    strided.pad = 1;
    int y = add_part(net, x, &parts[0], &plain);
    y = add_part(net, y, &parts[1], &strided);
    plain.slope = 1;
    plain.add = unit->residual ? x : ST_TRAIN_NONE;
    return add_part(net, y, &parts[2], &plain);
}

void st_train_unet_form(struct st_unet_form *form, bool narrow, synctalk_encoder encoder)
{
    assert(encoder != SYNCTALK_ENCODER_AUTO);
    *form = (struct st_unet_form){.narrow = narrow, .encoder = encoder};
    snprintf(form->hears, sizeof form->hears, "%s", st_unet_encoder_name(encoder));
    st_unet_form_complete(form);
}

static int audio_input(struct st_train_net *net, const struct st_unet_form *form)
{
    return st_train_input(net, (int)form->audio_dims[0], (int)form->audio_dims[1],
                          (int)form->audio_dims[2], false);
}

void st_train_unet_build(struct st_train_net *net, const struct st_unet_form *form)
{
    struct wires w = {.last = ST_TRAIN_NONE};
    struct st_unet_unit unit;
    w.image = st_train_input(net, IMAGE_CHANNELS, ST_UNET_SIDE, ST_UNET_SIDE, false);
    w.audio = audio_input(net, form);
    for (size_t i = 0; st_unet_unit_at(form, i, &unit); i++) {
        w.last = add_unit(net, &unit, unit_input(net, &unit, &w));
        w.held[unit.hold] = w.last;
    }
    st_train_output(net, w.last, ST_TRAIN_SIGMOID);
}

static int add_chain(struct st_train_net *net, int x, const struct st_chain_unit *units,
                     size_t count, const char *prefix, float slope)
{
    for (size_t i = 0; i < count; i++) {
        const struct st_part part = st_chain_part(&units[i], prefix, i);
        x = add_part(net, x, &part,
                     &(struct setting){.stride_h = units[i].stride_h,
                                       .stride_w = units[i].stride_w,
                                       .pad = units[i].pad,
                                       .slope = slope,
                                       .add = units[i].residual ? x : ST_TRAIN_NONE});
    }
    return x;
}

int st_train_ave_build(struct st_train_net *net, int mel)
{
    size_t count;
    const struct st_chain_unit *units = st_ave_units(&count);
    return add_chain(net, mel, units, count, "", 0);
}

#define RESIDUAL(channels)                   \
    {                                        \
        channels, channels, 3, 1, 1, 1, true \
    }

static const struct st_chain_unit face_units[] = {
    {3, 32, 7, 1, 1, 3, false},
    {32, 32, 5, 2, 2, 1, false},
    {32, 64, 5, 2, 2, 1, false},
    RESIDUAL(64),
    RESIDUAL(64),
    {64, 128, 3, 2, 2, 1, false},
    RESIDUAL(128),
    RESIDUAL(128),
    RESIDUAL(128),
    {128, 256, 3, 2, 2, 1, false},
    RESIDUAL(256),
    RESIDUAL(256),
    {256, 512, 3, 2, 2, 1, false},
    RESIDUAL(512),
    RESIDUAL(512),
    {512, 512, 3, 2, 2, 1, false},
    {512, 512, 3, 1, 1, 0, false},
    {512, 512, 1, 1, 1, 0, false},
};

/* The first and fourth are completed by the window's form. */
static const struct st_chain_unit audio_units[] = {
    {0, 128, 3, 1, 1, 1, false},
    RESIDUAL(128),
    RESIDUAL(128),
    {128, 256, 3, 0, 0, 1, false},
    RESIDUAL(256),
    RESIDUAL(256),
    {256, 256, 3, 2, 2, 2, false},
    RESIDUAL(256),
    RESIDUAL(256),
    {256, 512, 3, 2, 2, 1, false},
    RESIDUAL(512),
    RESIDUAL(512),
    {512, 512, 3, 1, 1, 0, false},
    {512, 512, 1, 1, 1, 0, false},
};
#define FACE_UNITS (sizeof face_units / sizeof *face_units)
#define AUDIO_UNITS (sizeof audio_units / sizeof *audio_units)
#define STRIDED 3 /* of audio_units */

void st_train_syncnet_build(struct st_train_net *net, const struct st_unet_form *form,
                            bool face_gradient)
{
    struct st_chain_unit units[AUDIO_UNITS];
    for (size_t i = 0; i < AUDIO_UNITS; i++)
        units[i] = audio_units[i];
    units[0].cin = (int)form->audio_dims[0];
    units[STRIDED].stride_h = form->encoder == SYNCTALK_ENCODER_HUBERT ? 2 : 1;
    units[STRIDED].stride_w = form->encoder == SYNCTALK_ENCODER_AVE ? 1 : 2;

    int face = st_train_input(net, FACE_CHANNELS, ST_UNET_SIDE, ST_UNET_SIDE, face_gradient);
    int audio = audio_input(net, form);
    st_train_output(net, add_chain(net, face, face_units, FACE_UNITS, FACE, LEAKY), ST_TRAIN_UNIT);
    st_train_output(net, add_chain(net, audio, units, AUDIO_UNITS, AUDIO, LEAKY), ST_TRAIN_UNIT);
}

synctalk_status st_train_syncnet_recognise(const struct st_weights *weights,
                                           const struct st_unet_form *form, synctalk_error *err)
{
    static const char face_name[] = FACE "0.conv_block.0.weight";
    static const char audio_name[] = AUDIO "0.conv_block.0.weight";
    const struct st_tensor *face = st_weights_find(weights, face_name);
    const struct st_tensor *audio = st_weights_find(weights, audio_name);
    if (!face || !audio)
        return st_fail(err, SYNCTALK_E_MODEL, "%s: not a SyncNet: it has no tensor %s",
                       st_weights_path(weights), face ? audio_name : face_name);
    size_t channels = audio->rank == 4 ? audio->dims[1] : 0;
    if (channels == form->audio_dims[0])
        return SYNCTALK_OK;
    return st_fail(err, SYNCTALK_E_MODEL,
                   "%s: a SyncNet for sound in %zu channels, needed are %zu (%s features, %s "
                   "network): train one with train-syncnet",
                   st_weights_path(weights), channels, form->audio_dims[0], form->hears,
                   form->narrow ? "narrow" : "full");
}
