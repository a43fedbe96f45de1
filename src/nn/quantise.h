/* SPDX-License-Identifier: Apache-2.0 */
/* Weights to signed bytes, one scale for each channel that is written. */
#ifndef ST_NN_QUANTISE_H
#define ST_NN_QUANTISE_H

#include <stdbool.h>
#include <stddef.h>

/* weights[i] = returned * integer nearly, integers in -127...127 put in their place. The scale
 * is the one that clips nothing: in 127 steps a smaller one never had less squared error. With
 * `narrow` no two neighbours [2 j, 2 j + 1] add up to more than 128 in magnitude, and the
 * scale is the best of some that clip ever more pairs. `levels` is scratch of as many. */
float st_quantise_weights(float *weights, float *levels, size_t count, bool narrow);

#endif /* ST_NN_QUANTISE_H */
