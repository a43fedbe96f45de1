/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/people.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "face/dataset.h"
#include "generate/model_files.h"

/* Names in ROOT/dataset/NAME/FOLDER that end in `ending`, or folders among them where it is
 * NULL; 0 where there is no such folder. */
static int64_t count_names(const char *root, const char *name, const char *folder,
                           const char *ending)
{
    char path[ST_PATH_MAX];
    char inside[ST_PATH_MAX];
    struct st_names names;
    int64_t count = 0;
    if (st_path_format(path, NULL, "%s/dataset/%s/%s", root, name, folder) ||
        !st_path_is_dir(path) || st_list_dir(&names, path, NULL))
        return 0;
    for (size_t i = 0; i < names.count; i++) {
        const char *at = names.names[i];
        const size_t length = strlen(at);
        if (at[0] == '.')
            continue;
        if (ending)
            count += length > strlen(ending) && strcmp(at + length - strlen(ending), ending) == 0;
        else
            count += !st_path_join(inside, path, at, NULL) && st_path_is_dir(inside);
    }
    st_names_free(&names);
    return count;
}

/* false: it has no checkpoint, and is no person. */
static bool describe(synctalk_person_info *info, const char *root, const char *name)
{
    char path[ST_PATH_MAX];
    synctalk_settings settings;
    if (name[0] == '.' || st_check_name(name, NULL))
        return false;
    synctalk_settings_init(&settings);
    settings.root = root;
    settings.model = name;
    if (st_find_checkpoint(path, &settings, NULL))
        return false;
    *info = (synctalk_person_info){
        .name = name,
        .checkpoint = (int)strtol(st_path_base(path), NULL, 10),
        .frames = count_names(root, name, "full_body_img", ".jpg"),
        .clips = count_names(root, name, "core_clips", NULL),
    };
    return true;
}

synctalk_status st_people_list(struct synctalk_people **out, const char *root, synctalk_error *err)
{
    char folder[ST_PATH_MAX];
    synctalk_status st;
    struct synctalk_people *people = NULL;

    *out = NULL;
    if ((st = st_path_join(folder, root, "checkpoint", err)))
        return st;
    if (!(people = calloc(1, sizeof *people)))
        return st_fail_memory(err, "the list of persons", sizeof *people);
    if ((st = st_list_dir(&people->names, folder, err)))
        goto done;
    if (!(people->list = calloc(people->names.count + 1, sizeof *people->list))) {
        st = st_fail_memory(err, "the list of persons", people->names.count);
        goto done;
    }
    for (size_t i = 0; i < people->names.count; i++)
        people->count += describe(&people->list[people->count], root, people->names.names[i]);
    *out = people;
    people = NULL;

done:
    st_people_free(&people);
    return st;
}

synctalk_status st_people_frame(char *path, const char *root, const char *name, int64_t frame,
                                synctalk_error *err)
{
    synctalk_status st;
    if ((st = st_check_name(name, err)) ||
        (st = st_path_format(path, err, "%s/dataset/%s/full_body_img/%" PRId64 ".jpg", root, name,
                             frame)))
        return st;
    return st_path_is_file(path) ? SYNCTALK_OK
                                 : st_fail(err, SYNCTALK_E_MISSING, "%s: no such frame", path);
}

void st_people_free(struct synctalk_people **people)
{
    if (!people || !*people)
        return;
    st_names_free(&(*people)->names);
    free((*people)->list);
    free(*people);
    *people = NULL;
}
