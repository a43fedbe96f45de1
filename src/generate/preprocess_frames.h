/* SPDX-License-Identifier: Apache-2.0 */
/* full_body_img/N.jpg and landmarks/N.lms, by the thousand.
 *
 * Files come under hidden names first; some frames at a time are brought to the disk
 * together and then renamed, so that a frame which is there is whole even after a power
 * cut, without a wait for the disk at each of them. A frame counts as there once its
 * landmarks are, which get their name after the picture.
 */
#ifndef ST_GENERATE_PREPROCESS_FRAMES_H
#define ST_GENERATE_PREPROCESS_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"
#include "face/landmarks.h"
#include "image/picture.h"

#define ST_PREPROCESS_BATCH 16 /* frames that get their names together */

/* `pending` are the frames under hidden names. Zero it, fill the folders. */
struct st_frame_files {
    char images[ST_PATH_MAX];
    char landmarks[ST_PATH_MAX];
    int64_t pending[ST_PREPROCESS_BATCH];
    int count;
};

bool st_frame_files_have(const struct st_frame_files *files, int64_t frame);

/* The frame has its name once ST_PREPROCESS_BATCH have been added, or after flush(). */
synctalk_status st_frame_files_add(struct st_frame_files *files, int64_t frame,
                                   const struct st_picture *picture,
                                   const struct st_landmarks *landmarks, synctalk_error *err);
synctalk_status st_frame_files_flush(struct st_frame_files *files, synctalk_error *err);

/* Remove what has no name yet. */
void st_frame_files_drop(struct st_frame_files *files);

#endif /* ST_GENERATE_PREPROCESS_FRAMES_H */
