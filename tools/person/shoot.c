/* SPDX-License-Identifier: Apache-2.0 */
#include "person/shoot.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "speech/speech.h"
#include "speech/wav.h"

#define QUALITY 95
#define THREADS_MAX 64

/* What the threads of one run share. */
struct set {
    const struct shoot *shoot;
    const char *folder;
    float *opening; /* [frames] */
    pthread_mutex_t lock;
    int next, done;         /* under the lock, as what follows */
    synctalk_status status; /* of the first failure, after which nobody starts a frame */
    synctalk_error err;
};

/* 0 in the first and the last frame .. 1 between. */
static float settled(const struct shoot *shoot, int index)
{
    const int last = shoot->frames - 1 - index;
    const float nearest = (float)(index < last ? index : last) / PERSON_FPS;
    return shoot->settle_s > 0 ? stepf(0, shoot->settle_s, nearest) : 1;
}

static void settle_mouth(struct mouth_shape *mouth, float life)
{
    struct mouth_shape rest;
    const struct mouth_shape m = *mouth;
    script_rest(&rest);
    *mouth = (struct mouth_shape){.jaw = mixf(rest.jaw, m.jaw, life),
                                  .width = mixf(rest.width, m.width, life),
                                  .round = mixf(rest.round, m.round, life),
                                  .closed = mixf(rest.closed, m.closed, life),
                                  .teeth = mixf(rest.teeth, m.teeth, life),
                                  .tongue_tip = mixf(rest.tongue_tip, m.tongue_tip, life),
                                  .tongue_back = mixf(rest.tongue_back, m.tongue_back, life),
                                  .upper_raise = mixf(rest.upper_raise, m.upper_raise, life),
                                  .lower_tuck = mixf(rest.lower_tuck, m.lower_tuck, life)};
}

void shoot_pose(const struct shoot *shoot, int index, struct pose *pose)
{
    const double seconds = (double)index / PERSON_FPS;
    const float life = settled(shoot, index);
    const struct motion motion = {shoot->motion.seed, life * shoot->motion.life};
    *pose = (struct pose){0};
    motion_pose(pose, &motion, seconds, script_speaking(shoot->script, seconds));
    script_mouth(shoot->script, seconds, &pose->mouth);
    if (life < 1)
        settle_mouth(&pose->mouth, life);
}

static synctalk_status make_folders(const char *path, synctalk_error *err)
{
    char part[ST_PATH_MAX];
    synctalk_status st = st_path_format(part, err, "%s", path);
    if (st)
        return st;
    for (char *at = part + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        const char end = *at;
        *at = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            return st_fail_errno(err, errno, "create folder", part);
        if (end == '\0')
            return SYNCTALK_OK;
        *at = end;
    }
}

static synctalk_status write_text(const char *path, const char *text, size_t length,
                                  synctalk_error *err)
{
    struct st_output output = {.fd = -1};
    synctalk_status st = st_output_open(&output, path, true, err);
    if (!st)
        st = st_output_write(&output, text, length, err);
    if (!st)
        st = st_output_commit(&output, true, err);
    st_output_close(&output);
    return st;
}

static synctalk_status write_landmarks(const struct st_landmarks *landmarks, const char *path,
                                       synctalk_error *err)
{
    char text[ST_LANDMARKS_MAX * 24];
    size_t length = 0;
    for (int i = 0; i < landmarks->count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%.2f %.2f\n",
                                   (double)landmarks->points[i].x, (double)landmarks->points[i].y);
    return write_text(path, text, length, err);
}

static synctalk_status shoot_frame(struct set *set, int index, struct person_studio *studio,
                                   struct st_picture *picture, synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];
    struct pose pose;
    struct st_landmarks landmarks;
    shoot_pose(set->shoot, index, &pose);
    if ((st = person_render(studio, &pose, picture, &landmarks, set->opening + index, err)))
        return st;
    if ((st = st_path_format(path, err, "%s/full_body_img/%d.jpg", set->folder, index)))
        return st;
    if ((st = st_jpeg_write(picture, path, QUALITY, 1, err)))
        return st;
    if ((st = st_path_format(path, err, "%s/landmarks/%d.lms", set->folder, index)))
        return st;
    return write_landmarks(&landmarks, path, err);
}

/* The next frame to make, or -1. */
static int take_frame(struct set *set)
{
    pthread_mutex_lock(&set->lock);
    int index = set->status || set->next == set->shoot->frames ? -1 : set->next++;
    pthread_mutex_unlock(&set->lock);
    return index;
}

static void finish_frame(struct set *set, synctalk_status st, const synctalk_error *err)
{
    pthread_mutex_lock(&set->lock);
    set->done++;
    if (st && !set->status) {
        set->status = st;
        set->err = *err;
    }
    if (!st && set->shoot->progress)
        set->shoot->progress(set->shoot->context, set->done, set->shoot->frames);
    pthread_mutex_unlock(&set->lock);
}

static void *work(void *context)
{
    struct set *set = context;
    struct person_studio *studio = NULL;
    struct st_picture picture = {0};
    synctalk_error err = {0};
    synctalk_status st = person_studio_create(&studio, set->shoot->person, &err);
    if (st)
        finish_frame(set, st, &err);
    for (int index; !st && (index = take_frame(set)) >= 0;) {
        st = shoot_frame(set, index, studio, &picture, &err);
        finish_frame(set, st, &err);
    }
    person_studio_free(&studio);
    st_picture_free(&picture);
    return NULL;
}

static synctalk_status run_threads(struct set *set, synctalk_error *err)
{
    pthread_t threads[THREADS_MAX];
    int wanted = set->shoot->threads;
    int started = 0;
    wanted = wanted < 1 ? 1 : wanted > THREADS_MAX ? THREADS_MAX : wanted;
    for (; started < wanted - 1; started++)
        if (pthread_create(&threads[started], NULL, work, set) != 0)
            break; /* the others do its share */
    work(set);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (set->status && err)
        *err = set->err;
    return set->status;
}

static synctalk_status write_openings(const struct set *set, synctalk_error *err)
{
    char path[ST_PATH_MAX];
    synctalk_status st = st_path_join(path, set->folder, "opening.txt", err);
    if (st)
        return st;
    size_t size = (size_t)set->shoot->frames * 8 + 1;
    char *text = malloc(size);
    if (!text)
        return st_fail_memory(err, "openings", size);
    size_t length = 0;
    for (int i = 0; i < set->shoot->frames; i++)
        length += (size_t)snprintf(text + length, size - length, "%.4f\n", (double)set->opening[i]);
    st = write_text(path, text, length, err);
    free(text);
    return st;
}

static synctalk_status write_sound(const struct set *set, synctalk_error *err)
{
    char path[ST_PATH_MAX];
    size_t count;
    const float *samples = script_samples(set->shoot->script, &count);
    synctalk_status st = st_path_join(path, set->folder, "aud.wav", err);
    return st ? st : wav_write(path, samples, count, SPEECH_HZ, err);
}

static synctalk_status shoot_all(const struct shoot *shoot, const char *folder, bool frames_alone,
                                 synctalk_error *err)
{
    static const char *const folders[] = {"full_body_img", "landmarks"};
    synctalk_status st;
    char path[ST_PATH_MAX];
    struct set set = {.shoot = shoot, .folder = folder};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if ((st = st_path_join(path, folder, folders[i], err)))
            return st;
        if ((st = make_folders(path, err)))
            return st;
    }
    if (!(set.opening = calloc((size_t)shoot->frames, sizeof *set.opening)))
        return st_fail_memory(err, "openings", (size_t)shoot->frames * sizeof *set.opening);
    pthread_mutex_init(&set.lock, NULL);
    if ((st = run_threads(&set, err)) || frames_alone)
        goto done;
    if ((st = write_openings(&set, err)))
        goto done;
    st = write_sound(&set, err);

done:
    pthread_mutex_destroy(&set.lock);
    free(set.opening);
    return st;
}

synctalk_status shoot_frames(const struct shoot *shoot, const char *folder, synctalk_error *err)
{
    return shoot_all(shoot, folder, true, err);
}

synctalk_status shoot_dataset(const struct shoot *shoot, const char *folder, synctalk_error *err)
{
    return shoot_all(shoot, folder, false, err);
}
