/* SPDX-License-Identifier: Apache-2.0 */
#include "train/losses.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define SIDE ((size_t)ST_UNET_SIDE)
#define PLANE (SIDE * SIDE)
#define PICTURE (3 * PLANE)
#define MOUTH_ROWS ((size_t)(ST_MOUTH_BOTTOM - ST_MOUTH_TOP + 1))
#define MOUTH_COLUMNS ((size_t)(ST_MOUTH_RIGHT - ST_MOUTH_LEFT + 1))
#define MOUTH (3 * MOUTH_ROWS * MOUTH_COLUMNS)

struct turns {
    const struct st_pixel_loss *loss;
    int N;
    const float *prediction, *target;
    float *gradient;
    struct st_pixel_values sums[ST_LOSS_BATCH_MAX]; /* of sample n, not divided */
};

static float sign_of(float d)
{
    return (float)((d > 0.0f) - (d < 0.0f));
}

/* Where row `row` (of 3 x 190) of the mouth region begins in a picture. */
static size_t mouth_row(size_t row)
{
    return row / MOUTH_ROWS * PLANE + (ST_MOUTH_TOP + row % MOUTH_ROWS) * SIDE + ST_MOUTH_LEFT;
}

static void sample_turn(void *context, size_t n, int worker)
{
    struct turns *t = context;
    const float *p = t->prediction + n * PICTURE;
    const float *y = t->target + n * PICTURE;
    float *g = t->gradient + n * PICTURE;
    const float each = (float)(1.0 / ((double)t->N * (double)PICTURE));
    const float more = (float)(t->loss->mouth_weight / ((double)t->N * (double)MOUTH));
    double sum = 0;
    (void)worker;

    for (size_t i = 0; i < PICTURE; i++) {
        const float d = p[i] - y[i];
        sum += (double)fabsf(d);
        g[i] += each * sign_of(d);
    }
    t->sums[n].l1 = sum;
    if (!(t->loss->mouth_weight > 0))
        return;
    sum = 0;
    for (size_t row = 0; row < 3 * MOUTH_ROWS; row++) {
        const size_t from = mouth_row(row);
        for (size_t i = from; i < from + MOUTH_COLUMNS; i++) {
            const float d = p[i] - y[i];
            sum += (double)fabsf(d);
            g[i] += more * sign_of(d);
        }
    }
    t->sums[n].mouth = sum;
}

static void lips_turn(void *context, size_t n, int worker)
{
    struct turns *t = context;
    const float *p = t->prediction + n * PICTURE;
    const float *y = t->target + n * PICTURE;
    float *g = t->gradient + n * PICTURE;
    const struct st_region *lips = &t->loss->lips[n];
    const double count =
        3.0 * (lips->right - lips->left + 1) * (double)(lips->bottom - lips->top + 1);
    const float each = (float)(t->loss->lips_weight / (t->N * count));
    double sum = 0;
    (void)worker;

    for (size_t c = 0; c < 3; c++)
        for (size_t row = (size_t)lips->top; row <= (size_t)lips->bottom; row++) {
            const size_t from = c * PLANE + row * SIDE;
            for (size_t i = from + (size_t)lips->left; i <= from + (size_t)lips->right; i++) {
                const float d = p[i] - y[i];
                sum += (double)fabsf(d);
                g[i] += each * sign_of(d);
            }
        }
    t->sums[n].lips = sum / count;
}

static void pair_turn(void *context, size_t k, int worker)
{
    struct turns *t = context;
    const size_t n = 2 * k;
    const float *p = t->prediction + n * PICTURE;
    const float *y = t->target + n * PICTURE;
    float *g = t->gradient + n * PICTURE;
    const int pairs = t->N / 2;
    const float each = (float)(t->loss->mouth_temporal / ((double)pairs * (double)MOUTH));
    double sum = 0;
    (void)worker;

    for (size_t row = 0; row < 3 * MOUTH_ROWS; row++) {
        const size_t from = mouth_row(row);
        for (size_t i = from; i < from + MOUTH_COLUMNS; i++) {
            const float d = (p[i + PICTURE] - p[i]) - (y[i + PICTURE] - y[i]);
            sum += (double)fabsf(d);
            g[i] -= each * sign_of(d);
            g[i + PICTURE] += each * sign_of(d);
        }
    }
    t->sums[n].temporal = sum;
}

void st_loss_pixels(const struct st_pixel_loss *loss, struct st_pool *pool, int N,
                    const float *prediction, const float *target, float *gradient,
                    struct st_pixel_values *values)
{
    assert(N >= 1 && N <= ST_LOSS_BATCH_MAX);
    struct turns turns = {.loss = loss, .N = N, .prediction = prediction, .target = target};
    const int pairs = loss->mouth_temporal > 0 ? N / 2 : 0;

    turns.gradient = gradient;
    st_pool_for(pool, (size_t)N, sample_turn, &turns);
    if (loss->lips_weight > 0)
        st_pool_for(pool, (size_t)N, lips_turn, &turns);
    if (pairs)
        st_pool_for(pool, (size_t)pairs, pair_turn, &turns);
    *values = (struct st_pixel_values){0};
    for (int n = 0; n < N; n++) {
        values->l1 += turns.sums[n].l1;
        values->mouth += turns.sums[n].mouth;
        values->lips += turns.sums[n].lips / N;
        values->temporal += turns.sums[n].temporal;
    }
    values->l1 /= (double)N * (double)PICTURE;
    values->mouth /= (double)N * (double)MOUTH;
    if (pairs)
        values->temporal /= (double)pairs * (double)MOUTH;
}

double st_sync_loss(double cosine, double *slope)
{
    if (cosine >= ST_SYNC_KNEE) {
        *slope = -1.0 / cosine;
        return -log(cosine);
    }
    *slope = -1.0 / ST_SYNC_KNEE;
    return -log(ST_SYNC_KNEE) - (cosine - ST_SYNC_KNEE) / ST_SYNC_KNEE;
}

static double dot(const float *a, const float *b, size_t size)
{
    double sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void add_scaled(float *to, double scale, const float *from, size_t size)
{
    const float s = (float)scale;
    for (size_t i = 0; i < size; i++)
        to[i] += s * from[i];
}

static bool is_shifted(const int64_t *moments, int i, int j)
{
    int64_t apart = moments[i] - moments[j];
    return apart >= ST_APART || apart <= -ST_APART;
}

void st_loss_contrast(int N, size_t size, const float *faces, const float *sounds,
                      const int64_t *moments, float *dfaces, float *dsounds, double *matching,
                      double *shifted)
{
    int64_t others = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            others += is_shifted(moments, i, j);

    *matching = 0;
    *shifted = 0;
    memset(dfaces, 0, (size_t)N * size * sizeof *dfaces);
    memset(dsounds, 0, (size_t)N * size * sizeof *dsounds);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            const float *face = faces + (size_t)i * size;
            const float *sound = sounds + (size_t)j * size;
            double slope;
            double scale;
            if (i != j && !is_shifted(moments, i, j))
                continue;
            const double cosine = dot(face, sound, size);
            if (i == j) {
                *matching += st_sync_loss(cosine, &slope) / N;
                scale = slope / N;
            } else if (cosine > 0) {
                *shifted += st_sync_loss(1 - cosine, &slope) / (double)others;
                scale = -slope / (double)others;
            } else {
                continue;
            }
            add_scaled(dfaces + (size_t)i * size, scale, sound, size);
            add_scaled(dsounds + (size_t)j * size, scale, face, size);
        }
    }
}
