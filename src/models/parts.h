/* SPDX-License-Identifier: Apache-2.0 */
/* One convolution with the batch norm after it, as checkpoints hold them: names, shapes,
 * folding, random values. Every network here is a list of these, made by its wiring.
 */
#ifndef ST_MODELS_PARTS_H
#define ST_MODELS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weights/weights.h"

#define ST_PART_NAME_MAX 96

/* Tensors: conv.weight [K, C, kernel, kernel]; conv.bias [K] where `bias`; with a norm
 * also norm.weight, norm.bias, norm.running_mean and norm.running_var, each [K]. */
struct st_part {
    char conv[ST_PART_NAME_MAX];
    char norm[ST_PART_NAME_MAX]; /* "": none */
    size_t K, C, kernel;         /* C per group: 1 for a depthwise convolution */
    bool bias;
    float gain; /* random weights have variance gain / fan-in: 2 before a ReLU, else 1 */
};

/* The convolution that does both. Owns the arrays. */
struct st_folded {
    float *weights; /* [K, C, kernel, kernel] */
    float *bias;    /* [K] */
};

/* Load and fold. E_MODEL where a tensor is absent, has another shape, or holds what is
 * not a number. */
synctalk_status st_part_load(struct st_folded *out, const struct st_part *part,
                             const struct st_weights *weights, synctalk_error *err);
void st_folded_free(struct st_folded *folded); /* safe on a zeroed struct */

/* Add random tensors of the part to a set made in memory. `state` moves on. */
synctalk_status st_part_random(const struct st_part *part, struct st_weights *weights,
                               uint64_t *state, synctalk_error *err);

#endif /* ST_MODELS_PARTS_H */
