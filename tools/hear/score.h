/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that say how well something was heard. */
#ifndef HEAR_SCORE_H
#define HEAR_SCORE_H

#include <stdbool.h>
#include <stddef.h>

#include "hear/heads.h"

/* Chance that a window of the first kind has the higher score than one of the other: 0.5 is
 * no knowledge, 1 is all. NaN where one kind is absent; -1 without memory. */
double score_auc(const float *scores, const bool *first, size_t count);

struct score {
    size_t count, right;                          /* windows; viseme right */
    size_t speech_count, speech_right;            /* those outside pauses */
    size_t confusion[VISEME_COUNT][VISEME_COUNT]; /* [true][heard] */
    double sums[HEAR_MEASURES][5];                /* x, y, xx, yy, xy of what is now */
};

/* Add `count` answers. */
void score_add(struct score *score, const float *answers, const struct hear_target *targets,
               size_t count);

/* Correlation of a measure, as heard and as it is. */
double score_correlation(const struct score *score, enum hear_measure measure);

/* Share of windows whose true viseme is the most common one: what a guess can reach. */
double score_chance(const struct score *score);

/* Logistic regression on features [count, ST_AVE_VECTOR], learnt on the first half of the
 * windows; scores[count] for all of them. 0, or -1 without memory. */
int score_probe(float *scores, const float *features, const bool *speech, size_t count);

#endif /* HEAR_SCORE_H */
