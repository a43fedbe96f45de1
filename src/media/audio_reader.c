/* SPDX-License-Identifier: Apache-2.0 */
/* Decode, convert to f32, mix, resample. Decoded sound is joined as it comes: priming and
 * edit lists are obeyed (by libav), gaps between timestamps are not filled, which is also
 * what the ffmpeg command does. Easy to get wrong: the resampler holds back a tail until
 * it is flushed, and a stream may change its format in the middle.
 */
#include "media/audio_reader.h"

#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "media/input.h"
#include "media/libav.h"

#define MAX_CHANNELS 64
#define MIN_RATE_HZ 1000
#define MAX_RATE_HZ 768000
#define MAX_FRAME_SAMPLES (1 << 24) /* of one decoded frame, and of one resampled */
#define MAX_READ_ERRORS 64          /* damaged packets in a row before the file is given up */
#define LIMIT 16.0f                 /* 24 dB over full scale: louder is damage */

struct st_audio_reader {
    struct st_input input;
    char *path; /* owns */
    struct st_audio_info info;
    AVStream *stream; /* borrows from input */
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *frame;

    SwrContext *swr; /* for sound as `from_*` says; NULL before the first frame */
    int from_format, from_hz;
    AVChannelLayout from_layout;

    float *ready; /* owns; interleaved; frames [begin, end) are to be handed out */
    size_t ready_capacity, begin, end;

    int64_t damaged;
    int read_errors;
    bool demuxed, decoded, ended; /* no more packets; no more frames; resampler flushed */
};

static synctalk_status fail_memory(struct st_audio_reader *r, synctalk_error *err)
{
    return st_fail_memory(err, r->path, sizeof *r);
}

/* A gain for each source channel; swr's own rules would weigh and leave out channels. */
static int set_mean(struct st_audio_reader *r, int channels)
{
    double matrix[2 * MAX_CHANNELS];
    for (int i = 0; i < 2 * MAX_CHANNELS; i++)
        matrix[i] = 1.0 / channels;
    return swr_set_matrix(r->swr, matrix, channels);
}

/* A resampler from what the frame holds to what read() gives. */
static synctalk_status make_resampler(struct st_audio_reader *r, const AVFrame *frame,
                                      synctalk_error *err)
{
    AVChannelLayout from = {0};
    AVChannelLayout to = {0};
    int channels = frame->ch_layout.nb_channels;
    int code;
    bool known = frame->ch_layout.order == AV_CHANNEL_ORDER_NATIVE;

    swr_free(&r->swr);
    av_channel_layout_uninit(&r->from_layout);
    if (channels < 1 || channels > MAX_CHANNELS)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: %d channels; 1 to %d can be read", r->path,
                       channels, MAX_CHANNELS);
    if (frame->sample_rate < MIN_RATE_HZ || frame->sample_rate > MAX_RATE_HZ)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: %d samples a second; %d to %d can be read",
                       r->path, frame->sample_rate, MIN_RATE_HZ, MAX_RATE_HZ);

    /* Where means are taken, or positions are unknown, only the number of channels counts:
     * any layout with that many does. */
    bool mean = r->info.channels == 1 || channels == 1 || (channels > 2 && !known);
    if (known && !mean)
        code = av_channel_layout_copy(&from, &frame->ch_layout);
    else
        code = av_channel_layout_from_mask(&from, channels == 64 ? UINT64_MAX
                                                                 : (UINT64_C(1) << channels) - 1);
    av_channel_layout_default(&to, r->info.channels);

    if (code >= 0)
        code = swr_alloc_set_opts2(&r->swr, &to, AV_SAMPLE_FMT_FLT, r->info.rate_hz, &from,
                                   frame->format, frame->sample_rate, 0, NULL);
    if (code >= 0)
        code = av_opt_set_sample_fmt(r->swr, "internal_sample_fmt", AV_SAMPLE_FMT_FLTP, 0);
    if (code >= 0 && mean)
        code = set_mean(r, channels);
    if (code >= 0)
        code = swr_init(r->swr);
    if (code >= 0)
        code = av_channel_layout_copy(&r->from_layout, &frame->ch_layout);
    r->from_format = frame->format;
    r->from_hz = frame->sample_rate;
    av_channel_layout_uninit(&from);
    av_channel_layout_uninit(&to);
    if (code < 0) {
        char text[AV_ERROR_MAX_STRING_SIZE];
        return st_fail(err, SYNCTALK_E_LIBRARY, "%s: cannot convert its sound (%d channels): %s",
                       r->path, channels, st_av_text(code, text, sizeof text));
    }
    return SYNCTALK_OK;
}

/* Append what the resampler makes of `frame` (NULL: its tail) to `ready`. */
static synctalk_status resample(struct st_audio_reader *r, const AVFrame *frame,
                                synctalk_error *err)
{
    int count = frame ? frame->nb_samples : 0;
    int most = count > MAX_FRAME_SAMPLES ? -1 : swr_get_out_samples(r->swr, count);
    size_t channels = (size_t)r->info.channels;

    if (most < 0 || most > MAX_FRAME_SAMPLES)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: a packet holds %d samples, at most %d can be",
                       r->path, count, MAX_FRAME_SAMPLES);
    if (r->begin == r->end)
        r->begin = r->end = 0;
    if (r->end + (size_t)most > r->ready_capacity) {
        size_t want = r->end + (size_t)most;
        float *grown = realloc(r->ready, want * channels * sizeof *grown);
        if (!grown)
            return fail_memory(r, err);
        r->ready = grown;
        r->ready_capacity = want;
    }
    uint8_t *out = (uint8_t *)(r->ready + r->end * channels);
    const uint8_t **in = frame ? (const uint8_t **)frame->extended_data : NULL;
    int got = most ? swr_convert(r->swr, &out, most, in, count) : 0;
    if (got < 0)
        return st_fail(err, SYNCTALK_E_LIBRARY, "%s: cannot convert its sound", r->path);

    float *values = r->ready + r->end * channels;
    for (size_t i = 0; i < (size_t)got * channels; i++)
        values[i] = isfinite(values[i]) ? fminf(LIMIT, fmaxf(-LIMIT, values[i])) : 0.0f;
    r->end += (size_t)got;
    return SYNCTALK_OK;
}

static synctalk_status take_frame(struct st_audio_reader *r, synctalk_error *err)
{
    synctalk_status st;
    const AVFrame *f = r->frame;

    if (!r->swr || f->format != r->from_format || f->sample_rate != r->from_hz ||
        av_channel_layout_compare(&f->ch_layout, &r->from_layout) != 0) {
        if (r->swr && (st = resample(r, NULL, err)))
            return st;
        if ((st = make_resampler(r, f, err)))
            return st;
    }
    return resample(r, f, err);
}

/* The next packet of the stream into the decoder; at the file's end, the order to drain. */
static synctalk_status feed(struct st_audio_reader *r, synctalk_error *err)
{
    int code = av_read_frame(r->input.format, r->packet);
    if (code < 0) {
        if (r->input.errno_of_read)
            return st_fail_errno(err, r->input.errno_of_read, "read", r->path);
        if (code == AVERROR(ENOMEM))
            return fail_memory(r, err);
        if (code != AVERROR_EOF && code != AVERROR(EAGAIN))
            r->damaged++;
        if (code != AVERROR_EOF && ++r->read_errors < MAX_READ_ERRORS)
            return SYNCTALK_OK;
        r->demuxed = true;
        (void)avcodec_send_packet(r->decoder, NULL);
        return SYNCTALK_OK;
    }
    r->read_errors = 0;
    if (r->packet->stream_index == r->stream->index) {
        code = avcodec_send_packet(r->decoder, r->packet);
        if (code == AVERROR(ENOMEM)) {
            av_packet_unref(r->packet);
            return fail_memory(r, err);
        }
        if (code < 0)
            r->damaged++;
    }
    av_packet_unref(r->packet);
    return SYNCTALK_OK;
}

/* The next decoded frame with samples in it; *have is false when there is none left. */
static synctalk_status next_frame(struct st_audio_reader *r, bool *have, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;

    *have = false;
    while (!st && !r->decoded) {
        int code = avcodec_receive_frame(r->decoder, r->frame);
        if (code >= 0 && r->frame->nb_samples > 0) {
            *have = true;
            return SYNCTALK_OK;
        }
        if (code == AVERROR(ENOMEM))
            return fail_memory(r, err);
        if (code < 0 && code != AVERROR(EAGAIN) && code != AVERROR_EOF) {
            r->damaged++;
            r->read_errors++;
        }
        if (code == AVERROR_EOF || (code < 0 && r->demuxed && code == AVERROR(EAGAIN)) ||
            r->read_errors >= 2 * MAX_READ_ERRORS)
            r->decoded = true;
        else if (code < 0 && !r->demuxed)
            st = feed(r, err);
    }
    return st;
}

/* Work until something is ready or all is done. */
static synctalk_status advance(struct st_audio_reader *r, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    bool have;

    while (!st && r->begin == r->end && !r->ended) {
        if ((st = next_frame(r, &have, err)))
            break;
        if (have) {
            st = take_frame(r, err);
            av_frame_unref(r->frame);
        } else {
            r->ended = true;
            st = r->swr ? resample(r, NULL, err) : SYNCTALK_OK;
        }
    }
    return st;
}

static synctalk_status fail_empty(const struct st_audio_reader *r, synctalk_error *err)
{
    if (r->damaged)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: its sound (%s) is damaged: none of its packets can be decoded", r->path,
                       r->info.codec);
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: the sound in it is empty (0 samples), or the file is cut off", r->path);
}

/* Is there moving picture, or a still one, in a file that has no sound? */
static synctalk_status fail_no_sound(const struct st_audio_reader *r, synctalk_error *err)
{
    const AVFormatContext *format = r->input.format;
    const char *name = format->iformat->name;
    bool picture = strstr(name, "_pipe") || strcmp(name, "gif") == 0;
    bool video = false;
    for (unsigned i = 0; i < format->nb_streams; i++)
        video |= format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;

    if (picture)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: is a picture; an audio or video file is needed",
                       r->path);
    return st_fail(err, SYNCTALK_E_FORMAT, "%s: no sound in it%s", r->path,
                   video ? ", only video; give a file with an audio track" : "");
}

static synctalk_status open_decoder(struct st_audio_reader *r, synctalk_error *err)
{
    const AVCodec *codec = NULL;
    AVFormatContext *format = r->input.format;
    int index = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, &codec, 0);

    if (index == AVERROR_DECODER_NOT_FOUND || (index >= 0 && !codec))
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "%s: libavcodec has no decoder for its sound; convert it to WAV", r->path);
    if (index < 0)
        return fail_no_sound(r, err);
    r->stream = format->streams[index];
    for (unsigned i = 0; i < format->nb_streams; i++)
        if ((int)i != index)
            format->streams[i]->discard = AVDISCARD_ALL;

    if (!(r->packet = av_packet_alloc()) || !(r->frame = av_frame_alloc()) ||
        !(r->decoder = avcodec_alloc_context3(codec)) ||
        avcodec_parameters_to_context(r->decoder, r->stream->codecpar) < 0)
        return fail_memory(r, err);
    r->decoder->pkt_timebase = r->stream->time_base;
    r->decoder->thread_count = 1;
    snprintf(r->info.codec, sizeof r->info.codec, "%s", codec->name);
    int code = avcodec_open2(r->decoder, codec, NULL);
    if (code < 0) {
        char text[AV_ERROR_MAX_STRING_SIZE];
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: cannot decode its sound (%s): %s", r->path,
                       codec->name, st_av_text(code, text, sizeof text));
    }
    return SYNCTALK_OK;
}

/* What read() gives follows from the first decoded frame: headers can be wrong. */
static synctalk_status prime(struct st_audio_reader *r, int rate_hz, int channels,
                             synctalk_error *err)
{
    synctalk_status st;
    const AVFrame *f = r->frame;
    bool have;

    if ((st = next_frame(r, &have, err)))
        return st;
    if (!have)
        return fail_empty(r, err);
    r->info.source_hz = f->sample_rate;
    r->info.source_channels = f->ch_layout.nb_channels;
    if (f->best_effort_timestamp != AV_NOPTS_VALUE)
        r->info.start = (double)f->best_effort_timestamp * av_q2d(r->stream->time_base);
    r->info.rate_hz = rate_hz ? rate_hz : f->sample_rate;
    r->info.channels = f->ch_layout.nb_channels < channels ? f->ch_layout.nb_channels : channels;
    st = take_frame(r, err);
    av_frame_unref(r->frame);
    if (!st)
        st = advance(r, err);
    if (!st && r->begin == r->end)
        st = fail_empty(r, err);
    return st;
}

synctalk_status st_audio_reader_open(struct st_audio_reader **out, const char *path, int rate_hz,
                                     int channels, synctalk_error *err)
{
    synctalk_status st;
    struct st_audio_reader *r = NULL;

    *out = NULL;
    if ((rate_hz && (rate_hz < MIN_RATE_HZ || rate_hz > MAX_RATE_HZ)) || channels < 1 ||
        channels > 2)
        return st_fail(err, SYNCTALK_E_ARG, "%s: sound as %d Hz with %d channels is not offered",
                       path, rate_hz, channels);
    if (!(r = calloc(1, sizeof *r)) || !(r->path = strdup(path))) {
        st = st_fail_memory(err, path, sizeof *r);
        goto done;
    }
    if ((st = st_input_open(&r->input, r->path, err)))
        goto done;
    if ((st = open_decoder(r, err)))
        goto done;
    if ((st = prime(r, rate_hz, channels, err)))
        goto done;
    *out = r;
    r = NULL;

done:
    st_audio_reader_close(&r);
    return st;
}

void st_audio_reader_close(struct st_audio_reader **reader)
{
    if (!reader || !*reader)
        return;
    struct st_audio_reader *r = *reader;
    swr_free(&r->swr);
    av_channel_layout_uninit(&r->from_layout);
    avcodec_free_context(&r->decoder);
    av_packet_free(&r->packet);
    av_frame_free(&r->frame);
    st_input_close(&r->input);
    free(r->ready);
    free(r->path);
    free(r);
    *reader = NULL;
}

const struct st_audio_info *st_audio_reader_info(const struct st_audio_reader *reader)
{
    return &reader->info;
}

synctalk_status st_audio_reader_read(struct st_audio_reader *reader, float *dst, size_t capacity,
                                     size_t *got, synctalk_error *err)
{
    synctalk_status st;
    size_t channels = (size_t)reader->info.channels;

    *got = 0;
    if ((st = advance(reader, err)))
        return st;
    size_t count = reader->end - reader->begin;
    count = count < capacity ? count : capacity;
    memcpy(dst, reader->ready + reader->begin * channels, count * channels * sizeof *dst);
    reader->begin += count;
    *got = count;
    return SYNCTALK_OK;
}

int64_t st_audio_reader_damaged(const struct st_audio_reader *reader)
{
    return reader->damaged;
}
