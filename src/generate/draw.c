/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/draw.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "generate/fade.h"

#define PLANE_BYTES ((size_t)ST_UNET_SIDE * ST_UNET_SIDE * sizeof(float))

struct st_drawer {
    struct st_stopwatch *watch;   /* borrowed; NULL: off */
    struct st_image_cache *cache; /* borrowed; NULL: off */
    struct st_unet_worker *unet;  /* owns, as all below */
    struct st_redraw *redraw;
    void *audio_side;
    float *input;            /* [6, 320, 320] */
    float *prediction;       /* [3, 320, 320] */
    struct st_picture spare; /* where drawings fade: what is moved is drawn in here */
};

synctalk_status st_drawer_create(struct st_drawer **out, const struct st_drawer_settings *settings,
                                 synctalk_error *err)
{
    const struct st_frame_info *info = settings->info;
    synctalk_status st;

    *out = NULL;
    struct st_drawer *drawer = calloc(1, sizeof *drawer);
    if (!drawer)
        return st_fail_memory(err, "a frame worker", sizeof *drawer);
    drawer->watch = settings->watch;
    drawer->cache = settings->cache;
    if ((st = st_unet_worker_open(&drawer->unet, settings->unet, err)) ||
        (st = st_redraw_create(&drawer->redraw, &settings->redraw, info->largest_side,
                               settings->kernels, err)))
        goto done;
    drawer->input = st_alloc_aligned(6 * PLANE_BYTES);
    drawer->prediction = st_alloc_aligned(3 * PLANE_BYTES);
    drawer->audio_side = st_alloc_aligned(st_unet_audio_side_bytes(settings->unet));
    if (!drawer->input || !drawer->prediction || !drawer->audio_side) {
        st = st_fail_memory(err, "a frame worker", 9 * PLANE_BYTES);
        goto done;
    }
    if (settings->fades && (st = st_picture_resize(&drawer->spare, info->width, info->height, err)))
        goto done;
    *out = drawer;
    drawer = NULL;

done:
    st_drawer_destroy(&drawer);
    return st;
}

void st_drawer_destroy(struct st_drawer **drawer)
{
    if (!drawer || !*drawer)
        return;
    struct st_drawer *d = *drawer;
    st_unet_worker_close(&d->unet);
    st_redraw_destroy(&d->redraw);
    free(d->audio_side);
    free(d->input);
    free(d->prediction);
    st_picture_free(&d->spare);
    free(d);
    *drawer = NULL;
}

/* The network's image side of the frame that was cropped: run, or loaded. */
static synctalk_status find_image_side(struct st_drawer *d, struct st_image_ticket *ticket,
                                       synctalk_error *err)
{
    void *block = d->cache ? st_image_cache_block(d->cache, ticket) : NULL;
    const bool loads = block && ticket->what == ST_IMAGE_LOAD;
    synctalk_status st;

    st_lap(d->watch, ST_STAGE_WAIT_CACHE);
    if (loads)
        st = st_unet_load_image_side(d->unet, d->input, block, err);
    else
        st = st_unet_run_image_side(d->unet, d->input, block, err);
    if (d->cache)
        st_image_cache_done(d->cache, ticket, !st);
    st_lap(d->watch, loads ? ST_STAGE_NET_LOAD : ST_STAGE_NET_IMAGE);
    return st;
}

/* Redraw the face in `frame` to fit the sound whose side of the network was run, where it is to
 * be redrawn. */
static synctalk_status draw_frame(struct st_drawer *d, struct st_frame *frame,
                                  struct st_image_ticket *ticket, synctalk_error *err)
{
    synctalk_status st;
    if (!frame->draw)
        return SYNCTALK_OK;
    st_redraw_crop(d->redraw, &frame->picture, &frame->box, d->input);
    st_lap(d->watch, ST_STAGE_CROP);
    if ((st = find_image_side(d, ticket, err)))
        return st;
    st = st_unet_run_rest(d->unet, d->audio_side, d->prediction, err);
    st_lap(d->watch, ST_STAGE_NET_REST);
    if (st)
        return st;
    st_redraw_paste(d->redraw, &frame->picture, d->prediction, &frame->landmarks,
                    frame->has_parsing ? &frame->parsing : NULL);
    st_lap(d->watch, ST_STAGE_PASTE);
    return SYNCTALK_OK;
}

/* Lay the other finished picture over the frame. */
static void fade_frame(struct st_drawer *d, struct st_drawing *drawing)
{
    const struct st_plan_frame *plan = &drawing->plan;
    const struct st_fade fade = {.weight = plan->weight,
                                 .moves = plan->moves,
                                 .move = plan->move,
                                 .other_move = plan->other_move};
    struct st_picture *picture = &drawing->frame.picture;

    st_fade_pictures(plan->moves ? &d->spare : picture, picture, &drawing->other.picture, &fade);
    if (plan->moves) {
        const struct st_picture finished = d->spare;
        d->spare = *picture;
        *picture = finished;
    }
    st_lap(d->watch, ST_STAGE_FADE);
}

static synctalk_status draw(struct st_drawer *d, struct st_drawing *drawing, synctalk_error *err)
{
    const bool fades = drawing->plan.fades;
    synctalk_status st = SYNCTALK_OK;
    /* Once, for both frames of a fade hear the same. */
    if (drawing->frame.draw || (fades && drawing->other.draw)) {
        st = st_unet_run_audio_side(d->unet, drawing->audio, d->audio_side, err);
        st_lap(d->watch, ST_STAGE_NET_AUDIO);
    }
    if (st || (st = draw_frame(d, &drawing->frame, &drawing->ticket, err)) || !fades)
        return st;
    if (!(st = draw_frame(d, &drawing->other, &drawing->other_ticket, err)))
        fade_frame(d, drawing);
    return st;
}

synctalk_status st_drawer_draw(struct st_drawer *drawer, struct st_drawing *drawing,
                               synctalk_error *err)
{
    synctalk_status st = draw(drawer, drawing, err);
    if (drawer->cache) { /* what failed must not be waited for */
        st_image_cache_done(drawer->cache, &drawing->ticket, false);
        st_image_cache_done(drawer->cache, &drawing->other_ticket, false);
    }
    return st;
}
