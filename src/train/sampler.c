/* SPDX-License-Identifier: Apache-2.0 */
#include "train/sampler.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"

/* What a stream of random numbers is for; the second of its names. */
enum purpose { ORDER = 1, OTHER = 2 };

synctalk_status st_sampler_open(struct st_sampler *sampler, uint64_t seed, int64_t frames,
                                int64_t per_epoch, int batch, bool pairs, const char *where,
                                synctalk_error *err)
{
    const int64_t least = pairs ? 3 : 2;
    size_t bytes;

    memset(sampler, 0, sizeof *sampler);
    if (frames < least)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: %" PRId64 " frame%s to train on, at least %" PRId64
                       " are needed%s: each is drawn from the look of another",
                       where, frames, frames == 1 ? "" : "s", least,
                       pairs ? " with --mouth-temporal" : "");
    if (pairs && batch % 2 != 0)
        return st_fail(err, SYNCTALK_E_ARG,
                       "--batch %d: with --mouth-temporal a batch is made of pairs of frames, so "
                       "it must be even",
                       batch);
    sampler->seed = seed;
    sampler->frames = frames;
    sampler->pairs = pairs;
    sampler->held = -1;
    sampler->units = pairs ? frames - 1 : frames;
    sampler->per_epoch = per_epoch > 0 ? per_epoch : frames;
    if (sampler->per_epoch < least)
        sampler->per_epoch = least;
    if (pairs)
        sampler->per_epoch &= ~(int64_t)1;
    sampler->batch = batch < sampler->per_epoch ? batch : (int)sampler->per_epoch;
    sampler->steps = sampler->per_epoch / sampler->batch;
    if (!st_mul_size((size_t)sampler->units, sizeof *sampler->order, &bytes) ||
        !(sampler->order = malloc(bytes)))
        return st_fail_memory(err, "the order of frames", bytes);
    return SYNCTALK_OK;
}

void st_sampler_close(struct st_sampler *sampler)
{
    free(sampler->order);
    memset(sampler, 0, sizeof *sampler);
}

/* Order number `round`. Fisher and Yates's shuffle. */
static void shuffle(struct st_sampler *sampler, int64_t round)
{
    struct st_random random = st_random_stream(sampler->seed, ORDER, (uint64_t)round);
    if (sampler->held == round)
        return;
    for (int64_t i = 0; i < sampler->units; i++)
        sampler->order[i] = (uint32_t)i;
    for (int64_t i = sampler->units - 1; i > 0; i--) {
        int64_t j = (int64_t)st_random_below(&random, (uint64_t)i + 1);
        uint32_t kept = sampler->order[i];
        sampler->order[i] = sampler->order[j];
        sampler->order[j] = kept;
    }
    sampler->held = round;
}

/* A frame that is none of the `width` frames from `first` on. */
static int64_t draw_other(const struct st_sampler *sampler, int64_t place, int64_t first, int width)
{
    struct st_random random = st_random_stream(sampler->seed, OTHER, (uint64_t)place);
    int64_t other = (int64_t)st_random_below(&random, (uint64_t)(sampler->frames - width));
    return other < first ? other : other + width;
}

int st_sampler_batch(struct st_sampler *sampler, int64_t epoch, int64_t step,
                     struct st_sample *samples)
{
    const int width = sampler->pairs ? 2 : 1;
    const int64_t step_in_all = epoch * sampler->steps + step;
    for (int i = 0; i < sampler->batch; i += width) {
        int64_t place = (step_in_all * sampler->batch + i) / width;
        shuffle(sampler, place / sampler->units);
        int64_t first = sampler->order[place % sampler->units];
        int64_t other = draw_other(sampler, place, first, width);
        for (int k = 0; k < width; k++)
            samples[i + k] = (struct st_sample){.target = first + k, .other = other};
    }
    return sampler->batch;
}
