/* SPDX-License-Identifier: Apache-2.0 */
/* A training small enough for tests: a few drawn frames, the narrow network, a step or two.
 * Trainings run in processes of their own, so that they can be killed, starved of disk and
 * compared. */
#ifndef ST_TESTS_TRAIN_SCENE_H
#define ST_TESTS_TRAIN_SCENE_H

#include <sys/types.h>

#include "generate/project.h"
#include "synctalk/synctalk.h"
#include "train/state.h"

struct scene {
    struct project project;
    char folder[ST_PATH_MAX]; /* checkpoint/tiny */
    char state[ST_PATH_MAX];
    synctalk_train_settings settings;
};

/* Frames of 64x64, features that fit them, no checkpoint; batch 2, 4 samples an epoch. */
void scene_create(struct scene *scene);
void scene_remove(struct scene *scene);

/* What a child process does, and how it ended. */
struct outcome {
    synctalk_status status;
    synctalk_train_report report;
    char message[508];
};

struct conditions {
    int stop_after; /* progress calls of stage "train" after which it is cancelled; 0: never */
    int polls;      /* questions, then, until the answer is that it is; 0: at once */
    long long file_bytes;   /* largest file that may be written; 0: any */
    long long memory_bytes; /* of address space beyond what is there; 0: any */
    bool syncnet;
};

/* Train in a child. The outcome comes back through shared memory. */
struct outcome scene_train(const struct scene *scene, const struct conditions *conditions);

/* Train in a child that is killed after `microseconds` if it has not ended; returns whether
 * it had to be. */
bool scene_train_and_kill(const struct scene *scene, unsigned microseconds);

/* Fails the test unless both folders hold the same state and checkpoints, number for
 * number. */
void scene_assert_equal(const struct scene *a, const struct scene *b);

/* Fails the test unless both states hold the same bytes under that name. */
void scene_assert_same_block(const struct scene *a, const struct scene *b, const char *name);

/* Every N.pth loads and is finite, and so is the state if there is one, and nothing
 * half-written has such a name. Returns the epochs that the state has finished, or -1. */
int64_t scene_assert_whole(const struct scene *scene);

#endif /* ST_TESTS_TRAIN_SCENE_H */
