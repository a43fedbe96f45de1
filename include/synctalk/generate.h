/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file generate.h
 * A trained person, loaded once, and videos made of them.
 */
#ifndef SYNCTALK_GENERATE_H
#define SYNCTALK_GENERATE_H

#include <stdint.h>

#include "synctalk/export.h"
#include "synctalk/progress.h"
#include "synctalk/settings.h"
#include "synctalk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Checkpoint, audio encoder and source frames of one person. Immutable, shareable. */
typedef struct synctalk_person synctalk_person;

/** What a finished video is made of. */
typedef struct synctalk_report {
    int64_t frames;       /**< in the video */
    double fps;           /**< of the video */
    int width, height;    /**< of the video, pixels */
    double audio_seconds; /**< length of the sound */
    double seconds;       /**< wall time the call took */
    int threads;          /**< frame workers used */
    int64_t reserved[8];
} synctalk_report;

/**
 * Load checkpoint/NAME, dataset/NAME and, unless ready features are given, the audio
 * encoder. Checks every file name and landmark count of the dataset, not the pictures.
 *
 * @param settings  root, models, model, checkpoint, encoder, features, mode, threads,
 *                  cpu_mask count here
 * @retval SYNCTALK_E_MISSING  no such person, checkpoint or encoder: says where it looked
 * @retval SYNCTALK_E_MODEL    a tensor is missing or has another shape
 * @retval SYNCTALK_E_FORMAT   a file is damaged; a dataset has holes
 */
SYNCTALK_API synctalk_status synctalk_person_open(synctalk_person **out,
                                                  const synctalk_settings *settings,
                                                  const synctalk_callbacks *callbacks,
                                                  synctalk_error *err);

/** NULL-safe both ways; sets *person to NULL. */
SYNCTALK_API void synctalk_person_close(synctalk_person **person);

/** Source frames the person has, the range of start_frame. */
SYNCTALK_API int64_t synctalk_person_frames(const synctalk_person *person);

/**
 * Make one video: `output` (MP4, H.264 yuv420p BT.709 + AAC, faststart) of exactly
 * round(seconds x fps) frames. Written beside its name and renamed at the end, so that
 * a file which exists is whole; on failure or cancellation nothing is left.
 *
 * @param audio   any file libavformat can decode; the sound of a video too
 * @param report  filled on success, or NULL
 * @retval SYNCTALK_E_EXISTS     output is there and settings->overwrite is 0
 * @retval SYNCTALK_E_CANCELLED  callbacks->cancelled said so
 */
SYNCTALK_API synctalk_status synctalk_generate(synctalk_person *person,
                                               const synctalk_settings *settings, const char *audio,
                                               const char *output,
                                               const synctalk_callbacks *callbacks,
                                               synctalk_report *report, synctalk_error *err);

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_GENERATE_H */
