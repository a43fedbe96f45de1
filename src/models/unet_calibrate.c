/* SPDX-License-Identifier: Apache-2.0 */
#include "models/unet_calibrate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "kernels/kernels.h"
#include "models/unet_stages.h"
#include "models/unet_wiring.h"
#include "synctalk/settings.h"

#define OUT_COUNT ((size_t)3 * ST_UNET_SIDE * ST_UNET_SIDE)
#define MARGIN_DB 0.5 /* frames that were not seen may be worse than those that were */
#define BEST_DB 120.0 /* of what does not differ */
#define TIMED_RUNS 3

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

/* One calibration under way. */
struct trial {
    const struct st_weights *weights;
    const struct st_unet_form *form;
    const struct st_kernels *kernels;
    const struct st_unet_samples *samples;
    float *want; /* [samples, OUT_COUNT] */
    float *got;  /* [OUT_COUNT] */
};

/* Of one frame, relative to full scale. */
static double squared_error(const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < OUT_COUNT; i++) {
        const double off = (double)a[i] - (double)b[i];
        sum += off * off;
    }
    return sum / (double)OUT_COUNT;
}

static double decibels(double squared)
{
    return squared > 0 ? fmin(-10 * log10(squared), BEST_DB) : BEST_DB;
}

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static void run(struct st_unet_stages_worker *worker, const struct st_unet_samples *samples,
                size_t i, float *out)
{
    st_unet_stages_run_audio(worker, samples->sounds[i], NULL);
    st_unet_stages_run_image(worker, samples->images[i], NULL);
    st_unet_stages_run_rest(worker, NULL, out);
}

/* The worst sample's squared error of `recipe`, against `want` or, the first time, nothing:
 * `want` is made then. The least time of a frame, where asked. */
static synctalk_status measure(struct trial *t, const struct st_unet_recipe *recipe, bool first,
                               double *worst, double *ms, synctalk_error *err)
{
    struct st_unet_stages *stages = NULL;
    struct st_unet_stages_worker *worker = NULL;
    synctalk_status st;
    if ((st = st_unet_stages_open(&stages, t->weights, t->form, recipe, t->kernels, err)) ||
        (st = st_unet_stages_worker_open(&worker, stages, err)))
        goto done;
    *worst = 0;
    for (size_t i = 0; i < t->samples->count; i++) {
        float *want = t->want + i * OUT_COUNT;
        run(worker, t->samples, i, first ? want : t->got);
        if (!first)
            *worst = fmax(*worst, squared_error(t->got, want));
    }
    for (int i = 0; ms && i < TIMED_RUNS; i++) {
        const double begin = cpu_ms();
        run(worker, t->samples, 0, t->got);
        const double took = cpu_ms() - begin;
        *ms = i > 0 ? fmin(*ms, took) : took;
    }
done:
    st_unet_stages_worker_close(&worker);
    st_unet_stages_close(&stages);
    return st;
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

/* The mixture: from what blocks lose alone, then from what the whole does. */
static synctalk_status mix(struct st_unet_calibration *out, struct trial *t,
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
        if ((st = measure(t, recipe, false, &worst, &out->mixed_ms, err)))
            return st;
        if (worst <= allowed || !give_up_one(out, blocks, count, errors))
            break;
    }
    out->mixed_db = decibels(worst);
    return SYNCTALK_OK;
}

static void choose(struct st_unet_calibration *out)
{
    out->choice = SYNCTALK_PRECISION_F32;
    double least = out->f32_ms;
    if (out->bf16_db >= out->target_db && out->bf16_ms < least) {
        out->choice = SYNCTALK_PRECISION_BF16;
        least = out->bf16_ms;
    }
    if (out->mixed_db >= out->target_db && out->mixed_ms < least)
        out->choice = SYNCTALK_PRECISION_MIXED;
}

static synctalk_status calibrate(struct st_unet_calibration *out, struct trial *t,
                                 struct st_unet_recipe *recipe, synctalk_error *err)
{
    struct st_unet_block blocks[ST_UNET_BLOCKS];
    const size_t count = st_unet_blocks(t->form, blocks);
    const enum st_element exact = exact_element(out->flags);
    double errors[ST_UNET_BLOCKS], rest = 0, worst;
    synctalk_status st;

    st_unet_recipe_set(recipe, t->form, SYNCTALK_PRECISION_F32, out->flags, NULL);
    if ((st = measure(t, recipe, true, &worst, &out->f32_ms, err)))
        return st;
    if (exact == ST_ELEMENT_BF16) {
        st_unet_recipe_set(recipe, t->form, SYNCTALK_PRECISION_BF16, out->flags, NULL);
        if ((st = measure(t, recipe, false, &rest, &out->bf16_ms, err)))
            return st;
        out->bf16_db = decibels(rest);
    }
    for (size_t b = 0; b < count; b++) {
        st_unet_recipe_set(recipe, t->form, SYNCTALK_PRECISION_BF16, out->flags, NULL);
        set_block(recipe, &blocks[b], ST_ELEMENT_U8);
        if ((st = measure(t, recipe, false, &worst, NULL, err)))
            return st;
        out->block_db[b] = decibels(worst);
        errors[b] = fmax(worst - rest, 0);
    }
    st_unet_recipe_set(recipe, t->form, SYNCTALK_PRECISION_INT8, out->flags, NULL);
    if ((st = measure(t, recipe, false, &worst, &out->bytes_ms, err)))
        return st;
    out->bytes_db = decibels(worst);
    if (!(st = mix(out, t, recipe, blocks, count, errors, rest, err)))
        choose(out);
    return st;
}

synctalk_status st_unet_calibrate(struct st_unet_calibration *out,
                                  const struct st_unet_recipe *recipe,
                                  const struct st_weights *weights, const struct st_unet_form *form,
                                  const struct st_kernels *kernels,
                                  const struct st_unet_samples *samples, synctalk_error *err)
{
    struct st_unet_recipe tried = *recipe; /* the ranges stay the caller's */
    struct trial t = {.weights = weights, .form = form, .kernels = kernels, .samples = samples};
    synctalk_status st;
    const size_t bytes = OUT_COUNT * sizeof(float);
    *out = (struct st_unet_calibration){.flags = out->flags, .target_db = out->target_db};
    t.want = malloc(samples->count * bytes);
    t.got = malloc(bytes);
    if (!t.want || !t.got)
        st = st_fail_memory(err, "pictures to compare", (samples->count + 1) * bytes);
    else
        st = calibrate(out, &t, &tried, err);
    free(t.want);
    free(t.got);
    return st;
}
