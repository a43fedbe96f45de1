/* SPDX-License-Identifier: Apache-2.0 */
/* What a checkpoint is: width and WeNet show in its shapes, AVE and HuBERT do not. */
#include <string.h>

#include "base/error.h"
#include "models/unet_wiring.h"

#define FIRST_AUDIO "audio_model.conv1.conv.0.weight" /* [2 A, A, 1, 1] */
#define HEAD "outc.conv.weight"                       /* [3, width / 2, 1, 1] */

struct feature {
    const char *name;
    size_t vector;  /* floats */
    size_t dims[3]; /* audio input of a full-width network */
};

static const struct feature features[] = {
    [SYNCTALK_ENCODER_AUTO] = {.name = "auto"},
    [SYNCTALK_ENCODER_AVE] = {"ave", 512, {32, 16, 16}},
    [SYNCTALK_ENCODER_HUBERT] = {"hubert", 2048, {32, 32, 32}},
    [SYNCTALK_ENCODER_WENET] = {"wenet", 8192, {256, 16, 32}},
};

static synctalk_status find(const struct st_tensor **out, const struct st_weights *weights,
                            const char *name, synctalk_error *err)
{
    *out = st_weights_find(weights, name);
    if (!*out)
        return st_fail(err, SYNCTALK_E_MODEL, "%s: not a SyncTalk UNet: it has no tensor %s",
                       st_weights_path(weights), name);
    if ((*out)->rank != 4)
        return st_fail(err, SYNCTALK_E_MODEL,
                       "%s: not a SyncTalk UNet: %s has %d dimensions instead of 4",
                       st_weights_path(weights), name, (*out)->rank);
    return SYNCTALK_OK;
}

static synctalk_status read_shapes(struct st_unet_form *form, const struct st_weights *weights,
                                   synctalk_error *err)
{
    const struct st_tensor *audio, *head;
    synctalk_status st = find(&audio, weights, FIRST_AUDIO, err);
    if (!st)
        st = find(&head, weights, HEAD, err);
    if (st)
        return st;

    const size_t full = (size_t)st_unet_width(false), narrow = (size_t)st_unet_width(true);
    const size_t width = head->dims[1] == full / 2     ? full
                         : head->dims[1] == narrow / 2 ? narrow
                                                       : 0;
    if (!width || head->dims[0] != 3)
        return st_fail(err, SYNCTALK_E_MODEL,
                       "%s: not a SyncTalk UNet: " HEAD " is [%zu, %zu, 1, 1] instead of "
                       "[3, %zu, 1, 1] or, narrow, [3, %zu, 1, 1]",
                       st_weights_path(weights), head->dims[0], head->dims[1], full / 2,
                       narrow / 2);
    if (audio->dims[1] != width && audio->dims[1] != 8 * width)
        return st_fail(err, SYNCTALK_E_MODEL,
                       "%s: not a SyncTalk UNet: " FIRST_AUDIO
                       " takes %zu channels instead of %zu (ave, hubert) or %zu (wenet)",
                       st_weights_path(weights), audio->dims[1], width, 8 * width);
    form->narrow = width == narrow;
    form->window = form->narrow ? 8 : 16;
    form->encoder = audio->dims[1] == width ? SYNCTALK_ENCODER_AUTO : SYNCTALK_ENCODER_WENET;
    return SYNCTALK_OK;
}

synctalk_status st_unet_recognise(struct st_unet_form *form, const struct st_weights *weights,
                                  synctalk_encoder encoder, synctalk_error *err)
{
    *form = (struct st_unet_form){0};
    synctalk_status st = read_shapes(form, weights, err);
    if (st)
        return st;

    bool by_shape = form->encoder == SYNCTALK_ENCODER_WENET;
    const char *said = st_weights_metadata(weights, ST_UNET_ENCODER_KEY);
    if (!by_shape && said && strcmp(said, features[SYNCTALK_ENCODER_AVE].name) == 0)
        form->encoder = SYNCTALK_ENCODER_AVE;
    if (!by_shape && said && strcmp(said, features[SYNCTALK_ENCODER_HUBERT].name) == 0)
        form->encoder = SYNCTALK_ENCODER_HUBERT;

    bool open = form->encoder == SYNCTALK_ENCODER_AUTO;
    if (encoder != SYNCTALK_ENCODER_AUTO && !open && encoder != form->encoder)
        return st_fail(err, SYNCTALK_E_ARG, "%s was made for %s features, not %s: use --encoder %s",
                       st_weights_path(weights), features[form->encoder].name,
                       features[encoder].name, features[form->encoder].name);
    if (encoder == SYNCTALK_ENCODER_WENET && open)
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s was made for ave or hubert features, not wenet: use --encoder ave or "
                       "--encoder hubert",
                       st_weights_path(weights));
    if (open)
        form->encoder = encoder;
    st_unet_form_complete(form);
    return SYNCTALK_OK;
}

void st_unet_form_complete(struct st_unet_form *form)
{
    const struct feature *feature = &features[form->encoder];
    form->window = form->narrow ? 8 : 16;
    form->vector = feature->vector;
    for (int i = 0; i < 3; i++)
        form->audio_dims[i] = feature->dims[i];
    if (form->narrow)
        form->audio_dims[0] /= 2;
}

const char *st_unet_encoder_name(synctalk_encoder encoder)
{
    return features[encoder].name;
}
