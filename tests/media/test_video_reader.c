/* SPDX-License-Identifier: Apache-2.0 */
#include <libavcodec/avcodec.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/media_support.h"
#include "media/video_checks.h"
#include "media/video_maker.h"
#include "media/video_reader_counts.h"
#include "media/video_writer.h"
#include "support/support.h"

#define HIDE_FIRST 5

/* Each frame shows the last picture at or before its time; all times after the first's. */
static void check_times(struct st_video_reader *reader, int fps, const int64_t *times,
                        double tick_seconds, int pictures)
{
    const struct st_video_info *info = st_video_reader_info(reader);
    size_t middle = (size_t)(info->height / 2 * info->width + info->width / 2) * 3;
    for (int64_t n = 0; n < info->frames; n++) {
        int want = 0;
        for (int i = 0; i < pictures; i++) {
            double at = times ? (double)(times[i] - times[0]) : i;
            if (at * tick_seconds <= (double)n / fps + 1e-5)
                want = i;
        }
        uint8_t *bgr = frame_of(reader, n);
        int level = level_of(bgr[middle]);
        if (level != want % 26)
            fail_msg("frame %lld at %d fps: grey %d is level %d, not picture %d's %d", (long long)n,
                     fps, bgr[middle], level, want, want % 26);
        free(bgr);
    }
}

/* Guards: a container or codec whose pictures come out in decoding order (AVI's have no times of
 * showing), one late by the decoder's delay, or differently after a seek (open groups of
 * pictures, intra refresh). */
static void test_containers(void **state)
{
    static const struct {
        const char *name, *encoder, *options;
        enum AVPixelFormat format;
        int b_frames, bits;
        const char *codec, *container;
    } cases[] = {
        {"h264.mp4", "libx264", NULL, 0, 3, 8, "h264", "mp4"},
        {"h264open.mp4", "libx264", "x264-params=open-gop=1", 0, 3, 8, "h264", "mp4"},
        {"h264.mov", "libx264", NULL, AV_PIX_FMT_YUV444P, 2, 8, "h264", "mov"},
        {"h264.avi", "libx264", NULL, 0, 3, 8, "h264", "avi"},
        {"h264open.mkv", "libx264", "x264-params=open-gop=1", 0, 3, 8, "h264", "matroska"},
        {"refresh.mp4", "libx264", "x264-params=intra-refresh=1", 0, 0, 8, "h264", "mp4"},
        {"high10.mp4", "libx264", NULL, AV_PIX_FMT_YUV420P10, 2, 10, "h264", "mp4"},
        {"stream.ts", "libx264", NULL, 0, 2, 8, "h264", "mpegts"},
        {"hevc.mp4", "libx265", "x265-params=pools=1:cutree=0:log-level=none", 0, 3, 8, "hevc",
         "mp4"},
        {"main10.mkv", "libx265", "x265-params=pools=1:cutree=0:log-level=none",
         AV_PIX_FMT_YUV420P10, 3, 10, "hevc", "matroska"},
        {"mpeg4.mp4", "mpeg4", NULL, 0, 2, 8, "mpeg4", "mp4"},
        {"mpeg4.avi", "mpeg4", NULL, 0, 2, 8, "mpeg4", "avi"},
        {"mpeg4.mkv", "mpeg4", NULL, 0, 2, 8, "mpeg4", "matroska"},
        {"vp8.webm", "libvpx", "auto-alt-ref=1,lag-in-frames=10", 0, 0, 8, "vp8", "webm"},
        {"vp9.webm", "libvpx-vp9", NULL, 0, 0, 8, "vp9", "webm"},
        {"vp9.mkv", "libvpx-vp9", NULL, AV_PIX_FMT_YUV420P10, 0, 10, "vp9", "matroska"},
        {"av1.webm", "libaom-av1", NULL, 0, 0, 8, "av1", "webm"},
        {"av1.mp4", "libaom-av1", NULL, 0, 0, 8, "av1", "mp4"},
        {"ffv1.mkv", "ffv1", NULL, AV_PIX_FMT_YUV422P, 0, 8, "ffv1", "matroska"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made_video v = {.path = in_dir(*state, cases[i].name),
                               .encoder = cases[i].encoder,
                               .options = cases[i].options,
                               .format = cases[i].format,
                               .width = 64,
                               .height = 48,
                               .tick = {1, 30},
                               .frames = 48,
                               .gop = 15,
                               .b_frames = cases[i].b_frames};
        fprintf(stderr, "%s\n", cases[i].name);
        if (!make_video(&v))
            continue;
        /* A cache of a few pictures, so that going backward has to decode again. */
        for (int threads = 1; threads <= 2; threads++) {
            struct st_video_reader *reader = open_video(v.path, 25, threads, 60000);
            const struct st_video_info *info = st_video_reader_info(reader);
            assert_int_equal(info->frames, 40);
            assert_int_equal(info->width, 64);
            assert_int_equal(info->height, 48);
            assert_int_equal(info->bits, cases[i].bits);
            assert_int_equal(info->rotation, 0);
            assert_false(info->variable_rate || info->interlaced || info->has_audio);
            assert_true(fabs(info->source_fps - 30) < 0.1);
            assert_string_equal(info->codec, cases[i].codec);
            assert_non_null(strstr(info->container, cases[i].container));
            check_times(reader, 25, NULL, 1 / 30.0, 48);
            check_any_order(reader);
            assert_int_equal(st_video_reader_counts(reader).missing, 0);
            assert_int_equal(st_video_reader_counts(reader).threads, threads);
            assert_int_equal(info->damaged, 0);
            st_video_reader_close(&reader);
            assert_null(reader);
        }
    }
}

/* Guards: a length from the header's frame count or rate; drift over a minute. */
static void test_minute(void **state)
{
    struct made_video v = {.path = in_dir(*state, "minute.mp4"),
                           .encoder = "mpeg4",
                           .width = 16,
                           .height = 16,
                           .tick = {1001, 30000},
                           .frames = 1798,
                           .gop = 60};
    assert_true(make_video(&v));
    static const struct {
        int fps, frames;
    } cases[] = {{25, 1500}, {20, 1200}, {30, 1800}, {60, 3600}, {1, 60}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct st_video_reader *reader = open_video(v.path, cases[i].fps, 1, 0);
        const struct st_video_info *info = st_video_reader_info(reader);
        assert_int_equal(info->frames, cases[i].frames);
        assert_true(fabs(info->source_fps - 30000 / 1001.0) < 1e-3);
        assert_false(info->variable_rate);
        check_times(reader, cases[i].fps, NULL, 1001 / 30000.0, 1798);
        st_video_reader_close(&reader);
    }
}

/* Guards: the mean rate taken for the rate, a first time taken for zero, pictures of one time
 * or of times that go back shown out of place. */
static void test_variable(void **state)
{
    static const struct {
        const char *name, *encoder;
        AVRational tick;
        int b_frames, spare; /* frames by which the length may differ: how long the last
                                picture stands is not always said */
        bool disordered;
    } cases[] = {
        {"variable.mp4", "libx264", {1, 90000}, 0, 0, false},
        {"variableb.mp4", "libx264", {1, 90000}, 3, 3, false},
        {"variable.mkv", "mpeg4", {1, 1000}, 0, 2, false},
        {"variable.webm", "libvpx-vp9", {1, 1000}, 0, 2, false},
        {"twice.webm", "libvpx-vp9", {1, 1000}, 0, 2, true},
    };
    int64_t times[90];
    bool have_disordered = false;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t random = 11 + i;
        int64_t ms = cases[i].tick.den / 1000;
        struct made_video v = {.path = in_dir(*state, cases[i].name),
                               .encoder = cases[i].encoder,
                               .width = 32,
                               .height = 32,
                               .tick = cases[i].tick,
                               .frames = 90,
                               .times = times,
                               .last_ticks = 60 * ms,
                               .muxed_times = cases[i].disordered,
                               .b_frames = cases[i].b_frames};
        times[0] = 1234 * ms;
        for (int k = 1; k < 90; k++)
            times[k] = times[k - 1] + (int64_t)(5 + st_random_next(&random) % 115) * ms;
        if (cases[i].disordered) {
            times[20] = times[19];        /* shown for no time */
            times[40] = times[38] + 1;    /* before picture 39, that comes before it */
            times[41] = times[39] + 1000; /* a gap of a second */
            for (int k = 42; k < 90; k++)
                times[k] += 1000;
        }
        if (!make_video(&v))
            continue;
        have_disordered |= cases[i].disordered;
        for (int fps = 20; fps <= 25; fps += 5) {
            struct st_video_reader *reader = open_video(v.path, fps, 1, 20000);
            const struct st_video_info *info = st_video_reader_info(reader);
            double seconds = (double)(times[89] - times[0] + 60 * ms) / cases[i].tick.den;
            assert_true(info->variable_rate);
            assert_true(fabs(info->start - 1.234) < 0.002);
            assert_in_range(info->frames, lrint(seconds * fps) - cases[i].spare,
                            lrint(seconds * fps) + cases[i].spare);
            if (!cases[i].disordered)
                check_times(reader, fps, times, 1.0 / cases[i].tick.den, 90);
            check_any_order(reader);
            assert_int_equal(st_video_reader_counts(reader).missing, 0);
            st_video_reader_close(&reader);
        }
    }
    /* The last file: pictures 40 and 39 have changed places, 19 is never seen. */
    if (!have_disordered)
        return;
    struct st_video_reader *reader = open_video(in_dir(*state, "twice.webm"), 1000, 1, 0);
    for (int k = 0; k < 90; k++) {
        uint8_t *bgr = frame_of(reader, times[k] - times[0]);
        assert_int_equal(level_of(bgr[0]), (k == 19 ? 20 : k) % 26);
        free(bgr);
    }
    st_video_reader_close(&reader);
}

/* Corners: 40 and 80 above, 130 and 180 below, as stored. */
static void paint_corners(AVFrame *frame, int number)
{
    static const uint8_t corners[2][2] = {{40, 80}, {130, 180}};
    paint_level(frame, number);
    for (int y = 0; y < frame->height; y++)
        for (int x = 0; x < frame->width; x++)
            frame->data[0][y * frame->linesize[0] + x] =
                corners[2 * y >= frame->height][2 * x >= frame->width];
}

/* Guards: a phone's video lying on its side, turned the wrong way or mirrored. */
static void test_rotation(void **state)
{
    static const struct {
        int matrix[4]; /* stored (p, q) is shown at (a p + c q, b p + d q) */
        int rotation;
    } cases[] = {
        {{1, 0, 0, 1}, 0},  {{0, 1, -1, 0}, 90},  {{-1, 0, 0, -1}, 180}, {{0, -1, 1, 0}, 270},
        {{-1, 0, 0, 1}, 0}, {{1, 0, 0, -1}, 180}, {{0, 1, 1, 0}, 90},    {{0, -1, -1, 0}, 270},
    };
    static const int stored[2][2] = {{40, 80}, {130, 180}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int *m = cases[i].matrix;
        struct made_video v = {.path = in_dir(*state, "turned.mov"),
                               .encoder = "mpeg4",
                               .width = 96,
                               .height = 64,
                               .frames = 3,
                               .matrix = {m[0], m[1], m[2], m[3]},
                               .paint = paint_corners};
        assert_true(make_video(&v));
        struct st_video_reader *reader = open_video(v.path, 25, 1, 0);
        const struct st_video_info *info = st_video_reader_info(reader);
        assert_int_equal(info->rotation, cases[i].rotation);
        assert_int_equal(info->width, m[0] ? 96 : 64);
        assert_int_equal(info->height, m[0] ? 64 : 96);
        uint8_t *bgr = frame_of(reader, 1);
        for (int q = -1; q <= 1; q += 2)
            for (int p = -1; p <= 1; p += 2) {
                int x = (2 + m[0] * p + m[2] * q) * info->width / 4;
                int y = (2 + m[1] * p + m[3] * q) * info->height / 4;
                double luma = 16 + bgr[3 * (y * info->width + x)] * 219.0 / 255;
                assert_true(fabs(luma - stored[q > 0][p > 0]) < 4);
            }
        free(bgr);
        st_video_reader_close(&reader);
    }
}

/* Guards: rows that are written or read past their end, chroma of half a pixel. */
static void test_odd_sizes(void **state)
{
    static const int sizes[][2] = {{1, 1}, {17, 33}, {3, 2}, {1, 40}, {40, 1}, {641, 7}};
    static const int turns[][4] = {{1, 0, 0, 1}, {0, 1, -1, 0}};
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        struct made_video v = {
            .path = in_dir(*state, "odd.mov"),
            .encoder = "ffv1",
            .width = sizes[i / 2][0],
            .height = sizes[i / 2][1],
            .frames = 30,
            .matrix = {turns[i % 2][0], turns[i % 2][1], turns[i % 2][2], turns[i % 2][3]}};
        assert_true(make_video(&v));
        struct st_video_reader *reader = open_video(v.path, 25, 2, 0);
        const struct st_video_info *info = st_video_reader_info(reader);
        assert_int_equal(info->width, sizes[i / 2][i % 2]);
        assert_int_equal(info->height, sizes[i / 2][1 - i % 2]);
        assert_int_equal(info->frames, 30);
        check_times(reader, 25, NULL, 1 / 25.0, 30);

        /* Rows further apart than they are long: what lies between stays. */
        size_t row = 3 * (size_t)info->width;
        uint8_t *roomy = malloc((row + 5) * (size_t)info->height);
        uint8_t *tight = frame_of(reader, 7);
        memset(roomy, 0xa5, (row + 5) * (size_t)info->height);
        ST_OK(st_video_reader_frame(reader, 7, roomy, row + 5, err));
        for (int y = 0; y < info->height; y++) {
            assert_memory_equal(roomy + (size_t)y * (row + 5), tight + (size_t)y * row, row);
            for (size_t x = row; x < row + 5; x++)
                assert_int_equal(roomy[(size_t)y * (row + 5) + x], 0xa5);
        }
        free(roomy);
        free(tight);
        st_video_reader_close(&reader);
    }
}

static void paint_colour(AVFrame *frame, int number)
{
    (void)number;
    paint_plane(frame, 0, 100);
    paint_plane(frame, 1, 90);
    paint_plane(frame, 2, 170);
}

/* Guards: libswscale's own BT.601 whatever the tags say, limited range taken for full. */
static void test_colour(void **state)
{
    static const struct {
        enum AVColorSpace space;
        enum AVColorRange range;
        int width, height;
        double red, blue; /* weights of the matrix */
    } cases[] = {
        {AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, 32, 32, 0.2126, 0.0722},
        {AVCOL_SPC_BT709, AVCOL_RANGE_JPEG, 32, 32, 0.2126, 0.0722},
        {AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG, 1280, 16, 0.299, 0.114},
        {AVCOL_SPC_BT470BG, AVCOL_RANGE_JPEG, 32, 32, 0.299, 0.114},
        {AVCOL_SPC_BT2020_NCL, AVCOL_RANGE_MPEG, 32, 32, 0.2627, 0.0593},
        {0, 0, 32, 576, 0.299, 0.114},
        {0, 0, 32, 577, 0.2126, 0.0722},
        {0, 0, 1280, 16, 0.2126, 0.0722},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made_video v = {.path = in_dir(*state, "colour.mkv"),
                               .encoder = "ffv1",
                               .width = cases[i].width,
                               .height = cases[i].height,
                               .frames = 1,
                               .space = cases[i].space,
                               .range = cases[i].range,
                               .paint = paint_colour};
        assert_true(make_video(&v));
        struct st_video_reader *reader = open_video(v.path, 25, 1, 0);
        uint8_t *bgr = frame_of(reader, 0);
        bool full = cases[i].range == AVCOL_RANGE_JPEG;
        double y = full ? 100 : (100 - 16) * 255.0 / 219;
        double u = (90 - 128) * (full ? 1 : 255.0 / 224);
        double w = (170 - 128) * (full ? 1 : 255.0 / 224);
        double r = y + 2 * (1 - cases[i].red) * w;
        double b = y + 2 * (1 - cases[i].blue) * u;
        double g = (y - cases[i].red * r - cases[i].blue * b) / (1 - cases[i].red - cases[i].blue);
        uint8_t *p = bgr + 3 * (size_t)(cases[i].width * (cases[i].height / 2) + 5);
        if (fabs(p[0] - b) > 1.5 || fabs(p[1] - g) > 1.5 || fabs(p[2] - r) > 1.5)
            fail_msg("case %zu: BGR %d %d %d, not %.1f %.1f %.1f", i, p[0], p[1], p[2], b, g, r);
        free(bgr);
        st_video_reader_close(&reader);
    }
}

static double psnr(const uint8_t *a, const uint8_t *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return 10 * log10(255.0 * 255 * (double)count / (sum + 1e-9));
}

/* Guards: loss between reading and writing beyond the encoder's own. The picture is of slow
 * waves, so that half resolution of colour loses little. */
static void test_round_trip(void **state)
{
    struct st_video_writer_settings s = small_video(in_dir(*state, "first.mp4"));
    const char *second = in_dir(*state, "second.mp4");
    size_t count = (size_t)s.width * (size_t)s.height * 3;
    uint8_t *bgr = malloc(count);
    struct st_video_writer *writer;

    s.audio_hz = 0;
    s.crf = 4;
    ST_OK(st_video_writer_open(&writer, &s, err));
    for (int n = 0; n < 10; n++) {
        for (size_t i = 0; i < count; i++) {
            double x = (double)(i / 3 % (size_t)s.width);
            double y = (double)(i / 3 / (size_t)s.width);
            bgr[i] = (uint8_t)lrint(128 + 60 * sin(0.12 * x + 0.1 * n + (double)(i % 3)) +
                                    40 * cos(0.1 * y));
        }
        ST_OK(st_video_writer_frame(writer, bgr, 3 * (size_t)s.width, err));
    }
    ST_OK(st_video_writer_finish(writer, err));
    st_video_writer_close(&writer);

    struct st_video_reader *from = open_video(s.path, 25, 1, 0);
    s.path = second;
    ST_OK(st_video_writer_open(&writer, &s, err));
    for (int n = 0; n < 10; n++) {
        uint8_t *frame = frame_of(from, n);
        if (n == 9)
            assert_true(psnr(frame, bgr, count) > 40);
        ST_OK(st_video_writer_frame(writer, frame, 3 * (size_t)s.width, err));
        free(frame);
    }
    ST_OK(st_video_writer_finish(writer, err));
    st_video_writer_close(&writer);

    struct st_video_reader *again = open_video(second, 25, 1, 0);
    for (int n = 0; n < 10; n++) {
        uint8_t *a = frame_of(from, n);
        uint8_t *b = frame_of(again, n);
        double db = psnr(a, b, count);
        if (!(db > 46))
            fail_msg("frame %d: %.1f dB after writing and reading once more", n, db);
        free(a);
        free(b);
    }
    st_video_reader_close(&from);
    st_video_reader_close(&again);
    free(bgr);
}

/* Guards: interlaced video taken for progressive without a word, and the other way round. */
static void test_interlaced(void **state)
{
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        struct made_video v = {.path = in_dir(*state, "fields.mp4"),
                               .encoder = "mpeg4",
                               .width = 64,
                               .height = 64,
                               .frames = 10,
                               .interlaced = interlaced};
        assert_true(make_video(&v));
        struct st_video_reader *reader = open_video(v.path, 25, 1, 0);
        assert_int_equal(st_video_reader_info(reader)->interlaced, interlaced);
        st_video_reader_close(&reader);
    }
}

/* Guards: pictures that an edit list cuts away shown, or their time counted. */
static void test_edit_list(void **state)
{
    int64_t times[40];
    struct made_video v = {.path = in_dir(*state, "edited.mp4"),
                           .encoder = "mpeg4",
                           .width = 32,
                           .height = 32,
                           .frames = 40,
                           .times = times,
                           .muxed_times = true,
                           .last_ticks = 1};
    for (int i = 0; i < 40; i++)
        times[i] = i - HIDE_FIRST;
    assert_true(make_video(&v));
    struct st_video_reader *reader = open_video(v.path, 25, 1, 10000);
    assert_int_equal(st_video_reader_info(reader)->frames, 40 - HIDE_FIRST);
    for (int n = 0; n < 40 - HIDE_FIRST; n++) {
        uint8_t *bgr = frame_of(reader, n);
        assert_int_equal(level_of(bgr[0]), (n + HIDE_FIRST) % 26);
        free(bgr);
    }
    check_any_order(reader);
    st_video_reader_close(&reader);
}

/* Guards: a picture of another size written past the caller's rows. It is scaled. */
static void test_resize(void **state)
{
    struct made_video v = {.path = in_dir(*state, "resized.avi"),
                           .encoder = "mjpeg",
                           .format = AV_PIX_FMT_YUVJ420P,
                           .width = 64,
                           .height = 48,
                           .frames = 20,
                           .resize_at = 10,
                           .resize_width = 150,
                           .resize_height = 30,
                           .range = AVCOL_RANGE_JPEG,
                           .paint = paint_colour};
    assert_true(make_video(&v));
    struct st_video_reader *reader = open_video(v.path, 25, 1, 0);
    assert_int_equal(st_video_reader_info(reader)->width, 64);
    assert_int_equal(st_video_reader_info(reader)->height, 48);
    uint8_t *before = frame_of(reader, 9);
    uint8_t *after = frame_of(reader, 10);
    assert_true(psnr(before, after, (size_t)64 * 48 * 3) > 35);
    free(before);
    free(after);
    check_any_order(reader);
    st_video_reader_close(&reader);
}

/* Guards: the real takes of four makers: their own count of frames, all of them decoded. */
static void test_shared(void **state)
{
    static const struct {
        const char *name, *codec;
        int width, height, frames;
    } cases[] = {
        {"media/video/latentsync_demo1.mp4", "hevc", 1080, 1920, 250},
        {"media/video/liveportrait_d11.mp4", "h264", 512, 512, 225},
        {"media/video/sadtalker_WDA_KatieHill_000.mp4", "mpeg4", 512, 512, 200},
        {"media/video/synctalk_short_demo.mp4", "h264", 512, 512, 331},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ST_NEED_SHARED(path, cases[i].name);
        struct st_video_reader *reader = open_video(path, 25, 2, 0);
        const struct st_video_info *info = st_video_reader_info(reader);
        printf("%s: %dx%d %s, %d bits, %.3f fps, %lld frames\n", cases[i].name, info->width,
               info->height, info->codec, info->bits, info->source_fps, (long long)info->frames);
        assert_string_equal(info->codec, cases[i].codec);
        assert_int_equal(info->width, cases[i].width);
        assert_int_equal(info->height, cases[i].height);
        assert_int_equal(info->frames, cases[i].frames);
        assert_true(info->has_audio && !info->variable_rate && !info->interlaced);
        int64_t last = info->frames - 1;
        uint64_t end = 0;
        for (int64_t n = i ? 0 : last - 20; n <= last; n++)
            end = hash_of(reader, n);
        assert_true(hash_of(reader, last - 10) != end);
        assert_true(hash_of(reader, last) == end);
        assert_int_equal(st_video_reader_counts(reader).missing, 0);
        st_video_reader_close(&reader);
    }
}

static int set_up(void **state)
{
    return !(*state = st_scratch_create());
}

static int tear_down(void **state)
{
    st_scratch_remove(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_containers), cmocka_unit_test(test_minute),
        cmocka_unit_test(test_variable),   cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_odd_sizes),  cmocka_unit_test(test_colour),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_interlaced),
        cmocka_unit_test(test_edit_list),  cmocka_unit_test(test_resize),
        cmocka_unit_test(test_shared),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
