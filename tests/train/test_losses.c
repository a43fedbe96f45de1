/* SPDX-License-Identifier: Apache-2.0 */
/* Gradients of the losses against central differences. */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "models/train_models.h"
#include "train/lips.h"
#include "train/losses.h"

#define PICTURE ((size_t)3 * ST_UNET_SIDE * ST_UNET_SIDE)

static struct st_pool *pool;
static struct st_kernels kernels;

static int open_pool(void **state)
{
    (void)state;
    st_kernels_init(&kernels, ~0u);
    return st_pool_create(&pool, 2, NULL);
}

static int close_pool(void **state)
{
    (void)state;
    st_pool_destroy(&pool);
    return 0;
}

static float *numbers(size_t count, uint64_t seed, float low, float high)
{
    float *p = aligned_alloc(64, (count * sizeof *p + 63) / 64 * 64);
    assert_non_null(p);
    for (size_t i = 0; i < count; i++)
        p[i] = low + (high - low) * st_random_unit(&seed);
    return p;
}

static double weighted(const struct st_pixel_loss *loss, int N, const float *p, const float *y,
                       float *g)
{
    struct st_pixel_values v;
    st_loss_pixels(loss, pool, N, p, y, g, &v);
    return v.l1 + loss->mouth_weight * v.mouth + loss->lips_weight * v.lips +
           loss->mouth_temporal * v.temporal;
}

/* The loss is piecewise linear, so a step that crosses no kink is exact up to rounding of
 * the sum: the kinks of these pixels are farther away than the step. */
static void pixels_have_their_gradient(void **state)
{
    (void)state;
    enum { N = 4 };
    const struct st_region lips[N] = {
        {90, 230, 120, 200}, {100, 100, 130, 175}, {0, 319, 0, 319}, {98, 260, 133, 155}};
    const struct st_pixel_loss losses[] = {
        {0, 0, 0, NULL}, {3, 0, 0, NULL}, {0, 2, 0, NULL}, {0, 0, 2, lips}, {1.5, 0.7, 0.9, lips}};
    float *p = numbers(N * PICTURE, 1, 0.1f, 0.9f);
    float *y = numbers(N * PICTURE, 2, 0.1f, 0.9f);
    float *g = calloc(N * PICTURE, sizeof *g);
    float *scratch = calloc(N * PICTURE, sizeof *g);
    assert_true(g && scratch);
    for (size_t k = 0; k < sizeof losses / sizeof *losses; k++) {
        uint64_t seed = 77;
        memset(g, 0, N * PICTURE * sizeof *g);
        weighted(&losses[k], N, p, y, g);
        for (int probe = 0; probe < 40; probe++) {
            size_t at = st_random_next(&seed) % (N * PICTURE);
            if (probe % 2) /* half of them inside the mouth region */
                at = (size_t)(probe / 2 % N) * PICTURE + (size_t)(130 + probe) * 320 + 100;
            const float kept = p[at];
            const float step = 1e-3f;
            p[at] = kept + step;
            double more = weighted(&losses[k], N, p, y, scratch);
            p[at] = kept - step;
            double less = weighted(&losses[k], N, p, y, scratch);
            p[at] = kept;
            const double want = (more - less) / (2 * (double)step);
            const double near = 0.02 * fabs(want) + 2e-9;
            if (fabs((double)(kept - y[at])) > 2e-3 && !(fabs((double)g[at] - want) <= near)) {
                /* A kink of the change between two frames may still be in the way. */
                const size_t pair = at / PICTURE % 2 ? at - PICTURE : at + PICTURE;
                const double change = (double)(kept - p[pair]) - (double)(y[at] - y[pair]);
                if (losses[k].mouth_temporal > 0 && fabs(change) < 2e-3)
                    continue;
                fail_msg("loss %zu, number %zu: %g, want %g", k, at, (double)g[at], want);
            }
        }
    }
    free(p);
    free(y);
    free(g);
    free(scratch);
}

static void values_are_means(void **state)
{
    (void)state;
    const struct st_region lips[2] = {{10, 20, 30, 40}, {0, 0, 0, 0}};
    const struct st_pixel_loss loss = {1, 1, 1, lips};
    struct st_pixel_values v;
    float *p = numbers(2 * PICTURE, 1, 0.5f, 0.5f);
    float *y = numbers(2 * PICTURE, 1, 0.25f, 0.25f);
    float *g = calloc(2 * PICTURE, sizeof *g);
    assert_non_null(g);
    for (size_t i = PICTURE; i < 2 * PICTURE; i++)
        y[i] = 0.75f;
    st_loss_pixels(&loss, pool, 2, p, y, g, &v);
    assert_float_equal(v.l1, 0.25, 1e-9);
    assert_float_equal(v.mouth, 0.25, 1e-9);
    assert_float_equal(v.lips, 0.25, 1e-9);
    assert_float_equal(v.temporal, 0.5, 1e-9);
    free(p);
    free(y);
    free(g);
}

/* Guards a loss around the chin, or around a mouth that the square has moved away from. */
static void lips_are_found_in_the_crop(void **state)
{
    (void)state;
    const int layouts[] = {110, 106, 98};
    for (size_t k = 0; k < 3; k++) {
        struct st_landmarks marks = {.count = layouts[k]};
        const struct st_landmark_layout *layout = st_landmark_layout(layouts[k]);
        /* A square of 164 pixels from (100, 50): a pixel of the frame is two of the crop. */
        const struct st_crop_box box = {.x = 100, .y = 50, .side = 164};
        for (int i = 0; i < 12; i++)
            marks.points[layout->lips_outer[i]] =
                (struct st_point){160.0f + (i == 6 ? 40.0f : 20.0f), 130.0f};
        marks.points[layout->lips_outer[0]] = (struct st_point){160.0f, 120.0f};
        marks.points[layout->lips_outer[9]] = (struct st_point){180.0f, 150.0f};
        const struct st_region r = st_lips_region(&marks, &box);
        assert_int_equal(r.left, (160 - 10 - 100) * 2 - 4);
        assert_int_equal(r.right, (200 + 10 - 100) * 2 - 4);
        assert_int_equal(r.top, (120 - 10 - 50) * 2 - 4);
        assert_int_equal(r.bottom, (150 + 10 - 50) * 2 - 4);
        const struct st_crop_box away = {.x = 1000, .y = 1000, .side = 164};
        const struct st_region none = st_lips_region(&marks, &away);
        assert_int_equal(none.left, 0);
        assert_int_equal(none.right, 0);
        assert_int_equal(none.bottom, 0);
    }
}

/* Guards gradients that depend on who does the work. */
static void workers_change_nothing(void **state)
{
    (void)state;
    enum { N = 6 };
    const struct st_region lips[N] = {{0, 99, 0, 99}, {9, 9, 9, 9}, {0, 319, 5, 80},
                                      {1, 2, 3, 4},   {7, 8, 9, 9}, {100, 200, 100, 200}};
    const struct st_pixel_loss loss = {2, 3, 1, lips};
    struct st_pixel_values first;
    float *p = numbers(N * PICTURE, 5, 0, 1);
    float *y = numbers(N * PICTURE, 6, 0, 1);
    float *g[3];
    for (int workers = 1; workers <= 3; workers++) {
        struct st_pool *some;
        struct st_pixel_values v;
        float *here = calloc(N * PICTURE, sizeof *here);
        assert_non_null(here);
        ST_OK(st_pool_create(&some, workers, err));
        st_loss_pixels(&loss, some, N, p, y, here, &v);
        st_pool_destroy(&some);
        g[workers - 1] = here;
        if (workers == 1)
            first = v;
        assert_memory_equal(&v, &first, sizeof v);
        assert_memory_equal(here, g[0], N * PICTURE * sizeof *here);
    }
    for (int i = 0; i < 3; i++)
        free(g[i]);
    free(p);
    free(y);
}

static void sync_loss_has_its_slope(void **state)
{
    (void)state;
    double slope;
    for (double c = -1; c <= 1; c += 0.013) {
        const double step = 1e-6;
        double ignored;
        st_sync_loss(c, &slope);
        const double want =
            (st_sync_loss(c + step, &ignored) - st_sync_loss(c - step, &ignored)) / (2 * step);
        if (fabs(c - ST_SYNC_KNEE) > 2 * step)
            assert_float_equal(slope, want, 1e-4f * (float)fabs(want));
        assert_true(slope < 0);
    }
    assert_float_equal(st_sync_loss(1, &slope), 0, 1e-15);
}

static void normalise(float *v, int N, size_t size)
{
    for (int n = 0; n < N; n++) {
        double sum = 0;
        for (size_t i = 0; i < size; i++)
            sum += (double)v[n * (int)size + (int)i] * (double)v[n * (int)size + (int)i];
        for (size_t i = 0; i < size; i++)
            v[n * (int)size + (int)i] /= (float)sqrt(sum);
    }
}

static double contrast(int N, size_t size, const float *f, const float *s, const int64_t *moments)
{
    float scratch[2][8 * 12];
    double matching, shifted;
    st_loss_contrast(N, size, f, s, moments, scratch[0], scratch[1], &matching, &shifted);
    return matching + shifted;
}

static void contrast_has_its_gradient(void **state)
{
    (void)state;
    enum { N = 8, SIZE = 12 };
    /* Two near each other, which do not count, and one moment twice. */
    const int64_t moments[N] = {3, 5, 20, 20, 40, 61, 80, 99};
    float *f = numbers((size_t)N * SIZE, 3, -0.4f, 1);
    float *s = numbers((size_t)N * SIZE, 4, -0.4f, 1);
    float df[N * SIZE];
    float ds[N * SIZE];
    double matching, shifted;
    normalise(f, N, SIZE);
    normalise(s, N, SIZE);
    st_loss_contrast(N, SIZE, f, s, moments, df, ds, &matching, &shifted);
    assert_true(matching > 0 && shifted > 0);
    for (size_t i = 0; i < (size_t)2 * N * SIZE; i++) {
        float *at = i < (size_t)N * SIZE ? &f[i] : &s[i - (size_t)N * SIZE];
        const float got = i < (size_t)N * SIZE ? df[i] : ds[i - (size_t)N * SIZE];
        const float kept = *at;
        *at = kept + 1e-3f;
        const double more = contrast(N, SIZE, f, s, moments);
        const double up = (double)*at;
        *at = kept - 1e-3f;
        const double less = contrast(N, SIZE, f, s, moments);
        const double want = (more - less) / (up - (double)*at);
        *at = kept;
        if (!(fabs((double)got - want) <= 2e-3 * fabs(want) + 2e-4))
            fail_msg("number %zu: %g, want %g", i, (double)got, want);
    }
    free(f);
    free(s);
}

/* Of a term of the loss: along its own gradient the difference must be its length. */
static void check_along_gradient(double (*value)(void *, const float *, float *), void *context,
                                 float *p, size_t count, double step, double tolerance)
{
    float *g = calloc(count, sizeof *g);
    float *moved = malloc(count * sizeof *moved);
    float *scratch = calloc(count, sizeof *scratch);
    double length = 0;
    double at[2];
    assert_true(g && moved && scratch);
    value(context, p, g);
    for (size_t i = 0; i < count; i++)
        length += (double)g[i] * (double)g[i];
    length = sqrt(length);
    assert_true(length > 0);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < count; i++)
            moved[i] = (float)((double)p[i] + (side ? -step : step) * (double)g[i] / length);
        at[side] = value(context, moved, scratch);
    }
    const double want = (at[0] - at[1]) / (2 * step);
    printf("gradient's length %.6g, difference %.6g\n", length, want);
    if (!(fabs(length - want) <= tolerance * fabs(want)))
        fail_msg("the gradient's length is %g, the difference is %g", length, want);
    free(g);
    free(moved);
    free(scratch);
}

struct vgg_scene {
    struct st_vgg *vgg;
    const float *target;
};

static double vgg_value(void *context, const float *p, float *g)
{
    struct vgg_scene *scene = context;
    double value;
    ST_OK(st_vgg_add(scene->vgg, 0.3, 1, p, scene->target, g, &value, err));
    return 0.3 * value;
}

/* VGG-19 with random weights under torchvision's names. */
static void write_vgg(const char *path)
{
    const int channels[][3] = {{0, 3, 64},     {2, 64, 64},    {5, 64, 128},  {7, 128, 128},
                               {10, 128, 256}, {12, 256, 256}, {14, 256, 256}};
    struct st_weights *weights;
    ST_OK(st_weights_create(&weights, "vgg", err));
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
        char name[64];
        const size_t C = (size_t)channels[i][1], K = (size_t)channels[i][2];
        const float spread = sqrtf(6.0f / (float)(9 * C));
        float *w = numbers(K * C * 9, i + 1, -spread, spread);
        snprintf(name, sizeof name, "features.%d.weight", channels[i][0]);
        ST_OK(st_weights_add_f32(weights, name, 4, (size_t[]){K, C, 3, 3}, w, err));
        snprintf(name, sizeof name, "features.%d.bias", channels[i][0]);
        ST_OK(st_weights_add_f32(weights, name, 1, (size_t[]){K}, w, err));
        free(w);
    }
    ST_OK(st_weights_write_safetensors(weights, path, ST_F32, NULL, NULL, true, err));
    st_weights_close(&weights);
}

static void vgg_term_has_its_gradient(void **state)
{
    (void)state;
    char *folder = st_scratch_create();
    char path[4096];
    float *p = numbers(PICTURE, 8, 0.2f, 0.8f);
    float *y = numbers(PICTURE, 9, 0.2f, 0.8f);
    struct vgg_scene scene = {.target = y};
    synctalk_error error;

    snprintf(path, sizeof path, "%s/vgg.safetensors", folder);
    write_vgg(path);
    ST_OK(st_vgg_open(&scene.vgg, path, &kernels, pool, 1, err));
    check_along_gradient(vgg_value, &scene, p, PICTURE, 0.1, 0.01);
    st_vgg_close(&scene.vgg);

    struct st_weights *other;
    ST_OK(st_unet_random(&other, true, SYNCTALK_ENCODER_AVE, 1, err));
    ST_OK(st_weights_write_safetensors(other, path, ST_F32, NULL, NULL, true, err));
    st_weights_close(&other);
    assert_int_equal(st_vgg_open(&scene.vgg, path, &kernels, pool, 1, &error), SYNCTALK_E_MODEL);
    assert_non_null(strstr(error.message, "not torchvision's VGG-19"));
    free(p);
    free(y);
    st_scratch_remove(folder);
}

struct sync_scene {
    struct st_sync *sync;
    const float *audio;
};

static double sync_value(void *context, const float *p, float *g)
{
    struct sync_scene *scene = context;
    double value;
    ST_OK(st_sync_add(scene->sync, 2.0, 1, p, scene->audio, g, &value, err));
    return 2.0 * value;
}

static void sync_term_has_its_gradient(void **state)
{
    (void)state;
    char *folder = st_scratch_create();
    char path[4096];
    struct st_unet_form form;
    struct st_train_net *net;
    struct st_weights *weights;
    const struct st_train_settings settings = {.kernels = &kernels, .pool = pool, .batch = 1};

    st_train_unet_form(&form, true, SYNCTALK_ENCODER_AVE);
    ST_OK(st_train_net_create(&net, &settings, err));
    st_train_syncnet_build(net, &form, false);
    ST_OK(st_train_net_finish(net, err));
    st_train_net_init(net, 3);
    ST_OK(st_weights_create(&weights, "syncnet", err));
    ST_OK(st_train_save(net, weights, NULL, err));
    snprintf(path, sizeof path, "%s/0.pth", folder);
    ST_OK(st_weights_write_pth(weights, path, NULL, NULL, true, err));
    st_weights_close(&weights);
    st_train_net_destroy(&net);

    float *p = numbers(PICTURE, 8, 0, 1);
    float *a = numbers((size_t)form.window * form.vector, 9, -1, 1);
    struct sync_scene scene = {.audio = a};
    ST_OK(st_sync_open(&scene.sync, path, &form, &kernels, pool, 1, err));
    check_along_gradient(sync_value, &scene, p, PICTURE, 0.05, 0.02);
    st_sync_close(&scene.sync);
    free(p);
    free(a);
    st_scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lips_are_found_in_the_crop), cmocka_unit_test(pixels_have_their_gradient),
        cmocka_unit_test(values_are_means),           cmocka_unit_test(workers_change_nothing),
        cmocka_unit_test(sync_loss_has_its_slope),    cmocka_unit_test(contrast_has_its_gradient),
        cmocka_unit_test(vgg_term_has_its_gradient),  cmocka_unit_test(sync_term_has_its_gradient),
    };
    return cmocka_run_group_tests(tests, open_pool, close_pool);
}
