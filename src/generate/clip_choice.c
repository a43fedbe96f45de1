/* SPDX-License-Identifier: Apache-2.0 */
/* A cost is (clips that follow themselves) x 2^32 + (clips), so that comparing two costs
 * compares the first before the second, and adding them adds both. */
#include "generate/clip_choice.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

#define COST_CLIP UINT64_C(1)
#define COST_REPEAT (UINT64_C(1) << 32)
#define COST_NONE (UINT64_MAX / 2) /* cannot be filled; one clip more is still no less */

/* Clips of one length: order[from] ... order[from + count - 1]. */
struct length {
    int64_t frames;
    size_t from, count;
};

/* Filling r frames, whatever was before: the least cost, the length it begins with, and the
 * least cost of those that begin with another length. */
struct fill {
    uint64_t best, other;
    int32_t first; /* -1: none */
};

struct st_clip_choice {
    const struct st_clips *clips;        /* borrows */
    const struct st_clip_places *places; /* borrows; [clips] */
    int *order;                          /* owns; clips of the kind, longest first */
    size_t *length_of;                   /* owns; [clips of the kind], as order */
    struct length *lengths;              /* owns; longest first */
    size_t n_lengths;
    size_t n_clips;     /* of the kind */
    struct fill *fills; /* owns; [longest + 1] */
    int64_t *last_used; /* owns; [clips]: turn of its last use, 0: none */
    int64_t turn;       /* clips handed out */
    int last_played;    /* of the kind; -1: none */
    int before;         /* clip before in this stretch; -1: none */
    size_t before_length;
    int64_t left; /* frames that are still to be filled by whole clips */
    bool cut;     /* the stretch is one cut clip, not yet handed out */
};

/* Cost of what follows a clip of length `l` when r frames are left after it. */
static uint64_t cost_after(const struct st_clip_choice *choice, int64_t r, size_t l)
{
    const struct fill *fill = &choice->fills[r];
    if (r == 0)
        return 0;
    if (choice->lengths[l].count > 1 || fill->first != (int32_t)l)
        return fill->best;
    const uint64_t again = fill->best + COST_REPEAT;
    return fill->other < again ? fill->other : again;
}

/* Bounds on sequences in which no clip follows itself: the longest clip in turn with the
 * next. */
struct bound {
    int64_t longest, pair;
};

static struct bound bound_of(const struct st_clip_choice *choice, size_t l)
{
    const struct length *top = &choice->lengths[l];
    const bool lone = top->count == 1 && l + 1 < choice->n_lengths;
    return (struct bound){top->frames, top->frames + (lone ? top[1].frames : top->frames)};
}

/* No fewer clips fill r frames. */
static uint64_t fewest_clips(const struct bound *bound, int64_t r)
{
    const int64_t rest = r % bound->pair;
    return (uint64_t)(2 * (r / bound->pair) + (rest > 0) + (rest > bound->longest));
}

/* No more frames are filled by this many clips. */
static int64_t most_frames(const struct bound *bound, uint64_t clips)
{
    return (int64_t)(clips / 2) * bound->pair + (int64_t)(clips % 2) * bound->longest;
}

/* Fill table entry r, those below it being there. Lengths from `l` on are no longer than r. */
static void fill_entry(struct st_clip_choice *choice, int64_t r, size_t l,
                       const struct bound *bound)
{
    struct fill fill = {COST_NONE, COST_NONE, -1};
    const uint64_t least = fewest_clips(bound, r);
    int64_t shortest = 0; /* a shorter first clip cannot be better than the two at hand */

    for (; l < choice->n_lengths; l++) {
        const int64_t frames = choice->lengths[l].frames;
        if (frames < shortest || fill.other <= least)
            break;
        uint64_t cost = COST_CLIP + cost_after(choice, r - frames, l);
        if (cost >= fill.other)
            continue;
        if (cost < fill.best) {
            fill.other = fill.best;
            fill.best = cost;
            fill.first = (int32_t)l;
        } else {
            fill.other = cost;
        }
        if (fill.other < COST_REPEAT)
            shortest = r - most_frames(bound, fill.other - 2);
    }
    choice->fills[r] = fill;
}

/* Of all lengths; there is one at least. */
static int64_t common_divisor(const struct st_clip_choice *choice)
{
    int64_t a = choice->lengths[0].frames;
    for (size_t l = 1; l < choice->n_lengths; l++) {
        for (int64_t b = choice->lengths[l].frames; b != 0;) {
            const int64_t rest = a % b;
            a = b;
            b = rest;
        }
    }
    return a;
}

static synctalk_status fill_table(struct st_clip_choice *choice, int64_t longest,
                                  synctalk_error *err)
{
    size_t bytes;

    assert(longest >= 1 && choice->n_clips > 0);
    if (!st_mul_size((size_t)longest + 1, sizeof *choice->fills, &bytes) ||
        !(choice->fills = malloc(bytes)))
        return st_fail_memory(err, "a plan of clips", (unsigned long long)longest);
    choice->fills[0] = (struct fill){0, 0, -1};
    size_t l = choice->n_lengths;
    struct bound bound = {1, 2};
    const int64_t step = common_divisor(choice); /* clips fill its multiples alone */
    int64_t multiple = step;
    for (int64_t r = 1; r <= longest; r++) {
        choice->fills[r] = (struct fill){COST_NONE, COST_NONE, -1};
        if (r != multiple)
            continue;
        multiple += step;
        while (l > 0 && choice->lengths[l - 1].frames <= r)
            bound = bound_of(choice, --l);
        fill_entry(choice, r, l, &bound);
    }
    return SYNCTALK_OK;
}

struct by_length {
    int64_t frames;
    int clip;
};

static int longest_first(const void *a, const void *b)
{
    const struct by_length *p = a, *q = b;
    if (p->frames != q->frames)
        return p->frames > q->frames ? -1 : 1;
    return p->clip < q->clip ? -1 : p->clip > q->clip;
}

/* Order, lengths and which length each clip has. */
static synctalk_status sort_clips(struct st_clip_choice *choice, enum st_clip_kind kind,
                                  synctalk_error *err)
{
    const struct st_clips *clips = choice->clips;
    struct by_length *sorted = calloc(clips->count, sizeof *sorted);
    choice->order = calloc(clips->count, sizeof *choice->order);
    choice->length_of = calloc(clips->count, sizeof *choice->length_of);
    choice->lengths = calloc(clips->count, sizeof *choice->lengths);
    choice->last_used = calloc(clips->count, sizeof *choice->last_used);
    if (!sorted || !choice->order || !choice->length_of || !choice->lengths || !choice->last_used) {
        free(sorted);
        return st_fail_memory(err, "an index of clips", (unsigned long long)clips->count);
    }

    for (size_t i = 0; i < clips->count; i++) {
        if (clips->clips[i].kind == kind)
            sorted[choice->n_clips++] = (struct by_length){clips->clips[i].frames, (int)i};
    }
    qsort(sorted, choice->n_clips, sizeof *sorted, longest_first);
    for (size_t k = 0; k < choice->n_clips; k++) {
        if (k == 0 || sorted[k].frames != sorted[k - 1].frames)
            choice->lengths[choice->n_lengths++] = (struct length){sorted[k].frames, k, 0};
        choice->lengths[choice->n_lengths - 1].count++;
        choice->length_of[k] = choice->n_lengths - 1;
        choice->order[k] = sorted[k].clip;
    }
    free(sorted);
    return SYNCTALK_OK;
}

synctalk_status st_clip_choice_create(struct st_clip_choice **out, const struct st_clips *clips,
                                      const struct st_clip_places *places, enum st_clip_kind kind,
                                      int64_t longest, synctalk_error *err)
{
    synctalk_status st;
    struct st_clip_choice *choice = calloc(1, sizeof *choice);

    *out = NULL;
    if (!choice)
        return st_fail_memory(err, "a choice of clips", sizeof *choice);
    choice->clips = clips;
    choice->places = places;
    choice->last_played = -1;
    if ((st = sort_clips(choice, kind, err)) || (st = fill_table(choice, longest, err)))
        goto done;
    *out = choice;
    choice = NULL;

done:
    st_clip_choice_destroy(&choice);
    return st;
}

void st_clip_choice_destroy(struct st_clip_choice **choice)
{
    if (!choice || !*choice)
        return;
    free((*choice)->order);
    free((*choice)->length_of);
    free((*choice)->lengths);
    free((*choice)->last_used);
    free((*choice)->fills);
    free(*choice);
    *choice = NULL;
}

int64_t st_clip_choice_begin(struct st_clip_choice *choice, int64_t frames)
{
    int64_t filled = frames;
    while (filled > 0 && choice->fills[filled].best >= COST_NONE)
        filled--;
    choice->left = filled;
    choice->cut = filled == 0;
    choice->before = -1;
    return filled;
}

/* How good a clip is among those that keep the rest as good; smaller is better. */
struct rank {
    double distance;
    int64_t last_used;
};

static bool is_better(const struct rank *a, const struct rank *b)
{
    return a->distance != b->distance ? a->distance < b->distance : a->last_used < b->last_used;
}

/* Whether clip number k of the order may be next, where the whole may cost `least`. */
static bool may_follow(const struct st_clip_choice *choice, size_t k, uint64_t least)
{
    const size_t l = choice->length_of[k];
    const int64_t frames = choice->lengths[l].frames;

    if (choice->cut)
        return true;
    if (frames > choice->left)
        return false;
    uint64_t cost = COST_CLIP + cost_after(choice, choice->left - frames, l);
    if (choice->order[k] == choice->before)
        cost += COST_REPEAT;
    return cost == least;
}

static struct st_clip_join join_to(const struct st_clip_choice *choice,
                                   const struct st_face_place *before, bool both_ways, int clip,
                                   double limit)
{
    const struct st_clip_places *places = &choice->places[clip];
    struct st_clip_join join = {false, 0};
    if (!before || (both_ways && clip == choice->before))
        return join;
    join.distance = st_face_distance(before, &places->first, limit);
    if (!both_ways)
        return join;
    const double back = st_face_distance(before, &places->last, fmin(limit, join.distance));
    if (back < join.distance)
        join = (struct st_clip_join){true, back};
    return join;
}

bool st_clip_choice_more(const struct st_clip_choice *choice)
{
    return choice->left > 0 || choice->cut;
}

int st_clip_choice_next(struct st_clip_choice *choice, const struct st_face_place *before,
                        bool both_ways, struct st_clip_join *join)
{
    assert(st_clip_choice_more(choice));
    const uint64_t least = choice->before < 0
                               ? choice->fills[choice->left].best
                               : cost_after(choice, choice->left, choice->before_length);
    size_t best = choice->n_clips; /* none yet */
    bool best_played = true;       /* it is the clip that just played */
    struct rank rank = {.distance = INFINITY};
    *join = (struct st_clip_join){false, INFINITY};
    for (size_t k = 0; k < choice->n_clips; k++) {
        const int clip = choice->order[k];
        const bool played = clip == choice->last_played;
        if ((played && best < choice->n_clips) || !may_follow(choice, k, least))
            continue;
        /* Equal distances are told apart by the last use: measure just past the best. */
        const double limit = best_played ? INFINITY : nextafter(rank.distance, INFINITY);
        const struct st_clip_join way = join_to(choice, before, both_ways, clip, limit);
        const struct rank now = {way.distance, choice->last_used[clip]};
        if (best_played || is_better(&now, &rank)) {
            best = k;
            best_played = played;
            rank = now;
            *join = way;
        }
    }
    assert(best < choice->n_clips);

    const int clip = choice->order[best];
    choice->before = choice->last_played = clip;
    choice->before_length = choice->length_of[best];
    choice->last_used[clip] = ++choice->turn;
    if (!choice->cut)
        choice->left -= choice->lengths[choice->before_length].frames;
    choice->cut = false;
    return clip;
}
