/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of convolutions, each with bias and batch norm, as AVE and SyncNet are made of:
 * unit N of a chain is PREFIX N.conv_block.0 (convolution) and N.conv_block.1 (norm), then
 * the sum with its input where it is residual, then the activation.
 */
#ifndef ST_MODELS_CHAIN_H
#define ST_MODELS_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "models/parts.h"

struct st_chain_unit {
    int cin, cout, kernel, stride_h, stride_w, pad;
    bool residual;
};

/* Its convolution and norm under their published names. */
struct st_part st_chain_part(const struct st_chain_unit *unit, const char *prefix, size_t index);

/* AVE (ave.c); static. */
const struct st_chain_unit *st_ave_units(size_t *count);

#endif /* ST_MODELS_CHAIN_H */
