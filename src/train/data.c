/* SPDX-License-Identifier: Apache-2.0 */
#include "train/data.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "models/encoder.h"
#include "models/train_models.h"

#define MOST_APART 25 /* frames by which pictures and sound may differ: a second */

/* Which encoder's features, and where they are. */
struct chosen {
    synctalk_encoder kind; /* whose vectors they are shaped as */
    const char *name;      /* of the encoder */
    char path[ST_PATH_MAX];
};

/* The first feature file of `kind` that is there. */
static bool find_features(char *path, const char *folder, synctalk_encoder kind)
{
    const struct st_encoder_info *info = st_encoder_info(kind);
    for (size_t i = 0; info->feature_files[i]; i++)
        if (!st_path_join(path, folder, info->feature_files[i], NULL) && st_path_is_file(path))
            return true;
    return false;
}

static synctalk_status no_features(const char *folder, const char *name, const char *file,
                                   synctalk_error *err)
{
    char sound[ST_PATH_MAX];
    if (!st_path_join(sound, folder, "aud.wav", NULL) && st_path_is_file(sound))
        return st_fail(err, SYNCTALK_E_MISSING,
                       "%s: no audio features there; make them with: synctalk features %s/aud.wav "
                       "-o %s/%s --encoder %s",
                       folder, folder, folder, file, name);
    return st_fail(err, SYNCTALK_E_MISSING, "%s: no audio features there; expected %s", folder,
                   file);
}

/* Of a custom encoder nothing is known here but its name: its features say the rest. */
static synctalk_status choose_custom(struct chosen *chosen, const char *folder, const char *file,
                                     const char *given, synctalk_error *err)
{
    struct st_weights *features = NULL;
    synctalk_status st = given ? st_path_format(chosen->path, err, "%s", given)
                               : st_path_join(chosen->path, folder, file, err);
    if (st)
        return st;
    if (!given && !st_path_is_file(chosen->path))
        return no_features(folder, chosen->name, file, err);
    if ((st = st_weights_open(&features, chosen->path, err)))
        return st;
    const struct st_tensor *table =
        st_weights_count(features) == 1 ? st_weights_at(features, 0) : NULL;
    const size_t vector =
        table && table->rank >= 2 && table->dims[0] ? table->count / table->dims[0] : 0;
    chosen->kind = st_unet_encoder_of(vector);
    if (chosen->kind == SYNCTALK_ENCODER_AUTO)
        st = st_fail(err, SYNCTALK_E_FORMAT,
                     "%s: holds vectors of %zu numbers; a network is trained on 512, 2048 or 8192",
                     chosen->path, vector);
    st_weights_close(&features);
    return st;
}

static synctalk_status choose_features(struct chosen *chosen, const char *folder,
                                       const synctalk_train_settings *settings,
                                       const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const synctalk_encoder kinds[] = {SYNCTALK_ENCODER_AVE, SYNCTALK_ENCODER_HUBERT,
                                      SYNCTALK_ENCODER_WENET};
    synctalk_encoder kind = (synctalk_encoder)settings->encoder;

    if (kind == SYNCTALK_ENCODER_CUSTOM) {
        char file[96];
        chosen->name = settings->encoder_name;
        snprintf(file, sizeof file, "aud_%s.npy", chosen->name);
        return choose_custom(chosen, folder, file, settings->features, err);
    }
    for (size_t i = 0; i < 3 && kind == SYNCTALK_ENCODER_AUTO && !settings->features; i++) {
        if (!find_features(chosen->path, folder, kinds[i]))
            continue;
        kind = kinds[i];
        st_log(callbacks, SYNCTALK_LOG_INFO, "audio encoder %s, since there is %s",
               st_encoder_info(kind)->name, chosen->path);
    }
    chosen->kind = kind ? kind : SYNCTALK_ENCODER_AVE;
    const struct st_encoder_info *info = st_encoder_info(chosen->kind);
    chosen->name = info->name;
    if (settings->features)
        return st_path_format(chosen->path, err, "%s", settings->features);
    return find_features(chosen->path, folder, chosen->kind)
               ? SYNCTALK_OK
               : no_features(folder, info->name, info->feature_files[0], err);
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
        return st_fail(
            err, SYNCTALK_E_FORMAT,
            "%s: holds %" PRId64 " vectors for %" PRId64 " frames, which is %" PRId64
            " apart; were they made from this dataset's sound, and does the dataset have "
            "as many frames a second as %s hears vectors?",
            path, sounds, pictures, apart, data->form.hears);
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
    struct chosen chosen;
    char parent[ST_PATH_MAX];
    char folder[ST_PATH_MAX];

    memset(data, 0, sizeof *data);
    if ((st = st_check_name(settings->model, err)) ||
        (st = st_path_join(parent, settings->root, "dataset", err)) ||
        (st = st_path_join(folder, parent, settings->model, err)))
        return st;
    if (!st_path_is_dir(folder))
        return st_fail(err, SYNCTALK_E_MISSING, "%s: no such folder; is --root right?", folder);
    if ((st = choose_features(&chosen, folder, settings, callbacks, err)))
        return st;
    st_train_unet_form(&data->form, settings->width == SYNCTALK_WIDTH_NARROW, chosen.kind);
    snprintf(data->form.hears, sizeof data->form.hears, "%s", chosen.name);
    if ((st = st_windows_open(&data->windows, chosen.path, data->form.vector, data->form.window,
                              err)) ||
        (st = st_dataset_open(&data->dataset, folder, callbacks, err)) ||
        (st = match_lengths(data, chosen.path, callbacks, err)) ||
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
