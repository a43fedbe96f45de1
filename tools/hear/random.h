/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEAR_RANDOM_H
#define HEAR_RANDOM_H

#include "base/random.h"

/* Even in [low, high). */
static inline double hear_between(struct st_random *random, double low, double high)
{
    return low + (high - low) * (double)(st_random_bits(random) >> 11) * 0x1p-53;
}

#endif /* HEAR_RANDOM_H */
