/* SPDX-License-Identifier: Apache-2.0 */
/* What the activations of a checkpoint range over, seen on frames of the person. */
#ifndef ST_MODELS_UNET_OBSERVE_H
#define ST_MODELS_UNET_OBSERVE_H

#include "models/unet_recipe.h"

/* Frames and the sound that goes with them, as st_unet_run() takes them; borrowed. */
struct st_unet_samples {
    size_t count;
    const float *const *images, *const *sounds;
};

/* Fill the ranges of `recipe` (st_unet_recipe_alloc()) with the extremes over `samples` and a tenth
 * more, to three digits. */
synctalk_status st_unet_observe(struct st_unet_recipe *recipe, const struct st_weights *weights,
                                const struct st_unet_form *form, const struct st_kernels *kernels,
                                const struct st_unet_samples *samples, synctalk_error *err);

#endif /* ST_MODELS_UNET_OBSERVE_H */
