/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of any video, at the output's rate, with what an analysis saw in them. */
#include "generate/frame_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/log.h"
#include "face/analysis.h"
#include "media/video_reader.h"

#define DECODER_THREADS 4               /* each holds a few pictures */
#define LITTLE_CACHE ((size_t)32 << 20) /* bytes of decoded pictures */

struct video_source {
    struct st_frame_source base;
    struct st_analysis *analysis; /* owns */
    int fps;
};

struct video_reader {
    struct st_frame_reader base;
    const struct video_source *source; /* borrowed */
    struct st_video_reader *video;     /* owns */
    synctalk_callbacks callbacks;      /* asks whether reading was stopped, nothing else */
};

static struct st_video_settings video_settings(int fps, bool little_memory)
{
    const int cores = st_cpu_cores();
    return (struct st_video_settings){
        .fps = fps,
        .threads = little_memory             ? 1
                   : cores < DECODER_THREADS ? cores
                                             : DECODER_THREADS,
        .cache_bytes = little_memory ? LITTLE_CACHE : 0,
    };
}

static void close_reader(struct st_frame_reader *base)
{
    struct video_reader *reader = (struct video_reader *)base;
    st_video_reader_close(&reader->video);
    free(reader);
}

/* The analysis is another file's when the one under the name was replaced since. */
static synctalk_status refuse_change(const struct st_frame_info *info,
                                     const struct st_video_info *found, synctalk_error *err)
{
    if (found->frames == info->frames && found->width == info->width &&
        found->height == info->height)
        return SYNCTALK_OK;
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: has %" PRId64 " frames of %dx%d, but had %" PRId64
                   " of %dx%d when it was looked at; it was changed meanwhile",
                   info->name, found->frames, found->width, found->height, info->frames,
                   info->width, info->height);
}

static int was_stopped(void *user)
{
    const struct st_frame_reader *reader = user;
    return atomic_load(&reader->stopped);
}

/* Without the caller's callbacks: a run's reader works on a thread that is not the caller's. */
static synctalk_status open_reader(struct st_frame_reader **out, const struct st_frame_source *base,
                                   bool little_memory, synctalk_error *err)
{
    const struct video_source *source = (const struct video_source *)base;
    const struct st_video_settings settings = video_settings(source->fps, little_memory);
    struct video_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return st_fail_memory(err, "a reader of frames", sizeof *reader);
    reader->source = source;
    reader->callbacks = (synctalk_callbacks){.user = &reader->base, .cancelled = was_stopped};
    synctalk_status st =
        st_video_reader_open(&reader->video, base->info.name, &settings, &reader->callbacks, err);
    if (!st)
        st = refuse_change(&base->info, st_video_reader_info(reader->video), err);
    if (st)
        close_reader(&reader->base);
    else
        *out = &reader->base;
    return st;
}

static bool in_frame(const struct st_crop_box *box, const struct st_frame_info *info)
{
    return box->side > 0 && box->side <= info->largest_side && box->x < info->width &&
           box->y < info->height && box->x + box->side > 0 && box->y + box->side > 0;
}

static synctalk_status read_frame(struct st_frame_reader *base, int64_t n, unsigned wanted,
                                  struct st_frame *frame, synctalk_error *err)
{
    struct video_reader *reader = (struct video_reader *)base;
    const struct st_frame_info *info = &reader->source->base.info;
    struct st_analysed seen;
    synctalk_status st;

    if ((st = st_picture_resize(&frame->picture, info->width, info->height, err)) ||
        (st = st_video_reader_frame(reader->video, n, frame->picture.data, frame->picture.stride,
                                    err)) ||
        !(wanted & ST_FRAME_FACE) ||
        (st = st_analysis_frame(reader->source->analysis, n, &seen, err)))
        return st;
    frame->draw = seen.draw && in_frame(&seen.box, info);
    frame->box = seen.box;
    frame->landmarks = seen.landmarks;
    return SYNCTALK_OK;
}

static void close_source(struct st_frame_source *base)
{
    struct video_source *source = (struct video_source *)base;
    st_analysis_close(&source->analysis);
    free(source);
}

static const struct st_frame_source_desc video_desc = {
    .open_reader = open_reader,
    .read = read_frame,
    .close_reader = close_reader,
    .close = close_source,
};

static void tell(const struct st_frame_info *info, const struct st_video_info *video, int fps,
                 const synctalk_callbacks *callbacks)
{
    char turned[48] = "", shaped[64] = "";
    if (video->rotation)
        snprintf(turned, sizeof turned, ", turned upright by %d degrees", video->rotation);
    if (video->pixel_width != video->pixel_height)
        snprintf(shaped, sizeof shaped, ", pixels %d:%d", video->pixel_width, video->pixel_height);
    st_log(callbacks, SYNCTALK_LOG_INFO,
           "video %s: %dx%d%s, %s, %d bit, %.4g frames/s%s taken at %d, %" PRId64 " frames%s",
           info->name, video->width, video->height, shaped, video->codec, video->bits,
           video->source_fps, video->variable_rate ? " (variable)" : "", fps, video->frames,
           turned);
}

/* What the file is, and its messages, which runs do not repeat. */
static synctalk_status look(struct st_frame_info *info, int fps,
                            const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const struct st_video_settings settings = video_settings(fps, false);
    struct st_video_reader *video = NULL;
    synctalk_status st = st_video_reader_open(&video, info->name, &settings, callbacks, err);
    if (st)
        return st;
    const struct st_video_info *found = st_video_reader_info(video);
    info->frames = found->frames;
    info->width = found->width;
    info->height = found->height;
    info->pixel_width = found->pixel_width;
    info->pixel_height = found->pixel_height;
    tell(info, found, fps, callbacks);
    st_video_reader_close(&video);
    return SYNCTALK_OK;
}

static synctalk_status analyse(struct video_source *source,
                               const struct st_analysis_settings *settings,
                               const synctalk_callbacks *callbacks, synctalk_error *err)
{
    struct st_frame_info *info = &source->base.info;
    synctalk_status st = st_analysis_open(&source->analysis, settings, callbacks, err);
    if (st)
        return st;
    const struct st_analysis_summary *summary = st_analysis_summary(source->analysis);
    if (summary->frames != info->frames)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: has %" PRId64 " frames, but %" PRId64
                       " were looked at; it was changed meanwhile",
                       info->name, info->frames, summary->frames);
    info->largest_side = summary->largest_side;
    return SYNCTALK_OK;
}

synctalk_status st_frame_source_open_video(struct st_frame_source **out,
                                           const struct st_analysis_settings *analysis,
                                           const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st;
    *out = NULL;
    struct video_source *source = calloc(1, sizeof *source);
    if (!source)
        return st_fail_memory(err, "a video", sizeof *source);
    source->base.desc = &video_desc;
    source->fps = analysis->fps;
    if ((st = st_path_format(source->base.info.name, err, "%s", analysis->video)) ||
        (st = look(&source->base.info, analysis->fps, callbacks, err)) ||
        (st = analyse(source, analysis, callbacks, err)))
        close_source(&source->base);
    else
        *out = &source->base;
    return st;
}
