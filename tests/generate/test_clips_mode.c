/* SPDX-License-Identifier: Apache-2.0 */
/* Clips mode through the public calls: made-up clips, a sound that speaks and pauses. */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "generate/clip_plan.h"
#include "generate/clips_mode.h"
#include "generate/fade.h"
#include "generate/project.h"
#include "media/video_reader.h"
#include "synctalk/synctalk.h"

enum { WIDTH = 130, HEIGHT = 98, HZ = 16000, FRAMES = 100 };

struct scene {
    struct project p;
    char edl[ST_PATH_MAX];
    char plot[ST_PATH_MAX];
    synctalk_settings settings;
};

/* One letter a second: "s" a vowel, "-" hardly a noise; and a few samples more. */
static void write_sound(const char *path, const char *seconds)
{
    const uint32_t samples = (uint32_t)(strlen(seconds) * HZ + 123);
    uint64_t seed = 3;
    int16_t *data = calloc(samples, sizeof *data);
    assert_non_null(data);
    for (uint32_t i = 0; i < samples; i++) {
        const double t = (double)i / HZ;
        double x = 0.002 * ((double)st_random_unit(&seed) - 0.5);
        if (seconds[i / HZ] == 's')
            for (int k = 1; k < 8; k++)
                x += 0.1 / k * sin(k * 2 * M_PI * (120 + 10 * sin(3 * t)) * t);
        data[i] = (int16_t)(32767 * x);
    }
    project_write_wav(path, HZ, samples);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 44, SEEK_SET), 0);
    assert_int_equal(fwrite(data, sizeof *data, samples, file), samples);
    assert_int_equal(fclose(file), 0);
    free(data);
}

static void clip_folder(const struct project *p, char *path, const char *name)
{
    ST_OK(st_path_format(path, err, "%s/dataset/%s/core_clips/%s", p->root, PROJECT_PERSON, name));
}

static void make_folder(const char *path)
{
    assert_int_equal(mkdir(path, 0700), 0);
}

/* A smooth picture that is brighter the greater `shade` is, and a face that wanders. */
static void write_clip(const struct project *p, const char *name, int frames, int width, int shade)
{
    char folder[ST_PATH_MAX];
    char path[ST_PATH_MAX];
    struct st_picture picture = {0};

    clip_folder(p, folder, name);
    make_folder(folder);
    ST_OK(st_path_join(path, folder, "full_body_img", err));
    make_folder(path);
    ST_OK(st_path_join(path, folder, "landmarks", err));
    make_folder(path);
    ST_OK(st_path_join(path, folder, "info.txt", err));
    st_write_file(path, "words\n", 6);
    for (int i = 0; i < frames; i++) {
        ST_OK(st_picture_resize(&picture, width, HEIGHT, err));
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < width * 3; x++)
                picture.data[(size_t)y * picture.stride + (size_t)x] =
                    (uint8_t)(60 + shade + 40 * sin(0.01 * x + 0.1 * i) * cos(0.03 * y));
        ST_OK(st_path_format(path, err, "%s/full_body_img/%d.jpg", folder, i));
        ST_OK(st_jpeg_write(&picture, path, 95, 1, err));
        ST_OK(st_path_format(path, err, "%s/landmarks/%d.lms", folder, i));
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        for (int k = 0; k < 110; k++)
            fprintf(file, "%d %d\n",
                    k == 1    ? WIDTH / 5 + i % 5
                    : k == 31 ? WIDTH * 4 / 5 + i % 5
                              : WIDTH / 2,
                    k == 52 ? HEIGHT / 4 : HEIGHT * 3 / 4);
        assert_int_equal(fclose(file), 0);
    }
    st_picture_free(&picture);
}

static void scene_create(struct scene *scene, const char *seconds)
{
    char path[ST_PATH_MAX];
    struct project *p = &scene->p;

    memset(scene, 0, sizeof *scene);
    project_create(p, WIDTH, HEIGHT, FRAMES);
    write_sound(p->sound, seconds);
    clip_folder(p, path, "");
    make_folder(path);
    ST_OK(st_path_join(scene->edl, p->root, "out/list.json", err));
    ST_OK(st_path_join(scene->plot, p->root, "out/plot.png", err));
    synctalk_settings *s = &scene->settings;
    synctalk_settings_init(s);
    s->precision = SYNCTALK_PRECISION_F32; /* nothing is found out first */
    s->root = p->root;
    s->model = PROJECT_PERSON;
    s->features = p->features;
    s->mode = SYNCTALK_MODE_CLIPS;
    s->vad = SYNCTALK_VAD_BUILTIN;
    s->x264_preset = SYNCTALK_X264_ULTRAFAST;
    s->encoder_threads = 2;
    s->crf = 0;
}

static void usual_clips(const struct scene *scene)
{
    write_clip(&scene->p, "big talk", 12, WIDTH, 0);
    write_clip(&scene->p, "TALK two", 9, WIDTH, 20);
    write_clip(&scene->p, "02s silence", 14, WIDTH, 40);
    write_clip(&scene->p, "idle", 5, WIDTH, 60);
}

static synctalk_status try(struct scene *scene, synctalk_report *report, synctalk_error *err)
{
    synctalk_person *person;
    synctalk_status st = synctalk_person_open(&person, &scene->settings, NULL, err);
    if (st)
        return st;
    st = synctalk_generate(person, &scene->settings, scene->p.sound, scene->p.output, NULL, report,
                           err);
    synctalk_person_close(&person);
    return st;
}

static void refuse(struct scene *scene, synctalk_status status, const char *words, const char *more)
{
    synctalk_error e = {0};
    const size_t before = project_outputs(&scene->p);
    synctalk_status st = try(scene, NULL, &e);
    if (st != status || !strstr(e.message, words) || !strstr(e.message, more))
        fail_msg("wanted %d with \"%s\" and \"%s\", got %d: %s", status, words, more, st,
                 e.message);
    assert_int_equal(project_outputs(&scene->p), before);
}

static void read_picture(struct st_frame *frame, struct st_frame_reader *reader,
                         const struct st_edit_picture *picture)
{
    const struct st_clip_set *set = st_frame_source_clip_set(reader->source);
    ST_OK(st_frame_reader_read(reader, set->first[picture->clip] + picture->frame, 0, frame, err));
}

/* The film, frame by frame, against the clips that the list names: in a pause it is the source,
 * or two of its frames laid over each other; in speech it is neither, outside fades. Returns the
 * frames of pauses outside fades. */
static int compare(struct scene *scene)
{
    char folder[ST_PATH_MAX];
    struct st_frame_source *source;
    struct st_frame_reader *reader;
    struct st_frame frame = {0};
    struct st_picture seen = {0};
    struct st_video_reader *film;
    struct st_clip_plan plan = {0};
    const struct st_video_settings video = {.fps = 25, .threads = 1};
    struct st_frame other = {0};
    int pauses = 0;
    int fades = 0;

    clip_folder(&scene->p, folder, "");
    ST_OK(st_frame_source_open_clips(&source, folder, NULL, err));
    ST_OK(st_frame_reader_open(&reader, source, true, err));
    ST_OK(st_edit_list_read(&plan.list, &st_frame_source_clip_set(source)->clips, scene->edl, err));
    assert_int_equal(plan.list.frames, FRAMES);
    ST_OK(st_video_reader_open(&film, scene->p.output, &video, NULL, err));
    assert_int_equal(st_video_reader_info(film)->frames, FRAMES);
    ST_OK(st_picture_resize(&seen, WIDTH, HEIGHT, err));
    for (int64_t i = 0; i < FRAMES; i++) {
        const struct st_edit_frame want = st_edit_list_at(&plan.list, i);
        assert_int_equal(want.window, i); /* the sound never moves */
        if (want.fades && (want.picture.sync || want.other.sync))
            continue;
        read_picture(&frame, reader, &want.picture);
        if (want.fades) {
            read_picture(&other, reader, &want.other);
            st_fade_pictures(&frame.picture, &frame.picture, &other.picture,
                             &(struct st_fade){.weight = want.weight});
            fades++;
        }
        ST_OK(st_video_reader_frame(film, i, seen.data, seen.stride, err));
        const double off = st_picture_difference(&seen, &frame.picture);
        if (want.picture.sync ? off < 3 : off > 1.5)
            fail_msg("frame %d, %s: %g levels off", (int)i, want.picture.sync ? "speech" : "pause",
                     off);
        pauses += !want.picture.sync && !want.fades;
    }
    if (pauses > 0 && pauses < FRAMES && plan.list.settings.transition > 0)
        assert_true(fades > 0);
    st_frame_free(&other);
    st_edit_list_free(&plan.list);
    st_video_reader_close(&film);
    st_picture_free(&seen);
    st_frame_free(&frame);
    st_frame_reader_close(&reader);
    st_frame_source_close(&source);
    return pauses;
}

static void speech_is_redrawn_and_pauses_are_the_source(void **state)
{
    (void)state;
    struct scene scene;
    synctalk_report report;

    scene_create(&scene, "s--s");
    usual_clips(&scene);
    scene.settings.edl = scene.edl;
    scene.settings.align = SYNCTALK_ALIGN_NEVER;
    synctalk_error e = {0};
    if (try(&scene, &report, &e))
        fail_msg("%s", e.message);
    assert_int_equal(report.frames, FRAMES); /* 64123 samples are 100.19 frames */
    const int pauses = compare(&scene);
    assert_in_range(pauses, 25, 50);
    scene.settings.overwrite = 1;
    scene.settings.pad = SYNCTALK_PAD_HOLD;
    scene.settings.transition = 0;
    if (try(&scene, &report, &e))
        fail_msg("%s", e.message);
    assert_true(compare(&scene) > pauses); /* no fades */
    project_remove(&scene.p);
}

static void the_number_of_workers_changes_nothing(void **state)
{
    (void)state;
    struct scene scene;
    struct st_mapping film[2];
    synctalk_error e = {0};

    scene_create(&scene, "s--s");
    usual_clips(&scene);
    scene.settings.align = SYNCTALK_ALIGN_ALWAYS;
    scene.settings.transition = 9;
    for (int i = 0; i < 2; i++) {
        scene.settings.threads = 1 + 2 * i;
        scene.settings.frames_per_core = i;
        if (try(&scene, NULL, &e))
            fail_msg("%s", e.message);
        ST_OK(st_map_file(&film[i], scene.p.output, err));
        assert_int_equal(unlink(scene.p.output), 0);
    }
    assert_int_equal(film[0].size, film[1].size);
    assert_memory_equal(film[0].data, film[1].data, film[0].size);
    st_unmap_file(&film[0]);
    st_unmap_file(&film[1]);
    project_remove(&scene.p);
}

/* Guards moving one side by the other's share, which doubles the face instead of joining it. */
static void moved_faces_meet(void **state)
{
    (void)state;
    struct scene scene;
    char folder[ST_PATH_MAX];
    struct st_frame_source *source;
    struct st_frame_reader *reader;
    struct st_stretch stretches[] = {{0, 20, true}, {20, 30, false}, {50, 25, true}};
    const struct st_timeline timeline = {75, stretches, 3};
    const struct st_edit_settings edit = {.fps = 25, .transition = 6};
    struct st_clip_plan plan;
    int fades = 0;

    scene_create(&scene, "s--s");
    write_clip(&scene.p, "talk a", 20, WIDTH, 0);
    write_clip(&scene.p, "talk b", 25, WIDTH, 0);
    write_clip(&scene.p, "idle a", 14, WIDTH, 0);
    write_clip(&scene.p, "idle b", 16, WIDTH, 0);
    clip_folder(&scene.p, folder, "");
    ST_OK(st_frame_source_open_clips(&source, folder, NULL, err));
    ST_OK(st_frame_reader_open(&reader, source, true, err));
    ST_OK(st_clip_plan_make(&plan, st_frame_source_clip_set(source), &timeline, &edit, err));
    for (size_t k = 1; k < plan.list.count; k++)
        plan.joints[k] = (struct st_clip_joint){
            true, {.a = 1.1, .b = 0.1 * (double)k, .dx = 7, .dy = -3.5 * (double)k}};
    for (int64_t i = 0; i < 75; i++) {
        const struct st_plan_frame f = st_clip_plan_at(&plan, i);
        assert_int_equal(f.window, i);
        assert_int_equal(f.fades, f.moves);
        if (!f.fades)
            continue;
        fades++;
        size_t into = 1;
        while (i >= plan.list.entries[into].fade_from + plan.list.entries[into].fade_frames)
            into++;
        const bool leaves = i < plan.list.entries[into].from;
        const struct st_point before = {31, 17};
        const struct st_point after = st_similarity_apply(&plan.joints[into].move, before);
        const struct st_point a = st_similarity_apply(&f.move, leaves ? before : after);
        const struct st_point b = st_similarity_apply(&f.other_move, leaves ? after : before);
        assert_true(fabsf(a.x - b.x) < 1e-3F && fabsf(a.y - b.y) < 1e-3F);
        /* The one that goes is moved further and further. */
        const double share = (double)(i - plan.list.entries[into].fade_from + 1) /
                             (plan.list.entries[into].fade_frames + 1);
        const struct st_similarity gone = st_similarity_power(&plan.joints[into].move, share);
        const struct st_similarity *old = leaves ? &f.move : &f.other_move;
        assert_true(fabs(old->a - gone.a) < 1e-9 && fabs(old->dy - gone.dy) < 1e-9);
    }
    assert_in_range(fades, 12, 18);
    st_clip_plan_free(&plan);
    st_frame_reader_close(&reader);
    st_frame_source_close(&source);
    project_remove(&scene.p);
}

static void count_warnings(void *user, synctalk_log_level level, const char *text)
{
    if (level == SYNCTALK_LOG_WARNING && strstr(text, "may be seen"))
        ++*(int *)user;
}

/* Guards fades that stay short where they are seen, and such as are longer than they must be. */
static void rough_fades_are_lengthened(void **state)
{
    (void)state;
    struct scene scene;
    char folder[ST_PATH_MAX];
    struct st_frame_source *source;
    struct st_frame_reader *reader;
    struct st_stretch stretches[] = {{0, 60, true}, {60, 60, false}, {120, 60, true}};
    const struct st_timeline timeline = {180, stretches, 3};
    const struct st_edit_settings edit = {.fps = 25, .transition = 4};
    int warnings = 0;
    const synctalk_callbacks callbacks = {.user = &warnings, .log = count_warnings};

    scene_create(&scene, "s--s");
    write_clip(&scene.p, "talk", 60, WIDTH, 0);
    write_clip(&scene.p, "idle", 60, WIDTH, 16);
    clip_folder(&scene.p, folder, "");
    ST_OK(st_frame_source_open_clips(&source, folder, NULL, err));
    ST_OK(st_frame_reader_open(&reader, source, true, err));
    for (int longest = 0; longest <= 25; longest = longest ? 5 * longest : 5) {
        struct st_clip_plan plan;
        struct st_clip_roughness at[2];
        const struct st_clip_joining joining = {SYNCTALK_ALIGN_NEVER, longest, false};
        warnings = 0;
        ST_OK(st_clip_plan_make(&plan, st_frame_source_clip_set(source), &timeline, &edit, err));
        ST_OK(st_clip_plan_join(&plan, reader, &joining, &callbacks, err));
        const int frames = plan.list.entries[1].fade_frames;
        ST_OK(st_clip_plan_roughness(&at[0], &plan, reader, 1, err));
        assert_in_range(frames, 4, longest > 4 ? longest : 4);
        assert_int_equal(warnings, longest < 10);
        if (longest < 10) {
            assert_int_equal(frames, longest > 4 ? longest : 4);
        } else {
            assert_in_range(frames, 6, 12); /* of 15 that there is room for */
            st_edit_list_set_fade(&plan.list, 1, frames - 1);
            ST_OK(st_clip_plan_roughness(&at[1], &plan, reader, 1, err));
            assert_true(at[1].mean > at[0].mean);
        }
        st_clip_plan_free(&plan);
    }
    st_frame_reader_close(&reader);
    st_frame_source_close(&source);
    project_remove(&scene.p);
}

static void keep_warning(void *user, synctalk_log_level level, const char *text)
{
    if (level == SYNCTALK_LOG_WARNING)
        snprintf(user, 1024, "%s", text);
}

/* Guards joints that nothing can make smooth, and that nobody is told of: of single pictures
 * there is nothing to fade, and what stands still gives no step to hold them against. */
static void joints_that_stay_rough_are_told(void **state)
{
    (void)state;
    struct scene scene;
    char folder[ST_PATH_MAX];
    char warning[1024] = "";
    struct st_frame_source *source;
    struct st_frame_reader *reader;
    struct st_stretch stretches[] = {{0, 30, true}, {30, 20, false}, {50, 30, true}};
    const struct st_timeline timeline = {80, stretches, 3};
    const struct st_edit_settings edit = {.fps = 25, .transition = 4};
    const struct st_clip_joining joining = {SYNCTALK_ALIGN_AUTO, 25, true};
    const synctalk_callbacks callbacks = {.user = warning, .log = keep_warning};
    struct st_clip_plan plan;
    struct st_edit_list back;

    scene_create(&scene, "s--s");
    write_clip(&scene.p, "one talk", 1, WIDTH, 0);
    write_clip(&scene.p, "one idle", 1, WIDTH, 25);
    clip_folder(&scene.p, folder, "");
    ST_OK(st_frame_source_open_clips(&source, folder, NULL, err));
    ST_OK(st_frame_reader_open(&reader, source, true, err));
    ST_OK(st_clip_plan_make(&plan, st_frame_source_clip_set(source), &timeline, &edit, err));
    ST_OK(st_clip_plan_join(&plan, reader, &joining, &callbacks, err));
    if (!strstr(warning, "2 of 79 joints may be seen, the roughest at 1.20 s from \"one talk\" to "
                         "\"one idle\", whose frames differ ") ||
        !strstr(warning, "film clips that begin and end in one pose and are at least"))
        fail_msg("%s", warning);
    ST_OK(st_edit_list_write(&plan.list, scene.edl, true, err));
    ST_OK(st_edit_list_read(&back, plan.list.clips, scene.edl, err));
    assert_true(back.entries[30].rough > 50 && back.entries[50].rough > 50);
    assert_true(isnan(back.entries[0].rough) && back.entries[1].rough == 0);
    st_edit_list_free(&back);
    st_clip_plan_free(&plan);
    st_frame_reader_close(&reader);
    st_frame_source_close(&source);
    project_remove(&scene.p);
}

static void one_kind_of_sound_needs_one_kind_of_clip(void **state)
{
    (void)state;
    struct scene scene;
    synctalk_error e = {0};
    synctalk_report report;

    scene_create(&scene, "----");
    write_clip(&scene.p, "one idle frame", 1, WIDTH, 0);
    scene.settings.edl = scene.edl;
    if (try(&scene, &report, &e))
        fail_msg("%s", e.message);
    assert_int_equal(compare(&scene), FRAMES);
    write_sound(scene.p.sound, "s--s");
    scene.settings.overwrite = 1;
    refuse(&scene, SYNCTALK_E_MISSING, "core_clips", "no talk clip");
    project_remove(&scene.p);

    scene_create(&scene, "ssss");
    write_clip(&scene.p, "talk", 1, WIDTH, 0);
    scene.settings.edl = scene.edl;
    if (try(&scene, &report, &e))
        fail_msg("%s", e.message);
    assert_int_equal(compare(&scene), 0);
    write_sound(scene.p.sound, "s--s");
    scene.settings.overwrite = 1;
    refuse(&scene, SYNCTALK_E_MISSING, "core_clips", "no silence clip");
    scene.settings.min_silence_duration = 10;
    if (try(&scene, &report, &e))
        fail_msg("%s", e.message);
    project_remove(&scene.p);
}

static void bad_clips_are_told(void **state)
{
    (void)state;
    struct scene scene;
    char path[ST_PATH_MAX];
    char other[ST_PATH_MAX];

    scene_create(&scene, "s--s");
    refuse(&scene, SYNCTALK_E_MISSING, "core_clips: no clips", "preprocess-clips");
    clip_folder(&scene.p, path, "");
    assert_int_equal(rmdir(path), 0);
    refuse(&scene, SYNCTALK_E_MISSING, "core_clips: no clips", "preprocess-clips");
    make_folder(path);

    write_clip(&scene.p, "a talk", 2, WIDTH, 0);
    write_clip(&scene.p, "b silence", 2, WIDTH - 2, 0);
    refuse(&scene, SYNCTALK_E_FORMAT, "b silence: its frames are 128x98", "a talk are 130x98");
    clip_folder(&scene.p, path, "b silence");
    clip_folder(&scene.p, other, ".b silence");
    assert_int_equal(rename(path, other), 0); /* what begins with a dot is no clip */
    refuse(&scene, SYNCTALK_E_MISSING, "no silence clip", "");
    clip_folder(&scene.p, path, "a file");
    st_write_file(path, "", 0);
    refuse(&scene, SYNCTALK_E_MISSING, "no silence clip", "");

    write_clip(&scene.p, "pause", 2, WIDTH, 0);
    refuse(&scene, SYNCTALK_E_FORMAT, "core_clips/pause", "\"silence\" or \"idle\"");
    clip_folder(&scene.p, path, "pause");
    clip_folder(&scene.p, other, "pause, idle");
    assert_int_equal(rename(path, other), 0);
    clip_folder(&scene.p, path, "pause, idle/landmarks/1.lms");
    assert_int_equal(unlink(path), 0);
    refuse(&scene, SYNCTALK_E_FORMAT, "pause, idle/landmarks", "1.lms is missing");
    clip_folder(&scene.p, path, "pause, idle/landmarks/0.lms");
    assert_int_equal(unlink(path), 0);
    clip_folder(&scene.p, path, "pause, idle/landmarks");
    assert_int_equal(rmdir(path), 0);
    refuse(&scene, SYNCTALK_E_MISSING, "pause, idle/landmarks", "");
    project_remove(&scene.p);
}

static void what_is_saved_is_whole_or_not_there(void **state)
{
    (void)state;
    struct scene scene;
    synctalk_error e = {0};

    scene_create(&scene, "s--s");
    usual_clips(&scene);
    scene.settings.edl = scene.p.output;
    refuse(&scene, SYNCTALK_E_ARG, "video.mp4", "own name");
    scene.settings.edl = "/nowhere/list.json";
    refuse(&scene, SYNCTALK_E_MISSING, "/nowhere", "");
    scene.settings.edl = scene.edl;
    st_write_file(scene.edl, "mine", 4);
    refuse(&scene, SYNCTALK_E_EXISTS, "list.json", "");
    assert_int_equal(unlink(scene.edl), 0);
    scene.settings.vad_threshold = 0.91;
    refuse(&scene, SYNCTALK_E_ARG, "vad-threshold", "0.1 to 0.9");
    scene.settings.vad_threshold = 0.5;
    scene.settings.vad_plot = scene.plot;
    synctalk_status st = try(&scene, NULL, &e);
    if (st == SYNCTALK_E_UNSUPPORTED) { /* a build without charts */
        assert_int_equal(project_outputs(&scene.p), 0);
    } else {
        assert_int_equal(st, SYNCTALK_OK);
        assert_true(st_path_is_file(scene.edl) && st_path_is_file(scene.plot));
        assert_int_equal(project_outputs(&scene.p), 3);
    }
    project_remove(&scene.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speech_is_redrawn_and_pauses_are_the_source),
        cmocka_unit_test(the_number_of_workers_changes_nothing),
        cmocka_unit_test(moved_faces_meet),
        cmocka_unit_test(rough_fades_are_lengthened),
        cmocka_unit_test(joints_that_stay_rough_are_told),
        cmocka_unit_test(one_kind_of_sound_needs_one_kind_of_clip),
        cmocka_unit_test(bad_clips_are_told),
        cmocka_unit_test(what_is_saved_is_whole_or_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
