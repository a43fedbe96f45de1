/* SPDX-License-Identifier: Apache-2.0 */
/* Which audio encoder hears, and where its file is: by name, among the shared networks. */
#ifndef ST_GENERATE_HEARING_H
#define ST_GENERATE_HEARING_H

#include "base/file.h"
#include "base/hash.h"
#include "models/encoder_custom.h"
#include "synctalk/progress.h"
#include "synctalk/settings.h"

/* Zeroed, it closes cleanly. Not to be copied. */
struct st_hearing {
    const struct st_encoder_info *info; /* static, or of `custom` */
    struct st_custom_encoder *custom;   /* owns; NULL for an encoder that is built in */
    char path[ST_PATH_MAX];             /* of its network or description; "" before find() */
};

/* `kind` is not AUTO; `name` is a custom encoder's, whose description is looked for and read
 * here: E_MISSING says where, and which encoders are built in. */
synctalk_status st_hearing_choose(struct st_hearing *hearing, const synctalk_settings *settings,
                                  synctalk_encoder kind, const char *name, synctalk_error *err);
void st_hearing_close(struct st_hearing *hearing);

/* Fill the path. E_MISSING lists the places where it was looked for. */
synctalk_status st_hearing_find(struct st_hearing *hearing, const synctalk_settings *settings,
                                synctalk_error *err);

/* Of all that decides over the features: its file and, of a custom encoder, the network's. After
 * find(). */
synctalk_status st_hearing_hash(const struct st_hearing *hearing, char text[ST_HASH_TEXT],
                                synctalk_error *err);

/* The first of its feature files in `folder` that is there and no older than the sound aud.wav
 * beside it, or that has no such sound beside it; false: none. `path` holds ST_PATH_MAX. */
bool st_hearing_features(const struct st_hearing *hearing, const char *folder, char *path);

/* Load what was found, for the machine that the settings describe. */
synctalk_status st_hearing_load(const struct st_hearing *hearing, struct st_encoder **out,
                                const synctalk_settings *settings, const struct st_kernels *kernels,
                                const synctalk_callbacks *callbacks, synctalk_error *err);

#endif /* ST_GENERATE_HEARING_H */
