/* SPDX-License-Identifier: Apache-2.0 */
/* synctalk preprocess: from a video, or a folder of them, to datasets. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "args.h"
#include "batch.h"
#include "console.h"
#include "progress.h"

static const struct own_option own[] = {
    {"name", 'n', OWN_TEXT, .unit = "NAME",
     .help = "the person: dataset/NAME is written, by default the video's name without its ending; "
             "for a folder the datasets are NAME-VIDEO"},
    {"fps", 0, OWN_INT, .min = 1, .max = 100, .unit = "N",
     .help = "frames a second, by default what the audio encoder hears by: 25, for wenet 20"},
    {"restart", 0, OWN_FLAG,
     .help = "remove what this command made in the folder before, and begin anew"},
    {"json", 0, OWN_FLAG, .help = "print each result as one line of JSON"},
    {"show-settings", 0, OWN_FLAG,
     .help = "print the settings in force and what set each; nothing is made"},
    {.name = NULL},
};

static const char *const settings[] = {
    "root",
    "models",
    "detector",
    "landmarks",
    "mean-face",
    "onnxruntime",
    "analysis-cache",
    "encoder",
    "face",
    "no-face",
    "face-threshold",
    "detect-every",
    "smooth-landmarks",
    "threads",
    "cpu-mask",
    NULL,
};

static const char *const text[] = {
    "Turns a video of a person into dataset/NAME below --root, ready for synctalk train: every "
    "frame as full_body_img/N.jpg at 25 frames a second, whatever the video has, upright; its "
    "landmarks in landmarks/N.lms; the sound as aud.wav; audio features, where the encoder's "
    "network is there; info.json. Look at contact.png: the points must sit on the face.",
    "A frame in which no face is seen holds the landmarks of the last one and is counted; "
    "--no-face fail stops there instead.",
    "Ctrl-C, a crash or a power cut loses nothing that was finished: the same command goes on, "
    "and ends with the same bytes. A folder as VIDEO means every video in it; one that fails is "
    "reported, the others are made, and the exit code is 1.",
    NULL,
};

static const char *const examples[] = {
    "synctalk preprocess anna.mov --name anna",
    "synctalk train --model anna --holdout 0.05",
    "synctalk preprocess takes/ --name anna",
    NULL,
};

static const char *const video_extensions[] = {"avi", "flv", "m4v",  "mkv", "mov", "mp4", "mpeg",
                                               "mpg", "ogv", "webm", "wmv", "3gp", "ts",  NULL};

/* One video and the dataset it becomes. Both owned. */
struct take {
    char *video;
    char *name;
};

struct takes {
    struct take *items; /* owned */
    size_t count;
};

static void takes_free(struct takes *takes)
{
    for (size_t i = 0; i < takes->count; i++) {
        free(takes->items[i].video);
        free(takes->items[i].name);
    }
    free(takes->items);
    *takes = (struct takes){.count = 0};
}

/* Takes `video`. False without memory. */
static bool add_take(struct takes *takes, char *video, const char *name, bool in_folder)
{
    char *stem = video ? base_name(video) : NULL;
    char *full = NULL;
    struct take *grown = realloc(takes->items, (takes->count + 1) * sizeof *grown);

    if (grown)
        takes->items = grown;
    if (grown && stem && name && in_folder && asprintf(&full, "%s-%s", name, stem) < 0)
        full = NULL;
    else if (grown && stem && !(name && in_folder))
        full = strdup(name ? name : stem);
    free(stem);
    if (!full) {
        free(video);
        return false;
    }
    takes->items[takes->count++] = (struct take){.video = video, .name = full};
    return true;
}

/* For scandir(). */
static int is_video(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    for (size_t i = 0; dot && dot != entry->d_name && video_extensions[i]; i++)
        if (strcasecmp(dot + 1, video_extensions[i]) == 0)
            return 1;
    return 0;
}

static int no_memory(const struct args *args)
{
    say(args->command->name, "no memory for a list of files");
    return EXIT_FAILED;
}

static int list_folder(struct takes *takes, const struct args *args, const char *folder)
{
    struct dirent **entries = NULL;
    bool fits = true;
    int count = scandir(folder, &entries, is_video, alphasort);

    if (count < 0) {
        say(args->command->name, "%s: %s", folder, strerror(errno));
        return EXIT_FAILED;
    }
    for (int i = 0; i < count; i++) {
        char *path = NULL;
        fits = fits && asprintf(&path, "%s/%s", folder, entries[i]->d_name) >= 0 &&
               add_take(takes, path, args_text(args, "name"), true);
        free(entries[i]);
    }
    free(entries);
    if (!fits)
        return no_memory(args);
    if (count == 0) {
        say(args->command->name, "%s: no video in this folder", folder);
        return EXIT_FAILED;
    }
    return EXIT_GOOD;
}

/* "anna.mov" and "anna.mp4" would become one dataset. */
static int refuse_doubles(const struct takes *takes, const struct args *args)
{
    for (size_t i = 1; i < takes->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(takes->items[i].name, takes->items[k].name) != 0)
                continue;
            say(args->command->name, "%s and %s would both become dataset/%s; rename one",
                takes->items[k].video, takes->items[i].video, takes->items[i].name);
            return EXIT_FAILED;
        }
    }
    return EXIT_GOOD;
}

static int takes_build(struct takes *takes, const struct args *args)
{
    struct stat info;
    const char *video = args->operands[0];
    if (stat(video, &info) == 0 && S_ISDIR(info.st_mode)) {
        int code = list_folder(takes, args, video);
        return code ? code : refuse_doubles(takes, args);
    }
    return add_take(takes, strdup(video), args_text(args, "name"), false) ? EXIT_GOOD
                                                                          : no_memory(args);
}

static void print_json(const struct args *args, const struct take *take,
                       const synctalk_preprocess_report *r)
{
    char folder[4200];
    json_t *object = json_object();
    snprintf(folder, sizeof folder, "%s/dataset/%s", args->settings.root, take->name);
    json_object_set_new(object, "dataset", json_clean(folder));
    json_object_set_new(object, "video", json_clean(take->video));
    json_object_set_new(object, "frames", json_integer(r->frames));
    json_object_set_new(object, "width", json_integer(r->width));
    json_object_set_new(object, "height", json_integer(r->height));
    json_object_set_new(object, "fps", json_integer(r->fps));
    json_object_set_new(object, "found", json_integer(r->found));
    json_object_set_new(object, "first_missing", json_integer(r->first_missing));
    json_object_set_new(object, "smallest_side", json_integer(r->smallest_side));
    json_object_set_new(object, "smallest_at", json_integer(r->smallest_at));
    json_object_set_new(object, "jumps", json_integer(r->jumps));
    json_object_set_new(object, "first_jump", json_integer(r->first_jump));
    json_object_set_new(object, "points", json_integer(r->points));
    json_object_set_new(object, "audio_seconds", json_real(r->audio_seconds));
    json_object_set_new(object, "vectors", json_integer(r->vectors));
    json_object_set_new(object, "written", json_integer(r->written));
    json_object_set_new(object, "complete_before", json_boolean(r->complete_before));
    json_object_set_new(object, "seconds", json_real(r->seconds));
    print_json_line(stdout, object);
}

static void print_report(const struct args *args, const struct take *take,
                         const synctalk_preprocess_report *r)
{
    print_clean(stdout, args->settings.root);
    printf("/dataset/");
    print_clean(stdout, take->name);
    printf(": %lld frames of %dx%d at %d fps%s\n", (long long)r->frames, r->width, r->height,
           r->fps, r->complete_before ? ", all of them there already" : "");
    printf("  faces      in %lld of %lld frames", (long long)r->found, (long long)r->frames);
    if (r->first_missing >= 0)
        printf("; the first without one is %lld", (long long)r->first_missing);
    printf("\n  smallest   %d pixels, in frame %lld\n", r->smallest_side,
           (long long)r->smallest_at);
    if (r->jumps > 0)
        printf("  jumps      %lld, the first in frame %lld: a cut, or another face?\n",
               (long long)r->jumps, (long long)r->first_jump);
    else
        printf("  jumps      none\n");
    if (r->audio_seconds > 0)
        printf("  sound      %.2f s, %lld vectors of features\n", r->audio_seconds,
               (long long)r->vectors);
    else
        printf("  sound      none\n");
    printf("  look at    ");
    print_clean(stdout, args->settings.root);
    printf("/dataset/");
    print_clean(stdout, take->name);
    printf("/contact.png\n");
    fflush(stdout);
}

static int make_one(const struct args *args, const struct take *take, struct progress *progress)
{
    synctalk_error err = {0};
    synctalk_preprocess_job job;
    synctalk_preprocess_report report = {0};

    synctalk_preprocess_init(&job);
    job.video = take->video;
    job.name = take->name;
    job.fps = args_int(args, "fps", 0);
    job.restart = args_flag(args, "restart");
    synctalk_status status =
        synctalk_preprocess(&args->settings, &job, &progress->callbacks, &report, &err);
    if (status == SYNCTALK_E_CANCELLED) {
        progress_failure(progress, "interrupted; what is finished is kept, and the same command "
                                   "goes on from there");
        return EXIT_INTERRUPTED;
    }
    if (status) {
        progress_failure(progress, err.message);
        return EXIT_FAILED;
    }
    progress_end(progress);
    if (args_flag(args, "json"))
        print_json(args, take, &report);
    else
        print_report(args, take, &report);
    return EXIT_GOOD;
}

static int make_all(const struct args *args, const struct takes *takes)
{
    struct progress progress;
    size_t failed = 0;
    int code = EXIT_GOOD;

    progress_begin(&progress, args);
    for (size_t i = 0; i < takes->count && code != EXIT_INTERRUPTED; i++) {
        progress_item(&progress, i + 1, takes->count, takes->items[i].video, takes->items[i].name);
        code = interruption_seen() ? EXIT_INTERRUPTED : make_one(args, &takes->items[i], &progress);
        failed += code == EXIT_FAILED;
    }
    if (failed > 0 && takes->count > 1) {
        char sentence[64];
        snprintf(sentence, sizeof sentence, "%zu of %zu videos failed", failed, takes->count);
        progress_failure(&progress, sentence);
    }
    return code == EXIT_INTERRUPTED ? code : failed ? EXIT_FAILED : EXIT_GOOD;
}

static int run(struct args *args)
{
    struct takes takes = {.count = 0};

    if (args_flag(args, "show-settings")) {
        sources_show(args, args_flag(args, "json"));
        return EXIT_GOOD;
    }
    int code = places_of_models(args);
    if (!code)
        code = place_of_analyses(args);
    if (!code)
        code = takes_build(&takes, args);
    if (!code)
        code = make_all(args, &takes);
    takes_free(&takes);
    return code;
}

const struct command command_preprocess = {
    .name = "preprocess",
    .operands = "VIDEO",
    .least_operands = 1,
    .most_operands = 1,
    .summary = "turn a video of a person into a dataset to train on",
    .text = text,
    .examples = examples,
    .own = own,
    .settings = settings,
    .long_call = true,
    .run = run,
};
