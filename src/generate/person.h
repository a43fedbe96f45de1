/* SPDX-License-Identifier: Apache-2.0 */
/* A trained person: checkpoint, source frames, audio encoder. Immutable once open, but for the
 * cache, which looks after itself. */
#ifndef ST_GENERATE_PERSON_H
#define ST_GENERATE_PERSON_H

#include "generate/frame_source.h"
#include "generate/hearing.h"
#include "generate/image_cache.h"
#include "kernels/kernels.h"
#include "models/encoder.h"
#include "models/unet.h"
#include "synctalk/generate.h"

struct synctalk_person {
    char name[256];
    char folder[ST_PATH_MAX]; /* dataset/NAME, which need not be there */
    struct st_kernels kernels;
    struct st_frame_source *source; /* owns */
    struct st_unet *unet;           /* owns */
    struct st_image_cache *cache;   /* owns */
    struct st_hearing hearing;      /* owns; what the checkpoint needs */
    struct st_encoder *encoder;     /* owns; NULL when ready features were announced */
};

synctalk_status st_person_open(struct synctalk_person **out, const synctalk_settings *settings,
                               const synctalk_callbacks *callbacks, synctalk_error *err);
/* Frames a second that videos of settings->model have: by which encoder their checkpoint hears. */
synctalk_status st_person_fps(int *fps, const synctalk_settings *settings,
                              const synctalk_callbacks *callbacks, synctalk_error *err);
void st_person_close(struct synctalk_person **person);

#endif /* ST_GENERATE_PERSON_H */
