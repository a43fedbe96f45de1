/* SPDX-License-Identifier: Apache-2.0 */
#include "media/video_maker.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/support.h"

#define LEVELS 26
#define LOWEST 24
#define STEP 8

/* A file in the making. */
struct making {
    const struct made_video *video;
    AVFormatContext *muxer;
    AVCodecContext *encoder;
    AVPacket *packet;
    AVRational tick;
    int packets;
};

void paint_plane(AVFrame *frame, int plane, int value)
{
    const AVPixFmtDescriptor *about = av_pix_fmt_desc_get(frame->format);
    int width = plane ? AV_CEIL_RSHIFT(frame->width, about->log2_chroma_w) : frame->width;
    int height = plane ? AV_CEIL_RSHIFT(frame->height, about->log2_chroma_h) : frame->height;
    int depth = about->comp[plane].depth;

    for (int y = 0; y < height; y++) {
        uint8_t *row = frame->data[plane] + y * frame->linesize[plane];
        for (int x = 0; x < width; x++) {
            if (depth > 8)
                ((uint16_t *)(void *)row)[x] = (uint16_t)(value << (depth - 8));
            else
                row[x] = (uint8_t)value;
        }
    }
}

void paint_level(AVFrame *frame, int number)
{
    paint_plane(frame, 0, LOWEST + STEP * (number % LEVELS));
    paint_plane(frame, 1, 128);
    paint_plane(frame, 2, 128);
}

int level_of(int grey)
{
    double luma = 16 + grey * 219.0 / 255;
    int level = (int)lrint((luma - LOWEST) / STEP);
    return fabs(luma - LOWEST - STEP * level) < 3 && level >= 0 && level < LEVELS ? level : -1;
}

static void set_matrix(AVStream *stream, const int *matrix)
{
    int32_t full[9] = {0};
    if (!matrix[0] && !matrix[1] && !matrix[2] && !matrix[3])
        return;
    full[0] = matrix[0] * 65536;
    full[1] = matrix[1] * 65536;
    full[3] = matrix[2] * 65536;
    full[4] = matrix[3] * 65536;
    full[8] = 1 << 30;
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
    AVPacketSideData *side = av_packet_side_data_new(&stream->codecpar->coded_side_data,
                                                     &stream->codecpar->nb_coded_side_data,
                                                     AV_PKT_DATA_DISPLAYMATRIX, sizeof full, 0);
    assert_non_null(side);
    memcpy(side->data, full, sizeof full);
#else
    uint8_t *side = av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, sizeof full);
    assert_non_null(side);
    memcpy(side, full, sizeof full);
#endif
}

/* Refuses without the encoder; then NULL. */
static AVCodecContext *open_encoder(const struct making *m, int width, int height)
{
    const struct made_video *v = m->video;
    const AVCodec *codec = avcodec_find_encoder_by_name(v->encoder);
    AVDictionary *options = NULL;
    if (!codec)
        return NULL;
    AVCodecContext *e = avcodec_alloc_context3(codec);
    assert_non_null(e);
    e->width = width;
    e->height = height;
    e->pix_fmt = v->format;
    e->time_base = m->tick;
    e->framerate = av_inv_q(m->tick);
    e->gop_size = v->gop ? v->gop : 12;
    e->max_b_frames = v->b_frames;
    e->thread_count = 1;
    e->colorspace = v->space ? v->space : AVCOL_SPC_UNSPECIFIED;
    e->color_range = v->range;
    e->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
    if (v->interlaced)
        e->flags |= AV_CODEC_FLAG_INTERLACED_DCT | AV_CODEC_FLAG_INTERLACED_ME;
    if (m->muxer->oformat->flags & AVFMT_GLOBALHEADER)
        e->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    e->flags |= AV_CODEC_FLAG_QSCALE;
    e->global_quality = 2 * FF_QP2LAMBDA;
    if (strncmp(v->encoder, "libvpx", 6) == 0 || strcmp(v->encoder, "libaom-av1") == 0)
        assert_true(av_dict_parse_string(&options, "crf=10:cpu-used=8", "=", ":", 0) >= 0);
    if (v->options)
        assert_true(av_dict_parse_string(&options, v->options, "=", ",", 0) >= 0);
    int code = avcodec_open2(e, codec, &options);
    av_dict_free(&options);
    if (code < 0)
        avcodec_free_context(&e);
    return e;
}

static void drain(struct making *m)
{
    const struct made_video *v = m->video;
    while (avcodec_receive_packet(m->encoder, m->packet) >= 0) {
        int number = m->packets++;
        if (v->muxed_times) {
            m->packet->pts = v->times[number];
            m->packet->dts = v->times[0] < 0 ? m->packet->pts : number;
        }
        if (number == v->frames - 1 && v->last_ticks)
            m->packet->duration = v->last_ticks;
        av_packet_rescale_ts(m->packet, m->tick, m->muxer->streams[0]->time_base);
        m->packet->stream_index = 0;
        assert_true(av_interleaved_write_frame(m->muxer, m->packet) >= 0);
    }
}

static void encode_one(struct making *m, AVFrame *frame, int number)
{
    const struct made_video *v = m->video;
    frame->format = m->encoder->pix_fmt;
    frame->width = m->encoder->width;
    frame->height = m->encoder->height;
    frame->colorspace = m->encoder->colorspace;
    frame->color_range = m->encoder->color_range;
    frame->quality = m->encoder->global_quality;
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
    frame->flags |= v->interlaced ? AV_FRAME_FLAG_INTERLACED | AV_FRAME_FLAG_TOP_FIELD_FIRST : 0;
#else
    frame->interlaced_frame = frame->top_field_first = v->interlaced;
#endif
    assert_true(av_frame_get_buffer(frame, 0) >= 0);
    (v->paint ? v->paint : paint_level)(frame, number);
    frame->pts = v->times && !v->muxed_times ? v->times[number] : number;
    assert_true(avcodec_send_frame(m->encoder, frame) >= 0);
    av_frame_unref(frame);
    drain(m);
}

static void open_muxer(struct making *m)
{
    AVFormatContext *muxer = m->muxer;
    AVDictionary *options = NULL;
    AVStream *stream = avformat_new_stream(muxer, NULL);
    assert_non_null(stream);
    assert_true(avcodec_parameters_from_context(stream->codecpar, m->encoder) >= 0);
    stream->time_base = m->tick;
    if (!m->video->times)
        stream->avg_frame_rate = av_inv_q(m->tick);
    set_matrix(stream, m->video->matrix);
    muxer->flags |= AVFMT_FLAG_BITEXACT;
    if (m->video->muxed_times)
        muxer->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
    assert_true(av_dict_set(&options, "movflags", "+faststart", 0) >= 0);
    assert_true(avio_open(&muxer->pb, m->video->path, AVIO_FLAG_WRITE) >= 0);
    assert_true(avformat_write_header(muxer, &options) >= 0);
    av_dict_free(&options);
}

bool make_video(const struct made_video *v)
{
    struct making m = {.video = v, .tick = v->tick.num ? v->tick : (AVRational){1, 25}};
    AVFrame *frame = av_frame_alloc();
    m.packet = av_packet_alloc();
    assert_true(frame && m.packet);

    av_log_set_level(AV_LOG_QUIET);
    assert_true(avformat_alloc_output_context2(&m.muxer, NULL, NULL, v->path) >= 0);
    m.encoder = open_encoder(&m, v->width, v->height);
    bool able = m.encoder != NULL;
    if (able)
        open_muxer(&m);
    else
        fprintf(stderr, "SKIPPED: this libavcodec does not encode %s in %s\n", v->encoder,
                av_get_pix_fmt_name(v->format));
    for (int i = 0; able && i < v->frames; i++) {
        if (v->resize_at && i == v->resize_at) {
            avcodec_send_frame(m.encoder, NULL);
            drain(&m);
            avcodec_free_context(&m.encoder);
            m.encoder = open_encoder(&m, v->resize_width, v->resize_height);
            assert_non_null(m.encoder);
        }
        encode_one(&m, frame, i);
    }
    if (able) {
        avcodec_send_frame(m.encoder, NULL);
        drain(&m);
        assert_true(av_write_trailer(m.muxer) >= 0);
        avio_closep(&m.muxer->pb);
    }
    avformat_free_context(m.muxer);
    avcodec_free_context(&m.encoder);
    av_frame_free(&frame);
    av_packet_free(&m.packet);
    return able;
}
