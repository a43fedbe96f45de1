/* SPDX-License-Identifier: Apache-2.0 */
/* Milliseconds a frame of the full-width network takes on two threads: ours in each precision,
 * two frames at once on one thread each; oneDNN likewise; ONNX Runtime on what `convert` would
 * write, both as two sessions and as one with two threads. All take turns in one run on the
 * same frame. Prints a table, and JSON for collect.py.
 *
 * Usage: unet_speed SHARED [ROUNDS [CPU_MASK [hide]]]
 *        with `hide`, ONNX Runtime sees a CPU without AVX-512 as well
 *        unet_speed SHARED blocks [ROUNDS [CPU_MASK]]: units alone, on one thread
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/pool.h"
#include "bench/hide_avx512.h"
#include "models/unet_calibrate.h"
#include "models/unet_clip.h"
#include "models/unet_net.h"
#include "models/unet_onnx.h"
#include "models/unet_stages.h"
#include "models/unet_wiring.h"
#include "onnx/onnx.h"
#include "support/heldout.h"
#include "synctalk/machine.h"
#include "synctalk/settings.h"

#define THREADS 2
#define FRAMES 16
#define COMPARED 3
#define MOST_ROUNDS 101
#define EACH 2       /* frames of a turn */
#define PRECISIONS 4 /* ours */

/* One that takes part. */
enum contender { F32, BF16, INT8, MIXED, ONEDNN, RUNTIME_PAIR, RUNTIME_WIDE, CONTENDERS };
static const char *const names[] = {
    "f32", "bf16", "int8", "mixed", "onednn", "onnxruntime", "onnxruntime_wide"};

struct bench {
    struct st_kernels kernels;
    struct st_weights *weights;
    struct st_unet_form form;
    float *image, *sound, *out[THREADS];
    struct st_unet *unets[PRECISIONS];
    struct st_unet_worker *workers[PRECISIONS][THREADS];
    struct st_unet_net *net;
    struct st_unet_net_worker *net_workers[THREADS];
    struct st_onnx_session *sessions[THREADS], *wide;
    struct st_unet_recipe recipes[PRECISIONS];
    struct st_unet_calibration calibration;
    enum contender now;
    double wall[CONTENDERS][MOST_ROUNDS], cpu[CONTENDERS][MOST_ROUNDS];
    bool failed;
};

static double clock_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static bool failed(synctalk_status st, const synctalk_error *err)
{
    if (st)
        fprintf(stderr, "unet_speed: %s\n", err->message);
    return st != SYNCTALK_OK;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

static synctalk_status run_session(struct bench *b, struct st_onnx_session *session,
                                   synctalk_error *err)
{
    const size_t *dims = b->form.audio_dims;
    const struct st_onnx_tensor inputs[] = {
        {ST_ONNX_F32, 4, {1, 6, ST_UNET_SIDE, ST_UNET_SIDE}, b->image},
        {ST_ONNX_F32, 4, {1, (int64_t)dims[0], (int64_t)dims[1], (int64_t)dims[2]}, b->sound}};
    struct st_onnx_tensor output;
    return st_onnx_run(session, inputs, &output, err);
}

/* One frame of the contender whose turn it is. */
static void turn(void *context, size_t index, int worker)
{
    struct bench *b = context;
    const size_t t = index % THREADS;
    synctalk_error err = {0};
    synctalk_status st = SYNCTALK_OK;
    (void)worker;
    for (int i = 0; !st && i < EACH; i++) {
        if (b->now < PRECISIONS)
            st = st_unet_run(b->workers[b->now][t], 1, b->image, b->sound, b->out[t], &err);
        else if (b->now == ONEDNN)
            st = st_unet_net_run(b->net_workers[t], b->image, b->sound, b->out[t], &err);
        else
            st = run_session(b, b->now == RUNTIME_PAIR ? b->sessions[t] : b->wide, &err);
    }
    if (failed(st, &err))
        b->failed = true;
}

static bool is_there(const struct bench *b, enum contender c)
{
    return c < PRECISIONS ? b->unets[c] != NULL : c == ONEDNN ? b->net != NULL : b->wide != NULL;
}

static void run_rounds(struct bench *b, struct st_pool *pool, int rounds)
{
    for (int round = -1; round < rounds && !b->failed; round++) {
        for (int c = 0; c < CONTENDERS; c++) {
            if (!is_there(b, (enum contender)c))
                continue;
            b->now = (enum contender)c;
            const size_t count = c == RUNTIME_WIDE ? 1 : THREADS;
            const double wall = clock_ms(CLOCK_MONOTONIC);
            const double cpu = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
            st_pool_for(pool, count, turn, b);
            if (round < 0) /* what is touched for the first time */
                continue;
            const double frames = (double)count * EACH;
            b->wall[c][round] = (clock_ms(CLOCK_MONOTONIC) - wall) / frames;
            b->cpu[c][round] = (clock_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu) / frames;
        }
    }
}

static bool calibrate(struct bench *b, struct heldout *heldout)
{
    float *images[FRAMES] = {NULL}, *sounds[FRAMES] = {NULL};
    struct st_unet_samples samples = {FRAMES, (const float *const *)images,
                                      (const float *const *)sounds, NULL};
    struct st_unet_recipe *recipe = &b->recipes[MIXED];
    synctalk_error err = {0};
    bool ok = true;
    for (int i = 0; ok && i < FRAMES; i++) {
        images[i] = st_alloc_aligned(HELDOUT_IMAGE * sizeof(float));
        sounds[i] = st_alloc_aligned((size_t)b->form.window * b->form.vector * sizeof(float));
        ok = images[i] && sounds[i] &&
             heldout_read(heldout, i * HELDOUT_FIRST / FRAMES, images[i], sounds[i]);
    }
    st_unet_recipe_uniform(recipe, &b->form, ST_ELEMENT_F32);
    b->calibration = (struct st_unet_calibration){.flags = b->kernels.flags, .target_db = 45};
    if (ok && (failed(st_unet_recipe_alloc(recipe, &b->form, &err), &err) ||
               failed(st_unet_find_ranges(recipe, b->weights, &b->form, &b->kernels, &samples,
                                          COMPARED, &err),
                      &err)))
        ok = false;
    if (ok && failed(st_unet_calibrate(&b->calibration, recipe, b->weights, &b->form, &b->kernels,
                                       &samples, COMPARED, &err),
                     &err))
        ok = false;
    for (int i = 0; i < FRAMES; i++) {
        free(images[i]);
        free(sounds[i]);
    }
    return ok;
}

/* Recipes share the ranges of the mixed one. */
static void make_recipes(struct bench *b)
{
    static const int precisions[] = {SYNCTALK_PRECISION_F32, SYNCTALK_PRECISION_BF16,
                                     SYNCTALK_PRECISION_INT8, SYNCTALK_PRECISION_MIXED};
    for (int i = 0; i < PRECISIONS; i++) {
        b->recipes[i] = b->recipes[MIXED];
        st_unet_recipe_set(&b->recipes[i], &b->form, precisions[i], b->kernels.flags,
                           &b->calibration);
    }
}

static bool open_ours(struct bench *b)
{
    synctalk_error err = {0};
    for (int i = 0; i < PRECISIONS; i++) {
        if (i == BF16 && !st_pixel_kernels_have(b->kernels.flags, ST_ELEMENT_BF16))
            continue;
        if (failed(st_unet_open_as(&b->unets[i], b->weights, &b->form, &b->recipes[i], &b->kernels,
                                   &err),
                   &err))
            return false;
        for (int t = 0; t < THREADS; t++)
            if (failed(st_unet_worker_open(&b->workers[i][t], b->unets[i], &err), &err))
                return false;
    }
    if (failed(st_unet_net_open(&b->net, b->weights, &b->form, &b->kernels, &err), &err))
        return false;
    for (int t = 0; t < THREADS; t++)
        if (failed(st_unet_net_worker_open(&b->net_workers[t], b->net, &err), &err))
            return false;
    return true;
}

/* What `convert --to onnx` writes, in sessions of one thread and of two. */
static void open_runtime(struct bench *b)
{
    char path[] = "/tmp/synctalk-unet-XXXXXX";
    char library[ST_PATH_MAX];
    synctalk_error err = {0};
    const int fd = mkstemp(path);
    if (fd < 0)
        return;
    close(fd);
    st_path_format(library, NULL, "%s", getenv("ST_ONNXRUNTIME") ? getenv("ST_ONNXRUNTIME") : "");
    struct st_onnx_settings settings = {
        .library = library[0] ? library : NULL, .purpose = "to compare with", .threads = 1};
    if (!failed(st_unet_write_onnx(b->weights, &b->form, path, true, &err), &err)) {
        for (int t = 0; t < THREADS; t++)
            failed(st_onnx_open(&b->sessions[t], path, &settings, &err), &err);
        settings.threads = THREADS;
        failed(st_onnx_open(&b->wide, path, &settings, &err), &err);
    }
    unlink(path);
}

static void print_results(struct bench *b, int rounds, bool hidden)
{
    double wall[CONTENDERS] = {0}, cpu[CONTENDERS] = {0};
    for (int c = 0; c < CONTENDERS; c++) {
        if (!is_there(b, (enum contender)c))
            continue;
        wall[c] = median(b->wall[c], rounds);
        cpu[c] = median(b->cpu[c], rounds);
    }
    const double best = wall[RUNTIME_WIDE] > 0 && wall[RUNTIME_WIDE] < wall[RUNTIME_PAIR]
                            ? wall[RUNTIME_WIDE]
                            : wall[RUNTIME_PAIR];
    printf("| | ms a frame, two threads | of ONNX Runtime's | CPU ms a frame | of two sessions' |\n"
           "| --- | --- | --- | --- | --- |\n");
    for (int c = 0; c < CONTENDERS; c++)
        if (wall[c] > 0)
            printf("| %s | %.1f | %.2fx | %.1f | %.2fx |\n", names[c], wall[c], best / wall[c],
                   cpu[c], cpu[RUNTIME_PAIR] / cpu[c]);
    const char *suffix = hidden                                   ? "_avx2"
                         : b->kernels.flags & SYNCTALK_CPU_AVX512 ? ""
                                                                  : "_avx2_beside_avx512";
    for (int pass = 0; pass < 2; pass++) {
        printf("{\"unet_%sms%s\": {", pass ? "cpu_" : "", suffix);
        for (int c = 0, told = 0; c < CONTENDERS; c++)
            if (wall[c] > 0)
                printf("%s\"%s\": %.2f", told++ ? ", " : "", names[c], pass ? cpu[c] : wall[c]);
        printf("}}\n");
    }
}

/* Units alone on one thread, ours by precision. */
static bool run_blocks(struct bench *b, int rounds)
{
    static double ms[PRECISIONS][ST_UNET_UNITS][MOST_ROUNDS];
    struct st_unet_stages *stages[PRECISIONS] = {NULL};
    struct st_unet_stages_worker *workers[PRECISIONS] = {NULL};
    struct st_unet_unit unit;
    synctalk_error err = {0};
    bool ok = true;
    for (int i = 0; ok && i < PRECISIONS; i++) {
        if (i == BF16 && !st_pixel_kernels_have(b->kernels.flags, ST_ELEMENT_BF16))
            continue;
        ok = !failed(st_unet_stages_open(&stages[i], b->weights, &b->form, &b->recipes[i],
                                         &b->kernels, &err),
                     &err) &&
             !failed(st_unet_stages_worker_open(&workers[i], stages[i], &err), &err);
    }
    for (int round = 0; ok && round < rounds; round++) {
        for (int i = 0; i < PRECISIONS; i++) {
            if (!workers[i])
                continue;
            st_unet_stages_run_audio(workers[i], b->sound, NULL);
            for (size_t u = 0; u < b->recipes[i].count; u++) {
                const double begin = clock_ms(CLOCK_THREAD_CPUTIME_ID);
                st_unet_stages_run_unit(workers[i], b->image, b->out[0], u);
                ms[i][u][round] = clock_ms(CLOCK_THREAD_CPUTIME_ID) - begin;
            }
        }
    }
    printf("| unit | f32 | bf16 | int8 | mixed |\n| --- | --- | --- | --- | --- |\n");
    for (size_t u = 0; ok && st_unet_unit_at(&b->form, u, &unit); u++) {
        printf("| %s |", unit.name);
        for (int i = 0; i < PRECISIONS; i++)
            printf(workers[i] ? " %.2f |" : " - |", workers[i] ? median(ms[i][u], rounds) : 0);
        printf("\n");
    }
    for (int i = 0; i < PRECISIONS; i++) {
        st_unet_stages_worker_close(&workers[i]);
        st_unet_stages_close(&stages[i]);
    }
    return ok;
}

static void close_bench(struct bench *b)
{
    for (int i = 0; i < PRECISIONS; i++) {
        for (int t = 0; t < THREADS; t++)
            st_unet_worker_close(&b->workers[i][t]);
        st_unet_close(&b->unets[i]);
    }
    for (int t = 0; t < THREADS; t++) {
        st_unet_net_worker_close(&b->net_workers[t]);
        st_onnx_close(&b->sessions[t]);
        free(b->out[t]);
    }
    st_unet_net_close(&b->net);
    st_onnx_close(&b->wide);
    st_unet_recipe_free(&b->recipes[MIXED]);
    st_weights_close(&b->weights);
    free(b->image);
    free(b->sound);
}

static bool load_frame(struct bench *b, const char *shared)
{
    struct heldout *heldout;
    if (!heldout_open(&heldout, shared, &b->weights, &b->form, &b->kernels))
        return false;
    b->image = st_alloc_aligned(HELDOUT_IMAGE * sizeof(float));
    b->sound = st_alloc_aligned((size_t)b->form.window * b->form.vector * sizeof(float));
    for (int t = 0; t < THREADS; t++)
        b->out[t] = st_alloc_aligned(HELDOUT_PICTURE * sizeof(float));
    const bool ok = b->image && b->sound && b->out[0] && b->out[1] && calibrate(b, heldout) &&
                    heldout_read(heldout, HELDOUT_FIRST, b->image, b->sound);
    heldout_close(&heldout);
    return ok;
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct st_pool *pool = NULL;
    synctalk_error err = {0};
    const bool blocks = argc > 2 && strcmp(argv[2], "blocks") == 0;
    char **rest = argv + (blocks ? 3 : 2);
    const int given = argc - (blocks ? 3 : 2);
    int rounds = given > 0 ? (int)strtol(rest[0], NULL, 10) : 11;
    const unsigned mask = given > 1 ? (unsigned)strtoul(rest[1], NULL, 0) : ~0U;
    const bool hides = given > 2 && strcmp(rest[2], "hide") == 0;
    if (argc < 2)
        return fprintf(stderr, "usage: unet_speed SHARED [ROUNDS [CPU_MASK [hide]]]\n"), 2;
    rounds = rounds < 1 ? 1 : rounds > MOST_ROUNDS ? MOST_ROUNDS : rounds;
    st_kernels_init(&b.kernels, mask);
    if (!st_pixel_kernels_have(b.kernels.flags, ST_ELEMENT_F32))
        return printf("SKIPPED: no kernels for this CPU\n"), 0;
    if (hides && !hide_avx512())
        return printf("SKIPPED: CPUID cannot be made to fault here\n"), 0;
    bool ok = load_frame(&b, argv[1]);
    if (ok)
        make_recipes(&b);
    if (ok && blocks) {
        ok = run_blocks(&b, rounds);
    } else if (ok) {
        ok = open_ours(&b) && !failed(st_pool_create(&pool, THREADS, &err), &err);
        open_runtime(&b);
        if (ok)
            run_rounds(&b, pool, rounds);
        if (ok && !b.failed)
            print_results(&b, rounds, hides);
    }
    st_pool_destroy(&pool);
    const bool good = (ok || !b.weights) && !b.failed;
    close_bench(&b);
    return good ? 0 : 1;
}
