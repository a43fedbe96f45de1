/* SPDX-License-Identifier: Apache-2.0 */
/* Where bytes of activations should end. A few pixels may lie twenty times as far out as all
 * others, and where the picture is white or black there anyhow, cutting them off costs nothing
 * and makes everyone else's levels finer; elsewhere what is cut off is what is seen. So only the
 * picture can say: block by block from the last, ever more is left out for as long as the
 * picture in bytes comes nearer to that of f32.
 */
#ifndef ST_MODELS_UNET_CLIP_H
#define ST_MODELS_UNET_CLIP_H

#include "models/unet_observe.h"

/* Ranges for `recipe` (st_unet_recipe_alloc()): extremes of all samples, clipped as
 * `compared` of them, evenly spread, are better for. */
synctalk_status st_unet_find_ranges(struct st_unet_recipe *recipe, const struct st_weights *weights,
                                    const struct st_unet_form *form,
                                    const struct st_kernels *kernels,
                                    const struct st_unet_samples *samples, size_t compared,
                                    synctalk_error *err);

#endif /* ST_MODELS_UNET_CLIP_H */
