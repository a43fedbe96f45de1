/* SPDX-License-Identifier: Apache-2.0 */
#include "hear/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "hear/score.h"

#define LESSONS 2000 /* windows */
#define LESSONS_SEED 77

/* The answers to one utterance, as inference hears it. Arrays are malloc'ed. */
struct heard {
    float *windows, *answers, *features;
    double *middles;
    struct hear_target *targets;
    bool *speech;
    size_t count;
};

static void free_heard(struct heard *heard)
{
    free(heard->windows);
    free(heard->answers);
    free(heard->features);
    free(heard->middles);
    free(heard->targets);
    free(heard->speech);
    *heard = (struct heard){0};
}

static synctalk_status hear(struct heard *heard, struct hearing *hearing,
                            const struct hear_utterance *utterance, synctalk_error *err)
{
    synctalk_status st;
    float *samples = malloc((utterance->count ? utterance->count : 1) * sizeof *samples);

    *heard = (struct heard){0};
    if (!samples)
        return st_fail_memory(err, "sound", utterance->count * sizeof *samples);
    for (size_t i = 0; i < utterance->count; i++)
        samples[i] = (float)utterance->samples[i] / INT16_MAX;
    if ((st = hear_windows(&heard->windows, &heard->middles, &heard->count, samples,
                           utterance->count, err)))
        goto done;
    heard->answers = malloc(heard->count * HEAD_COUNT * sizeof *heard->answers);
    heard->features = calloc(heard->count + 1, ST_AVE_VECTOR * sizeof *heard->features);
    heard->targets = malloc(heard->count * sizeof *heard->targets);
    if (!heard->answers || !heard->features || !heard->targets) {
        st = st_fail_memory(err, "features", heard->count * ST_AVE_VECTOR * sizeof(float));
        goto done;
    }
    for (size_t i = 0; i < heard->count; i++)
        hear_target_at(&heard->targets[i], utterance, heard->middles[i], 1);
    st =
        hearing_listen(hearing, heard->windows, heard->count, heard->features, heard->answers, err);

done:
    free(samples);
    return st;
}

static double part(size_t count, size_t of)
{
    return of ? 100.0 * (double)count / (double)of : 0;
}

static void print_row(FILE *file, const char *name, const struct score *score)
{
    size_t pauses = score->count - score->speech_count;
    fprintf(file, "%-24s %7zu %7.1f %7.1f %7.1f %8.3f %7.3f %7.3f\n", name, score->count,
            part(score->right, score->count), part(score->speech_right, score->speech_count),
            part(score->right - score->speech_right, pauses),
            score_correlation(score, HEAR_OPENING), score_correlation(score, HEAR_WIDTH),
            score_correlation(score, HEAR_ROUND));
}

static void print_confusion(FILE *file, const struct score *score)
{
    fprintf(file, "\npercent of each true viseme (row) heard as (column)\n     ");
    for (int k = 0; k < VISEME_COUNT; k++)
        fprintf(file, "%4s", viseme_shapes[k].name);
    fprintf(file, " windows\n");
    for (int wanted = 0; wanted < VISEME_COUNT; wanted++) {
        size_t count = 0;
        for (int heard = 0; heard < VISEME_COUNT; heard++)
            count += score->confusion[wanted][heard];
        fprintf(file, "%-5s", viseme_shapes[wanted].name);
        for (int heard = 0; heard < VISEME_COUNT; heard++)
            fprintf(file, "%4.0f", part(score->confusion[wanted][heard], count));
        fprintf(file, " %7zu\n", count);
    }
    fputc('\n', file);
}

static void add_score(struct score *sum, const struct score *score)
{
    sum->count += score->count;
    sum->right += score->right;
    sum->speech_count += score->speech_count;
    sum->speech_right += score->speech_right;
    for (int a = 0; a < VISEME_COUNT; a++)
        for (int b = 0; b < VISEME_COUNT; b++)
            sum->confusion[a][b] += score->confusion[a][b];
    for (int m = 0; m < HEAR_MEASURES; m++)
        for (int k = 0; k < 5; k++)
            sum->sums[m][k] += score->sums[m][k];
}

static synctalk_status score_lessons(struct score *score, struct hearing *hearing,
                                     const struct hear_corpus *corpus, struct st_pool *pool,
                                     synctalk_error *err)
{
    synctalk_status st;
    struct lessons *lessons = NULL;
    float *mel = malloc(sizeof *mel * LESSONS * WINDOW_FLOATS);
    float *answers = malloc(sizeof *answers * LESSONS * HEAD_COUNT);
    struct hear_target *targets = malloc(LESSONS * sizeof *targets);

    if (!mel || !answers || !targets) {
        st = st_fail_memory(err, "lessons", sizeof *mel * LESSONS * WINDOW_FLOATS);
        goto done;
    }
    struct lesson_settings settings = {.corpus = corpus, .pool = pool, .seed = LESSONS_SEED};
    if ((st = lessons_create(&lessons, &settings, err)) ||
        (st = lessons_fill(lessons, 0, LESSONS, mel, targets, err)) ||
        (st = hearing_listen(hearing, mel, LESSONS, NULL, answers, err)))
        goto done;
    score_add(score, answers, targets, LESSONS);

done:
    lessons_destroy(&lessons);
    free(mel);
    free(answers);
    free(targets);
    return st;
}

synctalk_status report_voices(FILE *file, struct hearing *hearing, const struct hear_corpus *corpus,
                              struct st_pool *pool, bool confusion, double *share,
                              synctalk_error *err)
{
    struct score all = {0}, voice = {0}, lessons = {0};
    fprintf(file, "%-24s %7s %7s %7s %7s %8s %7s %7s\n", "voice", "windows", "right %", "speech",
            "pauses", "opening", "width", "round");
    for (size_t i = 0; i < corpus->count; i++) {
        const struct hear_utterance *utterance = &corpus->utterances[i];
        struct heard heard;
        synctalk_status st = hear(&heard, hearing, utterance, err);
        if (!st)
            score_add(&voice, heard.answers, heard.targets, heard.count);
        free_heard(&heard);
        if (st)
            return st;
        if (i + 1 == corpus->count || utterance[1].voice != utterance->voice) {
            print_row(file, utterance->voice->name, &voice);
            add_score(&all, &voice);
            voice = (struct score){0};
        }
    }
    print_row(file, "all, clean", &all);
    synctalk_status st = score_lessons(&lessons, hearing, corpus, pool, err);
    if (st)
        return st;
    print_row(file, "all, as in training", &lessons);
    fprintf(file, "a guess of the most common viseme is right in %.1f %%\n",
            100 * score_chance(&all));
    if (confusion)
        print_confusion(file, &all);
    *share = part(all.right, all.count) / 100;
    return SYNCTALK_OK;
}

synctalk_status report_features(struct feature_size *size, struct hearing *hearing,
                                const struct hear_corpus *corpus, synctalk_error *err)
{
    double sum = 0, squares = 0, zeros = 0, count = 0;
    bool alive[ST_AVE_VECTOR] = {false};
    *size = (struct feature_size){.dead = ST_AVE_VECTOR};
    for (size_t i = 0; i < corpus->count; i++) {
        struct heard heard = {0};
        synctalk_status st = hear(&heard, hearing, &corpus->utterances[i], err);
        for (size_t k = 0; !st && k < heard.count * ST_AVE_VECTOR; k++) {
            double value = (double)heard.features[k];
            sum += value;
            squares += value * value;
            zeros += value <= 0;
            count += 1;
            size->largest = fmax(size->largest, value);
            alive[k % ST_AVE_VECTOR] |= value > 0;
        }
        free_heard(&heard);
        if (st)
            return st;
    }
    if (count <= 0)
        return st_fail(err, SYNCTALK_E_ARG, "a corpus without utterances has no features");
    size->mean = sum / count;
    size->rms = sqrt(squares / count);
    size->deviation = sqrt(fmax(0, squares / count - size->mean * size->mean));
    size->zeros = zeros / count;
    for (int k = 0; k < ST_AVE_VECTOR; k++)
        size->dead -= alive[k];
    return SYNCTALK_OK;
}
