/* SPDX-License-Identifier: Apache-2.0 */
/* Noise out of landmarks, without delay: each coordinate is a parabola, fitted to the frames
 * around with weights that fall off with time (Savitzky and Golay, Smoothing and Differentiation
 * of Data by Simplified Least Squares Procedures, 1964; here with a Gaussian window).
 *
 * A filter that knows the past alone stays behind a turning head: the One Euro filter (Casiez
 * et al., CHI 2012) made the error of a crop twice as large as no filter does, where this halves
 * it. docs/MODEL.md has the numbers.
 */
#include <math.h>

#include "face/analysis_impl.h"

#define REACH 5   /* frames to each side */
#define SIGMA 2.0 /* frames */
#define SINGULAR 1e-9

static double weight_at(int distance)
{
    return exp(-0.5 * distance * distance / (SIGMA * SIGMA));
}

/* What a frame at `distance` counts for the value at 0, up to a factor that is the same for all:
 * the first row of the inverse of the normal equations. With frames too few for a parabola, a
 * line or the value itself goes through them. */
static void fit(double *weights, int first, int last)
{
    double s[5] = {0}; /* sums of weight times the n-th power of the distance */
    for (int d = first; d <= last; d++) {
        double term = weight_at(d);
        for (int k = 0; k < 5; k++) {
            s[k] += term;
            term *= d;
        }
    }
    const double a = s[2] * s[4] - s[3] * s[3];
    const double b = s[2] * s[3] - s[1] * s[4];
    const double c = s[1] * s[3] - s[2] * s[2];
    const double determinant = s[0] * a + s[1] * b + s[2] * c;
    for (int d = first; d <= last; d++) {
        double factor = determinant > SINGULAR ? (a + b * d + c * d * d) / determinant : d == 0;
        weights[d - first] = weight_at(d) * factor;
    }
}

/* Records of n + step, n + 2 step ... that belong to the same run of frames with this face. */
static synctalk_status gather(struct st_face_record *records, int *count,
                              const struct st_face_file *file, int64_t n, int step,
                              synctalk_error *err)
{
    const int64_t frames = st_face_file_totals(file)->frames;
    bool begins = records[0].flags & ST_FACE_BEGINS;
    *count = 0;
    for (int i = 1; i <= REACH; i++) {
        const int64_t at = n + (int64_t)i * step;
        if (at < 0 || at >= frames || (step < 0 && begins))
            break;
        synctalk_status st = st_face_file_read(file, at, &records[i], err);
        if (st)
            return st;
        begins = records[i].flags & ST_FACE_BEGINS;
        if (!(records[i].flags & ST_FACE_FOUND) || (step > 0 && begins))
            break;
        *count = i;
    }
    return SYNCTALK_OK;
}

synctalk_status st_analysis_smooth(struct st_landmarks *landmarks, const struct st_face_file *file,
                                   int64_t n, synctalk_error *err)
{
    struct st_face_record before[REACH + 1];
    struct st_face_record after[REACH + 1];
    double weights[2 * REACH + 1];
    int first;
    int last;
    synctalk_status st = st_face_file_read(file, n, &before[0], err);
    if (st)
        return st;
    after[0] = before[0];
    if ((st = gather(before, &first, file, n, -1, err)) ||
        (st = gather(after, &last, file, n, 1, err)))
        return st;

    fit(weights, -first, last);
    *landmarks = (struct st_landmarks){.count = st_face_file_points(file)};
    for (int p = 0; p < landmarks->count; p++) {
        double x = 0;
        double y = 0;
        for (int d = -first; d <= last; d++) {
            const struct st_point *point = d < 0 ? &before[-d].points[p] : &after[d].points[p];
            x += weights[d + first] * (double)point->x;
            y += weights[d + first] * (double)point->y;
        }
        landmarks->points[p] = (struct st_point){(float)x, (float)y};
    }
    return SYNCTALK_OK;
}
