/* SPDX-License-Identifier: Apache-2.0 */
/* What a UNet's training minimises, term by term. Each adds its gradient by the prediction
 * to a block that the caller cleared, and returns its value without its weight.
 *
 * Sums run over a sample first and then over samples in their order, so they do not depend
 * on the number of workers.
 *
 * N samples; pictures are [N, 3, 320, 320] f32 in [0, 1].
 */
#ifndef ST_TRAIN_LOSSES_H
#define ST_TRAIN_LOSSES_H

#include <stdbool.h>

#include "base/pool.h"
#include "kernels/kernels.h"
#include "models/unet.h"
#include "synctalk/status.h"

/* The mouth region of an inner crop, both ends included. */
#define ST_MOUTH_TOP 120
#define ST_MOUTH_BOTTOM 309
#define ST_MOUTH_LEFT 60
#define ST_MOUTH_RIGHT 259

#define ST_LOSS_BATCH_MAX 256

/* Part of an inner crop, both ends included. */
struct st_region {
    int left, right, top, bottom;
};

struct st_pixel_loss {
    double mouth_weight;
    double mouth_temporal; /* > 0: samples 2k and 2k + 1 are frames that follow each other */
    double lips_weight;
    const struct st_region *lips; /* [N] of the samples' targets, where lips_weight > 0 */
};

struct st_pixel_values {
    double l1;       /* mean |prediction - target| */
    double mouth;    /* the same over the mouth region; 0 where it has no weight */
    double lips;     /* the same over the region of the lips, mean of the samples' means */
    double temporal; /* mean over it of |change of prediction - change of target|; likewise */
};

void st_loss_pixels(const struct st_pixel_loss *loss, struct st_pool *pool, int N,
                    const float *prediction, const float *target, float *gradient,
                    struct st_pixel_values *values);

/* Perceptual term: mean squared difference of VGG-19's features[14], conv3_3 before its
 * ReLU, [N, 256, 80, 80]. Pictures go in as they are, in BGR and not normalised: that is
 * what the published training does. */
struct st_vgg;
synctalk_status st_vgg_open(struct st_vgg **out, const char *path, const struct st_kernels *kernels,
                            struct st_pool *pool, int batch, synctalk_error *err);
void st_vgg_close(struct st_vgg **vgg); /* NULL-safe */
size_t st_vgg_bytes(const struct st_vgg *vgg);
synctalk_status st_vgg_add(struct st_vgg *vgg, double weight, int N, const float *prediction,
                           const float *target, float *gradient, double *value,
                           synctalk_error *err);

/* Sync term: mean of st_sync_loss() over the cosines of predictions and their windows. */
struct st_sync;
synctalk_status st_sync_open(struct st_sync **out, const char *path,
                             const struct st_unet_form *form, const struct st_kernels *kernels,
                             struct st_pool *pool, int batch, synctalk_error *err);
void st_sync_close(struct st_sync **sync); /* NULL-safe */
size_t st_sync_bytes(const struct st_sync *sync);
synctalk_status st_sync_add(struct st_sync *sync, double weight, int N, const float *prediction,
                            const float *audio, float *gradient, double *value,
                            synctalk_error *err);

/* Binary cross entropy of a cosine against 1, -log c. Below ST_SYNC_KNEE it goes on as its
 * tangent, since a cosine may be negative and must then still be pulled up. */
#define ST_SYNC_KNEE 0.05
double st_sync_loss(double cosine, double *slope);

/* What a SyncNet's training minimises. `faces` and `sounds` [N, size] of unit length;
 * `moments` [N]: the frame that each belongs to. Pairs (i, i) match; pairs (i, j) of frames
 * at least ST_APART from each other do not, and pairs nearer than that do not count.
 * mean of st_sync_loss(c) over the one, of st_sync_loss(1 - c) over the other where c > 0.
 * Gradients are written. */
#define ST_APART 5
void st_loss_contrast(int N, size_t size, const float *faces, const float *sounds,
                      const int64_t *moments, float *dfaces, float *dsounds, double *matching,
                      double *shifted);

#endif /* ST_TRAIN_LOSSES_H */
