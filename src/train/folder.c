/* SPDX-License-Identifier: Apache-2.0 */
#include "train/folder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "weights/weights.h"

static synctalk_status make_one(const char *path, synctalk_error *err)
{
    if (mkdir(path, 0777) == 0 || st_path_is_dir(path))
        return SYNCTALK_OK;
    return st_fail_errno(err, errno, "make folder", path);
}

synctalk_status st_make_folder(const char *path, synctalk_error *err)
{
    char parent[ST_PATH_MAX];
    synctalk_status st = st_path_format(parent, err, "%s", path);
    if (st)
        return st;
    char *slash = strrchr(parent, '/');
    if (slash && slash > parent) {
        *slash = '\0';
        if ((st = make_one(parent, err)))
            return st;
    }
    return make_one(path, err);
}

/* N of "N.pth" or "N.safetensors", or -1. */
static int64_t number_of(const char *name)
{
    char *end;
    if (*name < '0' || *name > '9' || strspn(name, "0123456789") > 9)
        return -1;
    const int64_t n = strtoll(name, &end, 10);
    return strcmp(end, ".pth") == 0 || strcmp(end, ".safetensors") == 0 ? n : -1;
}

synctalk_status st_highest_checkpoint(const char *folder, int64_t *number, synctalk_error *err)
{
    struct st_names names;
    *number = -1;
    synctalk_status st = st_list_dir(&names, folder, err);
    if (st)
        return st;
    for (size_t i = 0; i < names.count; i++)
        if (number_of(names.names[i]) > *number)
            *number = number_of(names.names[i]);
    st_names_free(&names);
    return SYNCTALK_OK;
}

bool st_is_quantised(const char *path)
{
    struct st_weights *weights = NULL;
    bool is = st_path_is_file(path) && !st_weights_open(&weights, path, NULL) &&
              st_weights_metadata(weights, ST_QUANTISED_KEY);
    st_weights_close(&weights);
    return is;
}

synctalk_status st_highest_made_so(const char *folder, bool quantised, int64_t from,
                                   int64_t *number, synctalk_error *err)
{
    struct st_names names;
    char path[ST_PATH_MAX];
    *number = -1;
    synctalk_status st = st_list_dir(&names, folder, err);
    if (st)
        return st;
    for (size_t i = 0; i < names.count; i++) {
        const int64_t n = number_of(names.names[i]);
        if (n >= from && n > *number && !st_path_join(path, folder, names.names[i], NULL) &&
            st_is_quantised(path) == quantised)
            *number = n;
    }
    st_names_free(&names);
    return SYNCTALK_OK;
}

synctalk_status st_highest_trained(const char *folder, char *path, synctalk_error *err)
{
    int64_t number = -1;
    synctalk_status st =
        st_path_is_dir(folder) ? st_highest_checkpoint(folder, &number, err) : SYNCTALK_OK;
    for (; !st && number >= 0; number--) {
        const char *const kinds[] = {"pth", "safetensors"};
        for (int i = 0; !st && i < 2; i++) {
            st = st_path_format(path, err, "%s/%" PRId64 ".%s", folder, number, kinds[i]);
            if (!st && st_path_is_file(path) && !st_is_quantised(path))
                return SYNCTALK_OK;
        }
    }
    return st ? st
              : st_fail(
                    err, SYNCTALK_E_MISSING,
                    "%s: no checkpoint to fine-tune; train one first, or give --warm-start FILE",
                    folder);
}

/* ".NAME.xxxxxxxx.part" as st_output_open() makes them, of a checkpoint or a state. */
static bool is_leftover(const char *name)
{
    const size_t length = strlen(name);
    if (name[0] != '.' || length < 16 || strcmp(name + length - 5, ".part") != 0)
        return false;
    return strncmp(name + 1, "train-state.", 12) == 0 || strncmp(name + 1, "loss.png.", 9) == 0 ||
           strncmp(name + 1, "quantize", 8) == 0 || strstr(name, ".pth.") != NULL;
}

void st_sweep_folder(const char *folder)
{
    struct st_names names;
    char path[ST_PATH_MAX];
    if (st_list_dir(&names, folder, NULL))
        return;
    for (size_t i = 0; i < names.count; i++)
        if (is_leftover(names.names[i]) && !st_path_join(path, folder, names.names[i], NULL))
            (void)unlink(path);
    st_names_free(&names);
}
