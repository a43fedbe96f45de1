/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/clip_plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "generate/clip_look.h"

/* Of the mean step over a joint, in median steps within clips. Below MOST_ROUGH nobody sees it;
 * below the others that holds too when the video is coded and, where there is speech, when mouths
 * are redrawn, which are looked at as they were filmed. */
#define MOST_ROUGH 1.5
#define SMOOTH 1.25
#define SMOOTH_SPEECH 0.9
#define SMOOTH_TALK 0.6  /* where two mouths are redrawn */
#define LONGEST_ASKED 25 /* --transition-max goes no further */
#define MOST_STEP 1.5    /* of a single step of a smooth joint, likewise */

struct joiner {
    struct st_clip_plan *plan;
    const struct st_clip_joining *joining;
    struct st_clip_look *look; /* owns */
    double *badness;           /* owns; [entries]: 1 and less is smooth */
    double within;             /* median step within clips, in levels; > 0 */
};

static void joiner_close(struct joiner *j)
{
    st_clip_look_close(&j->look);
    free(j->badness);
}

static synctalk_status joiner_open(struct joiner *j, struct st_clip_plan *plan,
                                   struct st_frame_reader *frames,
                                   const struct st_clip_joining *joining, synctalk_error *err)
{
    *j = (struct joiner){.plan = plan, .joining = joining};
    if (!(j->badness = calloc(plan->list.count, sizeof *j->badness)))
        return st_fail_memory(err, "joints", (unsigned long long)plan->list.count);
    return st_clip_look_open(&j->look, plan, frames, err);
}

/* 1 and less: smooth. Sides that run on are judged as filmed and by the mean alone: there is no
 * more that could be done for them. */
static double badness_of(const struct joiner *j, size_t k,
                         const struct st_clip_roughness *roughness)
{
    const struct st_edit_entry *e = &j->plan->list.entries[k];
    const double smooth = e->speech && e[-1].speech   ? SMOOTH_TALK
                          : e->speech || e[-1].speech ? SMOOTH_SPEECH
                                                      : SMOOTH;
    if (!j->joining->rests)
        return roughness->mean / (SMOOTH * j->within);
    return fmax(roughness->mean / (smooth * j->within),
                roughness->greatest / (MOST_STEP * j->within));
}

/* A fade as it lies, and how rough it is. */
struct state {
    struct st_edit_entry entry;
    struct st_clip_joint joint;
    struct st_clip_roughness roughness;
    double badness;
};

static void keep(struct joiner *j, size_t k, const struct state *state)
{
    j->plan->list.entries[k] = state->entry;
    j->plan->joints[k] = state->joint;
    j->badness[k] = state->badness;
}

/* Joint k at this pace, moved or not. */
static synctalk_status look(struct joiner *j, size_t k, enum st_edit_pace pace, bool moved,
                            struct state *state, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    j->plan->list.entries[k].pace = pace;
    j->plan->joints[k].aligned = false;
    if (moved && j->plan->list.entries[k].fade_frames > 0)
        st = st_clip_plan_fit(j->plan, k, err);
    if (!st)
        st = st_clip_look_at(j->look, k, &state->roughness, err);
    state->entry = j->plan->list.entries[k];
    state->joint = j->plan->joints[k];
    state->badness = badness_of(j, k, &state->roughness);
    return st;
}

/* Moved, where that is chosen by what comes of it. */
static synctalk_status try_moved(struct joiner *j, size_t k, struct state *best,
                                 synctalk_error *err)
{
    struct state moved;
    if (j->joining->align != SYNCTALK_ALIGN_AUTO || best->badness <= 1)
        return SYNCTALK_OK;
    const struct st_clip_roughness still = best->roughness;
    keep(j, k, best);
    synctalk_status st = look(j, k, best->entry.pace, true, &moved, err);
    if (!st && moved.joint.aligned && moved.roughness.greatest < still.greatest &&
        moved.roughness.mean <= still.mean)
        *best = moved;
    return st;
}

/* The mildest way of making joint k smooth as it lies; else the smoothest, if it is smoother than
 * *best. */
static synctalk_status try_paces(struct joiner *j, size_t k, struct state *best,
                                 synctalk_error *err)
{
    const bool always = j->joining->align == SYNCTALK_ALIGN_ALWAYS;
    const int paces = j->joining->rests ? ST_EDIT_PACES : 1;
    for (int pace = 0; pace < paces && best->badness > 1; pace++) {
        struct state now;
        synctalk_status st = look(j, k, (enum st_edit_pace)pace, always, &now, err);
        if (st)
            return st;
        if (now.badness < best->badness)
            *best = now;
    }
    return SYNCTALK_OK;
}

/* Joint k at the length that it has. */
static synctalk_status settle(struct joiner *j, size_t k, synctalk_error *err)
{
    struct state best = {.badness = INFINITY};
    const bool always = j->joining->align == SYNCTALK_ALIGN_ALWAYS;
    synctalk_status st;
    if ((st = look(j, k, ST_EDIT_RUNS, always, &best, err)) || (st = try_moved(j, k, &best, err)) ||
        (st = try_paces(j, k, &best, err)))
        return st;
    keep(j, k, &best);
    return SYNCTALK_OK;
}

/* The shortest fade into entry k that is smooth, or what comes nearest to it. */
static synctalk_status lengthen(struct joiner *j, size_t k, bool fair, synctalk_error *err)
{
    struct st_edit_list *list = &j->plan->list;
    const int room = st_edit_list_fade_room(list, k, fair);
    const int own = list->entries[k].fade_frames;
    const int high = room < j->joining->longest ? room : j->joining->longest;
    struct state best = {list->entries[k], j->plan->joints[k], {0, 0}, j->badness[k]};
    synctalk_status st = SYNCTALK_OK;

    for (int frames = own + 1; frames <= high && best.badness > 1 && !st; frames++) {
        st_edit_list_set_fade(list, k, frames);
        st = try_paces(j, k, &best, err);
    }
    if (!st && best.entry.fade_frames > own)
        st = try_moved(j, k, &best, err);
    keep(j, k, &best);
    return st;
}

/* Let fade n lie in entry `from` as little as may be, if it stays smooth. */
static synctalk_status yield(struct joiner *j, size_t n, size_t from, bool *gives,
                             synctalk_error *err)
{
    struct st_edit_list *list = &j->plan->list;

    *gives = false;
    if (n == 0 || n >= list->count || list->entries[n].fade_frames == 0)
        return SYNCTALK_OK;
    const struct state before = {list->entries[n], j->plan->joints[n], {0, 0}, j->badness[n]};
    if (st_edit_list_yield_fade(list, n, from) == 0)
        return SYNCTALK_OK;
    synctalk_status st = settle(j, n, err);
    *gives = !st && j->badness[n] <= fmax(1, before.badness);
    if (!*gives)
        keep(j, n, &before);
    return st;
}

/* As lengthen(), with what the fades beside it need not have. */
static synctalk_status take_room(struct joiner *j, size_t k, synctalk_error *err)
{
    bool gives;
    synctalk_status st = lengthen(j, k, false, err);
    for (int side = 0; side < 2 && !st && j->badness[k] > 1; side++) {
        const size_t n = side ? k + 1 : k - 1;
        if (!(st = yield(j, n, side ? k : k - 1, &gives, err)) && gives)
            st = lengthen(j, k, false, err);
    }
    return st;
}

/* A fade between speech and silence that is shorter than was asked for, because there is one
 * between clips of one kind in the same entry. */
static synctalk_status widen(struct joiner *j, size_t k, synctalk_error *err)
{
    struct st_edit_list *list = &j->plan->list;
    const struct st_edit_entry *e = &list->entries[k];
    const int wanted = list->settings.transition;
    const size_t silent = e->speech ? k - 1 : k;
    bool gives;

    if (!j->joining->rests || e->speech == e[-1].speech || e->fade_frames >= wanted)
        return SYNCTALK_OK;
    synctalk_status st = yield(j, e->speech ? k - 1 : k + 1, silent, &gives, err);
    if (st || !gives)
        return st;
    const int room = st_edit_list_fade_room(list, k, false);
    st_edit_list_set_fade(list, k, room < wanted ? room : wanted);
    return settle(j, k, err);
}

static synctalk_status look_at_all(struct joiner *j, const synctalk_callbacks *callbacks,
                                   synctalk_error *err)
{
    enum { AS_THEY_ARE, AS_WANTED, FAIR, ALL_ROOM, PASSES };
    const size_t count = j->plan->list.count;
    synctalk_status st = SYNCTALK_OK;

    for (int pass = 0; pass < PASSES; pass++) {
        for (size_t k = 1; k < count && !st; k++) {
            if (st_cancelled(callbacks))
                return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
            st_progress(callbacks, "joints", pass * (int64_t)count + (int64_t)k,
                        PASSES * (int64_t)count, 0);
            if (pass == AS_THEY_ARE)
                st = settle(j, k, err);
            else if (pass == AS_WANTED)
                st = widen(j, k, err);
            else if (j->badness[k] > 1)
                st = pass == FAIR ? lengthen(j, k, true, err) : take_room(j, k, err);
        }
    }
    if (!st)
        st_progress(callbacks, "joints", PASSES * (int64_t)count, PASSES * (int64_t)count, 0);
    return st;
}

/* Write down how rough each joint has become. */
static synctalk_status note(struct joiner *j, synctalk_error *err)
{
    struct st_edit_list *list = &j->plan->list;
    for (size_t k = 1; k < list->count; k++) {
        struct st_clip_roughness roughness;
        synctalk_status st = st_clip_look_at(j->look, k, &roughness, err);
        if (st)
            return st;
        list->entries[k].rough = roughness.mean / j->within;
    }
    return SYNCTALK_OK;
}

/* Of so many joints that may be seen joint k is the roughest. */
static void warn(const struct joiner *j, int64_t rough, size_t k,
                 const synctalk_callbacks *callbacks)
{
    const struct st_edit_list *list = &j->plan->list;
    const struct st_edit_entry *e = &list->entries[k];
    /* Sides that rest differ by as much as all steps together; a clip gives a quarter of itself
     * to a fade at either end. */
    const double fade =
        fmin(ceil(e->rough * (e->fade_frames + 1) / SMOOTH), ST_EDIT_TRANSITION_MAX);
    char advice[64] = "";
    if (fade > j->joining->longest && fade <= LONGEST_ASKED)
        snprintf(advice, sizeof advice, ", or raise --transition-max to %.0f", fade);
    st_log(callbacks, SYNCTALK_LOG_WARNING,
           "%" PRId64 " of %zu joints may be seen, the roughest at %.2f s from \"%s\" to \"%s\", "
           "whose frames differ %.1f times as much as frames within clips; film clips that begin "
           "and end in one pose and are at least %.1f s long%s",
           rough, list->count - 1, (double)e->from / list->settings.fps,
           list->clips->clips[e[-1].clip].name, list->clips->clips[e->clip].name, e->rough,
           4 * fade / list->settings.fps, advice);
}

static void tell(const struct joiner *j, const synctalk_callbacks *callbacks)
{
    const struct st_edit_list *list = &j->plan->list;
    int64_t fades = 0;
    int64_t aligned = 0;
    int64_t longer = 0;
    int64_t slower = 0;
    int64_t rough = 0;
    size_t most = 0;
    for (size_t k = 1; k < list->count; k++) {
        const struct st_edit_entry *e = &list->entries[k];
        fades += e->fade_frames > 0;
        aligned += j->plan->joints[k].aligned;
        longer += e->fade_frames > list->settings.transition;
        slower += e->fade_frames > 0 && e->pace != ST_EDIT_RUNS;
        rough += e->rough > MOST_ROUGH;
        if (e->rough > MOST_ROUGH && (most == 0 || e->rough > list->entries[most].rough))
            most = k;
    }
    if (fades > 0)
        st_log(callbacks, SYNCTALK_LOG_INFO,
               "of %" PRId64 " fades %" PRId64 " are lengthened, in %" PRId64
               " clips slow down or rest, %" PRId64 " move the faces onto each other",
               fades, longer, slower, aligned);
    if (rough == 0)
        return;
    warn(j, rough, most, callbacks);
}

synctalk_status st_clip_plan_join(struct st_clip_plan *plan, struct st_frame_reader *frames,
                                  const struct st_clip_joining *joining,
                                  const synctalk_callbacks *callbacks, synctalk_error *err)
{
    struct joiner j;
    synctalk_status st;

    if ((st = joiner_open(&j, plan, frames, joining, err)) ||
        (st = st_clip_look_within(j.look, &j.within, callbacks, err)))
        goto done;
    if (plan->list.settings.transition > 0 && (st = look_at_all(&j, callbacks, err)))
        goto done;
    if ((st = note(&j, err)))
        goto done;
    if (plan->list.settings.transition > 0)
        tell(&j, callbacks);

done:
    joiner_close(&j);
    return st;
}
