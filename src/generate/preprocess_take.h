/* SPDX-License-Identifier: Apache-2.0 */
/* A video that was looked at, and its frames written where they are not there yet. */
#ifndef ST_GENERATE_PREPROCESS_TAKE_H
#define ST_GENERATE_PREPROCESS_TAKE_H

#include "face/analysis.h"
#include "generate/preprocess_frames.h"
#include "image/picture.h"
#include "media/video_reader.h"

/* Zeroed, it closes cleanly. */
struct st_take {
    struct st_analysis *analysis;
    struct st_video_reader *reader;
    struct st_picture picture;
    int64_t written; /* frames */
};

/* Looks at every frame: see st_analysis_open(). */
synctalk_status st_take_open(struct st_take *take, const struct st_analysis_settings *settings,
                             const synctalk_callbacks *callbacks, synctalk_error *err);
/* Progress of stage "frames". E_CANCELLED keeps what is finished. */
synctalk_status st_take_write(struct st_take *take, const struct st_analysis_settings *settings,
                              struct st_frame_files *files, const synctalk_callbacks *callbacks,
                              synctalk_error *err);
void st_take_close(struct st_take *take);

#endif /* ST_GENERATE_PREPROCESS_TAKE_H */
