/* SPDX-License-Identifier: Apache-2.0 */
/* Argument checks of the list of persons; the work is below, in generate/. */
#include "generate/people.h"

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
