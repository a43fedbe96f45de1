/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/clip_plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "generate/fade.h"

#define MOST_SCALE 1.25 /* of one face to the other: beyond it they are not of one take */

/* Of the mean step over a joint, in median steps within clips. Below the second nobody sees it;
 * below the first that holds too when mouths are redrawn and the video is coded. */
#define SMOOTH 1.25
#define MOST_ROUGH 1.5
#define WITHIN_STEPS 400 /* of those within clips that are looked at */

/* Frames of a fade as they are looked at; the pictures are kept from joint to joint. */
struct viewer {
    const struct st_clip_plan *plan;
    struct st_edit_list *list;    /* the plan's, to be changed; NULL: only looked at */
    struct st_clip_joint *joints; /* likewise */
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

/* What a joint is measured against. */
struct limits {
    synctalk_align align;
    int longest;
    double smooth; /* mean step over a joint that needs no more; INFINITY: any */
};

/* Joint k moved or not, as `align` says and its faces allow. */
static synctalk_status move(struct viewer *v, size_t k, bool aligned, synctalk_error *err)
{
    struct st_clip_joint *joint = &v->joints[k];
    joint->aligned = false;
    return aligned ? fit(v, k, &joint->move, &joint->aligned, err) : SYNCTALK_OK;
}

/* Whether joint k is moved, at the length that it has. */
static synctalk_status decide(struct viewer *v, size_t k, const struct limits *limits,
                              struct st_clip_roughness *roughness, synctalk_error *err)
{
    struct st_clip_roughness moved;
    const bool always = limits->align == SYNCTALK_ALIGN_ALWAYS;
    synctalk_status st;

    if ((st = move(v, k, always, err)) || (st = measure(roughness, v, k, INFINITY, err)) ||
        limits->align != SYNCTALK_ALIGN_AUTO || roughness->mean <= limits->smooth ||
        (st = move(v, k, true, err)) || !v->joints[k].aligned ||
        (st = measure(&moved, v, k, roughness->greatest, err)))
        return st;
    v->joints[k].aligned = moved.greatest < roughness->greatest && moved.mean <= roughness->mean;
    if (v->joints[k].aligned)
        *roughness = moved;
    return SYNCTALK_OK;
}

/* Mean step over joint k with a fade of so many frames, which stays. */
static synctalk_status try_length(struct viewer *v, size_t k, int frames,
                                  const struct limits *limits, double *mean, synctalk_error *err)
{
    struct st_clip_roughness roughness = {0, 0};
    st_edit_list_set_fade(v->list, k, frames);
    synctalk_status st = move(v, k, limits->align == SYNCTALK_ALIGN_ALWAYS, err);
    if (!st)
        st = measure(&roughness, v, k, INFINITY, err);
    *mean = roughness.mean;
    return st;
}

/* The shortest fade into entry k that is smooth, or the longest; *roughness is what it had. */
static synctalk_status lengthen(struct viewer *v, size_t k, const struct limits *limits, bool fair,
                                struct st_clip_roughness *roughness, synctalk_error *err)
{
    const struct st_clip_joint before = v->joints[k];
    const int room = st_edit_list_fade_room(v->list, k, fair);
    int low = v->list->entries[k].fade_frames; /* not smooth */
    int high = room < limits->longest ? room : limits->longest;
    double mean;
    synctalk_status st;

    if (high <= low)
        return SYNCTALK_OK;
    if ((st = try_length(v, k, high, limits, &mean, err)))
        return st;
    if (mean > limits->smooth && mean >= roughness->mean) {
        st_edit_list_set_fade(v->list, k, low);
        v->joints[k] = before;
        return SYNCTALK_OK;
    }
    while (mean <= limits->smooth && high - low > 1) {
        const int middle = low + (high - low) / 2;
        double there;
        if ((st = try_length(v, k, middle, limits, &there, err)))
            return st;
        *(there <= limits->smooth ? &high : &low) = middle;
    }
    st_edit_list_set_fade(v->list, k, high);
    return decide(v, k, limits, roughness, err);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median step within clips, as they are shown; 0 where there is none. */
static synctalk_status find_within(struct viewer *v, double *within, synctalk_error *err)
{
    const struct st_edit_list *list = v->list;
    double steps[WITHIN_STEPS];
    size_t count = 0;
    synctalk_status st;

    for (int64_t n = 0; n < WITHIN_STEPS && n < list->frames - 1; n++) {
        const int64_t i = 1 + n * (list->frames - 1) / WITHIN_STEPS;
        const struct st_edit_frame a = st_edit_list_at(list, i - 1);
        const struct st_edit_frame b = st_edit_list_at(list, i);
        if (a.fades || b.fades || a.entry != b.entry)
            continue;
        if ((st = view(v, i - 1, 0, err)) || (st = view(v, i, 1, err)))
            return st;
        steps[count++] = st_picture_difference(&v->pictures[0], &v->pictures[1]);
    }
    qsort(steps, count, sizeof *steps, by_size);
    *within = count ? steps[count / 2] : 0;
    return SYNCTALK_OK;
}

static synctalk_status look_at_all(struct viewer *v, const struct limits *limits,
                                   struct st_clip_roughness *roughness,
                                   const synctalk_callbacks *callbacks, synctalk_error *err)
{
    enum { AS_THEY_ARE, FAIR, ALL_ROOM, PASSES };
    const size_t count = v->list->count;
    synctalk_status st = SYNCTALK_OK;

    for (int pass = 0; pass < PASSES; pass++) {
        for (size_t k = 0; k < count && !st; k++) {
            if (st_cancelled(callbacks))
                return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
            st_progress(callbacks, "joints", pass * (int64_t)count + (int64_t)k,
                        PASSES * (int64_t)count, 0);
            if (v->list->entries[k].fade_frames == 0)
                continue;
            if (pass == AS_THEY_ARE)
                st = decide(v, k, limits, &roughness[k], err);
            else if (roughness[k].mean > limits->smooth)
                st = lengthen(v, k, limits, pass == FAIR, &roughness[k], err);
        }
    }
    if (!st)
        st_progress(callbacks, "joints", PASSES * (int64_t)count, PASSES * (int64_t)count, 0);
    return st;
}

static void tell(const struct viewer *v, const struct limits *limits,
                 const struct st_clip_roughness *roughness, const synctalk_callbacks *callbacks)
{
    const struct st_edit_list *list = v->list;
    int64_t fades = 0;
    int64_t aligned = 0;
    int64_t longer = 0;
    int64_t rough = 0;
    for (size_t k = 0; k < list->count; k++) {
        fades += list->entries[k].fade_frames > 0;
        aligned += v->joints[k].aligned;
        longer += list->entries[k].fade_frames > list->settings.transition;
        rough += roughness[k].mean > limits->smooth * MOST_ROUGH / SMOOTH;
    }
    if (fades == 0)
        return;
    st_log(callbacks, SYNCTALK_LOG_INFO,
           "%" PRId64 " of %" PRId64 " fades are lengthened, %" PRId64
           " move the faces onto each other",
           longer, fades, aligned);
    if (rough > 0)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%" PRId64 " of %" PRId64 " fades may be seen: their frames differ more than %.1f "
               "times as much as frames within clips; clips that begin and end in one pose, and "
               "short ones for short pauses, join better",
               rough, fades, MOST_ROUGH);
}

synctalk_status st_clip_plan_join(struct st_clip_plan *plan, struct st_frame_reader *frames,
                                  const struct st_clip_joining *joining,
                                  const synctalk_callbacks *callbacks, synctalk_error *err)
{
    struct viewer v = {.plan = plan, .list = &plan->list, .joints = plan->joints, .frames = frames};
    struct limits limits = {joining->align, joining->longest, INFINITY};
    struct st_clip_roughness *roughness = calloc(plan->list.count, sizeof *roughness);
    double within;
    synctalk_status st = SYNCTALK_OK;

    if (!roughness)
        return st_fail_memory(err, "joints", (unsigned long long)plan->list.count);
    if (plan->list.settings.transition == 0)
        goto done;
    if ((st = find_within(&v, &within, err)))
        goto done;
    if (within > 0)
        limits.smooth = SMOOTH * within;
    if ((st = look_at_all(&v, &limits, roughness, callbacks, err)))
        goto done;
    tell(&v, &limits, roughness, callbacks);

done:
    viewer_close(&v);
    free(roughness);
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
