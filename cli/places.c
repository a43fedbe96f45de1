/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of shared networks that no option names. */
#include "args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"

static const char *const data_folder = "synctalk/model";

/* The user's data folder, as the XDG Base Directory Specification 0.8 has it. */
static int add_user_folder(char **list)
{
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    if (data && *data == '/') /* a relative one is to be ignored */
        return asprintf(list, "%s/%s", data, data_folder);
    if (home && *home)
        return asprintf(list, "%s/.local/share/%s", home, data_folder);
    *list = strdup("");
    return *list ? 0 : -1;
}

static bool from_environment(const struct args *args)
{
    size_t count = 0;
    const synctalk_option *first = synctalk_settings_options(&count);
    const char *source = args->sources[synctalk_settings_find("models") - first];
    return source && strcmp(source, "environment") == 0;
}

int places_of_models(struct args *args)
{
    char *user = NULL;
    char *both = NULL;
    synctalk_settings *s = &args->settings;

    if (add_user_folder(&user) >= 0) {
        /* --models is looked in before the project's model/, SYNCTALK_MODELS after it. */
        if (from_environment(args) && s->models) {
            if (asprintf(&both, "%s:%s", s->models, user) < 0)
                both = NULL;
            s->models = NULL;
        } else {
            both = user;
            user = NULL;
        }
    }
    free(user);
    if (!both || !args_own(args, both)) {
        free(both);
        say(args->command->name, "no memory for a path");
        return EXIT_FAILED;
    }
    s->more_models = both;
    return EXIT_GOOD;
}
