/* SPDX-License-Identifier: Apache-2.0 */
/* Which frames a step trains on: a function of seed, epoch and step alone, so that a run
 * that was stopped draws what it would have drawn.
 *
 * Frames come in a random order that is used up before the next one begins, whatever the
 * length of an epoch: what no whole batch was left for begins the next epoch. In pairs, two samples
 * that follow each other are frames that do.
 */
#ifndef ST_TRAIN_SAMPLER_H
#define ST_TRAIN_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "synctalk/status.h"

struct st_sample {
    int64_t target; /* frame to draw */
    int64_t other;  /* frame that shows the person: not the target, nor its pair */
};

struct st_sampler {
    uint64_t seed;
    int64_t frames;    /* to choose from: 0 ... frames - 1 */
    int batch;         /* samples of a step; of fewer where an epoch has fewer */
    bool pairs;        /* then batch is even */
    int64_t per_epoch; /* samples */
    int64_t steps;     /* of an epoch */
    int64_t units;     /* frames, or pairs of them */
    int64_t held;      /* which order is in `order`, -1: none */
    uint32_t *order;   /* owns; [units] */
};

/* per_epoch 0: as many as there are frames. E_ARG where there are too few frames, or the
 * batch is odd and pairs are asked for. `where` names the frames in the sentence. */
synctalk_status st_sampler_open(struct st_sampler *sampler, uint64_t seed, int64_t frames,
                                int64_t per_epoch, int batch, bool pairs, const char *where,
                                synctalk_error *err);
void st_sampler_close(struct st_sampler *sampler); /* safe on a zeroed struct */

/* Samples of step `step` of epoch `epoch` into samples[batch]; returns how many. */
int st_sampler_batch(struct st_sampler *sampler, int64_t epoch, int64_t step,
                     struct st_sample *samples);

#endif /* ST_TRAIN_SAMPLER_H */
