/* SPDX-License-Identifier: Apache-2.0 */
/* The UNet as stages of our own (nn/stage.h), in the elements that a recipe says, on
 * CPUs from AVX2 on. The functions are those of unet.h, which hands over to them.
 */
#ifndef ST_MODELS_UNET_STAGES_H
#define ST_MODELS_UNET_STAGES_H

#include "models/unet.h"
#include "models/unet_recipe.h"

struct st_unet_stages;
struct st_unet_stages_worker;

/* Told of the activations of each unit in turn. Only where all is F32. */
struct st_unet_watch {
    void (*see)(void *context, size_t unit, int what, const float *rows, size_t P, size_t C,
                size_t stride); /* `what`: enum st_seen */
    void *context;
};

synctalk_status st_unet_stages_open(struct st_unet_stages **out, const struct st_weights *weights,
                                    const struct st_unet_form *form,
                                    const struct st_unet_recipe *recipe,
                                    const struct st_kernels *kernels, synctalk_error *err);
void st_unet_stages_close(struct st_unet_stages **stages);

size_t st_unet_stages_image_bytes(const struct st_unet_stages *stages);
size_t st_unet_stages_audio_bytes(const struct st_unet_stages *stages);
size_t st_unet_stages_weight_bytes(const struct st_unet_stages *stages);
size_t st_unet_stages_worker_bytes(const struct st_unet_stages *stages);

synctalk_status st_unet_stages_worker_open(struct st_unet_stages_worker **out,
                                           const struct st_unet_stages *stages,
                                           synctalk_error *err);
void st_unet_stages_worker_close(struct st_unet_stages_worker **worker);
void st_unet_stages_set_watch(struct st_unet_stages_worker *worker,
                              const struct st_unet_watch *watch);

/* One unit alone, on what lies in the worker: for benchmarks. */
void st_unet_stages_run_unit(struct st_unet_stages_worker *worker, const float *image, float *out,
                             size_t unit);

void st_unet_stages_run_audio(struct st_unet_stages_worker *worker, const float *audio,
                              void *audio_side);
void st_unet_stages_run_image(struct st_unet_stages_worker *worker, const float *image,
                              void *image_side);
void st_unet_stages_load_image(struct st_unet_stages_worker *worker, const float *image,
                               const void *image_side);
/* NULL for an audio side that the worker itself made last. */
void st_unet_stages_run_rest(struct st_unet_stages_worker *worker, const void *audio_side,
                             float *out);

#endif /* ST_MODELS_UNET_STAGES_H */
