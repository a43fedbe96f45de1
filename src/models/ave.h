/* SPDX-License-Identifier: Apache-2.0 */
/* AVE, the audio encoder of SyncTalk 2D: a window of mel to 512 numbers. */
#ifndef ST_MODELS_AVE_H
#define ST_MODELS_AVE_H

#include <stddef.h>
#include <stdint.h>

#include "weights/weights.h"

#define ST_AVE_BANDS 80
#define ST_AVE_STEPS 16
#define ST_AVE_VECTOR 512
#define ST_AVE_BATCH 16 /* windows that one run takes at most */

struct st_kernels;
struct st_ave; /* immutable, shareable */
struct st_ave_worker;

/* Tensor names bare, or under "audio_encoder." (and "module.", which st_weights drops).
 * `weights` is borrowed only for the call; `kernels` is copied. */
synctalk_status st_ave_open(struct st_ave **out, const struct st_weights *weights,
                            const struct st_kernels *kernels, synctalk_error *err);
void st_ave_close(struct st_ave **ave);

synctalk_status st_ave_worker_open(struct st_ave_worker **out, const struct st_ave *ave,
                                   synctalk_error *err);
void st_ave_worker_close(struct st_ave_worker **worker);

/* mel [N, 80, 16] (bands x time) -> out [N, 512]; any N >= 1, worked off in batches. */
synctalk_status st_ave_run(struct st_ave_worker *worker, size_t N, const float *mel, float *out,
                           synctalk_error *err);

synctalk_status st_ave_random(struct st_weights **out, uint64_t seed, synctalk_error *err);

#endif /* ST_MODELS_AVE_H */
