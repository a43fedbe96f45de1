/* SPDX-License-Identifier: Apache-2.0 */
/* What a checkpoint is: width and WeNet show in its shapes, AVE and HuBERT do not. */
#include <stdio.h>
#include <stdlib.h>
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

synctalk_encoder st_unet_encoder_of(size_t vector)
{
    for (int kind = SYNCTALK_ENCODER_AVE; kind <= SYNCTALK_ENCODER_WENET; kind++)
        if (features[kind].vector == vector)
            return (synctalk_encoder)kind;
    return SYNCTALK_ENCODER_AUTO;
}

/* The note that was saved with it, where there is one and it does not contradict the shapes. */
static void read_note(struct st_unet_form *form, const struct st_weights *weights)
{
    const char *said = st_weights_metadata(weights, ST_UNET_ENCODER_KEY);
    const bool wenet = form->encoder == SYNCTALK_ENCODER_WENET;
    const char *slash = said ? strchr(said, '/') : NULL;
    const size_t length = slash ? (size_t)(slash - said) : said ? strlen(said) : 0;
    synctalk_encoder kind = SYNCTALK_ENCODER_AUTO;

    if (length == 0 || length >= sizeof form->hears)
        return;
    if (slash)
        kind = st_unet_encoder_of(strtoul(slash + 1, NULL, 10));
    for (int k = SYNCTALK_ENCODER_AVE; !slash && k <= SYNCTALK_ENCODER_WENET; k++)
        if (strcmp(said, features[k].name) == 0)
            kind = (synctalk_encoder)k;
    if (kind == SYNCTALK_ENCODER_AUTO || (kind == SYNCTALK_ENCODER_WENET) != wenet)
        return;
    form->encoder = kind;
    snprintf(form->hears, sizeof form->hears, "%.*s", (int)length, said);
}

static synctalk_status choose(struct st_unet_form *form, const struct st_weights *weights,
                              const struct st_unet_ear *ear, synctalk_error *err)
{
    const char *path = st_weights_path(weights);
    const synctalk_encoder kind = st_unet_encoder_of(ear->vector);

    if (kind == SYNCTALK_ENCODER_AUTO)
        return st_fail(err, SYNCTALK_E_ARG,
                       "the audio encoder %s gives vectors of %zu numbers; a checkpoint takes 512, "
                       "2048 or 8192",
                       ear->name, ear->vector);
    if (form->hears[0] && strcmp(form->hears, ear->name) != 0)
        return st_fail(err, SYNCTALK_E_ARG, "%s was made for %s features, not %s: use --encoder %s",
                       path, form->hears, ear->name, form->hears);
    if (form->encoder == SYNCTALK_ENCODER_WENET && kind != SYNCTALK_ENCODER_WENET)
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s was made for wenet features, of 8192 numbers, not %s, of %zu: use "
                       "--encoder wenet",
                       path, ear->name, ear->vector);
    if (form->encoder != SYNCTALK_ENCODER_WENET && kind == SYNCTALK_ENCODER_WENET)
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s was made for ave or hubert features, not %s, of 8192 numbers: use "
                       "--encoder ave or --encoder hubert",
                       path, ear->name);
    if (form->encoder != SYNCTALK_ENCODER_AUTO && form->encoder != kind)
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s was made for %s features, of %zu numbers, but %s gives %zu: was its "
                       "description changed?",
                       path, form->hears, features[form->encoder].vector, ear->name, ear->vector);
    form->encoder = kind;
    snprintf(form->hears, sizeof form->hears, "%s", ear->name);
    return SYNCTALK_OK;
}

synctalk_status st_unet_recognise_for(struct st_unet_form *form, const struct st_weights *weights,
                                      const struct st_unet_ear *ear, synctalk_error *err)
{
    *form = (struct st_unet_form){0};
    synctalk_status st = read_shapes(form, weights, err);
    if (st)
        return st;
    read_note(form, weights);
    if (ear && (st = choose(form, weights, ear, err)))
        return st;
    if (!form->hears[0] && form->encoder != SYNCTALK_ENCODER_AUTO)
        snprintf(form->hears, sizeof form->hears, "%s", features[form->encoder].name);
    st_unet_form_complete(form);
    return SYNCTALK_OK;
}

synctalk_status st_unet_recognise(struct st_unet_form *form, const struct st_weights *weights,
                                  synctalk_encoder encoder, synctalk_error *err)
{
    const struct st_unet_ear ear = {features[encoder].name, features[encoder].vector};
    return st_unet_recognise_for(form, weights, encoder == SYNCTALK_ENCODER_AUTO ? NULL : &ear,
                                 err);
}

void st_unet_form_note(const struct st_unet_form *form, char note[ST_UNET_EAR + 24])
{
    if (strcmp(form->hears, features[form->encoder].name) == 0)
        snprintf(note, ST_UNET_EAR + 24, "%s", form->hears);
    else
        snprintf(note, ST_UNET_EAR + 24, "%s/%zu", form->hears, form->vector);
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
