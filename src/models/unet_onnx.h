/* SPDX-License-Identifier: Apache-2.0 */
/* The UNet as an ONNX file, for other people's runtimes. */
#ifndef ST_MODELS_UNET_ONNX_H
#define ST_MODELS_UNET_ONNX_H

#include <stdbool.h>

#include "models/unet.h"

/* Batch norms folded, operator set 13. Inputs `image` [N, 6, 320, 320] and `audio`
 * [N, form->audio_dims], output `out` [N, 3, 320, 320], as st_unet_run() takes and gives
 * them. `form` from st_unet_recognise(), with the encoder decided. */
synctalk_status st_unet_write_onnx(const struct st_weights *weights,
                                   const struct st_unet_form *form, const char *path,
                                   bool overwrite, synctalk_error *err);

#endif /* ST_MODELS_UNET_ONNX_H */
