/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the parts together: index (which picture when), packets (by number), decoder (by rank),
 * picture (upright BGR).
 */
#include "media/video_reader.h"

#include <libavutil/pixdesc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "media/libav.h"
#include "media/video_decoder.h"
#include "media/video_picture.h"
#include "media/video_reader_counts.h"

#define CACHE_BYTES (128u << 20)
#define LEAST_PIXEL 0.25 /* width of a pixel of height 1 */

struct st_video_reader {
    char *path; /* owns */
    int fps;
    struct st_video_info info;
    struct st_video_decoder decoder;
    struct st_video_picture picture;
};

static bool is_cover(const AVStream *stream)
{
    return stream->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS);
}

/* The stream that players would show; cover pictures of sound files are none. */
static int choose_stream(AVFormatContext *format)
{
    int best = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (best >= 0 && !is_cover(format->streams[best]))
        return best;
    for (unsigned i = 0; i < format->nb_streams; i++)
        if (format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
            !is_cover(format->streams[i]))
            return (int)i;
    return -1;
}

static synctalk_status find_video(struct st_video_reader *r, synctalk_error *err)
{
    AVFormatContext *format = r->decoder.packets.input.format;
    int video = choose_stream(format);
    int audio = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);

    r->info.has_audio = audio >= 0;
    if (video < 0 && audio >= 0)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: has sound (%s) but no moving picture; a video is needed", r->path,
                       avcodec_get_name(format->streams[audio]->codecpar->codec_id));
    if (video < 0)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: has neither moving picture nor sound (%s)",
                       r->path, format->iformat->name);

    const struct st_input *input = &r->decoder.packets.input;
    const AVCodecParameters *par = format->streams[video]->codecpar;
    int width = par->width > 0 ? par->width : input->width;
    int height = par->width > 0 ? par->height : input->height;
    if (width > ST_VIDEO_MAX_SIDE || height > ST_VIDEO_MAX_SIDE ||
        (int64_t)width * height > ST_VIDEO_MAX_PIXELS)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: its pictures are %dx%d; at most %d pixels a side and %d in all can be "
                       "read",
                       r->path, width, height, ST_VIDEO_MAX_SIDE, ST_VIDEO_MAX_PIXELS);
    r->decoder.packets.stream = video;
    snprintf(r->info.codec, sizeof r->info.codec, "%s", avcodec_get_name(par->codec_id));
    snprintf(r->info.container, sizeof r->info.container, "%s", format->iformat->name);
    return SYNCTALK_OK;
}

static bool is_interlaced(const AVStream *stream, const AVFrame *first)
{
    enum AVFieldOrder order = stream->codecpar->field_order;
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
    bool says = first->flags & AV_FRAME_FLAG_INTERLACED;
#else
    bool says = first->interlaced_frame;
#endif
    return says || (order != AV_FIELD_UNKNOWN && order != AV_FIELD_PROGRESSIVE);
}

static double mean_fps(const struct st_video_index *index, const AVStream *stream)
{
    double seconds = (double)index->time[index->pictures - 1] * index->unit * av_q2d(index->tick);
    if (seconds > 0)
        return (index->pictures - 1) / seconds;
    AVRational rate = stream->avg_frame_rate;
    if (rate.num > 0 && rate.den > 0)
        return av_q2d(rate);
    return 1 / ((double)index->length_ticks * av_q2d(index->tick));
}

/* What the first decoded picture is; the header may say otherwise. */
/* What no camera has is a fault of the file. */
static void describe_pixels(struct st_video_info *info, AVFormatContext *format, AVStream *stream,
                            const AVFrame *first, bool transposed)
{
    AVRational shape = av_guess_sample_aspect_ratio(format, stream, (AVFrame *)first);
    const double wide = shape.num > 0 && shape.den > 0 ? av_q2d(shape) : 1;
    if (wide < LEAST_PIXEL || wide > 1 / LEAST_PIXEL || shape.num <= 0)
        shape = (AVRational){1, 1};
    info->pixel_width = transposed ? shape.den : shape.num;
    info->pixel_height = transposed ? shape.num : shape.den;
}

static synctalk_status describe(struct st_video_reader *r, const synctalk_callbacks *callbacks,
                                synctalk_error *err)
{
    synctalk_status st;
    const AVFrame *first;
    const struct st_video_decoder *d = &r->decoder;
    AVStream *stream = d->packets.input.format->streams[d->packets.stream];
    struct st_video_turn turn = st_video_turn_of(stream);

    if ((st = st_video_decoder_picture(&r->decoder, 0, &first, err)))
        return st;
    stream = d->packets.input.format->streams[d->packets.stream]; /* decoding may reopen it */
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(first->format);
    r->picture = (struct st_video_picture){
        .path = r->path, .width = first->width, .height = first->height, .turn = turn};
    r->info.width = turn.transposed ? first->height : first->width;
    r->info.height = turn.transposed ? first->width : first->height;
    describe_pixels(&r->info, d->packets.input.format, stream, first, turn.transposed);
    r->info.frames = st_video_index_frames(&d->index, r->fps);
    r->info.start = (double)d->index.first_ticks * av_q2d(d->index.tick);
    r->info.source_fps = mean_fps(&d->index, stream);
    r->info.variable_rate = d->index.variable;
    r->info.interlaced = is_interlaced(stream, first);
    r->info.rotation = turn.degrees;
    r->info.bits = format ? format->comp[0].depth : 8;
    r->info.damaged = d->damaged;
    if (turn.odd != 0)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s: its header turns it by %.1f degrees; only quarter turns are undone", r->path,
               turn.odd);
    if (r->info.interlaced)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s: is interlaced; moving edges will be combed, deinterlace it first", r->path);
    return SYNCTALK_OK;
}

synctalk_status st_video_reader_open(struct st_video_reader **out, const char *path,
                                     const struct st_video_settings *settings,
                                     const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st;
    struct st_video_reader *r = NULL;

    *out = NULL;
    if (settings->fps <= 0 || settings->fps > 1000 || settings->threads < 0)
        return st_fail(err, SYNCTALK_E_ARG, "%s: cannot be read at %d frames a second, %d threads",
                       path, settings->fps, settings->threads);
    if (!(r = calloc(1, sizeof *r)) || !(r->path = strdup(path))) {
        st = st_fail_memory(err, path, sizeof *r);
        goto done;
    }
    r->fps = settings->fps;
    r->decoder.callbacks = callbacks;
    if ((st = st_input_open(&r->decoder.packets.input, r->path, err)) ||
        (st = find_video(r, err)) ||
        (st = st_video_decoder_open(&r->decoder, settings->threads,
                                    settings->cache_bytes ? settings->cache_bytes : CACHE_BYTES,
                                    err)) ||
        (st = describe(r, callbacks, err)))
        goto done;
    *out = r;
    r = NULL;

done:
    st_video_reader_close(&r);
    return st;
}

void st_video_reader_close(struct st_video_reader **reader)
{
    if (!reader || !*reader)
        return;
    struct st_video_reader *r = *reader;
    st_video_decoder_close(&r->decoder);
    st_video_picture_close(&r->picture);
    free(r->path);
    free(r);
    *reader = NULL;
}

const struct st_video_info *st_video_reader_info(const struct st_video_reader *reader)
{
    return &reader->info;
}

synctalk_status st_video_reader_frame(struct st_video_reader *r, int64_t n, uint8_t *dst,
                                      size_t stride, synctalk_error *err)
{
    synctalk_status st;
    const AVFrame *frame;

    if (n < 0 || n >= r->info.frames || stride < 3 * (size_t)r->info.width)
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s: has no frame %lld in rows of %zu bytes; it has %lld frames %d pixels "
                       "wide",
                       r->path, (long long)n, stride, (long long)r->info.frames, r->info.width);
    uint32_t rank = st_video_index_at(&r->decoder.index, n, r->fps);
    st = st_video_decoder_picture(&r->decoder, rank, &frame, err);
    r->info.damaged = r->decoder.damaged;
    return st ? st : st_video_picture_convert(&r->picture, frame, dst, stride, err);
}

struct st_video_counts st_video_reader_counts(const struct st_video_reader *r)
{
    const struct st_video_decoder *d = &r->decoder;
    const struct st_video_index *index = &d->index;
    return (struct st_video_counts){
        .pictures = index->pictures,
        .segments = index->segment_count,
        .decoded = d->decoded,
        .missing = d->lost,
        .seeks = d->packets.seeks,
        .rewinds = d->packets.rewinds,
        .threads = d->threads,
        .cache_most_bytes = d->cache.most_bytes,
        .index_bytes = sizeof(uint32_t) * (2 * (size_t)index->packets + index->pictures) +
                       sizeof *index->segments * index->segment_count,
    };
}
