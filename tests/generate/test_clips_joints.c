/* SPDX-License-Identifier: Apache-2.0 */
/* Joints of clips of a real person under a real recording with long pauses: how far apart two
 * frames in a row are, with hard cuts, with fades, with fades that move the faces onto each other
 * and with fades as long as they must be, against what two frames within a clip are.
 *
 * All joints are seen as they are planned, with mouths as they were filmed; those of the
 * recording's beginning, or with "long" of all of it, in finished videos.
 */
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
#include "joints.h"
#include "synctalk/synctalk.h"

#define FPS 25
#define WITHIN_EVERY 16 /* frames: of the steps within clips that are measured */

#define BEGINNING 0.165 /* of the recording: a sentence, a long pause, half a sentence */

struct range {
    const char *name;
    int first, end; /* frames of the take */
};

/* Cut where the person sits still for a moment and near one pose, as clips for this are filmed. */
static const struct range ranges[] = {
    {"talk 1", 188, 230},    {"talk 2", 178, 241}, {"talk 3", 240, 368},       {"talk 4", 367, 493},
    {"silence 1", 188, 230}, {"idle 2", 178, 230}, {"2,5s silence", 178, 241},
};

#define RANGES (sizeof ranges / sizeof *ranges)

struct stage {
    char *root; /* scratch; owns */
    char clips[ST_PATH_MAX];
    const char *recording;
    const char *silero;
    struct st_frame_source *source;
    struct st_frame_reader *frames;
    struct st_voice voice;
    struct st_timeline timeline;
};

/* How fades are made. */
struct manner {
    const char *name;
    int transition, longest;
    synctalk_align align;
};

static const struct manner manners[] = {
    {"hard cuts", 0, 0, SYNCTALK_ALIGN_NEVER},
    {"fades of 4", 4, 0, SYNCTALK_ALIGN_NEVER},
    {"fades of 4, moved where smoother", 4, 0, SYNCTALK_ALIGN_AUTO},
    {"longer fades", 4, 25, SYNCTALK_ALIGN_AUTO}, /* what is done unless told */
};

#define MANNERS (sizeof manners / sizeof *manners)

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

static void make_folder(const struct stage *stage, const char *name)
{
    char path[ST_PATH_MAX];
    ST_OK(st_path_join(path, stage->root, name, err));
    assert_int_equal(mkdir(path, 0700), 0);
}

static void stage_open(struct stage *stage, const char *dataset, const char *recording,
                       const char *silero)
{
    synctalk_vad_settings vad;
    memset(stage, 0, sizeof *stage);
    stage->root = st_scratch_create();
    stage->recording = recording;
    stage->silero = silero;
    make_folder(stage, "dataset");
    make_folder(stage, "dataset/anna");
    make_folder(stage, "dataset/anna/core_clips");
    ST_OK(st_path_join(stage->clips, stage->root, "dataset/anna/core_clips", err));
    for (size_t i = 0; i < RANGES; i++)
        link_range(stage->clips, dataset, &ranges[i]);
    ST_OK(st_frame_source_open_clips(&stage->source, stage->clips, NULL, err));
    ST_OK(st_frame_reader_open(&stage->frames, stage->source, false, err));
    synctalk_vad_settings_init(&vad);
    vad.vad_model = silero;
    ST_OK(st_voice_find(&stage->voice, &vad, recording, false, NULL, err));
    ST_OK(st_timeline_make(&stage->timeline, &stage->voice.timeline, ST_VAD_HZ, FPS,
                           st_plan_frame_count(stage->voice.samples, ST_VAD_HZ, FPS), err));
}

static void stage_close(struct stage *stage)
{
    st_timeline_free(&stage->timeline);
    st_voice_free(&stage->voice);
    st_frame_reader_close(&stage->frames);
    st_frame_source_close(&stage->source);
    st_scratch_remove(stage->root);
}

/* Output frame i as it is planned, mouths not redrawn. */
static void draw(const struct stage *stage, const struct st_clip_plan *plan, int64_t i,
                 struct st_frame sides[2], struct st_picture *out)
{
    const struct st_plan_frame f = st_clip_plan_at(plan, i);
    const struct st_fade fade = {
        .weight = f.weight, .moves = f.moves, .move = f.move, .other_move = f.other_move};
    assert_int_equal(f.window, i);
    ST_OK(st_frame_reader_read(stage->frames, f.source, 0, &sides[0], err));
    if (f.fades)
        ST_OK(st_frame_reader_read(stage->frames, f.other, 0, &sides[1], err));
    ST_OK(st_picture_resize(out, sides[0].picture.width, sides[0].picture.height, err));
    st_fade_pictures(out, &sides[0].picture, &sides[f.fades].picture, &fade);
}

/* All steps of joints, and some of those within clips; malloc'ed. */
static double *steps_of_plan(const struct stage *stage, const struct st_clip_plan *plan)
{
    const int64_t frames = plan->list.frames;
    struct st_picture pictures[2] = {{0}};
    struct st_frame sides[2];
    double *steps = calloc((size_t)frames, sizeof *steps);
    int64_t drawn = 0;
    assert_non_null(steps);
    memset(sides, 0, sizeof sides);
    draw(stage, plan, 0, sides, &pictures[0]);
    for (int64_t i = 1; i < frames; i++) {
        steps[i] = NAN;
        if (!joints_include(&plan->list, i) && i % WITHIN_EVERY != 0)
            continue;
        if (drawn != i - 1)
            draw(stage, plan, i - 1, sides, &pictures[(i - 1) % 2]);
        draw(stage, plan, i, sides, &pictures[i % 2]);
        drawn = i;
        steps[i] = st_picture_difference(&pictures[0], &pictures[1]);
    }
    for (int k = 0; k < 2; k++) {
        st_picture_free(&pictures[k]);
        st_frame_free(&sides[k]);
    }
    return steps;
}

static struct joint_report report_plan(const struct stage *stage, const struct manner *manner)
{
    const struct st_edit_settings settings = {.fps = FPS, .transition = manner->transition};
    const struct st_clip_joining joining = {manner->align, manner->longest};
    const synctalk_callbacks *quiet = NULL;
    struct st_clip_plan plan;
    ST_OK(st_clip_plan_make(&plan, st_frame_source_clip_set(stage->source), &stage->timeline,
                            &settings, err));
    ST_OK(st_clip_plan_join(&plan, stage->frames, &joining, quiet, err));
    double *steps = steps_of_plan(stage, &plan);
    const struct joint_report report = joints_report(manner->name, &plan.list, steps);
    free(steps);
    st_clip_plan_free(&plan);
    return report;
}

/* The last manner against the first. */
static void expect_smooth(const struct joint_report *reports)
{
    const struct joint_report *cuts = &reports[0];
    const struct joint_report *last = &reports[MANNERS - 1];
    assert_int_equal(last->rough, 0);
    assert_true(last->mean <= JOINT_BOUND && last->greatest < cuts->greatest);
    assert_true(cuts->rough > 0); /* else this shows nothing */
}

static void planned_joints_are_as_smooth_as_clips(void **state)
{
    (void)state;
    ST_NEED_SHARED(dataset, "dataset/sanders");
    ST_NEED_SHARED(recording, "media/audio/jan-pause-deutsch.mp3");
    ST_NEED_SHARED(silero, "models/silero_vad_16k_v6.safetensors");
    struct joint_report reports[MANNERS];
    struct stage stage;

    stage_open(&stage, dataset, recording, silero);
    for (size_t i = 0; i < MANNERS; i++)
        reports[i] = report_plan(&stage, &manners[i]);
    expect_smooth(reports);
    stage_close(&stage);
}

/* The first `share` of the recording's bytes in a file of its own. */
static void copy_beginning(const char *from, const char *to, double share)
{
    struct st_mapping map;
    ST_OK(st_map_file(&map, from, err));
    st_write_file(to, map.data, (size_t)(share * (double)map.size));
    st_unmap_file(&map);
}

/* A video of the stage's recording by the real network, made as is done unless told. */
static void generate(const struct stage *stage, const char *checkpoint, const char *film,
                     const char *edl)
{
    char networks[ST_PATH_MAX];
    char path[ST_PATH_MAX];
    synctalk_settings settings;
    synctalk_person *person;
    synctalk_report report;
    const char *source = getenv("ST_TEST_SOURCE");
    assert_non_null(source);
    make_folder(stage, "checkpoint");
    make_folder(stage, "checkpoint/anna");
    ST_OK(st_path_join(path, stage->root, "checkpoint/anna/0.pth", err));
    assert_int_equal(symlink(checkpoint, path), 0);
    ST_OK(st_path_join(networks, source, "data", err));
    synctalk_settings_init(&settings);
    settings.root = stage->root;
    settings.model = "anna";
    settings.models = networks;
    settings.mode = SYNCTALK_MODE_CLIPS;
    settings.encoder = SYNCTALK_ENCODER_AVE;
    settings.vad_model = stage->silero;
    settings.edl = edl;
    ST_OK(synctalk_person_open(&person, &settings, NULL, err));
    ST_OK(synctalk_generate(person, &settings, stage->recording, film, NULL, &report, err));
    synctalk_person_close(&person);
}

static void expect_smooth_film(const char *recording, size_t silences)
{
    ST_NEED_SHARED(dataset, "dataset/sanders");
    ST_NEED_SHARED(checkpoint, "checkpoint/sanders/0.pth");
    ST_NEED_SHARED(silero, "models/silero_vad_16k_v6.safetensors");
    char film[ST_PATH_MAX];
    char edl[ST_PATH_MAX];
    struct st_edit_list list;
    struct stage stage;

    stage_open(&stage, dataset, recording, silero);
    ST_OK(st_path_join(film, stage.root, "film.mp4", err));
    ST_OK(st_path_join(edl, stage.root, "list.json", err));
    generate(&stage, checkpoint, film, edl);
    ST_OK(st_edit_list_read(&list, &st_frame_source_clip_set(stage.source)->clips, edl, err));
    assert_int_equal(joints_check_sound(&list, &stage.voice.timeline, stage.voice.samples,
                                        ST_VAD_HZ, ST_VAD_HZ * 3 / 4),
                     silences);
    double *steps = joints_steps_of_film(film, list.settings.fps, list.frames);
    const struct joint_report report = joints_report("finished video", &list, steps);
    assert_int_equal(report.rough, 0);
    free(steps);
    st_edit_list_free(&list);
    stage_close(&stage);
}

static void finished_joints_are_as_smooth_as_clips(void **state)
{
    (void)state;
    ST_NEED_SHARED(recording, "media/audio/jan-pause-deutsch.mp3");
    char path[ST_PATH_MAX];
    char *folder = st_scratch_create();
    ST_OK(st_path_join(path, folder, "beginning.mp3", err));
    copy_beginning(recording, path, BEGINNING);
    expect_smooth_film(path, 1);
    st_scratch_remove(folder);
}

static void all_finished_joints_are_as_smooth_as_clips(void **state)
{
    (void)state;
    ST_NEED_SHARED(recording, "media/audio/jan-pause-deutsch.mp3");
    expect_smooth_film(recording, 5);
}

int main(int count, char **words)
{
    const struct CMUnitTest usual[] = {
        cmocka_unit_test(planned_joints_are_as_smooth_as_clips),
        cmocka_unit_test(finished_joints_are_as_smooth_as_clips),
    };
    const struct CMUnitTest whole[] = {
        cmocka_unit_test(all_finished_joints_are_as_smooth_as_clips)};
    if (count > 1 && strcmp(words[1], "long") == 0)
        return cmocka_run_group_tests(whole, NULL, NULL);
    return cmocka_run_group_tests(usual, NULL, NULL);
}
