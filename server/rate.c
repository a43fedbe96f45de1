/* SPDX-License-Identifier: Apache-2.0 */
#include "rate.h"

#include <string.h>

void rate_begin(struct rate *rate, int per_second)
{
    memset(rate, 0, sizeof *rate);
    pthread_mutex_init(&rate->lock, NULL);
    rate->per_second = per_second;
}

void rate_end(struct rate *rate)
{
    pthread_mutex_destroy(&rate->lock);
}

/* FNV-1a, 32 bits. */
static unsigned bucket_of(const unsigned char *bytes, unsigned size)
{
    uint32_t hash = 2166136261u;
    for (unsigned i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return hash % RATE_BUCKETS;
}

bool rate_allows(struct rate *rate, const void *address, unsigned size, double now)
{
    const double most = rate->per_second;
    if (rate->per_second == 0)
        return true;
    const unsigned i = bucket_of(address, size);
    pthread_mutex_lock(&rate->lock);
    double tokens = most;
    if (rate->buckets[i].at > 0)
        tokens = rate->buckets[i].tokens + (now - rate->buckets[i].at) * most;
    tokens = tokens < most ? tokens : most;
    const bool allowed = tokens >= 1;
    rate->buckets[i].tokens = allowed ? tokens - 1 : tokens;
    rate->buckets[i].at = now;
    pthread_mutex_unlock(&rate->lock);
    return allowed;
}
