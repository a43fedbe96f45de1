/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file train.h
 * From a dataset to a checkpoint: the network that redraws a person's mouth, and the
 * SyncNet that judges whether a mouth fits a sound.
 *
 *     synctalk_train_settings s;
 *     synctalk_train_settings_init(&s);
 *     s.root = "project";
 *     s.model = "anna";
 *     s.holdout = 0.1;
 *     synctalk_train(&s, NULL, &report, &err);
 *
 * A run can be stopped at any moment, by callbacks, by a signal or by the power going off.
 * The same call goes on from the last state that was saved, and ends with the bytes that
 * an uninterrupted run would have ended with.
 */
#ifndef SYNCTALK_TRAIN_H
#define SYNCTALK_TRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "synctalk/export.h"
#include "synctalk/progress.h"
#include "synctalk/settings.h"
#include "synctalk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum synctalk_width {
    SYNCTALK_WIDTH_FULL = 0,   /**< the published size, 12.2 million parameters */
    SYNCTALK_WIDTH_NARROW = 1, /**< half the channels, a quarter of the work */
} synctalk_width;

typedef enum synctalk_schedule {
    SYNCTALK_SCHEDULE_CONSTANT = 0,
    SYNCTALK_SCHEDULE_COSINE = 1, /**< half a cosine down to a hundredth */
    SYNCTALK_SCHEDULE_STEP = 2,   /**< a tenth after half of the epochs, again after 3/4 */
} synctalk_schedule;

typedef enum synctalk_train_precision {
    SYNCTALK_TRAIN_AUTO = 0, /**< the fastest that is proven good enough */
    SYNCTALK_TRAIN_F32 = 1,
    SYNCTALK_TRAIN_BF16 = 2, /**< activations in bf16, parameters in f32 */
} synctalk_train_precision;

/**
 * Settings of a training. Fill with synctalk_train_settings_init(), then change. Strings
 * are borrowed for the call. synctalk_train_settings_options() describes each field.
 */
typedef struct synctalk_train_settings {
    /* where */
    const char *root;        /**< project folder. Default "." */
    const char *models;      /**< folder of shared networks, looked in first. Default NULL */
    const char *more_models; /**< ':'-separated folders, looked in after ROOT/model; no option
                                  names it. Default NULL */
    const char *onnxruntime; /**< library of ONNX Runtime. Default NULL: the usual places */
    const char *model;       /**< the person: dataset/NAME is read, checkpoint/NAME written */
    const char *features;    /**< audio features; NULL = the file in dataset/NAME, made from its
                                  aud.wav where it is absent or older */
    const char *warm_start;  /**< checkpoint to begin from; NULL = random weights */
    const char *vgg;         /**< torchvision's VGG-19 weights; NULL = no perceptual term */
    const char *syncnet;     /**< a SyncNet, or "auto" = the latest of syncnet_ckpt/NAME if
                                  there is one; NULL = no sync term */

    /* what */
    int encoder;              /**< synctalk_encoder. Default auto: by the features that are there */
    const char *encoder_name; /**< of a custom encoder. Default NULL */
    int width;                /**< synctalk_width. Default full */
    int epochs;               /**< in all, also of a run that goes on. Default 100 */
    int samples_per_epoch;    /**< 0 = one for each training frame. Default 0 */
    double holdout;           /**< part of the frames, at the end, never trained on. Default 0 */
    int seed;                 /**< of everything random. Default 1 */

    /* how it learns */
    int batch;             /**< samples of a step. Default 8 */
    double lr;             /**< Adam's step. Default 1e-3 */
    int schedule;          /**< synctalk_schedule. Default constant */
    int warm_up;           /**< steps in which lr rises from 0. Default 0 */
    double average;        /**< decay of the mean over steps that is saved and measured; 0 = the
                                last step as it is. Default 0.999 */
    double mouth_weight;   /**< of an L1 term on the mouth region. Default 0 */
    double lips_weight;    /**< of one on the lips, where the landmarks are. Default 0 */
    double mouth_temporal; /**< of L1 on the mouth's change from frame to frame. Default 0 */
    double vgg_weight;     /**< of the perceptual term, where vgg is given. Default 0.01 */
    double sync_weight;    /**< of the sync term, where syncnet is given. Default 10 */
    int quantize;          /**< 1: fine-tune the highest checkpoint of the person, or warm_start, so
                                that it bears int8; of how it learns batch and the next two count,
                                and of what, samples_per_epoch and epochs do not. Default 0 */
    int quantize_samples;  /**< of that fine-tune, in all. Default 512 */
    double quantize_lr;    /**< its step at the beginning. Default 2e-5 */

    /* the machine and the run */
    int threads;       /**< 0 = one per core. Never changes a bit of the result. Default 0 */
    unsigned cpu_mask; /**< instruction sets allowed. Default all */
    int precision;     /**< synctalk_train_precision. Default auto */
    int resume;        /**< 1: it is an error when there is nothing to go on with. Default 0 */
    int restart;       /**< 1: begin anew although a state is there. Default 0 */
    int time_limit;    /**< minutes after which state is saved and the call returns; 0 = none */
    int save_every;    /**< minutes between two saves within an epoch. Default 10 */

    void *reserved[8]; /**< NULL */
} synctalk_train_settings;

/** What a training left behind. */
typedef struct synctalk_train_report {
    int64_t epochs;           /**< finished, of all runs together */
    int64_t steps;            /**< taken, of all runs together */
    int64_t samples;          /**< of this call */
    double seconds;           /**< wall time of this call */
    double loss;              /**< mean of the last finished epoch */
    double score;             /**< of the last epoch: held-out mouth PSNR in dB, or a
                                   SyncNet's accuracy; 0 without held-out frames */
    double best_score;        /**< of all epochs */
    int64_t checkpoint;       /**< number of the last checkpoint written, -1 = none */
    int64_t best_checkpoint;  /**< number of the best, -1 = none */
    int stopped;              /**< 1: the time limit ended it before the last epoch */
    unsigned long long bytes; /**< held by networks and optimiser */
    int64_t reserved[8];
} synctalk_train_report;

SYNCTALK_API void synctalk_train_settings_init(synctalk_train_settings *settings);

/** The table of options, as synctalk_settings_options() is that of synctalk_settings. */
SYNCTALK_API const synctalk_option *synctalk_train_settings_options(size_t *count);
SYNCTALK_API const synctalk_option *synctalk_train_settings_find(const char *name);
SYNCTALK_API synctalk_status synctalk_train_settings_set(synctalk_train_settings *settings,
                                                         const char *name, const char *value,
                                                         synctalk_error *err);
SYNCTALK_API void synctalk_train_settings_default_text(const synctalk_option *option, char *buf,
                                                       size_t size);

/**
 * Train checkpoint/NAME on dataset/NAME. After each epoch: N.pth (the last three and the
 * best are kept; files of other runs are never touched), progress/N.png, loss.png and a
 * line in train.jsonl. Goes on where a state is there (train-state.safetensors).
 *
 * @param report  filled on success and on SYNCTALK_E_CANCELLED, or NULL
 * @retval SYNCTALK_E_CANCELLED  callbacks->cancelled said so; the state has been saved
 * @retval SYNCTALK_E_DIVERGED   a number is not finite: names the step and the layer
 * @retval SYNCTALK_E_ARG        also: a state is there that was made with other settings
 * @retval SYNCTALK_E_EXISTS     another process trains in the same folder
 */
SYNCTALK_API synctalk_status synctalk_train(const synctalk_train_settings *settings,
                                            const synctalk_callbacks *callbacks,
                                            synctalk_train_report *report, synctalk_error *err);

/**
 * Train syncnet_ckpt/NAME on dataset/NAME, likewise: the cosine of face and sound rises
 * where they belong together and falls where they are shifted against each other.
 * warm_start may be a SyncNet; vgg, syncnet and the weights of their terms do not count.
 */
SYNCTALK_API synctalk_status synctalk_train_syncnet(const synctalk_train_settings *settings,
                                                    const synctalk_callbacks *callbacks,
                                                    synctalk_train_report *report,
                                                    synctalk_error *err);

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_TRAIN_H */
