/* SPDX-License-Identifier: Apache-2.0 */
/* Joints of clips of a real person under a real recording with long pauses: how far apart two
 * frames in a row are, with hard cuts, with fades, and with fades that move the faces onto each
 * other, against what two frames within a clip are. The mouths are as they were filmed. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "generate/clip_plan.h"
#include "generate/clips_mode.h"
#include "generate/fade.h"
#include "media/audio_reader.h"
#include "synctalk/vad.h"

#define FPS 25
#define JOINTS 6 /* looked at of each plan */

struct range {
    const char *name;
    int first, end; /* frames of the take */
};

/* Cut where the person is near one pose, as clips for this are filmed. */
static const struct range ranges[] = {
    {"talk 1", 129, 222},    {"talk 2", 186, 221}, {"talk 3", 240, 306},
    {"silence 1", 219, 249}, {"idle 2", 224, 248}, {"02s silence", 229, 242},
};

#define RANGES (sizeof ranges / sizeof *ranges)

struct stage {
    char *root; /* scratch; owns */
    struct st_frame_source *source;
    struct st_frame_reader *frames;
    struct st_voice voice;
    struct st_timeline timeline;
    double within; /* median step within the clips */
};

static void link_range(const char *root, const char *dataset, const struct range *range)
{
    const char *const kinds[2][2] = {{"full_body_img", "jpg"}, {"landmarks", "lms"}};
    char from[ST_PATH_MAX];
    char to[ST_PATH_MAX];

    ST_OK(st_path_join(to, root, range->name, err));
    assert_int_equal(mkdir(to, 0700), 0);
    for (int k = 0; k < 2; k++) {
        ST_OK(st_path_format(to, err, "%s/%s/%s", root, range->name, kinds[k][0]));
        assert_int_equal(mkdir(to, 0700), 0);
        for (int i = range->first; i < range->end; i++) {
            ST_OK(st_path_format(from, err, "%s/%s/%d.%s", dataset, kinds[k][0], i, kinds[k][1]));
            ST_OK(st_path_format(to, err, "%s/%s/%s/%d.%s", root, range->name, kinds[k][0],
                                 i - range->first, kinds[k][1]));
            assert_int_equal(symlink(from, to), 0);
        }
    }
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Every eighth step within a clip. */
static double median_within(const struct stage *stage)
{
    const struct st_clip_set *set = st_frame_source_clip_set(stage->source);
    struct st_frame frame[2] = {0};
    double steps[256];
    size_t n = 0;

    for (size_t c = 0; c < set->clips.count; c++)
        for (int64_t i = 0; i + 1 < set->clips.clips[c].frames; i += 8) {
            for (int k = 0; k < 2; k++)
                ST_OK(
                    st_frame_reader_read(stage->frames, set->first[c] + i + k, 0, &frame[k], err));
            assert_true(n < 256);
            steps[n++] = st_picture_difference(&frame[0].picture, &frame[1].picture);
        }
    st_frame_free(&frame[0]);
    st_frame_free(&frame[1]);
    qsort(steps, n, sizeof *steps, by_size);
    return steps[n / 2];
}

static void stage_open(struct stage *stage, const char *dataset, const char *audio,
                       const char *models)
{
    synctalk_vad_settings vad;
    memset(stage, 0, sizeof *stage);
    stage->root = st_scratch_create();
    for (size_t i = 0; i < RANGES; i++)
        link_range(stage->root, dataset, &ranges[i]);
    ST_OK(st_frame_source_open_clips(&stage->source, stage->root, NULL, err));
    ST_OK(st_frame_reader_open(&stage->frames, stage->source, false, err));
    synctalk_vad_settings_init(&vad);
    vad.models = models;
    ST_OK(st_voice_find(&stage->voice, &vad, audio, false, NULL, err));
    ST_OK(st_timeline_make(&stage->timeline, &stage->voice.timeline, ST_VAD_HZ, FPS,
                           st_plan_frame_count(stage->voice.samples, ST_VAD_HZ, FPS), err));
    stage->within = median_within(stage);
}

static void stage_close(struct stage *stage)
{
    st_timeline_free(&stage->timeline);
    st_voice_free(&stage->voice);
    st_frame_reader_close(&stage->frames);
    st_frame_source_close(&stage->source);
    st_scratch_remove(stage->root);
}

/* Prints the roughest of a plan's first joints and returns it, in steps within clips; those
 * where a clip only turns round are none. */
static struct st_clip_roughness report(const struct stage *stage, const char *how, int transition,
                                       synctalk_align align)
{
    const struct st_edit_settings settings = {.fps = FPS, .transition = transition};
    struct st_clip_plan plan;
    struct st_clip_roughness most = {0, 0};
    size_t n = 0;

    ST_OK(st_clip_plan_make(&plan, st_frame_source_clip_set(stage->source), &stage->timeline,
                            &settings, err));
    size_t k = 1;
    for (; k < plan.list.count && n < JOINTS; k++) {
        const struct st_edit_entry *e = &plan.list.entries[k];
        n += e->clip != e[-1].clip || e->backward == e[-1].backward;
    }
    assert_int_equal(n, JOINTS);
    plan.list.count = k; /* the others are not looked at */
    plan.list.frames = plan.list.entries[k - 1].from + plan.list.entries[k - 1].frames;
    ST_OK(st_clip_plan_align(&plan, stage->frames, align, NULL, err));
    while (--k > 0) {
        struct st_clip_roughness here;
        ST_OK(st_clip_plan_roughness(&here, &plan, stage->frames, k, err));
        most.mean = fmax(most.mean, here.mean / stage->within);
        most.greatest = fmax(most.greatest, here.greatest / stage->within);
    }
    st_clip_plan_free(&plan);
    print_message("%-24s mean of the roughest joint %5.2f x, greatest step %5.2f x\n", how,
                  most.mean, most.greatest);
    return most;
}

static void joints_are_as_smooth_as_clips(void **state)
{
    (void)state;
    ST_NEED_SHARED(dataset, "dataset/sanders");
    ST_NEED_SHARED(audio, "media/audio/jan-pause-deutsch.mp3");
    ST_NEED_SHARED(models, "models");
    struct stage stage;

    stage_open(&stage, dataset, audio, models);
    print_message("step from frame to frame within clips: median %.3f levels\n", stage.within);
    const struct st_clip_roughness cut = report(&stage, "hard cuts", 0, SYNCTALK_ALIGN_NEVER);
    const struct st_clip_roughness still = report(&stage, "fades", 4, SYNCTALK_ALIGN_NEVER);
    report(&stage, "fades, faces moved", 4, SYNCTALK_ALIGN_ALWAYS);
    const struct st_clip_roughness fade =
        report(&stage, "fades, as measured", 4, SYNCTALK_ALIGN_AUTO);
    assert_true(fade.mean <= 1.5);
    assert_true(fade.greatest <= still.greatest);
    assert_true(cut.mean > 1.5); /* else this shows nothing */
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(joints_are_as_smooth_as_clips)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
