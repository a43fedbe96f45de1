/* SPDX-License-Identifier: Apache-2.0 */
/* The networks in their training form, from the wiring that inference runs on; and their
 * tensors from and to checkpoints.
 *
 *     st_train_net_create(&net, &settings, err);
 *     st_train_unet_build(net, &form);             adds layers
 *     st_train_net_finish(net, err);               reports what failed in between
 *     st_train_net_init(net, seed);
 *     st_train_load(net, weights, err);            a warm start
 */
#ifndef ST_MODELS_TRAIN_MODELS_H
#define ST_MODELS_TRAIN_MODELS_H

#include "models/unet.h"
#include "nn/train_net.h"
#include "weights/weights.h"

/* Fill window, vector and audio_dims of a form from its width and (decided) encoder. */
void st_train_unet_form(struct st_unet_form *form, bool narrow, synctalk_encoder encoder);

/* Input 0 image [6, 320, 320]: inner crop, masked crop, BGR planes in [0, 1]; input 1 audio
 * [form->audio_dims]; output 0 [3, 320, 320] in (0, 1). */
void st_train_unet_build(struct st_train_net *net, const struct st_unet_form *form);

/* AVE without an ending: `mel` is a value [1, 80, 16], from st_train_input(); returns the
 * value [512, 1, 1] of features, for st_train_output() and for heads (1x1 convolutions)
 * on it. Tensor names are bare ("0.conv_block.0.weight"). */
int st_train_ave_build(struct st_train_net *net, int mel);

/* SyncNet for windows of `form`: audio_dims[0] is the channel count of its audio encoder
 * (32 ave and hubert, 128 or 256 wenet), the encoder decides the strides.
 * Input 0 face [3, 320, 320], input 1 audio [form->audio_dims]; output 0 face vector,
 * output 1 audio vector, both [512, 3, 3] of unit length: their dot product is the score.
 * `face_gradient`: backward reaches input 0, for the sync term of a UNet's loss. */
void st_train_syncnet_build(struct st_train_net *net, const struct st_unet_form *form,
                            bool face_gradient);

/* Is this set of tensors a SyncNet for such windows? E_MODEL with the reason if not. */
synctalk_status st_train_syncnet_recognise(const struct st_weights *weights,
                                           const struct st_unet_form *form, synctalk_error *err);

/* Every tensor of a finished net by its name, of any float type; BatchNorm counters may be
 * absent (then 0). Names may stand behind `prefix` ("" or e.g. "audio_encoder."). E_MODEL
 * where one is absent, has another shape or is not finite; the net is then half loaded. */
synctalk_status st_train_load(struct st_train_net *net, const struct st_weights *weights,
                              const char *prefix, synctalk_error *err);

/* Add every tensor to a set, as published: f32, counters i64 of rank 0. Tensors whose name
 * begins with `without` (NULL: none) are left out, e.g. the heads of an encoder's trainer.
 * For a UNet follow with st_weights_add_metadata(ST_UNET_ENCODER_KEY, ...). */
synctalk_status st_train_save(struct st_train_net *net, struct st_weights *weights,
                              const char *without, synctalk_error *err);

#endif /* ST_MODELS_TRAIN_MODELS_H */
