/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/hearing.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/log.h"
#include "generate/model_files.h"

#define PURPOSE "to hear sound with the audio encoder "

/* "encoders/NAME.json", "NAME.json". */
static synctalk_status find_custom(struct st_hearing *hearing, const synctalk_settings *settings,
                                   const char *name, synctalk_error *err)
{
    char first[ST_ENCODER_NAME + 24];
    char second[ST_ENCODER_NAME + 8];
    char purpose[ST_ENCODER_NAME + 120];
    const char *const files[] = {first, second, NULL};

    if (!st_encoder_name_is_own(name))
        return st_fail(err, SYNCTALK_E_ARG,
                       "encoder: \"%.80s\" cannot name an audio encoder of one's own: letters, "
                       "digits, - and _, and none of auto, ave, hubert and wenet",
                       name ? name : "");
    snprintf(first, sizeof first, "encoders/%s.json", name);
    snprintf(second, sizeof second, "%s.json", name);
    snprintf(purpose, sizeof purpose,
             PURPOSE "%s (built in are ave, hubert and wenet; such a file describes another)",
             name);
    return st_find_shared(hearing->path, settings, files, purpose, err);
}

synctalk_status st_hearing_choose(struct st_hearing *hearing, const synctalk_settings *settings,
                                  synctalk_encoder kind, const char *name, synctalk_error *err)
{
    assert(kind != SYNCTALK_ENCODER_AUTO);
    *hearing = (struct st_hearing){0};
    if (kind != SYNCTALK_ENCODER_CUSTOM) {
        hearing->info = st_encoder_info(kind);
        return SYNCTALK_OK;
    }
    synctalk_status st = find_custom(hearing, settings, name, err);
    if (st)
        return st;
    if (!(hearing->custom = malloc(sizeof *hearing->custom)))
        return st_fail_memory(err, "an audio encoder", sizeof *hearing->custom);
    hearing->info = &hearing->custom->info;
    if ((st = st_custom_encoder_read(hearing->custom, hearing->path, err)))
        st_hearing_close(hearing);
    return st;
}

void st_hearing_close(struct st_hearing *hearing)
{
    free(hearing->custom);
    *hearing = (struct st_hearing){0};
}

synctalk_status st_hearing_find(struct st_hearing *hearing, const synctalk_settings *settings,
                                synctalk_error *err)
{
    char purpose[ST_ENCODER_NAME + 64];
    if (hearing->custom)
        return SYNCTALK_OK;
    snprintf(purpose, sizeof purpose, PURPOSE "%s", hearing->info->name);
    return st_find_shared(hearing->path, settings, hearing->info->weight_files, purpose, err);
}

synctalk_status st_hearing_hash(const struct st_hearing *hearing, char text[ST_HASH_TEXT],
                                synctalk_error *err)
{
    char network[ST_HASH_TEXT];
    struct st_hash *hash;
    synctalk_status st = st_hash_file(text, hearing->path, err);

    if (st || !hearing->custom)
        return st;
    if ((st = st_hash_file(network, hearing->custom->network, err)) ||
        (st = st_hash_create(&hash, err)))
        return st;
    st_hash_add(hash, text, ST_HASH_TEXT);
    st_hash_add(hash, network, ST_HASH_TEXT);
    st_hash_end(&hash, text);
    return SYNCTALK_OK;
}

bool st_hearing_features(const struct st_hearing *hearing, const char *folder, char *path)
{
    char sound[ST_PATH_MAX];
    if (st_path_join(sound, folder, "aud.wav", NULL))
        return false;
    for (size_t i = 0; hearing->info->feature_files[i]; i++)
        if (!st_path_join(path, folder, hearing->info->feature_files[i], NULL) &&
            st_path_is_file(path) && (!st_path_is_file(sound) || st_path_is_newer(path, sound)))
            return true;
    return false;
}

synctalk_status st_hearing_load(const struct st_hearing *hearing, struct st_encoder **out,
                                const synctalk_settings *settings, const struct st_kernels *kernels,
                                const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const struct st_encoder_options options = {
        .kernels = kernels,
        .threads = settings->threads ? settings->threads : st_cpu_cores(),
        .exact = settings->precision == SYNCTALK_PRECISION_F32,
        .onnxruntime = settings->onnxruntime,
    };
    synctalk_status st = st_encoder_open(out, hearing->info->kind, hearing->path, &options, err);
    if (!st)
        st_log(callbacks, SYNCTALK_LOG_INFO, "audio encoder %s: %s", hearing->info->name,
               hearing->path);
    return st;
}
