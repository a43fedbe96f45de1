/* SPDX-License-Identifier: Apache-2.0 */
/* Argument checks of training; the work is below, in train/. */
#include "train/train.h"

#include "api/options.h"
#include "base/error.h"

static synctalk_status check(const synctalk_train_settings *settings, synctalk_error *err)
{
    struct st_option_table table;
    table.rows = synctalk_train_settings_options(&table.count);
    if (!settings || !settings->root)
        return st_fail(err, SYNCTALK_E_ARG,
                       "root is NULL; call synctalk_train_settings_init() first");
    return st_option_check(&table, settings, err);
}

synctalk_status synctalk_train(const synctalk_train_settings *settings,
                               const synctalk_callbacks *callbacks, synctalk_train_report *report,
                               synctalk_error *err)
{
    synctalk_status st = check(settings, err);
    return st ? st : st_train(settings, callbacks, report, err);
}

synctalk_status synctalk_train_syncnet(const synctalk_train_settings *settings,
                                       const synctalk_callbacks *callbacks,
                                       synctalk_train_report *report, synctalk_error *err)
{
    synctalk_status st = check(settings, err);
    return st ? st : st_train_syncnet(settings, callbacks, report, err);
}
