/* SPDX-License-Identifier: Apache-2.0 */
/* synctalk train: from a dataset to a checkpoint. */
#include "args.h"
#include "console.h"
#include "progress.h"
#include "training.h"

static const struct own_option own[] = {
    {"json", 0, OWN_FLAG, .help = "print the result as one line of JSON"},
    {"show-settings", 0, OWN_FLAG,
     .help = "print the settings in force and what set each; nothing is trained"},
    {.name = NULL},
};

static const char *const text[] = {
    "Trains the network that redraws a person's mouth, from dataset/NAME (frames, landmarks, "
    "audio features) below --root, and writes checkpoint/NAME/N.pth after every epoch. "
    "Features that are absent, older than aud.wav or another network's are made first by "
    "--encoder. The last three and the best are kept; checkpoints of other trainings are never "
    "touched.",
    "Beside them: train.jsonl (a line for each epoch), loss.png (the course so far) and "
    "progress/N.png (input, target and output of four frames). With --holdout the last "
    "frames are kept out of training, and the network is measured on them after each epoch.",
    "Ctrl-C saves and stops. The same command goes on from there, or after a crash from the "
    "last save, and ends with the same bytes as a training that was never interrupted.",
    NULL,
};

static const char *const examples[] = {
    "synctalk train --model anna --holdout 0.05",
    "synctalk train --model anna --width narrow --epochs 40 --batch 4",
    "synctalk train --model anna --warm-start checkpoint/bob/99.pth --restart",
    NULL,
};

static void print_json(const char *folder, const struct args *args,
                       const synctalk_train_report *report)
{
    char path[4200];
    json_t *object = json_object();
    snprintf(path, sizeof path, "%s/%s/%s/%lld.pth", root_of(args), folder, args->train.model,
             (long long)report->checkpoint);
    json_object_set_new(object, "checkpoint",
                        report->checkpoint >= 0 ? json_clean(path) : json_null());
    json_object_set_new(object, "best_checkpoint", json_integer(report->best_checkpoint));
    json_object_set_new(object, "epochs", json_integer(report->epochs));
    json_object_set_new(object, "steps", json_integer(report->steps));
    json_object_set_new(object, "samples", json_integer(report->samples));
    json_object_set_new(object, "seconds", json_real(report->seconds));
    json_object_set_new(object, "loss", json_real(report->loss));
    json_object_set_new(object, "score", json_real(report->score));
    json_object_set_new(object, "best_score", json_real(report->best_score));
    json_object_set_new(object, "stopped", json_boolean(report->stopped));
    json_object_set_new(object, "bytes", json_integer((json_int_t)report->bytes));
    print_json_line(stdout, object);
}

static void print_report(const char *folder, const char *unit, const struct args *args,
                         const synctalk_train_report *report)
{
    print_clean(stdout, root_of(args));
    printf("/%s/", folder);
    print_clean(stdout, args->train.model);
    if (report->checkpoint >= 0)
        printf("/%lld.pth", (long long)report->checkpoint);
    printf(": %lld epochs, %lld steps, loss %.5f", (long long)report->epochs,
           (long long)report->steps, report->loss);
    if (report->best_score > 0)
        printf(", held out %.2f %s (best %.2f, %lld.pth)", report->score, unit, report->best_score,
               (long long)report->best_checkpoint);
    if (report->seconds > 0)
        printf(", %.2f samples/s", (double)report->samples / report->seconds);
    printf("%s\n", report->stopped ? "; stopped by --time-limit, the same command goes on" : "");
}

int training_run(struct args *args, training train, const char *folder, const char *unit)
{
    struct progress progress;
    synctalk_error err = {0};
    synctalk_train_report report = {0};

    if (args_flag(args, "show-settings")) {
        sources_show(args, args_flag(args, "json"));
        return EXIT_GOOD;
    }
    if (!args->train.model) {
        say(args->command->name, "no person given: --model NAME");
        return EXIT_USAGE;
    }
    int code = places_of_models(args);
    if (code)
        return code;
    progress_begin(&progress, args);
    synctalk_status status = train(&args->train, &progress.callbacks, &report, &err);
    if (status == SYNCTALK_E_CANCELLED) {
        progress_failure(&progress, "interrupted; the state is saved, and the same command goes "
                                    "on from there");
        return EXIT_INTERRUPTED;
    }
    if (status) {
        progress_failure(&progress, err.message);
        return EXIT_FAILED;
    }
    progress_end(&progress);
    if (args_flag(args, "json"))
        print_json(folder, args, &report);
    else
        print_report(folder, unit, args, &report);
    return EXIT_GOOD;
}

static int run(struct args *args)
{
    return training_run(args, synctalk_train, "checkpoint", "dB");
}

const struct command command_train = {
    .name = "train",
    .operands = "",
    .summary = "train a person's network on their dataset",
    .text = text,
    .examples = examples,
    .own = own,
    .table = &train_table,
    .every_setting = true,
    .long_call = true,
    .run = run,
};
