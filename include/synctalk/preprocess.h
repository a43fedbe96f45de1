/* SPDX-License-Identifier: Apache-2.0 */
/** @file preprocess.h  From videos of a person to a dataset to train on, and to clips. */
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

/** What became of a clip. */
typedef enum synctalk_clip_state {
    SYNCTALK_CLIP_MADE = 0,    /**< by this call, or gone on with and ended by it */
    SYNCTALK_CLIP_THERE = 1,   /**< it was there, whole */
    SYNCTALK_CLIP_FOREIGN = 2, /**< whole, made by another tool: it is left as it is */
    SYNCTALK_CLIP_MISSING = 3, /**< verify: nothing of it is there */
    SYNCTALK_CLIP_PARTIAL = 4, /**< verify: it was begun, or files of it are gone */
    SYNCTALK_CLIP_CHANGED = 5, /**< verify: its source is another one, or the frame rate */
    SYNCTALK_CLIP_FAILED = 6   /**< this call could not make it */
} synctalk_clip_state;

/** One clip; all of it is borrowed for the length of the call that gets it. */
typedef struct synctalk_clip_report {
    const char *name;    /**< of its folder */
    const char *source;  /**< file name in core_clips/NAME, or NULL: there is none */
    const char *message; /**< a sentence on what is wrong, or NULL */
    synctalk_clip_state state;
    int talk;          /**< 1: shown for speech; 0: for silence */
    int64_t frames;    /**< 0 = not known, as for all that follows */
    int64_t found;     /**< frames in which a face was seen; the others hold the last one */
    int64_t written;   /**< frames written by this call */
    int width, height; /**< pixels */
    int fps;
    int64_t reserved[4];
} synctalk_clip_report;

/** Fill with synctalk_clips_init(), then change. */
typedef struct synctalk_clips_job {
    int fps;     /**< of the clips, 1 ... 100; 0 = what the encoder hears by. Default 0 */
    int restart; /**< 1: what an earlier call made of another source, or with other settings, is
                      removed first. Default 0 */
    int verify;  /**< 1: nothing is made; what is there is held against the sources. Needs no
                      network. Default 0 */
    void (*each)(void *user, const synctalk_clip_report *clip); /**< told of each clip; or NULL */
    void *user;                                                 /**< for `each` */
    void *reserved[4];                                          /**< NULL */
} synctalk_clips_job;

/** Of all clips. */
typedef struct synctalk_clips_report {
    int64_t clips;   /**< sources, and clips that are there without one */
    int64_t talk;    /**< of them for speech */
    int64_t silence; /**< of them for silence */
    int64_t whole;   /**< of them made, there, or another tool's */
    int64_t missing; /**< verify: missing, partial or changed */
    int64_t failed;  /**< could not be made */
    int64_t frames;  /**< of all that are whole */
    int64_t written; /**< frames written by this call */
    double seconds;  /**< wall time of the call */
    int64_t reserved[8];
} synctalk_clips_report;

SYNCTALK_API void synctalk_clips_init(synctalk_clips_job *job);

/**
 * Turn the videos in core_clips/NAME into clips for clips mode: dataset/NAME/core_clips/CLIP/
 * with full_body_img/N.jpg, landmarks/N.lms and info.txt, CLIP being the file's name without its
 * ending. All names are looked at before any work. Whatever holds for synctalk_preprocess() holds
 * here: whole files only, a call that was stopped is gone on with, equal bytes at the end. A
 * clip that cannot be made is told to job->each and counted, and the others are made.
 *
 * @param settings  as for synctalk_preprocess(); settings->model is NAME
 * @param report    filled on success, also where clips failed or are missing; or NULL
 * @retval SYNCTALK_E_FORMAT     a name tells neither talk nor silence
 * @retval SYNCTALK_E_ARG        two files would become one clip
 * @retval SYNCTALK_E_MISSING    no clips; no detector or landmark network
 * @retval SYNCTALK_E_CANCELLED  callbacks->cancelled said so; the same call goes on
 */
SYNCTALK_API synctalk_status synctalk_preprocess_clips(const synctalk_settings *settings,
                                                       const synctalk_clips_job *job,
                                                       const synctalk_callbacks *callbacks,
                                                       synctalk_clips_report *report,
                                                       synctalk_error *err);

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_PREPROCESS_H */
