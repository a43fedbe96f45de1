/* SPDX-License-Identifier: Apache-2.0 */
/* What is trained, as the loop of run.h sees it: a net, steps that leave gradients in it,
 * and measurements on what was held out. unet_task.c and syncnet_task.c are the two. */
#ifndef ST_TRAIN_TASK_H
#define ST_TRAIN_TASK_H

#include <stdint.h>
#include <stdio.h>

#include "base/pool.h"
#include "nn/train_net.h"
#include "synctalk/progress.h"
#include "train/data.h"
#include "train/sampler.h"
#include "weights/weights.h"

#define ST_TERMS_MAX 8

/* Named numbers; the first is what is minimised, or judged by. */
struct st_terms {
    int count;
    struct {
        char name[24];
        double value;
    } at[ST_TERMS_MAX];
};

static inline void st_terms_add(struct st_terms *terms, const char *name, double value)
{
    snprintf(terms->at[terms->count].name, sizeof terms->at->name, "%s", name);
    terms->at[terms->count++].value = value;
}

struct st_task;

struct st_task_desc {
    const char *kind;  /* "unet", "syncnet": a state of the other kind is refused */
    const char *score; /* what the first score is, for the chart */
    const char *unit;  /* of it: "dB", "%" */
    /* "NAME": NAME.jsonl, NAME-state.safetensors and NAME.png are this task's own in a folder that
     * it shares with the training it began from. NULL: it has the folder for itself. */
    const char *files;

    /* Add the layers of a net for data of that form. */
    void (*build)(struct st_train_net *net, const struct st_unet_form *form);
    /* Refuse weights that such a net cannot begin from. */
    synctalk_status (*fits)(const struct st_weights *weights, const struct st_unet_form *form,
                            synctalk_error *err);

    /* Step `step` of epoch `epoch`: forward, losses, and gradients of the net's parameters,
     * which the caller has cleared. */
    synctalk_status (*step)(struct st_task *task, int64_t epoch, int64_t step,
                            struct st_terms *losses, synctalk_error *err);
    /* Scores of the net as it stands, higher is better for the first; none where nothing
     * is held out. Changes nothing that a step depends on. */
    synctalk_status (*measure)(struct st_task *task, const synctalk_callbacks *callbacks,
                               struct st_terms *scores, synctalk_error *err);
    /* A picture of what it does, or NULL. */
    synctalk_status (*picture)(struct st_task *task, const char *path, synctalk_error *err);
    /* Write what belongs beside a checkpoint that has just been written, or NULL. */
    synctalk_status (*beside)(struct st_task *task, const char *checkpoint, synctalk_error *err);
    /* What a checkpoint says about itself, or NULL. */
    synctalk_status (*describe)(struct st_task *task, struct st_weights *weights,
                                synctalk_error *err);
};

/* The front of every task's struct. */
struct st_task {
    const struct st_task_desc *desc;
    struct st_train_net *net; /* owned by the task */
    int64_t steps;            /* of an epoch */
    int batch;                /* samples of a step */
    float *extra;             /* parameters beside those of the net, and their gradients; the */
    float *extra_gradients;   /* task's own, or NULL */
    size_t extra_count;
    double extra_rate;        /* times the learning rate: theirs */
    unsigned long long bytes; /* of what it holds beside the net */

    const synctalk_train_settings *settings; /* borrowed, as are the next two */
    const struct st_train_data *data;
    struct st_pool *pool;
    struct st_sampler sampler; /* owned */
};

#endif /* ST_TRAIN_TASK_H */
