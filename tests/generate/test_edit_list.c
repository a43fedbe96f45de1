/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of the edit list over thousands of sounds and clip sets, frame by frame, and
 * some lists by hand. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "edit_world.h"

#define WORLDS 3000

static void make(struct st_edit_list *list, const struct edit_world *world)
{
    ST_OK(st_edit_list_make(list, &world->set, &world->timeline, &world->settings, err));
    assert_int_equal(list->frames, world->timeline.frames);
}

static void lengths_sum_without_gap_or_overlap(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int n = 0; n < WORLDS; n++) {
        struct edit_world world;
        struct st_edit_list list;
        edit_world_make(&world, 120, 20, &seed);
        make(&list, &world);
        int64_t next = 0;
        for (size_t k = 0; k < list.count; k++) {
            assert_int_equal(list.entries[k].from, next);
            assert_true(list.entries[k].frames > 0);
            next += list.entries[k].frames;
        }
        assert_int_equal(next, list.frames);
        st_edit_list_free(&list);
        edit_world_free(&world);
    }
}

/* What an entry shows is of its stretch's kind, and no entry reaches over a boundary. */
static void kinds_are_those_of_the_sound(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int n = 0; n < WORLDS; n++) {
        struct edit_world world;
        struct st_edit_list list;
        edit_world_make(&world, 120, 20, &seed);
        make(&list, &world);
        for (size_t k = 0; k < list.count; k++) {
            const struct st_edit_entry *e = &list.entries[k];
            const enum st_clip_kind kind = world.clips[e->clip].kind;
            assert_int_equal(kind, e->speech ? ST_CLIP_TALK : ST_CLIP_SILENCE);
            assert_int_equal(e->speech, edit_world_speaks(&world, e->from));
            assert_int_equal(e->speech, edit_world_speaks(&world, e->from + e->frames - 1));
        }
        st_edit_list_free(&list);
        edit_world_free(&world);
    }
}

/* The sound never moves against the picture; speech is lip-synced to its last frame and at
 * full strength against idle pictures; idle pictures are never lip-synced; the outgoing talk
 * clip is, while it fades. */
static void every_frame_hears_its_own_window(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int n = 0; n < WORLDS; n++) {
        struct edit_world world;
        struct st_edit_list list;
        edit_world_make(&world, 120, 20, &seed);
        make(&list, &world);
        for (int64_t i = 0; i < list.frames; i++) {
            const struct st_edit_frame f = st_edit_list_at(&list, i);
            const struct st_clip *clip = &world.clips[f.picture.clip];
            const struct st_clip *other = &world.clips[f.other.clip];
            assert_int_equal(f.window, i);
            assert_in_range(f.picture.frame, 0, clip->frames - 1);
            assert_in_range(f.other.frame, 0, other->frames - 1);
            assert_int_equal(f.picture.sync, edit_world_speaks(&world, i));
            assert_int_equal(f.picture.sync, clip->kind == ST_CLIP_TALK);
            assert_int_equal(f.other.sync, other->kind == ST_CLIP_TALK);
            if (f.fades)
                assert_true(f.weight > 0 && f.weight < 1);
            else
                assert_true(f.weight == 0 && f.other.clip == f.picture.clip);
            if (f.fades && f.picture.sync)
                assert_true(f.other.sync);
        }
        st_edit_list_free(&list);
        edit_world_free(&world);
    }
}

/* Frames of the stretch in which frame i lies. */
static int64_t stretch_of(const struct edit_world *world, int64_t i)
{
    const struct st_stretch *stretch = world->timeline.stretches;
    while (i >= stretch->from + stretch->frames)
        stretch++;
    return stretch->frames;
}

/* An entry begins at one end of its clip and turns at the other; only where the clip is longer
 * than the whole stretch it turns in the middle of that, so that it ends where it began. */
static void check_turn(const struct edit_world *world, const struct st_edit_entry *e)
{
    const int64_t last = world->clips[e->clip].frames - 1;
    const bool cut = stretch_of(world, e->from) <= last;
    const bool hold = world->settings.pad == ST_EDIT_HOLD;
    const int64_t reach = cut && !hold ? e->frames / 2 : last;
    assert_int_equal(e->first, e->backward ? last : 0);
    assert_int_equal(e->turn, e->backward ? last - reach : reach);
    if (hold)
        assert_false(e->backward);
}

/* Within an entry the clip is played frame by frame; only its ends, and the turn of one that is
 * cut, turn or hold. */
static void pictures_move_one_frame_at_a_time(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (int n = 0; n < WORLDS; n++) {
        struct edit_world world;
        struct st_edit_list list;
        edit_world_make(&world, 60, 15, &seed);
        make(&list, &world);
        const bool hold = world.settings.pad == ST_EDIT_HOLD;
        struct st_edit_frame before = st_edit_list_at(&list, 0);
        assert_int_equal(before.picture.frame, 0);
        for (size_t k = 0; k < list.count; k++)
            check_turn(&world, &list.entries[k]);
        for (int64_t i = 1; i < list.frames; i++) {
            const struct st_edit_frame f = st_edit_list_at(&list, i);
            const struct st_edit_entry *e = &list.entries[f.entry];
            const int64_t last = world.clips[f.picture.clip].frames - 1;
            if (f.entry == before.entry) {
                const int64_t step = llabs(f.picture.frame - before.picture.frame);
                const bool stands = last == 0 || (hold && before.picture.frame == last);
                assert_int_equal(step, stands ? 0 : 1);
                if (i - e->from <= llabs(e->turn - e->first))
                    assert_int_equal(f.picture.frame,
                                     e->backward ? last - (i - e->from) : i - e->from);
            } else {
                assert_int_equal(f.picture.frame, e->backward ? last : 0);
            }
            before = f;
        }
        st_edit_list_free(&list);
        edit_world_free(&world);
    }
}

/* The new picture's weight only grows, no fade is longer than asked for, and at least half of
 * each entry is nobody else's: so every pause shows pure idle frames. */
static void check_fades(const struct st_edit_list *list, int longest)
{
    int64_t faded = 0;
    for (int64_t i = 0; i < list->frames; i++) {
        const struct st_edit_frame f = st_edit_list_at(list, i);
        faded = i == list->entries[f.entry].from ? 0 : faded;
        faded += f.fades;
        assert_true(2 * faded <= list->entries[f.entry].frames);
    }
    for (size_t k = 0; k < list->count; k++) {
        const struct st_edit_entry *e = &list->entries[k];
        assert_in_range(e->fade_frames, 0, longest);
        assert_true(e->fade_from <= e->from && e->fade_from + e->fade_frames >= e->from);
        double share = 0;
        for (int64_t i = e->fade_from; i < e->fade_from + e->fade_frames; i++) {
            const struct st_edit_frame f = st_edit_list_at(list, i);
            const double now = f.entry == k ? 1 - f.weight : f.weight;
            assert_true(f.fades && now > share && now < 1);
            assert_int_equal(f.other.clip, list->entries[f.entry == k ? k - 1 : k].clip);
            share = now;
        }
        if (k > 0 && e->speech && !list->entries[k - 1].speech)
            assert_int_equal(e->fade_from + e->fade_frames, e->from);
        if (k > 0 && !e->speech && list->entries[k - 1].speech)
            assert_int_equal(e->fade_from, e->from);
    }
}

static void fades_leave_half_of_each_entry_alone(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int n = 0; n < WORLDS; n++) {
        struct edit_world world;
        struct st_edit_list list;
        edit_world_make(&world, 120, 15, &seed);
        make(&list, &world);
        check_fades(&list, world.settings.transition);
        st_edit_list_free(&list);
        edit_world_free(&world);
    }
}

/* Whatever fades are lengthened, in whatever order: what holds for others holds for them. */
static void longer_fades_keep_to_their_room(void **state)
{
    (void)state;
    uint64_t seed = 25;
    int longer = 0;
    int full = 0;
    for (int n = 0; n < WORLDS; n++) {
        struct edit_world world;
        struct st_edit_list list;
        edit_world_make(&world, 120, 15, &seed);
        make(&list, &world);
        for (size_t tries = 0; tries < 2 * list.count; tries++) {
            const size_t k = st_random_next(&seed) % list.count;
            const bool fair = st_random_next(&seed) % 2;
            const int room = st_edit_list_fade_room(&list, k, fair);
            assert_true(!fair || room <= st_edit_list_fade_room(&list, k, false));
            if (k == 0 || world.settings.transition == 0)
                assert_int_equal(room, 0);
            if (room == 0)
                continue;
            const int now = 1 + (int)(st_random_next(&seed) % (uint64_t)room);
            longer += now > list.entries[k].fade_frames;
            full += now == room;
            st_edit_list_set_fade(&list, k, now);
            assert_int_equal(list.entries[k].fade_frames, now);
        }
        check_fades(&list, ST_EDIT_TRANSITION_MAX);
        st_edit_list_free(&list);
        edit_world_free(&world);
    }
    assert_true(longer > WORLDS && full > WORLDS / 2);
}

/* Fades between clips of one kind that give way keep what all fades keep, and their length. */
static void fades_give_way_within_their_room(void **state)
{
    (void)state;
    uint64_t seed = 26;
    int gave = 0;
    for (int n = 0; n < WORLDS; n++) {
        struct edit_world world;
        struct st_edit_list list;
        edit_world_make(&world, 120, 15, &seed);
        make(&list, &world);
        for (size_t tries = 0; tries < list.count && list.count > 1; tries++) {
            const size_t k = 1 + st_random_next(&seed) % (list.count - 1);
            const size_t from = k - st_random_next(&seed) % 2;
            const struct st_edit_entry before = list.entries[k];
            const int room = st_edit_list_fade_room(&list, k, false);
            const int gives = st_edit_list_yield_fade(&list, k, from);
            const struct st_edit_entry *e = &list.entries[k];
            const int64_t way = from == k ? -gives : gives;
            assert_in_range(gives, 0, before.fade_frames);
            assert_int_equal(e->fade_frames, before.fade_frames);
            assert_int_equal(e->fade_from, before.fade_from + way);
            assert_int_equal(st_edit_list_fade_room(&list, k, false), room);
            assert_true(gives == 0 || e->speech == list.entries[k - 1].speech);
            gave += gives > 0;
        }
        check_fades(&list, world.settings.transition);
        st_edit_list_free(&list);
        edit_world_free(&world);
    }
    assert_true(gave > WORLDS);
}

/* Whatever the sides of fades do: outside fades nothing changes, and in them neither the weights
 * nor whose mouth speaks; a side's clock never runs back, never faster than the video, and is on
 * time where the fade begins or ends. */
static void sides_keep_their_time_outside_fades(void **state)
{
    (void)state;
    uint64_t seed = 27;
    for (int n = 0; n < WORLDS; n++) {
        struct edit_world world;
        struct st_edit_list list;
        edit_world_make(&world, 120, 15, &seed);
        make(&list, &world);
        for (size_t k = 1; k < list.count; k++) {
            struct st_edit_entry *e = &list.entries[k];
            for (int pace = 0; pace < ST_EDIT_PACES; pace++) {
                e->pace = (enum st_edit_pace)pace;
                for (int64_t i = e->fade_from; i < e->fade_from + e->fade_frames; i++) {
                    const int64_t old = st_edit_fade_time(e, false, i);
                    const int64_t new = st_edit_fade_time(e, true, i);
                    const bool starts = i == e->fade_from;
                    const bool ends = i + 1 == e->fade_from + e->fade_frames;
                    const int64_t before = starts ? i - 1 : st_edit_fade_time(e, false, i - 1);
                    const int64_t after = ends ? i + 1 : st_edit_fade_time(e, true, i + 1);
                    assert_in_range(old - before, 0, 1);
                    assert_in_range(after - new, 0, 1);
                    assert_true(pace || (old == i && new == i));
                }
            }
            e->pace = (enum st_edit_pace)(st_random_next(&seed) % ST_EDIT_PACES);
        }
        struct st_edit_list running = list;
        running.entries = calloc(list.count, sizeof *running.entries);
        assert_non_null(running.entries);
        for (size_t k = 0; k < list.count; k++) {
            running.entries[k] = list.entries[k];
            running.entries[k].pace = ST_EDIT_RUNS;
        }
        for (int64_t i = 0; i < list.frames; i++) {
            const struct st_edit_frame a = st_edit_list_at(&list, i);
            const struct st_edit_frame b = st_edit_list_at(&running, i);
            assert_true(a.window == i && a.entry == b.entry && a.fades == b.fades);
            assert_true(a.weight == b.weight);
            assert_true(a.picture.clip == b.picture.clip && a.other.clip == b.other.clip);
            assert_true(a.picture.sync == b.picture.sync && a.other.sync == b.other.sync);
            assert_true(a.fades || a.picture.frame == b.picture.frame);
            assert_in_range(a.picture.frame, 0, world.clips[a.picture.clip].frames - 1);
            assert_in_range(a.other.frame, 0, world.clips[a.other.clip].frames - 1);
        }
        free(running.entries);
        st_edit_list_free(&list);
        edit_world_free(&world);
    }
}

/* A list of one stretch after another, by hand; frames of each, speech first. */
static void list_by_hand(struct st_edit_list *list, const struct st_clips *clips,
                         const int64_t *frames, size_t count, struct st_edit_settings settings)
{
    struct st_stretch stretches[4];
    struct st_timeline line = {.stretches = stretches, .count = count};
    for (size_t i = 0; i < count; i++) {
        stretches[i] = (struct st_stretch){line.frames, frames[i], i % 2 == 0};
        line.frames += frames[i];
    }
    ST_OK(st_edit_list_make(list, clips, &line, &settings, err));
}

static void expect_frames(const struct st_edit_list *list, int64_t from, const int64_t *frames,
                          size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(st_edit_list_at(list, from + (int64_t)i).picture.frame, frames[i]);
}

static void padding_by_hand(void **state)
{
    (void)state;
    uint64_t seed = 6;
    struct st_clip clip;
    struct st_edit_list list;
    edit_clip(&clip, 0, ST_CLIP_TALK, 4, &seed);
    const struct st_clips clips = {"core_clips/NAME", &clip, 1};
    struct st_edit_settings bounce = {25, 4, ST_EDIT_BOUNCE}, hold = {25, 4, ST_EDIT_HOLD};

    /* A clip that follows itself turns, and is padded the way it went. */
    list_by_hand(&list, &clips, (int64_t[]){11}, 1, bounce);
    assert_int_equal(list.count, 2);
    assert_int_equal(st_edit_list_padding(&list, 0), 0);
    assert_int_equal(st_edit_list_padding(&list, 1), 3);
    assert_int_equal(list.entries[1].fade_frames, 0);
    expect_frames(&list, 0, (int64_t[]){0, 1, 2, 3, 3, 2, 1, 0, 1, 2, 3}, 11);
    st_edit_list_free(&list);

    list_by_hand(&list, &clips, (int64_t[]){11}, 1, hold);
    expect_frames(&list, 0, (int64_t[]){0, 1, 2, 3, 0, 1, 2, 3, 3, 3, 3}, 11);
    st_edit_list_free(&list);

    /* A clip that is too long goes forth and back; held, it is cut off. */
    list_by_hand(&list, &clips, (int64_t[]){3}, 1, bounce);
    assert_int_equal(st_edit_list_padding(&list, 0), 0);
    expect_frames(&list, 0, (int64_t[]){0, 1, 0}, 3);
    st_edit_list_free(&list);

    list_by_hand(&list, &clips, (int64_t[]){2}, 1, bounce);
    expect_frames(&list, 0, (int64_t[]){0, 1}, 2);
    st_edit_list_free(&list);

    list_by_hand(&list, &clips, (int64_t[]){3}, 1, hold);
    expect_frames(&list, 0, (int64_t[]){0, 1, 2}, 3);
    st_edit_list_free(&list);

    /* A clip of one frame fills anything. */
    clip.frames = 1;
    list_by_hand(&list, &clips, (int64_t[]){5}, 1, bounce);
    assert_int_equal(list.count, 5);
    expect_frames(&list, 0, (int64_t[]){0, 0, 0, 0, 0}, 5);
    st_edit_list_free(&list);
}

/* Ten frames of talk, twenty of silence, ten of talk, from clips just as long, with fades of 4. */
struct pair {
    struct st_clip clips[2];
    struct st_clips set; /* borrows clips */
};

static void pair_by_hand(struct st_edit_list *list, struct pair *pair)
{
    uint64_t seed = 7;
    edit_clip(&pair->clips[0], 0, ST_CLIP_TALK, 10, &seed);
    edit_clip(&pair->clips[1], 1, ST_CLIP_SILENCE, 20, &seed);
    pair->set = (struct st_clips){"core_clips/NAME", pair->clips, 2};
    list_by_hand(list, &pair->set, (int64_t[]){10, 20, 10}, 3,
                 (struct st_edit_settings){25, 4, ST_EDIT_BOUNCE});
}

static void fades_by_hand(void **state)
{
    (void)state;
    struct pair pair;
    struct st_edit_list list;
    pair_by_hand(&list, &pair);

    /* frame, whether it fades, talk frame, tenths of the talk picture */
    const struct {
        int64_t i;
        bool fades;
        int64_t talk, idle;
        double share;
    } want[] = {
        {9, false, 9, 0, 0},    {10, true, 8, 0, 0.8},  {11, true, 7, 1, 0.6},
        {12, true, 6, 2, 0.4},  {13, true, 5, 3, 0.2},  {14, false, 0, 4, 0},
        {25, false, 0, 15, 0},  {26, true, 4, 16, 0.2}, {27, true, 3, 17, 0.4},
        {28, true, 2, 18, 0.6}, {29, true, 1, 19, 0.8}, {30, false, 0, 0, 0},
    };
    for (size_t n = 0; n < sizeof want / sizeof *want; n++) {
        const struct st_edit_frame f = st_edit_list_at(&list, want[n].i);
        assert_int_equal(f.fades, want[n].fades);
        assert_int_equal(f.picture.frame, f.picture.clip == 0 ? want[n].talk : want[n].idle);
        assert_true(fabs(f.weight - want[n].share) < 1e-12);
        if (f.fades) {
            assert_int_equal(f.other.clip, 0);
            assert_int_equal(f.other.frame, want[n].talk);
            assert_true(f.other.sync && !f.picture.sync);
        }
    }
    st_edit_list_free(&list);
}

static void sides_of_fades_by_hand(void **state)
{
    (void)state;
    struct pair pair;
    struct st_edit_list list;
    pair_by_hand(&list, &pair);

    /* Frames of either clip from output frame 10 on, and from 26 on. */
    const struct {
        int64_t old[4], new[4], leaves[4], comes[4];
    } want[ST_EDIT_PACES] = {
        [ST_EDIT_RUNS] = {{8, 7, 6, 5}, {0, 1, 2, 3}, {16, 17, 18, 19}, {4, 3, 2, 1}},
        [ST_EDIT_STOPS] = {{9, 9, 9, 9}, {0, 1, 2, 3}, {16, 17, 18, 19}, {0, 0, 0, 0}},
        [ST_EDIT_SLOWS] = {{8, 7, 7, 7}, {2, 2, 2, 3}, {16, 17, 17, 17}, {2, 2, 2, 1}},
        [ST_EDIT_RESTS] = {{9, 9, 9, 9}, {4, 4, 4, 4}, {15, 15, 15, 15}, {0, 0, 0, 0}},
    };
    for (int pace = 0; pace < ST_EDIT_PACES; pace++) {
        for (size_t k = 1; k < 3; k++)
            list.entries[k].pace = (enum st_edit_pace)pace;
        for (int64_t i = 0; i < 4; i++) {
            const struct st_edit_frame in = st_edit_list_at(&list, 10 + i);
            const struct st_edit_frame out = st_edit_list_at(&list, 26 + i);
            assert_int_equal(in.other.frame, want[pace].old[i]);
            assert_int_equal(in.picture.frame, want[pace].new[i]);
            assert_int_equal(out.picture.frame, want[pace].leaves[i]);
            assert_int_equal(out.other.frame, want[pace].comes[i]);
        }
    }
    st_edit_list_free(&list);
}

static void expect_refusal(const struct st_clips *clips, bool speech, int transition,
                           synctalk_status status, const char *word)
{
    struct st_edit_list list;
    struct st_stretch stretch = {0, 50, speech};
    struct st_timeline line = {50, &stretch, 1};
    struct st_edit_settings settings = {25, transition, ST_EDIT_BOUNCE};
    synctalk_error err = {0};

    assert_int_equal(st_edit_list_make(&list, clips, &line, &settings, &err), status);
    assert_int_equal(list.entries != NULL, status == SYNCTALK_OK);
    if (status && !strstr(err.message, word))
        fail_msg("\"%s\" does not say \"%s\"", err.message, word);
    st_edit_list_free(&list);
}

static void faults_are_told_in_sentences(void **state)
{
    (void)state;
    uint64_t seed = 8;
    struct st_clip pair[2];
    edit_clip(&pair[0], 0, ST_CLIP_TALK, 10, &seed);
    edit_clip(&pair[1], 1, ST_CLIP_SILENCE, 20, &seed);
    struct st_clips both = {"core_clips/NAME", pair, 2};
    const struct st_clips talk = {"core_clips/NAME", pair, 1};
    const struct st_clips idle = {"core_clips/NAME", pair + 1, 1};
    const struct st_clips none = {"core_clips/NAME", NULL, 0};

    expect_refusal(&idle, true, 4, SYNCTALK_E_MISSING, "core_clips/NAME: no talk clip");
    expect_refusal(&talk, false, 4, SYNCTALK_E_MISSING, "core_clips/NAME: no silence clip");
    expect_refusal(&none, true, 4, SYNCTALK_E_MISSING, "core_clips/NAME: no talk clip");
    expect_refusal(&talk, true, 4, SYNCTALK_OK, "");
    expect_refusal(&idle, false, 4, SYNCTALK_OK, "");
    expect_refusal(&both, true, -1, SYNCTALK_E_ARG, "--transition -1");
    expect_refusal(&both, true, 251, SYNCTALK_E_ARG, "250");
    pair[1].frames = 0;
    expect_refusal(&both, true, 4, SYNCTALK_E_FORMAT, "01 silence \"20\": the clip has no frames");
    pair[1].frames = ST_CLIP_FRAMES_MAX + 1;
    expect_refusal(&both, true, 4, SYNCTALK_E_FORMAT, "16777217");
    both.count = ST_CLIPS_MAX + 1;
    expect_refusal(&both, true, 4, SYNCTALK_E_ARG, "16385 clips");
}

static void kinds_are_read_off_names(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int kind; /* -1: refused */
    } names[] = {
        {"02,08s talk.mp4", ST_CLIP_TALK},
        {"AD2_silence_2s.mp4", ST_CLIP_SILENCE},
        {"IDLE 3", ST_CLIP_SILENCE},
        {"a_Silence", ST_CLIP_SILENCE},
        {"TALK-1", ST_CLIP_TALK},
        {"Idle_talking_head", ST_CLIP_TALK},
        {"walk", -1},
        {"", -1},
        {"tal k", -1},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        enum st_clip_kind kind = ST_CLIP_KINDS;
        synctalk_error err = {0};
        const synctalk_status st = st_clip_kind_of(&kind, "core_clips/N", names[i].name, &err);
        assert_int_equal(st, names[i].kind < 0 ? SYNCTALK_E_FORMAT : SYNCTALK_OK);
        if (st)
            assert_non_null(strstr(err.message, "core_clips/N/"));
        else
            assert_int_equal(kind, names[i].kind);
    }
}

static void rows_say_what_is_played(void **state)
{
    (void)state;
    uint64_t seed = 9;
    struct st_clip pair[2];
    struct st_edit_list list;
    char text[400];
    edit_clip(&pair[0], 0, ST_CLIP_TALK, 100, &seed);
    edit_clip(&pair[1], 1, ST_CLIP_SILENCE, 20, &seed);
    const struct st_clips clips = {"core_clips/NAME", pair, 2};
    list_by_hand(&list, &clips, (int64_t[]){210, 15}, 2,
                 (struct st_edit_settings){25, 4, ST_EDIT_BOUNCE});
    list.entries[2].joint = 0.0625;
    const char *want[] = {
        "  0:00:00.00     100  speech   0-99                   -     -      -  00 talk \"100\"",
        "  0:00:04.00     110  speech   99-0           10 bounce     -  0.000  00 talk \"100\"",
        "  0:00:08.40      15  silence  19-12-19               -     4  0.062  01 silence \"20\"",
    };
    assert_int_equal(list.count, 3);
    for (size_t k = 0; k < 3; k++) {
        st_edit_list_row(&list, k, text, sizeof text);
        assert_string_equal(text, want[k]);
    }
    /* The head's columns end or begin where those of the rows do. */
    assert_int_equal(strstr(st_edit_list_head(), "clip") - st_edit_list_head(),
                     strstr(want[0], "00 talk") - want[0]);
    assert_int_equal(strstr(st_edit_list_head(), "frames") - st_edit_list_head() + 6,
                     strstr(want[0], "100") - want[0] + 3);
    assert_int_equal(strstr(st_edit_list_head(), "plays") - st_edit_list_head(),
                     strstr(want[0], "0-99") - want[0]);
    st_edit_list_row(&list, 0, text, 10);
    assert_int_equal(strlen(text), 9);
    st_edit_list_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_sum_without_gap_or_overlap),
        cmocka_unit_test(kinds_are_those_of_the_sound),
        cmocka_unit_test(every_frame_hears_its_own_window),
        cmocka_unit_test(pictures_move_one_frame_at_a_time),
        cmocka_unit_test(fades_leave_half_of_each_entry_alone),
        cmocka_unit_test(longer_fades_keep_to_their_room),
        cmocka_unit_test(fades_give_way_within_their_room),
        cmocka_unit_test(sides_keep_their_time_outside_fades),
        cmocka_unit_test(padding_by_hand),
        cmocka_unit_test(fades_by_hand),
        cmocka_unit_test(sides_of_fades_by_hand),
        cmocka_unit_test(faults_are_told_in_sentences),
        cmocka_unit_test(kinds_are_read_off_names),
        cmocka_unit_test(rows_say_what_is_played),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
