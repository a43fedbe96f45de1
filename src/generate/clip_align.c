/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/clip_plan.h"

#include <inttypes.h>
#include <math.h>

#include "base/error.h"
#include "base/log.h"
#include "generate/fade.h"

#define MOST_SCALE 1.25 /* of one face to the other: beyond it they are not of one take */

/* Frames of a fade as they are looked at; the pictures are kept from joint to joint. */
struct viewer {
    const struct st_clip_plan *plan;
    struct st_frame_reader *frames;
    struct st_frame sides[2];      /* own */
    struct st_picture pictures[2]; /* own; of two output frames */
};

static void viewer_close(struct viewer *v)
{
    for (int i = 0; i < 2; i++) {
        st_frame_free(&v->sides[i]);
        st_picture_free(&v->pictures[i]);
    }
}

/* Output frame i, mouths not redrawn, into pictures[which]. */
static synctalk_status view(struct viewer *v, int64_t i, int which, synctalk_error *err)
{
    const struct st_plan_frame f = st_clip_plan_at(v->plan, i);
    const struct st_fade fade = {
        .weight = f.weight, .moves = f.moves, .move = f.move, .other_move = f.other_move};
    struct st_picture *out = &v->pictures[which];
    const struct st_picture *picture = &v->sides[0].picture;
    synctalk_status st;

    if ((st = st_frame_reader_read(v->frames, f.source, 0, &v->sides[0], err)) ||
        (f.fades && (st = st_frame_reader_read(v->frames, f.other, 0, &v->sides[1], err))) ||
        (st = st_picture_resize(out, picture->width, picture->height, err)))
        return st;
    st_fade_pictures(out, picture, f.fades ? &v->sides[1].picture : picture, &fade);
    return SYNCTALK_OK;
}

/* Ends early where the greatest step has come to `limit`. */
static synctalk_status measure(struct st_clip_roughness *roughness, struct viewer *v, size_t k,
                               double limit, synctalk_error *err)
{
    const struct st_edit_entry *e = &v->plan->list.entries[k];
    const int64_t last = e->fade_from + e->fade_frames;
    double sum = 0;
    int which = 0;
    synctalk_status st;

    *roughness = (struct st_clip_roughness){0, 0};
    if (k == 0)
        return SYNCTALK_OK;
    for (int64_t i = e->fade_from - 1; i <= last && i < v->plan->list.frames; i++) {
        if ((st = view(v, i, which, err)))
            return st;
        which = !which;
        if (i < e->fade_from)
            continue;
        const double step = st_picture_difference(&v->pictures[0], &v->pictures[1]);
        sum += step;
        roughness->greatest = fmax(roughness->greatest, step);
        roughness->mean = sum / (double)(i - e->fade_from + 1);
        if (roughness->greatest >= limit)
            break;
    }
    return SYNCTALK_OK;
}

/* How the face before the joint comes to lie on the one after it; false: not to be known. */
static synctalk_status fit(struct viewer *v, size_t k, struct st_similarity *move, bool *found,
                           synctalk_error *err)
{
    const struct st_edit_entry *e = &v->plan->list.entries[k];
    const int64_t middle = e->fade_from + e->fade_frames / 2;
    const struct st_plan_frame f = st_clip_plan_at(v->plan, middle);
    const bool leaves = middle < e->from;
    const unsigned wanted = ST_FRAME_FACE | ST_FRAME_LANDMARKS;
    struct st_frame *old = &v->sides[0];
    struct st_frame *new = &v->sides[1];
    synctalk_status st;

    *found = false;
    if ((st = st_frame_reader_read(v->frames, leaves ? f.source : f.other, wanted, old, err)) ||
        (st = st_frame_reader_read(v->frames, leaves ? f.other : f.source, wanted, new, err)))
        return st;
    if (!old->draw || !new->draw || old->landmarks.count != new->landmarks.count ||
        !st_face_place_of(&old->landmarks).landmarks ||
        !st_face_place_of(&new->landmarks).landmarks)
        return SYNCTALK_OK;
    *move = st_similarity_fit(old->landmarks.points, new->landmarks.points,
                              (size_t)old->landmarks.count);
    const double scale = hypot(move->a, move->b);
    *found =
        isfinite(move->dx) && isfinite(move->dy) && scale < MOST_SCALE && scale > 1 / MOST_SCALE;
    return SYNCTALK_OK;
}

/* The plan's own joint is changed to see it both ways. */
static synctalk_status decide(struct viewer *v, struct st_clip_joint *joint, size_t k,
                              synctalk_align align, synctalk_error *err)
{
    struct st_clip_roughness as_is;
    struct st_clip_roughness moved;
    bool found;
    synctalk_status st = fit(v, k, &joint->move, &found, err);
    if (st || !found)
        return st;
    if (align == SYNCTALK_ALIGN_ALWAYS) {
        joint->aligned = true;
        return SYNCTALK_OK;
    }
    if ((st = measure(&as_is, v, k, INFINITY, err)))
        return st;
    joint->aligned = true;
    st = measure(&moved, v, k, as_is.greatest, err);
    joint->aligned = !st && moved.greatest < as_is.greatest;
    return st;
}

synctalk_status st_clip_plan_align(struct st_clip_plan *plan, struct st_frame_reader *frames,
                                   synctalk_align align, const synctalk_callbacks *callbacks,
                                   synctalk_error *err)
{
    struct viewer v = {.plan = plan, .frames = frames};
    const int64_t count = (int64_t)plan->list.count;
    int64_t fades = 0;
    int64_t aligned = 0;
    synctalk_status st = SYNCTALK_OK;

    for (int64_t k = 0; k < count && align != SYNCTALK_ALIGN_NEVER && !st; k++) {
        if (plan->list.entries[k].fade_frames == 0)
            continue;
        if (st_cancelled(callbacks)) {
            st = st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
            break;
        }
        st_progress(callbacks, "joints", k, count, 0);
        st = decide(&v, &plan->joints[k], (size_t)k, align, err);
        fades++;
        aligned += plan->joints[k].aligned;
    }
    viewer_close(&v);
    if (!st && fades > 0) {
        st_progress(callbacks, "joints", count, count, 0);
        st_log(callbacks, SYNCTALK_LOG_INFO,
               "%" PRId64 " of %" PRId64 " fades move the faces onto each other", aligned, fades);
    }
    return st;
}

synctalk_status st_clip_plan_roughness(struct st_clip_roughness *roughness,
                                       const struct st_clip_plan *plan,
                                       struct st_frame_reader *frames, size_t k,
                                       synctalk_error *err)
{
    struct viewer v = {.plan = plan, .frames = frames};
    synctalk_status st = measure(roughness, &v, k, INFINITY, err);
    viewer_close(&v);
    return st;
}
