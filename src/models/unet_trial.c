/* SPDX-License-Identifier: Apache-2.0 */
#include "models/unet_trial.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "base/log.h"
#include "models/unet_stages.h"

#define OUT_COUNT ((size_t)3 * ST_UNET_SIDE * ST_UNET_SIDE)
#define BEST_DB 120.0 /* of what does not differ */
#define TIMED_RUNS 3

/* Of one frame, relative to full scale. */
static double squared_error(const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < OUT_COUNT; i++) {
        const double off = (double)a[i] - (double)b[i];
        sum += off * off;
    }
    return sum / (double)OUT_COUNT;
}

double st_unet_decibels(double squared)
{
    return squared > 0 ? fmin(-10 * log10(squared), BEST_DB) : BEST_DB;
}

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* The one that is compared as number `i`. */
static void run(struct st_unet_stages_worker *worker, const struct st_unet_trial *t, size_t i,
                float *out)
{
    const struct st_unet_samples *samples = t->samples;
    const size_t at = i * samples->count / t->compared;
    st_unet_stages_run_audio(worker, samples->sounds[at], NULL);
    st_unet_stages_run_image(worker, samples->images[at], NULL);
    st_unet_stages_run_rest(worker, NULL, out);
}

/* `want`: into t->want, where there is nothing to compare with yet. */
static synctalk_status measure(struct st_unet_trial *t, const struct st_unet_recipe *recipe,
                               bool want, double *worst, double *ms, synctalk_error *err)
{
    struct st_unet_stages *stages = NULL;
    struct st_unet_stages_worker *worker = NULL;
    synctalk_status st;
    if ((st = st_unet_stages_open(&stages, t->weights, t->form, recipe, t->kernels, err)) ||
        (st = st_unet_stages_worker_open(&worker, stages, err)))
        goto done;
    *worst = 0;
    for (size_t i = 0; i < t->compared; i++) {
        if (st_cancelled(t->samples->callbacks)) {
            st = st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
            goto done;
        }
        float *exact = t->want + i * OUT_COUNT;
        run(worker, t, i, want ? exact : t->got);
        if (!want)
            *worst = fmax(*worst, squared_error(t->got, exact));
    }
    for (int i = 0; ms && i < TIMED_RUNS; i++) {
        const double begin = cpu_ms();
        run(worker, t, 0, t->got);
        const double took = cpu_ms() - begin;
        *ms = i > 0 ? fmin(*ms, took) : took;
    }
done:
    st_unet_stages_worker_close(&worker);
    st_unet_stages_close(&stages);
    return st;
}

synctalk_status st_unet_trial_measure(struct st_unet_trial *trial,
                                      const struct st_unet_recipe *recipe, double *worst,
                                      double *ms, synctalk_error *err)
{
    return measure(trial, recipe, false, worst, ms, err);
}

synctalk_status st_unet_trial_open(struct st_unet_trial *trial, const struct st_weights *weights,
                                   const struct st_unet_form *form,
                                   const struct st_kernels *kernels,
                                   const struct st_unet_samples *samples, size_t compared,
                                   synctalk_error *err)
{
    struct st_unet_recipe plain;
    double none;
    const size_t bytes = OUT_COUNT * sizeof(float);
    *trial = (struct st_unet_trial){
        .weights = weights, .form = form, .kernels = kernels, .samples = samples};
    assert(compared > 0 && samples->count > 0);
    trial->compared = compared < samples->count ? compared : samples->count;
    trial->want = malloc(trial->compared * bytes);
    trial->got = malloc(bytes);
    if (!trial->want || !trial->got)
        return st_fail_memory(err, "pictures to compare", (trial->compared + 1) * bytes);
    st_unet_recipe_uniform(&plain, form, ST_ELEMENT_F32);
    return measure(trial, &plain, true, &none, &trial->f32_ms, err);
}

void st_unet_trial_close(struct st_unet_trial *trial)
{
    free(trial->want);
    free(trial->got);
    trial->want = trial->got = NULL;
}
