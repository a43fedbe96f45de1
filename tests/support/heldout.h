/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of the shared dataset as the network reads them, with the sound that goes with them;
 * the first 450 were trained on, the last 72 were not. */
#ifndef ST_TESTS_SUPPORT_HELDOUT_H
#define ST_TESTS_SUPPORT_HELDOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/kernels.h"
#include "models/unet.h"

#define HELDOUT_FIRST 450
#define HELDOUT_END 522
#define HELDOUT_IMAGE ((size_t)6 * ST_UNET_SIDE * ST_UNET_SIDE)
#define HELDOUT_PICTURE ((size_t)3 * ST_UNET_SIDE * ST_UNET_SIDE)

struct heldout;

/* `shared` is the folder that holds dataset/ and checkpoint/. False, after a line on stderr,
 * where something is absent. The weights are the caller's to close. */
bool heldout_open(struct heldout **out, const char *shared, struct st_weights **weights,
                  struct st_unet_form *form, const struct st_kernels *kernels);
void heldout_close(struct heldout **heldout);

/* Frame `index`, never before the one of the call before: image [HELDOUT_IMAGE], sound
 * [audio_dims]. */
bool heldout_read(struct heldout *heldout, int64_t index, float *image, float *sound);

#endif /* ST_TESTS_SUPPORT_HELDOUT_H */
