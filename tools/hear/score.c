/* SPDX-License-Identifier: Apache-2.0 */
#include "hear/score.h"

#include <math.h>
#include <stdlib.h>

#define PROBE_ROUNDS 200
#define PROBE_RATE 0.5
#define PROBE_DECAY 0.01

struct ranked {
    float score;
    bool first;
};

static int by_score(const void *a, const void *b)
{
    float x = ((const struct ranked *)a)->score, y = ((const struct ranked *)b)->score;
    return (x > y) - (x < y);
}

/* Sum of ranks (Mann and Whitney 1947); equal scores share the mean of theirs. */
double score_auc(const float *scores, const bool *first, size_t count)
{
    struct ranked *ranked = malloc((count ? count : 1) * sizeof *ranked);
    double ranks = 0, firsts = 0;
    if (!ranked)
        return -1;
    for (size_t i = 0; i < count; i++)
        ranked[i] = (struct ranked){scores[i], first[i]};
    qsort(ranked, count, sizeof *ranked, by_score);
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && ranked[end].score <= ranked[i].score)
            end++;
        for (size_t k = i; k < end; k++) {
            if (!ranked[k].first)
                continue;
            ranks += 0.5 * (double)(i + 1 + end);
            firsts += 1;
        }
        i = end;
    }
    free(ranked);
    double others = (double)count - firsts;
    return firsts > 0 && others > 0 ? (ranks - 0.5 * firsts * (firsts + 1)) / (firsts * others)
                                    : (double)NAN;
}

void score_add(struct score *score, const float *answers, const struct hear_target *targets,
               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const float *own = answers + i * HEAD_COUNT;
        enum viseme wanted = targets[i].visemes[HEAR_SOUND_NOW], heard = head_viseme(own);
        bool right = wanted == heard, speech = wanted != VISEME_SIL;
        score->count++;
        score->right += right;
        score->speech_count += speech;
        score->speech_right += speech && right;
        score->confusion[wanted][heard]++;
        for (int m = 0; m < HEAR_MEASURES; m++) {
            double x = (double)own[HEAD_MOUTH + HEAR_MOUTH_NOW * HEAR_MEASURES + m];
            double y = (double)targets[i].mouth[HEAR_MOUTH_NOW][m];
            double *sums = score->sums[m];
            sums[0] += x;
            sums[1] += y;
            sums[2] += x * x;
            sums[3] += y * y;
            sums[4] += x * y;
        }
    }
}

double score_correlation(const struct score *score, enum hear_measure measure)
{
    const double *sums = score->sums[measure];
    double n = (double)score->count;
    double xx = sums[2] - sums[0] * sums[0] / n, yy = sums[3] - sums[1] * sums[1] / n;
    double xy = sums[4] - sums[0] * sums[1] / n;
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

double score_chance(const struct score *score)
{
    size_t most = 0;
    for (int wanted = 0; wanted < VISEME_COUNT; wanted++) {
        size_t count = 0;
        for (int heard = 0; heard < VISEME_COUNT; heard++)
            count += score->confusion[wanted][heard];
        most = count > most ? count : most;
    }
    return score->count ? (double)most / (double)score->count : 0;
}

int score_probe(float *scores, const float *features, const bool *speech, size_t count)
{
    size_t half = count / 2, size = ST_AVE_VECTOR;
    double w[ST_AVE_VECTOR + 1] = {0}, dw[ST_AVE_VECTOR + 1];
    double mean[ST_AVE_VECTOR] = {0}, scale[ST_AVE_VECTOR] = {0};
    float *x = malloc((count ? count : 1) * size * sizeof *x);

    if (!x || half == 0) {
        free(x);
        return -1;
    }
    for (size_t i = 0; i < half; i++)
        for (size_t k = 0; k < size; k++)
            mean[k] += (double)features[i * size + k] / (double)half;
    for (size_t i = 0; i < half; i++)
        for (size_t k = 0; k < size; k++)
            scale[k] += pow((double)features[i * size + k] - mean[k], 2) / (double)half;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < size; k++)
            x[i * size + k] = (float)(((double)features[i * size + k] - mean[k]) /
                                      sqrt(scale[k] * (double)size + 1e-6));
    for (int round = 0; round < PROBE_ROUNDS; round++) {
        for (size_t k = 0; k <= size; k++)
            dw[k] = PROBE_DECAY / (double)half * w[k];
        for (size_t i = 0; i < half; i++) {
            double sum = w[size];
            for (size_t k = 0; k < size; k++)
                sum += w[k] * (double)x[i * size + k];
            double off = (1 / (1 + exp(-sum)) - (double)speech[i]) / (double)half;
            for (size_t k = 0; k < size; k++)
                dw[k] += off * (double)x[i * size + k];
            dw[size] += off;
        }
        for (size_t k = 0; k <= size; k++)
            w[k] -= PROBE_RATE * 10 * dw[k];
    }
    for (size_t i = 0; i < count; i++) {
        double sum = w[size];
        for (size_t k = 0; k < size; k++)
            sum += w[k] * (double)x[i * size + k];
        scores[i] = (float)sum;
    }
    free(x);
    return 0;
}
