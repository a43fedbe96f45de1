/* SPDX-License-Identifier: Apache-2.0 */
/* render_person ROOT NAME: film a person who does not exist, as ROOT/dataset/NAME.
 *
 * The same options give the same dataset, whatever the number of threads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "person/shoot.h"

static const char usage[] =
    "usage: render_person ROOT NAME [options]\n"
    "  --seconds T            length of the film [60]\n"
    "  --seed S               of the motions; the person stays the same [1]\n"
    "  --language en|de|mixed what is spoken [en]\n"
    "  --voice NAME           a voice of tools/speech, for English sentences\n"
    "  --voice-de NAME        likewise for German ones\n"
    "  --first N              number of the first sentence [seed * 1000]\n"
    "  --silence              say nothing; the mouth rests\n"
    "  --still                do not sway or blink\n"
    "  --sheet FILE.png       also draw a contact sheet\n"
    "  --no-frames            only the contact sheet\n"
    "  --threads N            [all cores]\n";

struct options {
    const char *root, *name, *sheet;
    struct script_settings script;
    int threads;
    int still, no_frames, first_given;
};

static int set_language(struct script_settings *s, const char *word)
{
    s->english = strcmp(word, "de") != 0;
    s->german = strcmp(word, "en") != 0;
    return strcmp(word, "en") == 0 || strcmp(word, "de") == 0 || strcmp(word, "mixed") == 0 ? 0
                                                                                            : -1;
}

static int set_number(double *out, const char *word, double low, double high)
{
    char *end;
    *out = strtod(word, &end);
    return *word != '\0' && *end == '\0' && *out >= low && *out <= high ? 0 : -1;
}

/* An option with a value. -1: not one, or not such a value. */
static int set_value(struct options *o, const char *name, const char *word)
{
    double number = 0;
    int st = 0;
    if (strcmp(name, "--seconds") == 0)
        return set_number(&o->script.seconds, word, 0.04, 7200);
    if (strcmp(name, "--seed") == 0) {
        st = set_number(&number, word, 0, 1e6);
        o->script.seed = (uint32_t)number;
    } else if (strcmp(name, "--first") == 0) {
        st = set_number(&number, word, 0, 1e12);
        o->script.first_sentence = (uint64_t)number;
        o->first_given = 1;
    } else if (strcmp(name, "--threads") == 0) {
        st = set_number(&number, word, 1, 64);
        o->threads = (int)number;
    } else if (strcmp(name, "--language") == 0) {
        st = set_language(&o->script, word);
    } else if (strcmp(name, "--voice") == 0) {
        o->script.english_voice = word;
    } else if (strcmp(name, "--voice-de") == 0) {
        o->script.german_voice = word;
    } else if (strcmp(name, "--sheet") == 0) {
        o->sheet = word;
    } else {
        st = -1;
    }
    return st;
}

static int parse(struct options *o, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        if (words[i][0] != '-') {
            const char **target = o->root ? &o->name : &o->root;
            if (*target)
                return -1;
            *target = words[i];
        } else if (strcmp(words[i], "--silence") == 0) {
            o->script.silent = true;
        } else if (strcmp(words[i], "--still") == 0) {
            o->still = 1;
        } else if (strcmp(words[i], "--no-frames") == 0) {
            o->no_frames = 1;
        } else {
            if (i + 1 == count || set_value(o, words[i], words[i + 1]))
                return -1;
            i++;
        }
    }
    if (!o->first_given)
        o->script.first_sentence = (uint64_t)o->script.seed * 1000;
    return o->root && o->name ? 0 : -1;
}

static void show_progress(void *context, int done, int frames)
{
    (void)context;
    if (done % 25 == 0 || done == frames)
        fprintf(stderr, "\r%d of %d frames", done, frames);
}

static synctalk_status run(const struct options *o, synctalk_error *err)
{
    synctalk_status st;
    char folder[ST_PATH_MAX];
    struct person *person = NULL;
    struct script *script = NULL;
    struct shoot shoot = {.motion = {o->script.seed, o->still ? 0.0f : 1.0f},
                          .frames = (int)(o->script.seconds * PERSON_FPS + 0.5),
                          .threads = o->threads};

    if ((st = st_path_format(folder, err, "%s/dataset/%s", o->root, o->name)))
        goto done;
    if ((st = script_create(&script, &o->script, err)))
        goto done;
    if ((st = person_create(&person, PERSON_SEED, err)))
        goto done;
    shoot.person = person;
    shoot.script = script;
    if (isatty(STDERR_FILENO))
        shoot.progress = show_progress;
    if (o->sheet && (st = shoot_sheet(&shoot, o->sheet, err)))
        goto done;
    if (o->no_frames)
        goto done;
    if ((st = shoot_dataset(&shoot, folder, err)))
        goto done;
    if (shoot.progress)
        fputc('\n', stderr);
    printf("%s: %d frames\n", folder, shoot.frames);

done:
    script_free(&script);
    person_free(&person);
    return st;
}

int main(int count, char **words)
{
    synctalk_error err = {0};
    struct options options = {.script = {.seconds = 60, .seed = 1, .english = true},
                              .threads = (int)sysconf(_SC_NPROCESSORS_ONLN)};
    if (parse(&options, count, words)) {
        fputs(usage, stderr);
        return 2;
    }
    if (run(&options, &err)) {
        fprintf(stderr, "render_person: %s\n", err.message);
        return 1;
    }
    return 0;
}
