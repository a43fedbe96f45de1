/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/look.h"

#include "face/sight.h"
#include "generate/faces.h"
#include "generate/person.h"

#define SHOWN 8 /* frames of a video that was looked at before */

static synctalk_status show_frame(struct st_sight *sight, struct st_picture *picture,
                                  struct st_video_reader *video, const struct st_analysis *analysis,
                                  int64_t n, synctalk_error *err)
{
    struct st_analysed seen;
    synctalk_status st = st_video_reader_frame(video, n, picture->data, picture->stride, err);
    if (!st && !(st = st_analysis_frame(analysis, n, &seen, err)))
        st_sight_take(sight, n, picture, seen.found ? &seen.landmarks : NULL);
    return st;
}

/* Some frames from all of the video. */
static synctalk_status show_kept(const struct st_analysis *analysis,
                                 const struct st_analysis_settings *settings,
                                 const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const int64_t frames = st_analysis_summary(analysis)->frames;
    const struct st_video_settings reading = {.fps = settings->fps, .threads = 1};
    const synctalk_callbacks quiet = {.user = callbacks->user, .cancelled = callbacks->cancelled};
    struct st_video_reader *video = NULL;
    struct st_picture picture = {0};
    struct st_sight sight = {0};
    synctalk_status st;

    if ((st = st_video_reader_open(&video, settings->video, &reading, &quiet, err)))
        return st;
    const struct st_video_info *info = st_video_reader_info(video);
    st = st_picture_resize(&picture, info->width, info->height, err);
    for (int64_t k = 0; k < SHOWN && k < frames && !st; k++) {
        if (!(st = show_frame(&sight, &picture, video, analysis, k * frames / SHOWN, err)) &&
            sight.picture.data)
            st_sight_show(&sight, frames, callbacks);
    }
    st_picture_free(&sight.picture);
    st_picture_free(&picture);
    st_video_reader_close(&video);
    return st;
}

static synctalk_status measure(synctalk_look_report *report,
                               const struct st_analysis_settings *settings,
                               const struct st_analysis_summary *summary, synctalk_error *err)
{
    const struct st_video_settings reading = {.fps = settings->fps, .threads = 1};
    struct st_video_reader *video = NULL;
    synctalk_status st = st_video_reader_open(&video, settings->video, &reading, NULL, err);
    if (st)
        return st;
    *report = (synctalk_look_report){
        .frames = summary->frames,
        .found = summary->found,
        .first_missing = summary->first_missing,
        .fps = settings->fps,
        .width = st_video_reader_info(video)->width,
        .height = st_video_reader_info(video)->height,
        .smallest_side = summary->smallest_side,
        .reused = summary->reused,
    };
    st_video_reader_close(&video);
    return SYNCTALK_OK;
}

synctalk_status st_look(const synctalk_settings *settings, const synctalk_callbacks *callbacks,
                        synctalk_look_report *report, synctalk_error *err)
{
    struct st_kernels kernels;
    struct st_face_settings faces;
    struct st_analysis *analysis = NULL;
    synctalk_status st;
    int fps;

    st_kernels_init(&kernels, settings->cpu_mask);
    if ((st = st_person_fps(&fps, settings, callbacks, err)) ||
        (st = st_face_settings_find(&faces, settings, settings->video, fps, &kernels, err)) ||
        (st = st_analysis_open(&analysis, &faces.analysis, callbacks, err)))
        return st;
    const struct st_analysis_summary *summary = st_analysis_summary(analysis);
    if (summary->reused && callbacks && callbacks->sight)
        st = show_kept(analysis, &faces.analysis, callbacks, err);
    if (!st && report)
        st = measure(report, &faces.analysis, summary, err);
    st_analysis_close(&analysis);
    return st;
}
