/* SPDX-License-Identifier: Apache-2.0 */
#include "support/support.h"

#include "generate/film.h"

#include <libavformat/avformat.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "generate/sound.h"
#include "image/picture.h"
#include "media/video_reader.h"
#include "media/video_writer.h"

#define AAC_FRAME 1024 /* samples; what an encoder may pad at the end */

static struct st_video_reader *open_film(const char *path, int fps)
{
    struct st_video_reader *reader;
    ST_OK(st_video_reader_open(&reader, path, &(struct st_video_settings){.fps = fps, .threads = 1},
                               NULL, err));
    return reader;
}

static struct st_video_writer *begin_film(const char *path, int width, int height)
{
    struct st_video_writer *writer;
    ST_OK(st_video_writer_open(&writer,
                               &(struct st_video_writer_settings){.path = path,
                                                                  .name = path,
                                                                  .source_width = width,
                                                                  .source_height = height,
                                                                  .width = width,
                                                                  .height = height,
                                                                  .fps = 25,
                                                                  .crf = 14,
                                                                  .x264_preset = "ultrafast",
                                                                  .threads = 1},
                               err));
    return writer;
}

void film_cut(const char *path, const char *from, int first, int frames, int blank)
{
    struct st_video_reader *reader = from ? open_film(from, 25) : NULL;
    struct st_picture picture = {0};
    int width = reader ? st_video_reader_info(reader)->width : 128;
    int height = reader ? st_video_reader_info(reader)->height : 96;
    struct st_video_writer *writer = begin_film(path, width, height);

    ST_OK(st_picture_resize(&picture, width, height, err));
    for (int i = 0; i < frames; i++) {
        if (reader && i >= blank)
            ST_OK(st_video_reader_frame(reader, first + i, picture.data, picture.stride, err));
        else
            memset(picture.data, 128, picture.stride * (size_t)height);
        ST_OK(st_video_writer_frame(writer, picture.data, picture.stride, err));
    }
    ST_OK(st_video_writer_finish(writer, err));
    st_video_writer_close(&writer);
    st_video_reader_close(&reader);
    st_picture_free(&picture);
}

void film_of_pictures(const char *path, const char *folder, int frames)
{
    struct st_picture picture = {0};
    struct st_jpeg_decoder *decoder;
    struct st_video_writer *writer = NULL;

    ST_OK(st_jpeg_decoder_create(&decoder, err));
    for (int i = 0; i < frames; i++) {
        char name[ST_PATH_MAX];
        ST_OK(st_path_format(name, err, "%s/%d.jpg", folder, i));
        ST_OK(st_jpeg_read(decoder, &picture, name, err));
        if (!writer)
            writer = begin_film(path, picture.width, picture.height);
        ST_OK(st_video_writer_frame(writer, picture.data, picture.stride, err));
    }
    ST_OK(st_video_writer_finish(writer, err));
    st_video_writer_close(&writer);
    st_jpeg_decoder_destroy(&decoder);
    st_picture_free(&picture);
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Times of the pictures as the container has them, sorted; `capacity` + 1 where there are more. */
static size_t picture_times(const char *path, int64_t *times, size_t capacity, AVRational *base)
{
    AVFormatContext *format = NULL;
    AVPacket *packet = av_packet_alloc();
    size_t count = 0;
    assert_non_null(packet);
    assert_true(avformat_open_input(&format, path, NULL, NULL) >= 0);
    assert_true(avformat_find_stream_info(format, NULL) >= 0);
    int video = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    assert_true(video >= 0);
    *base = format->streams[video]->time_base;
    while (av_read_frame(format, packet) >= 0) {
        if (packet->stream_index == video && count <= capacity) {
            if (count < capacity)
                times[count] = packet->pts;
            count++;
        }
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    avformat_close_input(&format);
    qsort(times, count < capacity ? count : capacity, sizeof *times, by_time);
    return count;
}

void film_check_clock(const char *path, const char *sound, const struct st_plan *plan, int fps)
{
    size_t frames = (size_t)plan->frames;
    int64_t *times = calloc(frames, sizeof *times);
    AVRational base;
    struct st_sound in;
    struct st_sound out;

    assert_non_null(times);
    assert_int_equal(picture_times(path, times, frames, &base), frames);
    for (size_t i = 0; i < frames; i++) {
        int64_t wanted = (int64_t)i * base.den;
        assert_int_equal(times[i] * base.num * fps, wanted);
    }
    free(times);

    ST_OK(st_sound_measure(&in, sound, 0, NULL, err));
    ST_OK(st_sound_measure(&out, path, 0, NULL, err));
    assert_int_equal(st_plan_frame_count(in.samples, in.rate_hz, fps), plan->frames);
    double longer = (double)out.samples - (double)in.samples * out.rate_hz / in.rate_hz;
    if (!(longer > -2 && longer < AAC_FRAME))
        fail_msg("%s: the sound is %.0f samples longer than %s", path, longer, sound);
}

struct squares {
    double sum[2]; /* of squared differences: outside, inside */
    uint64_t bytes[2];
};

static void add_frame(struct squares *squares, const struct st_picture *a,
                      const struct st_picture *b, const struct st_analysed *seen)
{
    const struct st_crop_box *box = &seen->box;
    for (int y = 0; y < a->height; y++) {
        const uint8_t *p = a->data + (size_t)y * a->stride;
        const uint8_t *q = b->data + (size_t)y * b->stride;
        bool row = seen->draw && y >= box->y && y < box->y + box->side;
        for (int x = 0; x < a->width; x++, p += 3, q += 3) {
            bool inside = row && x >= box->x && x < box->x + box->side;
            squares->bytes[inside] += 3;
            for (int c = 0; c < 3; c++)
                squares->sum[inside] += (p[c] - q[c]) * (p[c] - q[c]);
        }
    }
}

static double decibels(const struct squares *squares, int inside)
{
    double mean =
        squares->bytes[inside] ? squares->sum[inside] / (double)squares->bytes[inside] : 0;
    return mean > 0 ? 10 * log10(255.0 * 255.0 / mean) : 100;
}

void film_compare(struct film_likeness *likeness, const char *path, const char *source,
                  const struct st_plan *plan, const struct st_analysis *analysis, int fps)
{
    struct st_video_reader *made = open_film(path, fps);
    struct st_video_reader *shot = open_film(source, fps);
    const struct st_video_info *info = st_video_reader_info(made);
    struct st_picture a = {0};
    struct st_picture b = {0};
    struct squares all = {0};

    assert_int_equal(info->frames, plan->frames);
    const struct st_video_info *whole = st_video_reader_info(shot);
    assert_int_equal(info->width, whole->width & ~1);
    assert_int_equal(info->height, whole->height & ~1);
    ST_OK(st_picture_resize(&a, info->width, info->height, err));
    ST_OK(st_picture_resize(&b, whole->width, whole->height, err));
    *likeness = (struct film_likeness){.worst = 100};
    for (int64_t i = 0; i < plan->frames; i++) {
        int64_t n = st_plan_at(plan, i).source;
        struct squares one = {0};
        struct st_analysed seen;
        ST_OK(st_analysis_frame(analysis, n, &seen, err));
        ST_OK(st_video_reader_frame(made, i, a.data, a.stride, err));
        ST_OK(st_video_reader_frame(shot, n, b.data, b.stride, err));
        add_frame(&one, &a, &b, &seen);
        for (int k = 0; k < 2; k++) {
            all.sum[k] += one.sum[k];
            all.bytes[k] += one.bytes[k];
        }
        if (decibels(&one, 0) < likeness->worst)
            likeness->worst = decibels(&one, 0);
    }
    likeness->psnr = decibels(&all, 0);
    likeness->face = decibels(&all, 1);
    st_picture_free(&a);
    st_picture_free(&b);
    st_video_reader_close(&made);
    st_video_reader_close(&shot);
}
