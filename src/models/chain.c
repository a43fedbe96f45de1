/* SPDX-License-Identifier: Apache-2.0 */
#include "models/chain.h"

#include <stdio.h>

struct st_part st_chain_part(const struct st_chain_unit *unit, const char *prefix, size_t index)
{
    struct st_part part = {
        .K = (size_t)unit->cout,
        .C = (size_t)unit->cin,
        .kernel = (size_t)unit->kernel,
        .bias = true,
        .gain = unit->residual ? 0.1F : 2,
    };
    snprintf(part.conv, sizeof part.conv, "%s%zu.conv_block.0", prefix, index);
    snprintf(part.norm, sizeof part.norm, "%s%zu.conv_block.1", prefix, index);
    return part;
}
