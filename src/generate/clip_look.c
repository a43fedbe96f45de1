/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/clip_look.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "generate/clip_views.h"

#define MOST_SCALE 1.25 /* of one face to the other: beyond it they are not of one take */

/* A step within clips that stand still, in levels: what a camera's noise makes of one. */
#define STILL_STEP 0.25
#define WITHIN_STEPS 400 /* of those within clips that are looked at */

#define KNOWN ((size_t)1 << 12) /* joints whose roughness is kept */

/* What a joint looks like is said by the frames that are seen in it: a number made of those. */
struct known {
    uint64_t frames; /* 0: none */
    struct st_clip_roughness roughness;
};

struct st_clip_look {
    const struct st_clip_plan *plan; /* borrows */
    struct st_clip_views *views;     /* owns */
    struct known known[KNOWN];
};

synctalk_status st_clip_look_open(struct st_clip_look **out, const struct st_clip_plan *plan,
                                  struct st_frame_reader *frames, synctalk_error *err)
{
    struct st_clip_look *look = calloc(1, sizeof *look);
    *out = NULL;
    if (!look)
        return st_fail_memory(err, "joints", sizeof *look);
    look->plan = plan;
    synctalk_status st = st_clip_views_create(&look->views, frames, err);
    if (st)
        free(look);
    else
        *out = look;
    return st;
}

void st_clip_look_close(struct st_clip_look **look)
{
    if (!look || !*look)
        return;
    st_clip_views_destroy(&(*look)->views);
    free(*look);
    *look = NULL;
}

/* FNV-1a over eight bytes. */
static uint64_t number_of(uint64_t number, uint64_t more)
{
    for (int i = 0; i < 8; i++, more >>= 8)
        number = (number ^ (more & 255)) * UINT64_C(0x100000001b3);
    return number;
}

/* Of all frames of joint k. Where they are moved is said by the frames too. */
static uint64_t frames_of(const struct st_clip_plan *plan, size_t k, int64_t from, int64_t end)
{
    uint64_t number = UINT64_C(0xcbf29ce484222325);
    number = number_of(number, (uint64_t)plan->joints[k].aligned);
    for (int64_t i = from; i < end; i++) {
        const struct st_edit_frame f = st_edit_list_at(&plan->list, i);
        number = number_of(number, (uint64_t)(plan->first[f.picture.clip] + f.picture.frame));
        number = number_of(number, (uint64_t)(plan->first[f.other.clip] + f.other.frame));
        number = number_of(number, (uint64_t)f.fades << 1 | (f.entry == k));
    }
    return number ? number : 1;
}

synctalk_status st_clip_look_at(struct st_clip_look *look, size_t k,
                                struct st_clip_roughness *roughness, synctalk_error *err)
{
    const struct st_clip_plan *plan = look->plan;
    const struct st_edit_entry *e = &plan->list.entries[k];
    const int64_t from = e->fade_from - 1;
    const int64_t after = e->fade_from + e->fade_frames + 1;
    const int64_t end = after < plan->list.frames ? after : plan->list.frames;
    const uint64_t frames = frames_of(plan, k, from, end);
    struct known *known = &look->known[frames % KNOWN];
    double sum = 0;
    double greatest = 0;

    if (known->frames == frames) {
        *roughness = known->roughness;
        return SYNCTALK_OK;
    }
    for (int64_t i = from; i < end; i++) {
        const struct st_plan_frame frame = st_clip_plan_at(plan, i);
        double step;
        synctalk_status st = st_clip_views_look(look->views, &frame, &step, err);
        if (st)
            return st;
        if (i == from)
            continue;
        sum += step;
        greatest = fmax(greatest, step);
    }
    *roughness = (struct st_clip_roughness){sum / (double)(end - from - 1), greatest};
    *known = (struct known){frames, *roughness};
    return SYNCTALK_OK;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

synctalk_status st_clip_look_within(struct st_clip_look *look, double *within,
                                    const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const struct st_clip_plan *plan = look->plan;
    const struct st_edit_list *list = &plan->list;
    double steps[WITHIN_STEPS];
    size_t count = 0;

    for (int64_t n = 0; n < WITHIN_STEPS && n < list->frames - 1; n++) {
        const int64_t i = 1 + n * (list->frames - 1) / WITHIN_STEPS;
        const struct st_edit_frame a = st_edit_list_at(list, i - 1);
        const struct st_edit_frame b = st_edit_list_at(list, i);
        if (a.fades || b.fades || a.entry != b.entry)
            continue;
        if (st_cancelled(callbacks))
            return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
        for (int64_t at = i - 1; at <= i; at++) {
            const struct st_plan_frame frame = st_clip_plan_at(plan, at);
            synctalk_status st = st_clip_views_look(look->views, &frame, &steps[count], err);
            if (st)
                return st;
        }
        count++;
    }
    qsort(steps, count, sizeof *steps, by_size);
    *within = count ? steps[count / 2] : 0;
    if (*within == 0)
        *within = STILL_STEP;
    return SYNCTALK_OK;
}

static synctalk_status face_of(const struct st_clip_plan *plan, const struct st_edit_picture *at,
                               struct st_landmarks *face, synctalk_error *err)
{
    const struct st_clip *clip = &plan->list.clips->clips[at->clip];
    if (clip->faces)
        return clip->faces->read(clip->faces, at->frame, face, err);
    *face = 2 * at->frame < clip->frames ? clip->first : clip->last;
    return SYNCTALK_OK;
}

synctalk_status st_clip_plan_fit(struct st_clip_plan *plan, size_t k, synctalk_error *err)
{
    struct st_clip_joint *joint = &plan->joints[k];
    const struct st_edit_entry *e = &plan->list.entries[k];
    const int64_t middle = e->fade_from + e->fade_frames / 2;
    const struct st_edit_frame f = st_edit_list_at(&plan->list, middle);
    const bool leaves = middle < e->from;
    struct st_landmarks old;
    struct st_landmarks new;
    synctalk_status st;

    joint->aligned = false;
    if ((st = face_of(plan, leaves ? &f.picture : &f.other, &old, err)) ||
        (st = face_of(plan, leaves ? &f.other : &f.picture, &new, err)))
        return st;
    if (old.count != new.count || !st_face_place_of(&old).landmarks ||
        !st_face_place_of(&new).landmarks)
        return SYNCTALK_OK;
    joint->move = st_similarity_fit(old.points, new.points, (size_t)old.count);
    const double scale = hypot(joint->move.a, joint->move.b);
    joint->aligned = isfinite(joint->move.dx) && isfinite(joint->move.dy) && scale < MOST_SCALE &&
                     scale > 1 / MOST_SCALE;
    return SYNCTALK_OK;
}

synctalk_status st_clip_plan_roughness(struct st_clip_roughness *roughness,
                                       const struct st_clip_plan *plan,
                                       struct st_frame_reader *frames, size_t k,
                                       synctalk_error *err)
{
    struct st_clip_look *look;
    synctalk_status st = st_clip_look_open(&look, plan, frames, err);
    *roughness = (struct st_clip_roughness){0, 0};
    if (!st && k > 0)
        st = st_clip_look_at(look, k, roughness, err);
    st_clip_look_close(&look);
    return st;
}
