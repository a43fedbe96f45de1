/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/faces.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/error.h"
#include "generate/model_files.h"
#include "image/picture.h"
#include "models/networks.h"

#define LANDMARK_NAMES 16

/* Digits with at most one point, ended by `end`; no sign, blank, word or exponent of strtod.
 * NULL: none. Else what follows the `end`. */
static const char *read_coordinate(float *value, const char *text, char end)
{
    char *rest = NULL;
    size_t length = strspn(text, "0123456789.");
    if (length == 0 || length > 12 || text[length] != end)
        return NULL;
    *value = strtof(text, &rest);
    if (rest != text + length || !(*value <= ST_PICTURE_MAX_SIDE))
        return NULL;
    return end ? rest + 1 : rest;
}

static bool read_index(int *index, const char *text)
{
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 4 || text[length] != '\0')
        return false;
    *index = (int)strtol(text, NULL, 10);
    return *index < ST_FACES_MAX;
}

synctalk_status st_face_choice_parse(struct st_tracker_settings *tracker, const char *text,
                                     synctalk_error *err)
{
    static const char *const words[] = {
        [ST_FACE_LARGEST] = "largest", [ST_FACE_LEFT] = "left", [ST_FACE_RIGHT] = "right"};
    const char *rest;

    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++) {
        if (strcmp(text, words[i]) != 0)
            continue;
        tracker->choice = i;
        return SYNCTALK_OK;
    }
    if (read_index(&tracker->index, text)) {
        tracker->choice = ST_FACE_INDEX;
        return SYNCTALK_OK;
    }
    if ((rest = read_coordinate(&tracker->at.x, text, ',')) &&
        read_coordinate(&tracker->at.y, rest, '\0')) {
        tracker->choice = ST_FACE_AT;
        return SYNCTALK_OK;
    }
    return st_fail(err, SYNCTALK_E_ARG,
                   "face: \"%s\" is not one of largest, left, right, a number from 0 to %d, or X,Y "
                   "in pixels",
                   text, ST_FACES_MAX - 1);
}

/* The network of 110 points, since published checkpoints were trained on crops by them, then
 * those that serve as well. `names` [LANDMARK_NAMES]; NULL-ended. */
static void list_landmark_files(const char **names)
{
    size_t count = 0;
    size_t used = 0;
    const synctalk_network *table = st_networks(&count);
    const synctalk_network *end = table + count;
    const synctalk_network *first = st_network_named("landmarks-110");
    for (const synctalk_network *row = first; row < end; row++) {
        if (row != first && !row->alternative)
            break;
        for (size_t i = 0; row->files[i] && used + 1 < LANDMARK_NAMES; i++)
            names[used++] = row->files[i];
    }
    names[used] = NULL;
}

static synctalk_status find_networks(struct st_face_settings *faces,
                                     const synctalk_settings *settings, synctalk_error *err)
{
    const synctalk_network *detector = st_network_named("detector");
    const char *files[LANDMARK_NAMES];
    synctalk_status st;

    if (settings->detector)
        st = st_path_format(faces->detector, err, "%s", settings->detector);
    else
        st = st_find_shared(faces->detector, settings, detector->files, detector->purpose, err);
    if (st)
        return st;
    if (settings->landmarks)
        return st_path_format(faces->landmarks, err, "%s", settings->landmarks);
    list_landmark_files(files);
    return st_find_shared(faces->landmarks, settings, files, "to find the points of a face", err);
}

synctalk_status st_face_settings_find(struct st_face_settings *faces,
                                      const synctalk_settings *settings, const char *video, int fps,
                                      const struct st_kernels *kernels, synctalk_error *err)
{
    synctalk_status st;
    if ((st = find_networks(faces, settings, err)))
        return st;
    faces->analysis = (struct st_analysis_settings){
        .video = video,
        .detector = faces->detector,
        .landmarks = faces->landmarks,
        .mean_face = settings->mean_face,
        .library = settings->onnxruntime,
        .cache = settings->analysis_cache,
        .kernels = kernels,
        .tracker =
            {
                .threshold = (float)settings->face_threshold,
                .interval = settings->detect_every,
                .smooth = settings->smooth_landmarks != 0,
            },
        .fps = fps,
        .threads = settings->threads ? settings->threads : st_cpu_cores(),
        .no_face = settings->no_face,
    };
    return st_face_choice_parse(&faces->analysis.tracker, settings->face, err);
}
