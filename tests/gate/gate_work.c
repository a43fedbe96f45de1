/* SPDX-License-Identifier: Apache-2.0 */
/* A little of each work that a frame costs, for gate.py to count the instructions of.
 *
 * Each part is set up first and then run by a function of its own, gate_NAME, which is what is
 * counted. Kernels are those of AVX2, which every machine of ours and valgrind have, so that the
 * counts are the same everywhere. A new part is a pair of functions and a line in the list.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/mel.h"
#include "base/memory.h"
#include "face/redraw.h"
#include "generate/image_cache.h"
#include "generate/plan.h"
#include "image/planes.h"
#include "kernels/kernels.h"
#include "kernels/pixel.h"
#include "models/unet.h"
#include "nn/net.h"
#include "support/support.h"
#include "synctalk/machine.h"

#define PLANE ((size_t)ST_INNER_SIDE * ST_INNER_SIDE)
#define WIDTH 480
#define HEIGHT 400
#define SAMPLES 32000
#define PIXELS ((size_t)320) /* of a row of up5, and its channels */
#define NARROW ((size_t)64)
#define WIDE ((size_t)128)

struct bench {
    struct st_kernels kernels, references;
    struct st_redraw *redraw;
    struct st_picture frame;
    struct st_recolour *recolour;
    struct st_planes jpeg, video;
    struct st_landmarks landmarks;
    float *input, *prediction; /* [6, 320, 320], [3, 320, 320] */
    struct st_mel *mel;
    float *samples;
    struct st_image_cache *cache;
    struct st_net *net;
    struct st_net_run *run;
    struct st_unet *unet;
    struct st_unet_worker *worker;
    float *audio;
    void *audio_side;
    struct st_pixel_kernels pixels;
    struct st_pointwise pointwise;
    struct st_depthwise depthwise;
    uint8_t *bytes, *wide; /* [PIXELS, NARROW], 4 x [PIXELS, WIDE] */
    int8_t *byte_weights;
    float *ones;
};

static void fill(float *values, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++)
        values[i] = st_random_unit(&seed);
}

static void set_up_pictures(struct bench *b)
{
    const struct st_redraw_settings settings = {
        .blend = SYNCTALK_BLEND_FACE, .feather_px = 8, .colour_match = 1};
    uint64_t seed = 1;
    ST_OK(st_redraw_create(&b->redraw, &settings, WIDTH, &b->kernels, err));
    ST_OK(st_picture_resize(&b->frame, WIDTH, HEIGHT, err));
    for (size_t i = 0; i < b->frame.stride * HEIGHT; i++)
        b->frame.data[i] = (uint8_t)(st_random_next(&seed) & 255);
    b->landmarks.count = 110;
    for (int i = 0; i < b->landmarks.count; i++) {
        const float angle = (float)i * 0.0571F;
        b->landmarks.points[i] =
            (struct st_point){240 + 120 * cosf(angle), 200 + 130 * sinf(angle)};
    }
    b->input = st_alloc_aligned(6 * PLANE * sizeof(float));
    b->prediction = st_alloc_aligned(3 * PLANE * sizeof(float));
    assert_true(b->input && b->prediction);
    fill(b->prediction, 3 * PLANE, 2);
}

static struct st_conv conv(float *weights, int channels, int kernel, int stride, bool relu, int add)
{
    return (struct st_conv){.channels = channels,
                            .kernel = kernel,
                            .stride_h = stride,
                            .stride_w = stride,
                            .pad = kernel / 2,
                            .depthwise = kernel == 3,
                            .relu = relu,
                            .add = add,
                            .weights = weights};
}

/* An inverted residual as the UNet's: expand, across, back. */
static int inverted(struct st_net *net, float *weights, int x, int from, int to, int stride)
{
    const struct st_conv expand = conv(weights, 2 * from, 1, 1, true, ST_NET_NONE);
    const struct st_conv across = conv(weights, 2 * from, 3, stride, true, ST_NET_NONE);
    const struct st_conv back =
        conv(weights, to, 1, 1, false, from == to && stride == 1 ? x : ST_NET_NONE);
    return st_net_conv(net, st_net_conv_depthwise(net, x, &expand, &across), &back);
}

/* The UNet in small: down, and up again with what was there before. */
static void set_up_planes(struct bench *b)
{
    uint64_t seed = 6;
    ST_OK(st_recolour_create(&b->recolour, WIDTH, SYNCTALK_CPU_AVX2, err));
    ST_OK(st_planes_resize(&b->jpeg, WIDTH, HEIGHT, true, err));
    for (int p = 0; p < 3; p++)
        for (size_t i = 0; i < b->jpeg.stride[p] * HEIGHT / (p ? 2 : 1); i++)
            b->jpeg.data[p][i] = (uint8_t)(st_random_next(&seed) & 255);
    ST_OK(st_planes_resize(&b->video, WIDTH, HEIGHT, true, err));
}

static void set_up_network(struct bench *b)
{
    float *weights = malloc(64 * 128 * sizeof *weights);
    assert_non_null(weights);
    fill(weights, 64 * 128, 3);
    ST_OK(st_net_create(&b->net, &b->kernels, 1, NULL, err));
    const int image = st_net_input(b->net, 6, 32, 32);
    const int x1 = inverted(b->net, weights, image, 6, 32, 1);
    const int x2 = inverted(b->net, weights, x1, 32, 32, 2);
    const int x3 = inverted(b->net, weights, x2, 32, 32, 1);
    const int both = st_net_concat(b->net, st_net_upsample(b->net, x3), x1);
    const int last = inverted(b->net, weights, both, 64, 16, 1);
    const struct st_conv head = conv(weights, 3, 1, 1, false, ST_NET_NONE);
    st_net_output(b->net, st_net_conv(b->net, last, &head), true);
    ST_OK(st_net_finish(b->net, err));
    ST_OK(st_net_run_create(&b->run, b->net, err));
    free(weights);
}

static void set_up_unet(struct bench *b)
{
    struct st_weights *weights;
    struct st_unet_form form;
    ST_OK(st_unet_random(&weights, true, SYNCTALK_ENCODER_AVE, 3, err));
    ST_OK(st_unet_recognise(&form, weights, SYNCTALK_ENCODER_AUTO, err));
    ST_OK(st_unet_open(&b->unet, weights, &form, &b->kernels, err));
    st_weights_close(&weights);
    const size_t floats = form.audio_dims[0] * form.audio_dims[1] * form.audio_dims[2];
    ST_OK(st_unet_worker_open(&b->worker, b->unet, err));
    b->audio = st_alloc_aligned(floats * sizeof(float));
    b->audio_side = st_alloc_aligned(st_unet_audio_side_bytes(b->unet));
    assert_true(b->audio && b->audio_side);
    fill(b->audio, floats, 7);
}

/* Weights that are small are narrow: st_pixel_kernels_narrow(). */
static void set_up_bytes(struct bench *b)
{
    uint64_t seed = 11;
    b->bytes = malloc(PIXELS * NARROW);
    b->wide = malloc(4 * PIXELS * WIDE);
    b->byte_weights = malloc(NARROW * WIDE);
    b->ones = malloc(WIDE * sizeof(float));
    assert_true(b->bytes && b->wide && b->byte_weights && b->ones);
    for (size_t i = 0; i < PIXELS * NARROW; i++)
        b->bytes[i] = (uint8_t)(st_random_next(&seed) & 255);
    for (size_t i = 0; i < NARROW * WIDE; i++)
        b->byte_weights[i] = (int8_t)((int)(st_random_next(&seed) & 127) - 64);
    for (size_t i = 0; i < WIDE; i++)
        b->ones[i] = 0.01F;
    memset(b->wide, 0, 4 * PIXELS * WIDE);
    st_pixel_kernels_init(&b->pixels, b->kernels.flags);
    b->pointwise = (struct st_pointwise){.in = ST_ELEMENT_U8,
                                         .out = ST_ELEMENT_U8,
                                         .relu = true,
                                         .C = NARROW,
                                         .K = WIDE,
                                         .weights = b->byte_weights,
                                         .scale = b->ones,
                                         .bias = b->ones};
    b->depthwise = (struct st_depthwise){.in = ST_ELEMENT_U8,
                                         .out = ST_ELEMENT_U8,
                                         .C = WIDE,
                                         .stride = 1,
                                         .weights = b->byte_weights,
                                         .scale = b->ones,
                                         .bias = b->ones};
}

static void set_up_sound(struct bench *b)
{
    ST_OK(st_mel_create(&b->mel, err));
    b->samples = malloc(SAMPLES * sizeof(float));
    assert_non_null(b->samples);
    fill(b->samples, SAMPLES, 5);
}

/* Where each output frame comes from, and when its source comes back, for two minutes. */
static void gate_plan(struct bench *b)
{
    (void)b;
    for (int loop = 0; loop < 2; loop++) {
        struct st_plan plan = {.frames = 3000, .sources = 523, .start = 7, .loop_back = loop};
        for (int64_t i = 0; i < plan.frames; i++)
            (void)st_plan_next_use(&plan, i, st_plan_at(&plan, i).source);
    }
}

static void gate_cache(struct bench *b)
{
    struct st_plan plan = {.frames = 800, .sources = 300};
    assert_true(st_image_cache_begin(b->cache, (size_t)80 << 10,
                                     &(struct st_image_sizes){.side = 1024}, false));
    for (int64_t i = 0; i < plan.frames; i++) {
        const int64_t source = st_plan_at(&plan, i).source;
        struct st_image_ticket ticket =
            st_image_cache_ask(b->cache, source, st_plan_next_use(&plan, i, source));
        (void)st_image_cache_block(b->cache, &ticket);
        st_image_cache_done(b->cache, &ticket, true);
    }
    st_image_cache_end(b->cache, plan.frames, NULL);
}

static void gate_mel(struct bench *b)
{
    float rows[ST_MEL_BANDS];
    synctalk_error *err = NULL;
    for (size_t at = 0; at < SAMPLES; at += 4000) {
        (void)st_mel_push(b->mel, b->samples + at, 4000, err);
        while (st_mel_pull(b->mel, rows, 1) > 0)
            continue;
    }
}

static void gate_crop(struct bench *b)
{
    st_redraw_crop(b->redraw, &b->frame, &(struct st_crop_box){80, 40, 301}, b->input);
}

static void gate_paste(struct bench *b)
{
    st_redraw_paste(b->redraw, &b->frame, b->prediction, &b->landmarks, NULL);
}

static void gate_recolour(struct bench *b)
{
    const struct st_picture_part part = {80, 40, 302, 302};
    (void)st_recolour_video(b->recolour, &b->video, &b->jpeg, NULL);
    st_recolour_part(b->recolour, &b->frame, &b->jpeg, &part);
    st_recolour_change(b->recolour, &b->video, &b->frame, b->jpeg.data[0], &part);
}

/* The definitions that all variants are held to. */
static void gate_references(struct bench *b)
{
    b->references.upsample2x(b->prediction, b->input, 2, 40, 40, 16);
    b->references.blend_row(b->frame.data, b->frame.data, b->frame.data + 3000,
                            b->frame.data + 6000, 1000);
}

static void gate_upsample(struct bench *b)
{
    b->kernels.upsample2x(b->prediction, b->input, 1, 80, 80, 8);
}

static void gate_network(struct bench *b)
{
    const float *const inputs[] = {b->input};
    float *const outputs[] = {b->prediction};
    (void)st_net_run_execute(b->run, inputs, outputs, NULL);
}

/* The part of a whole network that is small enough to be counted in a moment. */
static void gate_unet_audio(struct bench *b)
{
    (void)st_unet_run_audio_side(b->worker, b->audio, b->audio_side, NULL);
}

/* A row made wide, and filtered. */
static void gate_bytes(struct bench *b)
{
    const size_t row = PIXELS * WIDE;
    const void *const rows[3] = {b->wide, b->wide + row, b->wide + 2 * row};
    b->pixels.pointwise[ST_ELEMENT_U8](&b->pointwise, b->wide, WIDE, b->bytes, NARROW, NULL, 0,
                                       PIXELS);
    b->pixels.depthwise[ST_ELEMENT_U8](&b->depthwise, b->wide + 3 * row, rows, PIXELS, PIXELS);
}

static void (*const volatile parts[])(struct bench *) = {
    gate_plan,       gate_cache,    gate_mel,     gate_crop,       gate_paste, gate_recolour,
    gate_references, gate_upsample, gate_network, gate_unet_audio, gate_bytes,
};

static void tear_down(struct bench *b)
{
    st_redraw_destroy(&b->redraw);
    st_picture_free(&b->frame);
    st_recolour_destroy(&b->recolour);
    st_planes_free(&b->jpeg);
    st_planes_free(&b->video);
    st_mel_destroy(&b->mel);
    st_image_cache_destroy(&b->cache);
    st_unet_worker_close(&b->worker);
    st_unet_close(&b->unet);
    free(b->audio);
    free(b->audio_side);
    free(b->bytes);
    free(b->wide);
    free(b->byte_weights);
    free(b->ones);
    st_net_run_destroy(&b->run);
    st_net_destroy(&b->net);
    free(b->input);
    free(b->prediction);
    free(b->samples);
}

int main(void)
{
    struct bench b = {0};
    st_kernels_init(&b.kernels, SYNCTALK_CPU_AVX2);
    st_kernels_init(&b.references, 0);
    if (!(b.kernels.flags & SYNCTALK_CPU_AVX2))
        return 77; /* another machine's counts are none of ours */
    ST_OK(st_image_cache_create(&b.cache, err));
    set_up_pictures(&b);
    set_up_planes(&b);
    set_up_network(&b);
    set_up_unet(&b);
    set_up_bytes(&b);
    set_up_sound(&b);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        parts[i](&b);
    tear_down(&b);
    return 0;
}
