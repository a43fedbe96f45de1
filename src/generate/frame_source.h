/* SPDX-License-Identifier: Apache-2.0 */
/* Where source frames come from: training data, a video, any number of clips.
 *
 * A source is opened once for a person, is immutable and shared; a run reads it through a
 * reader of its own. Frames have one size and are numbered from 0; a source that is made of
 * several pieces numbers them one after the other, so that the plan alone knows of joins. A
 * struct st_frame is one picture with all that its way needs, so that a run which mixes two
 * pictures into one holds two of them.
 *
 * A kind of source is one file that ends in its st_frame_source_desc.
 */
#ifndef ST_GENERATE_FRAME_SOURCE_H
#define ST_GENERATE_FRAME_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"
#include "base/stopwatch.h"
#include "face/landmarks.h"
#include "image/planes.h"
#include "synctalk/progress.h"

struct st_frame_info {
    char name[ST_PATH_MAX];        /* of the folder or file, for messages */
    int64_t frames;                /* > 0 */
    int width, height;             /* of every frame */
    int pixel_width, pixel_height; /* shape of a pixel; 0: square, or not said */
    int largest_side;              /* of all crop squares, pixels; > 0 */
    bool has_parsing;              /* masks are there for some frames */
    bool all_drawn;                /* every frame has a face, and ST_FRAME_KEPT may be asked for */
    int fps;                       /* that they were taken at; 0: not said, or as wanted */
};

/* What is wanted of a frame besides its picture; a sum. */
enum st_frame_part {
    ST_FRAME_FACE = 1,      /* draw and box */
    ST_FRAME_LANDMARKS = 2, /* where draw is true */
    ST_FRAME_PARSING = 4,   /* likewise */
    ST_FRAME_PLANES = 8,    /* planes will do instead of the picture, where they are cheaper */
    ST_FRAME_KEPT = 16,     /* the picture is there already: all but it; of a dataset alone */
};

/* Zero it first; it may be filled again and again, its blocks are kept. */
struct st_frame {
    struct st_picture picture;
    bool has_planes; /* there are planes, as a JPEG file has them, and no picture; of one that is
                        kept, their size alone */
    struct st_planes planes;
    bool draw; /* the face may be redrawn; never, where ST_FRAME_FACE was not wanted */
    struct st_crop_box box;
    struct st_landmarks landmarks;
    bool has_parsing;
    struct st_picture parsing;
};

void st_frame_free(struct st_frame *frame);

struct st_dataset;
struct st_jpeg_decoder;

/* What frame n of a dataset is, for sources that are made of datasets; has_planes, has_parsing and
 * draw are false before. */
synctalk_status st_frame_read_dataset(struct st_frame *frame, const struct st_dataset *dataset,
                                      int64_t n, unsigned wanted, struct st_jpeg_decoder *decoder,
                                      synctalk_error *err);

struct st_analysis_settings;
struct st_frame_source;
struct st_frame_reader;

/* How a kind of source does it. Its own structs begin with the two below. */
struct st_frame_source_desc {
    synctalk_status (*open_reader)(struct st_frame_reader **out,
                                   const struct st_frame_source *source, bool little_memory,
                                   synctalk_error *err);
    synctalk_status (*read)(struct st_frame_reader *reader, int64_t n, unsigned wanted,
                            struct st_frame *frame, synctalk_error *err);
    void (*close_reader)(struct st_frame_reader *reader); /* frees it too */
    void (*close)(struct st_frame_source *source);        /* likewise */
};

struct st_frame_source {
    const struct st_frame_source_desc *desc;
    struct st_frame_info info;
};

struct st_frame_reader {
    const struct st_frame_source *source; /* borrowed until close */
    atomic_bool stopped;
    struct st_stopwatch *watch; /* of the thread that reads; borrowed; NULL: off */
};

void st_frame_source_close(struct st_frame_source **source); /* NULL-safe; no reader is open */

/* `little_memory` asks for slow and small where there is a choice. */
synctalk_status st_frame_reader_open(struct st_frame_reader **out,
                                     const struct st_frame_source *source, bool little_memory,
                                     synctalk_error *err);
/* From here on tell reading from decoding, where a kind can. */
void st_frame_reader_watch(struct st_frame_reader *reader, struct st_stopwatch *watch);
/* From any thread: a read that takes long ends soon, with E_CANCELLED. */
void st_frame_reader_stop(struct st_frame_reader *reader);
void st_frame_reader_close(struct st_frame_reader **reader); /* NULL-safe */

/* Frame n, 0 <= n < frames, in any order; forward is cheapest. `wanted` is a sum of
 * st_frame_part. One thread at a time. */
synctalk_status st_frame_reader_read(struct st_frame_reader *reader, int64_t n, unsigned wanted,
                                     struct st_frame *frame, synctalk_error *err);

/* dataset/NAME: see face/dataset.h. */
synctalk_status st_frame_source_open_dataset(struct st_frame_source **out, const char *folder,
                                             const synctalk_callbacks *callbacks,
                                             synctalk_error *err);

/* `analysis->video` at analysis->fps, as the analysis saw it; the settings are borrowed for
 * the call. Tells what the video is. */
synctalk_status st_frame_source_open_video(struct st_frame_source **out,
                                           const struct st_analysis_settings *analysis,
                                           const synctalk_callbacks *callbacks,
                                           synctalk_error *err);

/* A folder of clips, each as dataset/NAME is, one after the other in the order of their names;
 * see generate/clip_set.h. */
synctalk_status st_frame_source_open_clips(struct st_frame_source **out, const char *folder,
                                           const synctalk_callbacks *callbacks,
                                           synctalk_error *err);

#endif /* ST_GENERATE_FRAME_SOURCE_H */
