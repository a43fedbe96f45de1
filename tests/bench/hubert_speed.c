/* SPDX-License-Identifier: Apache-2.0 */
/* A HuBERT of the large size with random weights: makes its files, and runs a piece of 20
 * seconds each time that it is told to, so that bench_hubert.py can let several take turns.
 *
 * Usage: hubert_speed make FOLDER              model.safetensors, config.json, model.onnx
 *        hubert_speed f32|bf16|onnx FOLDER THREADS
 *                                              per line of input: seconds of a run, CPU
 *                                              seconds of it, numbers of its result; at the end the
 *                                              most memory that was held, in bytes
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "hubert_onnx.h"
#include "kernels/kernels.h"
#include "models/hubert.h"
#include "models/hubert_maker.h"
#include "onnx/onnx.h"

#define SAMPLES (ST_HUBERT_PIECE_ROWS * ST_HUBERT_HOP + 80)

struct moment {
    double wall, cpu; /* seconds; of all threads */
};

static double read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct moment now(void)
{
    return (struct moment){read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_PROCESS_CPUTIME_ID)};
}

static int complain(const synctalk_error *err)
{
    fprintf(stderr, "%s\n", err->message);
    return 1;
}

static int make(const char *folder)
{
    char path[4300];
    synctalk_error err = {0};
    const struct st_hubert_config config = hubert_large();
    struct st_weights *weights = hubert_weights(&config, 1, &(struct hubert_naming){"", false});
    hubert_write(folder, &config, weights);
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    int failed = hubert_onnx_write(&config, weights, SAMPLES, path, &err) ? complain(&err) : 0;
    st_weights_close(&weights);
    return failed;
}

/* Sound that every program makes alike, normalised as noise of its spread is. */
static float *make_samples(void)
{
    float *samples = malloc(SAMPLES * sizeof *samples);
    for (size_t i = 0; samples && i < SAMPLES; i++)
        samples[i] = (float)(sin((double)i * 0.37) + sin((double)(i % 4001) * (double)i * 1e-4));
    return samples;
}

static void report(struct moment begin, const float *out)
{
    const struct moment end = now();
    printf("%.6f %.6f", end.wall - begin.wall, end.cpu - begin.cpu);
    for (size_t i = 0; i < 8; i++)
        printf(" %.7g", (double)out[i * 31]);
    printf("\n");
    fflush(stdout);
}

static int run_ours(const char *folder, int threads, bool exact, const float *samples)
{
    struct st_hubert *hubert = NULL;
    struct st_hubert_run *run = NULL;
    struct st_kernels kernels;
    synctalk_error err = {0};
    char line[16];

    st_kernels_init(&kernels, ~0u);
    const struct st_encoder_options options = {
        .kernels = &kernels, .threads = threads, .exact = exact};
    if (st_hubert_open(&hubert, folder, &options, &err) || st_hubert_run_open(&run, hubert, &err))
        return complain(&err);
    float *out = malloc(sizeof *out * ST_HUBERT_PIECE_ROWS * st_hubert_config(hubert)->hidden);
    printf("%s %zu\n", st_hubert_element(hubert), st_hubert_weight_bytes(hubert));
    fflush(stdout);
    while (out && fgets(line, sizeof line, stdin)) {
        const struct moment begin = now();
        if (st_hubert_run(run, samples, SAMPLES, out, &err))
            return complain(&err);
        report(begin, out);
    }
    free(out);
    st_hubert_run_close(&run);
    st_hubert_close(&hubert);
    return 0;
}

static int run_onnx(const char *folder, int threads, float *samples)
{
    char path[4300];
    char line[16];
    struct st_onnx_session *session = NULL;
    synctalk_error err = {0};
    const struct st_onnx_settings settings = {.purpose = "to compare", .threads = threads};
    const struct st_onnx_tensor input = {ST_ONNX_F32, 3, {1, 1, SAMPLES}, samples};
    struct st_onnx_tensor output;

    snprintf(path, sizeof path, "%s/model.onnx", folder);
    if (st_onnx_open(&session, path, &settings, &err))
        return complain(&err);
    printf("f32 0\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        const struct moment begin = now();
        if (st_onnx_run(session, &input, &output, &err))
            return complain(&err);
        report(begin, output.data);
    }
    st_onnx_close(&session);
    return 0;
}

int main(int argc, char **argv)
{
    struct rusage usage;
    if (argc == 3 && strcmp(argv[1], "make") == 0)
        return make(argv[2]);
    if (argc != 4) {
        fprintf(stderr, "usage: hubert_speed make FOLDER | f32|bf16|onnx FOLDER THREADS\n");
        return 2;
    }
    const int threads = (int)strtol(argv[3], NULL, 10);
    float *samples = make_samples();
    if (!samples)
        return 1;
    int failed = strcmp(argv[1], "onnx") == 0
                     ? run_onnx(argv[2], threads, samples)
                     : run_ours(argv[2], threads, strcmp(argv[1], "f32") == 0, samples);
    getrusage(RUSAGE_SELF, &usage);
    printf("%ld\n", usage.ru_maxrss * 1024);
    free(samples);
    return failed;
}
