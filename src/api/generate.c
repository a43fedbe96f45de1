/* SPDX-License-Identifier: Apache-2.0 */
/* Argument checks of the public calls; the work is below, in generate/. */
#include "generate/generate.h"

#include "api/options.h"
#include "base/error.h"
#include "base/file.h"
#include "generate/hearing.h"
#include "generate/sound.h"
#include "synctalk/synctalk.h"

unsigned synctalk_api_version(void)
{
    return SYNCTALK_API_VERSION;
}

const char *synctalk_version(void)
{
    return ST_VERSION;
}

synctalk_status synctalk_person_open(synctalk_person **out, const synctalk_settings *settings,
                                     const synctalk_callbacks *callbacks, synctalk_error *err)
{
    *out = NULL;
    synctalk_status st = synctalk_settings_check(settings, err);
    return st ? st : st_person_open(out, settings, callbacks, err);
}

void synctalk_person_close(synctalk_person **person)
{
    st_person_close(person);
}

int64_t synctalk_person_frames(const synctalk_person *person)
{
    return person->source->info.frames;
}

synctalk_status synctalk_generate(synctalk_person *person, const synctalk_settings *settings,
                                  const char *audio, const char *output,
                                  const synctalk_callbacks *callbacks, synctalk_report *report,
                                  synctalk_error *err)
{
    synctalk_status st = synctalk_settings_check(settings, err);
    if (st)
        return st;
    if (!audio || !*audio)
        return st_fail(err, SYNCTALK_E_ARG, "no sound named: give --audio FILE");
    if (!output)
        return st_fail(err, SYNCTALK_E_ARG, "no output named");
    if (st_path_is_same(audio, output) ||
        (settings->video && st_path_is_same(settings->video, output)))
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s: is both what the video is made of and what it is written to; choose "
                       "another output",
                       output);
    return st_generate(person, settings, audio, output, callbacks, report, err);
}

synctalk_status synctalk_features_write(const synctalk_settings *settings, const char *audio,
                                        const char *output, const synctalk_callbacks *callbacks,
                                        int64_t *vectors, synctalk_error *err)
{
    synctalk_status st = st_settings_ranges(settings, err);
    struct st_hearing hearing = {0};
    struct st_encoder *encoder = NULL;
    struct st_kernels kernels;

    if (st)
        return st;
    if (!audio || !*audio || !output)
        return st_fail(err, SYNCTALK_E_ARG, "both a sound and an output must be named");
    if (st_path_is_same(audio, output))
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s: is both the sound and the output; choose another output", output);
    st_kernels_init(&kernels, settings->cpu_mask);
    if (!(st = st_hearing_choose(&hearing, settings,
                                 settings->encoder ? (synctalk_encoder)settings->encoder
                                                   : SYNCTALK_ENCODER_AVE,
                                 settings->encoder_name, err)) &&
        !(st = st_hearing_find(&hearing, settings, err)) &&
        !(st = st_hearing_load(&hearing, &encoder, settings, &kernels, callbacks, err)))
        st = st_sound_write_features(audio, encoder, output, settings->overwrite, callbacks,
                                     vectors, err);
    st_encoder_close(&encoder);
    st_hearing_close(&hearing);
    return st;
}
