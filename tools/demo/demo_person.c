/* SPDX-License-Identifier: Apache-2.0 */
/* demo_person ROOT [SECONDS [SHARE]]: the demo person as a project that is ready to generate from.
 *
 *     ROOT/dataset/demo       SECONDS of rendered frames, with landmarks and sound
 *     ROOT/checkpoint/demo    the person's network, from data/demo
 *     ROOT/model              the audio encoder, from data
 *     ROOT/dataset/demo/core_clips
 *                             short films for clips mode, speaking and silent, SHARE of 27
 *                             seconds; unless told SECONDS / 12
 *     ROOT/demo.wav           an English and a German sentence in voices that neither
 *                             network was trained on
 *     ROOT/demo-pause.wav     likewise, with two seconds of silence between them
 *
 * Where a build has no synthesiser, nobody says anything: all sounds are silence.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "person/shoot.h"
#include "speech/speech.h"
#include "speech/wav.h"

#define SCENE_SEED 100
#define SECONDS 1.6
#define PAUSE_SECONDS 0.6
#define SILENT_SECONDS 4 /* of a sound where there is no synthesiser */
/* A clip leaves the still pose, and comes back to it, in this time or a quarter of its own; it
 * moves the less the less time it has, so that short clips are no more hectic than long ones. */
#define SETTLE_SECONDS 1.0

/* As long as `seconds` where their share is 1. Lengths have few divisors in common, so that some
 * of them fill nearly any stretch; the shortest pause that is one has a clip, too. */
static const struct {
    const char *name, *type;
    double seconds;
    uint32_t seed;
} clips[] = {
    {"demo talk 1,3s", "talk", 1.28, 201},    {"demo talk 1,9s", "talk", 1.88, 202},
    {"demo talk 2,5s", "talk", 2.48, 203},    {"demo talk 3,6s", "talk", 3.6, 204},
    {"demo talk 5s", "talk", 5, 205},         {"demo silence 0,8s", "silence", 0.8, 206},
    {"demo silence 1s", "silence", 1.0, 207}, {"demo silence 1,4s", "silence", 1.36, 208},
    {"demo silence 2s", "silence", 2, 209},   {"demo idle 3s", "silence", 3, 210},
    {"demo idle 4,4s", "silence", 4.4, 211},
};
#define CLIPS (sizeof clips / sizeof *clips)
#define CLIPS_BESIDE 12.0 /* seconds */

static const char *const folders[] = {"", "/checkpoint", "/checkpoint/demo", "/model"};

/* What ships with the sources, and where it belongs. */
static const struct {
    const char *from, *to;
} networks[] = {
    {DEMO_DATA "/demo/0.safetensors", "checkpoint/demo/0.safetensors"},
    {DEMO_DATA "/audio_visual_encoder.safetensors", "model/audio_visual_encoder.safetensors"},
};

static synctalk_status make_folders(const char *root, synctalk_error *err)
{
    char path[ST_PATH_MAX];
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        synctalk_status st = st_path_format(path, err, "%s%s", root, folders[i]);
        if (st)
            return st;
        if (mkdir(path, 0777) < 0 && errno != EEXIST)
            return st_fail_errno(err, errno, "create folder", path);
    }
    return SYNCTALK_OK;
}

static synctalk_status copy_file(const char *root, const char *to, const char *from,
                                 synctalk_error *err)
{
    synctalk_status st;
    struct st_mapping map = {0};
    struct st_output output = {.fd = -1};
    char path[ST_PATH_MAX];

    if ((st = st_path_join(path, root, to, err)) || (st = st_map_file(&map, from, err)) ||
        (st = st_output_open(&output, path, true, err)) ||
        (st = st_output_write(&output, map.data, map.size, err)))
        goto done;
    st = st_output_commit(&output, true, err);

done:
    st_output_close(&output);
    st_unmap_file(&map);
    return st;
}

/* What is said in a film of so many seconds. */
static struct script_settings lines_for(double seconds, uint32_t seed, bool silent)
{
    return (struct script_settings){.seconds = seconds,
                                    .seed = seed,
                                    .silent = silent || !speech_engine_present(SPEECH_ESPEAK),
                                    .english = true,
                                    .german = true,
                                    .english_voice = "espeak/en-us+f2",
                                    .german_voice = "espeak/de+f2",
                                    .first_sentence = SENTENCE_HELD_OUT};
}

static struct shoot shoot_of(const struct person *person, const struct script *script,
                             double seconds, uint32_t seed)
{
    const int frames = (int)(seconds * PERSON_FPS + 0.5);
    return (struct shoot){.person = person,
                          .script = script,
                          .motion = {seed, 1},
                          .frames = frames > 1 ? frames : 1,
                          .threads = (int)sysconf(_SC_NPROCESSORS_ONLN)};
}

static synctalk_status film(const char *root, const struct person *person,
                            const struct script *script, double seconds, synctalk_error *err)
{
    char folder[ST_PATH_MAX];
    const struct shoot shoot = shoot_of(person, script, seconds, SCENE_SEED);
    synctalk_status st = st_path_join(folder, root, "dataset/demo", err);
    return st ? st : shoot_dataset(&shoot, folder, err);
}

static synctalk_status describe_clip(const char *folder, const char *type, int frames,
                                     synctalk_error *err)
{
    synctalk_status st;
    struct st_output output = {.fd = -1};
    char path[ST_PATH_MAX];
    char text[256];
    const int length = snprintf(text, sizeof text,
                                "made_by: demo_person\nsource: rendered\ntype: %s\nframes: %d\n"
                                "fps: %d\nwidth: %d\nheight: %d\n",
                                type, frames, PERSON_FPS, PERSON_SIDE, PERSON_SIDE);

    if ((st = st_path_join(path, folder, "info.txt", err)) ||
        (st = st_output_open(&output, path, true, err)) ||
        (st = st_output_write(&output, text, (size_t)length, err)))
        goto done;
    st = st_output_commit(&output, true, err);

done:
    st_output_close(&output);
    return st;
}

static synctalk_status film_clip(const char *root, const struct person *person,
                                 const struct script *script, size_t n, double seconds,
                                 synctalk_error *err)
{
    synctalk_status st;
    char folder[ST_PATH_MAX];
    struct shoot shoot = shoot_of(person, script, seconds, clips[n].seed);

    const double settle = seconds < 4 * SETTLE_SECONDS ? seconds / 4 : SETTLE_SECONDS;
    shoot.settle_s = (float)settle;
    shoot.motion.life = (float)(settle / SETTLE_SECONDS);
    if ((st = st_path_format(folder, err, "%s/dataset/demo/core_clips/%s", root, clips[n].name)) ||
        (st = shoot_frames(&shoot, folder, err)))
        return st;
    return describe_clip(folder, clips[n].type, shoot.frames, err);
}

static synctalk_status film_all(const char *root, double seconds, double share, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    const struct script_settings said = lines_for(seconds, SCENE_SEED, false);
    struct script *scripts[CLIPS] = {NULL};
    struct script *script = NULL;
    struct person *person = NULL;

    /* All speech first: a synthesiser is a child process, and those want a small parent. */
    if ((st = script_create(&script, &said, err)))
        goto done;
    for (size_t i = 0; i < CLIPS; i++) {
        const struct script_settings lines =
            lines_for(clips[i].seconds * share, clips[i].seed, clips[i].type[0] == 's');
        if ((st = script_create(&scripts[i], &lines, err)))
            goto done;
    }
    if ((st = person_create(&person, PERSON_SEED, err)))
        goto done;
    st = film(root, person, script, seconds, err);
    for (size_t i = 0; i < CLIPS && !st; i++)
        st = film_clip(root, person, scripts[i], i, clips[i].seconds * share, err);

done:
    for (size_t i = 0; i < CLIPS; i++)
        script_free(&scripts[i]);
    script_free(&script);
    person_free(&person);
    return st;
}

/* ROOT/NAME: `english`, a pause, `german`. */
static synctalk_status say_both(struct speech_synth *synth, const char *root, const char *name,
                                const char *english, double pause, const char *german,
                                synctalk_error *err)
{
    synctalk_status st;
    struct speech first = {0};
    struct speech second = {0};
    struct speech both = {0};
    char path[ST_PATH_MAX];

    if ((st = st_path_join(path, root, name, err)) ||
        (st = speech_say(synth, speech_voice_find("espeak/en-us+Annie"), english, NULL, &first,
                         err)) ||
        (st = speech_say(synth, speech_voice_find("espeak/de+f5"), german, NULL, &second, err)) ||
        (st = speech_join(&both, &first, pause, &second, err)))
        goto done;
    st = wav_write(path, both.samples, both.count, SPEECH_HZ, err);

done:
    speech_free(&both);
    speech_free(&second);
    speech_free(&first);
    return st;
}

static synctalk_status stay_silent(const char *root, const char *name, synctalk_error *err)
{
    static const float silence[SILENT_SECONDS * SPEECH_HZ];
    char path[ST_PATH_MAX];
    synctalk_status st = st_path_join(path, root, name, err);
    return st ? st : wav_write(path, silence, sizeof silence / sizeof *silence, SPEECH_HZ, err);
}

static synctalk_status speak(const char *root, synctalk_error *err)
{
    synctalk_status st;
    struct speech_synth *synth = NULL;
    const struct sentence_pair english = sentence_demo_pair(SPEECH_ENGLISH);
    const struct sentence_pair german = sentence_demo_pair(SPEECH_GERMAN);

    if (!speech_engine_present(SPEECH_ESPEAK)) {
        fputs("demo_person: this build has no espeak-ng: demo.wav and demo-pause.wav are silent\n",
              stderr);
        st = stay_silent(root, "demo.wav", err);
        return st ? st : stay_silent(root, "demo-pause.wav", err);
    }
    if ((st = speech_open(&synth, err)) ||
        (st = say_both(synth, root, "demo.wav", sentence_demo(SPEECH_ENGLISH, 0), PAUSE_SECONDS,
                       sentence_demo(SPEECH_GERMAN, 0), err)))
        goto done;
    st =
        say_both(synth, root, "demo-pause.wav", english.first, english.pause_s, german.second, err);

done:
    speech_close(&synth);
    return st;
}

static synctalk_status make_project(const char *root, double seconds, double share,
                                    synctalk_error *err)
{
    /* Speech first: a synthesiser is a child process, and those want a small parent. */
    synctalk_status st = make_folders(root, err);
    if (st || (st = speak(root, err)) || (st = film_all(root, seconds, share, err)))
        return st;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        if ((st = copy_file(root, networks[i].to, networks[i].from, err)))
            return st;
    return SYNCTALK_OK;
}

int main(int count, char **words)
{
    synctalk_error err = {0};
    const double seconds = count > 2 ? strtod(words[2], NULL) : SECONDS;
    const double share = count > 3 ? strtod(words[3], NULL) : seconds / CLIPS_BESIDE;
    if (count < 2 || count > 4 || words[1][0] == '-' || words[1][0] == '\0' || !(seconds > 0) ||
        !(share > 0)) {
        fputs("usage: demo_person ROOT [SECONDS [SHARE]]\n", stderr);
        return 2;
    }
    if (make_project(words[1], seconds, share, &err)) {
        fprintf(stderr, "demo_person: %s\n", err.message);
        return 1;
    }
    printf("%s: %.1f seconds of \"demo\", clips, their networks, demo.wav, demo-pause.wav\n",
           words[1], seconds);
    return 0;
}
