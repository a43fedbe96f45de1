/* SPDX-License-Identifier: Apache-2.0 */
/* What a HuBERT is, as config.json beside its weights says in Hugging Face's terms. */
#ifndef ST_MODELS_HUBERT_CONFIG_H
#define ST_MODELS_HUBERT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "synctalk/status.h"

#define ST_HUBERT_HZ 16000
#define ST_HUBERT_HOP 320 /* samples between rows: 50 rows a second, two to a video frame */
#define ST_HUBERT_CONVS_MAX 16

struct st_hubert_config {
    size_t convs;
    size_t conv_dim[ST_HUBERT_CONVS_MAX]; /* channels written */
    size_t conv_kernel[ST_HUBERT_CONVS_MAX], conv_stride[ST_HUBERT_CONVS_MAX];
    bool conv_bias;
    bool group_norm;      /* of the first convolution, over time; else layer norm of all */
    bool projection_norm; /* feat_proj_layer_norm */
    bool pre_norm;        /* do_stable_layer_norm */
    size_t hidden, heads, intermediate, layers;
    size_t position_kernel, position_groups;
    float epsilon; /* of layer norms from the projection on */
    size_t field;  /* samples that one row hears: 400 as published */
};

/* Every size is bounded, and the strides multiply to ST_HUBERT_HOP. */
synctalk_status st_hubert_config_read(struct st_hubert_config *config, const char *path,
                                      synctalk_error *err);
/* The same from memory; `label` stands in messages. */
synctalk_status st_hubert_config_parse(struct st_hubert_config *config, const char *label,
                                       const char *text, size_t size, synctalk_error *err);

/* Rows that the network gives for a piece of `samples`. */
size_t st_hubert_config_rows(const struct st_hubert_config *config, size_t samples);

#endif /* ST_MODELS_HUBERT_CONFIG_H */
