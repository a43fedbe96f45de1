/* SPDX-License-Identifier: Apache-2.0 */
/* Joints of clips of a real person under a real recording with long pauses: how far apart two
 * frames in a row are, with hard cuts, with fades, with fades that move the faces onto each other
 * and with fades as long as they must be, against what two frames within a clip are.
 *
 * All joints are seen as they are planned, with mouths as they were filmed; those of the
 * recording's beginning, or with "long" of all of it, in finished videos.
 */
#include "support/support.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
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

#define RANGES_MOST 7

struct clip_set {
    const char *name;
    struct range ranges[RANGES_MOST];
    size_t count;
};

static const struct clip_set clip_sets[] = {
    /* Cut near one pose alone: the shortest has 13 frames, and some end while the person moves. */
    {"short clips",
     {{"talk 1", 129, 222},
      {"talk 2", 186, 221},
      {"talk 3", 240, 306},
      {"silence 1", 219, 249},
      {"idle 2", 224, 248},
      {"02s silence", 229, 242}},
     6},
    /* Cut where the person sits still for a moment and near one pose, as clips for this are
     * filmed. */
    {"calm clips",
     {{"talk 1", 188, 230},
      {"talk 2", 178, 241},
      {"talk 3", 240, 368},
      {"talk 4", 367, 493},
      {"silence 1", 188, 230},
      {"idle 2", 178, 230},
      {"2,5s silence", 178, 241}},
     7},
};
#define CLIP_SETS (sizeof clip_sets / sizeof *clip_sets)

struct stage {
    const char *root;        /* borrows */
    char clips[ST_PATH_MAX]; /* in it; owns */
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
    bool rests;
};

static const struct manner manners[] = {
    {"hard cuts", 0, 0, SYNCTALK_ALIGN_NEVER, false},
    {"fades of 4", 4, 0, SYNCTALK_ALIGN_NEVER, false},
    {"fades of 4, moved where smoother", 4, 0, SYNCTALK_ALIGN_AUTO, false},
    {"longer fades", 4, 25, SYNCTALK_ALIGN_AUTO, false},
    {"as is done unless told", 4, 25, SYNCTALK_ALIGN_AUTO, true},
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

static void make_folder(const char *root, const char *name)
{
    char path[ST_PATH_MAX];
    ST_OK(st_path_join(path, root, name, err));
    assert_int_equal(mkdir(path, 0700), 0);
}

/* Scratch for a person, who gets one set of clips after the other: what is found out about the
 * network is found out once. */
static char *make_root(void)
{
    char *root = st_scratch_create();
    make_folder(root, "dataset");
    make_folder(root, "dataset/anna");
    return root;
}

static void stage_open(struct stage *stage, const char *root, const struct clip_set *set,
                       const char *dataset, const char *recording, const char *silero)
{
    synctalk_vad_settings vad;
    memset(stage, 0, sizeof *stage);
    stage->root = root;
    stage->recording = recording;
    stage->silero = silero;
    make_folder(root, "dataset/anna/core_clips");
    ST_OK(st_path_join(stage->clips, stage->root, "dataset/anna/core_clips", err));
    for (size_t i = 0; i < set->count; i++)
        link_range(stage->clips, dataset, &set->ranges[i]);
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
    char *clips = strdup(stage->clips);
    assert_non_null(clips);
    st_scratch_remove(clips);
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

/* Steps that were measured, by what is seen in their two frames: most joints come again. */
struct steps {
    struct step {
        struct st_plan_frame from, to;
        double step;
    } * known; /* owns */
    size_t count, capacity;
};

static bool same_frame(const struct st_plan_frame *a, const struct st_plan_frame *b)
{
    if (a->source != b->source || a->fades != b->fades)
        return false;
    return !a->fades || (a->other == b->other && a->weight == b->weight && !a->moves && !b->moves);
}

static double *step_between(struct steps *steps, const struct st_plan_frame *from,
                            const struct st_plan_frame *to)
{
    for (size_t i = 0; i < steps->count; i++)
        if (same_frame(&steps->known[i].from, from) && same_frame(&steps->known[i].to, to))
            return &steps->known[i].step;
    if (steps->count == steps->capacity) {
        steps->capacity = 2 * steps->capacity + 64;
        steps->known = realloc(steps->known, steps->capacity * sizeof *steps->known);
        assert_non_null(steps->known);
    }
    steps->known[steps->count] = (struct step){*from, *to, NAN};
    return &steps->known[steps->count++].step;
}

/* All steps of joints, and some of those within clips; malloc'ed. */
static double *steps_of_plan(const struct stage *stage, const struct st_clip_plan *plan,
                             struct steps *known)
{
    const int64_t frames = plan->list.frames;
    struct st_picture pictures[2] = {{0}};
    struct st_frame sides[2];
    double *steps = calloc((size_t)frames, sizeof *steps);
    int64_t drawn = -1;
    assert_non_null(steps);
    memset(sides, 0, sizeof sides);
    for (int64_t i = 1; i < frames; i++) {
        steps[i] = NAN;
        if (!joints_include(&plan->list, i) && i % WITHIN_EVERY != 0)
            continue;
        const struct st_plan_frame from = st_clip_plan_at(plan, i - 1);
        const struct st_plan_frame to = st_clip_plan_at(plan, i);
        double *step = step_between(known, &from, &to);
        if (isnan(*step)) {
            if (drawn != i - 1)
                draw(stage, plan, i - 1, sides, &pictures[(i - 1) % 2]);
            draw(stage, plan, i, sides, &pictures[i % 2]);
            drawn = i;
            *step = st_picture_difference(&pictures[0], &pictures[1]);
        }
        steps[i] = *step;
    }
    for (int k = 0; k < 2; k++) {
        st_picture_free(&pictures[k]);
        st_frame_free(&sides[k]);
    }
    return steps;
}

/* What the plan says of its joints is what is seen, but for the pixels that it looks at. */
static void expect_measured(const struct st_edit_list *list, const double *steps, double within)
{
    for (size_t k = 1; k < list->count; k++) {
        const struct st_edit_entry *e = &list->entries[k];
        double sum = 0;
        for (int64_t i = e->fade_from; i <= e->fade_from + e->fade_frames; i++)
            sum += steps[i];
        const double mean = sum / (e->fade_frames + 1) / within;
        assert_true(fabs(e->rough - mean) <= 0.1 * mean + 1e-9);
    }
}

/* Of the processor, whoever else is at it. */
static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct joint_report report_plan(const struct stage *stage, const struct manner *manner,
                                       struct steps *known)
{
    const struct st_edit_settings settings = {.fps = FPS, .transition = manner->transition};
    const struct st_clip_joining joining = {manner->align, manner->longest, manner->rests};
    const synctalk_callbacks *quiet = NULL;
    struct st_clip_plan plan;
    const double start = cpu_seconds();
    ST_OK(st_clip_plan_make(&plan, st_frame_source_clip_set(stage->source), &stage->timeline,
                            &settings, err));
    ST_OK(st_clip_plan_join(&plan, stage->frames, &joining, quiet, err));
    print_message("%s: planned in %.1f s\n", manner->name, cpu_seconds() - start);
    double *steps = steps_of_plan(stage, &plan, known);
    const struct joint_report report = joints_report(manner->name, &plan.list, steps);
    expect_measured(&plan.list, steps, report.within);
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
    char *root = make_root();
    for (size_t n = 0; n < CLIP_SETS; n++) {
        struct joint_report reports[MANNERS];
        struct steps known = {0};
        struct stage stage;
        stage_open(&stage, root, &clip_sets[n], dataset, recording, silero);
        print_message("%s:\n", clip_sets[n].name);
        for (size_t i = 0; i < MANNERS; i++)
            reports[i] = report_plan(&stage, &manners[i], &known);
        expect_smooth(reports);
        free(known.known);
        stage_close(&stage);
    }
    st_scratch_remove(root);
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
    ST_OK(st_path_join(path, stage->root, "checkpoint/anna/0.pth", err));
    if (!st_path_is_file(path)) {
        make_folder(stage->root, "checkpoint");
        make_folder(stage->root, "checkpoint/anna");
        assert_int_equal(symlink(checkpoint, path), 0);
    }
    ST_OK(st_path_join(networks, source, "data", err));
    synctalk_settings_init(&settings);
    settings.root = stage->root;
    settings.model = "anna";
    settings.models = networks;
    settings.mode = SYNCTALK_MODE_CLIPS;
    settings.encoder = SYNCTALK_ENCODER_AVE;
    settings.vad_model = stage->silero;
    settings.edl = edl;
    settings.overwrite = 1;
    ST_OK(synctalk_person_open(&person, &settings, NULL, err));
    ST_OK(synctalk_generate(person, &settings, stage->recording, film, NULL, &report, err));
    synctalk_person_close(&person);
}

static void expect_smooth_film(const char *root, const struct clip_set *set, const char *recording,
                               size_t silences)
{
    ST_NEED_SHARED(dataset, "dataset/sanders");
    ST_NEED_SHARED(checkpoint, "checkpoint/sanders/0.pth");
    ST_NEED_SHARED(silero, "models/silero_vad_16k_v6.safetensors");
    char film[ST_PATH_MAX];
    char edl[ST_PATH_MAX];
    struct st_edit_list list;
    struct stage stage;

    stage_open(&stage, root, set, dataset, recording, silero);
    print_message("%s:\n", set->name);
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
    char *folder = make_root();
    ST_OK(st_path_join(path, folder, "beginning.mp3", err));
    copy_beginning(recording, path, BEGINNING);
    for (size_t n = 0; n < CLIP_SETS; n++)
        expect_smooth_film(folder, &clip_sets[n], path, 1);
    st_scratch_remove(folder);
}

/* The recording again and again; neighbours of one kind are one stretch, as everywhere. */
static void repeat(struct st_timeline *hour, const struct st_timeline *once, size_t times)
{
    *hour = (struct st_timeline){.frames = once->frames * (int64_t)times};
    hour->stretches = calloc(once->count * times, sizeof *hour->stretches);
    assert_non_null(hour->stretches);
    for (size_t i = 0; i < once->count * times; i++) {
        struct st_stretch next = once->stretches[i % once->count];
        next.from += once->frames * (int64_t)(i / once->count);
        struct st_stretch *last = i > 0 ? &hour->stretches[hour->count - 1] : NULL;
        if (last && last->speech == next.speech)
            last->frames += next.frames;
        else
            hour->stretches[hour->count++] = next;
    }
}

/* Guards a search whose time grows with every joint instead of with every kind of joint. */
static void an_hour_is_planned_in_a_minute(void **state)
{
    (void)state;
    ST_NEED_SHARED(dataset, "dataset/sanders");
    ST_NEED_SHARED(recording, "media/audio/jan-pause-deutsch.mp3");
    ST_NEED_SHARED(silero, "models/silero_vad_16k_v6.safetensors");
    const struct st_edit_settings settings = {.fps = FPS, .transition = ST_EDIT_TRANSITION};
    const struct st_clip_joining joining = {SYNCTALK_ALIGN_AUTO, 25, true};
    char *root = make_root();
    for (size_t n = 0; n < CLIP_SETS; n++) {
        struct st_timeline hour;
        struct st_clip_plan plan;
        struct stage stage;
        double most = 0;
        stage_open(&stage, root, &clip_sets[n], dataset, recording, silero);
        repeat(&hour, &stage.timeline, (size_t)(INT64_C(3600) * FPS / stage.timeline.frames) + 1);
        const double start = cpu_seconds();
        ST_OK(st_clip_plan_make(&plan, st_frame_source_clip_set(stage.source), &hour, &settings,
                                err));
        ST_OK(st_clip_plan_join(&plan, stage.frames, &joining, NULL, err));
        const double seconds = cpu_seconds() - start;
        for (size_t k = 1; k < plan.list.count; k++)
            most = fmax(most, plan.list.entries[k].rough);
        print_message("%s: %zu joints of %" PRId64 " frames planned in %.1f s; roughest %.2f x\n",
                      clip_sets[n].name, plan.list.count - 1, plan.list.frames, seconds, most);
        assert_true(most <= JOINT_BOUND && seconds < 60);
        st_clip_plan_free(&plan);
        free(hour.stretches);
        stage_close(&stage);
    }
    st_scratch_remove(root);
}

static void all_finished_joints_are_as_smooth_as_clips(void **state)
{
    (void)state;
    ST_NEED_SHARED(recording, "media/audio/jan-pause-deutsch.mp3");
    char *root = make_root();
    for (size_t n = 0; n < CLIP_SETS; n++)
        expect_smooth_film(root, &clip_sets[n], recording, 5);
    st_scratch_remove(root);
}

int main(int count, char **words)
{
    const struct CMUnitTest usual[] = {
        cmocka_unit_test(planned_joints_are_as_smooth_as_clips),
        cmocka_unit_test(finished_joints_are_as_smooth_as_clips),
    };
    const struct CMUnitTest whole[] = {
        cmocka_unit_test(an_hour_is_planned_in_a_minute),
        cmocka_unit_test(all_finished_joints_are_as_smooth_as_clips)};
    if (count > 1 && strcmp(words[1], "long") == 0)
        return cmocka_run_group_tests(whole, NULL, NULL);
    return cmocka_run_group_tests(usual, NULL, NULL);
}
