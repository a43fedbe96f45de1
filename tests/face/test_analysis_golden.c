/* SPDX-License-Identifier: Apache-2.0 */
/* Real networks on real frames and videos: does what is followed stay where a detection in
 * every frame, and the published landmarks, have it?
 */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "face/analysis.h"
#include "face/tracker.h"
#include "kernels/kernels.h"
#include "media/video_writer.h"
#include "onnx/onnx_support.h"

#define FIRST 150 /* the head turns in these */
#define FRAMES 60

static void read_frame(struct st_picture *picture, struct st_crop_box *box,
                       struct st_jpeg_decoder *decoder, int frame)
{
    char name[64];
    struct st_landmarks landmarks;
    snprintf(name, sizeof name, "dataset/sanders/full_body_img/%d.jpg", frame);
    const char *path = st_shared(name);
    assert_non_null(path);
    ST_OK(st_jpeg_read(decoder, picture, path, err));
    snprintf(name, sizeof name, "dataset/sanders/landmarks/%d.lms", frame);
    path = st_shared(name);
    assert_non_null(path);
    ST_OK(st_landmarks_read(&landmarks, path, err));
    ST_OK(st_crop_box_from_landmarks(box, &landmarks, path, err));
}

/* Box and landmarks must not drift apart or away: crops within 6 pixels, few detections. */
static void follow(const char *detector_name, const char *landmarks_name)
{
    const struct st_tracker_settings settings = {.threshold = 0.5f, .interval = 25};
    struct st_kernels kernels;
    struct st_detector *detector = NULL;
    struct st_landmarker *landmarker = NULL;
    struct st_tracker *tracker = NULL;
    struct st_jpeg_decoder *decoder = NULL;
    struct st_picture picture = {0};
    struct st_tracked tracked;
    struct st_crop_box want;
    struct st_crop_box got;
    double off[3] = {0};
    int detections = 0;

    st_kernels_init(&kernels, ~0U);
    ST_OK(st_jpeg_decoder_create(&decoder, err));
    ST_OK(st_detector_open(&detector, st_shared(detector_name), NULL, 1, err));
    ST_OK(st_landmarker_open(&landmarker,
                             &(struct st_landmarker_settings){.path = st_shared(landmarks_name),
                                                              .kernels = &kernels,
                                                              .threads = 1},
                             err));
    ST_OK(st_tracker_create(&tracker, detector, landmarker, &settings, err));
    for (int i = 0; i < FRAMES; i++) {
        read_frame(&picture, &want, decoder, FIRST + i);
        ST_OK(st_tracker_next(tracker, &picture, &tracked, err));
        assert_true(tracked.found);
        assert_false(tracked.jumped);
        detections += tracked.detected;
        ST_OK(st_crop_box_from_landmarks(&got, &tracked.landmarks, "tracked", err));
        off[0] += abs(got.x - want.x);
        off[1] += abs(got.x + got.side - want.x - want.side);
        off[2] += abs(got.y - want.y);
    }
    printf("%d points: left %.2f, right %.2f, top %.2f pixels off, %d detections\n",
           tracked.landmarks.count, off[0] / FRAMES, off[1] / FRAMES, off[2] / FRAMES, detections);
    for (int i = 0; i < 3; i++)
        assert_true(off[i] / FRAMES <= 6);
    assert_true(detections <= FRAMES / 4);
    st_picture_free(&picture);
    st_tracker_destroy(&tracker);
    st_landmarker_close(&landmarker);
    st_detector_close(&detector);
    st_jpeg_decoder_destroy(&decoder);
}

static void follows_a_real_face(void **state)
{
    (void)state;
    ST_NEED_ONNX_RUNTIME();
    ST_NEED_SHARED(detector, "models/scrfd_2.5g_kps.onnx");
    ST_NEED_SHARED(landmarks, "models/landmarks_106.onnx");
    assert_true(detector && landmarks);
    follow("models/scrfd_2.5g_kps.onnx", "models/landmarks_98.onnx");
    follow("models/scrfd_2.5g_kps.onnx", "models/landmarks_106.onnx");
}

struct told {
    char text[2048];
    int warnings;
};

static void on_log(void *user, synctalk_log_level level, const char *message)
{
    struct told *told = user;
    size_t length = strlen(told->text);
    told->warnings += level == SYNCTALK_LOG_WARNING;
    snprintf(told->text + length, sizeof told->text - length, "%s\n", message);
}

/* `count` frames of a picture, or of two in turn of `each`. */
static void write_video(const char *path, const struct st_picture *a, const struct st_picture *b,
                        int each, int count)
{
    struct st_video_writer *writer = NULL;
    const struct st_video_writer_settings settings = {
        .path = path,
        .name = path,
        .source_width = a->width,
        .source_height = a->height,
        .width = a->width & ~1,
        .height = a->height & ~1,
        .fps = 25,
        .crf = 18,
        .x264_preset = "ultrafast",
        .threads = 1,
    };
    ST_OK(st_video_writer_open(&writer, &settings, err));
    for (int i = 0; i < count; i++) {
        const struct st_picture *picture = i / each % 2 ? b : a;
        ST_OK(st_video_writer_frame(writer, picture->data, picture->stride, err));
    }
    ST_OK(st_video_writer_finish(writer, err));
    st_video_writer_close(&writer);
}

static void tells_faces_in_real_videos(void **state)
{
    (void)state;
    ST_NEED_ONNX_RUNTIME();
    ST_NEED_SHARED(detector, "models/scrfd_2.5g_kps.onnx");
    ST_NEED_SHARED(landmarks, "models/landmarks_98.onnx");
    ST_NEED_SHARED(face, "reference/image/img_short_demo_040.png");
    char *folder = st_scratch_create();
    char video[ST_PATH_MAX];
    char cache[ST_PATH_MAX];
    struct st_kernels kernels;
    struct st_picture with = {0};
    struct st_picture without = {0};
    struct st_analysis *analysis = NULL;
    struct st_analysed analysed;
    synctalk_error why = {0};
    ST_OK(st_path_join(video, folder, "video.mp4", err));
    ST_OK(st_path_join(cache, folder, "cache", err));
    ST_OK(st_png_read(&with, face, err));
    ST_OK(st_picture_resize(&without, with.width, with.height, err));
    for (size_t i = 0; i < (size_t)without.height * without.stride; i++)
        without.data[i] = (uint8_t)(i / 997 % 200);
    st_kernels_init(&kernels, ~0U);
    struct st_analysis_settings settings = {
        .video = video,
        .detector = detector,
        .landmarks = landmarks,
        .cache = cache,
        .kernels = &kernels,
        .tracker = {.threshold = 0.5f, .interval = 25, .smooth = true},
        .fps = 25,
        .threads = 1,
    };

    write_video(video, &with, &without, 10, 30);
    for (int run = 0; run < 2; run++) {
        struct told told = {0};
        const synctalk_callbacks callbacks = {.user = &told, .log = on_log};
        ST_OK(st_analysis_open(&analysis, &settings, &callbacks, err));
        const struct st_analysis_summary *summary = st_analysis_summary(analysis);
        assert_int_equal(summary->frames, 30);
        assert_int_equal(summary->found, 20);
        assert_int_equal(summary->first_missing, 10);
        assert_int_equal(summary->reused, run);
        assert_int_equal(told.warnings, 2);
        assert_non_null(strstr(told.text, "no face in 10 of 30 frames"));
        assert_non_null(strstr(told.text, "the face is small, 23"));
        assert_int_equal(strstr(told.text, "is reused") != NULL, run);
        for (int i = 0; i < 30; i++) {
            ST_OK(st_analysis_frame(analysis, i, &analysed, err));
            assert_int_equal(analysed.found, i < 10 || i >= 20);
            assert_true(analysed.box.x > 90 && analysed.box.x < 180);
            assert_true(analysed.box.side > 150 && analysed.box.side < 260);
        }
        st_analysis_close(&analysis);
    }

    settings.no_face = ST_NO_FACE_FAIL;
    assert_int_equal(st_analysis_open(&analysis, &settings, NULL, &why), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "no face in frame 10, at 0.40 s"));
    settings.no_face = ST_NO_FACE_HOLD;
    write_video(video, &without, &without, 10, 12);
    assert_int_equal(st_analysis_open(&analysis, &settings, NULL, &why), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "no face in any of 12 frames"));
    st_picture_free(&with);
    st_picture_free(&without);
    st_scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_a_real_face),
        cmocka_unit_test(tells_faces_in_real_videos),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
