/* SPDX-License-Identifier: Apache-2.0 */
/* Argument checks of the list of persons; the work is below, in generate/. */
#include "generate/people.h"

#include <string.h>

#include "base/error.h"

synctalk_status synctalk_people_list(synctalk_people **out, const synctalk_settings *settings,
                                     synctalk_error *err)
{
    if (!out || !settings || !settings->root)
        return st_fail(err, SYNCTALK_E_ARG,
                       "root is NULL; call synctalk_settings_init() first, and name a place for "
                       "the list");
    return st_people_list(out, settings->root, err);
}

synctalk_status synctalk_people_frame(const synctalk_settings *settings, int64_t frame, char *path,
                                      size_t size, synctalk_error *err)
{
    char found[ST_PATH_MAX];
    if (!settings || !settings->root || !path)
        return st_fail(err, SYNCTALK_E_ARG, "settings and room for a path are needed");
    synctalk_status st = st_people_frame(found, settings->root, settings->model, frame, err);
    if (st)
        return st;
    if (strlen(found) >= size)
        return st_fail(err, SYNCTALK_E_ARG, "%s: does not fit the %zu bytes given for a path",
                       found, size);
    memcpy(path, found, strlen(found) + 1);
    return SYNCTALK_OK;
}

void synctalk_people_free(synctalk_people **people)
{
    st_people_free(people);
}

size_t synctalk_people_count(const synctalk_people *people)
{
    return people ? people->count : 0;
}

synctalk_person_info synctalk_people_at(const synctalk_people *people, size_t index)
{
    if (!people || index >= people->count)
        return (synctalk_person_info){.name = ""};
    return people->list[index];
}
