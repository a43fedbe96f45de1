/* SPDX-License-Identifier: Apache-2.0 */
/* Argument checks of training; the work is below, in train/. */
#include "train/train.h"

#include "api/options.h"
#include "base/error.h"
#include "face/dataset.h"
#include "generate/dataset_features.h"

static synctalk_status check(const synctalk_train_settings *settings, synctalk_error *err)
{
    struct st_option_table table;
    table.rows = synctalk_train_settings_options(&table.count);
    if (!settings || !settings->root)
        return st_fail(err, SYNCTALK_E_ARG,
                       "root is NULL; call synctalk_train_settings_init() first");
    return st_option_check(&table, settings, err);
}

/* The encoder that the settings name, else the first of those whose features are there. */
static synctalk_encoder choose_encoder(const synctalk_train_settings *settings, const char *folder)
{
    char path[ST_PATH_MAX];
    if (settings->encoder != SYNCTALK_ENCODER_AUTO)
        return (synctalk_encoder)settings->encoder;
    for (int kind = SYNCTALK_ENCODER_AVE; kind <= SYNCTALK_ENCODER_WENET; kind++) {
        const struct st_encoder_info *info = st_encoder_info((synctalk_encoder)kind);
        for (size_t i = 0; info->feature_files[i]; i++)
            if (!st_path_join(path, folder, info->feature_files[i], NULL) && st_path_is_file(path))
                return (synctalk_encoder)kind;
    }
    return SYNCTALK_ENCODER_AVE;
}

/* What training reads must be there and belong to the sound. What cannot be made is told by
 * the training itself, which knows what it needs. */
static synctalk_status make_features(const synctalk_train_settings *train,
                                     const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st;
    synctalk_settings settings;
    struct st_hearing hearing = {0};
    char datasets[ST_PATH_MAX];
    char folder[ST_PATH_MAX];

    if (train->features || !train->model || st_check_name(train->model, NULL) ||
        st_path_join(datasets, train->root, "dataset", NULL) ||
        st_path_join(folder, datasets, train->model, NULL) || !st_path_is_dir(folder))
        return SYNCTALK_OK;
    synctalk_settings_init(&settings);
    settings.root = train->root;
    settings.models = train->models;
    settings.more_models = train->more_models;
    settings.onnxruntime = train->onnxruntime;
    settings.threads = train->threads;
    settings.cpu_mask = train->cpu_mask;
    settings.precision =
        train->precision == SYNCTALK_TRAIN_F32 ? SYNCTALK_PRECISION_F32 : SYNCTALK_PRECISION_AUTO;
    st = st_hearing_choose(&hearing, &settings, choose_encoder(train, folder), train->encoder_name,
                           err);
    if (st == SYNCTALK_E_MISSING) /* an encoder that only its features are left of */
        return SYNCTALK_OK;
    if (!st)
        st = st_dataset_features_make(&hearing, folder, &settings, callbacks, err);
    st_hearing_close(&hearing);
    return st;
}

synctalk_status synctalk_train(const synctalk_train_settings *settings,
                               const synctalk_callbacks *callbacks, synctalk_train_report *report,
                               synctalk_error *err)
{
    synctalk_status st = check(settings, err);
    if (!st)
        st = make_features(settings, callbacks, err);
    return st ? st : st_train(settings, callbacks, report, err);
}

synctalk_status synctalk_train_syncnet(const synctalk_train_settings *settings,
                                       const synctalk_callbacks *callbacks,
                                       synctalk_train_report *report, synctalk_error *err)
{
    synctalk_status st = check(settings, err);
    if (!st)
        st = make_features(settings, callbacks, err);
    return st ? st : st_train_syncnet(settings, callbacks, report, err);
}
