/* SPDX-License-Identifier: Apache-2.0 */
/* What a recipe costs: its pictures against those of f32, on samples of the person. */
#ifndef ST_MODELS_UNET_TRIAL_H
#define ST_MODELS_UNET_TRIAL_H

#include "models/unet_observe.h"
#include "models/unet_recipe.h"

struct st_unet_trial {
    const struct st_weights *weights; /* borrowed, as are the next three */
    const struct st_unet_form *form;
    const struct st_kernels *kernels;
    const struct st_unet_samples *samples;
    size_t compared; /* of the samples */
    float *want;     /* owned; [compared, 3, 320, 320] of f32 */
    float *got;      /* owned; a picture */
    double f32_ms;
};

/* Runs `compared` of the samples, evenly spread, in f32. To be closed after a failure, too. */
synctalk_status st_unet_trial_open(struct st_unet_trial *trial, const struct st_weights *weights,
                                   const struct st_unet_form *form,
                                   const struct st_kernels *kernels,
                                   const struct st_unet_samples *samples, size_t compared,
                                   synctalk_error *err);
void st_unet_trial_close(struct st_unet_trial *trial);

/* The worst sample's squared error, relative to full scale. The least time of a frame on one
 * thread, where asked. */
synctalk_status st_unet_trial_measure(struct st_unet_trial *trial,
                                      const struct st_unet_recipe *recipe, double *worst,
                                      double *ms, synctalk_error *err);

/* PSNR of a squared error; 120 at most. */
double st_unet_decibels(double squared);

#endif /* ST_MODELS_UNET_TRIAL_H */
