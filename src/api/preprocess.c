/* SPDX-License-Identifier: Apache-2.0 */
/* Argument checks of preprocess; the work is below, in generate/. */
#include "generate/preprocess.h"

#include "api/options.h"
#include "base/error.h"

#define FPS_MAX 100

void synctalk_preprocess_init(synctalk_preprocess_job *job)
{
    *job = (synctalk_preprocess_job){.fps = 0};
}

synctalk_status synctalk_preprocess(const synctalk_settings *settings,
                                    const synctalk_preprocess_job *job,
                                    const synctalk_callbacks *callbacks,
                                    synctalk_preprocess_report *report, synctalk_error *err)
{
    synctalk_status st;
    if (!settings || !job)
        return st_fail(err, SYNCTALK_E_ARG, "settings and a job are needed");
    if ((st = st_settings_ranges(settings, err)))
        return st;
    if (!job->video || !*job->video)
        return st_fail(err, SYNCTALK_E_ARG, "no video named");
    if (!job->name || !*job->name)
        return st_fail(err, SYNCTALK_E_ARG, "no person named: give --name NAME");
    if (job->fps < 0 || job->fps > FPS_MAX)
        return st_fail(err, SYNCTALK_E_ARG, "fps is %d; 1 to %d is allowed, or 0 for the encoder's",
                       job->fps, FPS_MAX);
    if (settings->no_face == SYNCTALK_NO_FACE_PASS)
        return st_fail(
            err, SYNCTALK_E_ARG,
            "no-face: a dataset needs landmarks for every frame: hold or fail, not pass");
    return st_preprocess(settings, job, callbacks, report, err);
}
