/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/clip_views.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "generate/fade.h"

#define VIEW_BYTES ((size_t)192 << 10) /* at most, of one view */

/* A source frame that is kept. */
struct kept {
    uint8_t *pixels; /* owns; [bytes] */
    int64_t source;  /* -1: none */
    int64_t used;    /* the last time, in looks */
};

struct st_clip_views {
    struct st_frame_reader *reader; /* borrows */
    int grid;                       /* every so many rows one, and every so many pixels of it */
    size_t columns, rows;
    size_t bytes; /* of a view */
    struct kept *kept;
    size_t n_kept, capacity;
    int32_t *slot_of; /* owns; [source frames]; -1: not kept */
    int64_t now;
    struct st_frame whole[2]; /* own; source frames that are moved */
    int64_t whole_source[2];  /* -1: none */
    uint8_t *moved[2];        /* own; [bytes] */
    uint8_t *seen[2];         /* own; [bytes]: the last two output frames */
    int last;                 /* of those */
    bool any;                 /* there is a last one */
};

/* Pixel n of a view: rows are shifted against each other, so that no column is left out. */
static struct st_point place_of(const struct st_clip_views *v, size_t column, size_t row)
{
    return (struct st_point){(float)(column * (size_t)v->grid + row % (size_t)v->grid),
                             (float)(row * (size_t)v->grid)};
}

/* The finest that fits; no side of a picture is so long that none of the other would be left. */
static void choose_grid(struct st_clip_views *v, const struct st_frame_info *info)
{
    do {
        v->grid++;
        v->columns = (size_t)(info->width / v->grid);
        v->rows = (size_t)((info->height + v->grid - 1) / v->grid);
        v->bytes = 3 * v->columns * v->rows;
    } while (v->bytes > VIEW_BYTES);
}

synctalk_status st_clip_views_create(struct st_clip_views **out, struct st_frame_reader *reader,
                                     synctalk_error *err)
{
    const struct st_frame_info *info = &reader->source->info;
    struct st_clip_views *v = calloc(1, sizeof *v);

    *out = NULL;
    if (!v)
        return st_fail_memory(err, "views of clips", sizeof *v);
    v->reader = reader;
    choose_grid(v, info);
    v->whole_source[0] = v->whole_source[1] = -1;
    v->capacity = ST_CLIP_VIEWS_BYTES / v->bytes;
    v->capacity = v->capacity < 4 ? 4 : v->capacity;
    v->capacity = (int64_t)v->capacity > info->frames ? (size_t)info->frames : v->capacity;
    v->kept = calloc(v->capacity, sizeof *v->kept);
    v->slot_of = malloc((size_t)info->frames * sizeof *v->slot_of);
    bool whole = v->kept && v->slot_of;
    for (int i = 0; i < 2; i++) {
        v->moved[i] = malloc(v->bytes);
        v->seen[i] = malloc(v->bytes);
        whole = whole && v->moved[i] && v->seen[i];
    }
    if (!whole) {
        st_clip_views_destroy(&v);
        return st_fail_memory(err, "views of clips", (unsigned long long)info->frames);
    }
    for (int64_t i = 0; i < info->frames; i++)
        v->slot_of[i] = -1;
    *out = v;
    return SYNCTALK_OK;
}

void st_clip_views_destroy(struct st_clip_views **views)
{
    if (!views || !*views)
        return;
    struct st_clip_views *v = *views;
    for (size_t i = 0; i < v->n_kept; i++)
        free(v->kept[i].pixels);
    for (int i = 0; i < 2; i++) {
        st_frame_free(&v->whole[i]);
        free(v->moved[i]);
        free(v->seen[i]);
    }
    free(v->kept);
    free(v->slot_of);
    free(v);
    *views = NULL;
}

/* `picture` at the view's places, each taken back by `back` before; NULL: as they are. */
static void take(const struct st_clip_views *v, const struct st_picture *picture,
                 const struct st_similarity *back, uint8_t *to)
{
    for (size_t row = 0; row < v->rows; row++)
        for (size_t column = 0; column < v->columns; column++, to += 3) {
            const struct st_point at = place_of(v, column, row);
            if (back)
                st_picture_between(picture, st_similarity_apply(back, at), to);
            else
                memcpy(to, picture->data + (size_t)at.y * picture->stride + 3 * (size_t)at.x, 3);
        }
}

/* The slot for a source frame that is not kept: an empty one, or that of the least used. */
static struct kept *make_room(struct st_clip_views *v)
{
    struct kept *oldest = &v->kept[0];
    if (v->n_kept < v->capacity) {
        struct kept *fresh = &v->kept[v->n_kept];
        fresh->source = -1;
        if ((fresh->pixels = malloc(v->bytes))) {
            v->n_kept++;
            return fresh;
        }
        return NULL;
    }
    for (size_t i = 1; i < v->n_kept; i++)
        if (v->kept[i].used < oldest->used)
            oldest = &v->kept[i];
    if (oldest->source >= 0)
        v->slot_of[oldest->source] = -1;
    oldest->source = -1;
    return oldest;
}

static synctalk_status read_whole(struct st_clip_views *v, int64_t source, int side,
                                  synctalk_error *err)
{
    if (v->whole_source[side] == source)
        return SYNCTALK_OK;
    v->whole_source[side] = -1;
    synctalk_status st = st_frame_reader_read(v->reader, source, 0, &v->whole[side], err);
    if (!st)
        v->whole_source[side] = source;
    return st;
}

/* The view of a source frame; borrowed until two others have been asked for. */
static synctalk_status view_of(struct st_clip_views *v, int64_t source, const uint8_t **pixels,
                               synctalk_error *err)
{
    struct kept *slot = v->slot_of[source] < 0 ? NULL : &v->kept[v->slot_of[source]];
    synctalk_status st;
    if (!slot) {
        if ((st = read_whole(v, source, 0, err)))
            return st;
        if (!(slot = make_room(v)))
            return st_fail_memory(err, "a view of a clip", v->bytes);
        take(v, &v->whole[0].picture, NULL, slot->pixels);
        slot->source = source;
        v->slot_of[source] = (int32_t)(slot - v->kept);
    }
    slot->used = ++v->now;
    *pixels = slot->pixels;
    return SYNCTALK_OK;
}

/* One side of an output frame. */
static synctalk_status side_of(struct st_clip_views *v, int64_t source, bool moves,
                               const struct st_similarity *move, int side, const uint8_t **pixels,
                               synctalk_error *err)
{
    if (!moves)
        return view_of(v, source, pixels, err);
    synctalk_status st = read_whole(v, source, side, err);
    if (st)
        return st;
    const struct st_similarity back = st_similarity_invert(move);
    take(v, &v->whole[side].picture, &back, v->moved[side]);
    *pixels = v->moved[side];
    return SYNCTALK_OK;
}

static double difference(const uint8_t *a, const uint8_t *b, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += abs(a[i] - b[i]);
    return (double)sum / (double)count;
}

synctalk_status st_clip_views_look(struct st_clip_views *v, const struct st_plan_frame *frame,
                                   double *step, synctalk_error *err)
{
    const int now = !v->last;
    const uint8_t *side;
    const uint8_t *other;
    synctalk_status st;

    if ((st = side_of(v, frame->source, frame->moves, &frame->move, 0, &side, err)))
        return st;
    if (frame->fades) {
        if ((st = side_of(v, frame->other, frame->moves, &frame->other_move, 1, &other, err)))
            return st;
        st_fade_bytes(v->seen[now], side, other, v->bytes, frame->weight);
    } else {
        memcpy(v->seen[now], side, v->bytes);
    }
    *step = v->any ? difference(v->seen[0], v->seen[1], v->bytes) : 0;
    v->any = true;
    v->last = now;
    return SYNCTALK_OK;
}
