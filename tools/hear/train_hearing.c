/* SPDX-License-Identifier: Apache-2.0 */
/* train_hearing: make an audio encoder, in AVE's shape, from synthesised speech; or judge one.
 * docs: data/README.md.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/pool.h"
#include "hear/report.h"

#define RECORDINGS_MAX 8
#define WARM_STEPS 100
#define LAST_RATE 0.01   /* of the first, at the end of the cosine */
#define FEATURE_RMS 0.80 /* of the published encoder on a real speaker */
#define REPORT_EVERY 50
#define JUDGE_EVERY 800
#define BATCH_MAX 1024

static const char usage[] =
    "usage: train_hearing -o OUT.safetensors [--full FULL.safetensors] [options]\n"
    "       train_hearing --judge FULL.safetensors [options]\n"
    "  -o FILE            the encoder, f16, as inference wants it\n"
    "  --full FILE        the same with its head, f32: for --from and --judge\n"
    "  --from FILE        start from there\n"
    "  --minutes M        of speech to learn from (75)\n"
    "  --judge-minutes M  of each voice to be judged by (0.5)\n"
    "  --steps N          mini-batches (1600)\n"
    "  --batch N          windows in one, a multiple of 4 up to 1024 (128)\n"
    "  --rate R           of Adam, at its highest (0.002)\n"
    "  --seed N           of everything (1)\n"
    "  --threads N        (1)\n"
    "  --bf16             compute in it\n"
    "  --omit VOICE       do not learn from it\n"
    "  --recording AUDIO PROBABILITIES.npy\n"
    "                     also tell speech from pauses in it; may be given 8 times\n";

struct options {
    const char *output, *full, *from, *judge, *omit;
    double minutes, judge_minutes, rate;
    long steps, batch, seed, threads;
    bool bf16;
    const char *recordings[RECORDINGS_MAX][2];
    int recording_count;
};

static int number(double *value, const char *text, double low, double high)
{
    char *end;
    *value = strtod(text, &end);
    return *end || end == text || !(*value >= low && *value <= high) ? -1 : 0;
}

static int whole(long *value, const char *text, long low, long high)
{
    char *end;
    *value = strtol(text, &end, 10);
    return *end || end == text || *value < low || *value > high ? -1 : 0;
}

/* Take the option at words[0], of `left` words; returns how many were used, or -1. */
static int take(struct options *o, char **words, int left)
{
    const char *name = words[0], *value = left > 1 ? words[1] : "";
    int bad = left < 2;
    if (strcmp(name, "--bf16") == 0) {
        o->bf16 = true;
        return 1;
    }
    if (strcmp(name, "--recording") == 0) {
        if (left < 3 || o->recording_count == RECORDINGS_MAX)
            return -1;
        o->recordings[o->recording_count][0] = value;
        o->recordings[o->recording_count++][1] = words[2];
        return 3;
    }
    if (strcmp(name, "-o") == 0)
        o->output = value;
    else if (strcmp(name, "--full") == 0)
        o->full = value;
    else if (strcmp(name, "--from") == 0)
        o->from = value;
    else if (strcmp(name, "--judge") == 0)
        o->judge = value;
    else if (strcmp(name, "--omit") == 0)
        o->omit = value;
    else if (strcmp(name, "--minutes") == 0)
        bad |= number(&o->minutes, value, 0.01, 600);
    else if (strcmp(name, "--judge-minutes") == 0)
        bad |= number(&o->judge_minutes, value, 0.01, 30);
    else if (strcmp(name, "--rate") == 0)
        bad |= number(&o->rate, value, 1e-7, 1);
    else if (strcmp(name, "--steps") == 0)
        bad |= whole(&o->steps, value, 1, 10000000);
    else if (strcmp(name, "--batch") == 0)
        bad |= whole(&o->batch, value, LESSON_WINDOWS, BATCH_MAX) || o->batch % LESSON_WINDOWS;
    else if (strcmp(name, "--seed") == 0)
        bad |= whole(&o->seed, value, 0, 1000000000);
    else if (strcmp(name, "--threads") == 0)
        bad |= whole(&o->threads, value, 1, ST_POOL_WORKERS_MAX);
    else
        bad = 1;
    return bad ? -1 : 2;
}

static int parse(struct options *options, int count, char **words)
{
    *options = (struct options){.minutes = 75,
                                .judge_minutes = 0.5,
                                .rate = 2e-3,
                                .steps = 1600,
                                .batch = 128,
                                .seed = 1,
                                .threads = 1};
    for (int i = 1; i < count;) {
        int used = take(options, words + i, count - i);
        if (used < 0)
            return -1;
        i += used;
    }
    return (options->output != NULL) != (options->judge != NULL) ? 0 : -1;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double rate_at(const struct options *options, long step)
{
    double warm = fmin(1, (double)(step + 1) / WARM_STEPS);
    double turn = acos(-1) * (double)step / (double)options->steps;
    return options->rate * warm * (LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + cos(turn)));
}

struct work {
    struct options options;
    struct speech_synth *synth; /* all are owned */
    struct st_pool *pool;
    struct hear_corpus *corpus, *judge; /* learnt from; held out */
    struct hearing *hearing;
};

static synctalk_status report_all(const struct work *work, bool last, synctalk_error *err)
{
    double share;
    synctalk_status st =
        report_voices(stdout, work->hearing, work->judge, work->pool, last, &share, err);
    for (int i = 0; !st && last && i < work->options.recording_count; i++)
        st = report_recording(stdout, work->hearing, work->options.recordings[i][0],
                              work->options.recordings[i][1], err);
    fflush(stdout);
    return st;
}

static synctalk_status print_features(const struct work *work, const char *when, double *rms,
                                      synctalk_error *err)
{
    struct feature_size size;
    synctalk_status st = report_features(&size, work->hearing, work->judge, err);
    if (st)
        return st;
    printf("features %s: mean %.3f deviation %.3f rms %.3f largest %.2f zero %.1f %% "
           "always zero %d\n",
           when, size.mean, size.deviation, size.rms, size.largest, 100 * size.zeros, size.dead);
    *rms = size.rms;
    return SYNCTALK_OK;
}

static synctalk_status train_steps(const struct work *work, struct lessons *lessons, float *mel,
                                   struct hear_target *targets, synctalk_error *err)
{
    const struct options *options = &work->options;
    size_t batch = (size_t)options->batch;
    double began = now_s(), sum = 0;
    for (long step = 0; step < options->steps; step++) {
        double loss, rate = rate_at(options, step);
        synctalk_status st = lessons_fill(lessons, (uint64_t)step, batch, mel, targets, err);
        if (!st)
            st = hearing_step(work->hearing, mel, targets, batch, rate, &loss, err);
        if (st)
            return st;
        sum += loss;
        long done = step + 1;
        if (done % REPORT_EVERY == 0 || done == options->steps) {
            long over = done % REPORT_EVERY ? done % REPORT_EVERY : REPORT_EVERY;
            double spent = now_s() - began;
            printf("step %ld of %ld: loss %.4f, rate %.2e, %.0f windows/s, %.0f s to go\n", done,
                   options->steps, sum / (double)over, rate,
                   (double)(done * options->batch) / spent,
                   spent / (double)done * (double)(options->steps - done));
            fflush(stdout);
            sum = 0;
        }
        if (done % JUDGE_EVERY == 0 && done < options->steps && (st = report_all(work, false, err)))
            return st;
    }
    return SYNCTALK_OK;
}

static synctalk_status train(const struct work *work, synctalk_error *err)
{
    synctalk_status st;
    struct lessons *lessons = NULL;
    size_t batch = (size_t)work->options.batch;
    float *mel = malloc(batch * WINDOW_FLOATS * sizeof *mel);
    struct hear_target *targets = malloc(batch * sizeof *targets);
    struct lesson_settings settings = {
        .corpus = work->corpus, .pool = work->pool, .seed = (uint64_t)work->options.seed};

    if (!mel || !targets) {
        st = st_fail_memory(err, "a mini-batch", batch * WINDOW_FLOATS * sizeof *mel);
        goto done;
    }
    if ((st = lessons_create(&lessons, &settings, err)) ||
        (st = train_steps(work, lessons, mel, targets, err)))
        goto done;
    double rms;
    if ((st = print_features(work, "as learnt", &rms, err)))
        goto done;
    if (rms > 0)
        hearing_scale(work->hearing, (float)(FEATURE_RMS / rms));
    if ((st = print_features(work, "as saved", &rms, err)))
        goto done;
    st = hearing_save(work->hearing, work->options.output, false, err);
    if (!st && work->options.full)
        st = hearing_save(work->hearing, work->options.full, true, err);

done:
    lessons_destroy(&lessons);
    free(mel);
    free(targets);
    return st;
}

static synctalk_status prepare(struct work *work, synctalk_error *err)
{
    const struct options *options = &work->options;
    double began = now_s();
    synctalk_status st;
    struct hear_plan learn = {
        .minutes = options->minutes, .seed = (uint64_t)options->seed, .omit = options->omit};
    struct hear_plan judge = {
        .minutes = options->judge_minutes, .held_out = true, .seed = (uint64_t)options->seed};
    struct hearing_settings settings = {.batch = (int)options->batch,
                                        .bf16 = options->bf16,
                                        .seed = (uint64_t)options->seed,
                                        .from = options->judge ? options->judge : options->from};

    if (options->omit && !speech_voice_find(options->omit))
        return st_fail(err, SYNCTALK_E_ARG, "--omit: there is no voice \"%s\"", options->omit);
    if ((st = speech_open(&work->synth, err)) ||
        (st = hear_corpus_make(&work->judge, work->synth, &judge, err)))
        return st;
    if (!options->judge && (st = hear_corpus_make(&work->corpus, work->synth, &learn, err)))
        return st;
    if ((st = st_pool_create(&work->pool, (int)options->threads, err)))
        return st;
    settings.pool = work->pool;
    if ((st = hearing_create(&work->hearing, &settings, err)))
        return st;
    if (work->corpus)
        printf("learning from %.1f minutes, %zu utterances, digest %016llx\n",
               work->corpus->seconds / 60, work->corpus->count,
               (unsigned long long)hear_corpus_digest(work->corpus));
    printf("judged by %.1f minutes, %zu utterances, digest %016llx; made in %.1f s\n",
           work->judge->seconds / 60, work->judge->count,
           (unsigned long long)hear_corpus_digest(work->judge), now_s() - began);
    fflush(stdout);
    return SYNCTALK_OK;
}

int main(int count, char **words)
{
    struct work work = {0};
    synctalk_error err = {0};
    if (parse(&work.options, count, words)) {
        fputs(usage, stderr);
        return 2;
    }
    double rms;
    synctalk_status st = prepare(&work, &err);
    if (!st)
        st = work.options.judge ? print_features(&work, "as loaded", &rms, &err)
                                : train(&work, &err);
    if (!st)
        st = report_all(&work, true, &err);
    if (st)
        fprintf(stderr, "train_hearing: %s\n", err.message);
    hearing_destroy(&work.hearing);
    hear_corpus_free(&work.corpus);
    hear_corpus_free(&work.judge);
    st_pool_destroy(&work.pool);
    speech_close(&work.synth);
    return st ? 1 : 0;
}
