/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders whose features can be used but not made. */
#include "models/encoder_desc.h"

const struct st_encoder_desc st_encoder_hubert = {
    .info =
        {
            .kind = SYNCTALK_ENCODER_HUBERT,
            .name = "hubert",
            .weight_files = (const char *const[]){"hubert-large-ls960-ft/model.safetensors",
                                                  "hubert-large-ls960-ft/pytorch_model.bin", NULL},
            .feature_files = (const char *const[]){"aud_hu.npy", "aud_hubert.npy", NULL},
            .vector = 2048,
            .rank = 2,
            .shape = {2, 1024},
            .fps = 25,
            .runs = false,
        },
};
