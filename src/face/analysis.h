/* SPDX-License-Identifier: Apache-2.0 */
/* What the tracker saw in each frame of a video, kept in a file, so that the same video is
 * looked at once. The file is bound by a hash to the video's bytes, the two networks and every
 * option that matters; it grows by a few frames at a time, and an analysis that was stopped
 * goes on.
 *
 * What is kept is as the networks gave it. The noise is taken out when a frame is asked for,
 * from both sides of it, so that a still head is still and a turning one is not behind.
 */
#ifndef ST_FACE_ANALYSIS_H
#define ST_FACE_ANALYSIS_H

#include <stdbool.h>
#include <stdint.h>

#include "face/tracker.h"
#include "media/video_reader.h"
#include "synctalk/progress.h"

enum st_no_face { ST_NO_FACE_HOLD, ST_NO_FACE_PASS, ST_NO_FACE_FAIL };

struct st_analysis_settings {
    const char *video;
    const char *detector;  /* path */
    const char *landmarks; /* path */
    const char *mean_face; /* path or NULL */
    const char *library;   /* ONNX Runtime, or NULL */
    const char *cache;     /* folder, made if absent; NULL: nothing is kept beyond this run */
    const struct st_kernels *kernels;
    struct st_tracker_settings tracker;
    int fps;
    int threads;
    int no_face; /* st_no_face */
};

/* One frame, as the render pipeline wants it. */
struct st_analysed {
    bool found; /* a face was seen in this very frame */
    bool draw;  /* false: the frame passes untouched */
    struct st_crop_box box;
    struct st_landmarks landmarks;
};

struct st_analysis_summary {
    int64_t frames;
    int64_t found;
    int64_t first_missing; /* frame, or -1 */
    int64_t jumps;         /* frames whose face moved farther than a head can */
    int64_t first_jump;    /* frame, or -1 */
    int smallest_side;     /* of the faces' boxes' shorter sides, pixels; 0: no face */
    int64_t smallest_at;   /* frame */
    int largest_side;      /* no crop box is larger; pixels */
    float worst_score, best_score;
    int points;  /* 110, 106 or 98 */
    bool reused; /* nothing was detected: all was in the cache */
};

struct st_analysis;

/* Look at every frame, or read what was kept. Progress (stage "faces") and warnings through
 * callbacks; what there is to say about the video itself is not repeated here. No face
 * in any frame is E_FORMAT with the file, the number of frames, smallest and best score, and
 * what helps; with ST_NO_FACE_FAIL so is the first frame without one. A face smaller than
 * 256 x 256 is a warning with its size. Frames before the first face take its landmarks. */
synctalk_status st_analysis_open(struct st_analysis **out,
                                 const struct st_analysis_settings *settings,
                                 const synctalk_callbacks *callbacks, synctalk_error *err);
void st_analysis_close(struct st_analysis **analysis); /* NULL-safe */
const struct st_analysis_summary *st_analysis_summary(const struct st_analysis *analysis);

/* 0 <= frame < frames; any order, any thread. Memory does not depend on the length. */
synctalk_status st_analysis_frame(const struct st_analysis *analysis, int64_t frame,
                                  struct st_analysed *analysed, synctalk_error *err);

#endif /* ST_FACE_ANALYSIS_H */
