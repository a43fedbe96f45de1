/* SPDX-License-Identifier: Apache-2.0 */
#include "train/average.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

#define SLICE ((size_t)1 << 16) /* numbers that one turn takes */
#define YOUNG 9.0               /* steps at which the decay is a half */

synctalk_status st_average_open(struct st_average *average, struct st_train_net *net, double decay,
                                synctalk_error *err)
{
    *average = (struct st_average){
        .decay = decay,
        .parameter_count = st_train_net_parameter_count(net),
        .statistic_count = st_train_net_statistic_count(net),
    };
    if (decay <= 0)
        return SYNCTALK_OK;
    const size_t parameters = average->parameter_count * sizeof(float);
    const size_t statistics = average->statistic_count * sizeof(float);
    average->parameters = st_alloc_aligned(parameters);
    average->statistics = st_alloc_aligned(statistics ? statistics : 1);
    if (!average->parameters || !average->statistics) {
        st_average_close(average);
        return st_fail_memory(err, "the mean of a network's parameters", parameters + statistics);
    }
    memcpy(average->parameters, st_train_net_parameters(net), parameters);
    if (statistics)
        memcpy(average->statistics, st_train_net_statistics(net), statistics);
    return SYNCTALK_OK;
}

void st_average_close(struct st_average *average)
{
    free(average->parameters);
    free(average->statistics);
    *average = (struct st_average){0};
}

struct stretch {
    float *mean;
    const float *news;
    size_t count;
    float share; /* of the news */
};

static void mean_turn(void *context, size_t index, int worker)
{
    const struct stretch *s = context;
    float *restrict mean = s->mean;
    const float *restrict news = s->news;
    const size_t begin = index * SLICE;
    const size_t end = begin + SLICE < s->count ? begin + SLICE : s->count;
    (void)worker;
    for (size_t i = begin; i < end; i++)
        mean[i] += s->share * (news[i] - mean[i]);
}

static void take_in(struct st_pool *pool, float *mean, const float *news, size_t count, float share)
{
    struct stretch stretch = {.mean = mean, .news = news, .count = count, .share = share};
    st_pool_for(pool, (count + SLICE - 1) / SLICE, mean_turn, &stretch);
}

void st_average_step(struct st_average *average, struct st_pool *pool, struct st_train_net *net,
                     int64_t step)
{
    if (average->decay <= 0)
        return;
    const double young = (double)step / ((double)step + YOUNG);
    const float share = (float)(1.0 - fmin(average->decay, young));
    take_in(pool, average->parameters, st_train_net_parameters(net), average->parameter_count,
            share);
    take_in(pool, average->statistics, st_train_net_statistics(net), average->statistic_count,
            share);
}

static void swap_blocks(float *restrict a, float *restrict b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const float held = a[i];
        a[i] = b[i];
        b[i] = held;
    }
}

void st_average_swap(struct st_average *average, struct st_train_net *net)
{
    if (average->decay <= 0)
        return;
    swap_blocks(average->parameters, st_train_net_parameters(net), average->parameter_count);
    swap_blocks(average->statistics, st_train_net_statistics(net), average->statistic_count);
}

size_t st_average_bytes(const struct st_average *average)
{
    if (average->decay <= 0)
        return 0;
    return (average->parameter_count + average->statistic_count) * sizeof(float);
}
