/* SPDX-License-Identifier: Apache-2.0 */
/* The UNet's wiring: one table of units in the order in which they run. What is loaded,
 * what is made at random and what is built all come from it.
 */
#ifndef ST_MODELS_UNET_WIRING_H
#define ST_MODELS_UNET_WIRING_H

#include <stdbool.h>

#include "models/parts.h"
#include "models/unet.h"

#define ST_UNET_ENCODER_KEY "synctalk.encoder" /* metadata */
#define ST_UNET_PARTS 3                        /* of one unit, at most */

enum st_unet_kind {
    ST_UNIT_INVERTED, /* 1x1 to twice the channels, depthwise 3x3, 1x1 back */
    ST_UNIT_DENSE,    /* 3x3 with bias and batch norm, ReLU */
    ST_UNIT_HEAD,     /* 1x1 with bias, sigmoid */
};

/* Outputs that a later unit comes back to. */
enum st_unet_held {
    ST_HELD_NONE,
    ST_HELD_X1, /* inc, at 320 x 320, ... */
    ST_HELD_X2,
    ST_HELD_X3,
    ST_HELD_X4,
    ST_HELD_X5,
    ST_HELD_X6, /* down5, at 10 x 10 */
    ST_HELD_AUDIO,
    ST_HELD_COUNT,
};

/* What a unit reads. */
enum st_unet_source {
    ST_READ_LAST,  /* the unit before */
    ST_READ_IMAGE, /* the first input of the network */
    ST_READ_AUDIO, /* the second */
    ST_READ_JOIN,  /* the held one, then the audio branch's output */
    ST_READ_RAISE, /* the last, upsampled, then the held one */
};

struct st_unet_unit {
    const char *name; /* prefix of its tensors */
    const char *norm; /* of a dense unit: prefix of its batch norm */
    enum st_unet_kind kind;
    int cin, cout;
    int stride_h, stride_w, pad;
    bool residual;
    enum st_unet_source source;
    enum st_unet_held with; /* for JOIN and RAISE */
    enum st_unet_held hold; /* keep the output as this */
};

/* Unit `index` of the network of `form`, whose encoder is decided; false past the end. */
bool st_unet_unit_at(const struct st_unet_form *form, size_t index, struct st_unet_unit *unit);

/* Its convolutions; returns how many. */
size_t st_unet_unit_parts(const struct st_unet_unit *unit, struct st_part parts[ST_UNET_PARTS]);

/* Pixels that unit `index` writes. */
size_t st_unet_unit_pixels(const struct st_unet_form *form, size_t index);

/* Fill window, vector and audio_dims from narrow and encoder. */
void st_unet_form_complete(struct st_unet_form *form);

/* Width of the network, the number of channels of `inc`: 32, narrow 16. */
int st_unet_width(bool narrow);

/* As in metadata and options. Static. */
const char *st_unet_encoder_name(synctalk_encoder encoder);

#endif /* ST_MODELS_UNET_WIRING_H */
