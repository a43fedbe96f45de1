/* SPDX-License-Identifier: Apache-2.0 */
/* The running mean of a net's parameters and batch statistics over its steps: what is
 * measured, drawn and saved in place of the last step's, which jump about it.
 *
 * Source: Polyak, Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM J.
 * Control Optim. 30(4), 1992, in the exponential form that Tarvainen, Valpola, "Mean teachers
 * are better role models", 2017, use.
 */
#ifndef ST_TRAIN_AVERAGE_H
#define ST_TRAIN_AVERAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "nn/train_net.h"
#include "synctalk/status.h"

struct st_average {
    double decay; /* 0: there is none, and nothing below is held */
    size_t parameter_count, statistic_count;
    float *parameters; /* owns */
    float *statistics; /* owns */
};

/* `decay` in [0, 1): the share that a step leaves of what was there. The mean is that of `net`
 * until the first step. */
synctalk_status st_average_open(struct st_average *average, struct st_train_net *net, double decay,
                                synctalk_error *err);
void st_average_close(struct st_average *average); /* safe on a zeroed struct */

/* Take in `net` after step number `step` >= 1. The decay is at most step / (step + 9), so that
 * a young mean forgets the random weights of the beginning. */
void st_average_step(struct st_average *average, struct st_pool *pool, struct st_train_net *net,
                     int64_t step);

/* Exchange what `net` holds and the mean: a second call undoes the first. */
void st_average_swap(struct st_average *average, struct st_train_net *net);

size_t st_average_bytes(const struct st_average *average); /* held */

#endif /* ST_TRAIN_AVERAGE_H */
