/* SPDX-License-Identifier: Apache-2.0 */
/* Folders that no option names: of shared networks, of what was seen in videos. */
#include "args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"

/* "FOLDER/BELOW" of an XDG variable, or below the home folder; NULL where neither is known or
 * there is no memory. malloc'ed. */
static char *user_folder(const char *variable, const char *in_home, const char *below)
{
    char *path = NULL;
    const char *named = getenv(variable);
    const char *home = getenv("HOME");
    int length = -1;
    if (named && *named == '/') /* a relative one is to be ignored */
        length = asprintf(&path, "%s/%s", named, below);
    else if (home && *home)
        length = asprintf(&path, "%s/%s/%s", home, in_home, below);
    return length < 0 ? NULL : path;
}

static bool from_environment(const struct args *args)
{
    size_t count = 0;
    const struct settings_table *table = table_of(args->command);
    const synctalk_option *first = table->options(&count);
    const char *source = args->sources[table->find("models") - first];
    return source && strcmp(source, "environment") == 0;
}

static int no_memory(const struct args *args)
{
    say(args->command->name, "no memory for a path");
    return EXIT_FAILED;
}

/* The XDG Base Directory Specification 0.8 says where. */
int places_of_models(struct args *args)
{
    char *user = user_folder("XDG_DATA_HOME", ".local/share", "synctalk/model");
    char *both = NULL;
    const struct settings_table *table = table_of(args->command);
    const char **models = table == &vad_table     ? &args->vad.models
                          : table == &train_table ? &args->train.models
                                                  : &args->settings.models;
    const char **more = table == &vad_table     ? &args->vad.more_models
                        : table == &train_table ? &args->train.more_models
                                                : &args->settings.more_models;
    /* --models is looked in before the project's model/, SYNCTALK_MODELS after it. */
    const char *first = from_environment(args) ? *models : NULL;

    int length =
        asprintf(&both, "%s%s%s", first ? first : "", first && user ? ":" : "", user ? user : "");
    free(user);
    if (length < 0)
        return no_memory(args);
    if (!args_own(args, both)) {
        free(both);
        return no_memory(args);
    }
    if (first)
        *models = NULL;
    *more = both;
    return EXIT_GOOD;
}

int place_of_analyses(struct args *args)
{
    char *user = NULL;
    if (args->settings.analysis_cache ||
        !(user = user_folder("XDG_CACHE_HOME", ".cache", "synctalk/analysis")))
        return EXIT_GOOD;
    if (!args_own(args, user)) {
        free(user);
        return no_memory(args);
    }
    args->settings.analysis_cache = user;
    return EXIT_GOOD;
}
