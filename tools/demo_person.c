/* SPDX-License-Identifier: Apache-2.0 */
/* demo_person ROOT: write a small complete project: frames and landmarks of a drawn person,
 * a checkpoint and an audio encoder with random weights, and a sentence without words.
 *
 *     ROOT/dataset/demo/full_body_img/N.jpg   ROOT/dataset/demo/landmarks/N.lms
 *     ROOT/checkpoint/demo/0.pth              ROOT/model/audio_visual_encoder.pth
 *     ROOT/dataset/demo/aud.wav and ROOT/demo.wav, the same sound
 *
 * Nothing is trained, so a film made from it shows that every stage runs, not what a
 * person looks like.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "models/ave.h"
#include "models/unet.h"
#include "portrait.h"
#include "tone.h"
#include "weights/weights.h"

#define FRAMES 100
#define QUALITY 95
#define SEED 2

static synctalk_status make_folder(const char *root, const char *name, synctalk_error *err)
{
    char path[ST_PATH_MAX];
    synctalk_status st = st_path_join(path, root, name, err);
    if (st)
        return st;
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        const char end = *at;
        *at = '\0';
        if (mkdir(path, 0777) < 0 && errno != EEXIST)
            return st_fail_errno(err, errno, "create folder", path);
        if (end == '\0')
            return SYNCTALK_OK;
        *at = end;
    }
}

static synctalk_status write_landmarks(const struct st_landmarks *landmarks, const char *path,
                                       synctalk_error *err)
{
    synctalk_status st;
    struct st_output output = {.fd = -1};
    char text[ST_LANDMARKS_MAX * 16];
    size_t length = 0;

    /* Whole pixels, as the tools that people have write them. */
    for (int i = 0; i < landmarks->count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%d %d\n",
                                   (int)landmarks->points[i].x, (int)landmarks->points[i].y);
    if ((st = st_output_open(&output, path, true, err)))
        goto done;
    if ((st = st_output_write(&output, text, length, err)))
        goto done;
    st = st_output_commit(&output, true, err);

done:
    st_output_close(&output);
    return st;
}

static synctalk_status write_frames(const char *root, synctalk_error *err)
{
    synctalk_status st;
    struct canvas canvas = {0};
    struct st_picture picture = {0};
    char path[ST_PATH_MAX];

    if (canvas_create(&canvas, PORTRAIT_SIDE, PORTRAIT_SIDE) < 0)
        return st_fail_memory(err, "a canvas",
                              sizeof *canvas.pixels * PORTRAIT_SIDE * PORTRAIT_SIDE);
    if ((st = st_picture_resize(&picture, PORTRAIT_SIDE, PORTRAIT_SIDE, err)))
        goto done;
    for (int i = 0; i < FRAMES; i++) {
        struct pose pose;
        struct st_landmarks landmarks;
        portrait_pose(&pose, (double)i / PORTRAIT_FPS, (double)FRAMES / PORTRAIT_FPS);
        portrait_draw(&canvas, &pose);
        portrait_landmarks(&landmarks, &pose);
        canvas_to_picture(&canvas, &picture, (unsigned)i);
        if ((st = st_path_format(path, err, "%s/dataset/demo/full_body_img/%d.jpg", root, i)))
            goto done;
        if ((st = st_jpeg_write(&picture, path, QUALITY, 1, err)))
            goto done;
        if ((st = st_path_format(path, err, "%s/dataset/demo/landmarks/%d.lms", root, i)))
            goto done;
        if ((st = write_landmarks(&landmarks, path, err)))
            goto done;
    }

done:
    canvas_free(&canvas);
    st_picture_free(&picture);
    return st;
}

static synctalk_status write_weights(const char *root, synctalk_error *err)
{
    synctalk_status st;
    struct st_weights *unet = NULL;
    struct st_weights *ave = NULL;
    char path[ST_PATH_MAX];

    if ((st = st_unet_random(&unet, true, SYNCTALK_ENCODER_AVE, SEED, err)))
        goto done;
    if ((st = st_path_join(path, root, "checkpoint/demo/0.pth", err)))
        goto done;
    if ((st = st_weights_write_pth(unet, path, "synctalk.encoder", "ave", true, err)))
        goto done;
    if ((st = st_ave_random(&ave, SEED, err)))
        goto done;
    if ((st = st_path_join(path, root, "model/audio_visual_encoder.pth", err)))
        goto done;
    st = st_weights_write_pth(ave, path, NULL, NULL, true, err);

done:
    st_weights_close(&unet);
    st_weights_close(&ave);
    return st;
}

static synctalk_status write_project(const char *root, synctalk_error *err)
{
    static const char *const folders[] = {"dataset/demo/full_body_img", "dataset/demo/landmarks",
                                          "checkpoint/demo", "model"};
    static const char *const sounds[] = {"dataset/demo/aud.wav", "demo.wav"};
    synctalk_status st;
    char path[ST_PATH_MAX];
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if ((st = make_folder(root, folders[i], err)))
            return st;
    if ((st = write_frames(root, err)))
        return st;
    if ((st = write_weights(root, err)))
        return st;
    for (size_t i = 0; i < sizeof sounds / sizeof *sounds; i++) {
        if ((st = st_path_join(path, root, sounds[i], err)))
            return st;
        if ((st = tone_write(path, err)))
            return st;
    }
    return SYNCTALK_OK;
}

int main(int argc, char **argv)
{
    synctalk_error err = {0};
    if (argc != 2 || argv[1][0] == '-' || argv[1][0] == '\0') {
        fprintf(stderr, "usage: demo_person ROOT\n");
        return 2;
    }
    if (write_project(argv[1], &err)) {
        fprintf(stderr, "demo_person: %s\n", err.message);
        return 1;
    }
    printf("%s: %d frames of \"demo\", weights, demo.wav\n", argv[1], FRAMES);
    return 0;
}
