/* SPDX-License-Identifier: Apache-2.0 */
#include "media/media_support.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/video_writer.h"
#include "support/support.h"

static void put(uint8_t **at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *(*at)++ = (uint8_t)(value >> 8 * i);
}

void wav_write(const char *path, enum wav_kind kind, int hz, int channels, const float *samples,
               size_t count)
{
    size_t width = (size_t)kind / 8;
    size_t data = count * (size_t)channels * width;
    uint8_t *file = malloc(44 + data);
    assert_non_null(file);
    uint8_t *at = file;

    memcpy(at, "RIFF", 4);
    at += 4;
    put(&at, 36 + data, 4);
    memcpy(at, "WAVEfmt ", 8);
    at += 8;
    put(&at, 16, 4);
    put(&at, kind == WAV_F32 ? 3 : 1, 2);
    put(&at, (uint64_t)channels, 2);
    put(&at, (uint64_t)hz, 4);
    put(&at, (uint64_t)hz * (uint64_t)channels * width, 4);
    put(&at, (uint64_t)channels * width, 2);
    put(&at, (uint64_t)kind, 2);
    memcpy(at, "data", 4);
    at += 4;
    put(&at, data, 4);
    for (size_t i = 0; i < count * (size_t)channels; i++) {
        uint32_t bits;
        memcpy(&bits, samples + i, 4);
        if (kind == WAV_U8)
            put(&at, (uint64_t)lrintf(samples[i] * 127.0f + 128.0f), 1);
        else if (kind == WAV_F32)
            put(&at, bits, 4);
        else
            put(&at,
                (uint64_t)(int64_t)lrintf(samples[i] * (kind == WAV_S16 ? 32767.f : 8388607.f)),
                (int)width);
    }
    st_write_file(path, file, 44 + data);
    free(file);
}

const char *in_dir(const char *dir, const char *name)
{
    static char buffers[8][4096];
    static unsigned next;
    char *path = buffers[next++ % 8];
    snprintf(path, sizeof buffers[0], "%s/%s", dir, name);
    return path;
}

float tone(int64_t n, int hz, int channel)
{
    return (float)(0.5 * sin(2 * 3.14159265358979 * 440.0 * (double)n / hz + 0.2 * channel));
}

/* The n-th sample in whatever of the three formats encoders take. */
static void set_sample(AVFrame *frame, int at, int channel, float value)
{
    bool planar = av_sample_fmt_is_planar(frame->format);
    int channels = frame->ch_layout.nb_channels;
    uint8_t *plane = planar ? frame->extended_data[channel] : frame->data[0];
    int index = planar ? at : at * channels + channel;
    switch (av_get_packed_sample_fmt(frame->format)) {
    case AV_SAMPLE_FMT_FLT:
        ((float *)(void *)plane)[index] = value;
        break;
    case AV_SAMPLE_FMT_S16:
        ((int16_t *)(void *)plane)[index] = (int16_t)lrintf(value * 32767.0f);
        break;
    default:
        ((int32_t *)(void *)plane)[index] = (int32_t)lrint((double)value * 2147483647.0);
        break;
    }
}

static void drain(AVFormatContext *muxer, AVCodecContext *encoder, AVPacket *packet)
{
    while (avcodec_receive_packet(encoder, packet) >= 0) {
        av_packet_rescale_ts(packet, encoder->time_base, muxer->streams[0]->time_base);
        packet->stream_index = 0;
        assert_true(av_interleaved_write_frame(muxer, packet) >= 0);
    }
}

bool encode_tone(const char *path, const char *encoder_name, int hz, int channels, double seconds)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(encoder_name);
    AVFormatContext *muxer = NULL;
    int64_t total = llrint(seconds * hz);

    if (!codec)
        return false;
    AVCodecContext *encoder = avcodec_alloc_context3(codec);
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    assert_true(encoder && frame && packet);
    assert_true(avformat_alloc_output_context2(&muxer, NULL, NULL, path) >= 0);
    encoder->sample_rate = hz;
    encoder->sample_fmt = codec->sample_fmts[0];
    encoder->bit_rate = 96000LL * channels;
    encoder->time_base = (AVRational){1, hz};
    if (muxer->oformat->flags & AVFMT_GLOBALHEADER)
        encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_channel_layout_default(&encoder->ch_layout, channels);
    assert_true(avcodec_open2(encoder, codec, NULL) >= 0);
    assert_non_null(avformat_new_stream(muxer, NULL));
    avcodec_parameters_from_context(muxer->streams[0]->codecpar, encoder);
    muxer->streams[0]->time_base = encoder->time_base;
    assert_true(avio_open(&muxer->pb, path, AVIO_FLAG_WRITE) >= 0);
    assert_true(avformat_write_header(muxer, NULL) >= 0);

    int step = encoder->frame_size ? encoder->frame_size : 1024;
    for (int64_t at = 0; at < total; at += step) {
        av_frame_unref(frame);
        frame->format = encoder->sample_fmt;
        frame->sample_rate = hz;
        frame->nb_samples = (int)(total - at < step ? total - at : step);
        av_channel_layout_copy(&frame->ch_layout, &encoder->ch_layout);
        assert_true(av_frame_get_buffer(frame, 0) >= 0);
        frame->pts = at;
        for (int i = 0; i < frame->nb_samples; i++)
            for (int c = 0; c < channels; c++)
                set_sample(frame, i, c, tone(at + i, hz, c));
        assert_true(avcodec_send_frame(encoder, frame) >= 0);
        drain(muxer, encoder, packet);
    }
    avcodec_send_frame(encoder, NULL);
    drain(muxer, encoder, packet);
    assert_true(av_write_trailer(muxer) >= 0);
    avio_closep(&muxer->pb);
    avformat_free_context(muxer);
    avcodec_free_context(&encoder);
    av_frame_free(&frame);
    av_packet_free(&packet);
    return true;
}

struct st_video_writer_settings small_video(const char *path)
{
    return (struct st_video_writer_settings){
        .path = path,
        .name = "final.mp4",
        .source_width = 64,
        .source_height = 48,
        .width = 64,
        .height = 48,
        .fps = 25,
        .crf = 18,
        .x264_preset = "ultrafast",
        .threads = 2,
        .audio_hz = 16000,
        .audio_channels = 1,
        .audio_kbps = 64,
    };
}

void draw(uint8_t *bgr, int width, int height, int index)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *p = bgr + 3 * (y * width + x);
            p[0] = (uint8_t)(4 * x + index);
            p[1] = (uint8_t)(5 * y + 2 * index);
            p[2] = (uint8_t)(x + y + 3 * index);
        }
}

void video_write(const struct st_video_writer_settings *s, int frames)
{
    struct st_video_writer *writer;
    uint8_t *bgr = malloc((size_t)s->source_width * (size_t)s->source_height * 3);
    float *sound = calloc((size_t)(s->audio_hz / s->fps + 1) * 2, sizeof *sound);
    int64_t sample = 0;

    assert_true(bgr && sound);
    ST_OK(st_video_writer_open(&writer, s, err));
    for (int i = 0; i < frames; i++) {
        draw(bgr, s->source_width, s->source_height, i);
        ST_OK(st_video_writer_frame(writer, bgr, (size_t)s->source_width * 3, err));
        int64_t until = (int64_t)(i + 1) * s->audio_hz / s->fps;
        size_t n = 0;
        for (; sample < until; sample++)
            for (int c = 0; c < s->audio_channels; c++)
                sound[n++] = tone(sample, s->audio_hz, c);
        if (s->audio_hz)
            ST_OK(st_video_writer_audio(writer, sound, n / (size_t)s->audio_channels, err));
    }
    ST_OK(st_video_writer_finish(writer, err));
    st_video_writer_close(&writer);
    assert_null(writer);
    free(sound);
    free(bgr);
}
