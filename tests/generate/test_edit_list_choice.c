/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of clips against trying everything, and its cost at the limits. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "edit_world.h"
#include "face/similarity.h"

#define SMALL_FRAMES 40 /* of a stretch that is tried in full */

/* Smaller is better, the first number first. */
struct cost {
    int64_t pad, repeats, clips;
};

static bool is_less(struct cost a, struct cost b)
{
    if (a.pad != b.pad)
        return a.pad < b.pad;
    return a.repeats != b.repeats ? a.repeats < b.repeats : a.clips < b.clips;
}

static bool is_equal(struct cost a, struct cost b)
{
    return a.pad == b.pad && a.repeats == b.repeats && a.clips == b.clips;
}

/* The best there is for `left` frames after clip `before` (-1: none), by trying every sequence
 * of clips. A stretch without any clip cannot be padded, so it needs one more step: see below. */
static struct cost try_all(const struct st_clips *set, enum st_clip_kind kind, int64_t left,
                           int before)
{
    struct cost best = {left, 0, 0};
    for (size_t i = 0; i < set->count; i++) {
        const struct st_clip *clip = &set->clips[i];
        if (clip->kind != kind || clip->frames > left)
            continue;
        struct cost cost = try_all(set, kind, left - clip->frames, (int)i);
        cost.clips++;
        cost.repeats += before == (int)i;
        if (is_less(cost, best))
            best = cost;
    }
    return best;
}

/* The same, remembering what was tried: [left][before + 1]. */
struct memory {
    struct cost cost[SMALL_FRAMES + 1][EDIT_CLIPS + 1];
    bool known[SMALL_FRAMES + 1][EDIT_CLIPS + 1];
};

static struct cost try_once(struct memory *memory, const struct st_clips *set,
                            enum st_clip_kind kind, int64_t left, int before)
{
    if (memory->known[left][before + 1])
        return memory->cost[left][before + 1];
    struct cost best = {left, 0, 0};
    for (size_t i = 0; i < set->count; i++) {
        const struct st_clip *clip = &set->clips[i];
        if (clip->kind != kind || clip->frames > left)
            continue;
        struct cost cost = try_once(memory, set, kind, left - clip->frames, (int)i);
        cost.clips++;
        cost.repeats += before == (int)i;
        if (is_less(cost, best))
            best = cost;
    }
    memory->known[left][before + 1] = true;
    memory->cost[left][before + 1] = best;
    return best;
}

/* Cost of the entries that fill one stretch, and where they end. */
static struct cost cost_of(const struct st_edit_list *list, const struct st_stretch *stretch,
                           size_t *k)
{
    struct cost cost = {0, 0, 0};
    int before = -1;
    while (*k < list->count && list->entries[*k].from < stretch->from + stretch->frames) {
        cost.pad += st_edit_list_padding(list, *k);
        cost.clips++;
        cost.repeats += list->entries[*k].clip == before;
        before = list->entries[*k].clip;
        (*k)++;
    }
    return cost;
}

static void small_world(struct edit_world *world, struct st_stretch *stretches, int64_t shortest,
                        int64_t longest, int64_t frames, uint64_t *seed)
{
    memset(world, 0, sizeof *world);
    const size_t talk = 1 + st_random_next(seed) % 4, idle = 1 + st_random_next(seed) % 3;
    if (st_random_next(seed) % 2) /* few lengths, so that much fits equally */
        longest = shortest + 2;
    for (size_t i = 0; i < talk + idle; i++)
        edit_clip(&world->clips[i], (int)i, i < talk ? ST_CLIP_TALK : ST_CLIP_SILENCE,
                  shortest + (int64_t)(st_random_next(seed) % (uint64_t)(longest - shortest + 1)),
                  seed);
    world->set = (struct st_clips){"core_clips/NAME", world->clips, talk + idle};
    world->settings = (struct st_edit_settings){
        25, ST_EDIT_TRANSITION, st_random_next(seed) % 2 ? ST_EDIT_BOUNCE : ST_EDIT_HOLD};
    world->timeline =
        (struct st_timeline){.stretches = stretches, .count = 1 + st_random_next(seed) % 4};
    for (size_t i = 0; i < world->timeline.count; i++) {
        const int64_t n = 1 + (int64_t)(st_random_next(seed) % (uint64_t)frames);
        stretches[i] = (struct st_stretch){world->timeline.frames, n, i % 2 == 0};
        world->timeline.frames += n;
    }
}

static enum st_clip_kind kind_of(const struct st_stretch *stretch)
{
    return stretch->speech ? ST_CLIP_TALK : ST_CLIP_SILENCE;
}

static int64_t shortest_of(const struct st_clips *set, enum st_clip_kind kind)
{
    int64_t shortest = INT64_MAX;
    for (size_t i = 0; i < set->count; i++) {
        if (set->clips[i].kind == kind && set->clips[i].frames < shortest)
            shortest = set->clips[i].frames;
    }
    return shortest;
}

/* Least to pad, then no clip twice in a row where another sequence fits as well, then fewest. */
static void nothing_fits_better(void **state)
{
    (void)state;
    uint64_t seed = 11;
    int cut = 0, padded = 0, repeated = 0;
    for (int n = 0; n < 4000; n++) {
        struct edit_world world;
        struct st_stretch stretches[4];
        struct st_edit_list list;
        small_world(&world, stretches, 2, 11, 16, &seed);
        ST_OK(st_edit_list_make(&list, &world.set, &world.timeline, &world.settings, err));
        size_t k = 0;
        for (size_t s = 0; s < world.timeline.count; s++) {
            const struct st_stretch *stretch = &stretches[s];
            struct cost want = try_all(&world.set, kind_of(stretch), stretch->frames, -1);
            if (stretch->frames < shortest_of(&world.set, kind_of(stretch)))
                want = (struct cost){0, 0, 1}; /* cut: nothing to pad */
            const struct cost got = cost_of(&list, stretch, &k);
            if (!is_equal(got, want))
                fail_msg("%d frames: pad %d, repeats %d, clips %d; %d, %d, %d is possible",
                         (int)stretch->frames, (int)got.pad, (int)got.repeats, (int)got.clips,
                         (int)want.pad, (int)want.repeats, (int)want.clips);
            cut += stretch->frames < shortest_of(&world.set, kind_of(stretch));
            padded += got.pad > 0;
            repeated += got.repeats > 0;
        }
        st_edit_list_free(&list);
    }
    /* All three kinds of stretch were among them. */
    assert_true(cut > 300 && padded > 300 && repeated > 300);
}

/* Landmark distance by the plain formula; 5 points or none. */
static double distance(const struct st_landmarks *a, const struct st_landmarks *b)
{
    if (a->count == 0 || b->count == 0)
        return INFINITY;
    const struct st_face_place p = st_face_place_of(a), q = st_face_place_of(b);
    double sum = 0;
    for (int i = 0; i < 5; i++)
        sum += hypot((double)a->points[i].x - (double)b->points[i].x,
                     (double)a->points[i].y - (double)b->points[i].y);
    return sum / 5 / ((p.size + q.size) / 2);
}

/* The landmarks with which entry k ends, as its last frame is nearer to one end. */
static const struct st_landmarks *face_after(const struct st_edit_list *list, size_t k)
{
    const struct st_edit_entry *e = &list->entries[k];
    const struct st_clip *clip = &list->clips->clips[e->clip];
    const int64_t frame = st_edit_list_at(list, e->from + e->frames - 1).picture.frame;
    return 2 * frame < clip->frames ? &clip->first : &clip->last;
}

/* Of a clip's two ends the one that is nearer to a face, where it may be played either way. */
static double distance_to_ends(const struct st_landmarks *before, const struct st_clip *clip,
                               bool both_ways)
{
    const double first = distance(before, &clip->first);
    return both_ways ? fmin(first, distance(before, &clip->last)) : first;
}

/* A turn: entry k, chosen when so many frames were left after clip `before` of the stretch. */
struct turn {
    const struct edit_world *world;
    const struct st_edit_list *list;
    struct memory *memory; /* of the stretch */
    size_t k;
    int64_t left;
    int before, just_played; /* -1: none */
    bool cut;
};

static bool keeps_the_rest_as_good(const struct turn *t, int i)
{
    const struct st_clips *set = &t->world->set;
    const enum st_clip_kind kind = set->clips[t->list->entries[t->k].clip].kind;
    const struct st_clip *clip = &set->clips[i];
    if (clip->kind != kind || (!t->cut && clip->frames > t->left))
        return false;
    if (t->cut)
        return true;
    const struct cost best = try_once(t->memory, set, kind, t->left, t->before);
    struct cost cost = try_once(t->memory, set, kind, t->left - clip->frames, i);
    cost.clips++;
    cost.repeats += t->before == i;
    return is_equal(cost, best);
}

/* Of the clips that keep the rest as good none is nearer with either end, unless it just played.
 * Returns how many others there were. */
static int check_turn(const struct turn *t)
{
    const struct st_clip *clips = t->world->clips;
    const struct st_edit_entry *e = &t->list->entries[t->k];
    const bool both_ways = t->world->settings.pad == ST_EDIT_BOUNCE;
    const struct st_landmarks *face = t->k ? face_after(t->list, t->k - 1) : NULL;
    const struct st_clip *shown = &clips[e->clip];
    const double own = face ? distance(face, e->backward ? &shown->last : &shown->first) : 0;
    int others = 0;
    for (int i = 0; i < (int)t->world->set.count; i++) {
        if (!keeps_the_rest_as_good(t, i))
            continue;
        others += e->clip != i;
        const bool played = t->just_played == i;
        const bool own_played = t->just_played == e->clip;
        assert_true(played || !own_played);
        if (played == own_played && face)
            assert_true(distance_to_ends(face, &clips[i], both_ways) >= own - 1e-9);
    }
    if (face && e->clip != e[-1].clip) {
        assert_true(own == distance_to_ends(face, shown, both_ways));
        assert_true(!isfinite(own) || fabs(own - e->joint) < 1e-9);
    }
    return others;
}

static void each_join_is_the_nearest_of_equals(void **state)
{
    (void)state;
    uint64_t seed = 12;
    struct memory *memory = malloc(sizeof *memory);
    int choices = 0;
    int backward = 0;
    assert_non_null(memory);
    for (int n = 0; n < 1500; n++) {
        struct edit_world world;
        struct st_stretch stretches[4];
        struct st_edit_list list;
        int just_played[ST_CLIP_KINDS] = {-1, -1};
        small_world(&world, stretches, 2 + n % 5, 12, SMALL_FRAMES, &seed);
        ST_OK(st_edit_list_make(&list, &world.set, &world.timeline, &world.settings, err));
        size_t k = 0;
        for (size_t s = 0; s < world.timeline.count; s++) {
            const enum st_clip_kind kind = kind_of(&stretches[s]);
            int64_t left = stretches[s].frames;
            const bool cut = left < shortest_of(&world.set, kind);
            int before = -1;
            memset(memory, 0, sizeof *memory);
            const struct cost all = try_once(memory, &world.set, kind, left, -1);
            for (; k < list.count && list.entries[k].from < stretches[s].from + stretches[s].frames;
                 k++) {
                const struct st_edit_entry *e = &list.entries[k];
                const struct turn turn = {&world, &list, memory, k, left, before, just_played[kind],
                                          cut};
                choices += check_turn(&turn);
                backward += e->backward;
                before = just_played[kind] = e->clip;
                left -= cut ? left : world.clips[e->clip].frames;
            }
            assert_int_equal(left, cut ? 0 : all.pad);
        }
        st_edit_list_free(&list);
    }
    assert_true(choices > 4000); /* that another clip would have been as good */
    assert_true(backward > 1000);
    free(memory);
}

/* The face of a clip's frame lies where frame and clip say. */
static synctalk_status read_face(const struct st_clip_faces *faces, int64_t frame,
                                 struct st_landmarks *landmarks, synctalk_error *err)
{
    (void)faces;
    (void)err;
    *landmarks = (struct st_landmarks){.count = 5};
    for (int i = 0; i < 5; i++)
        landmarks->points[i] = (struct st_point){(float)(frame + 100 * (i % 2)), (float)(50 * i)};
    return SYNCTALK_OK;
}

/* Guards a joint that is chosen by the end of a clip, where padding stops in its middle. */
static void joints_are_chosen_by_the_frame_that_is_shown(void **state)
{
    (void)state;
    const struct st_clip_faces faces = {read_face};
    struct st_clip clips[] = {
        {.name = "talk", .kind = ST_CLIP_TALK, .frames = 40, .faces = &faces},
        {.name = "idle of the end", .kind = ST_CLIP_SILENCE, .frames = 30},
        {.name = "idle of the middle", .kind = ST_CLIP_SILENCE, .frames = 30},
    };
    const struct st_clips set = {"core_clips/NAME", clips, 3};
    struct st_stretch stretches[] = {{0, 40, true}, {40, 30, false}};
    struct st_timeline line = {70, stretches, 2};
    const struct st_edit_settings settings = {25, 4, ST_EDIT_BOUNCE};
    struct st_edit_list list;
    ST_OK(read_face(NULL, 0, &clips[0].first, err));
    ST_OK(read_face(NULL, 39, &clips[0].last, err));
    ST_OK(read_face(NULL, 39, &clips[1].first, err));
    ST_OK(read_face(NULL, 60, &clips[1].last, err));
    ST_OK(read_face(NULL, 60, &clips[2].first, err));
    ST_OK(read_face(NULL, 24, &clips[2].last, err));

    ST_OK(st_edit_list_make(&list, &set, &line, &settings, err));
    assert_int_equal(list.entries[1].clip, 1);
    assert_true(list.entries[1].joint == 0 && !list.entries[1].backward);
    st_edit_list_free(&list);

    /* Fifteen frames of padding end on frame 24. */
    stretches[0].frames = stretches[1].from = 55;
    line.frames = 85;
    ST_OK(st_edit_list_make(&list, &set, &line, &settings, err));
    assert_int_equal(list.count, 2);
    assert_int_equal(st_edit_list_at(&list, 54).picture.frame, 24);
    assert_int_equal(list.entries[1].clip, 2);
    assert_true(list.entries[1].joint == 0 && list.entries[1].backward);
    assert_int_equal(st_edit_list_at(&list, 70).picture.frame, 14);
    st_edit_list_free(&list);
}

/* Of clips that fit equally, all come to their turn where no landmarks tell them apart. */
static void clips_without_faces_take_turns(void **state)
{
    (void)state;
    uint64_t seed = 13;
    struct st_clip clips[5];
    struct st_clips set = {"core_clips/NAME", clips, 5};
    struct st_stretch stretch = {0, 100, true};
    struct st_timeline line = {100, &stretch, 1};
    struct st_edit_settings settings = {25, 4, ST_EDIT_BOUNCE};
    struct st_edit_list list;
    for (int i = 0; i < 5; i++) {
        edit_clip(&clips[i], i, ST_CLIP_TALK, 10, &seed);
        clips[i].first.count = clips[i].last.count = 0;
    }
    ST_OK(st_edit_list_make(&list, &set, &line, &settings, err));
    assert_int_equal(list.count, 10);
    for (size_t k = 0; k < list.count; k++)
        assert_int_equal(list.entries[k].clip, k % 5);
    st_edit_list_free(&list);
}

/* A drawn face of all points, so that distances cost what they cost. */
static void full_face(struct st_landmarks *face, uint64_t *seed)
{
    const float x = 20 * st_random_unit(seed), y = 20 * st_random_unit(seed);
    face->count = 110;
    for (int i = 0; i < face->count; i++)
        face->points[i] = (struct st_point){500 + x + (float)(i % 10) * 20 + st_random_unit(seed),
                                            300 + y + (float)(i / 10) * 25 + st_random_unit(seed)};
}

/* Guards against a search whose cost is beyond any patience: ten hours of speech without a
 * pause, then with one every ten seconds, from 5000 clips of 2500 lengths. */
static void ten_hours_from_thousands_of_clips(void **state)
{
    (void)state;
    const size_t count = 5000, pauses = 7200;
    const int64_t frames = 900000;
    uint64_t seed = 14;
    struct st_clip *clips = calloc(count, sizeof *clips);
    struct st_stretch *stretches = calloc(pauses, sizeof *stretches);
    struct st_edit_settings settings = {25, 4, ST_EDIT_BOUNCE};
    assert_true(clips && stretches);
    for (size_t i = 0; i < count; i++) {
        edit_clip(&clips[i], (int)i, i % 3 ? ST_CLIP_TALK : ST_CLIP_SILENCE,
                  25 + (int64_t)(st_random_next(&seed) % 2500), &seed);
        full_face(&clips[i].first, &seed);
        full_face(&clips[i].last, &seed);
    }
    const struct st_clips set = {"core_clips/NAME", clips, count};
    for (size_t i = 0; i < pauses; i++)
        stretches[i] = (struct st_stretch){(int64_t)i * 125, 125, i % 2 == 0};

    struct st_stretch whole = {0, frames, true};
    struct st_timeline lines[] = {{frames, &whole, 1}, {frames, stretches, pauses}};
    for (size_t n = 0; n < 2; n++) {
        struct st_edit_list list;
        ST_OK(st_edit_list_make(&list, &set, &lines[n], &settings, err));
        int64_t sum = 0;
        for (size_t k = 0; k < list.count; k++) {
            sum += list.entries[k].frames;
            assert_int_equal(st_edit_list_padding(&list, k), 0);
        }
        assert_int_equal(sum, frames);
        assert_int_equal(st_edit_list_at(&list, frames - 1).window, frames - 1);
        st_edit_list_free(&list);
    }
    free(stretches);
    free(clips);
}

/* The other extreme: many entries, few choices. */
static void ten_hours_from_the_shortest_clips(void **state)
{
    (void)state;
    uint64_t seed = 15;
    struct st_clip clips[2];
    edit_clip(&clips[0], 0, ST_CLIP_TALK, 1, &seed);
    edit_clip(&clips[1], 1, ST_CLIP_TALK, 2, &seed);
    for (size_t count = 1; count <= 2; count++) {
        const struct st_clips set = {"core_clips/NAME", clips, count};
        struct st_stretch whole = {0, 900000, true};
        struct st_timeline line = {900000, &whole, 1};
        struct st_edit_settings settings = {25, 4, ST_EDIT_BOUNCE};
        struct st_edit_list list;
        ST_OK(st_edit_list_make(&list, &set, &line, &settings, err));
        assert_int_equal(list.count, count == 1 ? 900000 : 600000);
        assert_int_equal(st_edit_list_at(&list, 899999).entry, list.count - 1);
        st_edit_list_free(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_fits_better),
        cmocka_unit_test(each_join_is_the_nearest_of_equals),
        cmocka_unit_test(joints_are_chosen_by_the_frame_that_is_shown),
        cmocka_unit_test(clips_without_faces_take_turns),
        cmocka_unit_test(ten_hours_from_thousands_of_clips),
        cmocka_unit_test(ten_hours_from_the_shortest_clips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
