/* SPDX-License-Identifier: Apache-2.0 */
/* Where files are looked for: checkpoints of a person, networks that all persons share. */
#ifndef ST_GENERATE_MODEL_FILES_H
#define ST_GENERATE_MODEL_FILES_H

#include "base/file.h"
#include "synctalk/settings.h"

/* checkpoint/NAME/N.pth or .safetensors with N = settings->checkpoint, or the highest N.
 * For one number .safetensors is preferred, since it needs no conversion. `path` holds
 * ST_PATH_MAX bytes. E_MISSING names the folder and the numbers that are there. */
synctalk_status st_find_checkpoint(char *path, const synctalk_settings *settings,
                                   synctalk_error *err);

/* The n-th folder of shared networks in the order of search, counted from 0; false past the
 * last. `path` holds ST_PATH_MAX bytes. */
bool st_shared_folder(char *path, const synctalk_settings *settings, size_t n);

/* The first of `files` (NULL-terminated) found in settings->models, ROOT/model, then
 * settings->more_models. E_MISSING says what it is for, the names and the folders. */
synctalk_status st_find_shared(char *path, const synctalk_settings *settings,
                               const char *const *files, const char *purpose, synctalk_error *err);

#endif /* ST_GENERATE_MODEL_FILES_H */
