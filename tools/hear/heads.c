/* SPDX-License-Identifier: Apache-2.0 */
#include "hear/heads.h"

#include <math.h>

#define NEIGHBOUR_WEIGHT 0.3
#define SPEECH_WEIGHT 0.5

/* Of a squared error, over all instants; openings matter most on a face. */
static const double measure_weights[HEAR_MEASURES] = {
    [HEAR_OPENING] = 8, [HEAR_WIDTH] = 3, [HEAR_ROUND] = 3};

/* gradient = weight * (softmax(scores) - one hot of `wanted`); returns the weighted loss. */
static double classes(const float *scores, enum viseme wanted, double weight, double *gradient)
{
    double top = (double)scores[0], sum = 0;
    for (int k = 1; k < VISEME_COUNT; k++)
        top = fmax(top, (double)scores[k]);
    for (int k = 0; k < VISEME_COUNT; k++)
        sum += gradient[k] = exp((double)scores[k] - top);
    for (int k = 0; k < VISEME_COUNT; k++)
        gradient[k] = weight * (gradient[k] / sum - (k == (int)wanted));
    return weight * (log(sum) + top - (double)scores[wanted]);
}

/* One window. */
static double lose(const float *answers, const struct hear_target *target,
                   double gradient[HEAD_COUNT])
{
    double loss = 0;
    for (int k = 0; k < HEAR_SOUNDS; k++) {
        int at = HEAD_VISEMES + k * VISEME_COUNT;
        double weight = k == HEAR_SOUND_NOW ? 1 : NEIGHBOUR_WEIGHT;
        loss += classes(answers + at, target->visemes[k], weight, gradient + at);
    }
    for (int k = 0; k < HEAR_MOUTHS; k++) {
        for (int m = 0; m < HEAR_MEASURES; m++) {
            int at = HEAD_MOUTH + k * HEAR_MEASURES + m;
            double off = (double)(answers[at] - target->mouth[k][m]);
            double weight = measure_weights[m] / HEAR_MOUTHS;
            loss += weight * off * off;
            gradient[at] = 2 * weight * off;
        }
    }
    /* log(1 + exp(-x)) for speech and log(1 + exp(x)) for a pause, without overflow. */
    double x = (double)answers[HEAD_SPEECH], wanted = (double)target->speech;
    loss += SPEECH_WEIGHT * (fmax(x, 0) - wanted * x + log1p(exp(-fabs(x))));
    gradient[HEAD_SPEECH] = SPEECH_WEIGHT * (1 / (1 + exp(-x)) - wanted);
    return loss;
}

double head_loss(const float *answers, const struct hear_target *targets, size_t count,
                 float *gradient)
{
    double loss = 0, own[HEAD_COUNT];
    for (size_t i = 0; i < count; i++) {
        loss += lose(answers + i * HEAD_COUNT, &targets[i], own);
        for (size_t k = 0; gradient && k < HEAD_COUNT; k++)
            gradient[i * HEAD_COUNT + k] = (float)(own[k] / (double)count);
    }
    return loss / (double)count;
}

enum viseme head_viseme(const float *answers)
{
    const float *scores = &answers[HEAD_VISEMES + HEAR_SOUND_NOW * VISEME_COUNT];
    int best = 0;
    for (int k = 1; k < VISEME_COUNT; k++)
        if (scores[k] > scores[best])
            best = k;
    return (enum viseme)best;
}
