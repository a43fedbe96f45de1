/* SPDX-License-Identifier: Apache-2.0 */
/* Clips mode on the demo person, from the sound to the finished video: the list against the sound,
 * frame by frame, and every joint of the decoded video against steps within clips.
 *
 * With "long" under a real recording with pauses of ten seconds, else under the demo's sentences.
 */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "generate/clip_set.h"
#include "generate/frame_source.h"
#include "generate/joints.h"
#include "generate/voice.h"
#include "media/audio_reader.h"
#include "speech/speech.h"
#include "speech/wav.h"
#include "synctalk/synctalk.h"

#define LEAST_SILENCE 0.75 /* seconds, the default */

/* How fades are made. */
struct manner {
    const char *name;
    int transition, longest;
    synctalk_align align;
    bool only_long;
};

static const struct manner manners[] = {
    {"hard cuts", 0, 0, SYNCTALK_ALIGN_NEVER, false},
    {"fades of 4", 4, 0, SYNCTALK_ALIGN_NEVER, true},
    {"fades of 4, moved where smoother", 4, 0, SYNCTALK_ALIGN_AUTO, true},
    {"as is done unless told", 4, 25, SYNCTALK_ALIGN_AUTO, false},
};
#define MANNERS (sizeof manners / sizeof *manners)

static const double shares[] = {1, 0.5}; /* of the clips' lengths */
#define SHARES (sizeof shares / sizeof *shares)

struct stage {
    char *root; /* owns */
    char sound[ST_PATH_MAX], film[ST_PATH_MAX], edl[ST_PATH_MAX];
    struct st_frame_source *source;
    struct st_voice voice;
    size_t silences; /* long enough to be one, in the lists */
};

/* The person with all clips of the demo, of that share of their lengths. */
static void render_person(const char *root, double share)
{
    char log[ST_PATH_MAX];
    char length[32];
    const char *tool = getenv("ST_TEST_DEMO");
    assert_non_null(tool);
    ST_OK(st_path_join(log, root, "log", err));
    snprintf(length, sizeof length, "%g", share);
    st_run_program((const char *const[]){tool, root, "0.2", length, NULL}, log);
}

/* Append a recording of the demo, then silence. */
static void append(float *to, size_t *count, size_t capacity, const char *root, const char *name,
                   double silence)
{
    char path[ST_PATH_MAX];
    struct st_audio_reader *reader;
    size_t got;
    ST_OK(st_path_join(path, root, name, err));
    ST_OK(st_audio_reader_open(&reader, path, SPEECH_HZ, 1, err));
    do {
        ST_OK(st_audio_reader_read(reader, to + *count, capacity - *count, &got, err));
        *count += got;
    } while (got > 0);
    st_audio_reader_close(&reader);
    *count += (size_t)(silence * SPEECH_HZ);
    assert_true(*count < capacity);
}

/* Pauses of two seconds, one, too little for one, and one at the end. */
static void write_sound(const struct stage *stage)
{
    const size_t capacity = (size_t)60 * SPEECH_HZ;
    float *sound = calloc(capacity, sizeof *sound);
    size_t count = 0;
    assert_non_null(sound);
    append(sound, &count, capacity, stage->root, "demo-pause.wav", 1.0);
    append(sound, &count, capacity, stage->root, "demo.wav", 1.3);
    ST_OK(wav_write(stage->sound, sound, count, SPEECH_HZ, err));
    free(sound);
}

static void stage_open(struct stage *stage, const char *recording, double share)
{
    char clips[ST_PATH_MAX];
    synctalk_vad_settings vad;
    memset(stage, 0, sizeof *stage);
    stage->root = st_scratch_create();
    render_person(stage->root, share);
    ST_OK(st_path_join(stage->film, stage->root, "film.mp4", err));
    ST_OK(st_path_join(stage->edl, stage->root, "list.json", err));
    ST_OK(st_path_join(stage->sound, stage->root, "sound.wav", err));
    if (recording)
        ST_OK(st_path_format(stage->sound, err, "%s", recording));
    else
        write_sound(stage);
    ST_OK(st_path_join(clips, stage->root, "dataset/demo/core_clips", err));
    ST_OK(st_frame_source_open_clips(&stage->source, clips, NULL, err));
    synctalk_vad_settings_init(&vad);
    vad.vad = SYNCTALK_VAD_BUILTIN;
    ST_OK(st_voice_find(&stage->voice, &vad, stage->sound, false, NULL, err));
}

static void stage_close(struct stage *stage)
{
    st_voice_free(&stage->voice);
    st_frame_source_close(&stage->source);
    st_scratch_remove(stage->root);
}

static void generate(const struct stage *stage, const struct manner *manner)
{
    synctalk_settings settings;
    synctalk_person *person;
    synctalk_report report;
    synctalk_settings_init(&settings);
    settings.root = stage->root;
    settings.model = "demo";
    settings.edl = stage->edl;
    settings.overwrite = 1;
    settings.mode = SYNCTALK_MODE_CLIPS;
    settings.vad = SYNCTALK_VAD_BUILTIN;
    settings.blend = SYNCTALK_BLEND_FACE;
    settings.transition = manner->transition;
    settings.transition_max = manner->longest;
    settings.align = manner->align;
    ST_OK(synctalk_person_open(&person, &settings, NULL, err));
    ST_OK(synctalk_generate(person, &settings, stage->sound, stage->film, NULL, &report, err));
    synctalk_person_close(&person);
}

/* The greatest step in the frames of a list's joints. */
static double greatest_in(const struct st_edit_list *list, const double *steps)
{
    double greatest = 0;
    for (int64_t i = 1; i < list->frames; i++)
        if (joints_include(list, i) && steps[i] > greatest)
            greatest = steps[i];
    return greatest;
}

/* `cuts`: the steps of the first film, with hard cuts, which are made where it is NULL, and are to
 * be freed. The greatest step is told beside that of the same frames with hard cuts: mouths speak
 * in both. */
static struct joint_report make_film(struct stage *stage, const struct manner *manner,
                                     double **cuts)
{
    struct st_edit_list list;
    generate(stage, manner);
    ST_OK(
        st_edit_list_read(&list, &st_frame_source_clip_set(stage->source)->clips, stage->edl, err));
    stage->silences = joints_check_sound(&list, &stage->voice.timeline, stage->voice.samples,
                                         ST_VAD_HZ, (int64_t)(LEAST_SILENCE * ST_VAD_HZ));
    double *steps = joints_steps_of_film(stage->film, list.settings.fps, list.frames);
    const struct joint_report report = joints_report(manner->name, &list, steps);
    if (*cuts) {
        const double cut = greatest_in(&list, *cuts);
        const double faded = greatest_in(&list, steps);
        print_message("%s: greatest step %.3f levels, in the same frames with hard cuts %.3f\n",
                      manner->name, faded, cut);
        free(steps);
    } else {
        *cuts = steps;
    }
    st_edit_list_free(&list);
    return report;
}

static void make_films(const char *recording, double share, size_t silences)
{
    struct joint_report cuts = {.rough = 0};
    struct joint_report last = {.rough = 1};
    double *steps_of_cuts = NULL;
    struct stage stage;
    stage_open(&stage, recording, share);
    print_message("clips of %g of their length:\n", share);
    for (size_t i = 0; i < MANNERS; i++) {
        if (manners[i].only_long && !recording)
            continue;
        last = make_film(&stage, &manners[i], &steps_of_cuts);
        cuts = i == 0 ? last : cuts;
        assert_true(stage.silences >= silences);
    }
    assert_int_equal(last.rough, 0);
    assert_true(last.mean <= JOINT_BOUND && (recording || last.greatest <= cuts.greatest));
    assert_true(cuts.rough > 0 && cuts.mean > last.mean); /* else this shows nothing */
    free(steps_of_cuts);
    stage_close(&stage);
}

static void joints_of_the_demo(void **state)
{
    (void)state;
    if (!speech_engine_present(SPEECH_ESPEAK)) {
        fputs("SKIPPED: this build has no espeak-ng, so that the demo person says nothing\n",
              stderr);
        skip();
    }
    for (size_t i = 0; i < SHARES; i++)
        make_films(NULL, shares[i], 3);
}

static void joints_of_a_recording(void **state)
{
    (void)state;
    ST_NEED_SHARED(recording, "media/audio/jan-pause-deutsch.mp3");
    for (size_t i = 0; i < SHARES; i++)
        make_films(recording, shares[i], 5);
}

int main(int count, char **words)
{
    const struct CMUnitTest usual[] = {cmocka_unit_test(joints_of_the_demo)};
    const struct CMUnitTest whole[] = {cmocka_unit_test(joints_of_a_recording)};
    if (count > 1 && strcmp(words[1], "long") == 0)
        return cmocka_run_group_tests(whole, NULL, NULL);
    return cmocka_run_group_tests(usual, NULL, NULL);
}
