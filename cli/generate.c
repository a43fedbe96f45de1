/* SPDX-License-Identifier: Apache-2.0 */
/* synctalk generate: one person, one or many sounds, a video for each. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "batch.h"
#include "batch_run.h"
#include "console.h"
#include "progress.h"

static const struct own_option own[] = {
    {"audio", 'a', OWN_LIST, .unit = "FILE",
     .help = "sound to speak: an audio or video file, or a folder of them; may be repeated"},
    {"output", 'o', OWN_TEXT, .unit = "OUT.mp4",
     .help = "video to write, by default MODEL-AUDIO.mp4 here; for several sounds a folder"},
    {"json", 0, OWN_FLAG, .help = "print each result as one line of JSON"},
    {"stats", 0, OWN_FLAG,
     .help = "tell on stderr where the time of each video went; as JSON with --progress json"},
    {"show-settings", 0, OWN_FLAG,
     .help = "print the settings in force and what set each; no video is made"},
    {.name = NULL},
};

static const char *const text[] = {
    "Makes a video of a trained person speaking a sound. The person is a name: "
    "dataset/NAME and checkpoint/NAME below --root hold the source frames, their landmarks "
    "and the trained network; model/ holds the audio encoder.",
    "The video is H.264 and AAC in MP4 and has exactly as many frames as the sound is long. "
    "It is written beside its name and renamed when it is whole, so a file that is there is "
    "complete. A file that exists is replaced with -y only.",
    "With --mode video the frames are those of --video FILE, a take of the same person at any "
    "frame rate; dataset/NAME is not needed. Its face is looked for once, which needs the "
    "networks that find faces and their points among the shared ones; what was seen is kept, so "
    "that the next sound for the same video starts at once.",
    "With --mode clips the frames are those of the folders in dataset/NAME/core_clips, made by "
    "preprocess-clips: where the sound has speech, clips with \"talk\" in their name are shown and "
    "speak; where it pauses, clips with \"silence\" or \"idle\" are shown as they are. Clips go "
    "over into each other within --transition frames, or up to --transition-max where that would "
    "be seen.",
    "Several --audio, or a folder, make one video each on a network that is loaded once. One "
    "that fails is reported, the others are made, and the exit code is 1.",
    NULL,
};

static const char *const examples[] = {
    "synctalk generate --model anna --audio hello.wav",
    "synctalk generate --root work --model anna --audio hello.wav -o hi.mp4 -y",
    "synctalk generate --model anna --audio talks/ -o videos --preset fast",
    "synctalk generate --model anna --mode video --video take.mov --audio hello.wav",
    "synctalk generate --model anna --mode clips --audio talk.mp3 --edl talk.json",
    NULL,
};

static double per_second(double amount, double seconds)
{
    return seconds > 0 ? amount / seconds : 0;
}

static void print_report(const struct batch_item *item, const synctalk_report *report)
{
    double length = report->fps > 0 ? (double)report->frames / report->fps : 0;
    print_clean(stdout, item->output);
    printf(": %lld frames, %.2f s at %g fps, made at %.1f fps, %.2f x real time\n",
           (long long)report->frames, length, report->fps,
           per_second((double)report->frames, report->seconds),
           per_second(length, report->seconds));
    fflush(stdout);
}

static void print_report_json(const struct batch_item *item, const synctalk_report *report)
{
    double length = report->fps > 0 ? (double)report->frames / report->fps : 0;
    json_t *object = json_object();
    json_object_set_new(object, "output", json_clean(item->output));
    json_object_set_new(object, "audio", json_clean(item->audio));
    json_object_set_new(object, "frames", json_integer(report->frames));
    json_object_set_new(object, "fps", json_real(report->fps));
    json_object_set_new(object, "seconds", json_real(length));
    json_object_set_new(object, "audio_seconds", json_real(report->audio_seconds));
    json_object_set_new(object, "width", json_integer(report->width));
    json_object_set_new(object, "height", json_integer(report->height));
    json_object_set_new(object, "threads", json_integer(report->threads));
    json_object_set_new(object, "wall_seconds", json_real(report->seconds));
    json_object_set_new(object, "realtime", json_real(per_second(length, report->seconds)));
    print_json_line(stdout, object);
}

static void print_failure_json(const struct batch_item *item, const synctalk_error *err)
{
    json_t *object = json_object();
    json_object_set_new(object, "output", json_clean(item->output));
    json_object_set_new(object, "audio", json_clean(item->audio));
    json_object_set_new(object, "error", json_clean(err->message));
    print_json_line(stdout, object);
}

static int failure_code(synctalk_status status)
{
    return status == SYNCTALK_E_CANCELLED ? EXIT_INTERRUPTED : EXIT_FAILED;
}

static void tell_failure(struct progress *progress, synctalk_status status,
                         const synctalk_error *err)
{
    progress_failure(progress, status == SYNCTALK_E_CANCELLED
                                   ? "interrupted; nothing is left of the video that was in work"
                                   : err->message);
}

/* What came of an item; its exit code. */
static int tell_result(const struct args *args, const struct batch_result *result,
                       struct progress *progress)
{
    bool json = args_flag(args, "json");
    if (result->status) {
        tell_failure(progress, result->status, &result->error);
        if (json && result->status != SYNCTALK_E_CANCELLED)
            print_failure_json(result->item, &result->error);
        return failure_code(result->status);
    }
    progress_end(progress);
    if (json)
        print_report_json(result->item, &result->report);
    else
        print_report(result->item, &result->report);
    return EXIT_GOOD;
}

/* To look at a video takes long: not for a sound that is absent, or an output that is there. */
static bool worth_a_look(const struct args *args, const struct batch *batch,
                         struct progress *progress)
{
    const struct batch_item *item = batch->items;
    char sentence[512];
    if (args->settings.mode != SYNCTALK_MODE_VIDEO || batch->count != 1)
        return true;
    if (access(item->audio, R_OK) != 0)
        snprintf(sentence, sizeof sentence, "%s: cannot open: %s", item->audio, strerror(errno));
    else if (!args->settings.overwrite && access(item->output, F_OK) == 0)
        snprintf(sentence, sizeof sentence,
                 "%s: exists already; choose another name or overwrite it with -y", item->output);
    else
        return true;
    progress_failure(progress, sentence);
    return false;
}

static int make_all(struct args *args, const struct batch *batch, struct progress *progress)
{
    synctalk_person *person = NULL;
    synctalk_error err = {0};
    size_t failed = 0;
    int code = EXIT_GOOD;

    if (!worth_a_look(args, batch, progress))
        return EXIT_FAILED;
    synctalk_status status =
        synctalk_person_open(&person, &args->settings, &progress->callbacks, &err);
    if (status) {
        tell_failure(progress, status, &err);
        return failure_code(status);
    }
    struct batch_run *run = batch_run_open(args, person, batch, progress);
    struct batch_result result;
    if (!run) {
        progress_failure(progress, "no memory for a batch");
        failed = batch->count;
    }
    for (size_t i = 0; run && i < batch->count && code != EXIT_INTERRUPTED; i++) {
        code = EXIT_INTERRUPTED;
        if (!interruption_seen()) {
            batch_run_next(run, &result);
            code = tell_result(args, &result, progress);
        }
        failed += code == EXIT_FAILED;
    }
    batch_run_close(&run);
    synctalk_person_close(&person);
    if (failed > 0 && batch->count > 1) {
        char sentence[64];
        snprintf(sentence, sizeof sentence, "%zu of %zu videos failed", failed, batch->count);
        progress_failure(progress, sentence);
    }
    return code == EXIT_INTERRUPTED ? code : failed ? EXIT_FAILED : EXIT_GOOD;
}

static int run(struct args *args)
{
    struct batch batch;
    struct progress progress;

    if (args_flag(args, "show-settings")) {
        sources_show(args, args_flag(args, "json"));
        return EXIT_GOOD;
    }
    if (!args->settings.model) {
        say(args->command->name, "no person given: --model NAME");
        return EXIT_USAGE;
    }
    synctalk_error err = {0};
    if (synctalk_settings_check(&args->settings, &err)) {
        say(args->command->name, "%s", err.message);
        return EXIT_USAGE;
    }
    int code = places_of_models(args);
    if (!code)
        code = place_of_analyses(args);
    if (code)
        return code;
    code = batch_build(&batch, args);
    if (!code && batch.count > 1 && (args->settings.edl || args->settings.vad_plot)) {
        say(args->command->name, "%s names one file, but %zu videos are to be made",
            args->settings.edl ? "--edl" : "--vad-plot", batch.count);
        code = EXIT_USAGE;
    }
    if (!code) {
        progress_begin(&progress, args);
        if (args_flag(args, "stats"))
            progress_tell_stats(&progress);
        code = make_all(args, &batch, &progress);
    }
    batch_free(&batch);
    return code;
}

const struct command command_generate = {
    .name = "generate",
    .operands = "",
    .summary = "make a video of a trained person speaking a sound",
    .text = text,
    .examples = examples,
    .own = own,
    .every_setting = true,
    .long_call = true,
    .run = run,
};
