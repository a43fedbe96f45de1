/* SPDX-License-Identifier: Apache-2.0 */
/** @file preprocess.h  From a video of a person to a dataset that can be trained on. */
#ifndef SYNCTALK_PREPROCESS_H
#define SYNCTALK_PREPROCESS_H

#include <stdint.h>

#include "synctalk/export.h"
#include "synctalk/progress.h"
#include "synctalk/settings.h"
#include "synctalk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which video becomes which dataset. Fill with synctalk_preprocess_init(), then change. */
typedef struct synctalk_preprocess_job {
    const char *video; /**< any that libavformat can open. No default. */
    const char *name;  /**< the person: dataset/NAME is written. No default. */
    int fps;           /**< of the dataset, 1 ... 100; 0 = what the encoder hears by: 25, for wenet
                            20. Default 0 */
    int restart;       /**< 1: what an earlier call made of another video, or with other settings,
                            is removed first. Default 0 */
    void *reserved[4]; /**< NULL */
} synctalk_preprocess_job;

/** What was found in the video. */
typedef struct synctalk_preprocess_report {
    int64_t frames;        /**< of the dataset */
    int64_t found;         /**< frames in which a face was seen; the others hold the last one */
    int64_t first_missing; /**< frame, or -1 */
    int64_t jumps;         /**< frames whose face moved farther than a head can: cuts, mostly */
    int64_t first_jump;    /**< frame, or -1 */
    int64_t smallest_at;   /**< frame with the smallest face */
    int smallest_side;     /**< of that face's box, pixels */
    int width, height;     /**< of the frames, pixels */
    int fps;               /**< of the dataset */
    int points;            /**< of the landmarks */
    double audio_seconds;  /**< of aud.wav; 0 = the video has no sound */
    int64_t vectors;       /**< of audio features; 0 = none were made */
    int64_t written;       /**< frames written by this call; the others were there */
    int complete_before;   /**< 1: everything was there, and nothing was done */
    double seconds;        /**< wall time of the call */
    int64_t reserved[8];
} synctalk_preprocess_report;

SYNCTALK_API void synctalk_preprocess_init(synctalk_preprocess_job *job);

/**
 * Build dataset/NAME: full_body_img/N.jpg (4:4:4, quality 95), landmarks/N.lms, aud.wav
 * (16 kHz mono), the encoder's features where its network is found (else a warning),
 * contact.png (frames with their landmarks drawn) and info.json, which is complete only
 * when all the rest is. Each file appears under its name when it is whole; a call that was
 * stopped or killed is gone on with by the next one, and ends with the same bytes.
 *
 * @param settings  root, models, more_models, detector, landmarks, mean_face, onnxruntime,
 *                  analysis_cache, encoder, face, no_face (hold or fail), face_threshold,
 *                  detect_every, smooth_landmarks, threads, cpu_mask count here
 * @param report    filled on success, or NULL
 * @retval SYNCTALK_E_EXISTS     dataset/NAME was not made from this video with these settings,
 *                               or another process is at work in it
 * @retval SYNCTALK_E_MISSING    no such video; no detector or landmark network
 * @retval SYNCTALK_E_FORMAT     no video; no face in any frame
 * @retval SYNCTALK_E_CANCELLED  callbacks->cancelled said so; the same call goes on
 */
SYNCTALK_API synctalk_status synctalk_preprocess(const synctalk_settings *settings,
                                                 const synctalk_preprocess_job *job,
                                                 const synctalk_callbacks *callbacks,
                                                 synctalk_preprocess_report *report,
                                                 synctalk_error *err);

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_PREPROCESS_H */
