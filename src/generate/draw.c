/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/draw.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "generate/fade.h"
#include "generate/kept_picture.h"

#define PLANE_BYTES ((size_t)ST_UNET_SIDE * ST_UNET_SIDE * sizeof(float))

struct st_drawer {
    struct st_stopwatch *watch;   /* borrowed; NULL: off */
    struct st_image_cache *cache; /* borrowed; NULL: off */
    size_t picture_at;            /* bytes into its blocks */
    struct st_unet_worker *unet;  /* owns, as all below */
    struct st_redraw *redraw;
    int largest_side; /* of all squares */
    void *audio_side;
    float *input;            /* [6, 320, 320] */
    float *prediction;       /* [3, 320, 320] */
    struct st_picture spare; /* where drawings fade: what is moved is drawn in here */

    /* Where frames have planes. */
    struct st_recolour *recolour;
    struct st_picture canvas; /* of the frame's size; a part of it is the frame */
    uint8_t *before;          /* that part before it was redrawn, packed BGR */
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
    drawer->picture_at = settings->picture_at;
    drawer->largest_side = info->largest_side;
    if ((st = st_unet_worker_open(&drawer->unet, settings->unet, err)) ||
        (st = st_redraw_create(&drawer->redraw, &settings->redraw, info->largest_side,
                               settings->kernels, err)))
        goto done;
    if ((st = st_recolour_create(&drawer->recolour, info->width, settings->kernels->flags, err)))
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
    st_recolour_destroy(&d->recolour);
    st_picture_free(&d->canvas);
    free(d->before);
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

/* Redraw the face in `picture`, which shows `frame`, to fit the sound whose side of the network
 * was run. */
static synctalk_status redraw_face(struct st_drawer *d, struct st_frame *frame,
                                   struct st_picture *picture, struct st_image_ticket *ticket,
                                   synctalk_error *err)
{
    synctalk_status st;
    st_redraw_crop(d->redraw, picture, &frame->box, d->input);
    st_lap(d->watch, ST_STAGE_CROP);
    if ((st = find_image_side(d, ticket, err)))
        return st;
    st = st_unet_run_rest(d->unet, d->audio_side, d->prediction, err);
    st_lap(d->watch, ST_STAGE_NET_REST);
    if (st)
        return st;
    st_redraw_paste(d->redraw, picture, d->prediction, &frame->landmarks,
                    frame->has_parsing ? &frame->parsing : NULL);
    st_lap(d->watch, ST_STAGE_PASTE);
    return SYNCTALK_OK;
}

static synctalk_status draw_frame(struct st_drawer *d, struct st_frame *frame,
                                  struct st_image_ticket *ticket, synctalk_error *err)
{
    return frame->draw ? redraw_face(d, frame, &frame->picture, ticket, err) : SYNCTALK_OK;
}

/* Along one axis of `size` pixels: even, as a video's chroma is, around the square, with a pixel
 * more where the frame goes on, by which paste can tell. */
static void surround(int at, int side, int size, int *from, int *count)
{
    const int end = side < size - 2 - at ? (at + side + 2) & ~1 : size;
    *from = at > 1 ? (at - 1) & ~1 : 0;
    *count = end - *from;
}

/* False where the square is not in the frame at all. */
static bool find_part(const struct st_frame *frame, struct st_picture_part *part)
{
    const struct st_crop_box *box = &frame->box;
    surround(box->x, box->side, frame->planes.width, &part->x, &part->width);
    surround(box->y, box->side, frame->planes.height, &part->y, &part->height);
    return part->width > 0 && part->height > 0 && box->x + box->side > 0 && box->y + box->side > 0;
}

/* The frame in the video's colours, and `part` of it on the canvas: made of its planes, or as they
 * were kept. */
static synctalk_status begin_picture(struct st_drawer *d, struct st_drawing *drawing,
                                     const struct st_picture_part *part, synctalk_error *err)
{
    const struct st_planes *planes = &drawing->frame.planes;
    const struct st_image_ticket *ticket = &drawing->ticket;
    uint8_t *block = ticket->pictured ? st_image_cache_block(d->cache, ticket) : NULL;
    synctalk_status st;

    st_lap(d->watch, ST_STAGE_WAIT_CACHE);
    if (ticket->pictured && !block) /* it failed where it was made, and the run with it */
        return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
    if (block && ticket->what == ST_IMAGE_LOAD)
        return st_kept_picture_load(block + d->picture_at, planes->width, planes->height,
                                    &drawing->video, &d->canvas, part, err);
    if ((st = st_recolour_video(d->recolour, &drawing->video, planes, err)) ||
        (st = st_picture_resize(&d->canvas, planes->width, planes->height, err)))
        return st;
    if (part->height > 0)
        st_recolour_part(d->recolour, &d->canvas, planes, part);
    if (block)
        st_kept_picture_store(block + d->picture_at, &drawing->video, &d->canvas, part);
    return SYNCTALK_OK;
}

/* Leave in `part` what of it is in the video, all but an odd last row or column, and keep it as it
 * is before it is redrawn. */
static synctalk_status remember_part(struct st_drawer *d, struct st_picture_part *part,
                                     synctalk_error *err)
{
    const size_t side = (size_t)d->largest_side + ST_PART_ROOM;
    if (!d->before && !(d->before = st_alloc_aligned(3 * side * side)))
        return st_fail_memory(err, "a face as it was", 3 * side * side);
    part->width &= ~1;
    part->height &= ~1;
    const size_t row = (size_t)part->width * 3;
    for (size_t y = 0; y < (size_t)part->height; y++)
        memcpy(d->before + y * row,
               d->canvas.data + ((size_t)part->y + y) * d->canvas.stride + (size_t)part->x * 3,
               row);
    return SYNCTALK_OK;
}

static synctalk_status draw_planes(struct st_drawer *d, struct st_drawing *drawing,
                                   synctalk_error *err)
{
    struct st_frame *frame = &drawing->frame;
    struct st_picture_part part = {0};
    const bool draw = frame->draw && find_part(frame, &part);
    if (!draw)
        part = (struct st_picture_part){0};
    synctalk_status st = begin_picture(d, drawing, &part, err);
    if (!st && draw)
        st = remember_part(d, &part, err);
    st_lap(d->watch, ST_STAGE_CONVERT);
    if (!st && !draw && drawing->ticket.pictured) /* a side that nobody will load */
        st_image_cache_done(d->cache, &drawing->ticket, true);
    if (st || !draw || (st = redraw_face(d, frame, &d->canvas, &drawing->ticket, err)))
        return st;
    st_recolour_change(d->recolour, &drawing->video, &d->canvas, d->before, &part);
    st_lap(d->watch, ST_STAGE_CONVERT);
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
    if (!st && drawing->frame.has_planes)
        return draw_planes(d, drawing, err);
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
