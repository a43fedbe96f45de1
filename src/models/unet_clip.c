/* SPDX-License-Identifier: Apache-2.0 */
#include "models/unet_clip.h"

#include <string.h>

#include "models/unet_calibrate.h"
#include "models/unet_trial.h"
#include "models/unet_wiring.h"

#define ENOUGH 0.98 /* of the error, or a clip is not worth it: frames differ by more */

/* Shares of the numbers that are left out, rising. */
static const double shares[] = {3e-5, 1e-4, 3e-4, 6e-4, 1e-3, 2e-3, 4e-3};
#define SHARES (sizeof shares / sizeof *shares)

static void copy_unit(struct st_unit_ranges *to, const struct st_unit_ranges *from)
{
    memcpy(to->low, from->low, from->C * sizeof(float));
    memcpy(to->high, from->high, from->C * sizeof(float));
    memcpy(to->expanded, from->expanded, from->E * sizeof(float));
    memcpy(to->filtered, from->filtered, from->E * sizeof(float));
}

static void copy_block(struct st_unet_recipe *to, const struct st_unet_recipe *from,
                       const struct st_unet_block *block)
{
    for (size_t i = block->first; i < block->first + block->count; i++)
        copy_unit(&to->ranges[i], &from->ranges[i]);
}

struct clipping {
    struct st_unet_trial trial;
    struct st_unet_tails *tails;
    struct st_unet_recipe tried; /* owns its ranges; bytes everywhere */
    double error;                /* of the recipe as it stands */
};

/* The share that is best for one block. */
static synctalk_status clip_block(struct clipping *c, struct st_unet_recipe *recipe,
                                  const struct st_unet_block *block, synctalk_error *err)
{
    for (size_t i = 0; i < SHARES; i++) {
        double error;
        for (size_t u = block->first; u < block->first + block->count; u++)
            st_unet_tails_clip(c->tails, u, shares[i], &c->tried);
        synctalk_status st = st_unet_trial_measure(&c->trial, &c->tried, &error, NULL, err);
        if (st)
            return st;
        if (error > c->error)
            break;
        if (error >= ENOUGH * c->error)
            continue;
        c->error = error;
        copy_block(recipe, &c->tried, block);
    }
    copy_block(&c->tried, recipe, block);
    return SYNCTALK_OK;
}

/* The first unit that reads what was raised. In none before it did a clip ever pay on a real
 * checkpoint: what is cut off of a picture there, all that follows goes without. */
static size_t first_clipped(const struct st_unet_form *form)
{
    struct st_unet_unit unit;
    size_t i = 0;
    while (st_unet_unit_at(form, i, &unit) && unit.source != ST_READ_RAISE)
        i++;
    return i;
}

static synctalk_status clip(struct clipping *c, struct st_unet_recipe *recipe,
                            const struct st_unet_form *form, size_t first, synctalk_error *err)
{
    struct st_unet_block blocks[ST_UNET_BLOCKS];
    const size_t count = st_unet_blocks(form, blocks);
    synctalk_status st = st_unet_trial_measure(&c->trial, &c->tried, &c->error, NULL, err);
    for (size_t b = count - 1; !st && b-- > 0 && blocks[b].first >= first;) /* but the head */
        st = clip_block(c, recipe, &blocks[b], err);
    return st;
}

synctalk_status st_unet_find_ranges(struct st_unet_recipe *recipe, const struct st_weights *weights,
                                    const struct st_unet_form *form,
                                    const struct st_kernels *kernels,
                                    const struct st_unet_samples *samples, size_t compared,
                                    synctalk_error *err)
{
    struct clipping c = {0};
    const size_t first = first_clipped(form);
    synctalk_status st;
    st_unet_recipe_uniform(&c.tried, form, ST_ELEMENT_U8);
    if ((st = st_unet_observe(recipe, weights, form, kernels, samples, err)) ||
        (st = st_unet_recipe_alloc(&c.tried, form, err)) ||
        (st = st_unet_trial_open(&c.trial, weights, form, kernels, samples, compared, err)) ||
        (st = st_unet_tails_open(&c.tails, recipe, first, weights, form, kernels, samples, err)))
        goto done;
    copy_unit(&c.tried.audio, &recipe->audio);
    for (size_t i = 0; i < recipe->count; i++)
        copy_unit(&c.tried.ranges[i], &recipe->ranges[i]);
    st = clip(&c, recipe, form, first, err);
done:
    st_unet_tails_close(&c.tails);
    st_unet_trial_close(&c.trial);
    st_unet_recipe_free(&c.tried);
    return st;
}
