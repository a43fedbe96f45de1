/* SPDX-License-Identifier: Apache-2.0 */
/* What PFLD-GhostOne's checkpoint holds, as single convolutions. */
#ifndef ST_FACE_PFLD_FOLD_H
#define ST_FACE_PFLD_FOLD_H

#include <stdbool.h>

#include "synctalk/status.h"

#define ST_PFLD_NAME_MAX 96

struct st_weights;

struct st_pfld_conv {
    char name[ST_PFLD_NAME_MAX]; /* before ".rbr_conv.0.conv.weight", or ".weight" */
    int cin, channels, kernel, stride;
    bool depthwise; /* then cin is channels */
};

/* Owns. */
struct st_pfld_folded {
    float *weights; /* [channels, cin, kernel, kernel], depthwise [channels, 1, kernel, kernel] */
    float *bias;    /* [channels], in the same block */
};

/* A MobileOne block (Vasu et al., MobileOne: An Improved One Millisecond Mobile Backbone,
 * CVPR 2023): the sum of six convolutions, of a 1x1 one (`rbr_scale`) where the kernel is
 * larger, and of x itself (`rbr_skip`) where shapes allow it, each after its batch norm.
 * E_FORMAT where a tensor is absent, has another shape, or holds what is not a number. */
synctalk_status st_pfld_fold(struct st_pfld_folded *out, const struct st_pfld_conv *conv,
                             const struct st_weights *weights, synctalk_error *err);

/* A plain convolution, with a bias or with zeros. Fails like st_pfld_fold(). */
synctalk_status st_pfld_plain(struct st_pfld_folded *out, const struct st_pfld_conv *conv,
                              bool bias, const struct st_weights *weights, synctalk_error *err);

void st_pfld_folded_free(struct st_pfld_folded *folded); /* safe on a zeroed struct */

#endif /* ST_FACE_PFLD_FOLD_H */
