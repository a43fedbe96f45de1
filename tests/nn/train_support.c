/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/train_support.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/pool.h"
#include "kernels/kernels.h"

unsigned st_test_train_mask(int argc, char **argv)
{
    return argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : ~0U;
}

void st_test_net_open(struct st_test_net *t, unsigned mask, int workers, int batch,
                      enum st_train_precision precision, bool fixed)
{
    struct st_kernels kernels;
    st_kernels_init(&kernels, mask);
    ST_OK(st_pool_create(&t->pool, workers, err));
    const struct st_train_settings settings = {.kernels = &kernels,
                                               .pool = t->pool,
                                               .batch = batch,
                                               .precision = precision,
                                               .fixed = fixed};
    ST_OK(st_train_net_create(&t->net, &settings, err));
}

void st_test_net_close(struct st_test_net *t)
{
    st_train_net_destroy(&t->net);
    st_pool_destroy(&t->pool);
}

int st_test_inverted(struct st_train_net *net, int x, const char *name, int channels, int stride,
                     bool residual)
{
    char names[6][ST_TRAIN_NAME_MAX];
    static const int numbers[] = {0, 1, 3, 4, 6, 7};
    for (int i = 0; i < 6; i++)
        snprintf(names[i], sizeof names[i], "%s.%d", name, numbers[i]);
    int shape[3] = {0};
    st_train_shape(net, x, shape);
    const int hidden = 2 * shape[0];
    int z = st_train_conv(
        net, x,
        &(struct st_train_conv){
            .name = names[0], .channels = hidden, .kernel = 1, .stride_h = 1, .stride_w = 1});
    z = st_train_norm(net, z, &(struct st_train_norm){.name = names[1], .add = ST_TRAIN_NONE});
    z = st_train_conv(net, z,
                      &(struct st_train_conv){.name = names[2],
                                              .channels = hidden,
                                              .kernel = 3,
                                              .stride_h = stride,
                                              .stride_w = stride,
                                              .pad = 1,
                                              .depthwise = true});
    z = st_train_norm(net, z, &(struct st_train_norm){.name = names[3], .add = ST_TRAIN_NONE});
    z = st_train_conv(
        net, z,
        &(struct st_train_conv){
            .name = names[4], .channels = channels, .kernel = 1, .stride_h = 1, .stride_w = 1});
    return st_train_norm(
        net, z,
        &(struct st_train_norm){.name = names[5], .slope = 1, .add = residual ? x : ST_TRAIN_NONE});
}

void st_test_fill(float *dst, size_t count, float spread, uint64_t *state)
{
    for (size_t i = 0; i < count; i++)
        dst[i] = spread * (2 * st_random_unit(state) - 1);
}
