/* SPDX-License-Identifier: Apache-2.0 */
/* Argument checks of a look at a video; the work is below, in generate/. */
#include "synctalk/look.h"

#include "base/error.h"
#include "generate/look.h"
#include "synctalk/generate.h"

synctalk_status synctalk_look(const synctalk_settings *settings,
                              const synctalk_callbacks *callbacks, synctalk_look_report *report,
                              synctalk_error *err)
{
    synctalk_status st = synctalk_settings_check(settings, err);
    if (st)
        return st;
    if (settings->mode != SYNCTALK_MODE_VIDEO)
        return st_fail(err, SYNCTALK_E_ARG,
                       "there is a video to look at in mode video only; mode is another one");
    return st_look(settings, callbacks, report, err);
}
