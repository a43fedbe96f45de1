/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/model_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "face/dataset.h"

#define MAX_CHECKPOINT 100000000

/* Append ", word" while it fits; a list too long ends in ", ...". */
static void list_add(char *list, size_t size, const char *word)
{
    size_t used = strlen(list);
    const char *comma = used ? ", " : "";
    if (used + strlen(comma) + strlen(word) + sizeof ", ..." <= size)
        snprintf(list + used, size - used, "%s%s", comma, word);
    else if (used < 5 || strcmp(list + used - 3, "...") != 0)
        snprintf(list + used, size - used, "%s...", comma);
}

/* N of "N.pth" or "N.safetensors", or -1; *rank orders two files of one number. */
static int checkpoint_number(const char *name, int *rank)
{
    char *end;
    if (*name < '0' || *name > '9')
        return -1;
    long n = strtol(name, &end, 10);
    if (n < 0 || n > MAX_CHECKPOINT)
        return -1;
    *rank = strcmp(end, ".safetensors") == 0 ? 1 : strcmp(end, ".pth") == 0 ? 0 : -1;
    return *rank < 0 ? -1 : (int)n;
}

static synctalk_status no_folder(const char *parent, const char *name, synctalk_error *err)
{
    struct st_names names;
    char there[200] = "";
    if (st_list_dir(&names, parent, NULL) == SYNCTALK_OK) {
        for (size_t i = 0; i < names.count; i++)
            list_add(there, sizeof there, names.names[i]);
        st_names_free(&names);
    }
    return st_fail(err, SYNCTALK_E_MISSING, "%s/%s: no such folder; %s%s", parent, name,
                   *there ? "there are: " : "the folder above is empty or absent: is --root right?",
                   there);
}

synctalk_status st_find_checkpoint(char *path, const synctalk_settings *settings,
                                   synctalk_error *err)
{
    synctalk_status st;
    char parent[ST_PATH_MAX];
    char folder[ST_PATH_MAX];
    struct st_names names;
    const char *best = NULL;
    int best_number = -1;
    int best_rank = -1;
    char there[160] = "";

    if ((st = st_check_name(settings->model, err)) ||
        (st = st_path_join(parent, settings->root, "checkpoint", err)) ||
        (st = st_path_join(folder, parent, settings->model, err)))
        return st;
    if (!st_path_is_dir(folder))
        return no_folder(parent, settings->model, err);
    if ((st = st_list_dir(&names, folder, err)))
        return st;
    for (size_t i = 0; i < names.count; i++) {
        int rank;
        int number = checkpoint_number(names.names[i], &rank);
        if (number < 0)
            continue;
        list_add(there, sizeof there, names.names[i]);
        if (settings->checkpoint >= 0 && number != settings->checkpoint)
            continue;
        if (number > best_number || (number == best_number && rank > best_rank)) {
            best = names.names[i];
            best_number = number;
            best_rank = rank;
        }
    }
    if (best)
        st = st_path_join(path, folder, best, err);
    else if (!*there)
        st = st_fail(err, SYNCTALK_E_MISSING,
                     "%s: no checkpoint there; expected a file such as 99.pth", folder);
    else
        st = st_fail(err, SYNCTALK_E_MISSING, "%s: no checkpoint %d; there are: %s", folder,
                     settings->checkpoint, there);
    st_names_free(&names);
    return st;
}

/* Try every name in one folder. */
static synctalk_status try_folder(char *path, const char *folder, const char *const *files,
                                  bool *found, char *looked, size_t looked_size,
                                  synctalk_error *err)
{
    for (size_t i = 0; files[i]; i++) {
        synctalk_status st = st_path_join(path, folder, files[i], err);
        if (st)
            return st;
        if (st_path_is_file(path)) {
            *found = true;
            return SYNCTALK_OK;
        }
    }
    list_add(looked, looked_size, folder);
    return SYNCTALK_OK;
}

bool st_shared_folder(char *path, const synctalk_settings *settings, size_t n)
{
    if (settings->models && *settings->models && n-- == 0)
        return st_path_format(path, NULL, "%s", settings->models) == SYNCTALK_OK;
    if (n-- == 0)
        return st_path_join(path, settings->root, "model", NULL) == SYNCTALK_OK;
    for (const char *at = settings->more_models; at && *at;) {
        size_t length = strcspn(at, ":");
        if (length > 0 && n-- == 0)
            return st_path_format(path, NULL, "%.*s", (int)length, at) == SYNCTALK_OK;
        at += length + (at[length] == ':');
    }
    return false;
}

synctalk_status st_find_shared(char *path, const synctalk_settings *settings,
                               const char *const *files, const char *purpose, synctalk_error *err)
{
    bool found = false;
    char folder[ST_PATH_MAX];
    char looked[300] = "";

    for (size_t n = 0; !found && st_shared_folder(folder, settings, n); n++) {
        synctalk_status st = try_folder(path, folder, files, &found, looked, sizeof looked, err);
        if (st)
            return st;
    }
    if (found)
        return SYNCTALK_OK;
    return st_fail(err, SYNCTALK_E_MISSING,
                   "%s is not there, which is needed %s; looked in: %s; put it into one of these "
                   "folders or name another with --models",
                   files[0], purpose, looked);
}
