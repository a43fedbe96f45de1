/* SPDX-License-Identifier: Apache-2.0 */
/* A film of drawn scenes, and those who look at it, for the analysis. */
#ifndef ST_TESTS_FAKE_FILM_H
#define ST_TESTS_FAKE_FILM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"
#include "face/analysis_impl.h"
#include "face/fake_face.h"

struct fake_film {
    int frames;
    int points;
    float noise; /* pixels, of every landmark */
    /* Change the scene, which is a plain one, to that of frame n. */
    void (*stage)(struct fake_scene *scene, int n);

    int64_t fail_read;   /* the frame that cannot be read; -1: none */
    int64_t fail_detect; /* likewise for the detector; -1: none */
    int64_t exit_at;     /* the frame at whose reading the process ends; -1: none */
    int64_t damaged;

    /* What happened. */
    int opened, closed; /* times */
    int reads;
    int64_t first_read; /* -1: none */
    int detections, landmarkings;

    struct fake_scene drawn; /* of the decoding thread */
    struct fake_scene seen;  /* of the other one */
};

/* 160 x 90 with a still face of 40 pixels. */
struct fake_film fake_film(int frames);

/* Borrows `film`. */
struct st_analysis_parts fake_parts(struct fake_film *film);

/* What the callbacks were told. */
struct fake_talk {
    char warnings[4096]; /* one a line */
    char infos[4096];
    int progress;           /* calls */
    int64_t done, total;    /* the last */
    int64_t cancel_at_poll; /* the poll that says so, counted from 1; 0: none */
    int64_t polls;
};

synctalk_callbacks fake_callbacks(struct fake_talk *talk);

/* A folder with files for the video and the networks. */
struct fake_place {
    char *folder; /* owned */
    char video[ST_PATH_MAX], detector[ST_PATH_MAX], landmarks[ST_PATH_MAX], mean[ST_PATH_MAX];
    char cache[ST_PATH_MAX];
    struct st_analysis_settings settings; /* for them */
};

void fake_place_create(struct fake_place *place);
void fake_place_remove(struct fake_place *place);
/* Path of the only file in the cache, in a static buffer. */
const char *fake_place_kept(const struct fake_place *place);

#endif /* ST_TESTS_FAKE_FILM_H */
