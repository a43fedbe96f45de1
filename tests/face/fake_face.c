/* SPDX-License-Identifier: Apache-2.0 */
#include "face/fake_face.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "support/support.h"

struct st_face fake_box(const struct fake_face *face)
{
    struct st_face box = {
        .left = face->x - 0.5f * face->width,
        .top = face->y - 0.7f * face->width,
        .right = face->x + 0.5f * face->width,
        .bottom = face->y + 0.55f * face->width,
        .score = face->score,
    };
    for (int i = 0; i < 5; i++)
        box.keypoints[i] = (struct st_point){face->x + (float)i, face->y};
    return box;
}

/* A jaw from cheek to cheek around a patch of other points; units of the face's width. */
static struct st_point unit_point(const struct st_landmark_layout *layout, int index)
{
    for (int i = 0; i < 33; i++) {
        if (layout->contour[i] == index) {
            float angle = 3.14159265f * (float)i / 32;
            return (struct st_point){-0.5f * cosf(angle), 0.55f * sinf(angle)};
        }
    }
    for (int i = 0; i < 2; i++)
        if (layout->top[i] == index)
            return (struct st_point){0, -0.1f};
    return (struct st_point){0.3f * sinf((float)index), 0.35f * cosf(1.7f * (float)index)};
}

struct st_landmarks fake_shape(const struct fake_scene *scene, const struct fake_face *face)
{
    const struct st_landmark_layout *layout = st_landmark_layout(scene->points);
    struct st_landmarks shape = {.count = scene->points};
    for (int i = 0; i < shape.count; i++) {
        struct st_point unit = unit_point(layout, i);
        float bend = face->distort * (float)(i % 3 - 1);
        shape.points[i].x = face->x + face->width * unit.x * (1 + bend);
        shape.points[i].y = face->y + face->width * unit.y * (1 - bend);
    }
    return shape;
}

static synctalk_status detect(void *detector, const struct st_picture *picture,
                              struct st_face *faces, int *count, synctalk_error *err)
{
    struct fake_scene *scene = detector;
    (void)picture;
    if (++scene->detections == scene->fail_detection)
        return st_fail(err, SYNCTALK_E_LIBRARY, "the detector fails here");
    *count = 0;
    for (int i = 0; i < FAKE_FACES; i++)
        if (scene->faces[i].present && scene->faces[i].score >= 0.1f)
            faces[(*count)++] = fake_box(&scene->faces[i]);
    for (int i = 0; i < *count; i++) {
        for (int k = i + 1; k < *count; k++) {
            if (faces[k].score > faces[i].score) {
                struct st_face other = faces[i];
                faces[i] = faces[k];
                faces[k] = other;
            }
        }
    }
    return SYNCTALK_OK;
}

static float noise(struct fake_scene *scene)
{
    return scene->noise * (2 * st_random_unit(&scene->random) - 1);
}

/* Like a network: where there is no face in the box, it gives the mean one. */
static synctalk_status landmark(void *landmarker, const struct st_picture *picture,
                                const struct st_face *box, struct st_landmarks *landmarks,
                                synctalk_error *err)
{
    struct fake_scene *scene = landmarker;
    const struct st_landmark_layout *layout = st_landmark_layout(scene->points);
    struct fake_face seen = {
        .x = (box->left + box->right) / 2,
        .y = box->top + 0.56f * (box->bottom - box->top),
        .width = box->right - box->left,
    };
    struct st_face truth = *box;
    float most = 0.2f;
    (void)picture;
    (void)err;
    scene->landmarkings++;
    for (int i = 0; i < FAKE_FACES; i++) {
        struct st_face there = fake_box(&scene->faces[i]);
        if (scene->faces[i].present && st_face_overlap(&there, box) > most) {
            most = st_face_overlap(&there, box);
            seen = scene->faces[i];
            truth = there;
        }
    }
    const float off = box->top + box->bottom - truth.top - truth.bottom;
    const float size = (box->bottom - box->top) / (truth.bottom - truth.top);
    seen.width *= powf(size, scene->size_gain);
    *landmarks = fake_shape(scene, &seen);
    for (int i = 0; i < landmarks->count; i++) {
        bool jaw = false;
        for (int k = 0; k < 33; k++)
            jaw = jaw || layout->contour[k] == i;
        landmarks->points[i].x += noise(scene);
        landmarks->points[i].y +=
            noise(scene) + 0.5f * off * (jaw ? scene->jaw_gain : scene->inner_gain);
    }
    return SYNCTALK_OK;
}

struct st_face_finder fake_finder(struct fake_scene *scene)
{
    return (struct st_face_finder){
        .detector = scene,
        .landmarker = scene,
        .detect = detect,
        .landmark = landmark,
    };
}

/* 0..126, up and down once in 128 units. */
static int wave(float at)
{
    int phase = (int)(at + 65536.0f) & 127;
    return 2 * (phase < 64 ? phase : 127 - phase);
}

/* Soft, so that a pixel of motion changes little. */
static uint8_t texture(float x, float y, int kind)
{
    return (uint8_t)(wave(x + 37 * (float)kind) +
                     wave(y * (1 + 0.7f * (float)(kind % 3)) - 0.4f * x + 23 * (float)kind));
}

static void draw_box(struct st_picture *picture, const struct st_face *box,
                     const struct fake_face *face, int kind)
{
    for (int y = (int)fmaxf(box->top, 0); y < (int)fminf(box->bottom, (float)picture->height); y++)
        for (int x = (int)fmaxf(box->left, 0); x < (int)fminf(box->right, (float)picture->width);
             x++)
            memset(picture->data + (size_t)y * picture->stride + 3 * (size_t)x,
                   texture(150 * ((float)x - face->x) / face->width,
                           150 * ((float)y - face->y) / face->width, kind),
                   3);
}

void fake_draw(struct st_picture *picture, const struct fake_scene *scene)
{
    const int width = scene->width ? scene->width : 640;
    const int height = scene->height ? scene->height : 360;
    const struct st_face all = {.right = (float)width, .bottom = (float)height};
    ST_OK(st_picture_resize(picture, width, height, err));
    draw_box(picture, &all, &(struct fake_face){.width = 150}, 11 + scene->background);
    for (int i = 0; i < FAKE_FACES; i++) {
        struct st_face box = fake_box(&scene->faces[i]);
        if (scene->faces[i].present)
            draw_box(picture, &box, &scene->faces[i], i);
    }
}
