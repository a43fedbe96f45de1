/* SPDX-License-Identifier: Apache-2.0 */
/* A tiny project for tests: a narrow random checkpoint, a few small frames, a tone. */
#ifndef ST_TESTS_GENERATE_PROJECT_H
#define ST_TESTS_GENERATE_PROJECT_H

#include "base/file.h"

struct project {
    char *root;                 /* scratch folder; owns */
    char sound[ST_PATH_MAX];    /* 16 kHz mono WAV */
    char features[ST_PATH_MAX]; /* random, one vector a frame of the sound */
    char output[ST_PATH_MAX];   /* absent yet */
};

#define PROJECT_PERSON "tiny"
#define PROJECT_SOURCES 7

/* Frames of width x height; `frames` of sound at 25 fps. */
void project_create(struct project *project, int width, int height, int frames);
void project_remove(struct project *project);

/* Frames first ... end - 1, written anew where they are there. */
void project_add_frames(const struct project *project, int width, int height, int first, int end);

/* Random features, `frames` vectors of 512, over those that are there. */
void project_write_features(const struct project *project, int frames);

/* A WAV of `samples` zeros and a tone, 16 bit mono at rate_hz. */
void project_write_wav(const char *path, int rate_hz, uint32_t samples);

/* Names that are left in the folder of the output. */
size_t project_outputs(const struct project *project);

#endif /* ST_TESTS_GENERATE_PROJECT_H */
