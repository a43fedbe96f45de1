/* SPDX-License-Identifier: Apache-2.0 */
/* The audio features of a dataset, made from its aud.wav where they are wanted. */
#ifndef ST_GENERATE_DATASET_FEATURES_H
#define ST_GENERATE_DATASET_FEATURES_H

#include "generate/hearing.h"

/* Those of `hearing` in `folder`, made anew if they are absent, older than the sound, or
 * by info.json another network's of that name. Where they cannot be made, because there is no sound
 * or no network, those that are there stay, with a warning if they are older; whoever reads them
 * says what is missing. */
synctalk_status st_dataset_features_make(struct st_hearing *hearing, const char *folder,
                                         const synctalk_settings *settings,
                                         const synctalk_callbacks *callbacks, synctalk_error *err);

#endif /* ST_GENERATE_DATASET_FEATURES_H */
