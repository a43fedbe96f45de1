/* SPDX-License-Identifier: Apache-2.0 */
/** @file people.h  The persons of a project: who is there, and what each can be shown on. */
#ifndef SYNCTALK_PEOPLE_H
#define SYNCTALK_PEOPLE_H

#include <stddef.h>
#include <stdint.h>

#include "synctalk/export.h"
#include "synctalk/settings.h"
#include "synctalk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One trained person. Cheap to find out: no file is opened. */
typedef struct synctalk_person_info {
    const char *name;
    int checkpoint; /**< the highest number there is */
    int64_t frames; /**< of dataset/NAME, the range of start_frame; 0: mode training is not
                         possible */
    int64_t clips;  /**< folders in dataset/NAME/core_clips; 0: mode clips is not possible */
    int64_t reserved[4];
} synctalk_person_info;

/** The persons of a project, by name. Immutable. */
typedef struct synctalk_people synctalk_people;

/**
 * Look for persons: names below checkpoint/ of the project that have a checkpoint.
 *
 * @param settings  root counts here
 * @retval SYNCTALK_E_MISSING  there is no folder checkpoint/: names it
 */
SYNCTALK_API synctalk_status synctalk_people_list(synctalk_people **out,
                                                  const synctalk_settings *settings,
                                                  synctalk_error *err);
/** NULL-safe both ways; sets *people to NULL. */
SYNCTALK_API void synctalk_people_free(synctalk_people **people);

/**
 * The file of a source frame of mode training, a JPEG, to look at.
 *
 * @param settings  root and model count here
 * @param path      of `size` bytes
 * @retval SYNCTALK_E_MISSING  the person has no such frame: names the file
 */
SYNCTALK_API synctalk_status synctalk_people_frame(const synctalk_settings *settings, int64_t frame,
                                                   char *path, size_t size, synctalk_error *err);

SYNCTALK_API size_t synctalk_people_count(const synctalk_people *people);
/** Person `index` < count; what it points to is borrowed from `people`. */
SYNCTALK_API synctalk_person_info synctalk_people_at(const synctalk_people *people, size_t index);

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_PEOPLE_H */
