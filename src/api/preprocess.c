/* SPDX-License-Identifier: Apache-2.0 */
/* Argument checks of preprocess and preprocess-clips; the work is below, in generate/. */
#include "generate/preprocess.h"

#include "api/options.h"
#include "base/error.h"
#include "generate/preprocess_clips.h"

#define FPS_MAX 100

void synctalk_preprocess_init(synctalk_preprocess_job *job)
{
    *job = (synctalk_preprocess_job){.fps = 0};
}

/* What datasets and clips have in common. */
static synctalk_status check(const synctalk_settings *settings, int fps, synctalk_error *err)
{
    synctalk_status st = st_settings_ranges(settings, err);
    if (st)
        return st;
    if (fps < 0 || fps > FPS_MAX)
        return st_fail(err, SYNCTALK_E_ARG, "fps is %d; 1 to %d is allowed, or 0 for the encoder's",
                       fps, FPS_MAX);
    if (settings->no_face == SYNCTALK_NO_FACE_PASS)
        return st_fail(
            err, SYNCTALK_E_ARG,
            "no-face: a dataset needs landmarks for every frame: hold or fail, not pass");
    return SYNCTALK_OK;
}

synctalk_status synctalk_preprocess(const synctalk_settings *settings,
                                    const synctalk_preprocess_job *job,
                                    const synctalk_callbacks *callbacks,
                                    synctalk_preprocess_report *report, synctalk_error *err)
{
    synctalk_status st;
    if (!settings || !job)
        return st_fail(err, SYNCTALK_E_ARG, "settings and a job are needed");
    if (!job->video || !*job->video)
        return st_fail(err, SYNCTALK_E_ARG, "no video named");
    if (!job->name || !*job->name)
        return st_fail(err, SYNCTALK_E_ARG, "no person named: give --name NAME");
    if ((st = check(settings, job->fps, err)))
        return st;
    return st_preprocess(settings, job, callbacks, report, err);
}

void synctalk_clips_init(synctalk_clips_job *job)
{
    *job = (synctalk_clips_job){.fps = 0};
}

synctalk_status synctalk_preprocess_clips(const synctalk_settings *settings,
                                          const synctalk_clips_job *job,
                                          const synctalk_callbacks *callbacks,
                                          synctalk_clips_report *report, synctalk_error *err)
{
    synctalk_status st;
    if (!settings || !job)
        return st_fail(err, SYNCTALK_E_ARG, "settings and a job are needed");
    if ((st = check(settings, job->fps, err)))
        return st;
    return st_preprocess_clips(settings, job, callbacks, report, err);
}
