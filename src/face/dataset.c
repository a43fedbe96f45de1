/* SPDX-License-Identifier: Apache-2.0 */
#include "face/dataset.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#define MAX_FRAMES 10000000 /* 111 hours at 25 fps */

synctalk_status st_check_name(const char *name, synctalk_error *err)
{
    if (!name || !*name)
        return st_fail(err, SYNCTALK_E_ARG, "no person named: give --model NAME");
    if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
        strlen(name) > 200)
        return st_fail(err, SYNCTALK_E_ARG,
                       "--model %.200s: a person's name is the name of one folder in dataset/ and "
                       "checkpoint/",
                       name);
    return SYNCTALK_OK;
}

/* The N of "N.ext" written without leading zeros, or -1. */
static int64_t number_of(const char *name, const char *extension)
{
    int64_t n = 0;
    const char *p = name;
    if (*p == '0' && p[1] != '.')
        return -1;
    for (; *p >= '0' && *p <= '9'; p++) {
        n = n * 10 + (*p - '0');
        if (n > MAX_FRAMES)
            return -1;
    }
    return p > name && strcmp(p, extension) == 0 ? n : -1;
}

/* Which numbers a folder holds: present[n] for n < *limit, *limit = greatest + 1. */
static synctalk_status numbers_in(const char *folder, const char *extension, bool **present,
                                  int64_t *limit, synctalk_error *err)
{
    struct st_names names;
    *present = NULL;
    *limit = 0;
    synctalk_status st = st_list_dir(&names, folder, err);
    if (st)
        return st;
    for (size_t i = 0; i < names.count; i++) {
        int64_t n = number_of(names.names[i], extension);
        if (n >= *limit)
            *limit = n + 1;
    }
    if (*limit > 0) {
        *present = calloc((size_t)*limit, sizeof **present);
        if (!*present)
            st = st_fail_memory(err, "a folder's index", (unsigned long long)*limit);
    }
    for (size_t i = 0; *present && i < names.count; i++) {
        int64_t n = number_of(names.names[i], extension);
        if (n >= 0)
            (*present)[n] = true;
    }
    st_names_free(&names);
    return st;
}

/* E_FORMAT when a number below `limit` is absent from `present` [have]. */
static synctalk_status refuse_holes(const char *folder, const char *extension, const bool *present,
                                    int64_t have, int64_t limit, synctalk_error *err)
{
    int64_t first = -1;
    int64_t missing = 0;
    for (int64_t n = 0; n < limit; n++) {
        if (n < have && present[n])
            continue;
        if (first < 0)
            first = n;
        missing++;
    }
    if (missing == 0)
        return SYNCTALK_OK;
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: %" PRId64 "%s is missing, the first of %" PRId64 " of %" PRId64
                   " frames; prepare the dataset again so that every frame has its file",
                   folder, first, extension, missing, limit);
}

static synctalk_status check_names(struct st_dataset *dataset, synctalk_error *err)
{
    synctalk_status st;
    char images[ST_PATH_MAX];
    char landmarks[ST_PATH_MAX];
    bool *image_present = NULL;
    bool *landmark_present = NULL;
    int64_t image_limit = 0;
    int64_t landmark_limit = 0;

    if ((st = st_path_join(images, dataset->folder, "full_body_img", err)) ||
        (st = st_path_join(landmarks, dataset->folder, "landmarks", err)) ||
        (st = numbers_in(images, ".jpg", &image_present, &image_limit, err)) ||
        (st = numbers_in(landmarks, ".lms", &landmark_present, &landmark_limit, err)))
        goto done;
    if (image_limit == 0) {
        st = st_fail(err, SYNCTALK_E_FORMAT,
                     "%s: no frames there; expected 0.jpg, 1.jpg, ... one for every frame of the "
                     "training video",
                     images);
        goto done;
    }
    if ((st = refuse_holes(images, ".jpg", image_present, image_limit, image_limit, err)) ||
        (st = refuse_holes(landmarks, ".lms", landmark_present, landmark_limit, image_limit, err)))
        goto done;
    dataset->frames = image_limit;

done:
    free(image_present);
    free(landmark_present);
    return st;
}

static synctalk_status frame_path(char *path, const struct st_dataset *dataset, const char *folder,
                                  int64_t frame, const char *extension, synctalk_error *err)
{
    return st_path_format(path, err, "%s/%s/%" PRId64 "%s", dataset->folder, folder, frame,
                          extension);
}

static synctalk_status refuse_size(const struct st_dataset *dataset, const char *path, int width,
                                   int height, synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: is %dx%d, but frame 0 is %dx%d; all frames must have one size", path, width,
                   height, dataset->width, dataset->height);
}

static synctalk_status check_frame(struct st_dataset *dataset, int64_t frame,
                                   struct st_jpeg_decoder *decoder, synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];
    struct st_landmarks landmarks;
    struct st_crop_box *box = &dataset->boxes[frame];
    int width;
    int height;

    if ((st = frame_path(path, dataset, "full_body_img", frame, ".jpg", err)) ||
        (st = st_jpeg_size(decoder, path, &width, &height, err)))
        return st;
    if (frame == 0) {
        dataset->width = width;
        dataset->height = height;
    } else if (width != dataset->width || height != dataset->height) {
        return refuse_size(dataset, path, width, height, err);
    }

    if ((st = frame_path(path, dataset, "landmarks", frame, ".lms", err)) ||
        (st = st_landmarks_read(&landmarks, path, err)) ||
        (st = st_crop_box_from_landmarks(box, &landmarks, path, err)))
        return st;
    if (box->x >= width || box->y >= height || box->x + box->side <= 0 || box->y + box->side <= 0)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: the face's square (%d, %d, side %d) lies outside the %dx%d frame", path,
                       box->x, box->y, box->side, width, height);
    if (frame == 0 || box->side > dataset->largest_side)
        dataset->largest_side = box->side;
    if (frame == 0 || box->side < dataset->smallest_side)
        dataset->smallest_side = box->side;
    return SYNCTALK_OK;
}

synctalk_status st_dataset_open(struct st_dataset *dataset, const char *folder,
                                const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st;
    char parsing[ST_PATH_MAX];
    struct st_jpeg_decoder *decoder = NULL;
    size_t bytes;

    memset(dataset, 0, sizeof *dataset);
    if ((st = st_path_format(dataset->folder, err, "%s", folder)) ||
        (st = st_path_join(parsing, folder, "parsing", err)) || (st = check_names(dataset, err)) ||
        (st = st_jpeg_decoder_create(&decoder, err)))
        goto done;
    dataset->has_parsing = st_path_is_dir(parsing);

    if (!st_mul_size((size_t)dataset->frames, sizeof *dataset->boxes, &bytes) ||
        !(dataset->boxes = calloc(1, bytes))) {
        st = st_fail_memory(err, "the dataset's index", bytes);
        goto done;
    }
    for (int64_t frame = 0; frame < dataset->frames; frame++) {
        if (frame % 256 == 255) {
            st_progress(callbacks, "dataset", frame, dataset->frames, 0);
            if (st_cancelled(callbacks)) {
                st = st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
                goto done;
            }
        }
        if ((st = check_frame(dataset, frame, decoder, err)))
            goto done;
    }

done:
    st_jpeg_decoder_destroy(&decoder);
    if (st)
        st_dataset_close(dataset);
    return st;
}

void st_dataset_close(struct st_dataset *dataset)
{
    free(dataset->boxes);
    memset(dataset, 0, sizeof *dataset);
}

synctalk_status st_dataset_read(const struct st_dataset *dataset, int64_t frame,
                                struct st_jpeg_decoder *decoder, struct st_picture *picture,
                                synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];
    if ((st = frame_path(path, dataset, "full_body_img", frame, ".jpg", err)) ||
        (st = st_jpeg_read(decoder, picture, path, err)))
        return st;
    if (picture->width != dataset->width || picture->height != dataset->height)
        return refuse_size(dataset, path, picture->width, picture->height, err);
    return SYNCTALK_OK;
}

synctalk_status st_dataset_read_planes(const struct st_dataset *dataset, int64_t frame,
                                       struct st_jpeg_decoder *decoder, struct st_planes *planes,
                                       bool *found, synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];
    if ((st = frame_path(path, dataset, "full_body_img", frame, ".jpg", err)) ||
        (st = st_jpeg_read_planes(decoder, planes, found, path, err)) || !*found)
        return st;
    if (planes->width != dataset->width || planes->height != dataset->height)
        return refuse_size(dataset, path, planes->width, planes->height, err);
    return SYNCTALK_OK;
}

synctalk_status st_dataset_landmarks(const struct st_dataset *dataset, int64_t frame,
                                     struct st_landmarks *landmarks, synctalk_error *err)
{
    char path[ST_PATH_MAX];
    synctalk_status st = frame_path(path, dataset, "landmarks", frame, ".lms", err);
    return st ? st : st_landmarks_read(landmarks, path, err);
}

synctalk_status st_dataset_parsing(const struct st_dataset *dataset, int64_t frame,
                                   struct st_picture *picture, bool *found, synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];

    *found = false;
    if ((st = frame_path(path, dataset, "parsing", frame, ".png", err)))
        return st;
    if (!st_path_is_file(path))
        return SYNCTALK_OK;
    if ((st = st_png_read(picture, path, err)))
        return st;
    if (picture->width != dataset->width || picture->height != dataset->height)
        return refuse_size(dataset, path, picture->width, picture->height, err);
    *found = true;
    return SYNCTALK_OK;
}
