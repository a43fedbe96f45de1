/* SPDX-License-Identifier: Apache-2.0 */
#include "face/fake_film.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "support/support.h"

struct fake_film fake_film(int frames)
{
    return (struct fake_film){
        .frames = frames,
        .points = 98,
        .fail_read = -1,
        .fail_detect = -1,
        .exit_at = -1,
        .first_read = -1,
    };
}

static void stage(struct fake_scene *scene, const struct fake_film *film, int64_t n)
{
    *scene = (struct fake_scene){
        .faces = {{.present = true, .x = 80, .y = 45, .width = 40, .score = 0.8f}},
        .width = 160,
        .height = 90,
        .points = film->points,
        .noise = film->noise,
        .random = (uint64_t)n,
    };
    if (film->stage)
        film->stage(scene, (int)n);
}

/* The frame's number stands in the picture, since another thread looks at it later. */
static synctalk_status read_frame(void *video, int64_t n, struct st_picture *picture,
                                  synctalk_error *err)
{
    struct fake_film *film = video;
    if (n == film->exit_at)
        _exit(7);
    if (n == film->fail_read)
        return st_fail(err, SYNCTALK_E_FORMAT, "frame %" PRId64 " cannot be read", n);
    film->reads++;
    if (film->first_read < 0)
        film->first_read = n;
    stage(&film->drawn, film, n);
    fake_draw(picture, &film->drawn);
    memcpy(picture->data, &n, sizeof n);
    return SYNCTALK_OK;
}

static int64_t damaged(void *video)
{
    return ((struct fake_film *)video)->damaged;
}

static synctalk_status detect(void *detector, const struct st_picture *picture,
                              struct st_face *faces, int *count, synctalk_error *err)
{
    struct fake_film *film = detector;
    int64_t n;
    memcpy(&n, picture->data, sizeof n);
    if (n == film->fail_detect)
        return st_fail(err, SYNCTALK_E_LIBRARY, "the detector fails at %" PRId64, n);
    film->detections++;
    stage(&film->seen, film, n);
    struct st_face_finder finder = fake_finder(&film->seen);
    return finder.detect(finder.detector, picture, faces, count, err);
}

static synctalk_status landmark(void *landmarker, const struct st_picture *picture,
                                const struct st_face *face, struct st_landmarks *landmarks,
                                synctalk_error *err)
{
    struct fake_film *film = landmarker;
    int64_t n;
    memcpy(&n, picture->data, sizeof n);
    film->landmarkings++;
    stage(&film->seen, film, n);
    struct st_face_finder finder = fake_finder(&film->seen);
    return finder.landmark(finder.landmarker, picture, face, landmarks, err);
}

static synctalk_status open_video(void *context, const struct st_analysis_settings *settings,
                                  const synctalk_callbacks *callbacks,
                                  struct st_analysis_view *view, synctalk_error *err)
{
    struct fake_film *film = context;
    (void)settings;
    (void)callbacks;
    (void)err;
    view->frames = film->frames;
    view->width = 160;
    view->height = 90;
    view->video = film;
    view->read = read_frame;
    view->damaged = damaged;
    return SYNCTALK_OK;
}

static synctalk_status open_networks(void *context, const struct st_analysis_settings *settings,
                                     struct st_analysis_view *view, synctalk_error *err)
{
    struct fake_film *film = context;
    (void)settings;
    (void)err;
    film->opened++;
    view->points = film->points;
    view->finder = (struct st_face_finder){
        .detector = film, .landmarker = film, .detect = detect, .landmark = landmark};
    return SYNCTALK_OK;
}

static void close_film(void *context)
{
    ((struct fake_film *)context)->closed++;
}

struct st_analysis_parts fake_parts(struct fake_film *film)
{
    return (struct st_analysis_parts){
        .context = film,
        .open_video = open_video,
        .open_networks = open_networks,
        .close = close_film,
    };
}

static void on_log(void *user, synctalk_log_level level, const char *message)
{
    struct fake_talk *talk = user;
    char *all = level == SYNCTALK_LOG_WARNING ? talk->warnings : talk->infos;
    size_t length = strlen(all);
    snprintf(all + length, sizeof talk->infos - length, "%s\n", message);
}

static void on_progress(void *user, const synctalk_progress *progress)
{
    struct fake_talk *talk = user;
    assert_string_equal(progress->stage, "faces");
    talk->progress++;
    talk->done = progress->done;
    talk->total = progress->total;
}

static int on_poll(void *user)
{
    struct fake_talk *talk = user;
    return ++talk->polls == talk->cancel_at_poll;
}

synctalk_callbacks fake_callbacks(struct fake_talk *talk)
{
    return (synctalk_callbacks){
        .user = talk, .progress = on_progress, .cancelled = on_poll, .log = on_log};
}

void fake_place_create(struct fake_place *place)
{
    *place = (struct fake_place){.folder = st_scratch_create()};
    ST_OK(st_path_join(place->video, place->folder, "video.mp4", err));
    ST_OK(st_path_join(place->detector, place->folder, "detector.onnx", err));
    ST_OK(st_path_join(place->landmarks, place->folder, "landmarks.onnx", err));
    ST_OK(st_path_join(place->mean, place->folder, "mean_face.txt", err));
    ST_OK(st_path_join(place->cache, place->folder, "a/b/cache", err));
    st_write_file(place->video, "a video", 7);
    st_write_file(place->detector, "a detector", 10);
    st_write_file(place->landmarks, "landmarks", 9);
    place->settings = (struct st_analysis_settings){
        .video = place->video,
        .detector = place->detector,
        .landmarks = place->landmarks,
        .cache = place->cache,
        .tracker = {.threshold = 0.5f, .interval = 25},
        .fps = 25,
        .threads = 2,
    };
}

void fake_place_remove(struct fake_place *place)
{
    st_scratch_remove(place->folder);
}

const char *fake_place_kept(const struct fake_place *place)
{
    static char path[ST_PATH_MAX];
    struct st_names names;
    ST_OK(st_list_dir(&names, place->cache, err));
    assert_int_equal(names.count, 1);
    ST_OK(st_path_join(path, place->cache, names.names[0], err));
    st_names_free(&names);
    return path;
}
