/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/dataset_features.h"

#include <inttypes.h>

#include "base/log.h"
#include "generate/sound.h"
#include "kernels/kernels.h"

synctalk_status st_dataset_features_make(struct st_hearing *hearing, const char *folder,
                                         const synctalk_settings *settings,
                                         const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st;
    synctalk_error why = {0};
    struct st_encoder *encoder = NULL;
    struct st_kernels kernels;
    char sound[ST_PATH_MAX];
    char path[ST_PATH_MAX];
    int64_t vectors;

    if ((st = st_path_join(sound, folder, "aud.wav", err)))
        return st;
    if (!st_path_is_file(sound) || st_hearing_features(hearing, folder, path))
        return SYNCTALK_OK;
    if ((st = st_path_join(path, folder, hearing->info->feature_files[0], err)))
        return st;
    if (st_hearing_find(hearing, settings, &why)) {
        if (st_path_is_file(path))
            st_log(callbacks, SYNCTALK_LOG_WARNING, "%s: older than %s, and used all the same: %s",
                   path, st_path_base(sound), why.message);
        return SYNCTALK_OK;
    }
    st_kernels_init(&kernels, settings->cpu_mask);
    if ((st = st_hearing_load(hearing, &encoder, settings, &kernels, callbacks, err)))
        return st;
    st = st_sound_write_features(sound, encoder, path, true, callbacks, &vectors, err);
    if (!st)
        st_log(callbacks, SYNCTALK_LOG_INFO, "%s: %" PRId64 " vectors made from %s", path, vectors,
               st_path_base(sound));
    st_encoder_close(&encoder);
    return st;
}
