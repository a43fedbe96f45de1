/* SPDX-License-Identifier: Apache-2.0 */
/* How many requests a second an address may make: one bucket of tokens for each. */
#ifndef SERVER_RATE_H
#define SERVER_RATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define RATE_BUCKETS 1024 /* addresses that fall into one share it */

struct rate {
    pthread_mutex_t lock;
    int per_second; /* and as many at once; 0 = no limit */
    struct {
        double tokens, at; /* at: seconds, monotonic; 0 = never used */
    } buckets[RATE_BUCKETS];
};

void rate_begin(struct rate *rate, int per_second);
void rate_end(struct rate *rate);
/* Whether the address whose bytes these are may make one now. */
bool rate_allows(struct rate *rate, const void *address, unsigned size, double now);

#endif /* SERVER_RATE_H */
