/* SPDX-License-Identifier: Apache-2.0 */
/* PFLD-GhostOne: 110 points of a face crop. Its training form, in which each convolution is
 * six branches, is folded to single convolutions when it is opened.
 */
#ifndef ST_FACE_PFLD_H
#define ST_FACE_PFLD_H

#include "synctalk/status.h"

#define ST_PFLD_SIDE 192
#define ST_PFLD_OUTPUTS 220

struct st_kernels;
struct st_weights;
struct st_pfld;

/* `weights` is borrowed for the call. A missing or unfit tensor is E_FORMAT with its name,
 * the shape found and the shape needed. */
synctalk_status st_pfld_open(struct st_pfld **out, const struct st_weights *weights,
                             const struct st_kernels *kernels, synctalk_error *err);
void st_pfld_close(struct st_pfld **pfld); /* NULL-safe */

/* `image` [3, 192, 192] f32, BGR / 255; `out` [220]: x, y pairs as offsets from the mean
 * face, in units of the crop. One thread at a time. */
synctalk_status st_pfld_run(struct st_pfld *pfld, const float *image, float *out,
                            synctalk_error *err);

#endif /* ST_FACE_PFLD_H */
