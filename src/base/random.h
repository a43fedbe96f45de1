/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that look random and are the same on every machine.
 *
 * A stream is named by numbers (a seed, an epoch, a sample), not by what was drawn before,
 * so that work can be taken up in the middle. splitmix64. Source: Steele, Lea, Flood,
 * "Fast splittable pseudorandom number generators", 2014, figure 14.
 */
#ifndef ST_BASE_RANDOM_H
#define ST_BASE_RANDOM_H

#include <stdint.h>

struct st_random {
    uint64_t state;
};

static inline uint64_t st_random_bits(struct st_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* The stream of (seed, a, b). */
static inline struct st_random st_random_stream(uint64_t seed, uint64_t a, uint64_t b)
{
    struct st_random random = {seed};
    random.state = st_random_bits(&random) ^ a;
    random.state = st_random_bits(&random) ^ b;
    random.state = st_random_bits(&random);
    return random;
}

/* Even in [0, count), count >= 1. Source: Lemire, "Fast random integer generation in an
 * interval", 2019; the bias of at most count / 2^64 is left in. */
static inline uint64_t st_random_below(struct st_random *random, uint64_t count)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)(((wide)st_random_bits(random) * count) >> 64);
}

#endif /* ST_BASE_RANDOM_H */
