/* SPDX-License-Identifier: Apache-2.0 */
#include "models/unet_recipe.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "models/unet_wiring.h"

void st_unet_recipe_uniform(struct st_unet_recipe *recipe, const struct st_unet_form *form,
                            enum st_element element)
{
    struct st_unet_unit unit;
    *recipe = (struct st_unet_recipe){0};
    while (st_unet_unit_at(form, recipe->count, &unit)) {
        assert(recipe->count < ST_UNET_UNITS);
        recipe->elements[recipe->count++] = element;
    }
}

void st_unet_levels(float low, float high, float *scale, float *offset, float *inverse, float *zero)
{
    *scale = high - low > 1e-20F ? (high - low) / 255 : 1;
    *inverse = 1 / *scale;
    const float level = -low * *inverse;
    *zero = (float)(int)(level + 0.5F);
    *offset = -*zero * *scale;
}

static bool alloc_ranges(struct st_unit_ranges *ranges, size_t C, size_t E)
{
    *ranges = (struct st_unit_ranges){.C = C, .E = E};
    ranges->low = calloc(C, sizeof(float));
    ranges->high = calloc(C, sizeof(float));
    ranges->expanded = calloc(E + 1, sizeof(float));
    ranges->filtered = calloc(E + 1, sizeof(float));
    return ranges->low && ranges->high && ranges->expanded && ranges->filtered;
}

synctalk_status st_unet_recipe_alloc(struct st_unet_recipe *recipe, const struct st_unet_form *form,
                                     synctalk_error *err)
{
    struct st_unet_unit unit;
    bool ok = alloc_ranges(&recipe->audio, form->audio_dims[0], 0);
    for (size_t i = 0; ok && st_unet_unit_at(form, i, &unit); i++)
        ok = alloc_ranges(&recipe->ranges[i], (size_t)unit.cout,
                          unit.kind == ST_UNIT_INVERTED ? (size_t)unit.cin * 2 : 0);
    if (ok)
        return SYNCTALK_OK;
    st_unet_recipe_free(recipe);
    return st_fail_memory(err, "the ranges of a network", sizeof(float));
}

static void free_ranges(struct st_unit_ranges *ranges)
{
    free(ranges->low);
    free(ranges->high);
    free(ranges->expanded);
    free(ranges->filtered);
    *ranges = (struct st_unit_ranges){0};
}

void st_unet_recipe_free(struct st_unet_recipe *recipe)
{
    free_ranges(&recipe->audio);
    for (size_t i = 0; i < ST_UNET_UNITS; i++)
        free_ranges(&recipe->ranges[i]);
}
