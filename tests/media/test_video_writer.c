/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <malloc.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/media_support.h"
#include "media/video_reader.h"
#include "media/video_writer.h"
#include "support/support.h"

#define MAX_FRAMES 400

/* What a written file is, seen through libav. */
struct seen {
    AVFormatContext *format;
    const AVStream *video, *audio; /* audio NULL: none */
    int frames;
    int keys;
    int64_t pts[MAX_FRAMES]; /* in frames, in order of display */
    uint8_t *first;          /* first decoded frame, I420, width x height, packed */
    int width, height;
};

static void keep_first(struct seen *seen, const AVFrame *f)
{
    uint8_t *at = seen->first = malloc((size_t)f->width * (size_t)f->height * 3 / 2);
    assert_non_null(at);
    assert_int_equal(f->format, AV_PIX_FMT_YUV420P);
    for (int p = 0; p < 3; p++) {
        int shift = p ? 1 : 0;
        for (int y = 0; y < f->height >> shift; y++, at += f->width >> shift)
            memcpy(at, f->data[p] + y * f->linesize[p], (size_t)(f->width >> shift));
    }
    seen->width = f->width;
    seen->height = f->height;
}

static void see(struct seen *seen, const char *path)
{
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    const AVCodec *codec;

    *seen = (struct seen){0};
    assert_true(avformat_open_input(&seen->format, path, NULL, NULL) >= 0);
    assert_true(avformat_find_stream_info(seen->format, NULL) >= 0);
    int v = av_find_best_stream(seen->format, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    int a = av_find_best_stream(seen->format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    assert_true(v >= 0);
    seen->video = seen->format->streams[v];
    seen->audio = a >= 0 ? seen->format->streams[a] : NULL;
    AVCodecContext *decoder = avcodec_alloc_context3(codec);
    avcodec_parameters_to_context(decoder, seen->video->codecpar);
    assert_true(avcodec_open2(decoder, codec, NULL) >= 0);
    for (bool more = true; more;) {
        more = av_read_frame(seen->format, packet) >= 0;
        if (more && packet->stream_index != v) {
            av_packet_unref(packet);
            continue;
        }
        avcodec_send_packet(decoder, more ? packet : NULL);
        av_packet_unref(packet);
        while (avcodec_receive_frame(decoder, frame) >= 0) {
            assert_true(seen->frames < MAX_FRAMES);
            AVRational one = av_inv_q(seen->video->avg_frame_rate);
            seen->pts[seen->frames++] = av_rescale_q(frame->pts, seen->video->time_base, one);
            seen->keys += frame->key_frame;
            if (!seen->first)
                keep_first(seen, frame);
            av_frame_unref(frame);
        }
    }
    avcodec_free_context(&decoder);
    av_frame_free(&frame);
    av_packet_free(&packet);
}

static void unsee(struct seen *seen)
{
    avformat_close_input(&seen->format);
    free(seen->first);
}

static double seconds(const AVStream *stream)
{
    return (double)stream->duration * av_q2d(stream->time_base);
}

static uint8_t *slurp(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* Guards: a frame too many or too few, gaps in time, sound that ends elsewhere, missing
 * colour tags (players then guess BT.601 below 720 lines). */
static void test_contents(void **state)
{
    static const struct {
        int fps, frames, hz, channels;
        const char *preset;
    } cases[] = {
        {25, 1, 16000, 1, "faster"},     {25, 77, 16000, 1, "faster"},
        {25, 130, 44100, 2, "medium"},   {20, 61, 48000, 1, "veryfast"},
        {25, 60, 0, 1, "ultrafast"},     {30, 90, 22050, 1, "superfast"},
        {25, 50, 37800, 2, "ultrafast"}, {25, 50, 192000, 1, "ultrafast"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct st_video_writer_settings s = small_video(in_dir(*state, "contents.part"));
        struct seen seen;
        s.fps = cases[i].fps;
        s.audio_hz = cases[i].hz;
        s.audio_channels = cases[i].channels;
        s.x264_preset = cases[i].preset;
        video_write(&s, cases[i].frames);
        see(&seen, s.path);

        const AVCodecParameters *par = seen.video->codecpar;
        double length = (double)cases[i].frames / cases[i].fps;
        assert_int_equal(seen.frames, cases[i].frames);
        assert_int_equal(seen.video->nb_frames, cases[i].frames);
        for (int k = 0; k < seen.frames; k++)
            assert_int_equal(seen.pts[k], k);
        assert_int_equal(seen.video->avg_frame_rate.num, cases[i].fps);
        assert_int_equal(seen.video->avg_frame_rate.den, 1);
        assert_true(fabs(seconds(seen.video) - length) < 1e-3);
        assert_int_equal(par->codec_id, AV_CODEC_ID_H264);
        assert_int_equal(par->format, AV_PIX_FMT_YUV420P);
        assert_int_equal(par->color_primaries, AVCOL_PRI_BT709);
        assert_int_equal(par->color_trc, AVCOL_TRC_BT709);
        assert_int_equal(par->color_space, AVCOL_SPC_BT709);
        assert_int_equal(par->color_range, AVCOL_RANGE_MPEG);
        assert_true(seen.keys >= (cases[i].frames + 2 * s.fps - 1) / (2 * s.fps));
        assert_int_equal(seen.audio != NULL, cases[i].hz != 0);
        if (seen.audio) {
            assert_int_equal(seen.audio->codecpar->codec_id, AV_CODEC_ID_AAC);
            assert_int_equal(seen.audio->codecpar->ch_layout.nb_channels, cases[i].channels);
            assert_true(fabs(seconds(seen.audio) - seconds(seen.video)) < 0.5 / s.fps);
            assert_int_equal(seen.audio->start_time, 0);
        }
        assert_int_equal(seen.video->start_time, 0);
        unsee(&seen);
    }
}

/* Position of the first box `type` at the top level, or SIZE_MAX. */
static size_t find_box(const uint8_t *file, size_t size, const char *type)
{
    for (size_t at = 0; at + 16 <= size;) {
        uint64_t length = 0;
        bool large = memcmp(file + at, "\0\0\0\1", 4) == 0;
        for (int k = 0; k < (large ? 8 : 4); k++)
            length = length << 8 | file[at + (large ? 8 : 0) + (size_t)k];
        if (memcmp(file + at + 4, type, 4) == 0)
            return at;
        if (length < 8)
            break;
        at += length;
    }
    return SIZE_MAX;
}

/* Guards: a video that a browser must load whole before it starts. */
static void test_index_in_front(void **state)
{
    struct st_video_writer_settings s = small_video(in_dir(*state, "front.mp4"));
    size_t size;
    video_write(&s, 30);
    uint8_t *bytes = slurp(s.path, &size);
    size_t moov = find_box(bytes, size, "moov");
    size_t mdat = find_box(bytes, size, "mdat");
    assert_true(moov != SIZE_MAX && mdat != SIZE_MAX);
    assert_true(moov < mdat);
    free(bytes);
}

/* Guards: a date or version in the file; encoders that read memory nobody wrote (x264 with
 * AVX-512 does for these widths): fresh memory is filled with another byte in each run. */
static void test_repeatable(void **state)
{
    static const int sizes[][3] = {{64, 48, 1}, {320, 240, 3}, {128, 96, 2}};
    static const int fills[] = {0x01, 0x55, 0xFE};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *first = NULL;
        size_t first_size = 0;
        for (size_t run = 0; run < 3; run++) {
            struct st_video_writer_settings s = small_video(in_dir(*state, "repeat.mp4"));
            size_t size;
            s.x264_preset = "faster";
            s.width = s.source_width = sizes[i][0];
            s.height = s.source_height = sizes[i][1];
            s.threads = sizes[i][2];
            mallopt(M_PERTURB, fills[run]);
            video_write(&s, 60);
            mallopt(M_PERTURB, 0);
            uint8_t *bytes = slurp(s.path, &size);
            if (first) {
                assert_int_equal(size, first_size);
                assert_memory_equal(bytes, first, size);
                free(bytes);
            } else {
                first = bytes;
                first_size = size;
            }
        }
        free(first);
    }
}

/* One flat colour through encoder and decoder: [Y, Cb, Cr] in the middle of the frame. */
static void colour(const char *path, const uint8_t bgr[3], uint8_t yuv[3])
{
    struct st_video_writer_settings s = small_video(path);
    struct st_video_writer *writer;
    struct seen seen;
    uint8_t frame[64 * 48 * 3];

    s.audio_hz = 0;
    s.crf = 4;
    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = bgr[i % 3];
    ST_OK(st_video_writer_open(&writer, &s, err));
    ST_OK(st_video_writer_frame(writer, frame, 64 * 3, err));
    ST_OK(st_video_writer_finish(writer, err));
    st_video_writer_close(&writer);
    see(&seen, path);
    yuv[0] = seen.first[24 * 64 + 32];
    yuv[1] = seen.first[64 * 48 + 12 * 32 + 16];
    yuv[2] = seen.first[64 * 48 * 5 / 4 + 12 * 32 + 16];
    unsee(&seen);
}

/* Source: ITU-R BT.709-6, items 3.2 to 3.5. BT.601 numbers differ by up to 25 levels. */
static void test_colours(void **state)
{
    static const uint8_t colours[][3] = {
        {0, 0, 0}, {255, 255, 255}, {0, 0, 255}, {0, 255, 0}, {255, 0, 0}, {90, 130, 200},
    };
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
        uint8_t got[3];
        double b = colours[i][0] / 255.0;
        double g = colours[i][1] / 255.0;
        double r = colours[i][2] / 255.0;
        double y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        double want[3] = {16 + 219 * y, 128 + 224 * (b - y) / 1.8556, 128 + 224 * (r - y) / 1.5748};
        colour(in_dir(*state, "colour.mp4"), colours[i], got);
        for (int k = 0; k < 3; k++)
            if (!(fabs(got[k] - want[k]) <= 1.5))
                fail_msg("colour %zu plane %d: %d, wanted %.1f", i, k, got[k], want[k]);
    }
}

/* Planes are the video's own samples: nothing is converted, and of no odd row or column more than
 * the video shows is looked at. */
static void test_planes(void **state)
{
    struct st_video_writer_settings s = small_video(in_dir(*state, "planes.mp4"));
    struct st_video_writer *writer;
    struct seen seen;
    static uint8_t planes[3][48 * 80];
    const uint8_t *const data[3] = {planes[0], planes[1], planes[2]};
    const size_t strides[3] = {80, 80, 80};

    s.audio_hz = 0;
    s.crf = 0;
    s.source_width = 65;
    s.source_height = 49;
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < 48; y++)
            for (int x = 0; x < 80; x++)
                planes[p][y * 80 + x] = (uint8_t)(x < (p ? 32 : 64) ? 40 + 50 * p + x + y : 255);
    ST_OK(st_video_writer_open(&writer, &s, err));
    ST_OK(st_video_writer_planes(writer, data, strides, err));
    const size_t narrow[3] = {80, 80, 31};
    synctalk_error error = {0};
    assert_int_equal(st_video_writer_planes(writer, data, narrow, &error), SYNCTALK_E_ARG);
    ST_OK(st_video_writer_finish(writer, err));
    st_video_writer_close(&writer);
    see(&seen, s.path);
    assert_int_equal(seen.frames, 1);
    for (int p = 0, at = 0; p < 3; p++)
        for (int y = 0; y < 48 / (p ? 2 : 1); y++)
            for (int x = 0; x < 64 / (p ? 2 : 1); x++, at++)
                assert_int_equal(seen.first[at], planes[p][y * 80 + x]);
    unsee(&seen);
}

/* Scaled planes keep their colours and their places: half of the picture is dark. */
static void test_planes_are_scaled(void **state)
{
    struct st_video_writer_settings s = small_video(in_dir(*state, "scaled.mp4"));
    struct st_video_writer *writer;
    struct seen seen;
    static uint8_t planes[3][96 * 144];
    const uint8_t *const data[3] = {planes[0], planes[1], planes[2]};
    const size_t strides[3] = {144, 144, 144};

    s.audio_hz = 0;
    s.crf = 4;
    s.source_width = 128;
    s.source_height = 96;
    for (int i = 0; i < 96 * 144; i++) {
        planes[0][i] = i % 144 < 64 ? 30 : 200;
        planes[1][i] = i % 144 < 32 ? 90 : 150;
        planes[2][i] = i % 144 < 32 ? 160 : 100;
    }
    ST_OK(st_video_writer_open(&writer, &s, err));
    ST_OK(st_video_writer_planes(writer, data, strides, err));
    ST_OK(st_video_writer_finish(writer, err));
    st_video_writer_close(&writer);
    see(&seen, s.path);
    assert_int_equal(seen.width, 64);
    const uint8_t *cb = seen.first + 64 * 48;
    const uint8_t *cr = cb + 32 * 24;
    for (int side = 0; side < 2; side++) {
        const int x = side ? 24 : 8;
        assert_in_range(seen.first[24 * 64 + 2 * x], side ? 198 : 28, side ? 202 : 32);
        assert_in_range(cb[12 * 32 + x], side ? 148 : 88, side ? 152 : 92);
        assert_in_range(cr[12 * 32 + x], side ? 98 : 158, side ? 102 : 162);
    }
    unsee(&seen);
}

/* Guards: odd sources (one column and row are left off), scaling both ways. */
static void test_sizes(void **state)
{
    static const int sizes[][4] = {
        {65, 49, 64, 48}, {64, 49, 64, 48}, {101, 64, 50, 32}, {64, 48, 128, 96}, {17, 17, 16, 16},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct st_video_writer_settings s = small_video(in_dir(*state, "size.mp4"));
        struct seen seen;
        s.source_width = sizes[i][0];
        s.source_height = sizes[i][1];
        s.width = sizes[i][2];
        s.height = sizes[i][3];
        video_write(&s, 3);
        see(&seen, s.path);
        assert_int_equal(seen.frames, 3);
        assert_int_equal(seen.width, s.width);
        assert_int_equal(seen.height, s.height);
        unsee(&seen);
    }
}

/* Rows may be wider than the picture. */
/* Guards: a video whose pixels are not square came out squeezed, since the writer said that they
 * were. Both ways, and what no camera has. */
static void test_pixel_shape(void **state)
{
    static const int cases[][4] = {
        {4, 3, 4, 3}, {8, 9, 8, 9}, {1, 1, 1, 1}, {0, 0, 1, 1}, {100, 1, 1, 1}};
    const struct st_video_settings reading = {.fps = 25, .threads = 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct st_video_writer_settings s = small_video(in_dir(*state, "shape.mp4"));
        struct st_video_reader *reader;
        s.pixel_width = cases[i][0];
        s.pixel_height = cases[i][1];
        video_write(&s, 3);
        ST_OK(st_video_reader_open(&reader, s.path, &reading, NULL, err));
        assert_int_equal(st_video_reader_info(reader)->pixel_width, cases[i][2]);
        assert_int_equal(st_video_reader_info(reader)->pixel_height, cases[i][3]);
        st_video_reader_close(&reader);
    }
}

static void test_stride(void **state)
{
    const char *paths[2] = {in_dir(*state, "tight.mp4"), in_dir(*state, "wide.mp4")};
    uint8_t *bytes[2];
    size_t size[2];
    for (int wide = 0; wide < 2; wide++) {
        struct st_video_writer_settings s = small_video(paths[wide]);
        struct st_video_writer *writer;
        size_t stride = 64 * 3 + (wide ? 52 : 0);
        uint8_t tight[64 * 48 * 3];
        uint8_t *frame = calloc(48, stride);
        assert_non_null(frame);
        s.audio_hz = 0;
        draw(tight, 64, 48, 7);
        for (size_t y = 0; y < 48; y++)
            memcpy(frame + y * stride, tight + y * 64 * 3, 64 * 3);
        ST_OK(st_video_writer_open(&writer, &s, err));
        ST_OK(st_video_writer_frame(writer, frame, stride, err));
        ST_OK(st_video_writer_finish(writer, err));
        st_video_writer_close(&writer);
        free(frame);
        bytes[wide] = slurp(s.path, &size[wide]);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* Guards: reading past the frame (libswscale does past each row): the page behind it may
 * not be touched. */
static void test_frame_end(void **state)
{
    struct st_video_writer_settings s = small_video(in_dir(*state, "end.mp4"));
    struct st_video_writer *writer;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t size = 64 * 48 * 3;
    const size_t room = (size + page - 1) / page * page;

    uint8_t *map =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map + room, page, PROT_NONE), 0);
    draw(map + room - size, 64, 48, 1);
    s.audio_hz = 0;
    ST_OK(st_video_writer_open(&writer, &s, err));
    ST_OK(st_video_writer_frame(writer, map + room - size, 64 * 3, err));
    ST_OK(st_video_writer_finish(writer, err));
    st_video_writer_close(&writer);
    munmap(map, room + page);
}

/* Noise, so that the file grows: write until an error or 300 frames, then finish. */
static synctalk_status write_noise(const char *path, int frames, synctalk_error *error)
{
    struct st_video_writer_settings s = small_video(path);
    struct st_video_writer *writer;
    static uint8_t frame[64 * 48 * 3];
    static const float silence[640];
    uint64_t seed = 2;
    synctalk_status st;

    s.crf = 2;
    st = st_video_writer_open(&writer, &s, error);
    if (st)
        return st;
    for (int i = 0; i < frames && !st; i++) {
        for (size_t k = 0; k < sizeof frame; k++)
            frame[k] = (uint8_t)st_random_next(&seed);
        st = st_video_writer_frame(writer, frame, 64 * 3, error);
        if (!st)
            st = st_video_writer_audio(writer, silence, 640, error);
    }
    if (!st)
        st = st_video_writer_finish(writer, error);
    if (st) { /* a failure stays one */
        assert_int_not_equal(st_video_writer_frame(writer, frame, 64 * 3, NULL), SYNCTALK_OK);
        assert_int_not_equal(st_video_writer_finish(writer, NULL), SYNCTALK_OK);
    }
    st_video_writer_close(&writer);
    return st;
}

/* Guards: a full disk that goes unnoticed, at any point: header, frames, the last bytes
 * out of the buffer, the index, its move to the front. A file-size limit stands for the
 * disk: write() fails in the same way, with EFBIG. */
static void test_disk_full(void **state)
{
    const char *path = in_dir(*state, "full.part");
    synctalk_error error = {0};
    struct rlimit old;
    struct stat whole;

    ST_OK(write_noise(path, 60, err));
    assert_int_equal(stat(path, &whole), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (int k = 0; k < 12; k++) {
        /* 0 ... nearly all of it; the last ones cut off only the index. */
        static const int64_t tail[4] = {20000, 4000, 1000, 1};
        rlim_t limit =
            k < 8 ? (rlim_t)(whole.st_size * k / 8) : (rlim_t)(whole.st_size - tail[k - 8]);
        struct rlimit small = {.rlim_cur = limit, .rlim_max = old.rlim_max};
        error = (synctalk_error){0};
        setrlimit(RLIMIT_FSIZE, &small);
        synctalk_status st = write_noise(path, 60, &error);
        setrlimit(RLIMIT_FSIZE, &old);
        if (st != SYNCTALK_E_IO || !strstr(error.message, "final.mp4") ||
            !strstr(error.message, strerror(EFBIG)))
            fail_msg("limit %lld of %lld: %d \"%s\"", (long long)limit, (long long)whole.st_size,
                     st, error.message);
    }
    signal(SIGXFSZ, handler);
    ST_OK(write_noise(path, 60, err));
}

/* The device that is always full: the words of a user's case. */
static void test_no_space(void **state)
{
    (void)state;
    synctalk_error error = {0};
    if (access("/dev/full", W_OK) != 0) {
        print_message("SKIPPED: no /dev/full here\n");
        skip();
    }
    assert_int_equal(write_noise("/dev/full", 300, &error), SYNCTALK_E_IO);
    assert_non_null(strstr(error.message, "No space left"));
    assert_non_null(strstr(error.message, "final.mp4"));
    assert_null(strstr(error.message, "/dev/full"));
}

/* Guards: leaks and crashes when a run is interrupted. Leaks show under ASan. */
static void test_close_early(void **state)
{
    static uint8_t frame[64 * 48 * 3];
    static const float silence[640];
    for (int frames = 0; frames < 40; frames += 13) {
        struct st_video_writer_settings s = small_video(in_dir(*state, "early.part"));
        struct st_video_writer *writer;
        s.x264_preset = "medium";
        ST_OK(st_video_writer_open(&writer, &s, err));
        for (int i = 0; i < frames; i++) {
            ST_OK(st_video_writer_audio(writer, silence, 640, err));
            ST_OK(st_video_writer_frame(writer, frame, 64 * 3, err));
        }
        st_video_writer_close(&writer);
        assert_null(writer);
        assert_int_equal(access(s.path, F_OK), 0);
    }
    st_video_writer_close(NULL);
}

static void test_misuse(void **state)
{
    struct st_video_writer_settings good = small_video(in_dir(*state, "misuse.mp4"));
    struct st_video_writer_settings bad[7];
    struct st_video_writer *writer = (struct st_video_writer *)1;
    synctalk_error error;

    for (int i = 0; i < 7; i++)
        bad[i] = good;
    bad[0].width = 63;
    bad[1].height = 0;
    bad[2].fps = 0;
    bad[3].crf = 52;
    bad[4].threads = 0;
    bad[5].audio_channels = 3;
    bad[6].x264_preset = "no such preset";
    for (int i = 0; i < 7; i++) {
        assert_int_not_equal(st_video_writer_open(&writer, &bad[i], &error), SYNCTALK_OK);
        assert_null(writer);
        assert_int_not_equal(access(good.path, F_OK), 0);
    }
    good.path = in_dir(*state, "no/such/folder.mp4");
    assert_int_equal(st_video_writer_open(&writer, &good, &error), SYNCTALK_E_MISSING);
    assert_non_null(strstr(error.message, "final.mp4"));

    /* No frame at all; sound where none was announced; anything after the end. */
    static const uint8_t frame[64 * 48 * 3];
    static const float silence[10];
    good = small_video(in_dir(*state, "misuse.mp4"));
    good.audio_hz = 0;
    ST_OK(st_video_writer_open(&writer, &good, err));
    assert_int_equal(st_video_writer_audio(writer, silence, 10, &error), SYNCTALK_E_ARG);
    assert_int_equal(st_video_writer_frame(writer, frame, 60, &error), SYNCTALK_E_ARG);
    assert_int_equal(st_video_writer_finish(writer, &error), SYNCTALK_E_ARG);
    st_video_writer_close(&writer);
    ST_OK(st_video_writer_open(&writer, &good, err));
    ST_OK(st_video_writer_frame(writer, frame, 64 * 3, err));
    ST_OK(st_video_writer_finish(writer, err));
    assert_int_equal(st_video_writer_frame(writer, frame, 64 * 3, &error), SYNCTALK_E_ARG);
    assert_int_equal(st_video_writer_finish(writer, &error), SYNCTALK_E_ARG);
    st_video_writer_close(&writer);
}

static int setup(void **state)
{
    *state = st_scratch_create();
    return 0;
}

static int teardown(void **state)
{
    st_scratch_remove(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),    cmocka_unit_test(test_index_in_front),
        cmocka_unit_test(test_repeatable),  cmocka_unit_test(test_colours),
        cmocka_unit_test(test_sizes),       cmocka_unit_test(test_pixel_shape),
        cmocka_unit_test(test_stride),      cmocka_unit_test(test_planes),
        cmocka_unit_test(test_stride),      cmocka_unit_test(test_planes_are_scaled),
        cmocka_unit_test(test_stride),      cmocka_unit_test(test_frame_end),
        cmocka_unit_test(test_disk_full),   cmocka_unit_test(test_no_space),
        cmocka_unit_test(test_close_early), cmocka_unit_test(test_misuse),
    };
    return cmocka_run_group_tests_name("video writer", tests, setup, teardown);
}
