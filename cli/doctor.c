/* SPDX-License-Identifier: Apache-2.0 */
/* synctalk doctor: what this machine offers, and how fast the parts run on it. */
#include "args.h"
#include "console.h"
#include "progress.h"

#define DEFAULT_SECONDS 10

static const struct own_option own[] = {
    {"seconds", 0, OWN_INT, .min = 1, .max = 600, .unit = "N", .fallback = "10",
     .help = "how long the benchmark takes"},
    {"no-benchmark", 0, OWN_FLAG, .help = "print the facts alone"},
    {"json", 0, OWN_FLAG, .help = "print one JSON object"},
    {.name = NULL},
};

static const char *const settings[] = {"threads", "cpu-mask", NULL};

static const char *const text[] = {
    "Prints the instruction sets of the CPU, the kernels chosen for it, memory and the "
    "versions of the libraries in use, and times the parts of a frame's way on made-up "
    "data.",
    NULL,
};

static const char *const examples[] = {
    "synctalk doctor",
    "synctalk doctor --no-benchmark --json",
    NULL,
};

struct doctor {
    json_t *object; /* owned; NULL to print text */
    struct progress progress;
};

static void on_fact(void *user, const char *name, const char *value)
{
    struct doctor *doctor = user;
    if (doctor->object) {
        json_object_set_new(doctor->object, name, json_clean(value));
        return;
    }
    progress_end(&doctor->progress);
    printf("%-31s ", name);
    print_clean(stdout, value);
    putchar('\n');
    fflush(stdout);
}

static int benchmark(struct args *args, struct doctor *doctor)
{
    synctalk_error err = {0};
    int seconds = args_int(args, "seconds", DEFAULT_SECONDS);
    synctalk_status status =
        synctalk_machine_benchmark(seconds, args->settings.threads, args->settings.cpu_mask,
                                   on_fact, &doctor->progress.callbacks, doctor, &err);
    progress_end(&doctor->progress);
    if (status == SYNCTALK_E_CANCELLED) {
        progress_failure(&doctor->progress, "interrupted");
        return EXIT_INTERRUPTED;
    }
    if (status) {
        progress_failure(&doctor->progress, err.message);
        return EXIT_FAILED;
    }
    return EXIT_GOOD;
}

static int run(struct args *args)
{
    struct doctor doctor = {.object = NULL};
    bool json = args_flag(args, "json");
    json_t *whole = json ? json_object() : NULL;
    int code = EXIT_GOOD;

    progress_begin(&doctor.progress, args);
    doctor.object = json ? json_object() : NULL;
    synctalk_machine_describe(args->settings.cpu_mask, on_fact, &doctor);
    json_object_set_new(whole, "facts", doctor.object);

    if (!args_flag(args, "no-benchmark")) {
        doctor.object = json ? json_object() : NULL;
        code = benchmark(args, &doctor);
        json_object_set_new(whole, "benchmark", doctor.object);
    }
    if (json && !code)
        print_json_line(stdout, whole);
    else
        json_decref(whole);
    return code;
}

const struct command command_doctor = {
    .name = "doctor",
    .operands = "",
    .summary = "print what this machine offers and how fast it is",
    .text = text,
    .examples = examples,
    .own = own,
    .settings = settings,
    .long_call = true,
    .run = run,
};
