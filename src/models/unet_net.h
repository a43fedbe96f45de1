/* SPDX-License-Identifier: Apache-2.0 */
/* The UNet as a net of oneDNN's convolutions (nn/net.h), in f32: where nothing here
 * is faster, and what our kernels are measured against. The functions are those of
 * unet.h, which hands over to them.
 */
#ifndef ST_MODELS_UNET_NET_H
#define ST_MODELS_UNET_NET_H

#include "models/unet.h"

struct st_unet_net;
struct st_unet_net_worker;

synctalk_status st_unet_net_open(struct st_unet_net **out, const struct st_weights *weights,
                                 const struct st_unet_form *form, const struct st_kernels *kernels,
                                 synctalk_error *err);
void st_unet_net_close(struct st_unet_net **unet);

size_t st_unet_net_image_bytes(const struct st_unet_net *unet);
size_t st_unet_net_audio_bytes(const struct st_unet_net *unet);

synctalk_status st_unet_net_worker_open(struct st_unet_net_worker **out,
                                        const struct st_unet_net *unet, synctalk_error *err);
void st_unet_net_worker_close(struct st_unet_net_worker **worker);

synctalk_status st_unet_net_run_audio(struct st_unet_net_worker *worker, const float *audio,
                                      void *audio_side, synctalk_error *err);
synctalk_status st_unet_net_run_image(struct st_unet_net_worker *worker, const float *image,
                                      void *image_side, synctalk_error *err);
synctalk_status st_unet_net_load_image(struct st_unet_net_worker *worker, const float *image,
                                       const void *image_side, synctalk_error *err);
synctalk_status st_unet_net_run_rest(struct st_unet_net_worker *worker, const void *audio_side,
                                     float *out, synctalk_error *err);

/* All at once: no copies of sides. */
synctalk_status st_unet_net_run(struct st_unet_net_worker *worker, const float *image,
                                const float *audio, float *out, synctalk_error *err);

#endif /* ST_MODELS_UNET_NET_H */
