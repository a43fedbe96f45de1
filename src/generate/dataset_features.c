/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/dataset_features.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "generate/preprocess_info.h"
#include "generate/sound.h"
#include "kernels/kernels.h"

/* A making of features, under way. */
struct making {
    struct st_hearing *hearing;
    const char *folder;
    const synctalk_settings *settings;
    const synctalk_callbacks *callbacks;
    struct st_preprocess_found found; /* owns; what info.json says */
    char sound[ST_PATH_MAX];          /* aud.wav */
    char path[ST_PATH_MAX];           /* where features are, or will be */
    char network[ST_HASH_TEXT];       /* of the encoder; "" where nobody asks */
};

/* Does info.json speak of the encoder's features? */
static bool is_told_of(const struct making *m)
{
    return m->found.any && strcmp(m->found.encoder, m->hearing->info->name) == 0;
}

/* Are the features at `path` another network's of the same name, by info.json? What the user has
 * put there under another of the names is nothing that it speaks of. */
static synctalk_status is_of_another(bool *is, struct making *m, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    *is = false;
    if (!is_told_of(m) || !m->found.encoder_sha256[0] ||
        strcmp(st_path_base(m->path), m->hearing->info->feature_files[0]) != 0 ||
        st_hearing_find(m->hearing, m->settings, NULL) ||
        (st = st_hearing_hash(m->hearing, m->network, err)))
        return st;
    *is = strcmp(m->found.encoder_sha256, m->network) != 0;
    if (*is)
        st_log(m->callbacks, SYNCTALK_LOG_INFO,
               "%s is made again: it was made by another network than %s, says %s", m->path,
               m->hearing->path, ST_PREPROCESS_INFO);
    return st;
}

/* From aud.wav, with the network that was found; info.json hears of it where it tells of them. */
static synctalk_status make(struct making *m, synctalk_error *err)
{
    synctalk_status st;
    struct st_encoder *encoder = NULL;
    struct st_kernels kernels;
    int64_t vectors;

    st_kernels_init(&kernels, m->settings->cpu_mask);
    if ((st = st_hearing_load(m->hearing, &encoder, m->settings, &kernels, m->callbacks, err)))
        return st;
    st = st_sound_write_features(m->sound, encoder, m->path, true, m->callbacks, &vectors, err);
    st_encoder_close(&encoder);
    if (st)
        return st;
    st_log(m->callbacks, SYNCTALK_LOG_INFO, "%s: %" PRId64 " vectors made from %s", m->path,
           vectors, st_path_base(m->sound));
    if (!is_told_of(m) || (!m->network[0] && (st = st_hearing_hash(m->hearing, m->network, err))))
        return st;
    const struct st_preprocess_result result = {
        .vectors = vectors,
        .encoder = m->hearing->info->name,
        .features = m->hearing->info->feature_files[0],
        .encoder_path = m->hearing->path,
        .encoder_sha256 = m->network,
    };
    return st_preprocess_info_add_features(&m->found, m->folder, &result, err);
}

static synctalk_status make_if_wanted(struct making *m, synctalk_error *err)
{
    synctalk_status st;
    synctalk_error why = {0};
    const char *const file = m->hearing->info->feature_files[0];

    if (st_hearing_features(m->hearing, m->folder, m->path)) {
        bool another;
        st = is_of_another(&another, m, err);
        return st || !another ? st : make(m, err);
    }
    if ((st = st_path_join(m->path, m->folder, file, err)))
        return st;
    if (st_hearing_find(m->hearing, m->settings, &why)) {
        if (st_path_is_file(m->path))
            st_log(m->callbacks, SYNCTALK_LOG_WARNING,
                   "%s: older than %s, and used all the same: %s", m->path, st_path_base(m->sound),
                   why.message);
        return SYNCTALK_OK;
    }
    return make(m, err);
}

synctalk_status st_dataset_features_make(struct st_hearing *hearing, const char *folder,
                                         const synctalk_settings *settings,
                                         const synctalk_callbacks *callbacks, synctalk_error *err)
{
    struct making m = {
        .hearing = hearing, .folder = folder, .settings = settings, .callbacks = callbacks};
    synctalk_status st = st_path_join(m.sound, folder, "aud.wav", err);
    if (st || !st_path_is_file(m.sound))
        return st;
    if (!(st = st_preprocess_found_read(&m.found, folder, err)))
        st = make_if_wanted(&m, err);
    st_preprocess_found_free(&m.found);
    return st;
}
