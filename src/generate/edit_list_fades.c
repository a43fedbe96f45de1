/* SPDX-License-Identifier: Apache-2.0 */
/* Where the fades of an edit list lie, and what is seen in them. */
#include <assert.h>

#include "generate/edit_list.h"

bool st_edit_list_turns_round(const struct st_edit_list *list, size_t k)
{
    const struct st_edit_entry *a = &list->entries[k - 1], *b = &list->entries[k];
    return a->clip == b->clip && a->backward != b->backward;
}

/* Frames of the fade into entry k that lie before and after its start; or that may. */
struct fade {
    int64_t before, after;
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* `frames` of a fade into entry k as they lie: in the silence, or around the joint. */
static struct fade laid(const struct st_edit_list *list, size_t k, int64_t frames)
{
    const struct st_edit_entry *entries = list->entries;
    if (entries[k - 1].speech == entries[k].speech)
        return (struct fade){frames / 2, frames - frames / 2};
    return entries[k].speech ? (struct fade){frames, 0} : (struct fade){0, frames};
}

static struct fade wanted_fade(const struct st_edit_list *list, size_t k)
{
    if (k == 0 || k == list->count || st_edit_list_turns_round(list, k))
        return (struct fade){0, 0};
    return laid(list, k, list->settings.transition);
}

void st_edit_list_lay_fades(struct st_edit_list *list)
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

static struct fade fade_of(const struct st_edit_list *list, size_t k)
{
    const struct st_edit_entry *e = &list->entries[k];
    const int64_t before = e->from - e->fade_from;
    return (struct fade){before, e->fade_frames - before};
}

/* Frames of entry k that the fade out of it, or into it, may take, the other one being there; of
 * a `fair` half no more than half. */
static int64_t room_in(const struct st_edit_list *list, size_t k, bool out, bool fair)
{
    const struct st_edit_entry *e = &list->entries[k];
    const int64_t after = fade_of(list, k).after;
    const int64_t before = k + 1 < list->count ? fade_of(list, k + 1).before : 0;
    const int64_t left = e->frames / 2 - (out ? after : before);
    return fair ? smaller(left, e->frames / 4) : left;
}

static struct fade room_of(const struct st_edit_list *list, size_t k, bool fair)
{
    struct fade room = {room_in(list, k - 1, true, fair), room_in(list, k, false, fair)};
    const struct fade side = laid(list, k, 2);
    if (side.before == 0)
        room.before = 0;
    if (side.after == 0)
        room.after = 0;
    return room;
}

int st_edit_list_fade_room(const struct st_edit_list *list, size_t k, bool fair)
{
    if (k == 0 || list->settings.transition == 0 || st_edit_list_turns_round(list, k))
        return 0;
    const struct fade room = room_of(list, k, fair);
    return (int)smaller(room.before + room.after, ST_EDIT_TRANSITION_MAX);
}

/* So many frames around the start of entry k, as evenly as `room` allows. */
static bool fits(struct fade *fade, const struct fade *room, int64_t frames)
{
    fade->before = smaller(frames / 2, room->before);
    fade->after = frames - fade->before;
    if (fade->after > room->after) {
        fade->after = room->after;
        fade->before = frames - fade->after;
    }
    return fade->before <= room->before;
}

static void put_fade(struct st_edit_list *list, size_t k, struct fade fade)
{
    struct st_edit_entry *e = &list->entries[k];
    e->fade_from = e->from - fade.before;
    e->fade_frames = (int)(fade.before + fade.after);
}

void st_edit_list_set_fade(struct st_edit_list *list, size_t k, int frames)
{
    struct fade fade = laid(list, k, frames);
    if (list->entries[k - 1].speech == list->entries[k].speech) {
        struct fade room = room_of(list, k, true);
        if (!fits(&fade, &room, frames)) {
            room = room_of(list, k, false);
            fits(&fade, &room, frames);
        }
    }
    put_fade(list, k, fade);
}

int st_edit_list_yield_fade(struct st_edit_list *list, size_t k, size_t from)
{
    struct fade fade = fade_of(list, k);
    const struct fade room = room_of(list, k, false);
    assert(from == k || from + 1 == k);
    if (list->entries[k - 1].speech != list->entries[k].speech)
        return 0;
    const int64_t gives = from == k ? smaller(fade.after, room.before - fade.before)
                                    : smaller(fade.before, room.after - fade.after);
    if (gives <= 0)
        return 0;
    fade.before += from == k ? gives : -gives;
    fade.after += from == k ? -gives : gives;
    put_fade(list, k, fade);
    return (int)gives;
}

/* Of a clock that has run for `steps` of a fade of so many frames: the way that it has gone. */
static int64_t way(enum st_edit_pace pace, int64_t steps, int64_t frames)
{
    const int64_t whole = frames + 1;
    if (pace == ST_EDIT_RUNS)
        return steps;
    if (pace == ST_EDIT_RESTS)
        return 0;
    return (steps * (2 * whole - steps) + whole) / (2 * whole); /* to the nearest; halves up */
}

int64_t st_edit_fade_time(const struct st_edit_entry *e, bool comes, int64_t i)
{
    const int64_t last = e->fade_from - 1;
    const int64_t first = e->fade_from + e->fade_frames;
    if (e->pace == ST_EDIT_STOPS)
        return comes == (i >= e->from) ? i : comes ? e->from : e->from - 1;
    return comes ? first - way(e->pace, first - i, e->fade_frames)
                 : last + way(e->pace, i - last, e->fade_frames);
}
