/* SPDX-License-Identifier: Apache-2.0 */
#include "models/unet_calibrate.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "models/unet_trial.h"
#include "models/unet_wiring.h"
#include "synctalk/settings.h"

#define MARGIN_DB 1.0 /* frames that were not seen may be worse than those that were */
#define ALMOST 1.05   /* errors of blocks add up nearly */

/* Multiplications for each pixel that is written. */
static double work_of(const struct st_unet_unit *unit)
{
    const double C = unit->cin, K = unit->cout;
    switch (unit->kind) {
    case ST_UNIT_INVERTED:
        return 2 * C * (C * unit->stride_h * unit->stride_w + 9 + K);
    case ST_UNIT_DENSE:
        return 9 * C * K;
    default:
        return C * K;
    }
}

size_t st_unet_blocks(const struct st_unet_form *form, struct st_unet_block blocks[ST_UNET_BLOCKS])
{
    struct st_unet_unit unit;
    size_t count = 0;
    for (size_t i = 0; st_unet_unit_at(form, i, &unit); i++) {
        const size_t length = strcspn(unit.name, ".");
        struct st_unet_block *last = count > 0 ? &blocks[count - 1] : NULL;
        if (!last || strncmp(last->name, unit.name, length) != 0 || last->name[length]) {
            assert(count < ST_UNET_BLOCKS && length < ST_UNET_BLOCK_NAME);
            last = &blocks[count++];
            *last = (struct st_unet_block){.first = i};
            memcpy(last->name, unit.name, length);
        }
        last->count++;
        last->work += work_of(&unit) * (double)st_unet_unit_pixels(form, i);
    }
    return count;
}

static enum st_element exact_element(unsigned flags)
{
    return st_pixel_kernels_have(flags, ST_ELEMENT_BF16) ? ST_ELEMENT_BF16 : ST_ELEMENT_F32;
}

static void set_block(struct st_unet_recipe *recipe, const struct st_unet_block *block,
                      enum st_element element)
{
    for (size_t i = 0; i < block->count; i++)
        recipe->elements[block->first + i] = element;
}

void st_unet_recipe_set(struct st_unet_recipe *recipe, const struct st_unet_form *form,
                        int precision, unsigned flags,
                        const struct st_unet_calibration *calibration)
{
    struct st_unet_block blocks[ST_UNET_BLOCKS];
    const size_t count = st_unet_blocks(form, blocks);
    assert(precision != SYNCTALK_PRECISION_AUTO);
    for (size_t b = 0; b < count; b++)
        set_block(recipe, &blocks[b],
                  precision == SYNCTALK_PRECISION_MIXED  ? calibration->mixed[b]
                  : precision == SYNCTALK_PRECISION_INT8 ? ST_ELEMENT_U8
                  : precision == SYNCTALK_PRECISION_BF16 ? exact_element(flags)
                                                         : ST_ELEMENT_F32);
}

/* What a block that bears no bytes is computed in: BF16 is not faster than F32 everywhere. */
static enum st_element instead_of_bytes(const struct st_unet_calibration *c)
{
    return c->bf16_db >= c->target_db && c->bf16_ms < c->f32_ms ? ST_ELEMENT_BF16 : ST_ELEMENT_F32;
}

/* Give up bytes in the block where that gains most for its work. False: no block has any. */
static bool give_up_one(struct st_unet_calibration *out, const struct st_unet_block *blocks,
                        size_t count, const double *errors)
{
    size_t best = count;
    double most = -1;
    for (size_t b = 0; b < count; b++) {
        const double gain = errors[b] / blocks[b].work;
        if (out->mixed[b] == ST_ELEMENT_U8 && gain > most) {
            most = gain;
            best = b;
        }
    }
    if (best == count)
        return false;
    out->mixed[best] = instead_of_bytes(out);
    return true;
}

static double sum_of_bytes(const struct st_unet_calibration *out, size_t count,
                           const double *errors, double rest)
{
    double sum = rest;
    for (size_t b = 0; b < count; b++)
        if (out->mixed[b] == ST_ELEMENT_U8)
            sum += errors[b];
    return sum;
}

/* Blocks that were given up before a larger one was may have room again. */
static synctalk_status take_back(struct st_unet_calibration *out, struct st_unet_trial *t,
                                 struct st_unet_recipe *recipe, size_t count, const double *errors,
                                 double allowed, synctalk_error *err)
{
    for (size_t b = 0; b < count; b++) {
        const enum st_element was = out->mixed[b];
        double worst, ms;
        if (was == ST_ELEMENT_U8 || pow(10, -out->mixed_db / 10) + errors[b] > allowed * ALMOST)
            continue;
        out->mixed[b] = ST_ELEMENT_U8;
        st_unet_recipe_set(recipe, t->form, SYNCTALK_PRECISION_MIXED, out->flags, out);
        synctalk_status st = st_unet_trial_measure(t, recipe, &worst, &ms, err);
        if (st)
            return st;
        if (worst > allowed) {
            out->mixed[b] = was;
            continue;
        }
        out->mixed_db = st_unet_decibels(worst);
        out->mixed_ms = ms;
    }
    return SYNCTALK_OK;
}

/* The mixture: from what blocks lose alone, then from what the whole does. */
static synctalk_status mix(struct st_unet_calibration *out, struct st_unet_trial *t,
                           struct st_unet_recipe *recipe, const struct st_unet_block *blocks,
                           size_t count, const double *errors, double rest, synctalk_error *err)
{
    const double allowed = pow(10, -(out->target_db + MARGIN_DB) / 10);
    synctalk_status st;
    double worst = 0;
    for (size_t b = 0; b < count; b++)
        out->mixed[b] = ST_ELEMENT_U8;
    while (sum_of_bytes(out, count, errors, rest) > allowed)
        if (!give_up_one(out, blocks, count, errors))
            break;
    for (;;) {
        st_unet_recipe_set(recipe, t->form, SYNCTALK_PRECISION_MIXED, out->flags, out);
        if ((st = st_unet_trial_measure(t, recipe, &worst, &out->mixed_ms, err)))
            return st;
        if (worst <= allowed || !give_up_one(out, blocks, count, errors))
            break;
    }
    out->mixed_db = st_unet_decibels(worst);
    return take_back(out, t, recipe, count, errors, allowed, err);
}

static bool all_bytes(const struct st_unet_calibration *c, size_t count)
{
    for (size_t b = 0; b < count; b++)
        if (c->mixed[b] != ST_ELEMENT_U8)
            return false;
    return true;
}

/* Bytes everywhere keep the margin that the mixture does, for it is the same frames that say so. */
static void choose(struct st_unet_calibration *out, size_t count)
{
    out->choice = SYNCTALK_PRECISION_F32;
    double least = out->f32_ms;
    if (out->bf16_db >= out->target_db && out->bf16_ms < least) {
        out->choice = SYNCTALK_PRECISION_BF16;
        least = out->bf16_ms;
    }
    if (out->mixed_db >= out->target_db && out->mixed_ms < least) {
        out->choice = SYNCTALK_PRECISION_MIXED;
        least = out->mixed_ms;
    }
    if (out->bytes_db >= out->target_db + MARGIN_DB &&
        (out->bytes_ms < least || (all_bytes(out, count) && out->mixed_ms <= least)))
        out->choice = SYNCTALK_PRECISION_INT8;
}

static synctalk_status calibrate(struct st_unet_calibration *out, struct st_unet_trial *t,
                                 struct st_unet_recipe *recipe, synctalk_error *err)
{
    struct st_unet_block blocks[ST_UNET_BLOCKS];
    const size_t count = st_unet_blocks(t->form, blocks);
    const enum st_element exact = exact_element(out->flags);
    double errors[ST_UNET_BLOCKS], rest = 0, worst;
    synctalk_status st;

    out->f32_ms = t->f32_ms;
    if (exact == ST_ELEMENT_BF16) {
        st_unet_recipe_set(recipe, t->form, SYNCTALK_PRECISION_BF16, out->flags, NULL);
        if ((st = st_unet_trial_measure(t, recipe, &rest, &out->bf16_ms, err)))
            return st;
        out->bf16_db = st_unet_decibels(rest);
    }
    for (size_t b = 0; b < count; b++) {
        st_unet_recipe_set(recipe, t->form, SYNCTALK_PRECISION_BF16, out->flags, NULL);
        set_block(recipe, &blocks[b], ST_ELEMENT_U8);
        if ((st = st_unet_trial_measure(t, recipe, &worst, NULL, err)))
            return st;
        out->block_db[b] = st_unet_decibels(worst);
        errors[b] = fmax(worst - rest, 0);
    }
    st_unet_recipe_set(recipe, t->form, SYNCTALK_PRECISION_INT8, out->flags, NULL);
    if ((st = st_unet_trial_measure(t, recipe, &worst, &out->bytes_ms, err)))
        return st;
    out->bytes_db = st_unet_decibels(worst);
    if (!(st = mix(out, t, recipe, blocks, count, errors, rest, err)))
        choose(out, count);
    return st;
}

synctalk_status st_unet_calibrate(struct st_unet_calibration *out,
                                  const struct st_unet_recipe *recipe,
                                  const struct st_weights *weights, const struct st_unet_form *form,
                                  const struct st_kernels *kernels,
                                  const struct st_unet_samples *samples, size_t compared,
                                  synctalk_error *err)
{
    struct st_unet_recipe tried = *recipe; /* the ranges stay the caller's */
    struct st_unet_trial t;
    *out = (struct st_unet_calibration){.flags = out->flags, .target_db = out->target_db};
    synctalk_status st = st_unet_trial_open(&t, weights, form, kernels, samples, compared, err);
    if (!st)
        st = calibrate(out, &t, &tried, err);
    st_unet_trial_close(&t);
    return st;
}
