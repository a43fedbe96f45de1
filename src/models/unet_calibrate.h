/* SPDX-License-Identifier: Apache-2.0 */
/* Which precision a checkpoint bears, block by block, found on frames of the person.
 *
 * A block is a stage of the network under its published name: audio_model, inc, down1 ...
 * outc. Each is computed in bytes with all others as exact as the CPU has a kernel for, and
 * what the picture loses is its sensitivity. Squared errors of blocks add up nearly, so the
 * mixture starts with bytes everywhere and gives up those whose error is largest for the
 * work that bytes save there, until the whole is good enough; then the whole is measured.
 */
#ifndef ST_MODELS_UNET_CALIBRATE_H
#define ST_MODELS_UNET_CALIBRATE_H

#include <stdbool.h>

#include "models/unet_observe.h"
#include "models/unet_recipe.h"

#define ST_UNET_BLOCKS 16 /* at most */
#define ST_UNET_BLOCK_NAME 24

struct st_unet_block {
    char name[ST_UNET_BLOCK_NAME];
    size_t first, count; /* units */
    double work;         /* multiplications */
};

/* Returns how many. */
size_t st_unet_blocks(const struct st_unet_form *form, struct st_unet_block blocks[ST_UNET_BLOCKS]);

/* What one CPU gives, PSNR against F32 over samples: the worst of them. */
struct st_unet_calibration {
    unsigned flags;   /* SYNCTALK_CPU_* bits that were allowed */
    double target_db; /* that the mixture keeps */
    int choice;       /* synctalk_precision: what AUTO is, any but AUTO */
    enum st_element mixed[ST_UNET_BLOCKS];
    double block_db[ST_UNET_BLOCKS];            /* that block alone in bytes */
    double mixed_db, bf16_db, bytes_db;         /* of the whole; bf16 0 where there is none */
    double f32_ms, bf16_ms, mixed_ms, bytes_ms; /* a frame on one thread, nothing cached */
};

/* `recipe` holds ranges (unet_clip.h); `flags` and `target_db` of `out` are set. `compared` of
 * the samples, evenly spread, are. */
synctalk_status st_unet_calibrate(struct st_unet_calibration *out,
                                  const struct st_unet_recipe *recipe,
                                  const struct st_weights *weights, const struct st_unet_form *form,
                                  const struct st_kernels *kernels,
                                  const struct st_unet_samples *samples, size_t compared,
                                  synctalk_error *err);

/* Set the elements of `recipe` for a synctalk_precision other than AUTO. BF16 is F32 on a CPU
 * without it; `calibration` is needed for MIXED alone. */
void st_unet_recipe_set(struct st_unet_recipe *recipe, const struct st_unet_form *form,
                        int precision, unsigned flags,
                        const struct st_unet_calibration *calibration);

#endif /* ST_MODELS_UNET_CALIBRATE_H */
