/* SPDX-License-Identifier: Apache-2.0 */
/* What the activations of a checkpoint range over, seen on frames of the person. */
#ifndef ST_MODELS_UNET_OBSERVE_H
#define ST_MODELS_UNET_OBSERVE_H

#include "models/unet_recipe.h"
#include "synctalk/progress.h"

/* Frames and the sound that goes with them, as st_unet_run() takes them; borrowed. Whatever runs
 * them asks `callbacks`, which may be NULL, before each whether to stop: E_CANCELLED. */
struct st_unet_samples {
    size_t count;
    const float *const *images, *const *sounds;
    const synctalk_callbacks *callbacks;
};

/* Fill the ranges of `recipe` (st_unet_recipe_alloc()) with the extremes over `samples` and a tenth
 * more, to three digits. */
synctalk_status st_unet_observe(struct st_unet_recipe *recipe, const struct st_weights *weights,
                                const struct st_unet_form *form, const struct st_kernels *kernels,
                                const struct st_unet_samples *samples, synctalk_error *err);

/* How many numbers lay where, channel by channel, in eighths of an octave below the extremes; of
 * units from `first` on. */
struct st_unet_tails;
synctalk_status st_unet_tails_open(struct st_unet_tails **out, const struct st_unet_recipe *recipe,
                                   size_t first, const struct st_weights *weights,
                                   const struct st_unet_form *form,
                                   const struct st_kernels *kernels,
                                   const struct st_unet_samples *samples, synctalk_error *err);
void st_unet_tails_close(struct st_unet_tails **tails); /* NULL-safe */

/* Ranges of unit `unit`, at least `first`, of `to` that leave out at most `share` of the numbers at
 * either end; they are never wider than those of the recipe that the tails were made of. */
void st_unet_tails_clip(const struct st_unet_tails *tails, size_t unit, double share,
                        struct st_unet_recipe *to);

#endif /* ST_MODELS_UNET_OBSERVE_H */
