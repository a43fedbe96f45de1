/* SPDX-License-Identifier: Apache-2.0 */
#include "train/data.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "models/encoder.h"
#include "models/train_models.h"

#define MOST_APART 25 /* frames by which pictures and sound may differ: a second */

/* The first feature file of `kind` that is there. */
static bool find_features(char *path, const char *folder, synctalk_encoder kind)
{
    const struct st_encoder_info *info = st_encoder_info(kind);
    for (size_t i = 0; info->feature_files[i]; i++)
        if (!st_path_join(path, folder, info->feature_files[i], NULL) && st_path_is_file(path))
            return true;
    return false;
}

static synctalk_status no_features(const char *folder, const struct st_encoder_info *info,
                                   synctalk_error *err)
{
    char sound[ST_PATH_MAX];
    const char *file = info->feature_files[0];
    if (info->runs && !st_path_join(sound, folder, "aud.wav", NULL) && st_path_is_file(sound))
        return st_fail(err, SYNCTALK_E_MISSING,
                       "%s: no audio features there; make them with: synctalk features %s/aud.wav "
                       "-o %s/%s --encoder %s",
                       folder, folder, folder, file, info->name);
    return st_fail(err, SYNCTALK_E_MISSING, "%s: no audio features there; expected %s", folder,
                   file);
}

/* Which encoder, and where its features are. */
static synctalk_status choose_features(synctalk_encoder *kind, char *path, const char *folder,
                                       const synctalk_train_settings *settings,
                                       const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const synctalk_encoder kinds[] = {SYNCTALK_ENCODER_AVE, SYNCTALK_ENCODER_HUBERT,
                                      SYNCTALK_ENCODER_WENET};
    *kind = (synctalk_encoder)settings->encoder;
    if (settings->features) {
        if (*kind == SYNCTALK_ENCODER_AUTO)
            *kind = SYNCTALK_ENCODER_AVE;
        return st_path_format(path, err, "%s", settings->features);
    }
    if (*kind != SYNCTALK_ENCODER_AUTO)
        return find_features(path, folder, *kind)
                   ? SYNCTALK_OK
                   : no_features(folder, st_encoder_info(*kind), err);
    for (size_t i = 0; i < 3; i++) {
        if (!find_features(path, folder, kinds[i]))
            continue;
        *kind = kinds[i];
        st_log(callbacks, SYNCTALK_LOG_INFO, "audio encoder %s, since there is %s",
               st_encoder_info(*kind)->name, path);
        return SYNCTALK_OK;
    }
    return no_features(folder, st_encoder_info(SYNCTALK_ENCODER_AVE), err);
}

/* Frames with both picture and sound. A recorder stops sound and picture not quite
 * together; what is farther apart belongs to another recording. */
static synctalk_status match_lengths(struct st_train_data *data, const char *path,
                                     const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const int64_t pictures = data->dataset.frames;
    const int64_t sounds = data->windows.count;
    const int64_t apart = pictures > sounds ? pictures - sounds : sounds - pictures;

    if (apart > MOST_APART || apart * 2 > pictures)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: holds %" PRId64 " vectors for %" PRId64 " frames, which is %" PRId64
                       " apart; were they made from this dataset's sound, at %d frames a second?",
                       path, sounds, pictures, apart, st_encoder_info(data->form.encoder)->fps);
    data->frames = pictures < sounds ? pictures : sounds;
    if (apart > 2)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s: holds %" PRId64 " vectors for %" PRId64 " frames; the first %" PRId64
               " are used",
               path, sounds, pictures, data->frames);
    return SYNCTALK_OK;
}

static void split(struct st_train_data *data, double holdout)
{
    int64_t held = (int64_t)llround(holdout * (double)data->frames);
    if (holdout > 0 && held == 0)
        held = 1;
    data->train = data->frames - held;
}

synctalk_status st_train_data_open(struct st_train_data *data,
                                   const synctalk_train_settings *settings, struct st_pool *pool,
                                   const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st;
    synctalk_encoder kind;
    char parent[ST_PATH_MAX];
    char folder[ST_PATH_MAX];
    char features[ST_PATH_MAX];

    memset(data, 0, sizeof *data);
    if ((st = st_check_name(settings->model, err)) ||
        (st = st_path_join(parent, settings->root, "dataset", err)) ||
        (st = st_path_join(folder, parent, settings->model, err)))
        return st;
    if (!st_path_is_dir(folder))
        return st_fail(err, SYNCTALK_E_MISSING, "%s: no such folder; is --root right?", folder);
    if ((st = choose_features(&kind, features, folder, settings, callbacks, err)))
        return st;
    st_train_unet_form(&data->form, settings->width == SYNCTALK_WIDTH_NARROW, kind);
    if ((st = st_windows_open(&data->windows, features, data->form.vector, data->form.window,
                              err)) ||
        (st = st_dataset_open(&data->dataset, folder, callbacks, err)) ||
        (st = match_lengths(data, features, callbacks, err)) ||
        (st = st_crops_open(&data->crops, &data->dataset, pool, callbacks, err)))
        goto done;
    split(data, settings->holdout);
    data->key = data->crops.key * 31 + data->windows.key;

done:
    if (st)
        st_train_data_close(data);
    return st;
}

void st_train_data_close(struct st_train_data *data)
{
    st_crops_close(&data->crops);
    st_windows_close(&data->windows);
    st_dataset_close(&data->dataset);
    memset(data, 0, sizeof *data);
}

int64_t st_train_data_reference(const struct st_train_data *data, int64_t held)
{
    int64_t back = held - data->train / 2;
    return back >= 0 && back < data->train ? back : data->train - 1 - (held % data->train);
}
