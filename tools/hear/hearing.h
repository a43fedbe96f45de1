/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder while it learns: AVE with a head on its features, and Adam.
 *
 *     hearing_create - hearing_step for each mini-batch - hearing_scale - hearing_save
 */
#ifndef HEAR_HEARING_H
#define HEAR_HEARING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hear/heads.h"
#include "weights/weights.h"

struct st_pool;
struct hearing;

struct hearing_settings {
    struct st_pool *pool; /* borrowed until the end */
    int batch;            /* windows of a step at most */
    bool bf16;            /* compute in it, where this machine can */
    uint64_t seed;        /* of the first parameters */
    const char *from;     /* file that hearing_save() wrote with its head, or NULL */
};

synctalk_status hearing_create(struct hearing **out, const struct hearing_settings *settings,
                               synctalk_error *err);
void hearing_destroy(struct hearing **hearing); /* NULL-safe both ways */

/* One step of Adam on mel [count, 80, 16]; *loss is that before it. E_DIVERGED where the loss
 * is not a number. */
synctalk_status hearing_step(struct hearing *hearing, const float *mel,
                             const struct hear_target *targets, size_t count, double rate,
                             double *loss, synctalk_error *err);

/* Any number of windows, with the running statistics: features [count, 512] and answers
 * [count, HEAD_COUNT], each where not NULL. */
synctalk_status hearing_listen(struct hearing *hearing, const float *mel, size_t count,
                               float *features, float *answers, synctalk_error *err);

/* Make all features `factor` times as large, above 0; answers stay what they are. */
void hearing_scale(struct hearing *hearing, float factor);

/* Under the published names. With its head and in f32: to go on from; without, in f16: what
 * ships. An existing file is replaced. */
synctalk_status hearing_save(struct hearing *hearing, const char *path, bool head,
                             synctalk_error *err);

#endif /* HEAR_HEARING_H */
