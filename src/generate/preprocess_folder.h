/* SPDX-License-Identifier: Apache-2.0 */
/* A folder that fills with frames and landmarks: made, held by one process at a time, swept
 * of what killed ones left. Whose files lie in it is the caller's to know. */
#ifndef ST_GENERATE_PREPROCESS_FOLDER_H
#define ST_GENERATE_PREPROCESS_FOLDER_H

#include "generate/preprocess_frames.h"

/* Zeroed with lock = -1, it closes cleanly. */
struct st_frame_folder {
    char path[ST_PATH_MAX];
    char cache[ST_PATH_MAX]; /* of what was seen, where no other folder is named */
    struct st_frame_files files;
    int lock; /* owned; -1: not held */
};

/* Whether the file of that name is ours. */
typedef bool (*st_ours)(const char *name);

bool st_is_leftover(const char *name); /* of a process that was killed */
bool st_is_numbered(const char *name); /* N.jpg, N.lms, or a leftover */

/* Make the folder `path`, if it is not there. */
synctalk_status st_folder_make(const char *path, synctalk_error *err);

/* Paths below `path`; nothing is made. */
synctalk_status st_frame_folder_name(struct st_frame_folder *folder, const char *path,
                                     synctalk_error *err);
/* Make it, in a folder that is there, and take its lock. E_EXISTS: another process has it. */
synctalk_status st_frame_folder_take(struct st_frame_folder *folder, synctalk_error *err);

/* Are there files that `ours` knows, leftovers aside? */
bool st_folder_holds(const char *path, st_ours ours);
bool st_frame_folder_holds_frames(const struct st_frame_folder *folder);

/* Remove the files of `path` that `ours` knows. */
synctalk_status st_folder_sweep(const char *path, st_ours ours, synctalk_error *err);
/* Remove leftovers; or all frames and the cache. */
synctalk_status st_frame_folder_sweep(const struct st_frame_folder *folder, synctalk_error *err);
synctalk_status st_frame_folder_clear(const struct st_frame_folder *folder, synctalk_error *err);

void st_frame_folder_remove_cache(const struct st_frame_folder *folder);
void st_frame_folder_remove_empty(const struct st_frame_folder *folder); /* only where empty */
void st_frame_folder_close(struct st_frame_folder *folder);

#endif /* ST_GENERATE_PREPROCESS_FOLDER_H */
