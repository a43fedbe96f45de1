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
    const int64_t last = list->clips->clips[e->clip].frames - 1;
    const int64_t steps = i - e->from;

    if (last == 0)
        return 0;
    if (list->settings.pad == ST_EDIT_HOLD) {
        const int64_t at = e->backward ? e->first - steps : e->first + steps;
        return at < 0 ? 0 : at < last ? at : last;
    }
    /* Up and down between the ends, which are not played twice. */
    int64_t phase = ((e->backward ? 2 * last - e->first : e->first) + steps) % (2 * last);
    if (phase < 0)
        phase += 2 * last;
    return phase <= last ? phase : 2 * last - phase;
}

/* The face that entry k ends with: of the end of its clip that is nearer to the frame it ends
 * on, since landmarks are known at the ends alone. */
static const struct st_face_place *face_at_end(const struct maker *maker, size_t k)
{
    const struct st_edit_entry *e = &maker->list.entries[k];
    const int64_t at = frame_at(&maker->list, e, e->from + e->frames - 1);
    const struct st_clip_places *places = &maker->places[e->clip];
    return 2 * at < maker->clips->clips[e->clip].frames ? &places->first : &places->last;
}

static synctalk_status fill_stretch(struct maker *maker, const struct st_stretch *stretch,
                                    synctalk_error *err)
{
    synctalk_status st;
    struct st_edit_list *list = &maker->list;
    struct st_clip_choice *choice = maker->choice[kind_of(stretch)];
    const size_t head = list->count;
    const int64_t end = stretch->from + stretch->frames;
    int64_t at = stretch->from;

    st_clip_choice_begin(choice, stretch->frames);
    while (at < end) {
        double joint = INFINITY;
        const struct st_face_place *before =
            list->count ? face_at_end(maker, list->count - 1) : NULL;
        const int clip = st_clip_choice_next(choice, before, &joint);
        const int64_t frames = maker->clips->clips[clip].frames;
        const struct st_edit_entry *previous =
            list->count > head ? &list->entries[list->count - 1] : NULL;
        const bool turns =
            previous && previous->clip == clip && list->settings.pad == ST_EDIT_BOUNCE;
        struct st_edit_entry entry = {
            .from = at,
            .frames = st_clip_choice_more(choice) ? frames : end - at,
            .fade_from = at,
            .clip = clip,
            .backward = turns && !previous->backward,
            .speech = stretch->speech,
            .joint = turns ? 0 : joint,
        };
        if (!before)
            entry.joint = INFINITY;
        entry.first = entry.backward ? frames - 1 : 0;
        if ((st = add_entry(maker, &entry, err)))
            return st;
        at += entry.frames;
    }
    return SYNCTALK_OK;
}

/* A clip that only turns round needs no fade. */
static bool turns_round(const struct st_edit_list *list, size_t k)
{
    const struct st_edit_entry *a = &list->entries[k - 1], *b = &list->entries[k];
    return a->clip == b->clip && a->backward != b->backward;
}

/* Frames of the fade into entry k that lie before and after its start. */
struct fade {
    int64_t before, after;
};

static struct fade wanted_fade(const struct st_edit_list *list, size_t k)
{
    const int64_t transition = list->settings.transition;
    const struct st_edit_entry *entries = list->entries;

    if (k == 0 || k == list->count || turns_round(list, k))
        return (struct fade){0, 0};
    if (entries[k - 1].speech == entries[k].speech)
        return (struct fade){transition / 2, transition - transition / 2};
    return entries[k].speech ? (struct fade){transition, 0} : (struct fade){0, transition};
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void lay_fades(struct st_edit_list *list)
{
    struct fade in = wanted_fade(list, 0);
    for (size_t k = 0; k < list->count; k++) {
        struct st_edit_entry *e = &list->entries[k];
        struct fade out = wanted_fade(list, k + 1);
        const int64_t room = e->frames / 2;
        if (in.after + out.before > room) {
            const int64_t left = room - smaller(in.after, room / 2);
            out.before = smaller(out.before, left);
            in.after = smaller(in.after, room - out.before);
        }
        e->fade_from = e->from - in.before;
        e->fade_frames = (int)(in.before + in.after);
        in = out;
    }
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
    lay_fades(&maker.list);
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
    frame.fades = true;
    frame.other = picture_of(list, into == k ? k - 1 : into, i);
    frame.weight = into == k ? 1 - share : share;
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

    snprintf(range, sizeof range, "%" PRId64 "-%" PRId64, e->first,
             e->backward ? e->first - plays + 1 : e->first + plays - 1);
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
