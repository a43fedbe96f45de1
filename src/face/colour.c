/* SPDX-License-Identifier: Apache-2.0 */
/* A plane through the differences in the ring around the masked rectangle. The ring holds
 * hair, collar and background too, where the network may be far off for other reasons, so
 * samples that lie far from the plane lose their weight. */
#include "face/colour.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "face/redraw.h"

#define BLOCK 16
#define BLOCKS (ST_INNER_SIDE / BLOCK) /* along each side of the ring */
#define SAMPLES (4 * BLOCKS)
#define ROUNDS 6
#define SPREAD_FIRST 4.0 /* levels; before there is a plane to measure it from */
#define SPREAD_MIN 1.0   /* levels; below it every sample counts in full */

struct sample {
    double x, y, levels, weight;
};

/* Mean of truth - prediction over a rectangle of the inner crop. */
static struct sample take_sample(const uint8_t *crop, const float *plane, int channel, int left,
                                 int top, int width, int height)
{
    double sum = 0;
    for (int y = top; y < top + height; y++) {
        for (int x = left; x < left + width; x++) {
            size_t at =
                (size_t)(y + ST_INNER_BORDER) * ST_CROP_SIDE + (size_t)(x + ST_INNER_BORDER);
            float level = plane[(size_t)y * ST_INNER_SIDE + (size_t)x] * 255.0f;
            level = level > 0.0f ? level < 255.0f ? truncf(level) : 255.0f : 0.0f;
            sum += (double)crop[at * 3 + (size_t)channel] - (double)level;
        }
    }
    return (struct sample){.x = left + width / 2.0 - ST_INNER_SIDE / 2.0,
                           .y = top + height / 2.0 - ST_INNER_SIDE / 2.0,
                           .levels = sum / ((double)width * height),
                           .weight = 1};
}

/* Only pixels that the network was shown: the frame around the masked rectangle. */
static void take_samples(struct sample *samples, const uint8_t *crop, const float *plane,
                         int channel)
{
    const int right = ST_MASK_RIGHT + 1;
    const int bottom = ST_MASK_BOTTOM + 1;
    for (int i = 0; i < BLOCKS; i++) {
        *samples++ = take_sample(crop, plane, channel, i * BLOCK, 0, BLOCK, ST_MASK_TOP);
        *samples++ =
            take_sample(crop, plane, channel, i * BLOCK, bottom, BLOCK, ST_INNER_SIDE - bottom);
        *samples++ = take_sample(crop, plane, channel, 0, i * BLOCK, ST_MASK_LEFT, BLOCK);
        *samples++ =
            take_sample(crop, plane, channel, right, i * BLOCK, ST_INNER_SIDE - right, BLOCK);
    }
}

static double at_plane(const double plane[3], const struct sample *sample)
{
    return plane[0] + plane[1] * sample->x + plane[2] * sample->y;
}

/* Weighted least squares of levels = p0 + p1 x + p2 y, by Cramer's rule. */
static void fit_plane(double plane[3], const struct sample *samples)
{
    double s = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0, sl = 0, sxl = 0, syl = 0;
    for (int i = 0; i < SAMPLES; i++) {
        const struct sample *p = &samples[i];
        s += p->weight;
        sx += p->weight * p->x;
        sy += p->weight * p->y;
        sxx += p->weight * p->x * p->x;
        sxy += p->weight * p->x * p->y;
        syy += p->weight * p->y * p->y;
        sl += p->weight * p->levels;
        sxl += p->weight * p->x * p->levels;
        syl += p->weight * p->y * p->levels;
    }
    double c0 = sxx * syy - sxy * sxy;
    double c1 = sxy * sy - sx * syy;
    double c2 = sx * sxy - sxx * sy;
    double det = s * c0 + sx * c1 + sy * c2;
    plane[0] = (sl * c0 + sxl * c1 + syl * c2) / det;
    plane[1] = (sl * c1 + sxl * (s * syy - sy * sy) + syl * (sx * sy - s * sxy)) / det;
    plane[2] = (sl * c2 + sxl * (sx * sy - s * sxy) + syl * (s * sxx - sx * sx)) / det;
}

/* Geman and McClure's weights. They never reach zero, so the system stays solvable. */
static void weigh(struct sample *samples, const double plane[3], double spread)
{
    for (int i = 0; i < SAMPLES; i++) {
        double r = (samples[i].levels - at_plane(plane, &samples[i])) / (2 * spread);
        samples[i].weight = 1 / ((1 + r * r) * (1 + r * r));
    }
}

/* Weighted mean of the absolute residuals. */
static double spread_of(const struct sample *samples, const double plane[3])
{
    double spread = 0;
    double weights = 0;
    for (int i = 0; i < SAMPLES; i++) {
        spread += samples[i].weight * fabs(samples[i].levels - at_plane(plane, &samples[i]));
        weights += samples[i].weight;
    }
    return fmax(spread / weights, SPREAD_MIN);
}

static int compare_levels(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Where the rounds begin. The plane of least squares will not do: one whole side that is
 * wrong tilts it until that side looks right. */
static double median(const struct sample *samples)
{
    double levels[SAMPLES];
    for (int i = 0; i < SAMPLES; i++)
        levels[i] = samples[i].levels;
    qsort(levels, sizeof levels / sizeof *levels, sizeof *levels, compare_levels);
    return (levels[SAMPLES / 2 - 1] + levels[SAMPLES / 2]) / 2;
}

static float largest(const struct st_colour_shift *shift)
{
    const float end = ST_INNER_SIDE - 1;
    float most = 0.0f;
    for (int c = 0; c < 3; c++) {
        for (int corner = 0; corner < 4; corner++) {
            float x = corner & 1 ? end : 0.0f;
            float y = corner & 2 ? end : 0.0f;
            most = fmaxf(most, fabsf(st_colour_shift_at(shift, c, x, y)));
        }
    }
    return most;
}

void st_colour_shift_fit(struct st_colour_shift *shift, const uint8_t *crop,
                         const float *prediction)
{
    const double centre = ST_INNER_SIDE / 2.0;
    struct sample samples[SAMPLES];
    double plane[3];

    for (int c = 0; c < 3; c++) {
        take_samples(samples, crop, prediction + (size_t)c * ST_INNER_SIDE * ST_INNER_SIDE, c);
        plane[0] = median(samples);
        plane[1] = plane[2] = 0;
        for (int round = 0; round < ROUNDS; round++) {
            weigh(samples, plane, round == 0 ? SPREAD_FIRST : spread_of(samples, plane));
            fit_plane(plane, samples);
        }
        shift->base[c] = (float)(plane[0] - (plane[1] + plane[2]) * (centre - 0.5));
        shift->per_x[c] = (float)plane[1];
        shift->per_y[c] = (float)plane[2];
    }
    if (!(largest(shift) >= 0.5f)) /* negated, so that NaN shifts nothing */
        memset(shift, 0, sizeof *shift);
}
