/* SPDX-License-Identifier: Apache-2.0 */
/* dataset/NAME/info.json: what the dataset was made from and how, and whether it is whole.
 *
 * It is written before the first frame, without "complete", and again when all the rest is
 * there. Its identity is a hash of everything that the frames and landmarks depend on, so
 * that work goes on in a folder only if it would end with the same bytes. Nothing in it
 * depends on when or where it was written.
 */
#ifndef ST_GENERATE_PREPROCESS_INFO_H
#define ST_GENERATE_PREPROCESS_INFO_H

#include <jansson.h>
#include <stdbool.h>

#include "base/file.h"
#include "base/hash.h"
#include "generate/faces.h"
#include "media/video_reader.h"
#include "synctalk/preprocess.h"

#define ST_PREPROCESS_INFO "info.json"

/* What is known before any frame is decoded. */
struct st_preprocess_source {
    const char *video; /* borrowed, like all paths here */
    const char *name;
    int fps;
    const char *face; /* as --face has it */
    const struct st_analysis_settings *analysis;
    char video_sha256[ST_HASH_TEXT];
    char detector_sha256[ST_HASH_TEXT];
    char landmarks_sha256[ST_HASH_TEXT];
    int64_t video_bytes;
    char identity[ST_HASH_TEXT];
};

/* Fills the hashes; reads all of the video, in steps that can be cancelled. */
synctalk_status st_preprocess_source_hash(struct st_preprocess_source *source,
                                          const synctalk_callbacks *callbacks, synctalk_error *err);

/* What a folder says of itself. Owned by the caller, ended by st_preprocess_found_free(). */
struct st_preprocess_found {
    bool any;      /* there is an info.json of ours */
    bool complete; /* and it says that all is there */
    char identity[ST_HASH_TEXT];
    int fps;                           /* of the frames; 0: not said */
    char encoder[64];                  /* of the features that are there; "" for none */
    char encoder_sha256[ST_HASH_TEXT]; /* likewise */
    json_t *info;                      /* owns; NULL where `any` is false */
};
synctalk_status st_preprocess_found_read(struct st_preprocess_found *found, const char *folder,
                                         synctalk_error *err);
void st_preprocess_found_free(struct st_preprocess_found *found);

/* What is known at the end. */
struct st_preprocess_result {
    const struct st_video_info *video;
    const struct st_analysis_summary *faces;
    int64_t samples;          /* of aud.wav; 0: no sound */
    int64_t vectors;          /* of features; 0: none */
    const char *encoder;      /* name */
    const char *features;     /* file name */
    const char *encoder_path; /* borrowed */
    const char *encoder_sha256;
};

/* Write info.json over what is there; `result` NULL: the work begins. */
synctalk_status st_preprocess_info_write(const char *folder,
                                         const struct st_preprocess_source *source,
                                         const struct st_preprocess_result *result,
                                         synctalk_error *err);

/* Put the features of `result` into what was found, and write that over info.json: the same
 * bytes as if they had been made with the rest. */
synctalk_status st_preprocess_info_add_features(struct st_preprocess_found *found,
                                                const char *folder,
                                                const struct st_preprocess_result *result,
                                                synctalk_error *err);

/* The report of a folder that is complete. False where info.json lacks something. */
bool st_preprocess_info_report(const struct st_preprocess_found *found,
                               synctalk_preprocess_report *report);

#endif /* ST_GENERATE_PREPROCESS_INFO_H */
