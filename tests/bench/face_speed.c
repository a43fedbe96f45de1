/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a video's faces are found and followed, decoding included, and in how much memory.
 *
 * Usage: face_speed SHARED [SECONDS [THREADS]]: real frames of 1280 x 720 are made a video of
 * 10 s, and one of SECONDS (60), on which each is looked at by a process of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/file.h"
#include "face/analysis.h"
#include "image/picture.h"
#include "kernels/kernels.h"
#include "media/video_writer.h"

#define SOURCE_FRAMES 523
#define FPS 25

static int give_up(const synctalk_error *err)
{
    fprintf(stderr, "face_speed: %s\n", err->message);
    return 1;
}

/* `frames` of the person's, to the end and back again, so that nothing jumps. */
static synctalk_status write_frames(struct st_video_writer *writer, const char *shared, int frames,
                                    synctalk_error *err)
{
    struct st_jpeg_decoder *decoder = NULL;
    struct st_picture picture = {0};
    char path[ST_PATH_MAX];
    synctalk_status st = st_jpeg_decoder_create(&decoder, err);
    for (int i = 0; i < frames && !st; i++) {
        int at = i % (2 * SOURCE_FRAMES - 2);
        if (at >= SOURCE_FRAMES)
            at = 2 * SOURCE_FRAMES - 2 - at;
        if ((st = st_path_format(path, err, "%s/dataset/sanders/full_body_img/%d.jpg", shared,
                                 at)) ||
            (st = st_jpeg_read(decoder, &picture, path, err)))
            break;
        st = st_video_writer_frame(writer, picture.data, picture.stride, err);
    }
    st_picture_free(&picture);
    st_jpeg_decoder_destroy(&decoder);
    return st;
}

static synctalk_status make_video(const char *path, const char *shared, int frames,
                                  synctalk_error *err)
{
    struct st_video_writer *writer = NULL;
    const struct st_video_writer_settings settings = {
        .path = path,
        .name = path,
        .source_width = 1280,
        .source_height = 720,
        .width = 1280,
        .height = 720,
        .fps = FPS,
        .crf = 20,
        .x264_preset = "veryfast",
        .threads = 2,
    };
    synctalk_status st = st_video_writer_open(&writer, &settings, err);
    if (!st && !(st = write_frames(writer, shared, frames, err)))
        st = st_video_writer_finish(writer, err);
    st_video_writer_close(&writer);
    return st;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* In a process of its own: looks, and writes the number of frames into `out`. */
static int look(const struct st_analysis_settings *settings, int out)
{
    struct st_analysis *analysis = NULL;
    synctalk_error err = {0};
    if (st_analysis_open(&analysis, settings, NULL, &err))
        return give_up(&err);
    int64_t frames = st_analysis_summary(analysis)->frames;
    st_analysis_close(&analysis);
    return write(out, &frames, sizeof frames) != sizeof frames;
}

static int measure(const struct st_analysis_settings *settings, const char *name)
{
    int ends[2];
    int how;
    int64_t frames = 0;
    struct rusage used;
    if (pipe(ends) < 0)
        return 1;
    const double begin = now();
    pid_t child = fork();
    if (child == 0)
        _exit(look(settings, ends[1]));
    close(ends[1]);
    const ssize_t got = read(ends[0], &frames, sizeof frames);
    close(ends[0]);
    if (child < 0 || wait4(child, &how, 0, &used) != child || !WIFEXITED(how) ||
        WEXITSTATUS(how) != 0 || got != sizeof frames)
        return 1;
    const double seconds = now() - begin;
    const double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                       1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    printf("%-14s %6lld frames  %6.1f frames/s  %6.2f ms/frame  %6.2f CPU ms/frame  %4ld MB\n",
           name, (long long)frames, (double)frames / seconds, 1000 * seconds / (double)frames,
           1000 * cpu / (double)frames, used.ru_maxrss / 1024);
    fflush(stdout);
    return 0;
}

static int measure_all(const char *video, const char *shared, int threads)
{
    static const int points[] = {98, 106};
    struct st_kernels kernels;
    char detector[ST_PATH_MAX];
    char landmarks[ST_PATH_MAX];
    char name[32];
    synctalk_error err = {0};
    st_kernels_init(&kernels, ~0U);
    for (int i = 0; i < 4; i++) {
        if (st_path_format(detector, &err, "%s/models/scrfd_2.5g_kps.onnx", shared) ||
            st_path_format(landmarks, &err, "%s/models/landmarks_%d.onnx", shared, points[i % 2]))
            return give_up(&err);
        struct st_analysis_settings settings = {
            .video = video,
            .detector = detector,
            .landmarks = landmarks,
            .kernels = &kernels,
            .tracker = {.threshold = 0.5f, .interval = i < 2 ? 25 : 1, .smooth = true},
            .fps = FPS,
            .threads = threads,
        };
        snprintf(name, sizeof name, "%d, %s", points[i % 2], i < 2 ? "followed" : "every one");
        if ((i < 2 || !strstr(video, "long")) && measure(&settings, name))
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *shared = argc > 1 ? argv[1] : "../shared";
    const int seconds[] = {10, argc > 2 ? (int)strtol(argv[2], NULL, 10) : 60};
    const int threads = argc > 3 ? (int)strtol(argv[3], NULL, 10) : st_cpu_cores();
    static const char *const names[] = {"short", "long"};
    char folder[] = "face_speed.XXXXXX";
    char path[ST_PATH_MAX];
    synctalk_error err = {0};
    int failed = 0;

    if (snprintf(path, sizeof path, "%s/models/scrfd_2.5g_kps.onnx", shared) < 0 ||
        !st_path_is_file(path)) {
        printf("SKIPPED: no reference data at %s\n", shared);
        return 0;
    }
    if (!mkdtemp(folder))
        return 1;
    printf("1280x720, H.264, %d threads\n", threads);
    for (int i = 0; i < 2 && !failed; i++) {
        snprintf(path, sizeof path, "%s/%s.mp4", folder, names[i]);
        if (make_video(path, shared, seconds[i] * FPS, &err))
            failed = give_up(&err);
        if (!failed)
            failed = measure_all(path, shared, threads);
        unlink(path);
    }
    rmdir(folder);
    return failed;
}
