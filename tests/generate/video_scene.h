/* SPDX-License-Identifier: Apache-2.0 */
/* A person on a video of one's own: a project without a dataset, and what is made of it. */
#ifndef ST_TESTS_GENERATE_VIDEO_SCENE_H
#define ST_TESTS_GENERATE_VIDEO_SCENE_H

#include "generate/film.h"
#include "generate/project.h"
#include "synctalk/synctalk.h"

struct scene {
    struct project p;
    char video[ST_PATH_MAX]; /* where one is expected; absent yet */
    char cache[ST_PATH_MAX];
    synctalk_settings settings; /* for --mode video */
    char log[4096];             /* all sentences of the last call, one a line */
    synctalk_callbacks callbacks;
};

/* With `frames` of sound. */
void scene_create(struct scene *scene, const char *models, int frames);
void scene_remove(struct scene *scene);

/* Open the person, whose video must have `sources` frames, and make the film. */
void scene_make(struct scene *scene, int64_t sources, synctalk_report *report);

/* Opening the person fails, with both words in the sentence. */
void scene_refuse(struct scene *scene, synctalk_status status, const char *words, const char *more);

/* The film against its video by the plan, as the cache has its squares; its clock, too. */
void scene_compare(const struct scene *scene, const struct st_plan *plan, int fps,
                   struct film_likeness *likeness);

#endif /* ST_TESTS_GENERATE_VIDEO_SCENE_H */
