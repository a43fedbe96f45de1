/* SPDX-License-Identifier: Apache-2.0 */
/* Videos as cameras and programs write them: one still of a real face, filmed at several rates,
 * depths, sizes and turns. What is asked: right length, upright, and a face that is found.
 */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/video_scene.h"
#include "image/picture.h"
#include "media/video_maker.h"
#include "media/video_reader.h"
#include "onnx/onnx_support.h"

enum { FRAMES = 10 };

/* What paint() copies; it is given no pointer of ours. */
static struct {
    struct st_picture picture;
    int width, height; /* of the upright frame, the upper left part of the picture */
    bool turned;       /* stored lying, to be turned clockwise */
} still;

/* BT.601 in limited range, in 8-bit terms. */
static int component(const uint8_t *bgr, int plane)
{
    static const double weights[3][4] = {
        {16, 65.481, 128.553, 24.966}, {128, -37.797, -74.203, 112}, {128, 112, -93.786, -18.214}};
    const double *w = weights[plane];
    return (int)lrint(w[0] + (w[1] * bgr[2] + w[2] * bgr[1] + w[3] * bgr[0]) / 255);
}

static const uint8_t *pixel(int x, int y)
{
    int up_x = still.turned ? still.width - 1 - y : x;
    int up_y = still.turned ? x : y;
    up_x = up_x < 0 ? 0 : up_x < still.width ? up_x : still.width - 1;
    up_y = up_y < still.height ? up_y : still.height - 1;
    return still.picture.data + (size_t)up_y * still.picture.stride + 3 * (size_t)up_x;
}

static void paint_still(AVFrame *frame, int number)
{
    (void)number;
    const bool deep = frame->format == AV_PIX_FMT_YUV420P10;
    for (int plane = 0; plane < 3; plane++) {
        const int shift = plane > 0;
        for (int y = 0; y < (frame->height + shift) >> shift; y++) {
            uint8_t *row = frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane];
            for (int x = 0; x < (frame->width + shift) >> shift; x++) {
                int value = component(pixel(x << shift, y << shift), plane);
                if (deep)
                    memcpy(row + 2 * (ptrdiff_t)x, &(uint16_t){(uint16_t)(4 * value)}, 2);
                else
                    row[x] = (uint8_t)value;
            }
        }
    }
}

/* dB of the film's first frame against the still, in the rows above the face. */
static double above_the_face(const char *path)
{
    struct st_video_reader *reader;
    struct st_picture frame = {0};
    double sum = 0;
    const int rows = still.height / 4;

    ST_OK(st_video_reader_open(&reader, path, &(struct st_video_settings){.fps = 25, .threads = 1},
                               NULL, err));
    const struct st_video_info *info = st_video_reader_info(reader);
    ST_OK(st_picture_resize(&frame, info->width, info->height, err));
    ST_OK(st_video_reader_frame(reader, 0, frame.data, frame.stride, err));
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < 3 * info->width; x++) {
            int d = frame.data[(size_t)y * frame.stride + (size_t)x] -
                    still.picture.data[(size_t)y * still.picture.stride + (size_t)x];
            sum += d * d;
        }
    double mean = sum / (3.0 * rows * info->width);
    st_picture_free(&frame);
    st_video_reader_close(&reader);
    return mean > 0 ? 10 * log10(255 * 255 / mean) : 100;
}

/* Film the still as `video` says, under its name in the scene, and let it speak. */
static void speak(const char *name, struct made_video video, int64_t sources)
{
    ST_NEED_SHARED(models, "models");
    ST_NEED_SHARED(picture, "reference/image/img_short_demo_040.png");
    ST_NEED_ONNX_RUNTIME();
    const struct st_plan plan = {.frames = FRAMES, .sources = sources};
    struct scene scene;
    synctalk_report report;
    struct film_likeness likeness;
    char path[ST_PATH_MAX];

    ST_OK(st_png_read(&still.picture, picture, err));
    still.turned = video.matrix[1] != 0;
    still.width = still.turned ? video.height : video.width;
    still.height = still.turned ? video.width : video.height;
    scene_create(&scene, models, FRAMES);
    ST_OK(st_path_join(path, scene.p.root, name, err));
    video.path = path;
    video.paint = paint_still;
    if (make_video(&video)) {
        scene.settings.video = path;
        scene_make(&scene, sources, &report);
        assert_int_equal(report.frames, FRAMES);
        assert_int_equal(report.width, still.width & ~1);
        assert_int_equal(report.height, still.height & ~1);
        assert_null(strstr(scene.log, "no face"));
        scene_compare(&scene, &plan, 25, &likeness);
        assert_true(likeness.psnr >= 38);
        assert_true(above_the_face(scene.p.output) >= 32);
    }
    st_picture_free(&still.picture);
    scene_remove(&scene);
}

static void a_varying_rate(void **state)
{
    (void)state;
    static const int64_t times[] = {0, 40, 55, 130, 133, 210, 400, 410, 415, 500, 610, 640};
    speak("phone.mkv",
          (struct made_video){.encoder = "mpeg4",
                              .width = 512,
                              .height = 512,
                              .tick = {1, 1000},
                              .frames = 12,
                              .times = times,
                              .last_ticks = 40,
                              .muxed_times = true},
          17);
}

static void ten_bits(void **state)
{
    (void)state;
    speak("deep.mp4",
          (struct made_video){.encoder = "libx264",
                              .options = "preset=ultrafast,crf=12",
                              .format = AV_PIX_FMT_YUV420P10,
                              .width = 512,
                              .height = 512,
                              .frames = 12},
          12);
}

static void lying_on_its_side(void **state)
{
    (void)state;
    speak(
        "turned.mov",
        (struct made_video){
            .encoder = "mpeg4", .width = 512, .height = 480, .frames = 12, .matrix = {0, 1, -1, 0}},
        12);
}

static void odd_sizes_at_fifty(void **state)
{
    (void)state;
    speak("odd.avi",
          (struct made_video){
              .encoder = "mpeg4", .width = 511, .height = 509, .tick = {1, 50}, .frames = 24},
          12);
}

static void a_minute_of_television(void **state)
{
    (void)state;
    speak(
        "minute.mp4",
        (struct made_video){
            .encoder = "mpeg4", .width = 512, .height = 512, .tick = {1001, 30000}, .frames = 1798},
        1500);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest quick[] = {
        cmocka_unit_test(a_varying_rate),
        cmocka_unit_test(ten_bits),
        cmocka_unit_test(lying_on_its_side),
        cmocka_unit_test(odd_sizes_at_fifty),
    };
    const struct CMUnitTest slow[] = {cmocka_unit_test(a_minute_of_television)};
    if (argc > 1 && strcmp(argv[1], "long") == 0)
        return cmocka_run_group_tests(slow, NULL, NULL);
    return cmocka_run_group_tests(quick, NULL, NULL);
}
