/* SPDX-License-Identifier: Apache-2.0 */
/* In which precision a person's network runs: as asked, or as was found out on the person's own
 * frames and remembered beside the checkpoint (N.pth: N.precision.json).
 */
#ifndef ST_GENERATE_PRECISION_H
#define ST_GENERATE_PRECISION_H

#include "base/file.h"
#include "generate/frame_source.h"
#include "generate/hearing.h"
#include "kernels/kernels.h"
#include "models/encoder.h"
#include "models/unet.h"
#include "synctalk/progress.h"
#include "synctalk/settings.h"

/* A checkpoint to open; all borrowed for the calls. */
struct st_precision_job {
    const synctalk_settings *settings;
    const char *checkpoint; /* path */
    const struct st_weights *weights;
    const struct st_unet_form *form;
    const struct st_kernels *kernels;
    const synctalk_callbacks *callbacks;
};

/* Where frames and the sound that they say come from. */
struct st_precision_scene {
    const struct st_frame_source *source;
    const char *folder; /* the person's dataset, if there is one */
    const struct st_hearing *hearing;
    const struct st_encoder *encoder; /* or NULL */
};

/* Open the network where nothing has to be found out, or that was done before; `*out` is NULL
 * where frames are needed. */
synctalk_status st_precision_open(struct st_unet **out, const struct st_precision_job *job,
                                  synctalk_error *err);

/* Find out, remember, open. AUTO without any sound of the person is F32; E_MISSING where the
 * settings ask for bytes. */
synctalk_status st_precision_find(struct st_unet **out, const struct st_precision_job *job,
                                  const struct st_precision_scene *scene, synctalk_error *err);

#endif /* ST_GENERATE_PRECISION_H */
