/* SPDX-License-Identifier: Apache-2.0 */
/* The UNet in bytes, that learns: forward is the arithmetic of inference itself, on the kernels
 * of inference, to the bit (but on AVX2 without VNNI, where inference expands what is raised
 * before it raises it); backward goes straight through every rounding.
 *
 *     st_tune_open(&tune, net, &form, &kernels, pool, batch, err);
 *     st_tune_take(tune, &recipe);             ranges to begin from (unet_observe.h)
 *     for each step:
 *         st_tune_pack(tune);                  parameters and ranges, folded and rounded
 *         for each sample n, on any worker:
 *             st_tune_forward(tune, worker, image, audio, out);
 *             st_tune_backward(tune, worker, n, gradient of the loss by out);
 *         st_tune_reduce(tune, samples);       adds to the gradients of net and ranges
 *
 * Norms are folded with their running statistics, which stay, and so do their gammas: what
 * learns is the convolutions' weights, what is added after them, and the ranges. Where a
 * number is rounded its gradient passes; where it is clipped, it goes to the range's end.
 * A range is learnt as a logarithm, and what is rounded moves it as well.
 *
 * Sources: Jacob et al., "Quantization and Training of Neural Networks for Efficient
 * Integer-Arithmetic-Only Inference", 2018; Esser et al., "Learned Step Size Quantization",
 * 2020; Bhalgat et al., "LSQ+", 2020.
 */
#ifndef ST_MODELS_TUNE_H
#define ST_MODELS_TUNE_H

#include "base/pool.h"
#include "kernels/kernels.h"
#include "models/unet.h"
#include "models/unet_recipe.h"
#include "nn/train_net.h"

struct st_tune;

/* `net` has the layers of st_train_unet_build() for `form`; its parameters, gradients and
 * statistics are used where they lie. It and `pool` are borrowed until the end; one worker of
 * this for each of the pool's. E_UNSUPPORTED where the CPU, or its mask, has no bytes. */
synctalk_status st_tune_open(struct st_tune **out, struct st_train_net *net,
                             const struct st_unet_form *form, const struct st_kernels *kernels,
                             struct st_pool *pool, int batch, synctalk_error *err);
void st_tune_close(struct st_tune **tune); /* NULL-safe */
size_t st_tune_bytes(const struct st_tune *tune);

/* Logarithms of ranges, one block, and their gradients. */
size_t st_tune_range_count(const struct st_tune *tune);
float *st_tune_ranges(struct st_tune *tune);
float *st_tune_range_gradients(struct st_tune *tune);

/* Ranges from a recipe, and into one (st_unet_recipe_alloc()). */
void st_tune_take(struct st_tune *tune, const struct st_unet_recipe *recipe);
void st_tune_give(const struct st_tune *tune, struct st_unet_recipe *recipe);

void st_tune_pack(struct st_tune *tune);

/* image [6, 320, 320], audio [audio_dims], out [3, 320, 320], dout likewise. Backward follows
 * the forward of the same worker; n in [0, batch). */
void st_tune_forward(struct st_tune *tune, int worker, const float *image, const float *audio,
                     float *out);
void st_tune_backward(struct st_tune *tune, int worker, size_t n, const float *dout);
void st_tune_reduce(struct st_tune *tune, size_t samples);

#endif /* ST_MODELS_TUNE_H */
