/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's part of a frame's way: crop, network, paste, and the fade of two frames. */
#ifndef ST_GENERATE_DRAW_H
#define ST_GENERATE_DRAW_H

#include "base/stopwatch.h"
#include "face/redraw.h"
#include "generate/frame_source.h"
#include "generate/image_cache.h"
#include "generate/plan.h"
#include "kernels/kernels.h"
#include "models/unet.h"

/* What a frame is drawn from, and in: the finished one is in `video` where the frame has planes,
 * else in `frame.picture`. */
struct st_drawing {
    struct st_plan_frame plan;
    struct st_frame frame;
    struct st_frame other; /* where it fades */
    struct st_image_ticket ticket, other_ticket;
    struct st_planes video;
    float *audio; /* [audio_dims] of the UNet, where a face is redrawn; owns */
};

struct st_drawer_settings {
    const struct st_unet *unet;
    const struct st_kernels *kernels; /* copied */
    const struct st_frame_info *info; /* of the frames */
    struct st_image_cache *cache;     /* of the tickets; or NULL: there are none */
    size_t picture_at;                /* bytes into its blocks, of pictures (kept_picture.h) */
    struct st_redraw_settings redraw;
    bool fades;                 /* drawings may fade */
    struct st_stopwatch *watch; /* of the thread that draws; or NULL */
};

/* One thread's scratch: its part of the network, and pictures. Nothing is allocated after the
 * first drawing. */
struct st_drawer;

/* What `settings` points to is borrowed until the drawer ends. */
synctalk_status st_drawer_create(struct st_drawer **out, const struct st_drawer_settings *settings,
                                 synctalk_error *err);
void st_drawer_destroy(struct st_drawer **drawer); /* NULL-safe */

/* Ends the drawing's tickets. */
synctalk_status st_drawer_draw(struct st_drawer *drawer, struct st_drawing *drawing,
                               synctalk_error *err);

#endif /* ST_GENERATE_DRAW_H */
