/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders and muxer of the output. Easy to get wrong: libav's defaults for RGB to YUV are
 * BT.601 and fast, inexact chroma; AAC begins 1024 samples early, which the edit list that
 * the muxer writes takes back; bytes depend on the number of threads and on nothing else.
 */
#include "media/video_writer.h"

#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/error.h"
#include "media/libav.h"
#include "media/output.h"
#include "synctalk/machine.h"

#define MAX_SIDE 16384
#define CHUNK 1024 /* samples converted at once */
#define SLACK 256  /* what a resampler may hold back */
#define ROW_ROOM 64

/* One encoder and its track. */
struct track {
    AVCodecContext *encoder;
    AVStream *stream; /* borrows from the muxer */
    AVFrame *frame;   /* picture, or up to frame_size samples */
    int64_t next_pts; /* frames, or samples */
};

struct st_video_writer {
    struct st_media_output output;
    char *name; /* owns */
    AVFormatContext *muxer;
    AVPacket *packet;
    struct SwsContext *sws;
    struct SwsContext *shrink; /* of planes; NULL where they are of the video's size already */
    int scaler_flags;
    int source_width, source_height; /* after an odd last column or row is left off */
    uint8_t *last_row;               /* owns; with room behind it */
    struct track video;

    struct track audio; /* encoder NULL: no sound */
    SwrContext *swr;
    int source_hz, channels;
    int frame_samples, filled; /* of audio.frame: what the encoder takes; what is in it */

    struct st_stopwatch *watch; /* borrowed; NULL: off */
    bool finished;
    synctalk_status failed; /* first failure: nothing more is written */
};

/* Sample rates that AAC has (ISO/IEC 14496-3, table 1.18), ascending. */
static const int aac_rates[] = {7350,  8000,  11025, 12000, 16000, 22050, 24000,
                                32000, 44100, 48000, 64000, 88200, 96000};

/* Why a call into libav failed: the file first, then libav's own word. */
static synctalk_status fail_av(const struct st_video_writer *w, const char *doing, int code,
                               synctalk_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    synctalk_status st = st_media_output_check(&w->output, err);
    if (st)
        return st;
    if (code == AVERROR(ENOMEM))
        return st_fail_memory(err, w->name, sizeof *w);
    return st_fail(err, SYNCTALK_E_LIBRARY, "%s: cannot %s: %s", w->name, doing,
                   st_av_text(code, text, sizeof text));
}

/* x264 itself would print about a preset that it does not know. */
static bool preset_known(const char *name)
{
    static const char *const presets[] = {"ultrafast", "superfast", "veryfast", "faster",  "fast",
                                          "medium",    "slow",      "slower",   "veryslow"};
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (strcmp(presets[i], name) == 0)
            return true;
    return false;
}

static bool settings_fit(const struct st_video_writer_settings *s)
{
    return preset_known(s->x264_preset) && s->width >= 16 && s->width <= MAX_SIDE &&
           s->width % 2 == 0 && s->height >= 16 && s->height <= MAX_SIDE && s->height % 2 == 0 &&
           s->source_width >= 16 && s->source_width <= MAX_SIDE && s->source_height >= 16 &&
           s->source_height <= MAX_SIDE && s->fps >= 1 && s->fps <= 240 && s->crf >= 0 &&
           s->crf <= 51 && s->threads >= 1 && s->threads <= 64 &&
           (s->audio_hz == 0 ||
            (s->audio_hz >= 4000 && s->audio_hz <= 768000 && s->audio_channels >= 1 &&
             s->audio_channels <= 2 && s->audio_kbps >= 8 && s->audio_kbps <= 1024));
}

static synctalk_status add_track(struct st_video_writer *w, struct track *track,
                                 synctalk_error *err)
{
    if (!(track->stream = avformat_new_stream(w->muxer, NULL)))
        return st_fail_memory(err, w->name, sizeof *track->stream);
    track->stream->time_base = track->encoder->time_base;
    int code = avcodec_parameters_from_context(track->stream->codecpar, track->encoder);
    return code < 0 ? fail_av(w, "describe a track", code, err) : SYNCTALK_OK;
}

/* x264's AVX-512 code for macroblock trees reads memory that was never written where a row
 * is not a multiple of eight macroblocks, so that two runs differ (seen in build 164).
 * AVX2 makes the same picture otherwise, a little slower. */
static int keep_repeatable(AVCodecContext *encoder)
{
    int macroblocks = (encoder->width + 15) / 16;
    if (macroblocks % 8 == 0 || !(st_cpu_flags() & SYNCTALK_CPU_AVX512))
        return 0;
    return av_opt_set(encoder->priv_data, "x264-params",
                      "asm=MMX2,SSE2Fast,LZCNT,SSSE3,SSE4.2,AVX,FMA3,BMI2,AVX2", 0);
}

static synctalk_status open_video(struct st_video_writer *w,
                                  const struct st_video_writer_settings *s, synctalk_error *err)
{
    synctalk_status st;
    struct track *v = &w->video;
    const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
    int code;

    if (!codec)
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "libavcodec has no H.264 encoder (libx264): install a build of FFmpeg's "
                       "libraries that has it (Debian: libavcodec59 or libavcodec-extra59)");
    if (!(v->encoder = avcodec_alloc_context3(codec)) || !(v->frame = av_frame_alloc()))
        return st_fail_memory(err, w->name, sizeof *v->encoder);

    AVCodecContext *e = v->encoder;
    e->width = s->width;
    e->height = s->height;
    e->pix_fmt = AV_PIX_FMT_YUV420P;
    e->sample_aspect_ratio = (AVRational){1, 1};
    if (s->pixel_width > 0 && s->pixel_height > 0)
        e->sample_aspect_ratio = (AVRational){s->pixel_width, s->pixel_height};
    e->time_base = (AVRational){1, s->fps};
    e->framerate = (AVRational){s->fps, 1};
    e->gop_size = 2 * s->fps;
    e->thread_count = s->threads;
    e->color_primaries = AVCOL_PRI_BT709;
    e->color_trc = AVCOL_TRC_BT709;
    e->colorspace = AVCOL_SPC_BT709;
    e->color_range = AVCOL_RANGE_MPEG;
    e->chroma_sample_location = AVCHROMA_LOC_LEFT;
    e->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;

    if ((code = av_opt_set(e->priv_data, "preset", s->x264_preset, 0)) < 0 ||
        (code = av_opt_set_double(e->priv_data, "crf", s->crf, 0)) < 0 ||
        (code = keep_repeatable(e)) < 0 || (code = avcodec_open2(e, codec, NULL)) < 0)
        return fail_av(w, "start the H.264 encoder", code, err);
    if ((st = add_track(w, v, err)))
        return st;
    v->stream->avg_frame_rate = v->stream->r_frame_rate = e->framerate;
    v->stream->sample_aspect_ratio = e->sample_aspect_ratio;

    v->frame->format = e->pix_fmt;
    v->frame->width = e->width;
    v->frame->height = e->height;
    v->frame->color_primaries = e->color_primaries;
    v->frame->color_trc = e->color_trc;
    v->frame->colorspace = e->colorspace;
    v->frame->color_range = e->color_range;
    v->frame->chroma_location = e->chroma_sample_location;
    code = av_frame_get_buffer(v->frame, 0);
    return code < 0 ? fail_av(w, "make a picture", code, err) : SYNCTALK_OK;
}

static synctalk_status open_scaler(struct st_video_writer *w,
                                   const struct st_video_writer_settings *s, synctalk_error *err)
{
    /* One odd column or row is left off: resampling by 1/size would soften all of it. */
    w->source_width = s->source_width == s->width + 1 ? s->width : s->source_width;
    w->source_height = s->source_height == s->height + 1 ? s->height : s->source_height;
    bool shrinks = s->width < w->source_width || s->height < w->source_height;
    const int flags = w->scaler_flags =
        (shrinks ? SWS_AREA : SWS_BICUBIC) | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP | SWS_BITEXACT;

    w->sws = sws_getContext(w->source_width, w->source_height, AV_PIX_FMT_BGR24, s->width,
                            s->height, AV_PIX_FMT_YUV420P, flags, NULL, NULL, NULL);
    w->last_row = calloc(1, 3 * (size_t)w->source_width + ROW_ROOM);
    if (!w->sws || !w->last_row)
        return st_fail_memory(err, w->name, sizeof *w);
    const int *bt709 = sws_getCoefficients(SWS_CS_ITU709);
    if (sws_setColorspaceDetails(w->sws, bt709, 1, bt709, 0, 0, 1 << 16, 1 << 16) < 0)
        return st_fail(err, SYNCTALK_E_LIBRARY, "libswscale does not convert to BT.709");
    return SYNCTALK_OK;
}

/* The rate itself where AAC has it, else the next above. */
static int aac_rate(int hz)
{
    size_t n = sizeof aac_rates / sizeof *aac_rates;
    size_t i = 0;
    while (i + 1 < n && aac_rates[i] < hz)
        i++;
    return aac_rates[i];
}

static synctalk_status open_audio(struct st_video_writer *w,
                                  const struct st_video_writer_settings *s, synctalk_error *err)
{
    synctalk_status st;
    struct track *a = &w->audio;
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
    int code;

    if (!codec)
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "libavcodec has no AAC encoder: install a build of FFmpeg's libraries that "
                       "has it (Debian: libavcodec59)");
    if (!(a->encoder = avcodec_alloc_context3(codec)) || !(a->frame = av_frame_alloc()))
        return st_fail_memory(err, w->name, sizeof *a->encoder);

    AVCodecContext *e = a->encoder;
    e->sample_rate = aac_rate(s->audio_hz);
    e->sample_fmt = AV_SAMPLE_FMT_FLTP;
    e->bit_rate = (int64_t)s->audio_kbps * 1000;
    e->time_base = (AVRational){1, e->sample_rate};
    e->thread_count = 1;
    e->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    av_channel_layout_default(&e->ch_layout, s->audio_channels);
    if ((code = avcodec_open2(e, codec, NULL)) < 0)
        return fail_av(w, "start the AAC encoder", code, err);
    if ((st = add_track(w, a, err)))
        return st;

    w->source_hz = s->audio_hz;
    w->channels = s->audio_channels;
    w->frame_samples = e->frame_size > 0 ? e->frame_size : CHUNK;
    code = swr_alloc_set_opts2(&w->swr, &e->ch_layout, e->sample_fmt, e->sample_rate, &e->ch_layout,
                               AV_SAMPLE_FMT_FLT, s->audio_hz, 0, NULL);
    if (code < 0 || (code = swr_init(w->swr)) < 0)
        return fail_av(w, "convert the sound", code, err);

    a->frame->format = e->sample_fmt;
    a->frame->sample_rate = e->sample_rate;
    a->frame->nb_samples = w->frame_samples;
    if ((code = av_channel_layout_copy(&a->frame->ch_layout, &e->ch_layout)) < 0 ||
        (code = av_frame_get_buffer(a->frame, 0)) < 0)
        return fail_av(w, "hold a stretch of sound", code, err);
    return SYNCTALK_OK;
}

synctalk_status st_video_writer_open(struct st_video_writer **out,
                                     const struct st_video_writer_settings *settings,
                                     synctalk_error *err)
{
    synctalk_status st;
    struct st_video_writer *w = NULL;
    int code;

    *out = NULL;
    st_av_quiet();
    if (!settings_fit(settings))
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s: cannot make a video of %dx%d at %d fps, crf %d, preset %s, %d threads, "
                       "sound %d Hz: sides must be even, 16 to %d, and the rest in range",
                       settings->name, settings->width, settings->height, settings->fps,
                       settings->crf, settings->x264_preset, settings->threads, settings->audio_hz,
                       MAX_SIDE);
    if (!(w = calloc(1, sizeof *w)) || !(w->name = strdup(settings->name)) ||
        !(w->packet = av_packet_alloc())) {
        st = st_fail_memory(err, settings->name, sizeof *w);
        goto done;
    }
    w->watch = settings->watch;
    if ((code = avformat_alloc_output_context2(&w->muxer, NULL, "mp4", NULL)) < 0) {
        st = code == AVERROR(ENOMEM)
                 ? st_fail_memory(err, w->name, sizeof *w->muxer)
                 : st_fail(err, SYNCTALK_E_UNSUPPORTED, "libavformat has no MP4 muxer");
        goto done;
    }
    w->muxer->flags |= AVFMT_FLAG_BITEXACT; /* no date, no version */

    if ((st = open_video(w, settings, err)) || (st = open_scaler(w, settings, err)))
        goto done;
    if (settings->audio_hz && (st = open_audio(w, settings, err)))
        goto done;
    if ((st = st_media_output_open(&w->output, settings->path, w->name, settings->callbacks, err)))
        goto done;
    st_media_output_attach(&w->output, w->muxer);

    AVDictionary *options = NULL;
    code = av_dict_set(&options, "movflags", "+faststart", 0);
    if (code >= 0)
        code = avformat_write_header(w->muxer, &options);
    av_dict_free(&options);
    if (code < 0) {
        st = fail_av(w, "begin the file", code, err);
        goto done;
    }
    *out = w;
    w = NULL;

done:
    st_video_writer_close(&w);
    return st;
}

/* What the encoder has ready goes to the muxer. */
static synctalk_status drain(struct st_video_writer *w, struct track *track, synctalk_error *err)
{
    for (;;) {
        int code = avcodec_receive_packet(track->encoder, w->packet);
        st_lap(w->watch, ST_STAGE_ENCODE);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
            return SYNCTALK_OK;
        if (code < 0)
            return fail_av(w, "encode", code, err);
        if (track == &w->video)
            w->packet->duration = 1; /* the last frame has no successor to tell it */
        av_packet_rescale_ts(w->packet, track->encoder->time_base, track->stream->time_base);
        w->packet->stream_index = track->stream->index;
        code = av_interleaved_write_frame(w->muxer, w->packet); /* takes the packet */
        st_lap(w->watch, ST_STAGE_MUX);
        if (code < 0 || w->output.errno_of_write)
            return fail_av(w, "write", code, err);
    }
}

/* `frame` NULL: no more. */
static synctalk_status encode(struct st_video_writer *w, struct track *track, AVFrame *frame,
                              synctalk_error *err)
{
    int code = avcodec_send_frame(track->encoder, frame);
    st_lap(w->watch, ST_STAGE_ENCODE);
    return code < 0 ? fail_av(w, "encode", code, err) : drain(w, track, err);
}

/* libswscale reads up to 16 bytes past the end of a row; past the last row that may be the
 * end of mapped memory, so that row is given from a copy. */
static int scale(struct st_video_writer *w, const uint8_t *bgr, size_t stride, AVFrame *frame)
{
    int rows = w->source_height - 1;
    const int strides[4] = {(int)stride};

    memcpy(w->last_row, bgr + (size_t)rows * stride, 3 * (size_t)w->source_width);
    int code = sws_scale(w->sws, (const uint8_t *const[4]){bgr}, strides, 0, rows, frame->data,
                         frame->linesize);
    if (code < 0)
        return code;
    return sws_scale(w->sws, (const uint8_t *const[4]){w->last_row}, strides, rows, 1, frame->data,
                     frame->linesize);
}

static synctalk_status write_picture(struct st_video_writer *w, const uint8_t *bgr, size_t stride,
                                     synctalk_error *err)
{
    AVFrame *frame = w->video.frame;

    int code = av_frame_make_writable(frame); /* the encoder may still refer to it */
    if (code < 0)
        return fail_av(w, "make a picture", code, err);
    if ((code = scale(w, bgr, stride, frame)) < 0)
        return fail_av(w, "convert a picture", code, err);
    st_lap(w->watch, ST_STAGE_CONVERT);
    frame->pts = w->video.next_pts++;
    return encode(w, &w->video, frame, err);
}

/* The video's colours are those of the planes, so that size alone is changed, if anything. */
static synctalk_status write_planes(struct st_video_writer *w, const uint8_t *const data[3],
                                    const size_t stride[3], synctalk_error *err)
{
    AVFrame *frame = w->video.frame;
    const uint8_t *planes[4] = {data[0], data[1], data[2]};
    const int strides[4] = {(int)stride[0], (int)stride[1], (int)stride[2]};
    const int width = w->source_width & ~1;
    const int height = w->source_height & ~1;

    int code = av_frame_make_writable(frame); /* the encoder may still refer to it */
    if (code < 0)
        return fail_av(w, "make a picture", code, err);
    if (width == frame->width && height == frame->height) {
        av_image_copy(frame->data, frame->linesize, planes, strides, frame->format, width, height);
    } else {
        if (!w->shrink)
            w->shrink = sws_getContext(width, height, frame->format, frame->width, frame->height,
                                       frame->format, w->scaler_flags, NULL, NULL, NULL);
        if (!w->shrink)
            return st_fail_memory(err, w->name, sizeof *w);
        code = sws_scale(w->shrink, planes, strides, 0, height, frame->data, frame->linesize);
        if (code < 0)
            return fail_av(w, "scale a picture", code, err);
    }
    st_lap(w->watch, ST_STAGE_CONVERT);
    frame->pts = w->video.next_pts++;
    return encode(w, &w->video, frame, err);
}

static synctalk_status refuse(const struct st_video_writer *w, synctalk_error *err)
{
    if (w->finished)
        return st_fail(err, SYNCTALK_E_ARG, "%s: is finished already", w->name);
    return st_fail(err, w->failed, "%s: writing has failed before", w->name);
}

synctalk_status st_video_writer_frame(struct st_video_writer *writer, const uint8_t *bgr,
                                      size_t stride, synctalk_error *err)
{
    if (writer->failed || writer->finished)
        return refuse(writer, err);
    if (stride < 3 * (size_t)writer->source_width || stride > INT32_MAX)
        return st_fail(err, SYNCTALK_E_ARG, "%s: a row of %zu bytes for %d pixels", writer->name,
                       stride, writer->source_width);
    return writer->failed = write_picture(writer, bgr, stride, err);
}

synctalk_status st_video_writer_planes(struct st_video_writer *writer, const uint8_t *const data[3],
                                       const size_t stride[3], synctalk_error *err)
{
    if (writer->failed || writer->finished)
        return refuse(writer, err);
    for (int i = 0; i < 3; i++)
        if (stride[i] < (size_t)writer->source_width / (i ? 2 : 1) || stride[i] > INT32_MAX)
            return st_fail(err, SYNCTALK_E_ARG, "%s: a row of %zu samples for %d pixels",
                           writer->name, stride[i], writer->source_width);
    return writer->failed = write_planes(writer, data, stride, err);
}

/* Send what audio.frame holds. Only the last may be short. */
static synctalk_status send_sound(struct st_video_writer *w, synctalk_error *err)
{
    struct track *a = &w->audio;
    a->frame->nb_samples = w->filled;
    a->frame->pts = a->next_pts;
    a->next_pts += w->filled;
    w->filled = 0;
    return encode(w, a, a->frame, err);
}

/* Up to CHUNK frames through the resampler (NULL: its tail) into audio.frame; each full
 * one is sent. */
static synctalk_status take_sound(struct st_video_writer *w, const float *samples, int count,
                                  synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    float planes[2][3 * CHUNK + SLACK]; /* the rate at most doubles: see aac_rate() */
    uint8_t *out[2] = {(uint8_t *)planes[0], (uint8_t *)planes[1]};
    const uint8_t *in[1] = {(const uint8_t *)samples};
    struct track *a = &w->audio;

    int got = swr_convert(w->swr, out, 3 * CHUNK + SLACK, samples ? in : NULL, count);
    if (got < 0)
        return fail_av(w, "convert the sound", got, err);
    for (int at = 0; at < got && !st;) {
        if (w->filled == 0) {
            int code = av_frame_make_writable(a->frame);
            if (code < 0)
                return fail_av(w, "hold a stretch of sound", code, err);
        }
        int n = w->frame_samples - w->filled < got - at ? w->frame_samples - w->filled : got - at;
        for (int c = 0; c < w->channels; c++)
            memcpy((float *)(void *)a->frame->extended_data[c] + w->filled, planes[c] + at,
                   (size_t)n * sizeof **planes);
        w->filled += n;
        at += n;
        if (w->filled == w->frame_samples)
            st = send_sound(w, err);
    }
    return st;
}

synctalk_status st_video_writer_audio(struct st_video_writer *writer, const float *samples,
                                      size_t count, synctalk_error *err)
{
    if (writer->failed || writer->finished)
        return refuse(writer, err);
    if (!writer->audio.encoder)
        return st_fail(err, SYNCTALK_E_ARG, "%s: was opened without sound", writer->name);
    for (size_t at = 0; at < count && !writer->failed;) {
        size_t n = count - at < CHUNK ? count - at : CHUNK;
        writer->failed = take_sound(writer, samples + at * (size_t)writer->channels, (int)n, err);
        at += n;
    }
    return writer->failed;
}

static synctalk_status finish(struct st_video_writer *w, synctalk_error *err)
{
    synctalk_status st;

    if (w->video.next_pts == 0)
        return st_fail(err, SYNCTALK_E_ARG, "%s: a video needs at least one frame", w->name);
    if (w->audio.encoder) {
        if ((st = take_sound(w, NULL, 0, err)))
            return st;
        if (w->filled && (st = send_sound(w, err)))
            return st;
        if ((st = encode(w, &w->audio, NULL, err)))
            return st;
    }
    if ((st = encode(w, &w->video, NULL, err)))
        return st;
    int code = av_write_trailer(w->muxer);
    if (code < 0 || w->output.errno_of_write)
        return fail_av(w, "write the index", code, err);
    st_lap(w->watch, ST_STAGE_MUX);
    return st_media_output_finish(&w->output, err);
}

synctalk_status st_video_writer_finish(struct st_video_writer *writer, synctalk_error *err)
{
    if (writer->failed || writer->finished)
        return refuse(writer, err);
    writer->failed = finish(writer, err);
    writer->finished = !writer->failed;
    return writer->failed;
}

static void free_track(struct track *track)
{
    avcodec_free_context(&track->encoder);
    av_frame_free(&track->frame);
}

void st_video_writer_close(struct st_video_writer **writer)
{
    if (!writer || !*writer)
        return;
    struct st_video_writer *w = *writer;
    free_track(&w->video);
    free_track(&w->audio);
    av_packet_free(&w->packet);
    sws_freeContext(w->sws);
    sws_freeContext(w->shrink);
    swr_free(&w->swr);
    avformat_free_context(w->muxer);
    st_media_output_close(&w->output);
    free(w->last_row);
    free(w->name);
    free(w);
    *writer = NULL;
}
