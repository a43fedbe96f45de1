/* SPDX-License-Identifier: Apache-2.0 */
/* synctalk preprocess-clips: the videos of a person's clips into what clips mode reads. */
#include "args.h"
#include "console.h"
#include "progress.h"

static const struct own_option own[] = {
    {"fps", 0, OWN_INT, .min = 1, .max = 100, .unit = "N",
     .help = "frames a second, by default what the audio encoder hears by: 25, for wenet 20"},
    {"restart", 0, OWN_FLAG,
     .help = "remove what this command made of other sources before, and begin anew"},
    {"verify", 0, OWN_FLAG,
     .help = "make nothing, and say which clips are there and which are missing; the exit code is "
             "1 if any is missing"},
    {"json", 0, OWN_FLAG, .help = "print each clip, and then the sum, as one line of JSON"},
    {"show-settings", 0, OWN_FLAG,
     .help = "print the settings in force and what set each; nothing is made"},
    {.name = NULL},
};

static const char *const settings[] = {
    "root",           "model",   "models",  "detector",     "landmarks",
    "mean-face",      "encoder", "face",    "onnxruntime",  "analysis-cache",
    "face-threshold", "no-face", "threads", "detect-every", "smooth-landmarks",
    "cpu-mask",       NULL,
};

static const char *const text[] = {
    "Turns every video in core_clips/NAME below --root into a clip for generate --mode clips: "
    "dataset/NAME/core_clips/CLIP with frames, landmarks and info.txt. CLIP is the file's name "
    "without its ending. A name with \"talk\" in it is shown for speech, one with \"silence\" or "
    "\"idle\" for silence; any other is refused before the work begins.",
    "Clips that are there are left as they are, those of other tools too. Ctrl-C, a crash or a "
    "power cut loses nothing that was finished: the same command goes on, and ends with the same "
    "bytes. A video that fails is reported, the others are made, and the exit code is 1.",
    NULL,
};

static const char *const examples[] = {
    "synctalk preprocess-clips --model anna",
    "synctalk preprocess-clips --model anna --verify",
    "synctalk generate --model anna --mode clips --audio talk.wav",
    NULL,
};

static const char *const state_names[] = {
    [SYNCTALK_CLIP_MADE] = "made",       [SYNCTALK_CLIP_THERE] = "there",
    [SYNCTALK_CLIP_FOREIGN] = "foreign", [SYNCTALK_CLIP_MISSING] = "missing",
    [SYNCTALK_CLIP_PARTIAL] = "partial", [SYNCTALK_CLIP_CHANGED] = "changed",
    [SYNCTALK_CLIP_FAILED] = "failed",
};

/* What `each` needs. */
struct run {
    const struct args *args;
    struct progress progress;
};

static void print_json(const synctalk_clip_report *clip)
{
    json_t *object = json_object();
    json_object_set_new(object, "clip", json_clean(clip->name));
    json_object_set_new(object, "source", json_clean(clip->source));
    json_object_set_new(object, "type", json_string(clip->talk ? "talk" : "silence"));
    json_object_set_new(object, "state", json_string(state_names[clip->state]));
    json_object_set_new(object, "message", json_clean(clip->message));
    json_object_set_new(object, "frames", json_integer(clip->frames));
    json_object_set_new(object, "found", json_integer(clip->found));
    json_object_set_new(object, "width", json_integer(clip->width));
    json_object_set_new(object, "height", json_integer(clip->height));
    json_object_set_new(object, "fps", json_integer(clip->fps));
    json_object_set_new(object, "written", json_integer(clip->written));
    print_json_line(stdout, object);
}

static void print_clip(const synctalk_clip_report *clip)
{
    printf("%-8s %-8s ", state_names[clip->state], clip->talk ? "talk" : "silence");
    if (clip->frames > 0)
        printf("%7lld frames  ", (long long)clip->frames);
    else
        printf("%16s", "");
    print_clean(stdout, clip->name);
    if (clip->width > 0 && clip->found < clip->frames)
        printf(" (%lld frames without a face)", (long long)(clip->frames - clip->found));
    if (clip->state == SYNCTALK_CLIP_FOREIGN)
        printf(" (of another tool; left as it is)");
    if (!clip->source)
        printf(" (no source)");
    if (clip->message && clip->state != SYNCTALK_CLIP_FAILED)
        printf(": %s", clip->message);
    printf("\n");
    fflush(stdout);
}

static void on_clip(void *user, const synctalk_clip_report *clip)
{
    struct run *run = user;
    if (clip->state == SYNCTALK_CLIP_FAILED)
        progress_failure(&run->progress, clip->message);
    progress_end(&run->progress);
    if (args_flag(run->args, "json"))
        print_json(clip);
    else
        print_clip(clip);
}

static void print_sum(const struct args *args, const synctalk_clips_report *all)
{
    if (args_flag(args, "json")) {
        json_t *object = json_object();
        json_object_set_new(object, "clips", json_integer(all->clips));
        json_object_set_new(object, "talk", json_integer(all->talk));
        json_object_set_new(object, "silence", json_integer(all->silence));
        json_object_set_new(object, "whole", json_integer(all->whole));
        json_object_set_new(object, "missing", json_integer(all->missing));
        json_object_set_new(object, "failed", json_integer(all->failed));
        json_object_set_new(object, "frames", json_integer(all->frames));
        json_object_set_new(object, "written", json_integer(all->written));
        json_object_set_new(object, "seconds", json_real(all->seconds));
        print_json_line(stdout, object);
        return;
    }
    printf("%lld clips, %lld talk and %lld silence: %lld whole with %lld frames",
           (long long)all->clips, (long long)all->talk, (long long)all->silence,
           (long long)all->whole, (long long)all->frames);
    if (all->missing > 0)
        printf(", %lld missing", (long long)all->missing);
    if (all->failed > 0)
        printf(", %lld failed", (long long)all->failed);
    printf("\n");
}

static int make(const struct args *args)
{
    synctalk_error err = {0};
    synctalk_clips_job job;
    synctalk_clips_report all = {0};
    struct run run = {.args = args};

    progress_begin(&run.progress, args);
    synctalk_clips_init(&job);
    job.fps = args_int(args, "fps", 0);
    job.restart = args_flag(args, "restart");
    job.verify = args_flag(args, "verify");
    job.each = on_clip;
    job.user = &run;
    synctalk_status status =
        synctalk_preprocess_clips(&args->settings, &job, &run.progress.callbacks, &all, &err);
    if (status == SYNCTALK_E_CANCELLED) {
        progress_failure(&run.progress, "interrupted; what is finished is kept, and the same "
                                        "command goes on from there");
        return EXIT_INTERRUPTED;
    }
    if (status) {
        progress_failure(&run.progress, err.message);
        return EXIT_FAILED;
    }
    progress_end(&run.progress);
    print_sum(args, &all);
    return all.failed > 0 || all.missing > 0 ? EXIT_FAILED : EXIT_GOOD;
}

static int run(struct args *args)
{
    if (args_flag(args, "show-settings")) {
        sources_show(args, args_flag(args, "json"));
        return EXIT_GOOD;
    }
    if (!args->settings.model) {
        say(args->command->name, "no person given: --model NAME");
        return EXIT_USAGE;
    }
    int code = places_of_models(args);
    if (!code)
        code = place_of_analyses(args);
    return code ? code : make(args);
}

const struct command command_preprocess_clips = {
    .name = "preprocess-clips",
    .operands = "",
    .summary = "turn videos of a person into clips for --mode clips",
    .text = text,
    .examples = examples,
    .own = own,
    .settings = settings,
    .long_call = true,
    .run = run,
};
