/* SPDX-License-Identifier: Apache-2.0 */
/* Adam over flat blocks, and the course of its step size.
 *
 * Source: Kingma, Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1, in
 * the order of torch.optim.Adam: the bias corrections go into step size and denominator.
 */
#ifndef ST_TRAIN_ADAM_H
#define ST_TRAIN_ADAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "synctalk/train.h"

struct st_adam {
    size_t count;  /* floats in each block */
    float *mean;   /* owns; first moment */
    float *square; /* owns; second moment */
};

synctalk_status st_adam_open(struct st_adam *adam, size_t count, synctalk_error *err);
void st_adam_close(struct st_adam *adam); /* safe on a zeroed struct */

/* Step number `step` >= 1 with step size lr. */
void st_adam_step(struct st_adam *adam, struct st_pool *pool, float *parameters,
                  const float *gradients, int64_t step, double lr);

/* Are all of them finite? */
bool st_all_finite(struct st_pool *pool, const float *numbers, size_t count);

/* The step size of step `step`, counted from 0, of `steps` in all. */
double st_schedule_lr(const synctalk_train_settings *settings, int64_t step, int64_t steps);

#endif /* ST_TRAIN_ADAM_H */
