/* SPDX-License-Identifier: Apache-2.0 */
/* A person's training frames: dataset/NAME/{full_body_img,landmarks,parsing}.
 *
 * Opening checks every name, every landmark file and every picture's size, so that an
 * hour of rendering does not end at a bad frame; it keeps one crop box a frame and reads
 * pictures as they are wanted. Immutable once open, shareable.
 */
#ifndef ST_FACE_DATASET_H
#define ST_FACE_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"
#include "face/landmarks.h"
#include "image/planes.h"
#include "synctalk/progress.h"

/* A person's name is one folder name: no '/', not "." or "..". */
synctalk_status st_check_name(const char *name, synctalk_error *err);

struct st_dataset {
    char folder[ST_PATH_MAX];
    int64_t frames;
    int width, height; /* of every frame */
    int largest_side;  /* of all crops, pixels */
    int smallest_side;
    struct st_crop_box *boxes; /* owns; [frames] */
    bool has_parsing;
};

synctalk_status st_dataset_open(struct st_dataset *dataset, const char *folder,
                                const synctalk_callbacks *callbacks, synctalk_error *err);
void st_dataset_close(struct st_dataset *dataset); /* safe on a zeroed struct */

synctalk_status st_dataset_read(const struct st_dataset *dataset, int64_t frame,
                                struct st_jpeg_decoder *decoder, struct st_picture *picture,
                                synctalk_error *err);
/* Likewise its planes; *found is false where its colours are not of a kind that has them. */
synctalk_status st_dataset_read_planes(const struct st_dataset *dataset, int64_t frame,
                                       struct st_jpeg_decoder *decoder, struct st_planes *planes,
                                       bool *found, synctalk_error *err);
synctalk_status st_dataset_landmarks(const struct st_dataset *dataset, int64_t frame,
                                     struct st_landmarks *landmarks, synctalk_error *err);
/* parsing/FRAME.png; *found is false where there is none. */
synctalk_status st_dataset_parsing(const struct st_dataset *dataset, int64_t frame,
                                   struct st_picture *picture, bool *found, synctalk_error *err);

#endif /* ST_FACE_DATASET_H */
