/* SPDX-License-Identifier: Apache-2.0 */
/* synctalk serve: videos over HTTP. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "console.h"
#include "server/server.h"

#define LONGEST_SECONDS 3600 /* of a sound, unless --max-seconds says otherwise */
#define SECRET_MOST 1024     /* bytes of a file with a token or a secret */

static const struct own_option own[] = {
    {"address", 0, OWN_TEXT, .unit = "ADDRESS", .fallback = "127.0.0.1",
     .help = "numeric address to listen on; any but a loopback one needs a token"},
    {"port", 0, OWN_INT, 0, 65535, .unit = "N", .fallback = "8765",
     .help = "port to listen on; 0 takes one that is free"},
    {"token", 0, OWN_TEXT, .unit = "TEXT",
     .help = "secret that every request has to bring; --token-file keeps it from the list of "
             "processes, which other users of this machine can see"},
    {"token-file", 0, OWN_TEXT, .unit = "FILE", .help = "file whose first line is the token"},
    {"state", 0, OWN_TEXT, .unit = "DIR", .fallback = "ROOT/server",
     .help = "folder for jobs, uploads and videos; made if absent"},
    {"workers", 0, OWN_INT, 1, 64, .unit = "N", .fallback = "1",
     .help = "videos made at once, each in a process of its own"},
    {"max-upload-mb", 0, OWN_INT, 1, 1000000, .unit = "N", .fallback = "2048",
     .help = "size of an upload, in MB"},
    {"max-video-mb", 0, OWN_INT, 1, 1000000, .unit = "N", .fallback = "8192",
     .help = "size of a video that is made, in MB"},
    {"max-queue", 0, OWN_INT, 1, 1000000, .unit = "N", .fallback = "2000",
     .help = "videos that may wait; more are refused"},
    {"max-connections", 0, OWN_INT, 8, 65536, .unit = "N", .fallback = "1000",
     .help = "connections at once"},
    {"max-rate", 0, OWN_INT, 0, 1000000, .unit = "N", .fallback = "200",
     .help = "requests a second of one address; 0 is no limit"},
    {"idle-seconds", 0, OWN_INT, 1, 3600, .unit = "N", .fallback = "60",
     .help = "seconds after which a connection on which nothing moves is closed"},
    {"max-job-minutes", 0, OWN_INT, 1, 100000, .unit = "N", .fallback = "600",
     .help = "processor time of one video, in minutes of all threads together"},
    {"job-memory-mb", 0, OWN_INT, 0, 1000000, .unit = "N", .fallback = "8192",
     .help = "address space of a process that makes videos, in MB; 0 is no limit"},
    {"keep-hours", 0, OWN_INT, 1, 1000000, .unit = "N", .fallback = "168",
     .help = "hours after which uploads, videos and what was seen in videos are removed"},
    {"keep-mb", 0, OWN_INT, 1, 100000000, .unit = "N", .fallback = "20000",
     .help = "space of all of these together, in MB; the oldest are removed first"},
    {"webhook-secret-file", 0, OWN_TEXT, .unit = "FILE",
     .help = "file whose first line is the secret that webhooks are signed with, of 16 bytes or "
             "more; without it no request may ask for one"},
    {"webhook-tries", 0, OWN_INT, 1, 100, .unit = "N", .fallback = "10",
     .help = "times that the end of a video is told to a webhook that does not answer with 2xx"},
    {"webhook-retry-seconds", 0, OWN_INT, 1, 86400, .unit = "N", .fallback = "5",
     .help = "seconds from the first try of a webhook to the second; each wait is three times the "
             "one before, up to a day"},
    {"webhook-ca-file", 0, OWN_TEXT, .unit = "FILE",
     .help = "certificates of the authorities that receivers of webhooks are checked against, "
             "instead of the system's"},
    {"webhook-allow-private", 0, OWN_FLAG,
     .help = "send webhooks also to this machine and to private networks, and over http"},
    {.name = NULL},
};

static const char *const settings[] = {
    "root",        "models",         "checkpoint", "detector",        "landmarks", "mean-face",
    "onnxruntime", "analysis-cache", "encoder",    "max-seconds",     "vad-model", "preset",
    "precision",   "threads",        "cpu-mask",   "encoder-threads", NULL,
};

static const char *const text[] = {
    "Opens a page to make videos with, and an interface for programs that do so over HTTP. "
    "docs/SERVER.md has the whole of it, and /openapi.json of a running server the interface in "
    "machine-readable form.",
    "Settings given here hold for each video whose request is silent about them. A sound of more "
    "than an hour is refused, unless --max-seconds says otherwise.",
    "Only this machine can reach the server, unless --address names another address; then each "
    "request has to bring the token. Files that are sent are opened by processes without network, "
    "which can read the project's persons and networks, and write videos, and nothing else.",
    "What is asked for is kept in --state and survives a crash: what was in work is begun again, "
    "what was done stays done. Ctrl-C puts the video in work back into the queue.",
    NULL,
};

static const char *const examples[] = {
    "synctalk serve --root work",
    "synctalk serve --root work --port 80 --address 0.0.0.0 --token-file token.txt",
    "curl -F model=anna -F audio=@hello.wav http://127.0.0.1:8765/v1/videos",
    NULL,
};

static void print_log(synctalk_log_level level, const char *message)
{
    char *clean = clean_text(message);
    say("serve", "%s%s", level == SYNCTALK_LOG_WARNING ? "warning: " : "", clean ? clean : "");
    free(clean);
}

static void print_ready(const char *address, int port)
{
    const bool v6 = strchr(address, ':') != NULL;
    printf("http://%s%s%s:%d/\n", v6 ? "[" : "", address, v6 ? "]" : "", port);
    fflush(stdout);
}

/* The first line of the file, kept until the arguments are freed. NULL after a sentence. */
static const char *read_secret(struct args *args, const char *path, const char *what)
{
    char line[SECRET_MOST + 2];
    FILE *file = fopen(path, "re");
    if (!file) {
        say(args->command->name, "%s: cannot open: %s", path, strerror(errno));
        return NULL;
    }
    char *got = fgets(line, sizeof line, file);
    fclose(file);
    const size_t length = got ? strcspn(line, "\r\n") : 0;
    if (length == 0 || length > SECRET_MOST) {
        say(args->command->name, "%s: its first line has to be a %s of 1 to %d bytes", path, what,
            SECRET_MOST);
        return NULL;
    }
    char *secret = strndup(line, length);
    if (!secret || !args_own(args, secret)) {
        say(args->command->name, "no memory for a %s", what);
        free(secret);
        return NULL;
    }
    return secret;
}

static const char *state_folder(struct args *args)
{
    char *path = NULL;
    const char *named = args_text(args, "state");
    if (named)
        return named;
    if (asprintf(&path, "%s/server", args->settings.root) < 0)
        path = NULL;
    if (!path || !args_own(args, path)) {
        say(args->command->name, "no memory for a path");
        free(path);
        return NULL;
    }
    return path;
}

static int number(const struct args *args, const char *name)
{
    const struct own_option *row = own;
    while (strcmp(row->name, name) != 0)
        row++;
    return args_int(args, name, (int)strtol(row->fallback, NULL, 10));
}

static struct server_limits limits_of(const struct args *args)
{
    return (struct server_limits){
        .upload_mb = number(args, "max-upload-mb"),
        .video_mb = number(args, "max-video-mb"),
        .queue = number(args, "max-queue"),
        .connections = number(args, "max-connections"),
        .rate = number(args, "max-rate"),
        .idle_seconds = number(args, "idle-seconds"),
        .job_minutes = number(args, "max-job-minutes"),
        .job_memory_mb = number(args, "job-memory-mb"),
        .keep_hours = number(args, "keep-hours"),
        .keep_mb = number(args, "keep-mb"),
    };
}

static struct server_webhooks webhooks_of(const struct args *args)
{
    return (struct server_webhooks){
        .ca_file = args_text(args, "webhook-ca-file"),
        .allow_private = args_flag(args, "webhook-allow-private"),
        .tries = number(args, "webhook-tries"),
        .retry_seconds = number(args, "webhook-retry-seconds"),
    };
}

static int run(struct args *args)
{
    const char *address = args_text(args, "address");
    const char *token_file = args_text(args, "token-file");
    const char *webhook_file = args_text(args, "webhook-secret-file");
    struct server_options options = {
        .address = address ? address : "127.0.0.1",
        .port = number(args, "port"),
        .token = args_text(args, "token"),
        .workers = number(args, "workers"),
        .limits = limits_of(args),
        .webhooks = webhooks_of(args),
        .settings = &args->settings,
        .log = print_log,
        .ready = print_ready,
        .stopping = interruption_seen,
    };
    synctalk_error err = {0};

    if (token_file && !(options.token = read_secret(args, token_file, "token")))
        return EXIT_FAILED;
    if (webhook_file && !(options.webhooks.secret = read_secret(args, webhook_file, "secret")))
        return EXIT_FAILED;
    if (options.token && !*options.token) {
        say(args->command->name, "the token is empty");
        return EXIT_USAGE;
    }
    if (!(options.state = state_folder(args)))
        return EXIT_FAILED;
    if (args->settings.max_seconds == 0)
        args->settings.max_seconds = LONGEST_SECONDS;
    const int code = places_of_models(args);
    if (code)
        return code;
    interruption_catch();
    const synctalk_status status = server_run(&options, &err);
    if (!status)
        return EXIT_GOOD;
    say(args->command->name, "%s", err.message);
    return status == SYNCTALK_E_ARG ? EXIT_USAGE : EXIT_FAILED;
}

const struct command command_serve = {
    .name = "serve",
    .operands = "",
    .summary = "a page and an HTTP interface to make videos with",
    .text = text,
    .examples = examples,
    .own = own,
    .settings = settings,
    .run = run,
};
