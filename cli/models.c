/* SPDX-License-Identifier: Apache-2.0 */
/* synctalk models: which shared networks are there, and bringing those that may be had. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "console.h"
#include "progress.h"

#define PATH_BYTES 4096

static const struct own_option own[] = {
    {"yes", 'y', OWN_FLAG, .help = "pull: accept the licences, which are printed, unasked"},
    {"from", 0, OWN_TEXT, .unit = "URL",
     .help = "pull NAME: an https address to take the file from instead, such as a mirror's; its "
             "SHA-256 must be the same"},
    {"ca-file", 0, OWN_TEXT, .unit = "FILE",
     .help = "pull: certificates (PEM) to trust instead of the system's"},
    {"check", 0, OWN_FLAG, .help = "read every file found and say whether it is the published one"},
    {"json", 0, OWN_FLAG, .help = "print the result as one line of JSON"},
    {.name = NULL},
};

static const char *const settings[] = {"root", "models", NULL};

static const char *const text[] = {
    "Lists the networks that all persons share: where each was found, or what it is needed for "
    "and where to get it. They are looked for in --models DIR, ROOT/model, SYNCTALK_MODELS and "
    "the user's data folder, in this order.",
    "models pull NAME brings one from its public address into --models DIR, or else into "
    "ROOT/model. Its licence is shown first and must be accepted. A download that was stopped "
    "goes on where it was, and a file gets its name only when its SHA-256 is right. Where no "
    "lasting address is known, it says where to get the file. Without NAME it brings all that "
    "are missing and have an address, but for vgg19, which is large and for training alone. "
    "https_proxy and no_proxy in the environment are obeyed.",
    NULL,
};

static const char *const examples[] = {
    "synctalk models",
    "synctalk models --check",
    "synctalk models pull vad --yes",
    NULL,
};

/* What is known of one network on this machine. */
struct finding {
    const synctalk_network *network;
    bool found;
    char path[PATH_BYTES];
    const char *content; /* "published", "another", or NULL: not looked at */
};

static const char *compare_content(const synctalk_network *network, const char *path)
{
    char sha[65];
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    if (!network->sha256 || strcmp(base, network->file) != 0)
        return NULL;
    if (synctalk_file_sha256(path, sha, NULL))
        return "unreadable";
    return strcmp(sha, network->sha256) == 0 ? "published" : "another";
}

static void look(struct finding *finding, const struct args *args, const synctalk_network *network)
{
    *finding = (struct finding){.network = network};
    finding->found = synctalk_network_find(&args->settings, network, finding->path,
                                           sizeof finding->path, NULL) == SYNCTALK_OK;
    if (finding->found && args_flag(args, "check"))
        finding->content = compare_content(network, finding->path);
}

static json_t *finding_json(const struct finding *finding)
{
    const synctalk_network *n = finding->network;
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(n->name));
    json_object_set_new(object, "path", finding->found ? json_clean(finding->path) : json_null());
    json_object_set_new(object, "purpose", json_string(n->purpose));
    json_object_set_new(object, "users", json_string(n->users));
    json_object_set_new(object, "licence", json_string(n->licence));
    json_object_set_new(object, "source", json_string(n->source));
    json_object_set_new(object, "file", json_string(n->file));
    json_object_set_new(object, "bytes", n->bytes ? json_integer(n->bytes) : json_null());
    json_object_set_new(object, "sha256", n->sha256 ? json_string(n->sha256) : json_null());
    json_object_set_new(object, "address", n->address ? json_string(n->address) : json_null());
    json_object_set_new(object, "alternative", json_boolean(n->alternative));
    if (finding->content)
        json_object_set_new(object, "content", json_string(finding->content));
    return object;
}

static void print_finding(const struct finding *finding)
{
    const synctalk_network *n = finding->network;
    if (finding->found) {
        printf("%-14s found    ", n->name);
        print_clean(stdout, finding->path);
        if (finding->content)
            printf(" (%s)", strcmp(finding->content, "published") == 0 ? "the published file"
                            : strcmp(finding->content, "another") == 0 ? "not the published file"
                                                                       : "cannot be read");
        printf("\n");
        return;
    }
    printf("%-14s missing  %s\n", n->name, n->file);
    printf("               needed %s (%s)%s\n", n->purpose, n->users,
           n->alternative ? "; one landmarks network is enough" : "");
    printf("               licence: %s\n", n->licence);
    if (n->address && n->sha256)
        printf("               get it: synctalk models pull %s\n", n->name);
    else
        printf("               get it: %s\n", n->source);
}

static void list_folders(const struct args *args, json_t *folders)
{
    char path[PATH_BYTES];
    for (size_t n = 0; synctalk_models_folder(&args->settings, n, path, sizeof path); n++) {
        if (folders) {
            json_array_append_new(folders, json_clean(path));
            continue;
        }
        printf("%s", n ? ", " : "\nlooked in: ");
        print_clean(stdout, path);
    }
    if (!folders)
        printf("\n");
}

static int list(const struct args *args)
{
    size_t count = 0;
    const synctalk_network *networks = synctalk_networks(&count);
    bool json = args_flag(args, "json");
    json_t *found = json ? json_array() : NULL;

    for (size_t i = 0; i < count; i++) {
        struct finding finding;
        look(&finding, args, &networks[i]);
        if (json)
            json_array_append_new(found, finding_json(&finding));
        else
            print_finding(&finding);
    }
    if (json) {
        json_t *object = json_object();
        json_t *folders = json_array();
        list_folders(args, folders);
        json_object_set_new(object, "networks", found);
        json_object_set_new(object, "folders", folders);
        print_json_line(stdout, object);
    } else {
        list_folders(args, NULL);
    }
    return EXIT_GOOD;
}

static const char *variable(const char *lower, const char *upper)
{
    const char *value = getenv(lower);
    if (!value || !*value)
        value = getenv(upper);
    return value && *value ? value : NULL;
}

/* Where pulled files go: --models, else ROOT/model. False without memory. */
static bool pull_folder(struct args *args, const char **folder)
{
    char *made = NULL;
    *folder = args->settings.models;
    if (*folder)
        return true;
    if (asprintf(&made, "%s/model", args->settings.root) < 0)
        return false;
    if (!args_own(args, made)) {
        free(made);
        return false;
    }
    *folder = made;
    return true;
}

/* On the terminal, or by --yes beforehand. */
static bool accept(const struct args *args, const synctalk_network *network, const char *address)
{
    char bytes[32];
    char line[16];
    fprintf(stderr, "%s: %s", network->name, network->file);
    if (network->bytes)
        fprintf(stderr, ", %s", format_bytes(bytes, sizeof bytes, network->bytes));
    fprintf(stderr, "\n  from:    %s\n  licence: %s\n", address, network->licence);
    if (args_flag(args, "yes"))
        return true;
    if (!isatty(STDIN_FILENO)) {
        say(args->command->name, "%s: --yes says that you accept this licence", network->name);
        return false;
    }
    fprintf(stderr, "Do you accept this licence? [y/N] ");
    fflush(stderr);
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

/* What all downloads of a call share. */
struct pulling {
    struct args *args;
    struct progress progress; /* must not move */
    synctalk_pull pull;
    json_t *pulled; /* owned; paths, where --json was given */
};

static int pull_one(struct pulling *pulling, const synctalk_network *network)
{
    char path[PATH_BYTES];
    synctalk_error err = {0};
    const char *address = pulling->pull.address ? pulling->pull.address : network->address;

    pulling->pull.accept_licence =
        network->sha256 && address ? accept(pulling->args, network, address) : 1;
    if (!pulling->pull.accept_licence)
        return EXIT_USAGE;
    synctalk_status status = synctalk_network_pull(
        network, &pulling->pull, &pulling->progress.callbacks, path, sizeof path, &err);
    if (status) {
        progress_failure(&pulling->progress, err.message);
        return status == SYNCTALK_E_CANCELLED ? EXIT_INTERRUPTED : EXIT_FAILED;
    }
    progress_end(&pulling->progress);
    if (pulling->pulled) {
        json_array_append_new(pulling->pulled, json_clean(path));
    } else {
        print_clean(stdout, path);
        printf(": %s, SHA-256 as it should be\n", network->name);
    }
    return EXIT_GOOD;
}

/* All that are missing and may be had; the others are told, and no failure. */
static int pull_missing(struct pulling *pulling)
{
    size_t count = 0;
    const synctalk_network *networks = synctalk_networks(&count);
    int code = EXIT_GOOD;
    bool anything = false;

    for (size_t i = 0; i < count && !code; i++) {
        struct finding finding;
        look(&finding, pulling->args, &networks[i]);
        if (finding.found || strcmp(networks[i].name, "vgg19") == 0)
            continue;
        anything = true;
        if (networks[i].address && networks[i].sha256)
            code = pull_one(pulling, &networks[i]);
        else
            say("models", "%s is missing and has no lasting public address; where to get it: %s",
                networks[i].name, networks[i].source);
    }
    if (!anything)
        say("models", "nothing is missing");
    return code;
}

static int unknown_network(const char *name)
{
    const char *names[32] = {NULL};
    char all[256] = "";
    size_t count = 0;
    const synctalk_network *networks = synctalk_networks(&count);
    for (size_t i = 0; i < count && i + 1 < sizeof names / sizeof *names; i++) {
        size_t used = strlen(all);
        names[i] = networks[i].name;
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", names[i]);
    }
    const char *meant = nearest_name(name, names);
    if (meant)
        say("models", "there is no network %s; did you mean %s?", name, meant);
    else
        say("models", "there is no network %s; there are: %s", name, all);
    return EXIT_USAGE;
}

static int pull(struct args *args)
{
    struct pulling pulling = {.args = args};
    int code = EXIT_GOOD;

    for (size_t i = 1; i < args->operand_count; i++)
        if (!synctalk_network_named(args->operands[i]))
            return unknown_network(args->operands[i]);
    if (args_text(args, "from") && args->operand_count != 2) {
        say(args->command->name, "--from is the address of one file: models pull NAME --from URL");
        return EXIT_USAGE;
    }
    synctalk_pull_init(&pulling.pull);
    pulling.pull.address = args_text(args, "from");
    pulling.pull.ca_file = args_text(args, "ca-file");
    pulling.pull.proxy = variable("https_proxy", "HTTPS_PROXY");
    if (!pulling.pull.proxy)
        pulling.pull.proxy = variable("all_proxy", "ALL_PROXY");
    pulling.pull.no_proxy = variable("no_proxy", "NO_PROXY");
    /* Before places_of_models(), which takes the folder of the environment for another use. */
    if (!pull_folder(args, &pulling.pull.folder)) {
        say(args->command->name, "no memory for a path");
        return EXIT_FAILED;
    }
    if ((code = places_of_models(args)))
        return code;
    if (args_flag(args, "json"))
        pulling.pulled = json_array();
    progress_begin(&pulling.progress, args);
    if (args->operand_count == 1)
        code = pull_missing(&pulling);
    for (size_t i = 1; i < args->operand_count && !code; i++)
        code = pull_one(&pulling, synctalk_network_named(args->operands[i]));
    if (pulling.pulled && code == EXIT_GOOD) {
        json_t *object = json_object();
        json_object_set_new(object, "pulled", json_incref(pulling.pulled));
        print_json_line(stdout, object);
    }
    json_decref(pulling.pulled);
    return code;
}

static int run(struct args *args)
{
    bool pulls = args->operand_count > 0;
    if (pulls && strcmp(args->operands[0], "pull") != 0) {
        say(args->command->name, "\"%s\" is not pull; usage: synctalk models [pull [NAME...]]",
            args->operands[0]);
        return EXIT_USAGE;
    }
    if (pulls)
        return pull(args);
    int code = places_of_models(args);
    return code ? code : list(args);
}

const struct command command_models = {
    .name = "models",
    .operands = "[pull [NAME...]]",
    .most_operands = 32,
    .summary = "list the shared networks, and bring missing ones",
    .text = text,
    .examples = examples,
    .own = own,
    .settings = settings,
    .long_call = true,
    .run = run,
};
