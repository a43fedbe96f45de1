/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of networks that learn share. */
#ifndef ST_TESTS_TRAIN_SUPPORT_H
#define ST_TESTS_TRAIN_SUPPORT_H

#include "nn/train_net.h"
#include "support/support.h"

/* SYNCTALK_CPU_* bits from a test's first argument, else all. */
unsigned st_test_train_mask(int argc, char **argv);

/* A pool and an unfinished net on it. */
struct st_test_net {
    struct st_pool *pool;
    struct st_train_net *net;
};
void st_test_net_open(struct st_test_net *t, unsigned mask, int workers, int batch,
                      enum st_train_precision precision, bool fixed);
void st_test_net_close(struct st_test_net *t);

/* inverted residual under NAME.0, .1, .3, .4, .6, .7, as in the published UNet */
int st_test_inverted(struct st_train_net *net, int x, const char *name, int channels, int stride,
                     bool residual);

/* Uniform in [-spread, spread). */
void st_test_fill(float *dst, size_t count, float spread, uint64_t *state);

#endif /* ST_TESTS_TRAIN_SUPPORT_H */
