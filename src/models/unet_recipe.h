/* SPDX-License-Identifier: Apache-2.0 */
/* How a UNet is computed: the element that each unit multiplies in, and what its activations
 * range over, without which nothing can be a byte.
 */
#ifndef ST_MODELS_UNET_RECIPE_H
#define ST_MODELS_UNET_RECIPE_H

#include <stddef.h>

#include "kernels/pixel.h"
#include "models/unet.h"

#define ST_UNET_UNITS 40 /* at most */

/* What one unit was seen to give, channel by channel; owned arrays, NULL where never seen.
 * C channels come out, E are between the 1x1 convolutions of an inverted residual. */
struct st_unit_ranges {
    size_t C, E;
    float *low, *high;          /* [C] */
    float *expanded, *filtered; /* [E], the highest; the lowest is 0 */
};

struct st_unet_recipe {
    size_t count; /* units of the network */
    enum st_element elements[ST_UNET_UNITS];
    struct st_unit_ranges ranges[ST_UNET_UNITS];
    struct st_unit_ranges audio; /* the network's input: low and high alone */
};

/* The levels of one channel that ranges from `low` to `high`, zero being one of them; see struct
 * st_levels. */
void st_unet_levels(float low, float high, float *scale, float *offset, float *inverse,
                    float *zero);

/* Everything in `element`, and no ranges. */
void st_unet_recipe_uniform(struct st_unet_recipe *recipe, const struct st_unet_form *form,
                            enum st_element element);

/* Zeroed arrays for ranges, of the sizes of `form`'s units. */
synctalk_status st_unet_recipe_alloc(struct st_unet_recipe *recipe, const struct st_unet_form *form,
                                     synctalk_error *err);
void st_unet_recipe_free(struct st_unet_recipe *recipe); /* safe on a zeroed struct */

#endif /* ST_MODELS_UNET_RECIPE_H */
