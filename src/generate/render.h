/* SPDX-License-Identifier: Apache-2.0 */
/* The render pipeline, one for all modes: it consumes a plan and decides nothing.
 *
 *     reader --work--> N workers --sequence--> writer (the calling thread)
 *        ^                                        |
 *        +------------------free------------------+
 *
 * A frame that the plan does not lip-sync, or whose source says that no face is to be redrawn,
 * goes through untouched: no network runs and no feature is read for it.
 *
 * Where the plan fades, one worker draws both frames and lays one over the other.
 *
 * A fixed pool of slots, one frame each (two where clips fade), goes round; its size bounds memory,
 * whatever the length. Each worker draws a whole frame single-threaded, so the frames do not depend
 * on the number of workers. A slot has one owner at a time: the stage or queue it is in.
 */
#ifndef ST_GENERATE_RENDER_H
#define ST_GENERATE_RENDER_H

#include "face/redraw.h"
#include "generate/feature_source.h"
#include "generate/frame_source.h"
#include "generate/image_cache.h"
#include "generate/plan.h"
#include "generate/stats.h"
#include "kernels/kernels.h"
#include "media/audio_reader.h"
#include "media/video_writer.h"
#include "models/unet.h"

struct st_render {
    const struct st_plan *plan;
    const struct st_frame_info *info; /* of the frames that `frames` reads */
    const struct st_unet *unet;
    const struct st_kernels *kernels;
    struct st_image_cache *cache;   /* that has begun; or NULL */
    size_t picture_at;              /* bytes into its blocks, of pictures; 0: none are kept */
    bool more_follow;               /* keep for another video what does not come back in this one */
    struct st_frame_reader *frames; /* borrowed; used by the reader alone */
    struct st_feature_source *features; /* borrowed; likewise */
    struct st_video_writer *writer;     /* borrowed; used by the calling thread alone */
    struct st_audio_reader *sound;      /* borrowed; likewise; what goes into the file */
    struct st_redraw_settings redraw;
    bool parsing; /* obey parsing masks */
    int fps;
    int workers;            /* >= 1 */
    int slots;              /* >= 1, frames in flight */
    struct st_stats *stats; /* filled; or NULL: nothing is measured */

    /* Called once, by a worker, when the last frame is drawn and the cache is done with; what is
     * left is to write. Not called where that never comes. May be NULL. */
    void (*drawn)(void *context);
    void *context;
};

/* Render every frame of the plan and all the sound into the writer; finishing the file is
 * the caller's. Returns when all threads have ended. */
synctalk_status st_render(const struct st_render *render, const synctalk_callbacks *callbacks,
                          synctalk_error *err);

#endif /* ST_GENERATE_RENDER_H */
