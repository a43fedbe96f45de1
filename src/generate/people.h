/* SPDX-License-Identifier: Apache-2.0 */
/* Which persons a project has; see synctalk_people_list(). */
#ifndef ST_GENERATE_PEOPLE_H
#define ST_GENERATE_PEOPLE_H

#include "base/file.h"
#include "synctalk/people.h"

struct synctalk_people {
    struct st_names names;             /* owns; what list[].name borrows */
    struct synctalk_person_info *list; /* owns; [count] */
    size_t count;
};

synctalk_status st_people_list(struct synctalk_people **out, const char *root, synctalk_error *err);
/* The picture of a training frame; `path` holds ST_PATH_MAX bytes. E_MISSING: there is none. */
synctalk_status st_people_frame(char *path, const char *root, const char *name, int64_t frame,
                                synctalk_error *err);
void st_people_free(struct synctalk_people **people); /* NULL-safe both ways */

#endif /* ST_GENERATE_PEOPLE_H */
