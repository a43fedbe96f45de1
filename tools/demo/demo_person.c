/* SPDX-License-Identifier: Apache-2.0 */
/* demo_person ROOT [SECONDS]: the demo person as a project that is ready to generate from.
 *
 *     ROOT/dataset/demo       SECONDS of rendered frames, with landmarks and sound
 *     ROOT/checkpoint/demo    the person's network, from data/demo
 *     ROOT/model              the audio encoder, from data
 *     ROOT/demo.wav           an English and a German sentence in voices that neither
 *                             network was trained on
 *
 * Where a build has no synthesiser, nobody says anything: both sounds are silence.
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

static synctalk_status film(const char *root, double seconds, synctalk_error *err)
{
    synctalk_status st;
    const bool speaks = speech_engine_present(SPEECH_ESPEAK);
    const struct script_settings said = {.seconds = seconds,
                                         .seed = SCENE_SEED,
                                         .silent = !speaks,
                                         .english = true,
                                         .german = true,
                                         .english_voice = "espeak/en-us+f2",
                                         .german_voice = "espeak/de+f2",
                                         .first_sentence = SENTENCE_HELD_OUT};
    struct person *person = NULL;
    struct script *script = NULL;
    struct shoot shoot = {.motion = {SCENE_SEED, 1},
                          .frames = (int)(seconds * PERSON_FPS + 0.5),
                          .threads = (int)sysconf(_SC_NPROCESSORS_ONLN)};
    char folder[ST_PATH_MAX];

    if ((st = st_path_join(folder, root, "dataset/demo", err)) ||
        (st = script_create(&script, &said, err)) ||
        (st = person_create(&person, PERSON_SEED, err)))
        goto done;
    shoot.person = person;
    shoot.script = script;
    st = shoot_dataset(&shoot, folder, err);

done:
    script_free(&script);
    person_free(&person);
    return st;
}

static synctalk_status speak(const char *root, synctalk_error *err)
{
    static const float silence[SPEECH_HZ];
    synctalk_status st;
    struct speech_synth *synth = NULL;
    struct speech english = {0};
    struct speech german = {0};
    struct speech both = {0};
    char path[ST_PATH_MAX];

    if ((st = st_path_join(path, root, "demo.wav", err)))
        return st;
    if (!speech_engine_present(SPEECH_ESPEAK))
        return wav_write(path, silence, SPEECH_HZ, SPEECH_HZ, err);
    if ((st = speech_open(&synth, err)) ||
        (st = speech_say(synth, speech_voice_find("espeak/en-us+Annie"),
                         sentence_demo(SPEECH_ENGLISH, 0), NULL, &english, err)) ||
        (st = speech_say(synth, speech_voice_find("espeak/de+f5"), sentence_demo(SPEECH_GERMAN, 0),
                         NULL, &german, err)) ||
        (st = speech_join(&both, &english, PAUSE_SECONDS, &german, err)))
        goto done;
    st = wav_write(path, both.samples, both.count, SPEECH_HZ, err);

done:
    speech_free(&both);
    speech_free(&german);
    speech_free(&english);
    speech_close(&synth);
    return st;
}

static synctalk_status make_project(const char *root, double seconds, synctalk_error *err)
{
    /* Speech first: a synthesiser is a child process, and those want a small parent. */
    synctalk_status st = make_folders(root, err);
    if (st || (st = speak(root, err)) || (st = film(root, seconds, err)))
        return st;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        if ((st = copy_file(root, networks[i].to, networks[i].from, err)))
            return st;
    return SYNCTALK_OK;
}

int main(int count, char **words)
{
    synctalk_error err = {0};
    const double seconds = count == 3 ? strtod(words[2], NULL) : SECONDS;
    if (count < 2 || count > 3 || words[1][0] == '-' || words[1][0] == '\0' || !(seconds > 0)) {
        fputs("usage: demo_person ROOT [SECONDS]\n", stderr);
        return 2;
    }
    if (make_project(words[1], seconds, &err)) {
        fprintf(stderr, "demo_person: %s\n", err.message);
        return 1;
    }
    printf("%s: %.1f seconds of \"demo\", their networks, demo.wav\n", words[1], seconds);
    return 0;
}
