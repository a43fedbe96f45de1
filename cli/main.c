/* SPDX-License-Identifier: Apache-2.0 */
/* synctalk COMMAND [options]: finds the command, takes its line apart, runs it. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "args.h"
#include "console.h"
#include "help.h"
#include "server/server.h"

extern const struct command command_generate, command_features, command_preprocess, command_train,
    command_train_syncnet, command_inspect, command_convert, command_models, command_doctor,
    command_vad, command_preprocess_clips, command_serve, command_help;

const struct command *const commands[] = {
    &command_generate,      &command_features,
    &command_preprocess,    &command_preprocess_clips,
    &command_vad,           &command_train,
    &command_train_syncnet, &command_inspect,
    &command_convert,       &command_models,
    &command_serve,         &command_doctor,
    &command_help,          NULL,
};

static int run_command(const struct command *command, int argc, char **argv)
{
    struct args args;
    int code = args_parse(&args, command, argc, argv);
    if (!code && args_flag(&args, "help")) {
        help_command(stdout, command);
    } else if (!code) {
        code = sources_resolve(&args);
        if (!code)
            code = command->run(&args);
    }
    args_free(&args);
    return code;
}

static int run(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : NULL;
    if (!first) {
        help_program(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(first, "--version") == 0) {
        printf("synctalk %s\n", synctalk_version());
        return EXIT_GOOD;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        help_program(stdout);
        return EXIT_GOOD;
    }
    if (strcmp(first, SERVER_WORKER) == 0) /* for the server alone, so no command */
        return server_worker_main();
    if (first[0] == '-') {
        say(NULL, "a command comes before options such as %s; synctalk --help lists them", first);
        return EXIT_USAGE;
    }
    const struct command *command = command_find(first);
    if (!command)
        return command_unknown(first);
    return run_command(command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    /* A reader that went away shows as a failed write; it must not end a video. */
    signal(SIGPIPE, SIG_IGN);
    int code = run(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_GOOD) {
        if (errno != EPIPE)
            say(NULL, "standard output: %s", strerror(errno));
        code = EXIT_FAILED;
    }
    return code;
}
