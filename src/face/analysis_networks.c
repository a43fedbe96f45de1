/* SPDX-License-Identifier: Apache-2.0 */
/* The analysis of a real video by real networks. */
#include "face/analysis_impl.h"

#define DECODER_THREADS 2              /* each holds pictures; the networks need the rest */
#define CACHE_BYTES ((size_t)16 << 20) /* of no use to one who goes forward */

struct parts {
    struct st_video_reader *video;
    struct st_detector *detector;
    struct st_landmarker *landmarker;
};

static synctalk_status read_frame(void *video, int64_t n, struct st_picture *picture,
                                  synctalk_error *err)
{
    return st_video_reader_frame(video, n, picture->data, picture->stride, err);
}

static int64_t damaged(void *video)
{
    return st_video_reader_info(video)->damaged;
}

static synctalk_status open_video(void *context, const struct st_analysis_settings *settings,
                                  const synctalk_callbacks *callbacks,
                                  struct st_analysis_view *view, synctalk_error *err)
{
    struct parts *parts = context;
    const struct st_video_settings how = {
        .fps = settings->fps,
        .threads = settings->threads < DECODER_THREADS ? settings->threads : DECODER_THREADS,
        .cache_bytes = CACHE_BYTES,
    };
    synctalk_status st = st_video_reader_open(&parts->video, settings->video, &how, callbacks, err);
    if (st)
        return st;
    const struct st_video_info *info = st_video_reader_info(parts->video);
    view->frames = info->frames;
    view->width = info->width;
    view->height = info->height;
    view->video = parts->video;
    view->read = read_frame;
    view->damaged = damaged;
    return SYNCTALK_OK;
}

static synctalk_status open_networks(void *context, const struct st_analysis_settings *settings,
                                     struct st_analysis_view *view, synctalk_error *err)
{
    struct parts *parts = context;
    const struct st_landmarker_settings points = {
        .path = settings->landmarks,
        .mean_face = settings->mean_face,
        .library = settings->library,
        .kernels = settings->kernels,
        .threads = settings->threads,
    };
    synctalk_status st;
    if ((st = st_detector_open(&parts->detector, settings->detector, settings->library,
                               settings->threads, err)) ||
        (st = st_landmarker_open(&parts->landmarker, &points, err)))
        return st;
    view->finder = st_face_finder_of(parts->detector, parts->landmarker);
    view->points = st_landmarker_points(parts->landmarker);
    return SYNCTALK_OK;
}

static void close_parts(void *context)
{
    struct parts *parts = context;
    st_landmarker_close(&parts->landmarker);
    st_detector_close(&parts->detector);
    st_video_reader_close(&parts->video);
}

synctalk_status st_analysis_open(struct st_analysis **out,
                                 const struct st_analysis_settings *settings,
                                 const synctalk_callbacks *callbacks, synctalk_error *err)
{
    struct parts parts = {0};
    return st_analysis_open_with(out, settings,
                                 &(struct st_analysis_parts){
                                     .context = &parts,
                                     .open_video = open_video,
                                     .open_networks = open_networks,
                                     .close = close_parts,
                                 },
                                 callbacks, err);
}
