/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of the features while they are learnt: numbers of one linear layer, which is
 * thrown away afterwards.
 */
#ifndef HEAR_HEADS_H
#define HEAR_HEADS_H

#include <stddef.h>

#include "hear/windows.h"

#define HEAD_NAME "head"

/* Channels of the head, in order. */
#define HEAD_VISEMES 0                          /* [HEAR_SOUNDS, VISEME_COUNT] scores */
#define HEAD_MOUTH (HEAR_SOUNDS * VISEME_COUNT) /* [HEAR_MOUTHS, HEAR_MEASURES] */
#define HEAD_SPEECH (HEAD_MOUTH + HEAR_MOUTHS * HEAR_MEASURES) /* score: above 0 is speech */
#define HEAD_COUNT (HEAD_SPEECH + 1)

/* Loss of [count, HEAD_COUNT] answers, mean over the windows, and its gradient (where not
 * NULL, likewise [count, HEAD_COUNT]):
 *   cross entropy of the viseme now, 0.3 of those HEAR_STEP_S before and after
 *   + weighted squared errors of the mouth + 0.5 of the cross entropy of speech. */
double head_loss(const float *answers, const struct hear_target *targets, size_t count,
                 float *gradient);

/* Most likely viseme, now, of one window's answers. */
enum viseme head_viseme(const float *answers);

#endif /* HEAR_HEADS_H */
