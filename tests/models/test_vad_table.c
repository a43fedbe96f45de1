/* SPDX-License-Identifier: Apache-2.0 */
/* How well both detectors do on ten recordings with hand-made labels, as a table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/vad_support.h"

#define RECORDINGS 10
#define MOST 8192

/* Probability and truth of chunks. */
struct judged {
    float p[MOST];
    bool truth[MOST];
    size_t count;
};

struct score {
    double precision, recall, auc;
};

/* "name,start,end,0|1,start,end,0|1,...": the truth of a chunk is the label at its middle. */
static void read_labels(const char *path, bool *truth, size_t chunks)
{
    char text[4096];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    memset(truth, 0, chunks * sizeof *truth);
    char *at = strchr(text, ',');
    while (at) {
        char *end;
        const double from = strtod(at + 1, &end);
        const double to = strtod(end + 1, &end);
        const long label = strtol(end + 1, &end, 10);
        for (size_t k = 0; k < chunks; k++) {
            const double middle = ((double)k + 0.5) * ST_VAD_CHUNK / ST_VAD_HZ;
            if (middle >= from && middle < to)
                truth[k] = label != 0;
        }
        at = *end == ',' ? end : NULL;
    }
}

static void rates(struct score *score, const struct judged *j, double threshold)
{
    size_t said = 0;
    size_t right = 0;
    size_t speech = 0;
    for (size_t i = 0; i < j->count; i++) {
        const bool yes = (double)j->p[i] >= threshold;
        said += yes;
        right += yes && j->truth[i];
        speech += j->truth[i];
    }
    score->precision = said ? (double)right / (double)said : 0;
    score->recall = speech ? (double)right / (double)speech : 0;
}

/* Area under the curve: the chance that a chunk of speech is above one of silence. */
static double area(const struct judged *j)
{
    double above = 0;
    double pairs = 0;
    for (size_t i = 0; i < j->count; i++) {
        for (size_t k = 0; j->truth[i] && k < j->count; k++) {
            if (j->truth[k])
                continue;
            pairs++;
            above += j->p[i] > j->p[k] ? 1 : j->p[i] == j->p[k] ? 0.5 : 0;
        }
    }
    return pairs > 0 ? above / pairs : 0;
}

static struct score score_at(const struct judged *j, double threshold)
{
    struct score score;
    rates(&score, j, threshold);
    score.auc = area(j);
    return score;
}

/* Run a detector over recording `n` (from 1), and append to `all`. */
static void judge(struct judged *one, struct judged *all, const char *file, int n)
{
    char name[64];
    size_t samples;
    snprintf(name, sizeof name, "media/vad/testset-audio-%02d.wav", n);
    float *pcm = vad_read_sound(st_shared(name), &samples);
    float *p = vad_all(file, NULL, pcm, samples, 0, &one->count);
    assert_true(all->count + one->count <= MOST);
    memcpy(one->p, p, one->count * sizeof *p);
    snprintf(name, sizeof name, "media/vad/testset-audio-%02d.scv", n);
    read_labels(st_shared(name), one->truth, one->count);
    memcpy(all->p + all->count, one->p, one->count * sizeof *one->p);
    memcpy(all->truth + all->count, one->truth, one->count * sizeof *one->truth);
    all->count += one->count;
    free(p);
    free(pcm);
}

static void print_row(const char *name, double threshold, struct score a, struct score b)
{
    print_message("%-9s  %4.2f   %5.3f     %5.3f  %5.3f     %5.3f     %5.3f  %5.3f\n", name,
                  threshold, a.precision, a.recall, a.auc, b.precision, b.recall, b.auc);
}

/* Guards: a detector that got worse. Bounds are a little below what was measured. */
static void test_table(void **state)
{
    (void)state;
    ST_NEED_SHARED(silero, "models/silero_vad_16k_v6.safetensors");
    ST_NEED_SHARED(folder, "media/vad/testset-audio-01.wav");
    (void)folder;
    char network_file[4200]; /* the buffer of `silero` is used again */
    snprintf(network_file, sizeof network_file, "%s", silero);
    struct judged *sets = calloc(4, sizeof *sets);
    assert_non_null(sets);
    struct judged *one = sets;
    struct judged *all = sets + 2; /* [silero, built-in] */

    print_message("                 silero                     built-in\n");
    print_message("recording threshold precision recall AUC   precision recall  AUC\n");
    for (int n = 1; n <= RECORDINGS; n++) {
        char name[16];
        judge(&one[0], &all[0], network_file, n);
        judge(&one[1], &all[1], NULL, n);
        snprintf(name, sizeof name, "%02d", n);
        print_row(name, 0.5, score_at(&one[0], 0.5), score_at(&one[1], 0.5));
    }
    struct score best = {0, 0, 0};
    for (double threshold = 0.1; threshold < 0.905; threshold += 0.1) {
        const struct score a = score_at(&all[0], threshold);
        const struct score b = score_at(&all[1], threshold);
        print_row("all", threshold, a, b);
        if (b.precision + b.recall > best.precision + best.recall && b.precision >= 0.88)
            best = b;
    }
    const struct score network = score_at(&all[0], 0.5);
    assert_true(network.precision >= 0.93 && network.recall >= 0.92 && network.auc >= 0.94);
    assert_true(best.precision >= 0.88 && best.recall >= 0.85 && best.auc >= 0.88);
    const struct score usual = score_at(&all[1], 0.5);
    assert_true(usual.precision >= 0.91 && usual.recall >= 0.88 && usual.auc >= 0.90);
    free(sets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
