/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/edit_list.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "generate/clip_choice.h"

/* What making a list takes. */
struct maker {
    const struct st_clips *clips;                 /* borrows */
    struct st_clip_places *places;                /* owns; [clips] */
    struct st_clip_choice *choice[ST_CLIP_KINDS]; /* owns; NULL: no stretch needs it */
    struct st_edit_list list;                     /* owns; in work */
    size_t capacity;
    struct st_landmarks between; /* of a frame that is no end of its clip */
};

static synctalk_status check_settings(const struct st_edit_settings *settings, synctalk_error *err)
{
    if (settings->fps < 1)
        return st_fail(err, SYNCTALK_E_ARG, "a plan at %d frames a second; at least 1 is needed",
                       settings->fps);
    if (settings->transition < 0 || settings->transition > ST_EDIT_TRANSITION_MAX)
        return st_fail(err, SYNCTALK_E_ARG, "--transition %d: 0 to %d frames are possible",
                       settings->transition, ST_EDIT_TRANSITION_MAX);
    return SYNCTALK_OK;
}

static enum st_clip_kind kind_of(const struct st_stretch *stretch)
{
    return stretch->speech ? ST_CLIP_TALK : ST_CLIP_SILENCE;
}

static synctalk_status fail_missing(const struct maker *maker, const struct st_stretch *stretch,
                                    int fps, synctalk_error *err)
{
    const double start = (double)stretch->from / fps;
    const double seconds = (double)stretch->frames / fps;
    if (stretch->speech)
        return st_fail(err, SYNCTALK_E_MISSING,
                       "%s: no talk clip, which the speech at %.2f s (%.2f s long) needs; put a "
                       "clip there with \"talk\" in its name",
                       maker->clips->folder, start, seconds);
    return st_fail(err, SYNCTALK_E_MISSING,
                   "%s: no silence clip, which the pause at %.2f s (%.2f s long) needs; put a "
                   "clip there with \"silence\" or \"idle\" in its name, or raise "
                   "--min-silence-duration above %.2f",
                   maker->clips->folder, start, seconds, seconds);
}

/* The tables of those kinds that the timeline has. */
static synctalk_status open_choices(struct maker *maker, const struct st_timeline *timeline,
                                    int fps, synctalk_error *err)
{
    synctalk_status st;
    size_t have[ST_CLIP_KINDS] = {0};
    int64_t longest[ST_CLIP_KINDS] = {0};

    if (!(maker->places = calloc(maker->clips->count + 1, sizeof *maker->places)))
        return st_fail_memory(err, "faces of clips", (unsigned long long)maker->clips->count);
    for (size_t i = 0; i < maker->clips->count; i++) {
        const struct st_clip *clip = &maker->clips->clips[i];
        maker->places[i].first = st_face_place_of(&clip->first);
        maker->places[i].last = st_face_place_of(&clip->last);
        have[clip->kind]++;
    }
    for (size_t i = 0; i < timeline->count; i++) {
        const struct st_stretch *stretch = &timeline->stretches[i];
        const enum st_clip_kind kind = kind_of(stretch);
        if (have[kind] == 0)
            return fail_missing(maker, stretch, fps, err);
        if (stretch->frames > longest[kind])
            longest[kind] = stretch->frames;
    }
    for (int kind = 0; kind < ST_CLIP_KINDS; kind++) {
        struct st_clip_choice *choice = NULL;
        if (longest[kind] > 0 &&
            (st = st_clip_choice_create(&choice, maker->clips, maker->places,
                                        (enum st_clip_kind)kind, longest[kind], err)))
            return st;
        maker->choice[kind] = choice;
    }
    return SYNCTALK_OK;
}

static void maker_close(struct maker *maker)
{
    for (int kind = 0; kind < ST_CLIP_KINDS; kind++)
        st_clip_choice_destroy(&maker->choice[kind]);
    free(maker->places);
    st_edit_list_free(&maker->list);
}

static synctalk_status add_entry(struct maker *maker, const struct st_edit_entry *entry,
                                 synctalk_error *err)
{
    struct st_edit_list *list = &maker->list;

    if (list->count == maker->capacity) {
        size_t capacity = maker->capacity ? 2 * maker->capacity : 64, bytes;
        struct st_edit_entry *more = NULL;
        if (!st_mul_size(capacity, sizeof *more, &bytes) || !(more = realloc(list->entries, bytes)))
            return st_fail_memory(err, "an edit list", (unsigned long long)capacity);
        list->entries = more;
        maker->capacity = capacity;
    }
    list->entries[list->count++] = *entry;
    return SYNCTALK_OK;
}

/* Frame of the clip that entry `e` shows at i, which may lie before or after it. */
static int64_t frame_at(const struct st_edit_list *list, const struct st_edit_entry *e, int64_t i)
{
    const int64_t end = list->clips->clips[e->clip].frames - 1;
    const int64_t low = e->backward ? e->turn : 0;
    const int64_t high = e->backward ? end : e->turn;
    const int64_t span = high - low;
    const int64_t steps = i - e->from;

    if (span == 0)
        return low;
    if (list->settings.pad == ST_EDIT_HOLD) {
        const int64_t at = e->backward ? e->first - steps : e->first + steps;
        return at < low ? low : at < high ? at : high;
    }
    /* Up and down between the ends, which are not played twice. */
    const int64_t at = e->first - low;
    int64_t phase = ((e->backward ? 2 * span - at : at) + steps) % (2 * span);
    if (phase < 0)
        phase += 2 * span;
    return low + (phase <= span ? phase : 2 * span - phase);
}

/* The face that the list ends with so far; `found` is NULL where there is no entry yet. */
static synctalk_status face_at_end(struct maker *maker, struct st_face_place *place,
                                   const struct st_face_place **found, synctalk_error *err)
{
    const struct st_edit_list *list = &maker->list;
    *found = NULL;
    if (list->count == 0)
        return SYNCTALK_OK;
    const struct st_edit_entry *e = &list->entries[list->count - 1];
    const struct st_clip *clip = &maker->clips->clips[e->clip];
    const struct st_clip_places *places = &maker->places[e->clip];
    const int64_t at = frame_at(list, e, e->from + e->frames - 1);
    *found = place;
    *place = 2 * at < clip->frames ? places->first : places->last;
    if (at == 0 || at == clip->frames - 1 || !clip->faces)
        return SYNCTALK_OK;
    synctalk_status st = clip->faces->read(clip->faces, at, &maker->between, err);
    *place = st_face_place_of(&maker->between);
    return st;
}

/* The entry that shows `clip` from frame `at` on, up to the end of the stretch where it is its
 * last one. */
static struct st_edit_entry entry_of(const struct maker *maker, const struct st_stretch *stretch,
                                     int64_t at, int clip, const struct st_clip_join *join,
                                     bool last)
{
    const struct st_edit_list *list = &maker->list;
    const int64_t frames = maker->clips->clips[clip].frames;
    const bool bounces = list->settings.pad == ST_EDIT_BOUNCE;
    const struct st_edit_entry *previous =
        at > stretch->from ? &list->entries[list->count - 1] : NULL;
    const bool turns = previous && previous->clip == clip && bounces;
    struct st_edit_entry entry = {
        .from = at,
        .frames = last ? stretch->from + stretch->frames - at : frames,
        .fade_from = at,
        .clip = clip,
        .backward = turns ? !previous->backward : join->backward,
        .speech = stretch->speech,
        .joint = list->count ? join->distance : INFINITY,
        .rough = NAN,
    };
    /* Cut: forth for half of the time, and back. */
    const int64_t reach = bounces && entry.frames < frames ? entry.frames / 2 : frames - 1;
    entry.first = entry.backward ? frames - 1 : 0;
    entry.turn = entry.backward ? frames - 1 - reach : reach;
    return entry;
}

static synctalk_status fill_stretch(struct maker *maker, const struct st_stretch *stretch,
                                    synctalk_error *err)
{
    synctalk_status st;
    struct st_clip_choice *choice = maker->choice[kind_of(stretch)];
    const bool both_ways = maker->list.settings.pad == ST_EDIT_BOUNCE;
    int64_t at = stretch->from;

    st_clip_choice_begin(choice, stretch->frames);
    while (at < stretch->from + stretch->frames) {
        struct st_face_place place;
        const struct st_face_place *before;
        struct st_clip_join join;
        if ((st = face_at_end(maker, &place, &before, err)))
            return st;
        const int clip = st_clip_choice_next(choice, before, both_ways, &join);
        const struct st_edit_entry entry =
            entry_of(maker, stretch, at, clip, &join, !st_clip_choice_more(choice));
        if ((st = add_entry(maker, &entry, err)))
            return st;
        at += entry.frames;
    }
    return SYNCTALK_OK;
}

synctalk_status st_edit_list_make(struct st_edit_list *out, const struct st_clips *clips,
                                  const struct st_timeline *timeline,
                                  const struct st_edit_settings *settings, synctalk_error *err)
{
    synctalk_status st;
    struct maker maker = {.clips = clips};

    *out = (struct st_edit_list){.frames = 0};
    if ((st = check_settings(settings, err)) || (st = st_clips_check(clips, err)))
        return st;
    maker.list.frames = timeline->frames;
    maker.list.settings = *settings;
    maker.list.clips = clips;
    if ((st = open_choices(&maker, timeline, settings->fps, err)))
        goto done;
    for (size_t i = 0; i < timeline->count; i++) {
        if ((st = fill_stretch(&maker, &timeline->stretches[i], err)))
            goto done;
    }
    st_edit_list_lay_fades(&maker.list);
    *out = maker.list;
    maker.list = (struct st_edit_list){.frames = 0};

done:
    maker_close(&maker);
    return st;
}

void st_edit_list_free(struct st_edit_list *list)
{
    if (!list)
        return;
    free(list->entries);
    *list = (struct st_edit_list){.frames = 0};
}

static struct st_edit_picture picture_of(const struct st_edit_list *list, size_t k, int64_t i)
{
    const struct st_edit_entry *e = &list->entries[k];
    return (struct st_edit_picture){e->clip, frame_at(list, e, i), e->speech};
}

/* The entry in which frame i lies. */
static size_t entry_at(const struct st_edit_list *list, int64_t i)
{
    size_t low = 0, high = list->count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (list->entries[middle].from <= i)
            low = middle;
        else
            high = middle;
    }
    return low;
}

struct st_edit_frame st_edit_list_at(const struct st_edit_list *list, int64_t i)
{
    assert(i >= 0 && i < list->frames);
    const size_t k = entry_at(list, i);
    struct st_edit_frame frame = {.window = i, .entry = k, .picture = picture_of(list, k, i)};
    frame.other = frame.picture;

    /* Entry `into` comes in; at i it has this share. */
    size_t into = k;
    if (k + 1 < list->count && i >= list->entries[k + 1].fade_from)
        into = k + 1;
    const struct st_edit_entry *e = &list->entries[into];
    if (i >= e->fade_from + e->fade_frames)
        return frame;
    const double share = (double)(i - e->fade_from + 1) / (e->fade_frames + 1);
    const bool comes = into == k;
    frame.fades = true;
    frame.picture = picture_of(list, k, st_edit_fade_time(e, comes, i));
    frame.other = picture_of(list, comes ? k - 1 : into, st_edit_fade_time(e, !comes, i));
    frame.weight = comes ? 1 - share : share;
    return frame;
}

int64_t st_edit_list_padding(const struct st_edit_list *list, size_t k)
{
    const struct st_edit_entry *e = &list->entries[k];
    const int64_t whole =
        e->backward ? e->first + 1 : list->clips->clips[e->clip].frames - e->first;
    return e->frames > whole ? e->frames - whole : 0;
}

void st_edit_list_row(const struct st_edit_list *list, size_t k, char *text, size_t size)
{
    const struct st_edit_entry *e = &list->entries[k];
    const int64_t padding = st_edit_list_padding(list, k);
    const int64_t plays = e->frames - padding;
    const int64_t hundredths = e->from * 100 / list->settings.fps;
    char range[48], pad[32] = "-", fade[16] = "-", joint[16] = "-";

    const int64_t shown = e->backward ? e->first - plays + 1 : e->first + plays - 1;
    if (e->backward ? shown < e->turn : shown > e->turn)
        snprintf(range, sizeof range, "%" PRId64 "-%" PRId64 "-%" PRId64, e->first, e->turn,
                 frame_at(list, e, e->from + e->frames - 1));
    else
        snprintf(range, sizeof range, "%" PRId64 "-%" PRId64, e->first, shown);
    if (padding > 0)
        snprintf(pad, sizeof pad, "%" PRId64 " %s", padding,
                 list->settings.pad == ST_EDIT_HOLD ? "hold" : "bounce");
    if (e->fade_frames > 0)
        snprintf(fade, sizeof fade, "%d", e->fade_frames);
    if (isfinite(e->joint))
        snprintf(joint, sizeof joint, "%.3f", e->joint);
    snprintf(text, size,
             "%3" PRId64 ":%02" PRId64 ":%02" PRId64 ".%02" PRId64 " %7" PRId64
             "  %-7s  %-13s %10s %5s %6s  %s",
             hundredths / 360000, hundredths / 6000 % 60, hundredths / 100 % 60, hundredths % 100,
             e->frames, e->speech ? "speech" : "silence", range, pad, fade, joint,
             list->clips->clips[e->clip].name);
}

const char *st_edit_list_head(void)
{
    return "        from  frames  type     plays            padding  fade  joint  clip";
}
