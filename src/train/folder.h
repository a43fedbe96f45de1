/* SPDX-License-Identifier: Apache-2.0 */
/* The folder that a training writes to. */
#ifndef ST_TRAIN_FOLDER_H
#define ST_TRAIN_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "synctalk/status.h"

/* Make `path` and the folder that it is in, where they are absent. */
synctalk_status st_make_folder(const char *path, synctalk_error *err);

/* The highest N of N.pth or N.safetensors in `folder`, -1 where there is none. */
synctalk_status st_highest_checkpoint(const char *folder, int64_t *number, synctalk_error *err);

/* Was this checkpoint made by a fine-tune for bytes? False where it cannot be read. */
#define ST_QUANTISED_KEY "synctalk.quantised" /* metadata */
bool st_is_quantised(const char *path);

/* The highest number from `from` on of a checkpoint that was, or was not, so made; -1: none. */
synctalk_status st_highest_made_so(const char *folder, bool quantised, int64_t from,
                                   int64_t *number, synctalk_error *err);

/* The highest checkpoint that was not, its path; E_MISSING where there is none. */
synctalk_status st_highest_trained(const char *folder, char *path, synctalk_error *err);

/* Remove what a killed process left half-written. The caller holds the folder's lock. */
void st_sweep_folder(const char *folder);

#endif /* ST_TRAIN_FOLDER_H */
