/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of an analysis, and the way to put another video and other eyes into it. */
#ifndef ST_FACE_ANALYSIS_IMPL_H
#define ST_FACE_ANALYSIS_IMPL_H

#include "face/analysis.h"
#include "face/analysis_file.h"
#include "face/tracker_impl.h"

/* A video and those who look at it. All pointers are lent by the parts. */
struct st_analysis_view {
    int64_t frames;
    int width, height;
    void *video;
    /* Frame n, packed, into a picture of the right size; by the caller's thread alone. */
    synctalk_status (*read)(void *video, int64_t n, struct st_picture *picture,
                            synctalk_error *err);
    int64_t (*damaged)(void *video); /* pictures that could not be decoded so far */
    struct st_face_finder finder;    /* used by one other thread */
    int points;
};

/* Where the view comes from. close() ends what the other two opened, whether or not they
 * succeeded. */
struct st_analysis_parts {
    void *context;
    synctalk_status (*open_video)(void *context, const struct st_analysis_settings *settings,
                                  const synctalk_callbacks *callbacks,
                                  struct st_analysis_view *view, synctalk_error *err);
    synctalk_status (*open_networks)(void *context, const struct st_analysis_settings *settings,
                                     struct st_analysis_view *view, synctalk_error *err);
    void (*close)(void *context);
};

synctalk_status st_analysis_open_with(struct st_analysis **out,
                                      const struct st_analysis_settings *settings,
                                      const struct st_analysis_parts *parts,
                                      const synctalk_callbacks *callbacks, synctalk_error *err);

/* SHA-256 over all that a frame's record depends on. */
synctalk_status st_analysis_key(char *key, const struct st_analysis_settings *settings,
                                const synctalk_callbacks *callbacks, synctalk_error *err);

/* Look at the frames that `file` lacks. Stops early where a frame without a face is a failure:
 * the totals tell. */
synctalk_status st_analysis_run(struct st_face_file *file, const struct st_analysis_view *view,
                                const struct st_analysis_settings *settings,
                                const synctalk_callbacks *callbacks, synctalk_error *err);

/* Landmarks of frame n, in which a face was found, without their noise. */
synctalk_status st_analysis_smooth(struct st_landmarks *landmarks, const struct st_face_file *file,
                                   int64_t n, synctalk_error *err);

#endif /* ST_FACE_ANALYSIS_IMPL_H */
