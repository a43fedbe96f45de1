/* SPDX-License-Identifier: Apache-2.0 */
/* train_steps f32|bf16 full|narrow BATCH STEPS: time steps of a training on made-up samples.
 * A step is forward, L1 loss and its gradient, backward, Adam. Prints a line for each step,
 * "seconds CPU-seconds" a sample, and then "peak BYTES".
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "base/pool.h"
#include "kernels/kernels.h"
#include "models/train_models.h"
#include "train/adam.h"

#define RATE 1e-3
#define PICTURE ((size_t)3 * ST_UNET_SIDE * ST_UNET_SIDE)

struct stepper {
    struct st_kernels kernels;
    struct st_pool *pool;     /* owns */
    struct st_train_net *net; /* owns */
    struct st_adam adam;      /* owns */
    int batch;
    float *target; /* owns; [batch, 3, 320, 320] */
};

static double seconds_on(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fill(float *numbers, size_t count, unsigned *seed)
{
    for (size_t i = 0; i < count; i++)
        numbers[i] = (float)rand_r(seed) / (float)RAND_MAX;
}

static synctalk_status open_stepper(struct stepper *s, bool bf16, bool narrow, int batch,
                                    synctalk_error *err)
{
    synctalk_status st;
    struct st_unet_form form;
    unsigned seed = 1;
    st_kernels_init(&s->kernels, ~0u);
    s->batch = batch;
    if ((st = st_pool_create(&s->pool, st_cpu_cores(), err)) ||
        (st = st_train_net_create(
             &s->net,
             &(struct st_train_settings){.kernels = &s->kernels,
                                         .pool = s->pool,
                                         .batch = batch,
                                         .precision = bf16 ? ST_TRAIN_BF16 : ST_TRAIN_F32},
             err)))
        return st;
    st_train_unet_form(&form, narrow, SYNCTALK_ENCODER_AVE);
    st_train_unet_build(s->net, &form);
    if ((st = st_train_net_finish(s->net, err)) ||
        (st = st_adam_open(&s->adam, st_train_net_parameter_count(s->net), err)))
        return st;
    st_train_net_init(s->net, 1);
    for (int i = 0; i < st_train_net_input_count(s->net); i++)
        fill(st_train_net_input(s->net, i), (size_t)batch * st_train_net_input_size(s->net, i),
             &seed);
    s->target = malloc((size_t)batch * PICTURE * sizeof(float));
    if (!s->target)
        abort();
    fill(s->target, (size_t)batch * PICTURE, &seed);
    return SYNCTALK_OK;
}

static void close_stepper(struct stepper *s)
{
    st_adam_close(&s->adam);
    st_train_net_destroy(&s->net);
    st_pool_destroy(&s->pool);
    free(s->target);
}

static synctalk_status one_step(struct stepper *s, int number, synctalk_error *err)
{
    const size_t count = (size_t)s->batch * PICTURE;
    synctalk_status st = st_train_net_forward(s->net, s->batch, ST_TRAIN_BATCH, err);
    if (st)
        return st;
    const float *output = st_train_net_output(s->net, 0);
    float *gradient = st_train_net_output_gradient(s->net, 0);
    for (size_t i = 0; i < count; i++)
        gradient[i] = copysignf(1.0f / (float)count, output[i] - s->target[i]);
    memset(st_train_net_gradients(s->net), 0, st_train_net_parameter_count(s->net) * sizeof(float));
    if ((st = st_train_net_backward(s->net, err)))
        return st;
    st_adam_step(&s->adam, s->pool, st_train_net_parameters(s->net), st_train_net_gradients(s->net),
                 number, RATE);
    return SYNCTALK_OK;
}

/* Of this program alone: getrusage() begins with what the parent had. */
static void print_peak(void)
{
    char line[128];
    long kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %ld", &kilobytes) == 1)
            break;
    if (file)
        fclose(file);
    printf("peak %ld\n", kilobytes * 1024);
}

int main(int count, char **words)
{
    synctalk_error err = {0};
    struct stepper s = {0};
    const int batch = count == 5 ? (int)strtol(words[3], NULL, 10) : 0;
    const int steps = count == 5 ? (int)strtol(words[4], NULL, 10) : 0;
    if (batch < 1 || batch > ST_TRAIN_BATCH_MAX || steps < 1) {
        fprintf(stderr, "usage: train_steps f32|bf16 full|narrow BATCH STEPS\n");
        return 2;
    }
    synctalk_status st =
        open_stepper(&s, !strcmp(words[1], "bf16"), !strcmp(words[2], "narrow"), batch, &err);
    for (int i = 1; !st && i <= steps; i++) {
        const double from = seconds_on(CLOCK_MONOTONIC);
        const double cpu_from = seconds_on(CLOCK_PROCESS_CPUTIME_ID);
        if ((st = one_step(&s, i, &err)))
            break;
        printf("%.4f %.4f\n", (seconds_on(CLOCK_MONOTONIC) - from) / batch,
               (seconds_on(CLOCK_PROCESS_CPUTIME_ID) - cpu_from) / batch);
        fflush(stdout);
    }
    close_stepper(&s);
    if (st) {
        fprintf(stderr, "train_steps: %s\n", err.message);
        return 1;
    }
    print_peak();
    return 0;
}
