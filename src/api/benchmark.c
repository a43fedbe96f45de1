/* SPDX-License-Identifier: Apache-2.0 */
/* How fast the parts of a frame's way run here, on made-up data. Each thread works for
 * itself, as frame workers do; what is reported is their throughput together.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audio/mel.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/log.h"
#include "face/redraw.h"
#include "kernels/kernels.h"
#include "models/ave.h"
#include "models/unet_calibrate.h"
#include "models/unet_recipe.h"
#include "synctalk/machine.h"
#include "synctalk/settings.h"

#define MAX_THREADS 256
#define MAX_SECONDS 3600.0
#define FPS 25
#define HZ 16000
#define FRAME_WIDTH 1280
#define FRAME_HEIGHT 720
#define BOX_SIDE 300 /* of a face in a picture of that size */
#define ROWS_A_SECOND (HZ / ST_MEL_HOP)
#define POLL_NS 20000000L

enum { SOUND_FLOATS = ST_AVE_BANDS * ST_AVE_STEPS, FACE_FLOATS = ST_UNET_SIDE * ST_UNET_SIDE };

/* What all threads share. */
struct bench {
    struct st_kernels kernels;
    struct st_ave *ave;
    struct st_weights *weights; /* of the UNet */
    struct st_unet_form form;
    struct st_unet *unet; /* of the part that is timed, or NULL */
    atomic_bool stop;
};

/* One thread's scratch; a part uses what it needs of it. */
struct scratch {
    struct st_mel *mel;
    struct st_ave_worker *ave;
    struct st_unet_worker *unet;
    struct st_redraw *redraw;
    struct st_picture frame;
    float *input;  /* part's input */
    float *audio;  /* UNet: the audio window */
    float *output; /* part's output */
};

/* A part is timed in steps of so many frames. */
struct part {
    const char *name;
    int frames;    /* of a step */
    int precision; /* synctalk_precision of the UNet; AUTO: not the UNet */
    synctalk_status (*open)(struct scratch *scratch, const struct bench *bench,
                            synctalk_error *err);
    synctalk_status (*step)(struct scratch *scratch, synctalk_error *err);
};

struct thread {
    pthread_t id;
    struct bench *bench;
    const struct part *part;
    double frames_a_second;
    synctalk_status status;
    synctalk_error error;
};

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* `count` numbers in [0, 1) that repeat with a prime period. malloc'ed. */
static float *make_floats(size_t count)
{
    float *values = malloc(count * sizeof *values);
    for (size_t i = 0; values && i < count; i++)
        values[i] = (float)(i % 251) / 251.0f;
    return values;
}

static void close_scratch(struct scratch *scratch)
{
    st_mel_destroy(&scratch->mel);
    st_ave_worker_close(&scratch->ave);
    st_unet_worker_close(&scratch->unet);
    st_redraw_destroy(&scratch->redraw);
    st_picture_free(&scratch->frame);
    free(scratch->input);
    free(scratch->audio);
    free(scratch->output);
}

/* A second of sound: 16 000 samples, mel, 25 windows through AVE. */
static synctalk_status open_sound(struct scratch *scratch, const struct bench *bench,
                                  synctalk_error *err)
{
    synctalk_status st = st_mel_create(&scratch->mel, err);
    if (!st)
        st = st_ave_worker_open(&scratch->ave, bench->ave, err);
    scratch->audio = make_floats(HZ);
    scratch->input = make_floats((size_t)FPS * SOUND_FLOATS);
    scratch->output = make_floats((size_t)FPS * ST_AVE_VECTOR);
    if (!st && !(scratch->audio && scratch->input && scratch->output))
        st = st_fail_memory(err, "the benchmark", sizeof(float) * FPS * SOUND_FLOATS);
    return st;
}

static synctalk_status step_sound(struct scratch *scratch, synctalk_error *err)
{
    synctalk_status st = st_mel_push(scratch->mel, scratch->audio, HZ, err);
    if (st)
        return st;
    size_t capacity = (size_t)FPS * SOUND_FLOATS / ST_MEL_BANDS;
    while (st_mel_pull(scratch->mel, scratch->input, capacity) > 0)
        ;
    return st_ave_run(scratch->ave, FPS, scratch->input, scratch->output, err);
}

static synctalk_status open_unet(struct scratch *scratch, const struct bench *bench,
                                 synctalk_error *err)
{
    const struct st_unet_form *form = st_unet_form(bench->unet);
    synctalk_status st = st_unet_worker_open(&scratch->unet, bench->unet, err);
    scratch->input = make_floats((size_t)6 * FACE_FLOATS);
    scratch->audio = make_floats((size_t)form->window * form->vector);
    scratch->output = make_floats((size_t)3 * FACE_FLOATS);
    if (!st && !(scratch->input && scratch->audio && scratch->output))
        st = st_fail_memory(err, "the benchmark", sizeof(float) * 9 * FACE_FLOATS);
    return st;
}

static synctalk_status step_unet(struct scratch *scratch, synctalk_error *err)
{
    return st_unet_run(scratch->unet, 1, scratch->input, scratch->audio, scratch->output, err);
}

static synctalk_status open_picture(struct scratch *scratch, const struct bench *bench,
                                    synctalk_error *err)
{
    struct st_redraw_settings settings = {.blend = SYNCTALK_BLEND_EDGE, .feather_px = 8};
    synctalk_status st =
        st_redraw_create(&scratch->redraw, &settings, BOX_SIDE, &bench->kernels, err);
    if (!st)
        st = st_picture_resize(&scratch->frame, FRAME_WIDTH, FRAME_HEIGHT, err);
    if (!st)
        memset(scratch->frame.data, 0x80, scratch->frame.stride * FRAME_HEIGHT);
    scratch->input = make_floats((size_t)6 * FACE_FLOATS);
    scratch->output = make_floats((size_t)3 * FACE_FLOATS);
    if (!st && !(scratch->input && scratch->output))
        st = st_fail_memory(err, "the benchmark", sizeof(float) * 9 * FACE_FLOATS);
    return st;
}

static synctalk_status step_picture(struct scratch *scratch, synctalk_error *err)
{
    struct st_crop_box box = {.x = (FRAME_WIDTH - BOX_SIDE) / 2, .y = 100, .side = BOX_SIDE};
    (void)err;
    st_redraw_crop(scratch->redraw, &scratch->frame, &box, scratch->input);
    st_redraw_paste(scratch->redraw, &scratch->frame, scratch->output, NULL, NULL);
    return SYNCTALK_OK;
}

/* What blocks bear depends on the checkpoint; up5 seldom bears bytes. */
static const struct part parts[] = {
    {"sound (mel and AVE)", FPS, SYNCTALK_PRECISION_AUTO, open_sound, step_sound},
    {"UNet, f32", 1, SYNCTALK_PRECISION_F32, open_unet, step_unet},
    {"UNet, bf16", 1, SYNCTALK_PRECISION_BF16, open_unet, step_unet},
    {"UNet, mixed, up5 not in bytes", 1, SYNCTALK_PRECISION_MIXED, open_unet, step_unet},
    {"UNet, int8", 1, SYNCTALK_PRECISION_INT8, open_unet, step_unet},
    {"crop and paste, 720p", 1, SYNCTALK_PRECISION_AUTO, open_picture, step_picture},
};
#define PARTS (sizeof parts / sizeof *parts)

static bool has_part(const struct bench *bench, const struct part *part)
{
    const unsigned flags = bench->kernels.flags;
    switch (part->precision) {
    case SYNCTALK_PRECISION_BF16:
        return st_pixel_kernels_have(flags, ST_ELEMENT_BF16);
    case SYNCTALK_PRECISION_MIXED:
    case SYNCTALK_PRECISION_INT8:
        return st_pixel_kernels_have(flags, ST_ELEMENT_U8);
    default:
        return true;
    }
}

/* One step warms up, at least one is timed. */
static void *run_thread(void *argument)
{
    struct thread *thread = argument;
    const struct part *part = thread->part;
    struct scratch scratch = {.mel = NULL};
    synctalk_status st = part->open(&scratch, thread->bench, &thread->error);
    if (!st)
        st = part->step(&scratch, &thread->error);

    double begin = now_seconds();
    int64_t frames = 0;
    do {
        if (!st)
            st = part->step(&scratch, &thread->error);
        frames += part->frames;
    } while (!st && !atomic_load(&thread->bench->stop));
    thread->frames_a_second = (double)frames / (now_seconds() - begin + 1e-9);

    close_scratch(&scratch);
    thread->status = st;
    return NULL;
}

/* What one call of the benchmark is asked for. */
struct request {
    double seconds;
    int threads;
    synctalk_machine_fact fact;
    const synctalk_callbacks *callbacks;
    void *user;
};

static bool wait_for(const struct request *request, double seconds, double done)
{
    double end = now_seconds() + seconds;
    double left = seconds;
    while ((left = end - now_seconds()) > 0) {
        double passed = done + seconds - left;
        if (st_cancelled(request->callbacks))
            return false;
        st_progress(request->callbacks, "benchmark", (int64_t)(passed * 10),
                    (int64_t)(request->seconds * 10), 0);
        nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
    }
    return true;
}

/* All threads on one part; *rate is the frames a second of all together. */
static synctalk_status time_part(struct bench *bench, const struct part *part, double seconds,
                                 double done, const struct request *request, double *rate,
                                 synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    int started = 0;
    struct thread *threads = calloc((size_t)request->threads, sizeof *threads);
    if (!threads)
        return st_fail_memory(err, "threads", sizeof *threads * (size_t)request->threads);

    atomic_store(&bench->stop, false);
    for (; started < request->threads; started++) {
        threads[started].bench = bench;
        threads[started].part = part;
        if (pthread_create(&threads[started].id, NULL, run_thread, &threads[started]) != 0)
            break;
    }
    bool whole = started == request->threads && wait_for(request, seconds, done);
    atomic_store(&bench->stop, true);

    *rate = 0;
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i].id, NULL);
        *rate += threads[i].frames_a_second;
        if (threads[i].status && !st)
            st = st_fail(err, threads[i].status, "%s", threads[i].error.message);
    }
    if (!st && started < request->threads)
        st = st_fail(err, SYNCTALK_E_LIBRARY, "cannot start thread %d of %d", started + 1,
                     request->threads);
    else if (!st && !whole)
        st = st_fail(err, SYNCTALK_E_CANCELLED, "the benchmark was interrupted");
    free(threads);
    return st;
}

static void tell_rate(const struct request *request, const char *name, double rate)
{
    char value[128];
    snprintf(value, sizeof value, "%.2f ms a frame, %.2f x real time on %d thread%s", 1000 / rate,
             rate / FPS, request->threads, request->threads == 1 ? "" : "s");
    request->fact(request->user, name, value);
}

/* The UNet of a part, with levels that range over nothing: the time of a network does not depend
 * on its values. */
static synctalk_status open_precision(struct bench *bench, const struct part *part,
                                      synctalk_error *err)
{
    const unsigned flags = bench->kernels.flags;
    struct st_unet_calibration calibration = {.flags = flags};
    struct st_unet_block blocks[ST_UNET_BLOCKS];
    struct st_unet_recipe recipe;
    const size_t count = st_unet_blocks(&bench->form, blocks);
    for (size_t i = 0; i < count; i++) {
        calibration.mixed[i] = ST_ELEMENT_U8;
        if (strcmp(blocks[i].name, "up5") == 0)
            calibration.mixed[i] =
                st_pixel_kernels_have(flags, ST_ELEMENT_BF16) ? ST_ELEMENT_BF16 : ST_ELEMENT_F32;
    }
    st_unet_recipe_uniform(&recipe, &bench->form, ST_ELEMENT_F32);
    synctalk_status st = st_unet_recipe_alloc(&recipe, &bench->form, err);
    if (st)
        return st;
    st_unet_recipe_set(&recipe, &bench->form, part->precision, flags, &calibration);
    st = st_unet_open_as(&bench->unet, bench->weights, &bench->form, &recipe, &bench->kernels, err);
    st_unet_recipe_free(&recipe);
    return st;
}

/* Seconds a frame: of all that is no network, and of the fastest of those that most can use. */
struct sums {
    double others, network;
    const char *name; /* of the network's part */
};

static void add_part(struct sums *sums, const struct part *part, double seconds)
{
    if (part->precision == SYNCTALK_PRECISION_AUTO)
        sums->others += seconds;
    else if (part->precision != SYNCTALK_PRECISION_INT8 && (!sums->name || seconds < sums->network))
        *sums = (struct sums){sums->others, seconds, part->name};
}

static synctalk_status time_parts(struct bench *bench, const struct request *request,
                                  synctalk_error *err)
{
    struct sums sums = {0, 0, NULL};
    size_t count = 0, told = 0;
    char name[64];
    for (size_t i = 0; i < PARTS; i++)
        count += has_part(bench, &parts[i]);
    const double seconds = request->seconds / (double)count;
    for (size_t i = 0; i < PARTS; i++) {
        const struct part *part = &parts[i];
        double rate = 0;
        if (!has_part(bench, part))
            continue;
        synctalk_status st = part->precision == SYNCTALK_PRECISION_AUTO
                                 ? SYNCTALK_OK
                                 : open_precision(bench, part, err);
        if (!st)
            st = time_part(bench, part, seconds, (double)told++ * seconds, request, &rate, err);
        st_unet_close(&bench->unet);
        if (st)
            return st;
        tell_rate(request, part->name, rate);
        add_part(&sums, part, 1 / rate);
    }
    snprintf(name, sizeof name, "all, with %.40s", sums.name);
    tell_rate(request, name, 1 / (sums.others + sums.network));
    return SYNCTALK_OK;
}

/* Random weights: the time of a network does not depend on their values. */
static synctalk_status open_networks(struct bench *bench, synctalk_error *err)
{
    struct st_weights *ave = NULL;
    synctalk_status st = st_ave_random(&ave, 1, err);
    if (!st)
        st = st_ave_open(&bench->ave, ave, &bench->kernels, err);
    if (!st)
        st = st_unet_random(&bench->weights, false, SYNCTALK_ENCODER_AVE, 1, err);
    if (!st)
        st = st_unet_recognise(&bench->form, bench->weights, SYNCTALK_ENCODER_AVE, err);
    st_weights_close(&ave);
    return st;
}

synctalk_status synctalk_machine_benchmark(double seconds, int threads, unsigned cpu_mask,
                                           synctalk_machine_fact fact,
                                           const synctalk_callbacks *callbacks, void *user,
                                           synctalk_error *err)
{
    if (!(seconds > 0 && seconds <= MAX_SECONDS))
        return st_fail(err, SYNCTALK_E_ARG, "seconds is %g; up to %g is allowed", seconds,
                       MAX_SECONDS);
    if (threads < 0 || threads > MAX_THREADS)
        return st_fail(err, SYNCTALK_E_ARG, "threads is %d; 0 to %d is allowed", threads,
                       MAX_THREADS);
    int cores = st_cpu_cores();
    struct request request = {.seconds = seconds,
                              .threads = threads               ? threads
                                         : cores < MAX_THREADS ? cores
                                                               : MAX_THREADS,
                              .fact = fact,
                              .callbacks = callbacks,
                              .user = user};
    struct bench bench = {.ave = NULL};
    st_kernels_init(&bench.kernels, cpu_mask);
    synctalk_status st = open_networks(&bench, err);
    if (!st)
        st = time_parts(&bench, &request, err);
    st_ave_close(&bench.ave);
    st_weights_close(&bench.weights);
    return st;
}
