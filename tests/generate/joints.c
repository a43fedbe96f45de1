/* SPDX-License-Identifier: Apache-2.0 */
#include "joints.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "generate/fade.h"
#include "media/video_reader.h"
#include "support/support.h"

#define JOINTS_TOLD 5 /* of those above the bound */

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(double *values, size_t count)
{
    assert_true(count > 0);
    qsort(values, count, sizeof *values, by_size);
    return values[count / 2];
}

double *joints_steps_of_film(const char *path, int fps, int64_t frames)
{
    const struct st_video_settings settings = {.fps = fps, .threads = 2};
    struct st_video_reader *film;
    struct st_picture pictures[2] = {{0}};
    double *steps = calloc((size_t)frames, sizeof *steps);
    assert_non_null(steps);
    ST_OK(st_video_reader_open(&film, path, &settings, NULL, err));
    const struct st_video_info *info = st_video_reader_info(film);
    assert_int_equal(info->frames, frames);
    for (int k = 0; k < 2; k++)
        ST_OK(st_picture_resize(&pictures[k], info->width, info->height, err));
    for (int64_t i = 0; i < frames; i++) {
        struct st_picture *now = &pictures[i % 2];
        ST_OK(st_video_reader_frame(film, i, now->data, now->stride, err));
        if (i > 0)
            steps[i] = st_picture_difference(&pictures[0], &pictures[1]);
    }
    st_video_reader_close(&film);
    st_picture_free(&pictures[0]);
    st_picture_free(&pictures[1]);
    return steps;
}

bool joints_include(const struct st_edit_list *list, int64_t i)
{
    const size_t k = st_edit_list_at(list, i).entry;
    for (size_t n = k; n <= k + 1 && n < list->count; n++) {
        const struct st_edit_entry *e = &list->entries[n];
        if (n > 0 && i >= e->fade_from && i <= e->fade_from + e->fade_frames)
            return true;
    }
    return false;
}

/* Of the steps that are known between two frames of one entry that nothing is
 * laid over. */
static double step_within(const struct st_edit_list *list, const double *steps)
{
    double *within = calloc((size_t)list->frames, sizeof *within);
    size_t count = 0;
    assert_non_null(within);
    for (int64_t i = 1; i < list->frames; i++)
        if (!joints_include(list, i) && !isnan(steps[i]))
            within[count++] = steps[i];
    const double median = median_of(within, count);
    free(within);
    return median;
}

/* Mean step over the joint before entry k, in levels; *greatest is no less than
 * any of them. */
static double mean_of(const struct st_edit_list *list, const double *steps, size_t k,
                      double *greatest)
{
    const struct st_edit_entry *e = &list->entries[k];
    const int64_t end = e->fade_from + e->fade_frames;
    double sum = 0;
    int64_t n = 0;
    for (int64_t i = e->fade_from; i <= end && i < list->frames; i++, n++) {
        assert_true(steps[i] >= 0);
        sum += steps[i];
        *greatest = fmax(*greatest, steps[i]);
    }
    return sum / (double)n;
}

struct joint_report joints_report(const char *what, const struct st_edit_list *list,
                                  const double *steps)
{
    struct joint_report report = {.joints = list->count - 1};
    double *means = calloc(list->count, sizeof *means);
    assert_true(means && list->count > 1);
    report.within = step_within(list, steps);
    for (size_t k = 1; k < list->count; k++) {
        const struct st_edit_entry *e = &list->entries[k];
        const double mean = mean_of(list, steps, k, &report.greatest) / report.within;
        means[k - 1] = mean;
        report.mean = fmax(report.mean, mean);
        report.longest = e->fade_frames > report.longest ? e->fade_frames : report.longest;
        if (mean <= JOINT_BOUND)
            continue;
        if (report.rough++ >= JOINTS_TOLD)
            continue;
        print_message("  %s: frame %" PRId64 ", fade of %d, %s to %s: %.2f x, planned %.2f x\n",
                      what, e->from, e->fade_frames, list->clips->clips[e[-1].clip].name,
                      list->clips->clips[e->clip].name, mean, e->rough);
    }
    report.greatest /= report.within;
    report.middle = median_of(means, report.joints);
    print_message("%s: %zu joints, %zu above %.1f x; roughest %.2f x, median "
                  "%.2f x, greatest step "
                  "%.2f x, longest fade %d, step within clips %.3f levels\n",
                  what, report.joints, report.rough, JOINT_BOUND, report.mean, report.middle,
                  report.greatest, report.longest, report.within);
    free(means);
    return report;
}

/* A frame of the output, halves up, as boundaries are rounded. */
static int64_t frame_of(int64_t sample, int rate_hz, int fps)
{
    return (2 * sample * fps + rate_hz) / (2 * (int64_t)rate_hz);
}

size_t joints_check_sound(const struct st_edit_list *list, const struct st_vad_timeline *spans,
                          int64_t samples, int rate_hz, int64_t least)
{
    const int fps = list->settings.fps;
    size_t silences = 0;
    int64_t next = 0;

    assert_int_equal(list->frames, frame_of(samples, rate_hz, fps));
    for (size_t k = 0; k < spans->count; k++) {
        const int64_t end =
            k + 1 < spans->count ? frame_of(spans->spans[k].end, rate_hz, fps) : list->frames;
        const bool speech = spans->spans[k].speech;
        const int64_t from = next;
        int64_t pure = 0; /* frames of silence that nothing is laid over */
        for (; next < end; next++) {
            const struct st_edit_frame f = st_edit_list_at(list, next);
            const struct st_clip *clip = &list->clips->clips[f.picture.clip];
            assert_int_equal(f.window, next);
            assert_int_equal(f.picture.sync, speech);
            assert_int_equal(clip->kind, speech ? ST_CLIP_TALK : ST_CLIP_SILENCE);
            if (f.fades && speech)
                assert_int_equal(list->clips->clips[f.other.clip].kind, ST_CLIP_TALK);
            pure += !f.fades;
        }
        if (speech || spans->spans[k].end - spans->spans[k].start < least)
            continue;
        assert_true(2 * pure >= end - from);
        silences++;
    }
    assert_int_equal(next, list->frames);
    return silences;
}
