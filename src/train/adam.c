/* SPDX-License-Identifier: Apache-2.0 */
#include "train/adam.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

#define BETA_1 0.9
#define BETA_2 0.999
#define EPSILON 1e-8f
#define SLICE ((size_t)1 << 16) /* numbers that one turn takes */

synctalk_status st_adam_open(struct st_adam *adam, size_t count, synctalk_error *err)
{
    *adam = (struct st_adam){.count = count};
    adam->mean = st_alloc_aligned(count * sizeof *adam->mean);
    adam->square = st_alloc_aligned(count * sizeof *adam->square);
    if (adam->mean && adam->square)
        return SYNCTALK_OK;
    st_adam_close(adam);
    return st_fail_memory(err, "the optimiser's moments", 2 * count * sizeof *adam->mean);
}

void st_adam_close(struct st_adam *adam)
{
    free(adam->mean);
    free(adam->square);
    *adam = (struct st_adam){0};
}

struct stretch {
    const struct st_adam *adam;
    float *parameters;
    const float *gradients;
    float step_size;      /* lr / (1 - beta1^t) */
    float root_of_second; /* sqrt(1 - beta2^t) */
};

static size_t slice_end(size_t index, size_t count)
{
    size_t end = (index + 1) * SLICE;
    return end < count ? end : count;
}

static void adam_turn(void *context, size_t index, int worker)
{
    const struct stretch *s = context;
    float *restrict p = s->parameters;
    float *restrict m = s->adam->mean;
    float *restrict v = s->adam->square;
    const float *restrict g = s->gradients;
    const float b1 = (float)BETA_1;
    const float b2 = (float)BETA_2;
    const float c1 = (float)(1.0 - BETA_1);
    const float c2 = (float)(1.0 - BETA_2);
    const size_t end = slice_end(index, s->adam->count);
    (void)worker;
    for (size_t i = index * SLICE; i < end; i++) {
        m[i] = b1 * m[i] + c1 * g[i];
        v[i] = b2 * v[i] + c2 * g[i] * g[i];
        p[i] -= s->step_size * (m[i] / (sqrtf(v[i]) / s->root_of_second + EPSILON));
    }
}

void st_adam_step(struct st_adam *adam, struct st_pool *pool, float *parameters,
                  const float *gradients, int64_t step, double lr)
{
    struct stretch stretch = {
        .adam = adam,
        .gradients = gradients,
        .step_size = (float)(lr / (1.0 - pow(BETA_1, (double)step))),
        .root_of_second = (float)sqrt(1.0 - pow(BETA_2, (double)step)),
    };
    stretch.parameters = parameters;
    st_pool_for(pool, (adam->count + SLICE - 1) / SLICE, adam_turn, &stretch);
}

struct finite {
    const float *numbers;
    size_t count;
    atomic_bool broken;
};

static void finite_turn(void *context, size_t index, int worker)
{
    struct finite *f = context;
    const size_t end = slice_end(index, f->count);
    bool broken = false;
    (void)worker;
    for (size_t i = index * SLICE; i < end; i++)
        broken |= !isfinite(f->numbers[i]);
    if (broken)
        atomic_store(&f->broken, true);
}

bool st_all_finite(struct st_pool *pool, const float *numbers, size_t count)
{
    struct finite finite = {.numbers = numbers, .count = count};
    st_pool_for(pool, (count + SLICE - 1) / SLICE, finite_turn, &finite);
    return !atomic_load(&finite.broken);
}

double st_schedule_lr(const synctalk_train_settings *settings, int64_t step, int64_t steps)
{
    const double pi = 3.14159265358979323846;
    const double done = steps > 0 ? (double)step / (double)steps : 0;
    double factor = 1;

    if (settings->schedule == SYNCTALK_SCHEDULE_COSINE)
        factor = 0.01 + 0.99 * 0.5 * (1.0 + cos(pi * fmin(done, 1.0)));
    else if (settings->schedule == SYNCTALK_SCHEDULE_STEP)
        factor = done < 0.5 ? 1.0 : done < 0.75 ? 0.1 : 0.01;
    if (step < settings->warm_up)
        factor *= (double)(step + 1) / (double)(settings->warm_up + 1);
    return settings->lr * factor;
}
