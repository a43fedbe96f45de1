/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/preprocess_take.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/log.h"

synctalk_status st_take_open(struct st_take *take, const struct st_analysis_settings *settings,
                             const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const struct st_video_settings video = {.fps = settings->fps};
    synctalk_status st = st_analysis_open(&take->analysis, settings, callbacks, err);
    return st ? st : st_video_reader_open(&take->reader, settings->video, &video, callbacks, err);
}

static synctalk_status write_frame(struct st_take *take, struct st_frame_files *files, int64_t n,
                                   synctalk_error *err)
{
    synctalk_status st;
    struct st_analysed seen;

    if ((st = st_analysis_frame(take->analysis, n, &seen, err)) ||
        (st =
             st_video_reader_frame(take->reader, n, take->picture.data, take->picture.stride, err)))
        return st;
    take->written++;
    return st_frame_files_add(files, n, &take->picture, &seen.landmarks, err);
}

synctalk_status st_take_write(struct st_take *take, const struct st_analysis_settings *settings,
                              struct st_frame_files *files, const synctalk_callbacks *callbacks,
                              synctalk_error *err)
{
    synctalk_status st;
    const struct st_video_info *video = st_video_reader_info(take->reader);
    const int64_t frames = st_analysis_summary(take->analysis)->frames;

    if (video->frames != frames)
        return st_fail(err, SYNCTALK_E_LIBRARY,
                       "%s: has %" PRId64 " frames, but %" PRId64 " were seen", settings->video,
                       video->frames, frames);
    if ((st = st_picture_resize(&take->picture, video->width, video->height, err)))
        return st;
    for (int64_t n = 0; n < frames; n++) {
        if (!st_frame_files_have(files, n) && (st = write_frame(take, files, n, err)))
            return st;
        st_progress(callbacks, "frames", n + 1, frames, settings->fps);
        if (st_cancelled(callbacks))
            return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
    }
    if ((st = st_frame_files_flush(files, err)))
        return st;
    if (video->damaged > 0)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s: %" PRId64 " pictures are damaged; the one before each stands in",
               settings->video, video->damaged);
    return SYNCTALK_OK;
}

void st_take_close(struct st_take *take)
{
    st_picture_free(&take->picture);
    st_video_reader_close(&take->reader);
    st_analysis_close(&take->analysis);
}
