/* SPDX-License-Identifier: Apache-2.0 */
/* Co-articulation by dominance functions: Cohen, M. M. and Massaro, D. W. (1993), "Modeling
 * coarticulation in synthetic visual speech": each segment pulls a part of the mouth to its
 * target with a weight that falls exponentially with the distance in time,
 *
 *     F_p(t) = sum_s D_sp(t) T_sp / sum_s D_sp(t),   D_sp(t) = a_sp exp(-distance / reach)
 *
 * Changed from the paper: the distance is from the whole segment, moved forward by LEAD_S,
 * not from its middle, so that long vowels hold their shape. Weighted means never reach a
 * contact between open vowels, therefore contacts and rest are laid over them afterwards,
 * with ramps of their own.
 */
#include "speech/track.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"

#define STEP_S 0.005       /* of the curve that is kept; linear in between */
#define LEAD_S 0.032       /* middle of a movement before the sound begins */
#define REACH_BACK_S 0.026 /* anticipation */
#define REACH_ON_S 0.022   /* carry-over */
#define REACH_ROUND_S 0.09 /* anticipation of rounded lips */
#define HORIZON_S 0.6      /* beyond this a segment has no weight */
#define BLUR_S 0.012       /* standard deviation; takes the corners off */
#define BLUR_STEPS 8

/* A contact holds at least this long, and longer than a frame of 25 fps. */
#define CONTACT_S 0.046
#define CONTACT_EARLY_S 0.01 /* lips meet before the sound stops */
#define CONTACT_CLOSE_S 0.06
#define CONTACT_OPEN_S 0.045

#define REST_CLOSE_S 0.11 /* the mouth closes during the end of speech and after it */
#define REST_LATE_S 0.05  /* and is shut this long after it */
#define REST_OPEN_S 0.11  /* begins to open this long before speech */
#define SECONDS_MAX 36000.0

struct track {
    size_t steps;
    float (*parts)[MOUTH_PARTS]; /* [steps] owned */
};

static double smooth_step(double x)
{
    if (x <= 0)
        return 0;
    return x >= 1 ? 1 : x * x * (3 - 2 * x);
}

/* 0, up to 1 over [from - rise, from], 1 until `to`, down over [to, to + fall]. */
static double gate(double t, double from, double to, double rise, double fall)
{
    if (t < from)
        return smooth_step((t - from + rise) / rise);
    return t <= to ? 1 : smooth_step((to + fall - t) / fall);
}

float mouth_opening(const float part[MOUTH_PARTS])
{
    /* Pursed lips leave less of the jaw's opening; lips that show teeth are a little apart. */
    float apart =
        (1.15f * part[MOUTH_JAW] + 0.12f * part[MOUTH_TEETH]) * (1 - 0.25f * part[MOUTH_ROUND]);
    float open = apart * (1 - part[MOUTH_CLOSED]) * (1 - 0.92f * part[MOUTH_LOWER_TUCK]);
    return fminf(fmaxf(open, 0), 1);
}

static bool is_rest(const struct viseme_span *span)
{
    return span->viseme == VISEME_SIL && span->end_s - span->start_s > TRACK_PAUSE_SECONDS;
}

/* Rounding does not spread back over lips that must do something else. */
static bool blocks_rounding(const struct viseme_span *span)
{
    return span->viseme == VISEME_PP || span->viseme == VISEME_FF || is_rest(span);
}

/* Parts that are moved together share a dominance. */
enum group { GROUP_JAW, GROUP_LIPS, GROUP_TONGUE, GROUPS };

static const enum group group_of[MOUTH_PARTS] = {
    [MOUTH_JAW] = GROUP_JAW,
    [MOUTH_WIDTH] = GROUP_LIPS,
    [MOUTH_ROUND] = GROUP_LIPS,
    [MOUTH_CLOSED] = GROUP_LIPS,
    [MOUTH_TEETH] = GROUP_JAW,
    [MOUTH_TONGUE_TIP] = GROUP_TONGUE,
    [MOUTH_TONGUE_BACK] = GROUP_TONGUE,
    [MOUTH_UPPER_RAISE] = GROUP_LIPS,
    [MOUTH_LOWER_TUCK] = GROUP_LIPS,
};

/* Dominance of a span at time t; rounded lips reach further back, as far as `block_s`. */
static void dominance(double pull[GROUPS], const struct viseme_span *span, double t, double block_s)
{
    const struct viseme_shape *shape = &viseme_shapes[span->viseme];
    double from = span->start_s - LEAD_S, to = fmax(span->end_s - LEAD_S, from);
    double fall = 0;
    if (t < from)
        fall = (from - t) / REACH_BACK_S;
    else if (t > to)
        fall = (t - to) / REACH_ON_S;
    double lips_fall = fall;
    if (t < from && shape->target[MOUTH_ROUND] >= 0.4f) {
        double free_from = fmin(fmax(t, block_s), from);
        lips_fall = (from - free_from) / REACH_ROUND_S + (free_from - t) / REACH_BACK_S;
    }
    pull[GROUP_JAW] = (double)shape->jaw * exp(-fall);
    pull[GROUP_LIPS] = (double)shape->lips * exp(-lips_fall);
    pull[GROUP_TONGUE] = (double)shape->tongue * exp(-fall);
}

/* Weighted means of all parts at time t over the spans in reach. */
static void blend(float part[MOUTH_PARTS], const struct viseme_span *spans, const double *blocks,
                  size_t count, double t)
{
    double sums[MOUTH_PARTS] = {0}, all[GROUPS] = {0};
    for (size_t i = 0; i < count; i++) {
        double pull[GROUPS];
        dominance(pull, &spans[i], t, blocks[i]);
        for (int g = 0; g < GROUPS; g++)
            all[g] += pull[g];
        for (int p = 0; p < MOUTH_PARTS; p++)
            sums[p] += pull[group_of[p]] * (double)viseme_shapes[spans[i].viseme].target[p];
    }
    for (int p = 0; p < MOUTH_PARTS; p++)
        part[p] = (float)(sums[p] / all[group_of[p]]);
    /* Contacts come from their gates alone: half a contact is none. */
    part[MOUTH_CLOSED] = 0;
    part[MOUTH_LOWER_TUCK] = 0;
}

/* blocks[i]: the end of the last span before i over which rounding does not spread. */
static void find_blocks(double *blocks, const struct viseme_span *spans, size_t count)
{
    double block = 0;
    for (size_t i = 0; i < count; i++) {
        blocks[i] = block;
        if (blocks_rounding(&spans[i]))
            block = spans[i].end_s - LEAD_S;
    }
}

static void blend_all(struct track *track, const struct viseme_span *spans, const double *blocks,
                      size_t count)
{
    size_t first = 0, last = 0;
    for (size_t i = 0; i < track->steps; i++) {
        double t = (double)i * STEP_S;
        while (last < count && spans[last].start_s < t + HORIZON_S)
            last++;
        while (first + 1 < last && spans[first].end_s < t - HORIZON_S)
            first++;
        blend(track->parts[i], spans + first, blocks + first, last - first, t);
    }
}

static synctalk_status blur(struct track *track, synctalk_error *err)
{
    double weights[BLUR_STEPS + 1], sum = 0;
    for (int k = 0; k <= BLUR_STEPS; k++) {
        double x = k * STEP_S / BLUR_S;
        weights[k] = exp(-0.5 * x * x);
        sum += k ? 2 * weights[k] : weights[k];
    }
    float(*smooth)[MOUTH_PARTS] = malloc(track->steps * sizeof *smooth);
    if (!smooth)
        return st_fail_memory(err, "a mouth's movement", track->steps * sizeof *smooth);
    for (size_t i = 0; i < track->steps; i++) {
        for (int p = 0; p < MOUTH_PARTS; p++) {
            double mean = 0;
            for (int k = -BLUR_STEPS; k <= BLUR_STEPS; k++) {
                int64_t at = (int64_t)i + k, end = (int64_t)track->steps - 1;
                at = at < 0 ? 0 : at > end ? end : at;
                mean += weights[abs(k)] * (double)track->parts[at][p];
            }
            smooth[i][p] = (float)(mean / sum);
        }
    }
    free(track->parts);
    track->parts = smooth;
    return SYNCTALK_OK;
}

struct window {
    double from, to, rise, fall;
};

/* Beside a rest the lips do not part between it and the contact. */
static struct window contact_window(const struct viseme_span *spans, size_t count, size_t i)
{
    const struct viseme_span *span = &spans[i];
    double from = span->start_s - CONTACT_EARLY_S, to = fmax(span->hold_s, span->start_s);
    double lacking = CONTACT_S - (to - from);
    if (lacking > 0) {
        from -= 0.7 * lacking; /* the vowel after it needs its time */
        to += 0.3 * lacking;
    }
    if (span->viseme == VISEME_PP && i > 0 && is_rest(&spans[i - 1]))
        from = fmin(from, span->start_s - REST_OPEN_S - STEP_S);
    if (span->viseme == VISEME_PP && i + 1 < count && is_rest(&spans[i + 1]))
        to = fmax(to, span->end_s + REST_LATE_S + STEP_S);
    return (struct window){from, to, CONTACT_CLOSE_S, CONTACT_OPEN_S};
}

/* Rest within the pause spans[i]; at the ends of everything it goes on. */
static struct window rest_window(const struct viseme_span *spans, size_t count, size_t i)
{
    double from = spans[i].start_s + REST_LATE_S, to = spans[i].end_s - REST_OPEN_S;
    if (from > to)
        from = to = (from + to) / 2;
    if (i == 0)
        from = -REST_CLOSE_S;
    if (i + 1 == count)
        to = spans[i].end_s + 1;
    return (struct window){from, to, REST_CLOSE_S, REST_OPEN_S};
}

/* Lay one contact, or rest, over the curve. */
static void lay(struct track *track, const struct viseme_span *span, struct window window)
{
    const float *rest = viseme_shapes[VISEME_SIL].target;
    double begin = fmax(0, window.from - window.rise), end = window.to + window.fall;
    for (size_t i = (size_t)(begin / STEP_S); i < track->steps; i++) {
        double t = (double)i * STEP_S;
        if (t > end)
            break;
        float *part = track->parts[i];
        float g = (float)gate(t, window.from, window.to, window.rise, window.fall);
        if (span->viseme == VISEME_FF) {
            part[MOUTH_LOWER_TUCK] = fmaxf(part[MOUTH_LOWER_TUCK], g);
            continue;
        }
        if (span->viseme == VISEME_SIL)
            for (int p = 0; p < MOUTH_PARTS; p++)
                if (p != MOUTH_CLOSED)
                    part[p] += g * (rest[p] - part[p]);
        part[MOUTH_CLOSED] = fmaxf(part[MOUTH_CLOSED], g);
    }
}

static void lay_all(struct track *track, const struct viseme_span *spans, size_t count)
{
    for (size_t i = 0; i < count; i++) /* rest first: a contact beside a pause stays one */
        if (is_rest(&spans[i]))
            lay(track, &spans[i], rest_window(spans, count, i));
    for (size_t i = 0; i < count; i++)
        if (spans[i].viseme == VISEME_PP || spans[i].viseme == VISEME_FF)
            lay(track, &spans[i], contact_window(spans, count, i));
}

synctalk_status track_create(struct track **out, const struct viseme_span *spans, size_t count,
                             synctalk_error *err)
{
    struct track *track = NULL;
    double *blocks = NULL;
    synctalk_status status = SYNCTALK_OK;
    *out = NULL;
    double seconds = count ? spans[count - 1].end_s : 0;
    if (!(seconds >= 0 && seconds <= SECONDS_MAX))
        return st_fail(err, SYNCTALK_E_ARG, "visemes of %g s: at most %g s are animated", seconds,
                       SECONDS_MAX);
    track = calloc(1, sizeof *track);
    blocks = calloc(count + 1, sizeof *blocks);
    if (!track || !blocks) {
        status = st_fail_memory(err, "a mouth's movement", (count + 1) * sizeof *blocks);
        goto done;
    }
    if (count) {
        track->steps = (size_t)ceil(seconds / STEP_S) + 1;
        track->parts = calloc(track->steps, sizeof *track->parts);
        if (!track->parts) {
            status =
                st_fail_memory(err, "a mouth's movement", track->steps * sizeof(*track->parts));
            goto done;
        }
        find_blocks(blocks, spans, count);
        blend_all(track, spans, blocks, count);
        if ((status = blur(track, err)))
            goto done;
        lay_all(track, spans, count);
    }
    *out = track;
    track = NULL;
done:
    free(blocks);
    track_destroy(&track);
    return status;
}

void track_destroy(struct track **track)
{
    if (!track || !*track)
        return;
    free((*track)->parts);
    free(*track);
    *track = NULL;
}

void track_at(const struct track *track, double seconds, struct mouth *mouth)
{
    double place = seconds / STEP_S;
    const float *rest = viseme_shapes[VISEME_SIL].target;
    if (!(place >= 0 && place < (double)track->steps - 1)) {
        for (int p = 0; p < MOUTH_PARTS; p++)
            mouth->part[p] = rest[p];
    } else {
        size_t i = (size_t)place;
        float share = (float)(place - (double)i);
        for (int p = 0; p < MOUTH_PARTS; p++)
            mouth->part[p] =
                track->parts[i][p] + share * (track->parts[i + 1][p] - track->parts[i][p]);
    }
    mouth->opening = mouth_opening(mouth->part);
}
