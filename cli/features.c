/* SPDX-License-Identifier: Apache-2.0 */
/* synctalk features: what the network hears of a sound, as .npy. */
#include "args.h"
#include "console.h"
#include "progress.h"

static const struct own_option own[] = {
    {"output", 'o', OWN_TEXT, .unit = "OUT.npy", .help = "file to write; must be given"},
    {"json", 0, OWN_FLAG, .help = "print the result as one line of JSON"},
    {.name = NULL},
};

static const char *const settings[] = {"root",    "models",   "onnxruntime", "encoder", "precision",
                                       "threads", "cpu-mask", "overwrite",   NULL};

static const char *const text[] = {
    "Runs the audio encoder over a sound and writes its features, one vector for each video "
    "frame, as a NumPy file. generate --features takes the file instead of running the "
    "encoder again.",
    NULL,
};

static const char *const examples[] = {
    "synctalk features hello.wav -o hello_ave.npy",
    "synctalk generate --model anna --audio hello.wav --features hello_ave.npy",
    NULL,
};

static void print_result(const struct args *args, const char *output, int64_t vectors)
{
    if (args_flag(args, "json")) {
        json_t *object = json_object();
        json_object_set_new(object, "output", json_clean(output));
        json_object_set_new(object, "audio", json_clean(args->operands[0]));
        json_object_set_new(object, "vectors", json_integer(vectors));
        print_json_line(stdout, object);
        return;
    }
    print_clean(stdout, output);
    printf(": %lld vectors\n", (long long)vectors);
}

static int run(struct args *args)
{
    struct progress progress;
    synctalk_error err = {0};
    int64_t vectors = 0;
    const char *output = args_text(args, "output");
    if (!output) {
        say(args->command->name, "no output given: -o OUT.npy");
        return EXIT_USAGE;
    }

    int code = places_of_models(args);
    if (code)
        return code;
    progress_begin(&progress, args);
    synctalk_status status = synctalk_features_write(&args->settings, args->operands[0], output,
                                                     &progress.callbacks, &vectors, &err);
    if (status == SYNCTALK_E_CANCELLED) {
        progress_failure(&progress, "interrupted; nothing is left of the file that was in work");
        return EXIT_INTERRUPTED;
    }
    if (status) {
        progress_failure(&progress, err.message);
        return EXIT_FAILED;
    }
    progress_end(&progress);
    print_result(args, output, vectors);
    return EXIT_GOOD;
}

const struct command command_features = {
    .name = "features",
    .operands = "AUDIO",
    .least_operands = 1,
    .most_operands = 1,
    .summary = "write the audio features of a sound as a NumPy file",
    .text = text,
    .examples = examples,
    .own = own,
    .settings = settings,
    .long_call = true,
    .run = run,
};
