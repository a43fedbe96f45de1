/* SPDX-License-Identifier: Apache-2.0 */
/* All that a run needs to go on as if it had never stopped: parameters, statistics,
 * moments, their running mean, and where it stood. One safetensors file, written whole or not at
 * all.
 */
#ifndef ST_TRAIN_STATE_H
#define ST_TRAIN_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "nn/train_net.h"
#include "train/adam.h"
#include "train/average.h"
#include "train/task.h"

#define ST_KEPT_LAST 3 /* checkpoints kept beside the best */
#define ST_KEPT_MAX 8

/* Where a run stands. */
struct st_position {
    int64_t first;  /* number of the first epoch's checkpoint */
    int64_t epoch;  /* finished epochs */
    int64_t step;   /* finished steps of the epoch in work */
    int64_t steps;  /* finished steps in all */
    double seconds; /* of training so far, all calls together */

    struct st_terms sums; /* of the losses of the epoch in work */
    double loss;          /* mean of the last finished epoch */
    double score;         /* of it; NAN: none */
    int64_t last;         /* number of the last checkpoint; -1: none */
    int64_t best;         /* number of the best; -1: none */
    double best_score;    /* of it; minus the loss where nothing is held out */

    int64_t kept[ST_KEPT_MAX]; /* numbers of checkpoints that are there, rising */
    int kept_count;

    int64_t journal_begin, journal_end; /* this run's lines, bytes of train.jsonl */
};

/* Parameters of a task beside those of the net; a count of 0: none. */
struct st_extra {
    float *values; /* borrowed; [adam.count] */
    struct st_adam adam;
};

void st_position_init(struct st_position *position);

/* `settings` is an object of all that decides what a run computes. Borrowed. */
synctalk_status st_state_save(const char *path, struct st_train_net *net,
                              const struct st_adam *adam, const struct st_extra *extra,
                              const struct st_average *average, const struct st_position *position,
                              const json_t *settings, const char *kind, synctalk_error *err);

/* Load into a net that is built alike. E_ARG, naming the first setting that differs and
 * both its values, where the state is another run's; E_FORMAT where it is damaged. */
synctalk_status st_state_load(const char *path, struct st_train_net *net, struct st_adam *adam,
                              struct st_extra *extra, struct st_average *average,
                              struct st_position *position, json_t *settings, const char *kind,
                              synctalk_error *err);

#endif /* ST_TRAIN_STATE_H */
